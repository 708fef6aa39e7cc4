//! Alone in its process, so that it can count mappings.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::{InputClass, Kernel, KernelInput, LoopInst, LoopOp, Place, Step, V};
use numloom_jit::{NativeKernel, Target, live_mappings};

#[test]
fn code_is_unmapped_once_when_its_kernel_is_dropped() {
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
    assert_eq!(live_mappings(), 101);
    drop(many);
    assert_eq!(live_mappings(), 1);
    drop(first);
    assert_eq!(live_mappings(), 0);
}
