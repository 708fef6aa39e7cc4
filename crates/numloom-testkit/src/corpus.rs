//! The corpus: expressions, inputs and what comes out, as data that every engine runs.
//!
//! `tests/corpus/*.toml`, one topic a file, no engine named:
//!
//! ```toml
//! [[case]]
//! name = "integer-multiply-wraps"          # unique within its file
//! issue = "#17"                            # optional
//! expr = "a * 2"
//! in.a = { i32 = [2147483647] }
//! out = { i32 = [-2] }                     # the one anonymous output
//!
//! [[case]]
//! name = "several-outputs"
//! expr = "lo = min(m); m + 1"
//! in.m = { f64 = [[1.0, 2.0], [3.0, 4.0]] }
//! out.lo = { f64 = 1.0 }                   # a named output; no brackets: no axes
//! out."" = { f64 = [2.0, 3.0, 4.0, 5.0], shape = [2, 2] }   # the anonymous one beside it
//!
//! [[case]]
//! name = "unknown-name"
//! expr = "2 * velo"
//! in.velocity = { f64 = [1.0] }
//! error = { code = "unknown-name", span = [4, 8] }          # the span, in bytes, may be left out
//! ```
//!
//! An array is a table of one dtype and its values: nested lists, or a flat list beside a `shape`, which an empty array needs.
//! Floats are TOML's, `nan`, `inf` and `-0.0` included, or a string of their bits, `"0x7ff8000000000001"`; integers beyond 64 signed bits are
//! strings of digits; byte strings (`S5`) are strings whose characters, U+00FF at most, are a byte each; complex numbers are strings,
//! `"1.5-2j"`. Further keys of a case: `ulp = n` allows floats to be that far from what is written; `exact = true` compares
//! NaNs bit by bit too; `differs = "…"` says why NumPy's answer is another one (`tests/numpy/corpus.py` checks all others against it).

use std::fmt;
use std::path::Path;

use numloom_data::{Array, DType, Order, Scalar};
use numloom_syntax::{Code, Span};
use toml::{Table, Value};

use crate::compare::Measure;

/// One case.
#[derive(Debug)]
pub struct Case {
    /// The file's name without its extension, and the case's own: `integer-wrap/multiply`.
    pub name: String,
    /// The text to evaluate.
    pub expr: String,
    /// Inputs by name, sorted.
    pub inputs: Vec<(String, Array)>,
    /// What comes of it.
    pub expected: Expected,
    /// How outputs are compared with what is expected.
    pub measure: Measure,
    /// Why NumPy answers otherwise, if it does.
    pub differs: Option<String>,
}

/// What comes of a case.
#[derive(Debug)]
pub enum Expected {
    /// Arrays by the name of the output; none for the anonymous one.
    Outputs(Vec<(Option<String>, Array)>),
    /// An error.
    Error {
        /// Its code.
        code: Code,
        /// Its place in the text, where the case gives one.
        span: Option<Span>,
    },
}

/// A corpus file that is not as it should be: which file and case, and why.
#[derive(Debug)]
pub struct CorpusError {
    place: String,
    reason: String,
}

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for CorpusError {}

/// Why a part of a case means nothing; the caller knows where.
type Parsed<T> = Result<T, String>;

/// Every case of every `.toml` file in `dir`, sorted by file.
///
/// # Errors
/// A directory or file that cannot be read, or is not written as this module says: the first one met.
pub fn load_dir(dir: &Path) -> Result<Vec<Case>, CorpusError> {
    let fail = |reason: String| CorpusError {
        place: dir.display().to_string(),
        reason,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| fail(e.to_string()))? {
        let path = entry.map_err(|e| fail(e.to_string()))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let topic = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text =
            std::fs::read_to_string(&path).map_err(|e| fail(format!("{}: {e}", path.display())))?;
        cases.extend(parse(&topic, &text)?);
    }
    Ok(cases)
}

