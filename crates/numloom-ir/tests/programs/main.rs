//! Programs and kernels: their text, their rules, the passes and the schedule.

mod passes;
mod schedule;
mod simplify;
mod support;
mod text;
mod verify;
