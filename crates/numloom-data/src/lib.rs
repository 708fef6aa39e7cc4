//! Numbers at rest for numloom: dtypes, scalars, shapes, strided views, aligned buffers, memory maps.
//!
//! *Should I use this crate?* No, use `numloom`, which re-exports what you need. This one is for those who want to see how
//! arrays are described and moved.
//!
//! What goes in: slices, owned vectors, raw pointers with a contract, file names. What comes out: [`View`]s, which are a
//! pointer, a [`DType`], a shape and strides **in bytes**, over memory that somebody owns ([`Array`], [`MappedArray`], a
//! slice of yours). What it never does: know what an expression is, form a `&[T]` over mapped memory, or abort because
//! an allocation failed.
//!
//! | noun | file | what it is |
//! |---|---|---|
//! | [`DType`], [`Scalar`], [`Element`] | `dtype`, `scalar`, `element` | the type of an element, one value, the Rust types that can be elements |
//! | [`shape`], [`broadcast`], [`layout`] | same names | arithmetic on extents and strides; no memory |
//! | [`View`], [`ViewMut`], [`RawView`] | `view` | borrowed strided arrays, and the handle that threads share |
//! | [`Overlap`] | `overlap` | how the memory of two views lies |
//! | [`gather()`], [`scatter()`], [`RowWalker`] | `gather`, `walk` | the one way in and out of odd layouts |
//! | [`Buffer`], [`Array`] | `buffer`, `array` | owned memory, owned arrays |
//! | [`Mmap`], [`MappedArray`] | `mmap`, `mapped` | files seen as memory, as arrays |
//! | [`FileStamp`] | `stamp` | which file it is, and whether it has changed |
//! | [`TruncationGuard`] | `truncation` | a file truncated under its map becomes an error |
//! | [`OutputFile`] | `output` | a mapped file that gets its name when it is whole |
//! | [`OutputWriter`] | `writer` | the same for a file of unknown length, written from front to back |
//! | [`ChunkSource`](stream::ChunkSource), [`ChunkSink`](stream::ChunkSink) | `stream` | tables that come, and go, a chunk of rows at a time |
//! | – | `ndarray` | with the feature of that name: its views as [`View`] and [`ViewMut`], of any layout |
//!
//! Byte order is a property of a view, never of a dtype: only [`gather()`] and [`scatter()`] know about it.

pub mod array;
pub mod broadcast;
pub mod buffer;
mod dims;
pub mod dtype;
pub mod element;
pub mod error;
pub mod gather;
pub mod layout;
pub mod mapped;
pub mod mmap;
#[cfg(feature = "ndarray")]
pub mod ndarray;
pub mod output;
pub mod overlap;
mod print;
mod reserve;
pub mod scalar;
pub mod shape;
mod stamp;
pub mod stream;
mod strided;
mod truncation;
pub mod view;
pub mod walk;
pub mod writer;

pub use array::Array;
pub use buffer::Buffer;
pub use dtype::DType;
pub use element::Element;
pub use error::{DataError, DataErrorKind};
#[cfg(feature = "counted")]
pub use gather::gathered_elements;
pub use gather::{gather, scatter};
pub use half::f16;
pub use mapped::{MapSpec, MappedArray};
pub use mmap::{Advice, MapMode, Mmap};
pub use num_complex::Complex;
pub use output::{OutputFile, partial_path, sync_directory};
pub use overlap::{Overlap, overlap, overlap_shifted};
pub use scalar::Scalar;
pub use shape::Order;
pub use stamp::FileStamp;
pub use truncation::TruncationGuard;
pub use view::{ByteOrder, RawView, View, ViewMut};
pub use walk::{RowWalker, Run};
pub use writer::OutputWriter;
