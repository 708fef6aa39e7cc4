//! Unpublished: what numloom's tests are made of.
//!
//! One invariant explains this crate: every engine gives the same bits, whatever the optimisation, block size, threads and
//! memory layout. So expectations are data ([`corpus`]), programs and arrays are drawn at random ([`generate`]), and both run
//! through every engine in every way ([`suite`]).
//!
//! | module | what it is |
//! |---|---|
//! | [`corpus`] | the loader of `tests/corpus/*.toml`, and the format |
//! | [`choices`] | decisions drawn from bytes: a seed, a proptest vector or a fuzzer's input |
//! | [`generate`] | well-typed programs, sources, trees and spicy arrays |
//! | [`layout`] | the same values in other memory layouts |
//! | [`conform`] | random programs in both spellings, for NumPy to judge |
//! | [`guard`] | buffers that end where the process may not read |
//! | [`host`] | a host program with its own idea of floats |
//! | [`compare`] | "the same bits", and what differs |
//! | [`runner`] | one engine under test |
//! | [`suite`] | the corpus through one engine |
//! | [`fuzz`] | the bodies of the fuzz targets |

pub mod choices;
pub mod compare;
pub mod conform;
pub mod corpus;
pub mod fuzz;
pub mod generate;
pub mod guard;
pub mod host;
pub mod layout;
pub mod runner;
pub mod suite;
