//! What goes wrong ends in one error, the same at any number of threads, and never in a partial result.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use numloom_data::{Array, DType, Scalar, View};
use numloom_ir::{FaultCode, InputClass, opt};
use numloom_runtime::{
    Backend, CancelFlag, Deadline, Engine, Options, OutputValue, RunOptions, RuntimeErrorKind,
};

use crate::support::{Laid, Layout, backends, compile, engine, program};

const POWER: &str = "
    input a: i32
    input b: i32
    %0 = input 0 : i32
    %1 = input 1 : i32
    %2 = pow %0 %1 : i32
    out = %2 shape 0 1
";

#[test]
fn of_all_faults_the_one_with_the_lowest_index_is_told() {
    let prog = program(POWER);
    let shape = [90, 100];
    let mut exponents = vec![Scalar::I32(2); 9000];
    for i in [8999, 6010, 4242, 4243, 7000] {
        exponents[i] = Scalar::I32(-(i as i32));
    }
    let base = Laid::new(&vec![Scalar::I32(3); 9000], DType::I32, &shape, Layout::C);
    for &backend in backends() {
        for threads in [1, 2, 4, 7] {
            let compiled = compile(&engine(backend, threads), &prog);
            for layout in [Layout::C, Layout::F, Layout::Reversed] {
                let exponents = Laid::new(&exponents, DType::I32, &shape, layout);
                for block in [None, Some(1), Some(7), Some(1000)] {
                    let mut options = RunOptions::new();
                    options.block = block;
                    let error = compiled.run(&[base.view(), exponents.view()], &options);
                    let error = error.unwrap_err();
                    assert_eq!(
                        error.to_string(),
                        "i32 to the negative power -4242 (element (42, 42))",
                        "{backend} {threads} {layout:?} {block:?}"
                    );
                    let RuntimeErrorKind::Fault {
                        code,
                        index,
                        position,
                        ..
                    } = error.kind()
                    else {
                        panic!("{error:?}")
                    };
                    assert_eq!(*code, FaultCode::NegativePower);
                    assert_eq!((*index, &position[..]), (4242, &[42, 42][..]));
                }
            }
        }
    }
}

#[test]
fn of_faults_in_one_element_that_of_the_first_instruction_is_told_whatever_the_passes_leave() {
    // Folding the exponential puts the first cast into an earlier step. What nothing uses must not lend its place to
    // the equal instruction below it.
    let chained = "
        %0 = const 0.5 : f32
        %1 = exp %0 : f32
        %2 = cast.sat %1 : u32
        %3 = const 941771254 : u32
        %4 = or %3 %2 : u32
        %5 = cast %4 : f16
        %6 = cast.chk %5 : i16
        %7 = cast.chk %4 : u16
        out = %7
        out y1 = %6
    ";
    let unused = "
        input a: f64
        %0 = input 0 : f64
        %1 = cast.chk %0 : i8
        %2 = cast.chk %0 : u8
        %3 = cast.chk %0 : i8
        out = %3 shape 0
        out y1 = %2 shape 0
    ";
    let elements = [300.0];
    let a = [View::from_slice(&elements)];
    let cases: [(&str, &[View<'_>], &str); 2] = [
        (chained, &[], "f16 value inf does not fit i16"),
        (unused, &a, "f64 value 300.0 does not fit u8 (element 0)"),
    ];
    for (text, inputs, want) in cases {
        let raw = program(text);
        let tuned = Arc::new(opt::run(&raw));
        for &backend in backends() {
            for prog in [&raw, &tuned] {
                let compiled = compile(&engine(backend, 1), prog);
                let error = compiled.run(inputs, &RunOptions::new()).unwrap_err();
                assert_eq!(error.to_string(), want, "{backend}\n{prog}");
            }
        }
    }
}

#[test]
fn a_checked_cast_names_the_value_and_both_dtypes() {
    let prog =
        program("input a: f64\n %0 = input 0 : f64\n %1 = cast.chk %0 : i8\n out = %1 shape 0");
    for &backend in backends() {
        let compiled = compile(&engine(backend, 1), &prog);
        let error = compiled.run(&[View::from_slice(&[1.0, 300.5])], &RunOptions::new());
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string(),
            "f64 value 300.5 does not fit i8 (element 1)"
        );
        assert!(error.span().is_some());
        assert!(
            compiled
                .run(&[View::from_slice(&[1.0, 127.0])], &RunOptions::new())
                .is_ok()
        );
    }
}

#[test]
fn a_block_that_is_lost_anywhere_means_no_result() {
    let prog = program(
        "input a: f64
         %0 = input 0 : f64
         %1 = neg %0 : f64
         %2 = sum %0 : f64
         out y = %1 shape 0
         out s = %2",
    );
    let n = 40_000;
    let x = vec![1.0; n];
    for &backend in backends() {
        for threads in [1, 4] {
            let compiled = compile(&engine(backend, threads), &prog);
            for at in [0, 1, 4095, 4096, 20_000, n - 1] {
                let options = RunOptions::new().fail_at(at as u64);
                let error = compiled.run(&[View::from_slice(&x)], &options).unwrap_err();
                let RuntimeErrorKind::Incomplete { done, total } = *error.kind() else {
                    panic!("{error:?}")
                };
                assert!(done < total && total == n as u64, "{error}");
            }
            let past = RunOptions::new().fail_at(n as u64);
            assert!(compiled.run(&[View::from_slice(&x)], &past).is_ok());
        }
    }
}

/// Slow enough for a watch: about a second of work in one block function.
fn slow() -> (numloom_runtime::Compiled, Vec<f64>) {
    let text = "input a: f64\n %0 = input 0 : f64\n %1 = tan %0 : f64\n %2 = pow %1 %0 : f64\n %3 = sum %2 : f64\n out = %3";
    let compiled = compile(&engine(backends()[0], 2), &program(text));
    (compiled, vec![0.7; 30_000_000])
}

#[test]
fn a_raised_flag_stops_a_run_between_blocks() {
    let (compiled, x) = slow();
    let flag = CancelFlag::new();
    let options = RunOptions::new().cancel(flag.clone());
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let result = compiled.run(&[View::from_slice(&x)], &options);
            (result, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(30));
        let raised = Instant::now();
        flag.cancel();
        let (result, ended) = run.join().unwrap();
        let error = result.unwrap_err();
        assert!(
            matches!(error.kind(), RuntimeErrorKind::Cancelled { done, total }
            if *done < *total),
            "{error}"
        );
        assert!(ended.duration_since(raised) < Duration::from_millis(100));
    });
    flag.reset();
    let few = View::from_slice(&x[..10]);
    assert!(
        compiled.run(&[few], &options).is_ok(),
        "the engine is of use afterwards"
    );
}

