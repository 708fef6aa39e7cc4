//! One file for each subcommand.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod info;
pub(crate) mod table;
