//! Nothing is left out: every operation, function and operator has a corpus case, every error code a golden.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use numloom_data::DType;
use numloom_ir::func::{FUNCTIONS, Rule};
use numloom_ir::{InstKind, LowerOptions, Op, Reduction, Schema, lower};
use numloom_math::accuracy;
use numloom_syntax::{BinaryOp, BoolOp, CmpOp, Code, ExprKind, UnaryOp};
use numloom_testkit::choices::{Choices, seeded};
use numloom_testkit::corpus::{Case, Expected, load_dir};
use numloom_testkit::generate::{Size, program};
use numloom_testkit::runner::applications;

/// Codes that nothing brings about yet, and why.
const NO_GOLDEN_YET: &[(Code, &str)] = &[
    (
        Code::UnusedOutput,
        "a place for an unknown output is `unknown-name`",
    ),
    (
        Code::NotSupportedYet,
        "everything that parses as part of the language is computed",
    ),
];

/// Operations on dtypes that the language never applies them to, and why; programs made by hand do.
const NOT_IN_THE_LANGUAGE: &[(&str, DType, &str)] = &[
    ("cast.sat", DType::Bool, "a cast from bool fits every dtype"),
    ("cast.chk", DType::Bool, "a cast from bool fits every dtype"),
    (
        "cast.sat",
        DType::F16,
        "f16 is widened before anything else",
    ),
    (
        "cast.chk",
        DType::F16,
        "f16 is widened before anything else",
    ),
];

fn dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn corpus() -> Vec<Case> {
    load_dir(&dir("corpus")).unwrap_or_else(|error| panic!("{error}"))
}

/// The cases that compute something.
fn computing() -> impl Iterator<Item = Case> {
    corpus()
        .into_iter()
        .filter(|case| matches!(case.expected, Expected::Outputs(_)))
}

#[test]
fn corpus_files_parse() {
    let cases = corpus();
    assert!(cases.len() > 500, "{} cases", cases.len());
}

#[test]
fn every_function_is_called_by_each_of_its_names() {
    let mut computed = HashSet::new();
    let mut refused = HashSet::new();
    for case in corpus() {
        let Ok(ast) = numloom_syntax::parse(&case.expr) else {
            continue;
        };
        for node in &ast.exprs {
            if let ExprKind::Call { func, .. } = &node.kind {
                match case.expected {
                    Expected::Outputs(_) => computed.insert(func.clone()),
                    Expected::Error { .. } => refused.insert(func.clone()),
                };
            }
        }
    }
    for func in FUNCTIONS {
        for &name in func.names {
            if func.rule == Rule::Later {
                assert!(
                    refused.contains(name),
                    "no case says that `{name}` is not supported yet"
                );
            } else {
                assert!(computed.contains(name), "no corpus case calls `{name}`");
            }
        }
    }
}

#[test]
fn every_operator_is_used() {
    let mut symbols = BTreeSet::new();
    for case in computing() {
        let ast = numloom_syntax::parse(&case.expr).expect("a case that computes parses");
        for node in &ast.exprs {
            match &node.kind {
                ExprKind::Unary { op, .. } => {
                    symbols.insert(format!("unary {op}"));
                }
                ExprKind::Binary { op, .. } => {
                    symbols.insert(op.to_string());
                }
                ExprKind::Compare { rest, .. } => {
                    symbols.extend(rest.iter().map(|(op, ..)| op.to_string()))
                }
                ExprKind::BoolOp { op, .. } => {
                    symbols.insert(op.to_string());
                }
                ExprKind::IfElse { .. } => {
                    symbols.insert("if else".to_owned());
                }
                _ => {}
            }
        }
    }
    let unary = UnaryOp::ALL.iter().map(|op| format!("unary {op}"));
    let binary = BinaryOp::ALL.iter().map(ToString::to_string);
    let compare = CmpOp::ALL.iter().map(ToString::to_string);
    let boolean = BoolOp::ALL.iter().map(ToString::to_string);
    for symbol in unary
        .chain(binary)
        .chain(compare)
        .chain(boolean)
        .chain(["if else".to_owned()])
    {
        assert!(symbols.contains(&symbol), "no corpus case uses `{symbol}`");
    }
}

