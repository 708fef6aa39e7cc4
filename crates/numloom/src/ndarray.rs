//! Arrays of the `ndarray` crate in and out (feature `ndarray`).
//!
//! What goes in: views and arrays of any dimension and any layout: reversed, broadcast, transposed, with gaps. What comes out: an
//! [`Input`] or a [`Place`] over the same memory; and results as arrays. What it never does: copy an element on the way in.

use ndarray::{Array as NdArray, ArrayBase, ArrayRef, ArrayView, ArrayViewMut, Data, DataMut};
use ndarray::{Dimension, IxDyn, LayoutRef};
use numloom_data::{DType, Element, View, ViewMut};

use crate::error::Error;
use crate::inputs::{Held, Input};
use crate::outputs::{Outputs, Value};
use crate::places::Place;

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for Input<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Input<'a> {
        View::from(array).into()
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Input<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Input<'a> {
        array.view().into()
    }
}

/// The array goes with the input; its elements stay where they are.
impl<T: Element, D: Dimension + 'static> From<NdArray<T, D>> for Input<'_> {
    fn from(array: NdArray<T, D>) -> Self {
        Input::held(array)
    }
}

impl<T: Element, D: Dimension + 'static> Held for NdArray<T, D> {
    fn dtype(&self) -> DType {
        T::DTYPE
    }

    fn shape(&self) -> &[usize] {
        LayoutRef::shape(self.as_layout_ref())
    }

    fn view(&self) -> View<'_> {
        ArrayRef::view(self).into()
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for Place<'a> {
    fn from(array: ArrayViewMut<'a, T, D>) -> Place<'a> {
        ViewMut::from(array).into()
    }
}

impl<'a, T: Element, S: DataMut<Elem = T>, D: Dimension> From<&'a mut ArrayBase<S, D>>
    for Place<'a>
{
    fn from(array: &'a mut ArrayBase<S, D>) -> Place<'a> {
        array.view_mut().into()
    }
}

impl Value {
    /// The elements as an array of the `ndarray` crate, copied.
    ///
    /// # Errors
    /// `dtype-mismatch` if they are of another dtype; `output-shape` if `D` has another number of axes; `out-of-memory`.
    ///
    /// ```
    /// use ndarray::{Ix2, array};
    ///
    /// let m = array![[1.0, 2.0], [3.0, 4.0]];
    /// let out = numloom::eval("2 * m", [("m", m.t())])?;
    /// assert_eq!(out[0].to_ndarray::<f64, Ix2>()?, array![[2.0, 6.0], [4.0, 8.0]]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn to_ndarray<T: Element, D: Dimension>(&self) -> Result<NdArray<T, D>, Error> {
        let elements = self.to_vec::<T>()?;
        let array = NdArray::from_shape_vec(IxDyn(self.shape()), elements);
        let array = array.expect("there is an element for each place of the shape");
        array
            .into_dimensionality()
            .map_err(|_| Error::not_of_rank(self.shape(), D::NDIM))
    }
}

impl<T: Element, D: Dimension> TryFrom<Outputs> for NdArray<T, D> {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<NdArray<T, D>, Error> {
        outputs.into_value()?.to_ndarray()
    }
}
