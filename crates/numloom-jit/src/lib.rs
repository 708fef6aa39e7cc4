//! numloom kernels to machine code.
//!
//! **Should I use this crate?** No, use `numloom`. This one is for those who want to run a
//! [`Kernel`](numloom_ir::Kernel) as machine code themselves, or see what becomes of it.
//!
//! What goes in: a kernel and a [`Target`]. What comes out: a [`NativeKernel`], to be [`run`](NativeKernel::run) on slices or
//! [`call`](NativeKernel::call)ed with raw pointers, and the text of its stages ([`clif`], [`asm`]). What it never does: compute other
//! bits than the interpreter, panic on a kernel or host it cannot serve, or have memory that is writable and executable.
//!
//! | file | what it is |
//! |---|---|
//! | [`abi`] | the binary interface of compiled code |
//! | `kernel` | [`NativeKernel`]: a kernel and its code |
//! | `target` | [`Target`]: what it is compiled for |
//! | `symbols` | what compiled code may call |
//! | `code` | the owner of executable memory |
//! | [`Generator`] | the backends there are |
//! | `bits` | bits of numbers that all backends need |
//! | `single` | which kernels go round their rows inside |
//! | `cranelift/` | the portable backend, 128-bit vectors |
//! | `wide/` | the backend for AVX2 and AVX-512 |

pub mod abi;
mod bits;
mod code;
mod cranelift;
mod error;
mod explain;
mod generator;
mod kernel;
mod single;
mod strings;
mod symbols;
mod target;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use code::live_mappings;
pub use cranelift::UNSUPPORTED;
pub use error::{Argument, JitError, JitErrorKind};
pub use explain::{asm, clif};
pub use generator::Generator;
pub use kernel::NativeKernel;
pub use target::Target;
