//! Arrays of the `ndarray` crate, of any layout, in and out.
#![cfg(feature = "ndarray")]

use ndarray::{Array0, Array1, Array2, Array3, ArrayD, Axis, Ix2, ShapeBuilder, arr0, array, s};
use numloom::{Complex, Element, Input, Place, View, ViewMut, eval, eval_into, inputs};

fn table() -> Array2<f64> {
    Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as f64)
}

#[test]
fn every_layout_of_an_input_gives_the_same_elements() -> Result<(), numloom::Error> {
    let m = table();
    let f = Array2::from_shape_vec((4, 6).f(), m.t().iter().copied().collect()).unwrap();
    assert_eq!(f, m);
    let mut back = m.view();
    back.invert_axis(Axis(1));
    let one = array![7.0];
    for (what, view) in [
        ("row-major", m.view()),
        ("column-major", f.view()),
        ("transposed", m.t()),
        ("reversed", back),
        ("reversed and transposed", back.reversed_axes()),
        ("every other column", m.slice(s![.., ..;2])),
        ("every other row, backwards", m.slice(s![..;-2, ..])),
        ("a window", m.slice(s![1..3, 2..5])),
        ("broadcast", one.broadcast((4, 6)).unwrap()),
        ("broadcast rows", m.row(2).broadcast((3, 6)).unwrap()),
        ("no rows", m.slice(s![0..0, ..])),
        ("one column", m.slice(s![.., 2..3])),
    ] {
        let got: Array2<f64> = eval("2*m + 1", inputs! { m: view })?.try_into()?;
        assert_eq!(got, view.mapv(|x| 2.0 * x + 1.0), "{what}");
    }
    Ok(())
}

#[test]
fn results_go_into_every_layout() -> Result<(), numloom::Error> {
    let m = table();
    for windows in [false, true] {
        let mut row_major = Array2::<f64>::zeros((9, 13));
        let mut column_major = Array2::<f64>::zeros((9, 13).f());
        for out in [&mut row_major, &mut column_major] {
            let mut view = if windows {
                out.slice_mut(s![1..9;2, 1..13;2])
            } else {
                out.slice_mut(s![..4, ..6])
            };
            view.invert_axis(Axis(0));
            eval_into("m * 2", inputs! { m: &m }, view.view_mut())?;
            assert_eq!(view, m.mapv(|x| 2.0 * x));
            assert_eq!(out.sum(), 2.0 * m.sum(), "nothing else is touched");
        }
    }
    let mut whole = Array2::<f64>::zeros((6, 4));
    eval_into("m", inputs! { m: &m }, whole.view_mut().reversed_axes())?;
    assert_eq!(whole, m.t());
    let mut back = Array1::<i32>::zeros(3);
    back.invert_axis(Axis(0));
    eval_into("x", [("x", &[1, 2, 3])], &mut back)?;
    assert_eq!(back, array![1, 2, 3]);
    Ok(())
}

#[test]
fn several_outputs_go_where_they_belong() -> Result<(), numloom::Error> {
    let m = table();
    let mut half = Array2::<f32>::zeros((4, 3));
    let mut most = 0.0;
    eval_into(
        "half = f32(m) / 2; most = max(m)",
        [("m", Input::from(m.slice(s![.., ..;2])))],
        [
            ("half", Place::from(&mut half)),
            ("most", Place::from(&mut most)),
        ],
    )?;
    assert_eq!(half, m.slice(s![.., ..;2]).mapv(|x| x as f32 / 2.0));
    assert_eq!(most, 34.0);
    Ok(())
}

#[test]
fn results_as_arrays_must_have_dtype_and_rank() -> Result<(), numloom::Error> {
    let m = table();
    let dynamic: ArrayD<f64> = eval("m", inputs! { m: &m })?.try_into()?;
    assert_eq!(dynamic.shape(), [4, 6]);
    let wrong: Result<Array1<f64>, _> = eval("m", inputs! { m: &m })?.try_into();
    assert_eq!(wrong.unwrap_err().code().slug(), "output-shape");
    assert!(
        eval("m", inputs! { m: &m })?[0]
            .to_ndarray::<f32, Ix2>()
            .is_err()
    );
    let mut wrong = Array2::<f64>::zeros((4, 5));
    assert!(eval_into("m", inputs! { m: &m }, &mut wrong).is_err());
    Ok(())
}

