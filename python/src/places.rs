#![expect(
    unsafe_code,
    reason = "several arrays are written to at once, and that they share no memory is seen here"
)]
//! Where results go: new arrays, and the caller's.
//!
//! What goes in: the room that each output takes, and what was given as `out`. What comes out: views to write to, and at the end the
//! objects that the call returns. What it never does: write to memory of the caller before the run has succeeded, unless it
//! is written to in place.

use std::ops::Range;

use numloom::{Order, Room, View, ViewMut};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::arrays;

/// Something given as `out`.
pub(crate) struct Given<'py> {
    /// The object.
    object: Bound<'py, PyAny>,
    /// Its memory, if it is no more than that.
    array: Option<Bound<'py, PyUntypedArray>>,
}

impl<'py> Given<'py> {
    /// One for each of `n` outputs, whose names are `names`; none for those that are to be new.
    ///
    /// # Errors
    /// Those of the Python side, for what cannot be written to, and for another number of places.
    pub(crate) fn all(
        out: &Bound<'py, PyAny>,
        names: &Bound<'py, PyTuple>,
    ) -> PyResult<Vec<Option<Given<'py>>>> {
        if names.len() == 1
            && let Some(array) = arrays::exact(out)
        {
            let (object, array) = (out.clone(), Some(array.clone()));
            return Ok(vec![Some(Given { object, array })]);
        }
        static PLACES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let places = PLACES.import(out.py(), "numloom._outputs", "places")?;
        let objects: Vec<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> =
            places.call1((out, names))?.extract()?;
        let given = |(object, memory): (Bound<'py, PyAny>, Bound<'py, PyAny>)| Given {
            object,
            array: arrays::exact(&memory).cloned(),
        };
        Ok(objects.into_iter().map(|pair| pair.map(given)).collect())
    }
}

/// An array of the caller's that can be written to, as the only one of a run.
pub(crate) struct Alone<'a, 'py>(&'a Bound<'py, PyUntypedArray>);

impl<'a, 'py> Alone<'a, 'py> {
    /// None if it is read-only, of a dtype that numloom has not, or has an element in two places.
    pub(crate) fn of(array: &'a Bound<'py, PyUntypedArray>) -> Option<Alone<'a, 'py>> {
        let is_disjoint =
            arrays::is_c_contiguous(array) || arrays::is_disjoint(&arrays::view(array)?);
        let is_known = arrays::dtype_of(&array.dtype()).is_some();
        (is_disjoint && is_known && arrays::is_writable(array)).then_some(Alone(array))
    }

    /// What is to be written to.
    pub(crate) fn view_mut(&mut self) -> ViewMut<'_> {
        // SAFETY: (1, 2) `of` has seen it; (3) `&mut self` keeps another from being asked for.
        unsafe { arrays::view_mut(self.0) }
    }
}

/// Where one output goes.
struct Place<'py> {
    /// What is computed into. Either it is new, or it can be written to and shares no memory with others.
    array: Bound<'py, PyUntypedArray>,
    /// What is returned in its stead.
    given: Option<Given<'py>>,
    /// Whether the result is still to be copied there.
    copied: bool,
}

/// Where all outputs of one run go.
pub(crate) struct Places<'py> {
    places: Vec<Place<'py>>,
    casting: Option<Bound<'py, PyAny>>,
}

