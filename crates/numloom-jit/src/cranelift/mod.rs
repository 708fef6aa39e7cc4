//! The portable backend: Cranelift, 128-bit vectors.
//!
//! What goes in: a verified [`Kernel`] and a [`Target`]. What comes out: code in memory of [`code`](crate::code). What it never does: let
//! code refer to a symbol, or panic. All calls of Cranelift are in this folder; its interface changes with every release.
//!
//! | file | what it does |
//! |---|---|
//! | `settings` | settings and features |
//! | `value` | a value of the loop's body as vectors: shapes, constants, loads, stores |
//! | `mask` | truth values as masks, and changes of lane width |
//! | `cast` | conversions |
//! | `ops` | every other operation |
//! | `moments` | what accumulators do with a value, `moments` among them |
//! | `loops` | the function around them: steps, loops, tails, accumulators, calls |

mod cast;
mod loops;
mod mask;
mod moments;
mod ops;
mod settings;
mod value;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, ModuleError};
use numloom_data::DType;
use numloom_ir::{Kernel, Op};

pub(crate) use settings::Settings;

use crate::code::ModuleMemory;
use crate::error::{JitError, JitErrorKind};
use crate::kernel::Emitted;
use crate::target::Target;

/// What the Cranelift backend refuses, operation by operation, and why. Empty: it compiles every operation on every dtype.
pub const UNSUPPORTED: &[(Op, &[DType], &str)] = &[];

/// The most instructions of Cranelift's that a kernel may need: those of some 3,000 operations.
///
/// Register allocation is quadratic where thousands of values live at once. At the limit it takes 15 ms for a chain of operations and
/// 0.6 s for the worst (2026-11, AMD Zen 4, release build).
const MAX_INSTS: usize = 10_000;

/// What Cranelift can use again from one compilation to the next.
struct Compiler {
    context: Context,
    builder: FunctionBuilderContext,
}

/// Compiles `kernel` and places it in executable memory.
pub(crate) fn compile(kernel: &Kernel, target: &Target) -> Result<Emitted, JitError> {
    let isa = target.settings()?;
    with_function(kernel, isa, |context| {
        let failed = |error: &dyn std::fmt::Display| JitError::internal(error.to_string());
        let code = context
            .compile(isa.get(), &mut ControlPlane::default())
            .map_err(|error| failed(&error.inner))?;
        if let Some(reloc) = code.buffer.relocs().first() {
            return Err(JitError::internal(format!(
                "the code refers to {:?}",
                reloc.target
            )));
        }
        place(isa, code.code_buffer(), u64::from(code.buffer.alignment))
    })
}

/// The kernel as Cranelift's intermediate form.
pub(crate) fn clif(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    let isa = target.settings()?;
    with_function(kernel, isa, |context| {
        Ok(context.func.display().to_string())
    })
}

/// The kernel as Cranelift prints the target's instructions.
pub(crate) fn asm(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    let isa = target.settings()?;
    with_function(kernel, isa, |context| {
        context.set_disasm(true);
        let text = context
            .compile(isa.get(), &mut ControlPlane::default())
            .map_err(|error| JitError::internal(error.inner.to_string()))
            .map(|code| code.vcode.clone().unwrap_or_default());
        context.set_disasm(false);
        text
    })
}

/// Builds the function of `kernel` and hands it to `f`; a panic anywhere in there becomes an error.
fn with_function<R>(
    kernel: &Kernel,
    isa: &Settings,
    f: impl FnOnce(&mut Context) -> Result<R, JitError>,
) -> Result<R, JitError> {
    thread_local! {
        /// Taken out while in use, and not put back after a panic.
        static COMPILER: Cell<Option<Box<Compiler>>> = const { Cell::new(None) };
    }
    let mut compiler = COMPILER.take().unwrap_or_else(|| {
        Box::new(Compiler {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
        })
    });
    let result = catch_unwind(AssertUnwindSafe(|| {
        let Compiler { context, builder } = &mut *compiler;
        context.clear();
        loops::build(kernel, isa, &mut context.func, builder)?;
        f(context)
    }));
    match result {
        Ok(Ok(result)) => {
            COMPILER.set(Some(compiler));
            Ok(result)
        }
        // A builder that was left half-way is of no more use.
        Ok(Err(error)) => Err(error),
        Err(panic) => {
            let text = (panic.downcast_ref::<String>().map(String::as_str))
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(JitError::internal(text.unwrap_or("a panic without text")))
        }
    }
}

/// A module that resolves no name at all, with its memory.
fn module(isa: &Settings) -> (JITModule, Arc<std::sync::OnceLock<crate::code::Code>>) {
    let mut builder = JITBuilder::with_isa(isa.share(), Box::new(|call| format!("{call:?}")));
    let (memory, sealed) = ModuleMemory::new();
    builder.memory_provider(Box::new(memory));
    // Were this to answer "none", the module would ask the process for the name. Code without relocations asks for none.
    builder.symbol_lookup_fn(Box::new(|name| panic!("compiled code refers to `{name}`")));
    (JITModule::new(builder), sealed)
}

/// Puts finished code without relocations into executable memory.
fn place(isa: &Settings, bytes: &[u8], align: u64) -> Result<Emitted, JitError> {
    let (mut module, sealed) = module(isa);
    let signature = loops::signature(isa);
    let refused = |error: ModuleError| match error {
        ModuleError::Allocation { err } => JitErrorKind::ExecutableMemory(err).into(),
        other => JitError::internal(other.to_string()),
    };
    let id = module
        .declare_function("kernel", Linkage::Export, &signature)
        .map_err(refused)?;
    module
        .define_function_bytes(id, align, bytes, &[])
        .map_err(refused)?;
    module.finalize_definitions().map_err(refused)?;
    let entry = module.get_finalized_function(id);
    // The module has nothing of the code but its address.
    drop(module);
    let code = Arc::into_inner(sealed).and_then(std::sync::OnceLock::into_inner);
    let code = code.ok_or_else(|| JitError::internal("a module without code"))?;
    if entry != code.as_ptr() {
        return Err(JitError::internal("a kernel that is not at its start"));
    }
    Ok(Emitted {
        code,
        bytes: bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::ir::{InstBuilder, UserFuncName};
    use cranelift_frontend::FunctionBuilder;

    use super::*;

    #[test]
    fn no_name_of_the_process_is_resolved() {
        let target = Target::host().expect("tests run where there is a backend");
        let isa = target.settings().expect("settings are valid");
        let (mut module, _memory) = module(isa);
        let signature = loops::signature(isa);
        // A function that every process has.
        let import = module
            .declare_function("malloc", Linkage::Import, &signature)
            .expect("declared");
        let id = module
            .declare_function("kernel", Linkage::Export, &signature)
            .expect("declared");
        let mut context = Context::new();
        context.func.signature = signature;
        context.func.name = UserFuncName::user(0, 1);
        let callee = module.declare_func_in_func(import, &mut context.func);
        let mut builder = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut context.func, &mut builder);
        let block = b.create_block();
        b.append_block_params_for_function_params(block);
        b.switch_to_block(block);
        let args = b.block_params(block).to_vec();
        let call = b.ins().call(callee, &args);
        let results = b.inst_results(call).to_vec();
        b.ins().return_(&results);
        b.seal_all_blocks();
        b.finalize(isa.get().frontend_config());
        module
            .define_function(id, &mut context)
            .expect("names are resolved later");
        let result = catch_unwind(AssertUnwindSafe(|| module.finalize_definitions().is_ok()));
        assert!(!result.unwrap_or(false), "`malloc` was found");
    }
}
