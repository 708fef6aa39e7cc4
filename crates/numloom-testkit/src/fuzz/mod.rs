//! The bodies of the fuzz targets: any bytes in, nothing out, a panic for each broken promise.
//!
//! The targets in `fuzz/` are one line each; `tests/fuzz_replay.rs` runs the same bodies on stable, over every
//! regression and a few thousand seeded inputs.

mod differential;
mod lower;
mod npy;
mod table;
mod text;

pub use differential::differential;
pub use lower::lower_optimize;
pub use npy::npy;
pub use table::{csv, white_space};
pub use text::{parse, round_trip};

/// A body.
pub type Body = fn(&[u8]);

/// Every body by the name of its target.
pub const BODIES: [(&str, Body); 7] = [
    ("parse", parse),
    ("round_trip", round_trip),
    ("lower_optimize", lower_optimize),
    ("differential", differential),
    ("npy", npy),
    ("csv", csv),
    ("white_space", white_space),
];