#[test]
fn no_layout_is_copied_on_the_way_in() {
    let m = table();
    let gapped = m.slice(s![..;-2, 1..;3]);
    let view = View::from(gapped);
    assert_eq!(view.ptr(), gapped.as_ptr().cast());
    assert_eq!(view.shape(), [2, 2]);
    assert_eq!(view.strides(), [-2 * 48, 24]);
    let row = m.row(1);
    let view = View::from(row.broadcast((7, 6)).unwrap());
    assert_eq!(view.strides(), [0, 8]);
    let mut m = m;
    let at = m.as_ptr().cast();
    let view = ViewMut::from(m.view_mut());
    assert_eq!((view.ptr(), view.strides()), (at, &[48, 8][..]));
}

#[test]
fn any_number_of_axes_goes_in_and_comes_out() -> Result<(), numloom::Error> {
    let cube = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as i64);
    let part = cube.slice(s![.., ..;-1, 1..;2]);
    let sum: Array2<i64> = eval("sum(c, axis=0)", inputs! { c: part })?.try_into()?;
    assert_eq!(sum, part.sum_axis(Axis(0)));
    let x = arr0(6);
    let one: Array0<i32> = eval("x + 1", inputs! { x })?.try_into()?;
    assert_eq!(one, arr0(7));
    let six = ArrayD::from_shape_fn(vec![1, 2, 1, 2, 1, 2], |i| i[1] + 2 * i[3] + 4 * i[5]);
    let six = six.mapv(|x| x as f32);
    let mut out = ArrayD::<f32>::zeros(vec![2, 1, 2, 1, 2, 1]);
    eval_into("2*x", inputs! { x: &six }, out.view_mut().reversed_axes())?;
    assert_eq!(out.reversed_axes(), six.mapv(|x| 2.0 * x));
    Ok(())
}

/// Every third element backwards, in and out.
fn goes_through<T: Element>(values: [T; 3]) -> Result<(), numloom::Error> {
    let x: Array1<T> = values.iter().flat_map(|&value| [value; 3]).collect();
    let x = x.slice(s![..;-3]);
    let mut out = Array1::from_elem(6, values[0]);
    eval_into("copy(x)", inputs! { x }, out.slice_mut(s![..;-2]))?;
    assert_eq!(out.slice(s![1..;2]), x.slice(s![..;-1]));
    let got: Array1<T> = eval("copy(x)", inputs! { x })?.try_into()?;
    assert_eq!(got, x);
    Ok(())
}

#[test]
fn every_element_type_goes_through() -> Result<(), numloom::Error> {
    goes_through([true, false, true])?;
    goes_through([1i8, -2, 3])?;
    goes_through([1i16, -2, 3])?;
    goes_through([1i32, -2, 3])?;
    goes_through([1i64, -2, 3])?;
    goes_through([1u8, 2, 3])?;
    goes_through([1u16, 2, 3])?;
    goes_through([1u32, 2, 3])?;
    goes_through([1u64, 2, 3])?;
    goes_through([1f32, -0.0, 3.5])?;
    goes_through([1f64, -0.0, 3.5])?;
    let z = array![Complex::new(1.0, 2.0), Complex::new(3.0, 4.0)];
    let view = View::from(z.slice(s![..;-1]));
    let parts = view.imag().unwrap().to_array()?;
    assert_eq!(parts.as_slice::<f64>()?, [4.0, 2.0]);
    Ok(())
}

#[test]
fn an_array_may_go_with_its_input() -> Result<(), numloom::Error> {
    let input = || Input::from(table().reversed_axes());
    assert_eq!(input().shape(), [6, 4]);
    let got: Array2<f64> = eval("-m", [("m", input())])?.try_into()?;
    assert_eq!(got, -table().reversed_axes());
    Ok(())
}