#[test]
fn a_deadline_stops_a_run() {
    let (compiled, x) = slow();
    let started = Instant::now();
    let options = RunOptions::new().deadline(Duration::from_millis(20));
    let error = compiled.run(&[View::from_slice(&x)], &options).unwrap_err();
    assert!(
        matches!(error.kind(), RuntimeErrorKind::DeadlineExceeded { .. }),
        "{error}"
    );
    assert!(
        started.elapsed() < Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
    let few = [View::from_slice(&x[..10])];
    let past = RunOptions::new().deadline(Deadline::At(started));
    assert!(compiled.run(&few, &past).is_err());
    let never = RunOptions::new().deadline(Duration::MAX);
    assert!(compiled.run(&few, &never).is_ok());
}

#[test]
fn a_panic_in_the_callback_comes_out_in_the_caller_and_the_engine_goes_on() {
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = sum %0 : f64\n out = %1");
    let x = vec![1.0; 100_000];
    for threads in [1, 3] {
        let compiled = compile(&engine(backends()[0], threads), &prog);
        let options = RunOptions::new().progress(|news| {
            if news.done > 20_000 {
                panic!("enough");
            }
        });
        let run = || compiled.run(&[View::from_slice(&x)], &options);
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"enough"));
        let got = compiled
            .run(&[View::from_slice(&x)], &RunOptions::new())
            .unwrap();
        assert_eq!(got[0].item(), Some(Scalar::F64(1e5)));
    }
}

#[test]
fn the_callers_thread_is_asked_whether_to_stop_and_no_other() {
    let (whole, along) = (
        "input a: f64\n %0 = input 0 : f64\n %1 = exp %0 : f64\n out = %1 shape 0",
        "input a: f64\n %0 = input 0 : f64\n %1 = sum %0 axes 1 : f64\n out = %1 shape %1",
    );
    let x = Array::from_slice(&[0.5; 200_000], &[400, 500]).unwrap();
    for (text, backend, threads) in [(whole, 0, 1), (whole, 0, 3), (along, 0, 3), (along, 1, 1)] {
        let Some(&backend) = backends().get(backend) else {
            continue;
        };
        let compiled = compile(&engine(backend, threads), &program(text));
        let caller = std::thread::current().id();
        let stop = RunOptions::new().should_stop(move || {
            assert_eq!(std::thread::current().id(), caller);
            true
        });
        // Other threads may have done all before the caller has come to its first chunk.
        let mut tries = (0..1000).filter_map(|_| compiled.run(&[x.view()], &stop).err());
        let error = tries.next().expect("the caller is asked");
        assert!(
            matches!(error.kind(), RuntimeErrorKind::Cancelled { done, total } if *done < *total),
            "{error}"
        );
        let worse = RunOptions::new().should_stop(|| panic!("enough"));
        let run = || compiled.run(&[x.view()], &worse);
        let mut tries = (0..1000).filter_map(|_| catch_unwind(AssertUnwindSafe(run)).err());
        let panic = tries.next().expect("the caller is asked");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"enough"));
        let again = compiled.run(&[x.view()], &RunOptions::new());
        assert!(again.is_ok(), "{text} {backend} {threads}: {again:?}");
    }
}

