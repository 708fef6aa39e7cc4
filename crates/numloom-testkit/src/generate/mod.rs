//! Things drawn at random, each from [`Choices`](crate::choices::Choices): programs, sources, trees, arrays.

mod data;
mod program;
mod soup;
mod source;
mod tree;

pub use data::{Spice, array, scalar, shapes};
pub use program::{Size, program};
pub use soup::soup;
pub use source::{Source, source};
pub use tree::tree;
