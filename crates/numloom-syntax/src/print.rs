//! Tree to text: canonical source, and the indented dump of `explain --stage ast`.
//!
//! In: an [`Ast`]. Out: text that parses back to an equal tree, one statement a line, with a blank round
//! every operator but `**` and signs, and parentheses only where the tree would change without them.
//! Neither form recurses: what is still to print waits on a stack of its own.

use std::fmt;

use crate::{
    Ast, ExprId, ExprKind, Precedence, Stmt, StmtKind, SubscriptItem, SubscriptKind, UnaryOp,
};

impl ExprKind {
    /// How tightly the expression holds together when printed.
    pub fn precedence(&self) -> Precedence {
        match self {
            Self::Unary { op, .. } => op.precedence(),
            Self::Binary { op, .. } => op.precedence(),
            Self::Compare { .. } => Precedence::Compare,
            Self::BoolOp { op, .. } => op.precedence(),
            Self::IfElse { .. } => Precedence::IfElse,
            // Only a tree made by hand holds one; it reads back as a sign and a number.
            Self::Float(value) | Self::Imaginary(value) if value.is_sign_negative() => {
                Precedence::Unary
            }
            _ => Precedence::Postfix,
        }
    }
}

/// Something still to print.
enum Piece<'a> {
    Text(&'static str),
    Name(&'a str),
    Items(&'a [SubscriptItem]),
    /// An expression, in parentheses if it holds less tightly than this.
    Expr(ExprId, Precedence),
}

/// Canonical source text, which parses back to an equal tree if names are names and no float is NaN.
impl fmt::Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, stmt) in self.stmts.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match (stmt.kind, &stmt.name) {
                (StmtKind::Let, Some((name, _))) => write!(f, "let {name} = ")?,
                (StmtKind::Output, Some((name, _))) => write!(f, "{name} = ")?,
                _ => {}
            }
            self.print(stmt.value, f)?;
        }
        Ok(())
    }
}

