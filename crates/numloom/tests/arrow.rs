//! Apache Arrow arrays in and out.
#![cfg(feature = "arrow")]

use std::sync::Arc;

use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Date32Array, Decimal128Array,
    DictionaryArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, PrimitiveArray,
    RecordBatch, StringArray,
};
use numloom::{Error, Expr, Input, Outputs, Value, eval, inputs};

/// Through an expression and back, whole, sliced, by reference, by value and by any type.
fn goes_through<T>(values: [Option<T::Native>; 9])
where
    T: ArrowPrimitiveType,
    PrimitiveArray<T>: TryFrom<Outputs, Error = Error> + PartialEq,
    for<'a> Input<'a>: From<&'a PrimitiveArray<T>> + From<PrimitiveArray<T>>,
{
    let whole: PrimitiveArray<T> = values.into_iter().collect();
    for array in [whole.slice(1, 7), whole.slice(4, 0), whole] {
        let copy = |a: Input<'_>| {
            PrimitiveArray::<T>::try_from(eval("copy(a)", [("a", a)]).unwrap()).unwrap()
        };
        assert_eq!(copy(Input::from(&array)), array);
        assert_eq!(copy(Input::from(array.clone())), array);
        let any: ArrayRef = Arc::new(array.clone());
        assert_eq!(copy(Input::try_from(&any).unwrap()), array);
        assert_eq!(copy(Input::try_from(any).unwrap()), array);
    }
}

#[test]
fn every_type_of_numbers_goes_through_with_its_nulls() {
    macro_rules! each {
        ($($arrow:ident)*) => {$({
            let n = |x: u8| Some(<$arrow as ArrowPrimitiveType>::Native::try_from(x).unwrap_or_default());
            goes_through::<$arrow>([n(1), None, n(3), n(4), None, None, n(7), n(8), n(9)]);
            goes_through::<$arrow>([n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8), n(9)]);
            goes_through::<$arrow>([None; 9]);
        })*};
    }
    each! { Int8Type Int16Type Int32Type Int64Type UInt8Type UInt16Type UInt32Type UInt64Type Float32Type Float64Type }
    let h = |x: f32| Some(numloom::f16::from_f32(x));
    goes_through::<Float16Type>([
        h(1.0),
        None,
        h(0.5),
        h(4.0),
        None,
        h(6.0),
        None,
        None,
        h(9.0),
    ]);
}

#[test]
fn bools_are_unpacked_and_packed_at_any_length_and_offset() -> Result<(), Error> {
    for (n, at) in [
        (0, 0),
        (1, 0),
        (7, 3),
        (64, 0),
        (64, 5),
        (65, 1),
        (200, 63),
        (1000, 13),
    ] {
        let bits = (0..at + n).map(|i| (i % 5 != 0).then_some(i % 3 == 0));
        let array = bits.collect::<BooleanArray>().slice(at, n);
        let same: BooleanArray = eval("copy(a)", inputs! { a: &array })?.try_into()?;
        assert_eq!(same, array);
        let not: BooleanArray = eval("not a", inputs! { a: array.clone() })?.try_into()?;
        let want: BooleanArray = array.iter().map(|bit| bit.map(|bit| !bit)).collect();
        assert_eq!(not, want);
        let count: i64 = eval("sum(a)", inputs! { a: &array })?.try_into()?;
        assert_eq!(
            count,
            array.iter().flatten().filter(|&bit| bit).count() as i64
        );
    }
    Ok(())
}

#[test]
fn nulls_propagate_and_reductions_skip_them() -> Result<(), Error> {
    let a = Int32Array::from(vec![Some(1), None, Some(3), Some(4)]);
    let b = Float64Array::from(vec![None, Some(0.5), Some(1.5), Some(2.5)]);
    let c: Float64Array = eval("a * b", inputs! { a, b })?.try_into()?;
    assert_eq!(
        c,
        Float64Array::from(vec![None, None, Some(4.5), Some(10.0)])
    );
    let out = eval(
        "n = sum(a); m = mean(b); most = max(a * b); s = sum(a * 0 + b)",
        inputs! { a, b },
    )?;
    assert_eq!(out.to_string(), "n = 8\nm = 1.5\nmost = 10.0\ns = 4.0");
    let k = 2i8;
    let scaled: Int32Array = eval("k * a", inputs! { k, a })?.try_into()?;
    assert_eq!(
        scaled,
        Int32Array::from(vec![Some(2), None, Some(6), Some(8)])
    );
    let chosen: Float64Array = eval("where(a > 2, b, 0)", inputs! { a, b })?.try_into()?;
    assert_eq!(
        chosen,
        Float64Array::from(vec![None, None, Some(1.5), Some(2.5)])
    );
    Ok(())
}

