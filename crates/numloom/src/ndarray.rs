//! Arrays of the `ndarray` crate in and out (feature `ndarray`).
//!
//! What goes in: views and arrays of any layout. What comes out: an [`Input`] or a [`Place`] over the same memory, where its elements
//! lie without gaps in any order of axes, reversed or broadcast. Where there are gaps (a slice of a matrix, every other element), no
//! safe view can reach them: inputs are copied, and results are made elsewhere and put into place.

use ndarray::{
    Array as NdArray, ArrayBase, ArrayView, ArrayViewD, ArrayViewMut, Axis, Data, DataMut,
};
use ndarray::{Dimension, IxDyn};
use numloom_data::{Array, DataError, Element, Order, View, ViewMut};

use crate::error::Error;
use crate::inputs::Input;
use crate::outputs::{Outputs, Value};
use crate::places::Place;

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for Input<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Input<'a> {
        let array = array.into_dyn();
        match view(&array) {
            Some(view) => view.into(),
            None => Input::copied(T::DTYPE, array.len() * size_of::<T>(), copy(&array)),
        }
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Input<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Input<'a> {
        array.view().into()
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for Place<'a> {
    fn from(array: ArrayViewMut<'a, T, D>) -> Place<'a> {
        let mut array = array.into_dyn();
        let (shape, strides) = (array.shape().to_vec(), array.strides().to_vec());
        if array.as_slice_memory_order_mut().is_some() {
            let slice = array.into_slice_memory_order().expect("just seen");
            let layout = Layout::of(&shape, &strides);
            let in_memory = ViewMut::from_slice_shaped(slice, &layout.in_memory(&shape));
            let place =
                in_memory.and_then(|view| layout.turn(view, ViewMut::permute, ViewMut::reversed));
            return place
                .expect("the layout is a permutation of the slice's")
                .into();
        }
        let staged = Array::zeros(T::DTYPE, &shape, Order::C).map_err(Error::from);
        Place::staged(
            staged,
            Box::new(move |result| {
                let elements = result.as_slice::<T>()?;
                array
                    .iter_mut()
                    .zip(elements)
                    .for_each(|(to, from)| *to = *from);
                Ok(())
            }),
        )
    }
}

impl<'a, T: Element, S: DataMut<Elem = T>, D: Dimension> From<&'a mut ArrayBase<S, D>>
    for Place<'a>
{
    fn from(array: &'a mut ArrayBase<S, D>) -> Place<'a> {
        array.view_mut().into()
    }
}

/// The same memory, if its elements lie without gaps; broadcast axes count once.
fn view<'a, T: Element>(array: &ArrayViewD<'a, T>) -> Option<View<'a>> {
    let repeated = |&(_, (&stride, &extent)): &(usize, (&isize, &usize))| stride == 0 && extent > 1;
    let axes = || array.strides().iter().zip(array.shape()).enumerate();
    let repeats: Vec<usize> = axes().filter(repeated).map(|(axis, _)| axis).collect();
    let mut once = array.clone();
    for &axis in &repeats {
        once.slice_axis_inplace(Axis(axis), (0..1).into());
    }
    let slice = once.to_slice_memory_order()?;
    let layout = Layout::of(once.shape(), once.strides());
    let in_memory = View::from_slice_shaped(slice, &layout.in_memory(once.shape())).ok()?;
    let turned = |view: View<'a>, axes: &[usize]| view.permute(axes);
    let view = layout
        .turn(in_memory, turned, |view, axis| view.reversed(axis))
        .ok()?;
    view.broadcast_to(array.shape()).ok()
}

/// The elements in row-major order.
fn copy<T: Element>(array: &ArrayViewD<'_, T>) -> Result<Array, DataError> {
    let mut copy = Array::zeros(T::DTYPE, array.shape(), Order::C)?;
    let elements = copy.as_mut_slice::<T>()?;
    elements
        .iter_mut()
        .zip(array)
        .for_each(|(to, from)| *to = *from);
    Ok(copy)
}

/// How the axes of a gapless array lie in memory.
struct Layout {
    /// The axes, the one with the longest step first.
    axes: Vec<usize>,
    /// Which of the array's axes go backwards.
    backwards: Vec<usize>,
}

impl Layout {
    fn of(shape: &[usize], strides: &[isize]) -> Layout {
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        axes.sort_by_key(|&axis| std::cmp::Reverse(strides[axis].unsigned_abs()));
        let backwards = (0..shape.len()).filter(|&axis| strides[axis] < 0 && shape[axis] > 1);
        Layout {
            backwards: backwards.collect(),
            axes,
        }
    }

    /// The extents in the order of memory.
    fn in_memory(&self, shape: &[usize]) -> Vec<usize> {
        self.axes.iter().map(|&axis| shape[axis]).collect()
    }

    /// A view in the order of memory, turned into the array's.
    fn turn<V>(
        &self,
        view: V,
        permute: impl Fn(V, &[usize]) -> Result<V, DataError>,
        reversed: impl Fn(V, usize) -> Result<V, DataError>,
    ) -> Result<V, DataError> {
        let mut at = vec![0; self.axes.len()];
        for (i, &axis) in self.axes.iter().enumerate() {
            at[axis] = i;
        }
        self.backwards
            .iter()
            .try_fold(permute(view, &at)?, |view, &axis| reversed(view, axis))
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