impl Ast {
    /// The text of one expression.
    ///
    /// ```
    /// use numloom_syntax::parse;
    /// let ast = parse("((a + b)) * (c * d)")?;
    /// assert_eq!(ast.display(ast.stmts[0].value).to_string(), "(a + b) * (c * d)");
    /// # Ok::<(), numloom_syntax::SyntaxErrors>(())
    /// ```
    pub fn display(&self, id: ExprId) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| self.print(id, f))
    }

    fn print(&self, id: ExprId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut stack = vec![Piece::Expr(id, Precedence::IfElse)];
        while let Some(piece) = stack.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Name(name) => f.write_str(name)?,
                Piece::Items(items) => print_items(items, f)?,
                Piece::Expr(id, least) => {
                    let kind = self.kind(id);
                    // Pieces are pushed in the order written, then turned round.
                    let below = stack.len();
                    if kind.precedence() < least {
                        f.write_str("(")?;
                        self.push_pieces(kind, &mut stack, f)?;
                        stack.push(Piece::Text(")"));
                    } else {
                        self.push_pieces(kind, &mut stack, f)?;
                    }
                    stack[below..].reverse();
                }
            }
        }
        Ok(())
    }

    /// Prints a leaf at once; pushes the pieces of anything else.
    fn push_pieces<'a>(
        &self,
        kind: &'a ExprKind,
        out: &mut Vec<Piece<'a>>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        use Piece::{Expr, Text};
        match kind {
            ExprKind::Int(lit) => return write!(f, "{}", lit.value),
            ExprKind::Float(value) => return print_float(*value, f),
            ExprKind::Imaginary(value) => {
                print_float(*value, f)?;
                return f.write_str("j");
            }
            ExprKind::Bool(true) => return f.write_str("True"),
            ExprKind::Bool(false) => return f.write_str("False"),
            ExprKind::None => return f.write_str("None"),
            ExprKind::Bytes(bytes) => return print_bytes(bytes, f),
            ExprKind::Str(text) => return print_str(text, f),
            ExprKind::Name(name) => return f.write_str(name),
            ExprKind::Unary { op, arg } => {
                out.push(Text(op.symbol()));
                if *op == UnaryOp::Not {
                    out.push(Text(" "));
                }
                out.push(Expr(*arg, op.precedence()));
            }
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let level = op.precedence();
                // `**` takes a sign on its right and nothing looser than a postfix on its left.
                let (left, right, space) = match level {
                    Precedence::Pow => (Precedence::Postfix, Precedence::Unary, ""),
                    _ => (level, tighter(level), " "),
                };
                out.extend([
                    Expr(*lhs, left),
                    Text(space),
                    Text(op.symbol()),
                    Text(space),
                ]);
                out.push(Expr(*rhs, right));
            }
            ExprKind::Compare { first, rest } => {
                out.push(Expr(*first, Precedence::BitOr));
                for (op, _, rhs) in rest {
                    out.extend([Text(" "), Text(op.symbol()), Text(" ")]);
                    out.push(Expr(*rhs, Precedence::BitOr));
                }
            }
            ExprKind::BoolOp { op, args } => {
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        out.extend([Text(" "), Text(op.symbol()), Text(" ")]);
                    }
                    out.push(Expr(*arg, tighter(op.precedence())));
                }
            }
            ExprKind::IfElse {
                cond,
                then,
                otherwise,
            } => out.extend([
                Expr(*then, Precedence::Or),
                Text(" if "),
                Expr(*cond, Precedence::Or),
                Text(" else "),
                Expr(*otherwise, Precedence::IfElse),
            ]),
            ExprKind::Call { func, args, .. } => {
                out.extend([Piece::Name(func), Text("(")]);
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        out.push(Text(", "));
                    }
                    if let Some((name, _)) = &arg.name {
                        out.extend([Piece::Name(name), Text("=")]);
                    }
                    out.push(Expr(arg.value, Precedence::IfElse));
                }
                out.push(Text(")"));
            }
            ExprKind::Attr { base, attr, .. } => {
                // Without parentheses a number would take the point for its own.
                let number = matches!(
                    self.kind(*base),
                    ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_)
                );
                let base = Expr(*base, Precedence::Postfix);
                match number {
                    true => out.extend([Text("("), base, Text(")")]),
                    false => out.push(base),
                }
                out.extend([Text("."), Text(attr.name())]);
            }
            ExprKind::Subscript { base, items } => {
                out.extend([Expr(*base, Precedence::Postfix), Text("[")]);
                out.extend([Piece::Items(items), Text("]")]);
            }
            ExprKind::Tuple(parts) => {
                out.push(Text("("));
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        out.push(Text(", "));
                    }
                    out.push(Expr(*part, Precedence::IfElse));
                }
                out.push(Text(if parts.len() == 1 { ",)" } else { ")" }));
            }
        }
        Ok(())
    }
}

/// The next level that binds more tightly.
fn tighter(level: Precedence) -> Precedence {
    match level {
        Precedence::IfElse => Precedence::Or,
        Precedence::Or => Precedence::And,
        Precedence::And => Precedence::Not,
        Precedence::Not => Precedence::Compare,
        Precedence::Compare => Precedence::BitOr,
        Precedence::BitOr => Precedence::BitXor,
        Precedence::BitXor => Precedence::BitAnd,
        Precedence::BitAnd => Precedence::Shift,
        Precedence::Shift => Precedence::Sum,
        Precedence::Sum => Precedence::Product,
        Precedence::Product => Precedence::Unary,
        Precedence::Unary => Precedence::Pow,
        Precedence::Pow | Precedence::Postfix => Precedence::Postfix,
    }
}

/// The shortest text that reads back to the same bits; infinity as a literal that overflows to it.
fn print_float(value: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (value.is_infinite(), value.is_sign_negative()) {
        (true, false) => f.write_str("1e999"),
        (true, true) => f.write_str("-1e999"),
        (false, _) if value.is_nan() => f.write_str("nan"),
        (false, _) => write!(f, "{value:?}"),
    }
}

fn print_items(items: &[SubscriptItem], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        match item.kind {
            SubscriptKind::Index(at) => write!(f, "{at}")?,
            SubscriptKind::NewAxis => f.write_str("None")?,
            SubscriptKind::Ellipsis => f.write_str("...")?,
            SubscriptKind::Slice { start, stop, step } => {
                let print = |bound: Option<i64>, f: &mut fmt::Formatter<'_>| match bound {
                    Some(bound) => write!(f, "{bound}"),
                    None => Ok(()),
                };
                print(start, f)?;
                f.write_str(":")?;
                print(stop, f)?;
                if step.is_some() {
                    f.write_str(":")?;
                    print(step, f)?;
                }
            }
        }
    }
    Ok(())
}

