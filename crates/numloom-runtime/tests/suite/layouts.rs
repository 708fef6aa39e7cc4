//! Every layout of inputs and outputs gives what element-by-element evaluation gives.

use numloom_data::{DType, Order, Scalar, View, ViewMut};
use numloom_runtime::{Out, OutputValue, RunOptions};

use crate::support::{
    Laid, Layout, assert_same, backends, compile, engine, naive, program, values,
};

/// A loop, a call that wants a slot, and reductions, over two inputs that broadcast.
const MIXED: &str = "
    input a: f64
    input b: f32
    %0 = input 0 : f64
    %1 = input 1 : f32
    %2 = cast %1 : f64
    %3 = mul %0 %2 : f64
    %4 = exp %3 : f64
    %5 = add %4 %0 : f64
    %6 = sum %5 : f64
    %7 = min %0 : f64
    %8 = lt %0 %2 : bool
    out y = %5 shape 0 1
    out t = %6
    out m = %7
    out lt = %8 shape 0 1
";

/// The same without reductions, so that the order of iteration is free.
const FREE: &str = "
    input a: i32
    input b: bool
    %0 = input 0 : i32
    %1 = input 1 : bool
    %2 = neg %0 : i32
    %3 = select %1 %0 %2 : i32
    %4 = mul %3 %0 : i32
    out = %4 shape 0 1
    out not = %1 shape 0 1
";

fn shapes() -> Vec<[&'static [usize]; 2]> {
    vec![
        [&[], &[]],
        [&[1], &[1]],
        [&[0], &[0]],
        [&[17], &[17]],
        [&[17], &[]],
        [&[], &[33]],
        [&[5, 7], &[5, 7]],
        [&[5, 7], &[7]],
        [&[5, 1], &[7]],
        [&[5, 7], &[5, 1]],
        [&[3, 4, 5], &[4, 1]],
        [&[3, 1, 300], &[1, 2, 300]],
        [&[2, 272], &[2, 1]],
        [&[2, 272], &[1, 272]],
        [&[2, 1, 3, 1, 2], &[1, 2, 1, 2, 2]],
        [&[2, 2064], &[2064]],
    ]
}

#[test]
fn every_layout_gives_what_single_elements_give() {
    for text in [MIXED, FREE] {
        let prog = program(text);
        let [a, b] = [prog.inputs[0].dtype, prog.inputs[1].dtype];
        let mut all = Vec::new();
        for &backend in backends() {
            for threads in [1, 3] {
                all.push((
                    format!("{backend} {threads}"),
                    compile(&engine(backend, threads), &prog),
                ));
            }
        }
        for [a_shape, b_shape] in shapes() {
            let a_values = values(a, a_shape.iter().product(), 1);
            let b_values = values(b, b_shape.iter().product(), 2);
            if text == MIXED && a_values.is_empty() {
                continue; // `min` of nothing: see `empty_arrays…`
            }
            let plain = Laid::new(&a_values, a, a_shape, Layout::C);
            let other = Laid::new(&b_values, b, b_shape, Layout::C);
            let want = naive(&prog, &[plain.view(), other.view()]);
            for (i, &layout) in Layout::ALL.iter().enumerate() {
                let a_laid = Laid::new(&a_values, a, a_shape, layout);
                for b_layout in [layout, Layout::ALL[(i + 1) % Layout::ALL.len()]] {
                    let b_laid = Laid::new(&b_values, b, b_shape, b_layout);
                    let inputs = [a_laid.view(), b_laid.view()];
                    for (who, compiled) in &all {
                        let got = compiled.run(&inputs, &RunOptions::new()).unwrap();
                        let what = format!("{who} {a_shape:?} {layout:?} {b_shape:?} {b_layout:?}");
                        assert_same(&got, &want, &what);
                        run_into_layout(compiled, &inputs, &want, layout, &what);
                    }
                }
            }
        }
    }
}