#[test]
fn numbers_are_not_copied_on_the_way_in_or_out() -> Result<(), Error> {
    let a = Float32Array::from(vec![1.0; 100]).slice(3, 90);
    // An input without nulls is of a kernel without nulls.
    assert!(!Input::from(&a).is_nullable());
    assert!(Input::from(&Float32Array::from(vec![None, Some(1.0)])).is_nullable());
    let value: Value = eval("2 * a", inputs! { a })?.try_into()?;
    let Value::Array(array) = &value else {
        panic!("no nulls: {value}")
    };
    let at = array.as_bytes().as_ptr();
    let arrow = value.into_arrow()?;
    assert_eq!(arrow.to_data().buffers()[0].as_ptr(), at);
    Ok(())
}

#[test]
fn the_least_of_no_elements_is_null() -> Result<(), Error> {
    let none = Int64Array::from(Vec::<i64>::new());
    let out = eval("max(a); mean(a); sum(a); a + 1", inputs! { a: &none })?;
    assert_eq!(out.to_string(), "null\nnull\n0\n[]");
    let most: Int64Array = eval("max(a)", inputs! { a: none })?.try_into()?;
    assert_eq!(most, Int64Array::from(vec![None]));
    Ok(())
}

#[test]
fn other_types_are_refused_with_what_to_do() {
    let refused = |array: &dyn Array| Input::try_from(array).unwrap_err().to_string();
    assert_eq!(
        refused(&StringArray::from(vec!["a"])),
        "error[dtype-mismatch]: an Arrow array of type Utf8 holds neither numbers nor bools\n   \
         = note: types are Boolean, Int8 to Int64, UInt8 to UInt64, Float16 to Float64\n   \
         = help: convert it first"
    );
    let dictionary: DictionaryArray<Int8Type> = ["a", "b"].into_iter().collect();
    assert!(refused(&dictionary).ends_with("help: unpack the dictionary first"));
    assert!(refused(&Date32Array::from(vec![1])).ends_with("help: cast it to its integers first"));
    assert!(refused(&Decimal128Array::from(vec![1])).ends_with("help: cast it to Float64 first"));
}

#[test]
fn record_batches_go_in_and_come_out() -> Result<(), Box<dyn std::error::Error>> {
    let x: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None, Some(3)]));
    let y: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let batch = RecordBatch::try_from_iter([("x", x), ("y", y), ("name", name)])?;

    let expr = Expr::parse("let d = 2 * x; double = d; where(y, x, 0)")?;
    let out: RecordBatch = expr.eval(expr.columns(&batch)?)?.try_into()?;
    let schema = out.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["double", "where(y, x, 0)"]);
    assert_eq!(
        out.column(0).as_ref(),
        &Int8Array::from(vec![Some(2), None, Some(6)])
    );
    assert_eq!(
        out.column(1).as_ref(),
        &Int8Array::from(vec![Some(1), None, Some(3)])
    );

    let expr = Expr::parse("x + 1; max(x)")?;
    let uneven: Result<RecordBatch, _> = expr.eval(expr.columns(&batch)?)?.try_into();
    assert_eq!(uneven.unwrap_err().code().slug(), "output-shape");

    let error = Expr::parse("name + 1")?.columns(&batch).unwrap_err();
    assert!(
        format!("{error:#}")
            .ends_with("column `name` of type Utf8 holds neither numbers nor bools")
    );
    Ok(())
}

#[test]
fn results_that_arrow_has_no_place_for_are_refused() -> Result<(), Error> {
    let m = numloom::View::from_slice_shaped(&[1.0, 2.0], &[1, 2])?;
    let table = eval("m", inputs! { m })?.into_value()?.into_arrow();
    assert_eq!(table.unwrap_err().code().slug(), "output-shape");
    let other: Result<Int32Array, _> = eval("m", inputs! { m: &[1.0] })?.try_into();
    assert_eq!(other.unwrap_err().code().slug(), "dtype-mismatch");
    Ok(())
}
