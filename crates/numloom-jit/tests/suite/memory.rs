//! Code memory: freed once, never writable and executable, shared by threads.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::{Kernel, Op};
use numloom_jit::NativeKernel;

use crate::build::Build;
use crate::compare::{Data, compile, compilers, execute, interpret};
use crate::values::Numbers;

fn axpy() -> Arc<Kernel> {
    let mut build = Build::new();
    let x = build.array(DType::F64);
    let y = build.array(DType::F64);
    let sum = build.apply(Op::Add, &[x, y]);
    let product = build.apply(Op::Mul, &[sum, x]);
    build.out(product);
    Arc::new(build.finish())
}

fn compiled(kernel: &Arc<Kernel>) -> NativeKernel {
    compile(kernel, &compilers()[0])
}

#[test]
#[cfg(target_os = "linux")]
fn no_page_is_writable_and_executable() {
    let kernels: Vec<_> = (0..20).map(|_| compiled(&axpy())).collect();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("this process has maps");
    let mut executable = 0;
    for line in maps.lines() {
        let access = line
            .split_whitespace()
            .nth(1)
            .expect("a map has its access");
        assert!(!(access.contains('w') && access.contains('x')), "{line}");
        executable += usize::from(access.contains('x'));
    }
    assert!(executable > 0 && kernels.len() == 20);
}

#[test]
fn two_threads_run_one_kernel() {
    let kernel = axpy();
    let native = compiled(&kernel);
    let (kernel, native) = (&kernel, &native);
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || {
                let mut numbers = Numbers::new(seed);
                for n in 0..300 {
                    let data = Data::new(kernel, n, &mut numbers);
                    let (got, want) = (execute(native, &data, 0), interpret(kernel, &data));
                    crate::compare::assert_same(
                        kernel,
                        crate::compare::Nan::Any,
                        &got,
                        &want,
                        "threads",
                    );
                }
            });
        }
    });
}

#[test]
fn threads_compile_at_the_same_time() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let kernel = axpy();
                for _ in 0..50 {
                    let native = compiled(&kernel);
                    let data = Data::new(&kernel, 9, &mut Numbers::new(1));
                    assert_eq!(
                        execute(&native, &data, 0).outputs[0].len(),
                        72,
                        "nine elements"
                    );
                }
            });
        }
    });
}
