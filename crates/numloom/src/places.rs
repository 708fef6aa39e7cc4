//! Where results go when the caller owns the memory.
//!
//! What goes in: mutable slices, arrays, maps, single values. What comes out: places for the outputs of a run, in the order of the
//! expression. What it never does: convert an element; a place has exactly the result's dtype and shape.

use std::fmt;

use numloom_data::{Array, Complex, Element, MappedArray, OutputFile, Scalar, ViewMut, f16};
use numloom_runtime::Out;

use crate::error::Error;
use crate::kernel::Names;
use crate::outputs::{Outputs, Value};

/// The place for one output: memory of exactly its dtype and shape.
///
/// | made from | shape |
/// |---|---|
/// | `&mut [T]`, `&mut Vec<T>`, `&mut [T; N]` | one axis |
/// | `&mut f64`, … `&mut `[`Scalar`] | none: a reduced value |
/// | [`ViewMut`], `&mut `[`Array`] | its own |
/// | `&mut `[`MappedArray`], `&mut `[`OutputFile`] | its own; a map opened for reading is an error at the run |
/// | with feature `ndarray`: its mutable views and arrays | its own, any layout |
///
/// A place may share memory with inputs; the result is as if the inputs were copied first.
#[derive(Debug)]
pub struct Place<'a>(Repr<'a>);

enum Repr<'a> {
    View(ViewMut<'a>),
    Scalar(&'a mut Scalar),
    Failed(Option<Error>),
}

impl fmt::Debug for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repr::View(view) => view.fmt(f),
            Repr::Scalar(value) => value.fmt(f),
            Repr::Failed(error) => error.fmt(f),
        }
    }
}

impl<'a> Place<'a> {
    pub(crate) fn value(value: &'a mut Value) -> Place<'a> {
        // What was null is overwritten.
        value.forget_nulls();
        match value {
            Value::Array(array) => array.into(),
            Value::Scalar(value) => value.into(),
            Value::Masked(_) | Value::Null(_) => unreachable!("just forgotten"),
        }
    }

    /// Whether there is memory to write to.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Repr::Failed(error) => Err(error
                .take()
                .expect("a run stops at the first error, and places go with it")),
            _ => Ok(()),
        }
    }

    /// As the runtime takes it; to be asked after [`check`](Place::check).
    pub(crate) fn out(&mut self) -> Out<'_> {
        match &mut self.0 {
            Repr::View(view) => Out::Array(view.reborrow()),
            Repr::Scalar(value) => Out::Scalar(value),
            Repr::Failed(_) => unreachable!("`check` refuses it"),
        }
    }
}

impl<'a> From<ViewMut<'a>> for Place<'a> {
    fn from(view: ViewMut<'a>) -> Place<'a> {
        Place(Repr::View(view))
    }
}

impl<'a, T: Element> From<&'a mut [T]> for Place<'a> {
    fn from(slice: &'a mut [T]) -> Place<'a> {
        ViewMut::from_slice(slice).into()
    }
}

impl<'a, T: Element> From<&'a mut Vec<T>> for Place<'a> {
    fn from(vec: &'a mut Vec<T>) -> Place<'a> {
        vec.as_mut_slice().into()
    }
}

impl<'a, T: Element, const N: usize> From<&'a mut [T; N]> for Place<'a> {
    fn from(array: &'a mut [T; N]) -> Place<'a> {
        array.as_mut_slice().into()
    }
}

impl<'a> From<&'a mut Array> for Place<'a> {
    fn from(array: &'a mut Array) -> Place<'a> {
        array.view_mut().into()
    }
}

impl<'a> From<&'a mut MappedArray> for Place<'a> {
    fn from(map: &'a mut MappedArray) -> Place<'a> {
        // Both, as either borrows `map` for as long as the place lives.
        if let Err(error) = map.check_len() {
            return Place(Repr::Failed(Some(error.into())));
        }
        match map.view_mut() {
            Ok(view) => view.into(),
            Err(error) => Place(Repr::Failed(Some(error.into()))),
        }
    }
}

impl<'a> From<&'a mut OutputFile> for Place<'a> {
    fn from(file: &'a mut OutputFile) -> Place<'a> {
        file.view_mut().into()
    }
}

impl<'a> From<&'a mut Scalar> for Place<'a> {
    fn from(value: &'a mut Scalar) -> Place<'a> {
        Place(Repr::Scalar(value))
    }
}

macro_rules! values {
    ($($type:ty)*) => {$(
        impl<'a> From<&'a mut $type> for Place<'a> {
            fn from(value: &'a mut $type) -> Place<'a> {
                ViewMut::scalar(value).into()
            }
        }
    )*};
}

values! { bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 Complex<f32> Complex<f64> }

/// Places for all outputs of a run.
///
/// | what | for |
/// |---|---|
/// | anything that becomes a [`Place`] | the only output |
/// | an array or vector of `(&str, place)` | each output by its name |
/// | `&mut `[`Outputs`] | all of them: the results of an earlier run, overwritten |
///
/// The trait is sealed.
pub trait Places<'a>: sealed::Fill<'a> {}

impl<'a, T: sealed::Fill<'a>> Places<'a> for T {}

pub(crate) mod sealed {
    use super::{Error, Names, Place};

    pub trait Fill<'a> {
        /// Puts a place into the slot of each output.
        fn fill(self, names: &Names, slots: &mut [Option<Place<'a>>]) -> Result<(), Error>;
    }
}

impl<'a, P: Into<Place<'a>>> sealed::Fill<'a> for P {
    fn fill(self, names: &Names, slots: &mut [Option<Place<'a>>]) -> Result<(), Error> {
        let [slot] = slots else {
            return Err(names.not_one_output());
        };
        *slot = Some(self.into());
        Ok(())
    }
}

impl<'a, P: Into<Place<'a>>, const N: usize> sealed::Fill<'a> for [(&str, P); N] {
    fn fill(self, names: &Names, slots: &mut [Option<Place<'a>>]) -> Result<(), Error> {
        fill_named(self, names, slots)
    }
}

impl<'a, P: Into<Place<'a>>> sealed::Fill<'a> for Vec<(&str, P)> {
    fn fill(self, names: &Names, slots: &mut [Option<Place<'a>>]) -> Result<(), Error> {
        fill_named(self, names, slots)
    }
}

fn fill_named<'a, 'n>(
    places: impl IntoIterator<Item = (&'n str, impl Into<Place<'a>>)>,
    names: &Names,
    slots: &mut [Option<Place<'a>>],
) -> Result<(), Error> {
    for (name, place) in places {
        let slot = &mut slots[names.output(name)?];
        if slot.replace(place.into()).is_some() {
            return Err(Error::given_twice("the place of output", name));
        }
    }
    Ok(())
}

impl<'a> sealed::Fill<'a> for &'a mut Outputs {
    fn fill(self, names: &Names, slots: &mut [Option<Place<'a>>]) -> Result<(), Error> {
        let values = self.values_mut();
        if values.len() != slots.len() {
            return Err(names.not_one_output());
        }
        for (slot, value) in slots.iter_mut().zip(values) {
            *slot = Some(Place::value(value));
        }
        Ok(())
    }
}
