//! Arrays of the `ndarray` crate, of any layout, in and out.
#![cfg(feature = "ndarray")]

use ndarray::{Array1, Array2, ArrayD, Axis, Ix2, ShapeBuilder, array, s};
use numloom::{Input, Place, eval, eval_into, inputs};

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
