//! Memory that arrays of one run share: what must be copied, and what is refused.
//!
//! What goes in: inputs, places for outputs. What comes out: a [`Bound`], whose inputs may be read while its outputs are written.
//! What it never does: touch an element, except to copy an input that an output would overwrite.

use std::cmp::Ordering;

use numloom_data::{Array, Overlap, View, overlap_shifted};
use numloom_ir::Program;

use crate::bind::Out;
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::stream::Carried;
use crate::window::Windows;

/// What must be done so that an input can be read while outputs are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Guard {
    /// Nothing: no output shares its memory.
    #[default]
    Free,
    /// Each block is copied before any of its elements is written: an output is the same array.
    Block,
    /// It was copied as a whole; the copy's index.
    Copied(usize),
}

/// Guards of all inputs, and the copies that they name.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    guards: Vec<Guard>,
    copies: Vec<Array>,
}

impl Guards {
    /// Decides for each input, and copies where an output would overwrite elements that are still to be read.
    ///
    /// `turn` says of an input and an output whether the input is read for the last time before, while, or after the output is written. `windows` know of files
    /// that have two addresses, and how much may be copied.
    pub(crate) fn set(
        &mut self,
        prog: &Program,
        inputs: &[View<'_>],
        outputs: &[Out<'_>],
        turn: impl Fn(usize, usize) -> Ordering,
        windows: Option<&Windows<'_>>,
    ) -> Result<(), RuntimeError> {
        self.guards.clear();
        self.copies.clear();
        let arrays = || {
            outputs.iter().enumerate().filter_map(|(i, out)| match out {
                Out::Array(view) => Some((i, view)),
                Out::Scalar(_) => None,
            })
        };
        for (i, a) in arrays() {
            for (j, b) in arrays().skip_while(|&(j, _)| j <= i) {
                if relation(&a.as_view(), 0, &b.as_view()) != Overlap::None {
                    return Err(RuntimeErrorKind::OutputOverlap {
                        first: prog.outputs[i].name.clone(),
                        second: prog.outputs[j].name.clone(),
                    }
                    .into());
                }
            }
        }
        for (i, input) in inputs.iter().enumerate() {
            let mut guard = Guard::Free;
            let shift = windows.map_or(0, |windows| windows.shift(input));
            for (j, output) in arrays() {
                let turn = turn(i, j);
                if turn == Ordering::Less {
                    continue;
                }
                guard = guard.max(match relation(input, shift, &output.as_view()) {
                    Overlap::None => Guard::Free,
                    Overlap::Same if turn == Ordering::Equal => Guard::Block,
                    Overlap::Same | Overlap::Partial => Guard::Copied(self.copies.len()),
                });
            }
            if let Guard::Copied(_) = guard {
                if let Some(windows) = windows {
                    windows.allow_copy(&prog.inputs[i].name, input)?;
                }
                self.copies.push(input.to_array()?);
            }
            self.guards.push(guard);
        }
        Ok(())
    }

    /// The inputs, or their copies where there are such.
    pub(crate) fn resolve<'v>(&'v self, inputs: &'v [View<'_>]) -> Vec<View<'v>> {
        let input = |(i, input): (usize, &'v View<'_>)| match self.guards.get(i) {
            Some(&Guard::Copied(copy)) => self.copies[copy].view(),
            _ => input.clone(),
        };
        inputs.iter().enumerate().map(input).collect()
    }

    /// Lets go of the copies.
    pub(crate) fn clear(&mut self) {
        self.copies.clear();
    }
}

/// [`overlap_shifted`], without the false alarm of arrays that interleave: real and imaginary parts, odd and even elements.
fn relation(a: &View<'_>, shift: isize, b: &View<'_>) -> Overlap {
    match overlap_shifted(a, shift, b) {
        Overlap::Partial if interleave(a, shift, b) => Overlap::None,
        found => found,
    }
}

