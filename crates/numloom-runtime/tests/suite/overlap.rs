//! Outputs that share memory with inputs: the result is as if the inputs had been copied first.

use numloom_data::{Array, DType, View, ViewMut};
use numloom_runtime::{Backend, Compiled, Out, OutputValue, RunOptions, RuntimeErrorKind};

use crate::support::{assert_same, backends, compile, engine, naive, program};

/// A loop and a call that reads its input directly and writes its output directly.
const SUM_AND_EXP: &str = "
    input a: f64
    input b: f64
    %0 = input 0 : f64
    %1 = input 1 : f64
    %2 = add %0 %1 : f64
    %3 = exp %0 : f64
    out s = %2 shape 0 1
    out e = %3 shape 0 1
";

/// 192 numbers that three arrays lie in, in any relation.
struct Memory([f64; 192]);

impl Memory {
    fn new() -> Memory {
        Memory(std::array::from_fn(|i| ((i * 37) % 101 + 1) as f64 / 101.0))
    }

    /// The view of `shape` with these strides in elements, from element `start` on; none if it does not fit.
    #[expect(
        unsafe_code,
        reason = "views that overlap can only be made from raw parts"
    )]
    fn view<'a>(&self, start: isize, shape: &[usize], steps: &[isize]) -> Option<View<'a>> {
        let (mut low, mut high) = (start, start);
        for (&extent, &step) in shape.iter().zip(steps) {
            let reach = step * (extent as isize - 1);
            low += reach.min(0);
            high += reach.max(0);
        }
        if low < 0 || high >= self.0.len() as isize {
            return None;
        }
        let strides: Vec<isize> = steps.iter().map(|step| step * 8).collect();
        let ptr = self.0.as_ptr().wrapping_offset(start);
        // SAFETY: (1, 2) every element was just found to lie in the array; (3) it is written to only by runs that are given
        // this view, or while the view is not used.
        Some(unsafe { View::from_raw_parts(ptr.cast(), DType::F64, shape, &strides) })
    }

    #[expect(
        unsafe_code,
        reason = "views that overlap can only be made from raw parts"
    )]
    fn view_mut<'a>(&mut self, shape: &[usize], of: &View<'_>) -> ViewMut<'a> {
        let offset = of.ptr().addr() - self.0.as_ptr().addr();
        let ptr = self.0.as_mut_ptr().cast::<u8>().wrapping_add(offset);
        // SAFETY: (1, 2) `of` lies in the array; (3) its strides do not meet, and only inputs of the same run share it.
        unsafe { ViewMut::from_raw_parts(ptr, DType::F64, shape, of.strides()) }
    }
}

/// Places of an 8 × 8 array, or of one axis of 64: contiguous, transposed, shifted, reversed, with steps, interleaved.
fn places() -> Vec<(isize, Vec<usize>, Vec<isize>)> {
    let mut places = Vec::new();
    for start in [0, 1, 3, 8, 63, 64, 65, 100, 127] {
        for step in [1, 2, -1, -2] {
            places.push((start, vec![64], vec![step]));
        }
        for steps in [
            [8, 1],
            [1, 8],
            [-8, 1],
            [8, -1],
            [16, 2],
            [1, 16],
            [9, 1],
            [1, 9],
        ] {
            places.push((start, vec![8, 8], steps.to_vec()));
        }
    }
    places
}

fn check(
    compiled: &Compiled,
    out: &(isize, Vec<usize>, Vec<isize>),
    a: &View<'_>,
    b: &View<'_>,
    memory: &mut Memory,
    what: &str,
) {
    let prog = compiled.program();
    let shape = &out.1;
    let Some(target) = memory.view(out.0, shape, &out.2) else {
        return;
    };
    let want = naive(prog, &[a.clone(), b.clone()]);
    let mut other = Array::zeros(DType::F64, shape, numloom_data::Order::C).unwrap();
    let mut outs = [
        Out::Array(memory.view_mut(shape, &target)),
        Out::Array(other.view_mut()),
    ];
    compiled
        .run_into(&[a.clone(), b.clone()], &mut outs, &RunOptions::new())
        .unwrap();
    let got = [
        OutputValue::Array(target.to_array().unwrap()),
        OutputValue::Array(other),
    ];
    assert_same(&got, &want, what);
}

