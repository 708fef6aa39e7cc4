//! Compiled kernels against the interpreter, bit for bit.

mod accumulators;
mod build;
mod calls;
mod casts;
mod compare;
#[cfg(unix)]
mod guard;
mod memory;
mod operations;
mod random;
mod rules;
mod strings;
mod values;