impl<'py> Places<'py> {
    /// Room for the outputs of one run, to be told in order.
    pub(crate) fn new(n: usize, casting: Option<Bound<'py, PyAny>>) -> Places<'py> {
        let places = Vec::with_capacity(n);
        Places { places, casting }
    }

    /// Adds room for an output: `given`, if that is of its dtype and shape, and no element may be missing; else a new array, from
    /// which what was given is filled at the end.
    ///
    /// # Errors
    /// If memory cannot be had; if `given` is read-only, or does not take the result under the casting rule.
    pub(crate) fn push(
        &mut self,
        py: Python<'py>,
        room: Room<'_>,
        nullable: bool,
        given: Option<Given<'py>>,
    ) -> PyResult<()> {
        if let Some(array) = given.as_ref().and_then(|given| given.array.as_ref()) {
            if !arrays::is_writable(array) {
                return Err(PyValueError::new_err("`out` is read-only"));
            }
            if !nullable && self.takes(array, room) {
                let array = array.clone();
                let copied = false;
                self.places.push(Place {
                    array,
                    given,
                    copied,
                });
                return Ok(());
            }
        }
        let array = arrays::empty(py, room)?;
        if let Some(Given { object, .. }) = &given {
            static CHECK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let check = CHECK.import(py, "numloom._outputs", "check")?;
            check.call1((object, &array, self.casting.as_ref()))?;
        }
        let copied = given.is_some();
        self.places.push(Place {
            array,
            given,
            copied,
        });
        Ok(())
    }

    /// Whether a run may compute into this array of the caller's, beside what it computes into already.
    fn takes(&self, array: &Bound<'py, PyUntypedArray>, room: Room<'_>) -> bool {
        let Some(view) = arrays::view(array) else {
            return false;
        };
        let extent = view.byte_extent();
        let shares = |other: Range<usize>| extent.start < other.end && other.start < extent.end;
        let mut direct = self
            .places
            .iter()
            .filter(|place| place.given.is_some() && !place.copied);
        view.dtype() == room.dtype
            && view.shape() == room.shape
            && arrays::is_disjoint(&view)
            && !direct.any(|place| shares(extent_of(&place.array)))
    }

    /// The views to write to.
    pub(crate) fn views(&mut self) -> Vec<ViewMut<'_>> {
        let mut views = Vec::with_capacity(self.places.len());
        for place in &self.places {
            // SAFETY: (1) `push` has seen that it can be written to, or made it; (2) and that its elements are disjoint; (3) and
            // that it shares no memory with those before, while `&mut self` keeps others from being asked for.
            views.push(unsafe { arrays::view_mut(&place.array) });
        }
        views
    }

    /// What the call returns for each output, after the run: `nullable` says which have a validity, behind all of them.
    ///
    /// # Errors
    /// Those of copying to where a result was asked for.
    pub(crate) fn finish(
        self,
        py: Python<'py>,
        nullable: &[bool],
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let Places {
            mut places,
            casting,
        } = self;
        let mut validities = places.split_off(nullable.len()).into_iter();
        let mut results = Vec::with_capacity(nullable.len());
        for (place, &nullable) in places.into_iter().zip(nullable) {
            let result = match nullable {
                false if place.given.is_some() => place.array.into_any(),
                false => arrays::or_scalar(place.array)?,
                true => {
                    static MASKED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                    let masked = MASKED.import(py, "numloom._outputs", "masked")?;
                    let validity = validities.next().expect("there is one for each");
                    masked.call1((place.array, validity.array))?
                }
            };
            results.push(match place.given {
                None => result,
                Some(Given { object, .. }) => {
                    if place.copied {
                        static STORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                        let store = STORE.import(py, "numloom._outputs", "store")?;
                        store.call1((&object, result, casting.as_ref()))?;
                    }
                    object
                }
            });
        }
        Ok(results)
    }
}

fn extent_of(array: &Bound<'_, PyUntypedArray>) -> Range<usize> {
    arrays::view(array).map_or(0..0, |view| view.byte_extent())
}

/// How new arrays lie, as NumPy's `order` says it.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// As the inputs do.
    Keep,
    /// Column-major if all inputs are.
    Any,
    /// Row-major or column-major.
    Fixed(Order),
}

impl Layout {
    /// # Errors
    /// `ValueError` for anything but `'C'`, `'F'`, `'A'` and `'K'`.
    pub(crate) fn of(order: &Bound<'_, PyAny>) -> PyResult<Layout> {
        match order.extract().unwrap_or("") {
            "K" => Ok(Layout::Keep),
            "A" => Ok(Layout::Any),
            "C" => Ok(Layout::Fixed(Order::C)),
            "F" => Ok(Layout::Fixed(Order::F)),
            _ => {
                let message = format!(
                    "order must be one of 'C', 'F', 'A', or 'K' (got {})",
                    order.repr()?
                );
                Err(PyValueError::new_err(message))
            }
        }
    }

    /// The order of a new array whose own would be `kept`.
    pub(crate) fn over(self, kept: Order, inputs: &[View<'_>]) -> Order {
        let column_major = |view: &View<'_>| view.is_f_contiguous();
        match self {
            Layout::Keep => kept,
            Layout::Fixed(order) => order,
            Layout::Any if inputs.iter().all(column_major) => Order::F,
            Layout::Any => Order::C,
        }
    }
}