/// The cases of one file's text; `topic` is the file's name without extension.
///
/// # Errors
/// A text that is not TOML, or not written as this module says.
///
/// ```
/// use numloom_testkit::corpus;
/// let cases = corpus::parse("sums", r#"
///     [[case]]
///     name = "one-and-two"
///     expr = "a + 2"
///     in.a = { i8 = [1] }
///     out = { i8 = [3] }
/// "#)?;
/// assert_eq!(cases[0].name, "sums/one-and-two");
/// # Ok::<(), corpus::CorpusError>(())
/// ```
pub fn parse(topic: &str, text: &str) -> Result<Vec<Case>, CorpusError> {
    let fail = |place: &str, reason: String| CorpusError {
        place: place.to_owned(),
        reason,
    };
    let mut file: Table = text
        .parse()
        .map_err(|e: toml::de::Error| fail(topic, e.to_string()))?;
    let cases = match file.remove("case") {
        Some(Value::Array(cases)) => cases,
        _ => return Err(fail(topic, "there is no `[[case]]`".into())),
    };
    if let Some(key) = file.keys().next() {
        return Err(fail(topic, format!("`{key}` is no key of a corpus file")));
    }
    let mut names = std::collections::HashSet::new();
    let mut parsed = Vec::new();
    for (i, case) in cases.into_iter().enumerate() {
        let name = case.get("name").and_then(Value::as_str).map(str::to_owned);
        let place = format!(
            "{topic}/{}",
            name.clone().unwrap_or_else(|| format!("#{i}"))
        );
        let case = parse_case(case, &place).map_err(|reason| fail(&place, reason))?;
        if !names.insert(case.name.clone()) {
            return Err(fail(&place, "another case has this name".into()));
        }
        parsed.push(case);
    }
    Ok(parsed)
}

fn parse_case(case: Value, place: &str) -> Parsed<Case> {
    let Value::Table(mut case) = case else {
        return Err("a case is a table".into());
    };
    let mut text = |key: &str| match case.remove(key) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is a string")),
        None => Ok(None),
    };
    text("name")?.ok_or("a case has a `name`")?;
    text("issue")?;
    let differs = text("differs")?;
    let expr = text("expr")?.ok_or("a case has an `expr`")?;
    let ulp = match case.remove("ulp") {
        Some(Value::Integer(n)) => Some(u64::try_from(n).map_err(|_| "`ulp` is not negative")?),
        Some(_) => return Err("`ulp` is an integer".into()),
        None => None,
    };
    let exact = match case.remove("exact") {
        Some(Value::Boolean(exact)) => exact,
        Some(_) => return Err("`exact` is true or false".into()),
        None => false,
    };
    let measure = match (ulp, exact) {
        (Some(_), true) => return Err("`ulp` and `exact` exclude each other".into()),
        (Some(n), false) => Measure::Ulp(n),
        (None, true) => Measure::Exact,
        (None, false) => Measure::Bits,
    };
    let inputs = arrays(case.remove("in"))?;
    let expected = match (case.remove("out"), case.remove("error")) {
        (Some(out), None) => Expected::Outputs(outputs(out)?),
        (None, Some(Value::Table(error))) => parse_error(error)?,
        _ => return Err("a case has either an `out` or an `error` table".into()),
    };
    if let Some(key) = case.keys().next() {
        return Err(format!("`{key}` is no key of a case"));
    }
    Ok(Case {
        name: place.to_owned(),
        expr,
        inputs,
        expected,
        measure,
        differs,
    })
}

/// Arrays by name, written as the inputs of a case: `in.a = { f64 = [1.0] }` on each line.
///
/// # Errors
/// A text that is not so.
pub fn parse_inputs(place: &str, text: &str) -> Result<Vec<(String, Array)>, CorpusError> {
    let fail = |reason: String| CorpusError {
        place: place.to_owned(),
        reason,
    };
    let mut table: Table = text
        .parse()
        .map_err(|e: toml::de::Error| fail(e.to_string()))?;
    let inputs = arrays(table.remove("in")).map_err(fail)?;
    match table.keys().next() {
        Some(key) => Err(fail(format!("`{key}` is no input"))),
        None => Ok(inputs),
    }
}

/// The `in` table of a case.
fn arrays(inputs: Option<Value>) -> Parsed<Vec<(String, Array)>> {
    match inputs {
        Some(Value::Table(inputs)) => inputs
            .into_iter()
            .map(|(name, value)| {
                let array = array(value).map_err(|e| format!("in.{name}: {e}"))?;
                Ok((name, array))
            })
            .collect(),
        Some(_) => Err("`in` is a table of arrays".into()),
        None => Ok(Vec::new()),
    }
}

fn parse_error(mut error: Table) -> Parsed<Expected> {
    let code = match error.remove("code") {
        Some(Value::String(code)) => code.parse().map_err(|e| format!("`{code}`: {e}"))?,
        _ => return Err("an error has a `code`".into()),
    };
    let span = match error.remove("span") {
        Some(Value::Array(ends)) => match ends[..] {
            [Value::Integer(start), Value::Integer(end)] => {
                let end_of = |n| usize::try_from(n).map_err(|_| "a span lies in the text");
                Some(Span::new(end_of(start)?, end_of(end)?))
            }
            _ => return Err("a span is `[start, end]`".into()),
        },
        Some(_) => return Err("a span is `[start, end]`".into()),
        None => None,
    };
    match error.keys().next() {
        Some(key) => Err(format!("`{key}` is no key of an error")),
        None => Ok(Expected::Error { code, span }),
    }
}