#[test]
fn every_relation_of_an_output_to_an_input_is_as_if_copied_first() {
    let prog = program(SUM_AND_EXP);
    let mut cases = 0;
    let mut all = vec![compile(&engine(Backend::Interpreter, 1), &prog)];
    all.extend(
        backends()
            .iter()
            .flat_map(|&backend| [1, 2].map(|threads| compile(&engine(backend, threads), &prog))),
    );
    let places = places();
    for (i, input) in places.iter().enumerate() {
        for (j, out) in places
            .iter()
            .enumerate()
            .filter(|(_, out)| out.1 == input.1)
        {
            let compiled = &all[(i + j) % all.len()];
            let mut memory = Memory::new();
            let Some(a) = memory.view(input.0, &input.1, &input.2) else {
                continue;
            };
            let row = memory.view(0, &input.1[..1], &[0]).unwrap();
            check(
                compiled,
                out,
                &a,
                &row,
                &mut memory,
                &format!("{input:?} → {out:?}"),
            );
            cases += 1;
        }
    }
    assert!(cases > 1500, "only {cases} cases");
}

#[test]
fn an_output_that_is_an_input_is_computed_in_place_and_large_ones_too() {
    let prog = program(SUM_AND_EXP);
    for &backend in backends() {
        for threads in [1, 3] {
            let compiled = compile(&engine(backend, threads), &prog);
            let mut x: Vec<f64> = (0..20_000).map(|i| f64::from(i) / 1e4).collect();
            let y = vec![1.0; 20_000];
            let want = naive(&prog, &[View::from_slice(&x), View::from_slice(&y)]);
            let mut e = vec![0.0; 20_000];
            let ptr = x.as_mut_ptr().cast::<u8>();
            #[expect(
                unsafe_code,
                reason = "views that overlap can only be made from raw parts"
            )]
            // SAFETY: `x` lives, and is used through these two views of one run only.
            let (a, s) = unsafe {
                (
                    View::from_raw_parts(ptr, DType::F64, &[20_000], &[8]),
                    ViewMut::from_raw_parts(ptr, DType::F64, &[20_000], &[8]),
                )
            };
            let mut outs = [Out::Array(s), Out::Array(ViewMut::from_slice(&mut e))];
            compiled
                .run_into(&[a, View::from_slice(&y)], &mut outs, &RunOptions::new())
                .unwrap();
            let array =
                |values: &[f64]| OutputValue::Array(Array::from_slice(values, &[20_000]).unwrap());
            assert_same(&[array(&x), array(&e)], &want, "in place");
        }
    }
}

#[test]
fn outputs_that_share_memory_are_refused_and_interleaved_ones_are_not() {
    let prog = program(SUM_AND_EXP);
    let compiled = compile(&engine(backends()[0], 1), &prog);
    let x = [0.5; 20];
    let inputs = [View::from_slice(&x), View::from_slice(&x)];
    let run = |first: isize, second: isize, step: isize| {
        let mut memory = Memory::new();
        let one = memory.view(first, &[20], &[step]).unwrap();
        let two = memory.view(second, &[20], &[step]).unwrap();
        let (s, e) = (memory.view_mut(&[20], &one), memory.view_mut(&[20], &two));
        compiled.run_into(
            &inputs,
            &mut [Out::Array(s), Out::Array(e)],
            &RunOptions::new(),
        )
    };
    let error = run(0, 19, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the places for output `s` and output `e` share memory"
    );
    assert!(matches!(
        error.kind(),
        RuntimeErrorKind::OutputOverlap { .. }
    ));
    assert!(run(0, 20, 1).is_ok());
    assert!(run(0, 1, 2).is_ok());
    assert!(run(0, 2, 2).is_err());
}

#[test]
fn an_input_that_an_earlier_pass_overwrites_is_copied() {
    // Two shapes, so two passes; the first writes over what the second reads.
    let prog = program(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = neg %0 : f64
         %3 = add %0 %1 : f64
         out n = %2 shape 0
         out s = %3 shape 0 1",
    );
    for &backend in backends() {
        let compiled = compile(&engine(backend, 1), &prog);
        let mut memory = Memory::new();
        let a = memory.view(0, &[8], &[1]).unwrap();
        let b = memory.view(100, &[3, 1], &[1, 1]).unwrap();
        let want = naive(&prog, &[a.clone(), b.clone()]);
        let n = memory.view_mut(&[8], &a);
        let mut s = Array::zeros(DType::F64, &[3, 8], numloom_data::Order::C).unwrap();
        let mut outs = [Out::Array(n), Out::Array(s.view_mut())];
        compiled
            .run_into(&[a.clone(), b], &mut outs, &RunOptions::new())
            .unwrap();
        let got = [
            OutputValue::Array(a.to_array().unwrap()),
            OutputValue::Array(s),
        ];
        assert_same(&got, &want, "two passes");
    }
}

