//! The `numloom` command.
fn main() {}