fn print_str(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn print_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("b\"")?;
    for &byte in bytes {
        match byte {
            b'"' => f.write_str("\\\"")?,
            b'\\' => f.write_str("\\\\")?,
            b' '..=b'~' => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_str("\"")
}

/// Deeper nodes than this keep this indentation and say their depth.
const MAX_INDENT: usize = 40;

impl Ast {
    /// The tree as an indented dump, one node a line with its span. Its length is linear in the tree.
    ///
    /// ```
    /// use numloom_syntax::parse;
    /// let ast = parse("lo = min(2*a, axis=0)")?;
    /// assert_eq!(ast.tree().to_string(), "\
    /// output `lo`              0..21
    ///   call `min`             5..21
    ///     `*`                  9..12
    ///       int 2              9..10
    ///       name `a`           11..12
    ///     axis: int 0          19..20
    /// ");
    /// # Ok::<(), numloom_syntax::SyntaxErrors>(())
    /// ```
    pub fn tree(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| self.stmts.iter().try_for_each(|stmt| self.dump(stmt, f)))
    }

    fn dump(&self, stmt: &Stmt, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = match (stmt.kind, &stmt.name) {
            (StmtKind::Let, Some((name, _))) => format!("let `{name}`"),
            (StmtKind::Output, Some((name, _))) => format!("output `{name}`"),
            _ => "output".to_owned(),
        };
        writeln!(f, "{head:<24} {}", stmt.span)?;
        // What to print, how deep, and under which keyword.
        let mut stack = vec![(stmt.value, 1, None)];
        while let Some((id, depth, keyword)) = stack.pop() {
            let mut line = " ".repeat(2 * depth.min(MAX_INDENT));
            if depth > MAX_INDENT {
                line += &format!("(depth {depth}) ");
            }
            if let Some(keyword) = keyword {
                line += &format!("{keyword}: ");
            }
            line += &self.caption(id);
            writeln!(f, "{line:<24} {}", self.span(id))?;
            let below = stack.len();
            let kind = self.kind(id);
            kind.for_each_child(|child| stack.push((child, depth + 1, None)));
            match kind {
                ExprKind::Call { args, .. } => {
                    for (entry, arg) in stack[below..].iter_mut().zip(args) {
                        entry.2 = arg.name.as_ref().map(|(name, _)| name.as_str());
                    }
                }
                ExprKind::IfElse { .. } => {
                    let roles = [None, Some("if"), Some("else")];
                    for (entry, role) in stack[below..].iter_mut().zip(roles) {
                        entry.2 = role;
                    }
                }
                _ => {}
            }
            stack[below..].reverse();
        }
        Ok(())
    }

    /// What a node is, without its children.
    fn caption(&self, id: ExprId) -> String {
        match self.kind(id) {
            ExprKind::Int(lit) => format!("int {}", lit.value),
            ExprKind::Float(_) => format!("float {}", self.display(id)),
            ExprKind::Imaginary(_) => format!("imaginary {}", self.display(id)),
            ExprKind::Bool(_) => format!("bool {}", self.display(id)),
            ExprKind::Bytes(_) => format!("bytes {}", self.display(id)),
            ExprKind::Str(_) => format!("string {}", self.display(id)),
            ExprKind::None => "none".to_owned(),
            ExprKind::Name(name) => format!("name `{name}`"),
            ExprKind::Unary { op, .. } => format!("unary `{op}`"),
            ExprKind::Binary { op, .. } => format!("`{op}`"),
            ExprKind::Compare { rest, .. } => {
                let ops: Vec<&str> = rest.iter().map(|(op, ..)| op.symbol()).collect();
                format!("compare `{}`", ops.join(" "))
            }
            ExprKind::BoolOp { op, .. } => format!("`{op}`"),
            ExprKind::IfElse { .. } => "conditional".to_owned(),
            ExprKind::Call { func, .. } => format!("call `{func}`"),
            ExprKind::Attr { attr, .. } => format!("attribute `.{}`", attr.name()),
            ExprKind::Subscript { items, .. } => {
                let items = fmt::from_fn(|f| print_items(items, f));
                format!("subscript `[{items}]`")
            }
            ExprKind::Tuple(_) => "tuple".to_owned(),
        }
    }
}
