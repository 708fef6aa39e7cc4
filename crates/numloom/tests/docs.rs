//! Documents that follow from tables are as the tables say; `UPDATE_EXPECT=1` writes them anew.

use std::fmt::Write;
use std::path::Path;

use numloom::{Code, DType, Schema, check, functions};

#[track_caller]
fn is_current(name: &str, want: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    #[expect(clippy::disallowed_methods, reason = "asks whether to write goldens")]
    if std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1") {
        std::fs::write(&path, want).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == want,
        "docs/{name} is not what its table says: UPDATE_EXPECT=1 cargo test -p numloom --test docs"
    );
}

#[test]
fn the_list_of_functions_is_current() {
    let mut text = "# Functions\n\n\
        Written from the table in `numloom-ir`, by the test that compares them. Arguments after `*` are given by name. *Later* marks \
        what parses and is not computed yet. The last column is how far a result in `f64` may be from the true value, in units in the last place, where it is not \
        rounded once; in `f32` such functions are rounded correctly but for a handful of arguments. How that was measured: `accuracy` in `numloom-math`.\n\n\
        | call | other names | meaning | ulp |\n|---|---|---|---|\n"
        .to_owned();
    for function in functions() {
        let others = function.names[1..].iter().map(|name| format!("`{name}`"));
        let others = others.collect::<Vec<_>>().join(", ");
        let later = if function.is_supported {
            ""
        } else {
            "*later*: "
        };
        let ulp = (function.max_ulp).map_or(String::new(), |ulp| format!("{ulp:.1}"));
        let doc = function.doc.replace('|', "\\|");
        writeln!(
            text,
            "| `{}` | {others} | {later}{doc} | {ulp} |",
            function.signature
        )
        .unwrap();
    }
    is_current("functions.md", &text);
}

#[test]
fn the_list_of_error_codes_is_current() {
    let mut text = "# Error codes\n\n\
        What [`Error::code`](crate::Error::code) gives; a code never changes its meaning. Written from the table in `numloom-syntax`, by the test that compares them.\n\n\
        | code | meaning |\n|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        writeln!(
            text,
            "| `{code}` | {} |",
            code.explain().replace('|', "\\|")
        )
        .unwrap();
    }
    is_current("error-codes.md", &text);
}

#[test]
fn the_table_of_promotion_is_current() {
    let mut text = "# Promotion\n\n\
        The dtype of `a + b` for arrays of two dtypes, which is NumPy 2's but for `f16`, which computes as `f32`; and of other operations. Written by the test that \
        compares them.\n\n| `a + b` |"
        .to_owned();
    let dtypes = DType::ALL;
    for b in dtypes {
        write!(text, " {b} |").unwrap();
    }
    text += "\n|---|";
    text += &"---|".repeat(dtypes.len());
    let typed = |src: &str, a: DType, b: DType| {
        let checked = check(src, &Schema::new().with("a", a).with("b", b));
        let found = checked
            .outputs
            .first()
            .map(|output| output.dtype.to_string());
        found.unwrap_or_else(|| "–".to_owned())
    };
    for a in dtypes {
        write!(text, "\n| **{a}** |").unwrap();
        for b in dtypes {
            write!(text, " {} |", typed("a + b", a, b)).unwrap();
        }
    }
    let sources = [
        "a / a",
        "a + 1",
        "a + 1.0",
        "-a",
        "sqrt(a)",
        "sum(a)",
        "min(a)",
        "ptp(a)",
        "mean(a)",
        "std(a)",
        "any(a)",
        "argmin(a)",
    ];
    text += "\n\n| `a` |";
    for src in sources {
        write!(text, " `{src}` |").unwrap();
    }
    text += "\n|---|";
    text += &"---|".repeat(sources.len());
    for a in dtypes {
        write!(text, "\n| **{a}** |").unwrap();
        for src in sources {
            write!(text, " {} |", typed(src, a, a)).unwrap();
        }
    }
    text += "\n";
    is_current("promotion.md", &text);
}
