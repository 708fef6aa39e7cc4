//! One call from text to result: inputs of every kind, outputs of every form.

use numloom::{
    Array, DType, ErrorKind, Input, MapMode, MapSpec, MappedArray, Order, Outputs, Place, Scalar,
    View, eval, eval_into, inputs,
};

#[test]
fn one_line_from_slices_to_a_vector() -> Result<(), numloom::Error> {
    let (a, b) = (vec![1.0, 2.0, 3.0], vec![10.0, 20.0, 30.0]);
    let c: Vec<f64> = eval("2*a + 3*b", [("a", &a[..]), ("b", &b[..])])?.try_into()?;
    assert_eq!(c, [32.0, 64.0, 96.0]);
    Ok(())
}

#[test]
fn inputs_of_several_dtypes_promote_as_numpy_does() -> Result<(), numloom::Error> {
    let (a, b, c) = ([1i16, -2], vec![200u8, 100], [0.5f32, 0.25]);
    let out = eval(
        "s = a + b; f = a * c; both = f64(s) + f",
        inputs! { a, b, c },
    )?;
    assert_eq!(out["s"].to_vec::<i16>()?, [201, 98]);
    assert_eq!(out["f"].to_vec::<f32>()?, [0.5, -0.5]);
    assert_eq!(out["both"].to_vec::<f64>()?, [201.5, 97.5]);
    Ok(())
}

#[test]
fn single_values_go_with_every_shape_and_have_a_dtype() -> Result<(), numloom::Error> {
    let a = [1i16, 2];
    let k = 3i64;
    let out = eval("a * k", inputs! { a, k })?;
    assert_eq!(out[0].dtype(), DType::I64);
    let alone: f32 = eval("x / 4", [("x", 1f32)])?.try_into()?;
    assert_eq!(alone, 0.25);
    let nothing: i64 = eval("1 + 2", inputs! {})?.try_into()?;
    assert_eq!(nothing, 3);
    Ok(())
}

#[test]
fn every_kind_of_input_is_taken() -> Result<(), numloom::Error> {
    let plain = [1.0, 2.0, 3.0, 4.0];
    let vec = plain.to_vec();
    let array = Array::from_slice(&plain, &[4])?;
    let reversed = View::from_slice(&plain).reversed(0)?;
    let scalar = Scalar::F64(1.0);
    let slice = &plain[..];
    let out = eval(
        "plain + vec + array + reversed + scalar + slice + owned",
        inputs! { plain, vec, array, reversed: reversed.clone(), scalar, slice, owned: array.try_clone()? },
    )?;
    assert_eq!(out[0].to_vec::<f64>()?, [10.0, 14.0, 18.0, 22.0]);
    Ok(())
}

#[test]
fn elementwise_outputs_and_reductions_come_from_one_call() -> Result<(), numloom::Error> {
    let a: Vec<f64> = (0..10_000).map(f64::from).collect();
    let out = eval(
        "let d = a - 1; twice = 2*d; s = sum(d); m = mean(a); lo = min(d); max(d)",
        inputs! { a },
    )?;
    assert_eq!(out.len(), 5);
    assert_eq!(out["s"].item::<f64>()?, 9999.0 * 10_000.0 / 2.0 - 10_000.0);
    assert_eq!(out["m"].item::<f64>()?, 4999.5);
    assert_eq!(out.scalar("lo")?, Scalar::F64(-1.0));
    assert_eq!(out.array("twice")?.shape(), [10_000]);
    assert_eq!(out[4].to_string(), "9998.0");
    let names: Vec<_> = out.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [Some("twice"), Some("s"), Some("m"), Some("lo"), None]
    );
    Ok(())
}

#[test]
fn shapes_broadcast() -> Result<(), numloom::Error> {
    let column = Array::from_slice(&[10, 20], &[2, 1])?;
    let out: Array = eval("column + row", inputs! { column, row: &[1, 2, 3] })?.try_into()?;
    assert_eq!(out.shape(), [2, 3]);
    assert_eq!(out.to_vec::<i32>()?, [11, 12, 13, 21, 22, 23]);
    Ok(())
}

