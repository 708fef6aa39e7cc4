//! Everything a program reads, from the arrays that the caller gives: views of them and their real and imaginary parts.
//!
//! What goes in: a program and one array for each of its first inputs. What comes out: one view for each input. What it never does:
//! copy an element.

use numloom_data::View;
use numloom_ir::{InputSource, Program, ViewItem};
use numloom_syntax::Span;

use crate::error::{RuntimeError, RuntimeErrorKind};

/// A view for each input of the program.
pub(crate) fn derive<'a>(
    prog: &Program,
    arrays: &[View<'a>],
) -> Result<Vec<View<'a>>, RuntimeError> {
    let mut views = arrays.to_vec();
    for input in &prog.inputs[arrays.len()..] {
        let view = match &input.source {
            InputSource::Array => unreachable!("arrays come first"),
            InputSource::View {
                input: whole,
                items,
                span,
            } => subscript(&views[*whole as usize], items, &input.name, *span)?,
            InputSource::Real(whole) => views[*whole as usize].real(),
            InputSource::Imag(whole) => views[*whole as usize]
                .imag()
                .expect("only complex inputs have imaginary parts"),
        };
        views.push(view);
    }
    Ok(views)
}

/// `array[items]`, by NumPy's rule.
fn subscript<'a>(
    array: &View<'a>,
    items: &[ViewItem],
    name: &str,
    span: Span,
) -> Result<View<'a>, RuntimeError> {
    let refuse = |axis: usize, index: Option<i64>| -> RuntimeError {
        RuntimeErrorKind::Subscript {
            name: name.to_owned(),
            shape: array.shape().to_vec(),
            axis,
            index,
            span,
        }
        .into()
    };
    let taken = |item: &&ViewItem| matches!(item, ViewItem::Index(_) | ViewItem::Slice { .. });
    let named = items.iter().filter(taken).count();
    let Some(rest) = array.ndim().checked_sub(named) else {
        return Err(refuse(named - 1, None));
    };
    let mut view = array.clone();
    // The axis of the view that comes next, and that of the array.
    let (mut axis, mut of) = (0, 0);
    for item in items {
        match *item {
            ViewItem::Index(index) => {
                let extent = view.shape()[axis] as i64;
                let at = if index < 0 { index + extent } else { index };
                if !(0..extent).contains(&at) {
                    return Err(refuse(of, Some(index)));
                }
                view = view.index_axis(axis, at as usize)?;
                of += 1;
            }
            ViewItem::Slice { start, stop, step } => {
                view = view.slice_axis(axis, to_isize(start), to_isize(stop), clamp(step))?;
                axis += 1;
                of += 1;
            }
            ViewItem::NewAxis => {
                view = view.insert_axis(axis)?;
                axis += 1;
            }
            ViewItem::Ellipsis => {
                axis += rest;
                of += rest;
            }
        }
    }
    Ok(view)
}

fn to_isize(bound: Option<i64>) -> Option<isize> {
    bound.map(clamp)
}

/// No axis is longer than an `isize`, so the nearest means the same.
fn clamp(bound: i64) -> isize {
    isize::try_from(bound).unwrap_or(if bound < 0 { isize::MIN } else { isize::MAX })
}
