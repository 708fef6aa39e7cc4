//! Arrays as text, as NumPy shows them: nested brackets, long axes abridged.

use std::fmt;

use crate::array::Array;
use crate::error::ShapeText;
use crate::scalar::Scalar;
use crate::view::View;

/// Axes longer than this show their first and last [`EDGE`] places once the array is longer than [`LONG`].
const EDGE: usize = 3;
const LONG: usize = 1000;

/// The elements; `Array(f64, (2, 3))` and the elements with `{:?}`.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Array({}, {}) {self}",
            self.dtype(),
            ShapeText(self.shape())
        )
    }
}

/// The elements.
impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("[]");
        }
        let mut index = Vec::with_capacity(self.ndim());
        nested(self, None, &mut index, self.len() > LONG, f)
    }
}

/// The elements of one view where another, of bools, says that they are there; prints `null` elsewhere.
#[derive(Clone, Copy, Debug)]
struct MaskedText<'v, 'a> {
    elements: &'v View<'a>,
    validity: &'v View<'a>,
}

impl fmt::Display for MaskedText<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.elements.is_empty() {
            return f.write_str("[]");
        }
        let mut index = Vec::with_capacity(self.elements.ndim());
        let abridged = self.elements.len() > LONG;
        nested(self.elements, Some(self.validity), &mut index, abridged, f)
    }
}

impl<'a> View<'a> {
    /// The elements as text, `null` where `validity`, bools of the same shape, is false.
    ///
    /// ```
    /// use numloom_data::View;
    /// let (a, valid) = ([1, 2, 3], [true, false, true]);
    /// let text = View::from_slice(&a).display_masked(&View::from_slice(&valid)).to_string();
    /// assert_eq!(text, "[1, null, 3]");
    /// ```
    pub fn display_masked<'v>(&'v self, validity: &'v View<'a>) -> impl fmt::Display + 'v {
        let elements = self;
        MaskedText { elements, validity }
    }
}

fn nested(
    view: &View<'_>,
    validity: Option<&View<'_>>,
    index: &mut Vec<usize>,
    abridged: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let depth = index.len();
    let Some(&extent) = view.shape().get(depth) else {
        if validity.is_some_and(|valid| valid.get(index) == Some(Scalar::Bool(false))) {
            return f.write_str("null");
        }
        let value = view.get(index).expect("the index is below the shape");
        return write!(f, "{value}");
    };
    let innermost = depth + 1 == view.ndim();
    f.write_str("[")?;
    let mut i = 0;
    while i < extent {
        if i > 0 && innermost {
            f.write_str(", ")?;
        } else if i > 0 {
            write!(f, ",\n{:1$}", "", depth + 1)?;
        }
        if abridged && extent > 2 * EDGE && i == EDGE {
            f.write_str("...")?;
            i = extent - EDGE;
            continue;
        }
        index.push(i);
        nested(view, validity, index, abridged, f)?;
        index.pop();
        i += 1;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    use crate::{Array, DType, Order};

    #[test]
    fn long_axes_are_abridged() {
        let values: Vec<i32> = (0..2000).collect();
        let a = Array::from_slice(&values, &[1000, 2]).unwrap();
        assert_eq!(
            a.to_string(),
            "[[0, 1],\n [2, 3],\n [4, 5],\n ...,\n [1994, 1995],\n [1996, 1997],\n [1998, 1999]]"
        );
        assert_eq!(
            Array::from_vec(values).unwrap().to_string(),
            "[0, 1, 2, ..., 1997, 1998, 1999]"
        );
    }

    #[test]
    fn no_axes_and_no_elements_print() {
        let print = |shape: &[usize]| {
            let array = Array::zeros(DType::F32, shape, Order::C).unwrap();
            format!("{array:?}")
        };
        assert_eq!(print(&[]), "Array(f32, ()) 0.0");
        assert_eq!(print(&[0]), "Array(f32, (0,)) []");
        assert_eq!(print(&[2, 0]), "Array(f32, (2, 0)) []");
    }
}
