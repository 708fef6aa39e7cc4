//! Gathering and scattering, against indices multiplied by strides one element at a time.

use numloom_data::{
    ByteOrder, Complex, DType, Order, Overlap, Scalar, View, ViewMut, gather, overlap, scatter,
};
use proptest::prelude::*;

fn dtypes() -> impl Strategy<Value = DType> {
    let bytes = [0, 1, 3, 8, 17].map(DType::Bytes);
    proptest::sample::select([&DType::ALL[..], &bytes].concat())
}

/// One change of layout.
#[derive(Clone, Debug)]
enum Step {
    Transpose,
    Reverse(usize),
    Slice(usize, Option<isize>, Option<isize>, isize),
    Index(usize, usize),
    Insert(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bound = || proptest::option::of(-6isize..6);
    let step = prop_oneof![
        Just(Step::Transpose),
        (0usize..4).prop_map(Step::Reverse),
        (
            0usize..4,
            bound(),
            bound(),
            prop_oneof![-3isize..0, 1isize..4]
        )
            .prop_map(|(axis, start, stop, step)| Step::Slice(axis, start, stop, step)),
        (0usize..4, 0usize..3).prop_map(|(axis, i)| Step::Index(axis, i)),
        (0usize..4).prop_map(Step::Insert),
    ];
    proptest::collection::vec(step, 0..6)
}

/// Applies the steps that fit; the same for both kinds of view.
macro_rules! apply {
    ($view:expr, $steps:expr) => {{
        let mut view = $view;
        for step in $steps {
            view = match *step {
                Step::Transpose => view.transpose(),
                Step::Reverse(axis) if axis < view.ndim() => view.reversed(axis).unwrap(),
                Step::Slice(axis, a, b, s) if axis < view.ndim() => {
                    view.slice_axis(axis, a, b, s).unwrap()
                }
                Step::Index(axis, i) if axis < view.ndim() && i < view.shape()[axis] => {
                    view.index_axis(axis, i).unwrap()
                }
                Step::Insert(axis) if axis <= view.ndim() => view.insert_axis(axis).unwrap(),
                _ => view,
            };
        }
        view
    }};
}

/// Where each element begins, in row-major order.
fn offsets(shape: &[usize], strides: &[isize], first: usize) -> Vec<usize> {
    let mut offsets = vec![first];
    for (&extent, &stride) in shape.iter().zip(strides) {
        let step = |&offset: &usize| {
            (0..extent).map(move |i| offset.checked_add_signed(stride * i as isize).unwrap())
        };
        offsets = offsets.iter().flat_map(step).collect();
    }
    offsets
}

/// What becomes of the bytes of one element on the way.
fn converted(bytes: &[u8], dtype: DType, order: ByteOrder) -> Vec<u8> {
    if dtype.is_bool() {
        return vec![u8::from(bytes[0] != 0)];
    }
    let mut bytes = bytes.to_vec();
    if order == ByteOrder::Swapped {
        bytes
            .chunks_mut(dtype.swap_unit())
            .for_each(<[u8]>::reverse);
    }
    bytes
}

#[derive(Clone, Debug)]
struct Case {
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
    byte_order: ByteOrder,
    steps: Vec<Step>,
    /// The elements begin here in `memory`, at any alignment.
    lead: usize,
    memory: Vec<u8>,
    block: Vec<u8>,
    cut: (prop::sample::Index, prop::sample::Index),
}

impl Case {
    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.itemsize()
    }

