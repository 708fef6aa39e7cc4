//! Alone in its process, so that it can count mappings.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::{InputClass, Kernel, KernelInput, LoopInst, LoopOp, Place, Step, V};
use numloom_jit::{NativeKernel, Target, live_mappings};

#[test]
fn code_is_unmapped_with_the_last_kernel_of_its_mapping() {
    let inst = |op| LoopInst {
        op,
        dtype: DType::F64,
    };
    let kernel = Arc::new(Kernel {
        inputs: vec![KernelInput {
            dtype: DType::F64,
            class: InputClass::Contiguous,
        }],
        outputs: vec![DType::F64],
        accumulators: vec![],
        slots: vec![],
        steps: vec![Step::Loop(vec![
            inst(LoopOp::Load(Place::Input(0))),
            inst(LoopOp::Store {
                place: Place::Output(0),
                value: V(0),
            }),
        ])],
        form: numloom_ir::Form::default(),
        results: vec![],
    });
    let target = Target::host().expect("tests run where there is a backend");
    let compile = || NativeKernel::compile(Arc::clone(&kernel), &target).expect("compiles");
    assert_eq!(live_mappings(), 0);
    let first = compile();
    let many: Vec<_> = (0..100).map(|_| compile()).collect();
    assert_eq!(live_mappings(), 101usize.div_ceil(8));
    drop(many);
    assert_eq!(
        live_mappings(),
        2,
        "that of the first, and that of the next"
    );
    drop(first);
    assert_eq!(live_mappings(), 1);
    (0..100).for_each(|_| drop(compile()));
    assert_eq!(live_mappings(), 1);
}
