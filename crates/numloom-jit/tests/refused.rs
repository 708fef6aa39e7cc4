#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "tells the system to refuse executable memory")]
//! Alone in its process, which gives up executable memory for good.

use std::sync::Arc;

use numloom_ir::Kernel;
use numloom_jit::{JitErrorKind, NativeKernel, Target, live_mappings};

#[test]
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn a_system_that_refuses_executable_memory_is_an_error() {
    const SET_MDWE: libc::c_int = 65;
    const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    const UNUSED: libc::c_ulong = 0;
    // SAFETY: sets a flag of this process; `prctl` wants its unused arguments zero.
    let status = unsafe { libc::prctl(SET_MDWE, REFUSE_EXEC_GAIN, UNUSED, UNUSED, UNUSED) };
    if status != 0 {
        // Linux before 6.3: nothing else makes a process refuse.
        eprintln!("SKIPPED: this system cannot be told to refuse executable memory");
        return;
    }
    let empty = Kernel {
        inputs: vec![],
        outputs: vec![],
        accumulators: vec![],
        slots: vec![],
        steps: vec![],
        form: numloom_ir::Form::default(),
        results: vec![],
    };
    let target = Target::host().expect("tests run where there is a backend");
    let empty = Arc::new(empty);
    for _ in 0..20 {
        let error = NativeKernel::compile(Arc::clone(&empty), &target).expect_err("refused");
        assert!(
            matches!(error.kind(), JitErrorKind::ExecutableMemory(_)),
            "{error}"
        );
        assert_eq!(live_mappings(), 1, "nothing is left behind");
    }
}