#[test]
fn conversions_of_outputs_refuse_what_does_not_fit() -> Result<(), numloom::Error> {
    let run = |src| eval(src, [("a", &[1i32, 2])]);
    let wrong: Result<Vec<f64>, _> = run("a")?.try_into();
    let wrong = wrong.unwrap_err();
    assert_eq!(
        format!("{wrong:#}"),
        "error[dtype-mismatch]: the output is i32, not f64"
    );
    let wrong: Result<i32, _> = run("a")?.try_into();
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Shape);
    let wrong: Result<Vec<i32>, _> = run("x = a; y = a")?.try_into();
    assert!(wrong.unwrap_err().to_string().contains("found 2"));
    let out = run("total = sum(a)")?;
    assert!(out.array("total").is_err() && out.get("tota").is_none());
    let unknown = out.scalar("tota").unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean `total`?"),
        "{unknown}"
    );
    Ok(())
}

#[test]
fn places_take_results_where_they_are() -> Result<(), numloom::Error> {
    let a = [1.0, 4.0, 9.0];
    let mut root = vec![0.0; 3];
    eval_into("sqrt(a)", inputs! { a }, &mut root)?;
    assert_eq!(root, [1.0, 2.0, 3.0]);

    let (mut high, mut total, mut least) = ([false; 3], 0.0, Scalar::F64(0.0));
    eval_into(
        "high = a > 2; total = sum(a); least = min(a)",
        inputs! { a },
        [
            ("least", Place::from(&mut least)),
            ("high", (&mut high).into()),
            ("total", (&mut total).into()),
        ],
    )?;
    assert_eq!(
        (high, total, least),
        ([false, true, true], 14.0, Scalar::F64(1.0))
    );

    let mut again: Outputs = eval("double = 2*a; n = sum(a)", inputs! { a })?;
    eval_into("3*a; max(a)", inputs! { a }, &mut again)?;
    assert_eq!(again["double"].to_vec::<f64>()?, [3.0, 12.0, 27.0]);
    assert_eq!(again["n"].item::<f64>()?, 9.0);
    Ok(())
}

#[test]
fn a_place_may_be_an_input() -> Result<(), numloom::Error> {
    let mut x = Array::from_slice(&[1, 2, 3, 4], &[4])?;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.bin");
    let mut spec = MapSpec::new(MapMode::Create, DType::I32);
    spec.shape = Some(vec![4]);
    let mut map = MappedArray::open(&path, spec)?;
    eval_into("x + 1", inputs! { x }, &mut map)?;
    eval_into("10 * m", inputs! { m: &map }, &mut x)?;
    assert_eq!(x.to_vec::<i32>()?, [20, 30, 40, 50]);
    Ok(())
}

#[test]
fn a_read_only_map_is_no_place_and_a_shrunken_one_no_input() -> Result<(), numloom::Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.bin");
    std::fs::write(&path, [0; 32]).unwrap();
    let mut map = MappedArray::open(&path, MapSpec::new(MapMode::Read, DType::F64))?;
    let refused = eval_into("a", [("a", &[1.0; 4])], &mut map).unwrap_err();
    assert_eq!(refused.code().slug(), "read-only-output");
    assert_eq!(refused.kind(), ErrorKind::Io);

    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(8)
        .unwrap();
    let refused = eval("sum(a)", inputs! { a: &map }).unwrap_err();
    assert_eq!(refused.code().slug(), "file-truncated");
    assert!(refused.to_string().contains("x.bin"), "{refused}");
    Ok(())
}

#[test]
fn arrays_in_column_major_order_stay_so() -> Result<(), numloom::Error> {
    let mut a = Array::zeros(DType::F32, &[2, 3], Order::F)?;
    eval_into(
        "i",
        inputs! { i: View::from_slice_shaped(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])? },
        &mut a,
    )?;
    let b: Array = eval("a * 2", [("a", Input::from(&a))])?.try_into()?;
    assert_eq!(b.order(), Order::F);
    assert_eq!(b.to_vec::<f32>()?, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    Ok(())
}

#[test]
fn a_program_that_only_some_shapes_fit_is_compiled_when_these_come() -> Result<(), numloom::Error> {
    let x: Vec<f64> = (0..10_000).map(f64::from).collect();
    assert_eq!(
        f64::try_from(eval("x[7000] - x[-1]", inputs! { x })?)?,
        -2999.0
    );
    let halves: Vec<f64> = eval("x[5000:] - x[:5000] + min(x)", inputs! { x })?.try_into()?;
    assert_eq!(halves, [5000.0; 5000]);
    let m = View::from_slice_shaped(&x, &[100, 100])?;
    let sum: f64 = eval("sum(m, axis=(-1, 0))", inputs! { m })?.try_into()?;
    assert_eq!(sum, x.iter().sum::<f64>());
    Ok(())
}