#[test]
fn every_operation_runs_on_every_dtype_it_is_defined_on() {
    let mut covered = HashSet::new();
    let mut reductions = HashSet::new();
    for case in corpus() {
        let Ok(ast) = numloom_syntax::parse(&case.expr) else {
            continue;
        };
        let schema = case.inputs.iter().fold(Schema::new(), |s, (name, array)| {
            s.with(name, array.dtype())
        });
        let Ok(prog) = lower(&ast, &schema, &LowerOptions::default()) else {
            continue;
        };
        covered.extend(applications(&prog));
        for inst in &prog.insts {
            if let InstKind::Reduce(reduce) = &inst.kind {
                reductions.insert((reduce.reduction, prog.dtype(reduce.args[0])));
            }
        }
    }
    for row in Op::TABLE {
        for dtype in DType::ALL_REAL
            .into_iter()
            .filter(|&dtype| row.domain.contains(dtype))
        {
            let excused = NOT_IN_THE_LANGUAGE
                .iter()
                .any(|&(op, d, _)| op == row.mnemonic && d == dtype);
            assert_ne!(
                covered.contains(&(row.op, dtype)),
                excused,
                "{} on {dtype}",
                row.mnemonic
            );
        }
    }
    for row in Op::TABLE
        .iter()
        .filter(|row| row.domain.contains(DType::Bytes(1)))
    {
        let on_bytes = |(op, dtype): &(Op, DType)| *op == row.op && dtype.is_bytes();
        assert!(covered.iter().any(on_bytes), "{} on bytes", row.mnemonic);
    }
    for reduction in Reduction::ALL {
        // Variances and complex products are of what was converted to f64.
        let is_reduced = |dtype: &DType| match reduction {
            Reduction::M2 => *dtype == DType::F64,
            Reduction::ProdRe | Reduction::ProdIm => *dtype == DType::F64,
            _ => reduction.takes(*dtype),
        };
        for dtype in DType::ALL_REAL.into_iter().filter(is_reduced) {
            assert!(
                reductions.contains(&(reduction, dtype)),
                "{} of {dtype}",
                reduction.name()
            );
        }
    }
}

#[test]
fn random_programs_reach_every_operation_on_every_dtype() {
    let dtypes = DType::ALL_REAL
        .into_iter()
        .chain([DType::Bytes(2), DType::Bytes(40)]);
    let mut missing: HashSet<(Op, DType)> = Op::TABLE
        .iter()
        .flat_map(|row| dtypes.clone().map(|dtype| (row.op, dtype)))
        .filter(|(op, dtype)| op.info().domain.contains(*dtype))
        .collect();
    for seed in 0..20_000 {
        let prog = program(&mut Choices::new(&seeded(seed, 300)), Size::default());
        for pair in applications(&prog) {
            missing.remove(&pair);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never drawn: {missing:?}");
}

#[test]
fn every_error_code_has_a_golden() {
    let mut drawn = HashSet::new();
    for entry in fs::read_dir(dir("diagnostics")).expect("there is a gallery") {
        let path = entry.expect("a directory can be listed").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "stderr")
        {
            let text = fs::read_to_string(&path).expect("a golden can be read");
            for line in text.lines() {
                if let Some((slug, _)) = line
                    .strip_prefix("error[")
                    .and_then(|line| line.split_once(']'))
                {
                    drawn.insert(slug.to_owned());
                }
            }
        }
    }
    for code in Code::ALL {
        let excuse = NO_GOLDEN_YET.iter().find(|(excused, _)| excused == code);
        match excuse {
            Some((_, reason)) => assert!(
                !drawn.contains(code.slug()),
                "`{code}` has a golden; it is listed: {reason}"
            ),
            None => assert!(drawn.contains(code.slug()), "no golden shows `{code}`"),
        }
    }
}

#[test]
fn goldens_and_expressions_belong_together() {
    let source = fs::read_to_string(dir("diagnostics.rs")).expect("the test is beside this one");
    for entry in fs::read_dir(dir("diagnostics")).expect("there is a gallery") {
        let path = entry.expect("a directory can be listed").path();
        let stem = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        if path
            .extension()
            .is_some_and(|extension| extension == "stderr")
        {
            let of_expression = path.with_extension("expr").exists();
            assert!(
                of_expression || source.contains(&format!("\"{stem}\"")),
                "nothing draws {stem}.stderr"
            );
        }
    }
}

#[test]
fn the_bounds_of_the_test_against_numpy_are_those_of_the_functions() {
    let text = fs::read_to_string(dir("../docs/conformance.md")).expect("there is such a page");
    let table = text
        .split("## Elementary functions")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("it has a table of bounds");
    let mut listed = HashSet::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for name in cells[0].split(", ").map(|name| name.trim_matches('`')) {
            let Some(row) = accuracy::TABLE.iter().find(|row| row.name == name) else {
                continue;
            };
            assert_eq!(cells[1].parse(), Ok(row.max_ulp), "{name}");
            let f32_ulp: f64 = cells[2].parse().expect("a number");
            assert!(f32_ulp >= accuracy::F32_MAX_ULP, "{name}");
            listed.insert(row.name);
        }
    }
    for row in accuracy::TABLE {
        assert!(
            listed.contains(row.name),
            "docs/conformance.md has no bound of `{}`",
            row.name
        );
    }
}
