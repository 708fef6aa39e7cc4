//! Against NumPy's own results, in `numpy.txt`.

use numloom_data::{DType, Scalar};

use super::{apply, same};
use crate::op::Op;

/// One table: an operation on a dtype, with its operands and results.
struct Table {
    op: Op,
    dtype: DType,
    x: Vec<u8>,
    results: Vec<Vec<u8>>,
}

fn row(dtype: DType, line: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for word in line.split_whitespace() {
        let mut element = [0; 16];
        let value = Scalar::parse(dtype, word).unwrap_or_else(|error| panic!("{word}: {error}"));
        value.write_bytes(&mut element);
        block.extend(&element[..dtype.itemsize()]);
    }
    block
}

fn tables() -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in include_str!("numpy.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        if let Some((name, dtype)) = line.split_once(' ').filter(|(name, _)| !name.is_empty()) {
            let info = Op::TABLE.iter().find(|info| info.mnemonic == name);
            let op = info.unwrap_or_else(|| panic!("no operation `{name}`")).op;
            let dtype = dtype.parse().expect("a dtype");
            tables.push(Table {
                op,
                dtype,
                x: Vec::new(),
                results: Vec::new(),
            });
            continue;
        }
        let table = tables.last_mut().expect("a table begins with its name");
        if table.x.is_empty() {
            table.x = row(table.dtype, line);
        } else {
            let result = table.op.result(table.dtype).expect("no casts here");
            table.results.push(row(result, line));
        }
    }
    tables
}

#[test]
fn results_are_numpys_for_all_pairs_of_special_operands() {
    let tables = tables();
    assert_eq!(
        tables.len(),
        2 * (5 + 12) + 3 * (9 + 4 + 1),
        "tables in the file"
    );
    for Table {
        op,
        dtype,
        x,
        results,
    } in tables
    {
        let n = x.len() / dtype.itemsize();
        let to = op.result(dtype).expect("no casts here");
        if op.arity() == 1 {
            let (got, _) = apply(op, dtype, to, &[&x], n);
            assert!(
                same(to, &got, &results[0]),
                "{op} {dtype}:\n{got:?}\n{:?}",
                results[0]
            );
            continue;
        }
        assert_eq!(results.len(), n, "{op} {dtype}");
        for (element, want) in x.chunks_exact(dtype.itemsize()).zip(results) {
            let (got, fault) = apply(op, dtype, to, &[&element.repeat(n), &x], n);
            let element = Scalar::read(dtype, element);
            assert!(
                same(to, &got, &want),
                "{op} {dtype} of {element}:\n{got:?}\n{want:?}"
            );
            assert!(!fault.is_some(), "{op} {dtype} of {element}");
        }
    }
}

#[test]
fn copysign_and_signbit_read_nan_as_positive() {
    let x = [1.5f64, -1.5, 0.0, -0.0, f64::INFINITY];
    for nan in [f64::NAN, -f64::NAN] {
        let (got, _) = apply(
            Op::Copysign,
            DType::F64,
            DType::F64,
            &[&super::bytes(&x), &super::bytes(&[nan; 5])],
            5,
        );
        assert_eq!(got, super::bytes(&x.map(f64::abs)));
        let (got, _) = apply(
            Op::SignBit,
            DType::F64,
            DType::Bool,
            &[&super::bytes(&[nan])],
            1,
        );
        assert_eq!(got, [0]);
    }
    let y = [2.0f32, -0.0, f32::NEG_INFINITY];
    let blocks = [super::bytes(&[-3.0f32; 3]), super::bytes(&y)];
    let (got, _) = apply(
        Op::Copysign,
        DType::F32,
        DType::F32,
        &[&blocks[0], &blocks[1]],
        3,
    );
    assert_eq!(got, super::bytes(&[3.0f32, -3.0, -3.0]));
}

