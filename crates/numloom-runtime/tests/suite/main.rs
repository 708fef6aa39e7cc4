//! The runtime from outside: programs over arrays, on every backend of the build.
#![expect(clippy::disallowed_methods, reason = "tests look at the clock")]

mod axes;
mod failures;
mod layouts;
mod overlap;
mod streams;
mod support;
mod threads;
mod transform;