/// The same into places of a layout.
pub(crate) fn run_into_layout(
    compiled: &numloom_runtime::Compiled,
    inputs: &[View<'_>],
    want: &[OutputValue],
    layout: Layout,
    what: &str,
) {
    let place = |value: &OutputValue| Laid::zeros(value.dtype(), value.shape(), layout);
    let mut arrays: Vec<Laid> = want.iter().map(place).collect();
    let mut outs: Vec<Out<'_>> = arrays
        .iter_mut()
        .map(|laid| Out::Array(laid.view_mut()))
        .collect();
    compiled
        .run_into(inputs, &mut outs, &RunOptions::new())
        .unwrap();
    drop(outs);
    for (laid, want) in arrays.iter().zip(want) {
        let got = OutputValue::Array(laid.view().to_array().unwrap());
        let want = match want {
            OutputValue::Array(array) => OutputValue::Array(array.try_clone().unwrap()),
            OutputValue::Scalar(value) => {
                OutputValue::Array(numloom_data::Array::from_scalar(value).unwrap())
            }
        };
        assert_same(&[got], &[want], what);
    }
}

#[test]
fn arrays_that_are_all_column_major_give_a_column_major_result() {
    let prog = program(
        "input a: f64\n input b: f64\n %0 = input 0 : f64\n %1 = input 1 : f64\n %2 = add %0 %1 : f64\n out = %2 shape 0 1",
    );
    let compiled = compile(&engine(backends()[0], 1), &prog);
    let x = values(DType::F64, 12, 3);
    let laid = |shape: &[usize], layout| Laid::new(&x, DType::F64, shape, layout);
    let (c, f) = (laid(&[3, 4], Layout::C), laid(&[3, 4], Layout::F));
    let scalar = Laid::new(&x, DType::F64, &[], Layout::C);
    let order = |a: &Laid, b: &Laid| {
        let mut got = compiled
            .run(&[a.view(), b.view()], &RunOptions::new())
            .unwrap();
        got.remove(0).into_array().unwrap().order()
    };
    assert_eq!(order(&f, &f), Order::F);
    assert_eq!(order(&f, &scalar), Order::F);
    assert_eq!(order(&c, &f), Order::C);
    assert_eq!(order(&c, &c), Order::C);
}

#[test]
fn empty_arrays_have_sums_and_products_but_no_extremes() {
    let reduce = |name: &str, dtype: &str| {
        let prog = program(&format!(
            "input a: i16\n %0 = input 0 : i16\n %1 = {name} %0 : {dtype}\n out r = %1"
        ));
        let empty: [i16; 0] = [];
        let compiled = compile(&engine(backends()[0], 2), &prog);
        compiled.run(&[View::from_slice(&empty)], &RunOptions::new())
    };
    assert_eq!(
        reduce("sum", "i64").unwrap(),
        [OutputValue::Scalar(Scalar::I64(0))]
    );
    assert_eq!(
        reduce("prod", "i64").unwrap(),
        [OutputValue::Scalar(Scalar::I64(1))]
    );
    for name in ["min", "max"] {
        let error = reduce(name, "i16").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{name}` of no elements has no value: shape (0,) is reduced")
        );
    }
}

#[test]
fn outputs_of_different_shapes_come_from_one_call() {
    let prog = program(
        "input a: i64
         input b: i64
         %0 = input 0 : i64
         %1 = input 1 : i64
         %2 = neg %0 : i64
         %3 = neg %1 : i64
         %4 = add %0 %1 : i64
         %5 = max %1 shape 1 : i64
         %6 = const 7 : i64
         out a = %2 shape 0
         out b = %3 shape 1
         out ab = %4 shape 0 1
         out m = %5
         out seven = %6",
    );
    for &backend in backends() {
        for threads in [1, 3] {
            let compiled = compile(&engine(backend, threads), &prog);
            for (n, m) in [(3, 4), (4, 4), (1, 4), (200, 1)] {
                let a = Laid::new(&values(DType::I64, n, 4), DType::I64, &[n, 1], Layout::C);
                let b = Laid::new(&values(DType::I64, m, 5), DType::I64, &[m], Layout::C);
                let inputs = [a.view(), b.view()];
                let got = compiled.run(&inputs, &RunOptions::new()).unwrap();
                assert_same(&got, &naive(&prog, &inputs), &format!("{backend} {n} {m}"));
            }
        }
    }
}

#[test]
fn a_lone_value_goes_to_a_scalar_or_an_array_without_axes() {
    let prog = program("input a: f32\n %0 = input 0 : f32\n %1 = neg %0 : f32\n out = %1 shape 0");
    let compiled = compile(&engine(backends()[0], 1), &prog);
    let mut value = Scalar::zero(DType::F32);
    let inputs = [View::scalar(&1.5f32)];
    compiled
        .run_into(&inputs, &mut [Out::Scalar(&mut value)], &RunOptions::new())
        .unwrap();
    assert_eq!(value, Scalar::F32(-1.5));
    let got = compiled.run(&inputs, &RunOptions::new()).unwrap();
    assert_eq!(
        (got[0].shape(), got[0].item()),
        (&[][..], Some(Scalar::F32(-1.5)))
    );
}

#[test]
fn arrays_that_do_not_fit_are_errors_that_name_both_sides() {
    let prog = program(
        "input a: f64\n input b: f64\n %0 = input 0 : f64\n %1 = input 1 : f64\n %2 = add %0 %1 : f64\n out y = %2 shape 0 1",
    );
    let compiled = compile(&engine(backends()[0], 1), &prog);
    let (x, y, z) = ([1.0f64; 3], [1.0f64; 4], [1i32; 3]);
    let run = |inputs: &[View<'_>]| {
        compiled
            .run(inputs, &RunOptions::new())
            .unwrap_err()
            .to_string()
    };
    let view = View::from_slice(&x);
    assert_eq!(
        run(std::slice::from_ref(&view)),
        "expected 2 inputs (`a`, `b`), found 1"
    );
    assert_eq!(
        run(&[view.clone(), View::from_slice(&z)]),
        "input `b` is i32, but f64 is expected"
    );
    assert_eq!(
        run(&[view.clone(), View::from_slice(&y)]),
        "`a` of shape (3,) and `b` of shape (4,) do not broadcast together for output `y`"
    );
    let into = |outs: &mut [Out<'_>]| {
        let inputs = [view.clone(), view.clone()];
        compiled
            .run_into(&inputs, outs, &RunOptions::new())
            .unwrap_err()
            .to_string()
    };
    let (mut short, mut wide) = ([0.0f64; 2], [0.0f32; 3]);
    assert_eq!(into(&mut []), "expected places for 1 outputs, found 0");
    assert_eq!(
        into(&mut [Out::Array(numloom_data::ViewMut::from_slice(&mut short))]),
        "output `y` has shape (3,), but its place has shape (2,)"
    );
    assert_eq!(
        into(&mut [Out::Array(numloom_data::ViewMut::from_slice(&mut wide))]),
        "output `y` is f64, but its place is f32"
    );
    let error = compiled
        .run(
            &[view.clone(), view.clone()],
            &RunOptions::new().max_output_bytes(23),
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "24 is more than `max_output_bytes` allows, which is 23"
    );
}

/// Every field of packed records, numbers and bytes, through loops, calls and reductions.
const FIELDS: &str = "
    input id: u8
    input x: f64
    input n: i16
    input s: S3
    %0 = input 0 : u8
    %1 = input 1 : f64
    %2 = input 2 : i16
    %3 = input 3 : S3
    %4 = const b\"b\" : S1
    %5 = contains %3 %4 : bool
    %6 = cast %2 : f64
    %7 = mul %1 %6 : f64
    %8 = exp %7 : f64
    %9 = cast %0 : f64
    %10 = select %5 %8 %9 : f64
    %11 = sum %10 : f64
    %12 = strlen %3 : i64
    %13 = eq %3 %3 : bool
    out y = %10 shape 0 1 2 3
    out t = %11
    out l = %12 shape 3
    out e = %13 shape 3
";

#[test]
fn fields_of_packed_records_are_read_in_place() {
    use numloom_data::{Array, ByteOrder};
    let prog = program(FIELDS);
    for n in [0, 1, 5, 300, 5000] {
        // A u8, an f64, a big-endian i16 and an S3: 14 bytes, so that nothing is aligned.
        let mut records = Vec::new();
        for i in 0..n {
            records.push(i as u8);
            records.extend((0.25 * f64::from(i % 40) - 3.0).to_ne_bytes());
            records.extend((i as i16 % 7 - 3).to_be_bytes());
            records.extend([b"abc", b"\0b\0", b"b\0\0", b"xyz", b"\0\0\0"][i as usize % 5]);
        }
        let records =
            View::from_bytes(&records, DType::Bytes(14), &[n as usize], Order::C).unwrap();
        let field = |offset, dtype| records.field(offset, dtype).unwrap();
        let big = field(9, DType::I16).with_byte_order(ByteOrder::BIG);
        let fields = [
            field(0, DType::U8),
            field(1, DType::F64),
            big,
            field(11, DType::Bytes(3)),
        ];
        assert!(fields.iter().all(|field| field.strides() == [14]));
        let apart: Vec<Array> = fields
            .iter()
            .map(|field| field.to_array().unwrap())
            .collect();
        let apart: Vec<View<'_>> = apart.iter().map(Array::view).collect();
        for &backend in backends() {
            for threads in [1, 3] {
                let compiled = compile(&engine(backend, threads), &prog);
                let options = RunOptions::new();
                let want = compiled.run(&apart, &options).unwrap();
                let got = compiled.run(&fields, &options).unwrap();
                assert_same(&got, &want, &format!("{n} records, {backend}"));
                let [y, _, lengths, _] = &got[..] else {
                    panic!("four outputs")
                };
                let OutputValue::Array(lengths) = lengths else {
                    panic!("an array")
                };
                let first: Vec<i64> = lengths.to_vec().unwrap();
                assert!(
                    first
                        .iter()
                        .zip([3, 2, 1, 3, 0].iter().cycle())
                        .all(|(a, b)| a == b)
                );
                let OutputValue::Array(y) = y else {
                    panic!("an array")
                };
                if n > 3 {
                    assert_eq!(y.view().get(&[3]), Some(Scalar::F64(3.0)), "`xyz` has no b");
                }
            }
        }
    }
}

#[test]
fn byte_strings_longer_than_a_page_are_compared() {
    let prog = program(
        "input a: S5000
         input b: S5000
         %0 = input 0 : S5000
         %1 = input 1 : S5000
         %2 = lt %0 %1 : bool
         %3 = strlen %0 : i64
         out = %2 shape 0 1
         out n = %3 shape 0",
    );
    let mut bytes = vec![b'x'; 3 * 5000];
    bytes[4999] = b'w';
    bytes[9000..10_000].fill(0);
    let strings = View::from_bytes(&bytes, DType::Bytes(5000), &[3], Order::C).unwrap();
    let last = strings.slice_axis(0, Some(2), None, 1).unwrap();
    for &backend in backends() {
        let compiled = compile(&engine(backend, 1), &prog);
        let inputs = [strings.reversed(0).unwrap(), last.clone()];
        let got = compiled.run(&inputs, &RunOptions::new()).unwrap();
        let [OutputValue::Array(less), OutputValue::Array(lengths)] = &got[..] else {
            panic!("two arrays")
        };
        assert_eq!(
            less.to_vec::<bool>().unwrap(),
            [false, true, true],
            "{backend}"
        );
        assert_eq!(
            lengths.to_vec::<i64>().unwrap(),
            [5000, 4000, 5000],
            "{backend}"
        );
    }
}

#[test]
fn outputs_too_large_for_the_caches_are_written_whole_and_nothing_beside_them() {
    let prog = program(
        "input x: f64
         input y: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = add %0 %1 : f64
         out = %2 shape 0 1",
    );
    // Rows that begin with cache lines if the first one does, rows that do not, and one row; each time more than is stored through the caches.
    for [rows, columns] in [[3100, 1000], [3101, 1001], [1, 3_100_001]] {
        let x: Vec<f64> = (0..columns).map(|j| j as f64).collect();
        let y: Vec<f64> = (0..rows).map(|i| i as f64 * 1e7).collect();
        let inputs = [
            View::from_slice_shaped(&x, &[1, columns]).unwrap(),
            View::from_slice_shaped(&y, &[rows, 1]).unwrap(),
        ];
        let mut memory = vec![-1.0; rows * columns + 24];
        let line = memory.as_ptr().addr().wrapping_neg() % 64 / 8;
        for (&backend, threads, off) in backends()
            .iter()
            .flat_map(|backend| [(backend, 1, 0), (backend, 2, 0), (backend, 2, 3)])
        {
            memory.fill(-1.0);
            let first = 8 + line + off;
            let out = &mut memory[first..first + rows * columns];
            let out = ViewMut::from_slice_shaped(out, &[rows, columns]).unwrap();
            let compiled = compile(&engine(backend, threads), &prog);
            compiled
                .run_into(&inputs, &mut [Out::Array(out)], &RunOptions::new())
                .unwrap();
            let wrong = memory.iter().enumerate().find(|&(at, &value)| {
                let inside = at.checked_sub(first).filter(|&at| at < rows * columns);
                let want = inside.map_or(-1.0, |at| x[at % columns] + y[at / columns]);
                value != want
            });
            assert_eq!(wrong, None, "{backend}, {rows} rows, {threads}, {off}");
        }
    }
}