#[test]
fn moving_and_sign_changes_keep_every_bit_of_a_nan() {
    let nan = f64::from_bits(0x7ff8_0000_dead_beef);
    let negative = f64::from_bits(0xfff8_0000_dead_beef);
    let cases = [
        (Op::Neg, nan, negative),
        (Op::Neg, negative, nan),
        (Op::Abs, negative, nan),
    ];
    for (op, x, want) in cases {
        let (got, _) = apply(op, DType::F64, DType::F64, &[&super::bytes(&[x])], 1);
        assert_eq!(got, super::bytes(&[want]), "{op}");
    }
    let (x, y, one) = (
        super::bytes(&[negative]),
        super::bytes(&[nan]),
        super::bytes(&[1.0f64]),
    );
    for (c, want) in [(1, &x), (0, &y)] {
        let (got, _) = apply(Op::Select, DType::F64, DType::F64, &[&[c], &x, &y], 1);
        assert_eq!(&got, want);
    }
    let (got, _) = apply(Op::Copysign, DType::F64, DType::F64, &[&x, &one], 1);
    assert_eq!(got, y);
}

#[test]
fn elementary_functions_are_those_of_their_name() {
    let x = super::bytes(&[0.3f64]);
    let cases: [(Op, f64); 20] = [
        (Op::Sin, 0.29552020666133955),
        (Op::Cos, 0.955336489125606),
        (Op::Tan, 0.3093362496096232),
        (Op::Asin, 0.30469265401539747),
        (Op::Acos, 1.2661036727794992),
        (Op::Atan, 0.2914567944778671),
        (Op::Sinh, 0.3045202934471426),
        (Op::Cosh, 1.0453385141288605),
        (Op::Tanh, 0.2913126124515909),
        (Op::Asinh, 0.29567304756342244),
        (Op::Acosh, f64::NAN),
        (Op::Atanh, 0.3095196042031117),
        (Op::Exp, 1.3498588075760032),
        (Op::Exp2, 1.2311444133449163),
        (Op::Expm1, 0.3498588075760031),
        (Op::Log, -1.2039728043259361),
        (Op::Log2, -1.7369655941662063),
        (Op::Log10, -0.5228787452803376),
        (Op::Log1p, 0.26236426446749106),
        (Op::Cbrt, 0.6694329500821695),
    ];
    let close = |got: f64, want: f64, ulps: f64| {
        (got - want).abs() <= ulps * want.abs() || got.is_nan() && want.is_nan()
    };
    for (op, want) in cases {
        let (got, _) = apply(op, DType::F64, DType::F64, &[&x], 1);
        let got = super::elements::<f64>(&got)[0];
        assert!(close(got, want, 5e-16), "{op}: {got} {want}");
        let (got, _) = apply(op, DType::F32, DType::F32, &[&super::bytes(&[0.3f32])], 1);
        let got = super::elements::<f32>(&got)[0];
        assert!(
            close(f64::from(got), want, 2e-7),
            "{op} in f32: {got} {want}"
        );
    }
    let cases = [
        (Op::Pow, 0.5f64, 3.0f64, 0.125),
        (Op::Atan2, 3.0, 4.0, 0.6435011087932844),
        (Op::Hypot, 3.0, 4.0, 5.0),
    ];
    for (op, x, y, want) in cases {
        let blocks = [super::bytes(&[x]), super::bytes(&[y])];
        let (got, _) = apply(op, DType::F64, DType::F64, &[&blocks[0], &blocks[1]], 1);
        let got = super::elements::<f64>(&got)[0];
        assert!(close(got, want, 5e-16), "{op}: {got} {want}");
        let blocks = [super::bytes(&[x as f32]), super::bytes(&[y as f32])];
        let (got, _) = apply(op, DType::F32, DType::F32, &[&blocks[0], &blocks[1]], 1);
        let got = super::elements::<f32>(&got)[0];
        assert!(
            close(f64::from(got), want, 6e-8),
            "{op} in f32: {got} {want}"
        );
    }
}
