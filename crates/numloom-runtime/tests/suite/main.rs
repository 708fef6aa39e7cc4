//! The runtime from outside: programs over arrays, on every backend of the build.

mod layouts;
mod support;
