//! NumPy's broadcasting: axes are matched from the last, an extent of 1 stretches, a missing axis counts as 1.
//!
//! Nothing is copied: a stretched axis has stride 0.

use crate::error::{DataError, DataErrorKind};

/// The shape to which all of `shapes` broadcast; `[]` for none.
///
/// # Errors
/// [`Broadcast`](DataErrorKind::Broadcast) with the two shapes that disagree.
///
/// ```
/// use numloom_data::broadcast::broadcast_shapes;
/// assert_eq!(broadcast_shapes(&[&[3, 1], &[4], &[]])?, [3, 4]);
/// let error = broadcast_shapes(&[&[3], &[2, 1], &[2, 4]]).unwrap_err();
/// assert_eq!(error.to_string(), "shapes (3,) and (2, 4) do not broadcast together");
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Result<Vec<usize>, DataError> {
    let ndim = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut result = vec![1; ndim];
    for (nth, shape) in shapes.iter().enumerate() {
        let lead = ndim - shape.len();
        for (axis, &extent) in shape.iter().enumerate() {
            let have = &mut result[lead + axis];
            if *have == 1 {
                *have = extent;
            } else if extent != 1 && extent != *have {
                let from_last = shape.len() - axis;
                let fixed = |s: &&&[usize]| s.len() >= from_last && s[s.len() - from_last] == *have;
                let left = shapes[..nth].iter().find(fixed).copied().unwrap_or(&[]);
                return Err(DataErrorKind::Broadcast {
                    left: left.to_vec(),
                    right: shape.to_vec(),
                }
                .into());
            }
        }
    }
    Ok(result)
}

/// The strides that `shape` with `strides` has when broadcast to `to`: 0 on each stretched or added axis.
///
/// # Errors
/// [`BroadcastTo`](DataErrorKind::BroadcastTo) if an extent is neither 1 nor the one asked for, or `to` has fewer axes;
/// [`RankMismatch`](DataErrorKind::RankMismatch) if `shape` and `strides` differ in length.
///
/// ```
/// use numloom_data::broadcast::broadcast_strides;
/// assert_eq!(broadcast_strides(&[3, 1], &[8, 8], &[2, 3, 4])?, [0, 8, 0]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn broadcast_strides(
    shape: &[usize],
    strides: &[isize],
    to: &[usize],
) -> Result<Vec<isize>, DataError> {
    if shape.len() != strides.len() {
        return Err(DataErrorKind::RankMismatch {
            shape: shape.len(),
            found: strides.len(),
        }
        .into());
    }
    let refused = || {
        DataError::from(DataErrorKind::BroadcastTo {
            from: shape.to_vec(),
            to: to.to_vec(),
        })
    };
    let lead = to.len().checked_sub(shape.len()).ok_or_else(refused)?;
    let mut result = vec![0; to.len()];
    for (axis, (&extent, &stride)) in shape.iter().zip(strides).enumerate() {
        if extent == to[lead + axis] {
            result[lead + axis] = stride;
        } else if extent != 1 {
            return Err(refused());
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_axes_broadcast_with_ones_only() {
        assert_eq!(broadcast_shapes(&[&[0], &[1]]).unwrap(), [0]);
        assert_eq!(broadcast_shapes(&[&[1], &[0]]).unwrap(), [0]);
        assert!(broadcast_shapes(&[&[0], &[2]]).is_err());
        assert!(broadcast_shapes(&[&[2], &[0]]).is_err());
        assert_eq!(broadcast_strides(&[1], &[8], &[0]).unwrap(), [0]);
        assert!(broadcast_strides(&[2], &[8], &[0]).is_err());
    }

    #[test]
    fn fewer_axes_than_there_are_is_an_error() {
        assert!(broadcast_strides(&[1, 1], &[8, 8], &[1]).is_err());
        assert!(broadcast_strides(&[1], &[], &[1]).is_err());
    }
}