/// `out = { f64 = … }`, or a table of such by name.
fn outputs(out: Value) -> Parsed<Vec<(Option<String>, Array)>> {
    let Value::Table(table) = out else {
        return Err("`out` is a table".into());
    };
    if table.values().all(Value::is_table) {
        let named = table.into_iter().map(|(name, value)| {
            let array = array(value).map_err(|e| format!("out.{name}: {e}"))?;
            Ok(((!name.is_empty()).then_some(name), array))
        });
        return named.collect();
    }
    Ok(vec![(
        None,
        array(Value::Table(table)).map_err(|e| format!("out: {e}"))?,
    )])
}

/// `{ f64 = [[1.0, 2.0]] }`, `{ f64 = [], shape = [0, 3] }`, `{ f64 = 1.0 }`.
fn array(value: Value) -> Parsed<Array> {
    let Value::Table(mut table) = value else {
        return Err("an array is `{ dtype = values }`".into());
    };
    let stated = match table.remove("shape") {
        Some(Value::Array(extents)) => Some(
            extents
                .iter()
                .map(|n| {
                    n.as_integer()
                        .and_then(|n| usize::try_from(n).ok())
                        .ok_or("a shape is a list of extents")
                })
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Some(_) => return Err("a shape is a list of extents".into()),
        None => None,
    };
    let mut entries = table.into_iter();
    let (Some((dtype, values)), None) = (entries.next(), entries.next()) else {
        return Err("an array has one dtype".into());
    };
    let dtype: DType = dtype.parse().map_err(|e| format!("{e}"))?;
    let mut nested = Vec::new();
    let mut scalars = Vec::new();
    flatten(&values, dtype, 0, &mut nested, &mut scalars)?;
    let shape = stated.unwrap_or(nested);
    let mut array = Array::zeros(dtype, &shape, Order::C).map_err(|e| e.to_string())?;
    if array.len() != scalars.len() {
        return Err(format!("{} values for shape {shape:?}", scalars.len()));
    }
    for (scalar, place) in scalars
        .iter()
        .zip(array.as_bytes_mut().chunks_exact_mut(dtype.itemsize()))
    {
        scalar.write_bytes(place);
    }
    Ok(array)
}

/// Appends the values below `value`, and checks that lists of one depth are equally long.
fn flatten(
    value: &Value,
    dtype: DType,
    depth: usize,
    shape: &mut Vec<usize>,
    out: &mut Vec<Scalar>,
) -> Parsed<()> {
    let Value::Array(items) = value else {
        if depth != shape.len() {
            return Err("values lie at different depths".into());
        }
        out.push(scalar(value, dtype)?);
        return Ok(());
    };
    match shape.get(depth) {
        None if out.is_empty() => shape.push(items.len()),
        Some(&n) if n == items.len() => {}
        _ => return Err("lists of one depth have different lengths".into()),
    }
    items
        .iter()
        .try_for_each(|item| flatten(item, dtype, depth + 1, shape, out))
}

fn scalar(value: &Value, dtype: DType) -> Parsed<Scalar> {
    let wrong = || format!("{value} is no {dtype}");
    match value {
        Value::Boolean(x) if dtype.is_bool() => Ok(Scalar::Bool(*x)),
        Value::Integer(n) if dtype.is_integer() => {
            Scalar::parse(dtype, &n.to_string()).map_err(|_| wrong())
        }
        Value::String(digits) if dtype.is_integer() => {
            Scalar::parse(dtype, digits).map_err(|_| wrong())
        }
        Value::String(z) if dtype.is_complex() => Scalar::parse(dtype, z).map_err(|_| wrong()),
        Value::Float(x) if dtype.is_float() => match dtype {
            DType::F64 => Ok(Scalar::F64(*x)),
            // Rust reads the digits anew, so that they are rounded once.
            _ if x.is_nan() => Scalar::parse(dtype, "nan").map_err(|_| wrong()),
            _ => Scalar::parse(dtype, &format!("{x:?}")).map_err(|_| wrong()),
        },
        Value::String(bits) if dtype.is_float() => {
            let bits = bits
                .strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                .ok_or_else(wrong)?;
            if bits.checked_shr(dtype.bits() as u32).unwrap_or(0) != 0 {
                return Err(wrong());
            }
            Ok(Scalar::from_bits(dtype, u128::from(bits)))
        }
        Value::String(text) if dtype.is_bytes() => {
            let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
            let mut bytes = bytes.map_err(|_| wrong())?;
            if bytes.len() > dtype.itemsize() {
                return Err(wrong());
            }
            bytes.resize(dtype.itemsize(), 0);
            Ok(Scalar::from(&bytes[..]))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Case, String> {
        let text = format!("[[case]]\nname = \"x\"\nexpr = \"a\"\n{text}");
        parse("t", &text)
            .map(|mut cases| cases.remove(0))
            .map_err(|e| e.to_string())
    }

    fn input(text: &str) -> Result<Array, String> {
        let case = one(&format!("in.a = {text}\nout = {{ f64 = [] }}"))?;
        Ok(case
            .inputs
            .into_iter()
            .next()
            .expect("there is one input")
            .1)
    }

    #[test]
    fn values_are_read_to_the_bit() {
        let bits =
            |text| input(text).map(|a| a.view().scalars().map(|x| x.bits()).collect::<Vec<_>>());
        assert_eq!(
            bits("{ f64 = [-0.0, nan, \"0x7ff8000000000001\"] }").unwrap()[0],
            1 << 63
        );
        assert_eq!(
            bits("{ f64 = [\"0x7ff8000000000001\"] }").unwrap(),
            [0x7ff8_0000_0000_0001]
        );
        assert_eq!(
            bits("{ f32 = [0.1, -inf] }").unwrap(),
            [0x3dcc_cccd, 0xff80_0000]
        );
        assert_eq!(
            bits("{ u64 = [\"18446744073709551615\"] }").unwrap(),
            [u128::from(u64::MAX)]
        );
        assert_eq!(bits("{ bool = [true, false] }").unwrap(), [1, 0]);
        assert_eq!(bits("{ f16 = [1.0, 65504.0] }").unwrap(), [0x3c00, 0x7bff]);
        assert_eq!(bits("{ c64 = [\"0-1j\"] }").unwrap(), [0xbf80_0000 << 32]);
        assert_eq!(
            input("{ S3 = [\"ab\", \"\\u0000\\u00ffc\"] }")
                .unwrap()
                .as_bytes(),
            b"ab\0\0\xffc"
        );
    }

    #[test]
    fn shapes_nest_or_are_stated() {
        let shape = |text| input(text).map(|a| a.shape().to_vec());
        assert_eq!(shape("{ i8 = 5 }").unwrap(), [0; 0]);
        assert_eq!(shape("{ i8 = [[1, 2, 3], [4, 5, 6]] }").unwrap(), [2, 3]);
        assert_eq!(
            shape("{ i8 = [1, 2, 3, 4], shape = [2, 2] }").unwrap(),
            [2, 2]
        );
        assert_eq!(shape("{ i8 = [], shape = [0, 3] }").unwrap(), [0, 3]);
        assert_eq!(shape("{ i8 = [] }").unwrap(), [0]);
    }

    #[test]
    fn mistakes_are_refused() {
        for (text, reason) in [
            ("in.a = { i8 = [128] }\nout = { i8 = [] }", "128 is no i8"),
            ("in.a = { S2 = [\"abc\"] }\nout = { f64 = [] }", "is no S2"),
            ("in.a = { S2 = [\"€\"] }\nout = { f64 = [] }", "is no S2"),
            ("in.a = { f64 = [1] }\nout = { f64 = [] }", "1 is no f64"),
            (
                "in.a = { i8 = [[1], [2, 3]] }\nout = { i8 = [] }",
                "different lengths",
            ),
            ("in.a = { i8 = [1, [2]] }\nout = { i8 = [] }", "different"),
            (
                "in.a = { f32 = [\"0x100000000\"] }\nout = { f32 = [] }",
                "is no f32",
            ),
            (
                "in.a = { i8 = [1], u8 = [1] }\nout = { i8 = [] }",
                "one dtype",
            ),
            (
                "out = { i8 = [] }\nerror = { code = \"unknown-name\" }",
                "either",
            ),
            ("error = { code = \"no-such-code\" }", "no-such-code"),
            ("out = { i8 = [] }\nspeed = 1", "`speed` is no key"),
        ] {
            let error = one(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn outputs_are_anonymous_or_named() {
        let names = |text| match one(text).unwrap().expected {
            Expected::Outputs(outputs) => outputs
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>(),
            Expected::Error { .. } => unreachable!("an output was written"),
        };
        assert_eq!(names("out = { i8 = [] }"), [None]);
        assert_eq!(
            names("out.lo = { i8 = 1 }\nout.\"\" = { i8 = [2] }"),
            [None, Some("lo".into())]
        );
    }
}