/// `y` is written by the first pass, while `a` is read again by the second, along an axis.
const CENTRED_COLUMNS: &str = "
    input a: f64
    %0 = input 0 : f64
    %1 = const 2.0 : f64
    %2 = mul %0 %1 : f64
    %3 = sum %0 : f64
    %4 = sub %0 %3 : f64
    %5 = sum %4 axes 0 : f64
    out y = %2 shape 0
    out s = %5 shape %5
";

#[test]
fn an_input_that_a_later_pass_reads_along_an_axis_is_copied() {
    let prog = program(CENTRED_COLUMNS);
    for &backend in backends() {
        let compiled = compile(&engine(backend, 2), &prog);
        for start in [0, 1, 6, 30] {
            let mut memory = Memory::new();
            let a = memory.view(0, &[4, 6], &[6, 1]).expect("it fits");
            let copy = a.to_array().expect("memory");
            let want = compiled.run(&[copy.view()], &RunOptions::new()).unwrap();
            let place = memory.view(start, &[4, 6], &[6, 1]).expect("it fits");
            let y = memory.view_mut(&[4, 6], &place);
            let mut s = [0.0; 6];
            let mut outs = [Out::Array(y), Out::Array(ViewMut::from_slice(&mut s))];
            compiled
                .run_into(&[a], &mut outs, &RunOptions::new())
                .unwrap();
            let got = [
                OutputValue::Array(place.to_array().expect("memory")),
                OutputValue::Array(Array::from_slice(&s, &[6]).expect("memory")),
            ];
            assert_same(&got, &want, &format!("{backend} from {start}"));
        }
    }
}

#[test]
fn an_input_that_is_reduced_into_its_own_memory_is_copied() {
    for (axis, places) in [(0, 6), (1, 4)] {
        let prog = program(&format!(
            "input a: f64
             %0 = input 0 : f64
             %1 = sum %0 axes {axis} : f64
             out s = %1 shape %1",
        ));
        for &backend in backends() {
            let compiled = compile(&engine(backend, 2), &prog);
            for (start, step) in [(0, 1), (3, 1), (0, 5), (23, -1), (100, 1)] {
                let mut memory = Memory::new();
                let a = memory.view(0, &[4, 6], &[6, 1]).expect("it fits");
                let copy = a.to_array().expect("memory");
                let want = compiled.run(&[copy.view()], &RunOptions::new()).unwrap();
                let place = memory.view(start, &[places], &[step]).expect("it fits");
                let s = memory.view_mut(&[places], &place);
                compiled
                    .run_into(&[a], &mut [Out::Array(s)], &RunOptions::new())
                    .unwrap();
                let got = OutputValue::Array(place.to_array().expect("memory"));
                let what = format!("axis {axis} to {start} by {step} on {backend}");
                assert_same(&[got], &want, &what);
            }
        }
    }
}

#[test]
fn an_array_is_reduced_over_rows_that_are_all_itself_in_place() {
    let prog = program(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = mul %0 %1 : f64
         %3 = sum %2 axes 0 : f64
         out s = %3 shape %3",
    );
    for &backend in backends() {
        let compiled = compile(&engine(backend, 2), &prog);
        let mut memory = Memory::new();
        let a = memory.view(0, &[64], &[1]).expect("it fits");
        let b = [2.0, 3.0, 5.0, 7.0];
        let b = View::from_slice_shaped(&b, &[4, 1]).expect("it fits");
        let copy = a.to_array().expect("memory");
        let want = compiled
            .run(&[copy.view(), b.clone()], &RunOptions::new())
            .unwrap();
        let s = memory.view_mut(&[64], &a);
        let inputs = [a.clone(), b];
        compiled
            .run_into(&inputs, &mut [Out::Array(s)], &RunOptions::new())
            .unwrap();
        let got = OutputValue::Array(a.to_array().expect("memory"));
        assert_same(&[got], &want, &format!("{backend}"));
    }
}
