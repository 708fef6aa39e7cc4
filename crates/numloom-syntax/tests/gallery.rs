//! Every kind of mistake, drawn. `UPDATE_EXPECT=1 cargo test` rewrites `gallery.txt`; read what it says.

use std::collections::BTreeSet;
use std::fmt::Write;

use numloom_syntax::{Code, Style, parse, render};

/// Each source is a mistake or several; one line in the golden file may be more in the source.
const SOURCES: &[&str] = &[
    // Characters and operators from elsewhere
    "# nothing but a comment",
    "a $ b",
    "a × b − 2",
    "“low” == s",
    "x² + y",
    "a\u{a0}+ b",
    "a \u{202e}+ b",
    "a && b || !c",
    "a <> b",
    "a is not b",
    "x ? 1 : 2",
    "a @ b",
    "a += 1",
    "(d := a - b) * d",
    // Numbers and texts
    "012 + 089",
    "1__0",
    "0x",
    "0b102",
    "2velo + 1.5e",
    "1if a else b",
    "340282366920938463463374607431768211456",
    "name == \"low",
    "name == \"a\\qb\"",
    "name == b'é'",
    "name == f\"low\"",
    // Brackets
    "2 * (a + b",
    "f(g(a, b)",
    "f(a; b)",
    "f(a[0)",
    "(a + b]",
    "a + b)",
    "[0, 1]",
    "{a: 1}",
    // Operands and operators
    "a +",
    "a +\nb",
    "a + * b",
    "(a + )",
    "f(a,, b)",
    "velo city",
    "2 (a + b)",
    "(a + b) c",
    "a + not b",
    "a not b",
    "a.",
    "a if b",
    "a else b",
    "if a: b",
    // Names and assignment
    "let x",
    "let 3 = x",
    "let if = 3",
    "lambda x: x",
    "a in (1, 2)",
    "x for x in y",
    "a = b = c",
    "a[0] = 1",
    "where((a = b), c, d)",
    "where(a = b, c, d)",
    "f(a.real=1)",
    "f(axis=0, axis=1)",
    "a, b",
    // Attributes, calls, subscripts
    "np.sin(x) + np.pi",
    "a.sum()",
    "a.rael",
    "sin(x)(y)",
    "f(*a)",
    "a[i]",
    "a[a > 0]",
    "a[]",
    "a[::0]",
    "a[..., ...]",
    "a[1:2:3:4]",
    "a[9223372036854775808]",
    "a + ...",
    // Several at once, each in its place
    "let d = a b\nrms = sqrt(mean(d*d)\nmax(d)",
    "f(a b) + g(c d) + 1__0",
    "\ta\t$ b",
    "变量 + 数 数",
];

fn gallery() -> String {
    let mut out = String::new();
    for src in SOURCES {
        let errors = parse(src).expect_err(src);
        for diagnostic in errors.diagnostics() {
            out += &render(&diagnostic, src, None, &Style::default());
        }
        out.push('\n');
    }
    out
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment to rewrite goldens"
)]
fn diagnostics_read_as_the_gallery_shows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery.txt");
    let got = gallery();
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::write(path, &got).expect("the golden file can be written");
    }
    let want = std::fs::read_to_string(path).expect("the golden file is there");
    for (got, want) in got.split("\n\n").zip(want.split("\n\n")) {
        assert_eq!(got, want);
    }
    assert_eq!(got.len(), want.len(), "an entry more or less");
}

#[test]
fn every_code_of_syntax_is_in_the_gallery() {
    let shown: BTreeSet<Code> = SOURCES
        .iter()
        .flat_map(|src| parse(src).unwrap_err().diagnostics())
        .map(|diagnostic| diagnostic.code)
        .collect();
    // The table lists the codes of syntax first; limits are shown in the tests of depth.
    for code in Code::ALL
        .iter()
        .take_while(|&&code| code != Code::UnknownName)
    {
        assert!(shown.contains(code), "{code}");
    }
}

#[test]
fn an_origin_shows_with_line_and_column() {
    let src = "let d = é + b\nd $ 2";
    let diagnostic = &parse(src).unwrap_err().diagnostics()[0];
    let mut want = String::new();
    writeln!(
        want,
        "error[unexpected-character]: unexpected character `$`"
    )
    .unwrap();
    writeln!(want, " --> rms.expr:2:3").unwrap();
    writeln!(want, " 2 | d $ 2").unwrap();
    writeln!(want, "   |   ^").unwrap();
    assert_eq!(
        render(diagnostic, src, Some("rms.expr"), &Style::default()),
        want
    );
}