#[test]
fn a_result_that_no_memory_holds_is_an_error() {
    let prog = program(
        "input a: f64\n input b: f64\n %0 = input 0 : f64\n %1 = input 1 : f64\n %2 = add %0 %1 : f64\n out = %2 shape 0 1",
    );
    let compiled = compile(&engine(backends()[0], 1), &prog);
    let x = [0.0; 1];
    let long = |axis: usize, n: usize| {
        let view = View::from_slice(&x);
        let view = if axis == 0 {
            view.insert_axis(1).unwrap()
        } else {
            view
        };
        let shape = if axis == 0 { vec![n, 1] } else { vec![n] };
        view.broadcast_to(&shape).unwrap()
    };
    // 2^46 bytes are addresses, but no memory.
    let run = |n: usize| {
        compiled
            .run(&[long(0, n), long(1, n)], &RunOptions::new())
            .unwrap_err()
    };
    let error = run(1 << 22);
    assert!(
        matches!(error.kind(), RuntimeErrorKind::OutOfMemory { bytes } if *bytes == 1 << 47),
        "{error}"
    );
    let error = run(1 << 31);
    assert!(
        error.to_string().contains("larger than the address space"),
        "{error}"
    );
}

#[test]
fn a_backend_that_is_named_never_gives_way() {
    let prog = program(POWER);
    let classes = [InputClass::Contiguous; 2];
    let auto = Engine::new(Options::new())
        .unwrap()
        .compile(&prog, &classes)
        .unwrap();
    let best = *backends().last().unwrap();
    assert_eq!(auto.backend(&classes).unwrap(), best);
    let explained = auto.explain(&classes).unwrap();
    assert_eq!(
        explained[0].fallback.is_some(),
        best == Backend::Interpreter
    );
    if best == Backend::Interpreter {
        let error = Engine::new(Options::new().backend(Backend::Cranelift)).unwrap_err();
        assert!(matches!(
            error.kind(),
            RuntimeErrorKind::BackendUnavailable { .. }
        ));
    }
}

#[test]
fn what_cannot_be_compiled_is_interpreted_and_says_why() {
    // More operations than the code generator takes.
    let mut text =
        String::from("input a: i64\n input k: i64\n %0 = input 0 : i64\n %1 = input 1 : i64\n");
    for i in 1..100_000 {
        text += &format!("%{} = {} %{i} %0 : i64\n", i + 1, ["add", "xor"][i % 2]);
    }
    text += "%100001 = sum %100000 : i64\n out y = %100000 shape 0 1\n out s = %100001";
    let prog = program(&text);
    let x = Laid::new(
        &crate::support::values(DType::I64, 40, 1),
        DType::I64,
        &[40],
        Layout::Strided,
    );
    let k = Laid::new(&[Scalar::I64(3)], DType::I64, &[], Layout::Swapped);
    let inputs = [x.view(), k.view()];
    let mut value = vec![3i64; 40];
    for (value, x) in value.iter_mut().zip(inputs[0].scalars()) {
        let Scalar::I64(x) = x else { unreachable!() };
        for i in 1..100_000 {
            *value = if i % 2 == 0 {
                value.wrapping_add(x)
            } else {
                *value ^ x
            };
        }
    }
    for threads in [1, 2] {
        let options = Options::new().threads(threads).serial_below(0);
        let compiled = compile(&Engine::new(options).unwrap(), &prog);
        let classes = [InputClass::Contiguous, InputClass::Scalar];
        let explained = compiled.explain(&classes).unwrap();
        assert_eq!(explained[0].backend, Backend::Interpreter);
        assert!(!explained[0].fallback.as_ref().unwrap().is_empty());
        let got = compiled.run(&inputs, &RunOptions::new()).unwrap();
        let sum = value.iter().fold(0i64, |sum, &x| sum.wrapping_add(x));
        assert_eq!(got[1].item(), Some(Scalar::I64(sum)));
        let OutputValue::Array(y) = &got[0] else {
            panic!("{got:?}")
        };
        assert_eq!(y.to_vec::<i64>().unwrap(), value);
    }
    if let Ok(engine) = Engine::new(Options::new().backend(Backend::Cranelift)) {
        let error = engine
            .compile(&prog, &[InputClass::Contiguous; 2])
            .unwrap_err();
        assert!(
            matches!(error.kind(), RuntimeErrorKind::BackendUnavailable { .. }),
            "{error}"
        );
    }
}