/// Whether the elements of two arrays lie at addresses that differ modulo a common step of all their axes.
fn interleave(a: &View<'_>, shift: isize, b: &View<'_>) -> bool {
    let steps = |v: &View<'_>| {
        let axes = v.shape().iter().zip(v.strides());
        axes.filter(|(extent, _)| **extent > 1)
            .fold(0, |step, (_, stride)| gcd(step, stride.unsigned_abs()))
    };
    let step = gcd(steps(a), steps(b));
    let start = a.ptr().addr().wrapping_add_signed(shift);
    let ahead = b.ptr().addr().wrapping_sub(start) as isize;
    step > 0 && apart(ahead, step, a.dtype().itemsize(), b.dtype().itemsize())
}

/// Whether elements of two sizes never meet, of which the second lie `ahead` bytes from the first, modulo `step`.
fn apart(ahead: isize, step: usize, first: usize, second: usize) -> bool {
    let ahead = ahead.rem_euclid(step.cast_signed()).unsigned_abs();
    ahead >= first && step - ahead >= second
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Inputs and outputs of one run.
///
/// Invariant, on which [`exec`](crate::exec) relies: no two arrays among the outputs share memory, and an input shares
/// memory with an output only if its guard says so; if that is [`Guard::Block`], each index means the same bytes in both.
#[derive(Debug)]
pub(crate) struct Bound<'r, 'i, 'o> {
    inputs: &'r [View<'i>],
    outputs: &'r mut [Out<'o>],
    guards: &'r Guards,
    /// How the run goes through files, if it is to do so in windows.
    pub(crate) windows: Option<&'r Windows<'r>>,
    /// What its reductions have come to before, if this is a part of a run.
    pub(crate) carried: Option<&'r mut Carried>,
}

impl<'r, 'i, 'o> Bound<'r, 'i, 'o> {
    /// Binds arrays: for the first inputs `guards` were set, those behind them share memory with nothing.
    pub(crate) fn new(
        inputs: &'r [View<'i>],
        outputs: &'r mut [Out<'o>],
        guards: &'r Guards,
    ) -> Bound<'r, 'i, 'o> {
        Bound {
            inputs,
            outputs,
            guards,
            windows: None,
            carried: None,
        }
    }

    /// The number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Calls `f` with input `i`, or its copy, and whether its blocks must be copied.
    pub(crate) fn with_input<R>(&self, i: usize, f: impl FnOnce(&View<'_>, bool) -> R) -> R {
        match self.guards.guards.get(i).copied().unwrap_or_default() {
            Guard::Free => f(&self.inputs[i], false),
            Guard::Block => f(&self.inputs[i], true),
            Guard::Copied(copy) => f(&self.guards.copies[copy].view(), false),
        }
    }

    /// Output `i`.
    pub(crate) fn output(&mut self, i: usize) -> &mut Out<'o> {
        &mut self.outputs[i]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaved_arrays_share_nothing() {
        let x = [0f32; 24];
        let all = View::from_slice(&x);
        let every = |start, step| all.slice_axis(0, Some(start), None, step).unwrap();
        assert_eq!(relation(&every(0, 2), 0, &every(1, 2)), Overlap::None);
        assert_eq!(relation(&every(1, 2), 0, &every(0, 2)), Overlap::None);
        assert_eq!(relation(&every(0, 6), 0, &every(3, 6)), Overlap::None);
        assert_eq!(relation(&every(0, 2), 0, &every(0, 4)), Overlap::Partial);
        assert_eq!(relation(&every(0, 2), 0, &every(1, 3)), Overlap::Partial);
        assert_eq!(relation(&every(0, 1), 0, &every(1, 1)), Overlap::Partial);
        assert_eq!(relation(&every(-1, -2), 0, &every(-2, -2)), Overlap::None);
        assert_eq!(relation(&all, 0, &all), Overlap::Same);
    }

    #[test]
    fn elements_of_different_sizes_are_apart_if_they_fit_between() {
        assert!(apart(8, 16, 8, 8));
        assert!(apart(-8, 16, 8, 8));
        assert!(apart(4, 12, 4, 8));
        assert!(!apart(4, 12, 8, 4));
        assert!(!apart(14, 16, 8, 4));
        assert!(!apart(0, 16, 8, 8));
    }
}
