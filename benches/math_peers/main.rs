//! Elementary functions beside vector libraries, which there are for x86-64: see `run.sh`.
#![expect(clippy::print_stdout, reason = "a tool says what it found")]

#[cfg(target_arch = "x86_64")]
#[path = "../usual.rs"]
mod usual;
#[cfg(target_arch = "x86_64")]
mod x86_64;

fn main() {
    #[cfg(target_arch = "x86_64")]
    x86_64::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("!!! SKIPPED: the libraries are for x86-64");
}