    fn range(&self, len: usize) -> (usize, usize) {
        let (a, b) = (self.cut.0.index(len + 1), self.cut.1.index(len + 1));
        (a.min(b), a.max(b) - a.min(b))
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let order = prop_oneof![Just(Order::C), Just(Order::F)];
    let byte_order = prop_oneof![Just(ByteOrder::Native), Just(ByteOrder::Swapped)];
    let shape = proptest::collection::vec(0usize..6, 0..5);
    (
        dtypes(),
        shape,
        order,
        byte_order,
        steps(),
        0usize..8,
        any::<u64>(),
        any::<[prop::sample::Index; 2]>(),
    )
        .prop_map(
            |(dtype, shape, order, byte_order, steps, lead, seed, cut)| {
                let bytes = shape.iter().product::<usize>() * dtype.itemsize();
                // Spicy enough: bytes of all values, zeros included, for bools.
                let noise = |i: usize| {
                    let x = (seed ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                    if x & 3 == 0 { 0 } else { (x >> 8) as u8 }
                };
                Case {
                    dtype,
                    shape,
                    order,
                    byte_order,
                    steps,
                    lead,
                    memory: (0..lead + bytes).map(noise).collect(),
                    block: (0..bytes).map(|i| noise(i + 77_777)).collect(),
                    cut: (cut[0], cut[1]),
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn gather_moves_each_element_to_its_place(case in cases(), stretch in 0usize..3) {
        let memory = &case.memory[case.lead..];
        let base = View::from_bytes(memory, case.dtype, &case.shape, case.order).unwrap();
        let mut view = apply!(base.with_byte_order(case.byte_order), &case.steps);
        if stretch > 0 {
            let shape = [&[stretch], view.shape()].concat();
            view = view.broadcast_to(&shape).unwrap();
        }
        let (start, n) = case.range(view.len());
        let size = case.dtype.itemsize();

        let first = view.ptr().addr().wrapping_sub(memory.as_ptr().addr());
        let places = if view.is_empty() { vec![] } else { offsets(view.shape(), view.strides(), first) };
        let mut want: Vec<u8> = places[start..start + n]
            .iter()
            .flat_map(|&at| converted(&memory[at..at + size], case.dtype, case.byte_order))
            .collect();
        // Nothing past the block is touched.
        want.extend([0xee; 3]);
        let mut got = vec![0xee; n * size + 3];
        gather(&view, start, n, &mut got);
        prop_assert_eq!(&got, &want);

        let all = view.to_array().unwrap();
        prop_assert_eq!(&all.as_bytes()[start * size..(start + n) * size], &want[..n * size]);
        prop_assert!(view.scalars().eq(all.view().scalars()));
    }

    #[test]
    fn scatter_moves_each_element_to_its_place(case in cases()) {
        let mut got = case.memory.clone();
        let memory = &mut got[case.lead..];
        let address = memory.as_ptr().addr();
        let base = ViewMut::from_bytes(memory, case.dtype, &case.shape, case.order).unwrap();
        let mut view = apply!(base.with_byte_order(case.byte_order), &case.steps);
        let (start, n) = case.range(view.len());
        let size = case.dtype.itemsize();

        let first = view.ptr().addr().wrapping_sub(address);
        let places = if view.is_empty() { vec![] } else { offsets(view.shape(), view.strides(), first) };
        let mut want = case.memory.clone();
        for (i, &at) in places[start..start + n].iter().enumerate() {
            let element = converted(&case.block[i * size..][..size], case.dtype, case.byte_order);
            want[case.lead + at..][..size].copy_from_slice(&element);
        }
        scatter(&case.block, &mut view, start, n);
        prop_assert_eq!(&got, &want);
        prop_assert!(case.bytes() == want.len() - case.lead);
    }

    #[test]
    fn the_byte_extent_covers_exactly_the_elements(case in cases()) {
        let memory = &case.memory[case.lead..];
        let base = View::from_bytes(memory, case.dtype, &case.shape, case.order).unwrap();
        let view = apply!(base, &case.steps);
        let extent = view.byte_extent();
        if view.is_empty() {
            prop_assert!(extent.is_empty());
        } else {
            let places = offsets(view.shape(), view.strides(), view.ptr().addr());
            prop_assert_eq!(extent.start, *places.iter().min().unwrap());
            prop_assert_eq!(extent.end, *places.iter().max().unwrap() + case.dtype.itemsize());
        }
    }
}

#[test]
fn thirty_two_axes_work() {
    let values: Vec<i16> = (0..1 << 10).collect();
    let mut shape = [1; 32];
    for axis in 0..10 {
        shape[3 * axis] = 2;
    }
    let view = View::from_slice_shaped(&values, &shape)
        .unwrap()
        .transpose()
        .transpose();
    assert_eq!(view.to_array().unwrap().to_vec::<i16>().unwrap(), values);
    let turned = view.transpose().to_array().unwrap();
    assert_eq!(
        turned
            .view()
            .transpose()
            .to_array()
            .unwrap()
            .to_vec::<i16>()
            .unwrap(),
        values
    );
}

#[test]
fn assigning_broadcasts_and_checks_both_sides() {
    let mut m = [0.0; 6];
    let mut view = ViewMut::from_slice_shaped(&mut m, &[2, 3]).unwrap();
    view.assign(&View::from_slice(&[1.0, 2.0, 3.0])).unwrap();
    assert_eq!(
        view.assign(&View::from_slice(&[1.0, 2.0]))
            .unwrap_err()
            .to_string(),
        "shape (2,) does not broadcast to (2, 3)"
    );
    assert_eq!(
        view.assign(&View::from_slice(&[1i32]))
            .unwrap_err()
            .to_string(),
        "expected dtype f64, found i32"
    );
    assert_eq!(m, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn an_index_out_of_range_is_none_and_an_axis_an_error() {
    let x = [1, 2, 3];
    let view = View::from_slice(&x);
    assert_eq!(view.get(&[3]), None);
    assert_eq!(view.get(&[]), None);
    assert_eq!(
        view.reversed(1).unwrap_err().to_string(),
        "axis 1 is out of range for 1 axes"
    );
    assert_eq!(
        view.permute(&[1]).unwrap_err().to_string(),
        "(1,) does not name each of 1 axes once"
    );
    assert_eq!(
        view.slice_axis(0, None, None, 0).unwrap_err().to_string(),
        "the slice of axis 0 has step 0"
    );
    assert_eq!(
        view.reshape(&[2]).unwrap_err().to_string(),
        "shape (2,) does not hold 3 elements"
    );
    assert!(
        view.slice_axis(0, None, None, 2)
            .unwrap()
            .reshape(&[2, 1])
            .is_err()
    );
}

#[test]
fn overlap_tells_the_same_elements_from_other_orders_of_them() {
    let x = [0u32; 9];
    let square = View::from_slice_shaped(&x, &[3, 3]).unwrap();
    let part = |start, stop| square.slice_axis(0, Some(start), Some(stop), 1).unwrap();
    let cases = [
        (square.clone(), square.clone(), Overlap::Same),
        (square.clone(), square.transpose(), Overlap::Partial),
        (
            square.clone(),
            square.with_byte_order(ByteOrder::Swapped),
            Overlap::Partial,
        ),
        (
            square.clone(),
            square.reshape(&[9]).unwrap(),
            Overlap::Partial,
        ),
        (part(0, 2), part(1, 3), Overlap::Partial),
        (part(0, 1), part(1, 3), Overlap::None),
        (
            part(0, 1),
            square.index_axis(0, 0).unwrap().insert_axis(0).unwrap(),
            Overlap::Same,
        ),
        (part(1, 1), square.clone(), Overlap::None),
    ];
    for (a, b, want) in cases {
        assert_eq!(overlap(&a, &b), want, "{a:?} {b:?}");
        assert_eq!(overlap(&b, &a), want, "{b:?} {a:?}");
    }
}

#[test]
fn parts_of_complex_arrays_are_views() {
    let mut z = [Complex::new(1f32, 2.0), Complex::new(3.0, 4.0)];
    let view = View::from_slice(&z).reversed(0).unwrap();
    let values = |view: &View<'_>| view.to_array().unwrap().to_vec::<f32>().unwrap();
    assert_eq!(values(&view.real()), [3.0, 1.0]);
    assert_eq!(values(&view.imag().unwrap()), [4.0, 2.0]);
    assert!(view.real().imag().is_none());
    ViewMut::from_slice(&mut z)
        .imag()
        .unwrap()
        .fill(&Scalar::F32(9.0))
        .unwrap();
    assert_eq!(z, [Complex::new(1.0, 9.0), Complex::new(3.0, 9.0)]);
}

#[test]
fn bools_written_through_a_view_are_zero_or_one() {
    let mut flags = [false; 4];
    scatter(&[0, 1, 2, 255], &mut ViewMut::from_slice(&mut flags), 0, 4);
    assert_eq!(flags, [false, true, true, true]);
}
