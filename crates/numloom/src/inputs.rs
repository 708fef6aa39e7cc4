//! What an expression reads: named arrays and values, borrowed from whoever owns them.
//!
//! What goes in: slices, vectors, arrays, maps, views and single values, each under a name. What comes out: views. What it
//! never does: copy elements, but to unpack bits.

use numloom_data::{
    Array, Complex, DType, DataError, DataErrorKind, Element, MappedArray, Order, Scalar, View, f16,
};

use crate::error::Error;

/// One input: something that can be seen as an array of one dtype.
///
/// | made from | shape |
/// |---|---|
/// | `&[T]`, `&Vec<T>`, `&[T; N]` | one axis |
/// | a value: `2.5`, `7i16`, a [`Scalar`] | none; it goes with every shape |
/// | [`View`], `&`[`Array`] | its own |
/// | `&`[`MappedArray`] | its own; before each run the file's length is checked |
/// | with feature `ndarray`: its views and arrays, and references to them | its own, any layout |
/// | with feature `arrow`: its numeric and boolean arrays, and references to them | one axis; nulls are those of the array |
///
/// `T` is any [`Element`]. Nothing is copied; the bits of Arrow's bools and validities are unpacked once.
///
/// ```
/// use numloom::{Array, DType, Input};
///
/// assert_eq!(Input::from(&[1.0f32, 2.0]).dtype(), DType::F32);
/// assert_eq!(Input::from(2.5).shape(), [0usize; 0]);
/// let m = Array::from_slice(&[1u8, 2, 3, 4], &[2, 2])?;
/// assert_eq!(Input::from(&m).shape(), [2, 2]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Debug)]
pub struct Input<'a> {
    elements: Repr<'a>,
    /// Where there are elements, if not everywhere: bools that broadcast to their shape.
    validity: Option<Box<Repr<'a>>>,
}

#[derive(Debug)]
enum Repr<'a> {
    View(View<'a>),
    Value(DType, Cell),
    Bytes(Box<[u8]>),
    Mapped(&'a MappedArray),
    Owned(Array),
    /// Of another crate, and gone with the input.
    #[cfg_attr(
        not(any(feature = "arrow", feature = "ndarray")),
        expect(dead_code, reason = "other crates' arrays come by features")
    )]
    Held(Box<dyn Held>),
    /// Memory that elements had to be unpacked into, or copied to, could not be had; told where they are asked for.
    OutOfMemory {
        dtype: DType,
        bytes: usize,
    },
}

/// An array that another crate owns.
pub(crate) trait Held: Send + Sync + std::fmt::Debug {
    fn dtype(&self) -> DType;
    fn shape(&self) -> &[usize];
    fn view(&self) -> View<'_>;
}

/// Room for one value of any fixed-size dtype.
#[derive(Debug)]
#[repr(align(16))]
struct Cell([u8; 16]);

impl<'a> Repr<'a> {
    fn dtype(&self) -> DType {
        match self {
            Repr::View(view) => view.dtype(),
            Repr::Value(dtype, _) | Repr::OutOfMemory { dtype, .. } => *dtype,
            Repr::Bytes(bytes) => DType::Bytes(bytes.len() as u32),
            Repr::Mapped(map) => map.dtype(),
            Repr::Owned(array) => array.dtype(),
            Repr::Held(array) => array.dtype(),
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Repr::View(view) => view.shape(),
            Repr::Value(..) | Repr::Bytes(_) | Repr::OutOfMemory { .. } => &[],
            Repr::Mapped(map) => map.shape(),
            Repr::Owned(array) => array.shape(),
            Repr::Held(array) => array.shape(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            Repr::Mapped(map) => Ok(map.check_len()?),
            Repr::OutOfMemory { bytes, .. } => Err(Error::out_of_memory(*bytes)),
            _ => Ok(()),
        }
    }

    fn view(&self) -> View<'_> {
        match self {
            Repr::View(view) => view.clone(),
            Repr::Value(dtype, cell) => bytes(&cell.0[..dtype.itemsize()], *dtype),
            Repr::Bytes(text) => bytes(text, self.dtype()),
            Repr::Mapped(map) => map.view(),
            Repr::Owned(array) => array.view(),
            Repr::Held(array) => array.view(),
            Repr::OutOfMemory { .. } => unreachable!("`check` refuses it"),
        }
    }

    fn reborrow(&self) -> Repr<'_> {
        match self {
            Repr::View(view) => Repr::View(view.clone()),
            Repr::Value(dtype, cell) => Repr::Value(*dtype, Cell(cell.0)),
            Repr::Bytes(bytes) => Repr::Bytes(bytes.clone()),
            Repr::Mapped(map) => Repr::Mapped(map),
            Repr::Owned(array) => Repr::View(array.view()),
            Repr::Held(array) => Repr::View(array.view()),
            Repr::OutOfMemory { dtype, bytes } => Repr::OutOfMemory {
                dtype: *dtype,
                bytes: *bytes,
            },
        }
    }
}

impl<'a> Input<'a> {
    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.elements.dtype()
    }

    /// The extents; none for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.elements.shape()
    }

    /// The same elements, those being null where `validity` is false: an input of bools whose shape broadcasts to this one's.
    ///
    /// What is computed from a null is null, and reductions leave nulls out: [nulls](crate::_documentation::types#nulls).
    ///
    /// # Errors
    /// None here; a validity of another dtype or shape is `dtype-mismatch` or `shape-mismatch` at the run.
    ///
    /// ```
    /// use numloom::{Input, eval, inputs};
    ///
    /// let a = Input::from(&[1, 2, 3]).with_validity(&[true, false, true]);
    /// let out = eval("double = 2*a; total = sum(a)", inputs! { a })?;
    /// assert_eq!(out.to_string(), "double = [2, null, 6]\ntotal = 4");
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn with_validity(mut self, validity: impl Into<Input<'a>>) -> Input<'a> {
        self.validity = Some(Box::new(validity.into().elements));
        self
    }

    /// Whether elements may be null.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        self.validity.is_some()
    }

    /// Whether the elements are there: a mapped file is still long enough, memory could be had, and the validity fits.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.elements.check()?;
        let Some(validity) = &self.validity else {
            return Ok(());
        };
        validity.check()?;
        if validity.dtype() != DType::Bool {
            let (expected, found) = (DType::Bool, validity.dtype());
            return Err(DataError::from(DataErrorKind::DTypeMismatch { expected, found }).into());
        }
        validity.view().broadcast_to(self.shape())?;
        Ok(())
    }

    /// The elements; to be asked after [`check`](Input::check).
    pub(crate) fn view(&self) -> View<'_> {
        self.elements.view()
    }

    /// Where there are elements; to be asked after [`check`](Input::check).
    pub(crate) fn validity_view(&self) -> View<'_> {
        let validity = match &self.validity {
            Some(validity) => validity.view(),
            None => View::scalar(&true),
        };
        let stretched = validity.broadcast_to(self.shape());
        stretched.expect("`check` has seen to it")
    }

    /// The same input again, borrowed.
    #[must_use]
    pub fn reborrow(&self) -> Input<'_> {
        Input {
            elements: self.elements.reborrow(),
            validity: self.validity.as_ref().map(|repr| Box::new(repr.reborrow())),
        }
    }

    /// An array of another crate, which goes with the input.
    #[cfg(any(feature = "arrow", feature = "ndarray"))]
    pub(crate) fn held(array: impl Held + 'static) -> Input<'a> {
        Repr::Held(Box::new(array)).into()
    }

    /// What was unpacked from `bytes` bits to as many bytes.
    #[cfg(feature = "arrow")]
    pub(crate) fn unpacked(array: Result<Array, DataError>, bytes: usize) -> Input<'a> {
        match array {
            Ok(array) => array.into(),
            Err(_) => {
                let dtype = DType::Bool;
                Repr::OutOfMemory { dtype, bytes }.into()
            }
        }
    }
}

impl<'a> From<Repr<'a>> for Input<'a> {
    fn from(elements: Repr<'a>) -> Input<'a> {
        Input {
            elements,
            validity: None,
        }
    }
}

/// One element.
fn bytes(bytes: &[u8], dtype: DType) -> View<'_> {
    View::from_bytes(bytes, dtype, &[], Order::C).expect("as long as the dtype")
}

impl<'a, T: Element> From<&'a [T]> for Input<'a> {
    fn from(slice: &'a [T]) -> Input<'a> {
        View::from_slice(slice).into()
    }
}

impl<'a, T: Element> From<&'a Vec<T>> for Input<'a> {
    fn from(vec: &'a Vec<T>) -> Input<'a> {
        vec.as_slice().into()
    }
}

impl<'a, T: Element, const N: usize> From<&'a [T; N]> for Input<'a> {
    fn from(array: &'a [T; N]) -> Input<'a> {
        array.as_slice().into()
    }
}

impl<'a> From<View<'a>> for Input<'a> {
    fn from(view: View<'a>) -> Input<'a> {
        Repr::View(view).into()
    }
}

impl<'a> From<&View<'a>> for Input<'a> {
    fn from(view: &View<'a>) -> Input<'a> {
        view.clone().into()
    }
}

impl<'a> From<&'a Array> for Input<'a> {
    fn from(array: &'a Array) -> Input<'a> {
        array.view().into()
    }
}

impl From<Array> for Input<'_> {
    fn from(array: Array) -> Self {
        Repr::Owned(array).into()
    }
}

/// Owned, for what outlives the place it is made at, such as a [`Lazy`](crate::Lazy) array.
impl<T: Element> From<Vec<T>> for Input<'_> {
    fn from(vec: Vec<T>) -> Self {
        let bytes = std::mem::size_of_val(&vec[..]);
        match Array::from_vec(vec) {
            Ok(array) => Repr::Owned(array).into(),
            Err(_) => Repr::OutOfMemory {
                dtype: T::DTYPE,
                bytes,
            }
            .into(),
        }
    }
}

impl<'a> From<&'a MappedArray> for Input<'a> {
    fn from(map: &'a MappedArray) -> Input<'a> {
        Repr::Mapped(map).into()
    }
}

/// References to what is a reference already: `inputs!` writes `&name`.
macro_rules! references {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<'a, $($generics)*> From<&&'a $type> for Input<'a> {
            fn from(reference: &&'a $type) -> Input<'a> {
                Input::from(*reference)
            }
        }
    )*};
}

references! {
    [T: Element] [T];
    [T: Element] Vec<T>;
    [T: Element, const N: usize] [T; N];
    [] Array;
    [] MappedArray;
}

impl<'a> From<&'a Input<'_>> for Input<'a> {
    fn from(input: &'a Input<'_>) -> Input<'a> {
        input.reborrow()
    }
}

impl From<Scalar> for Input<'_> {
    fn from(value: Scalar) -> Self {
        let elements = match value {
            Scalar::Bytes(bytes) => Repr::Bytes(bytes),
            value => {
                let mut cell = Cell([0; 16]);
                value.write_bytes(&mut cell.0);
                Repr::Value(value.dtype(), cell)
            }
        };
        elements.into()
    }
}

impl From<&Scalar> for Input<'_> {
    fn from(value: &Scalar) -> Self {
        value.clone().into()
    }
}

macro_rules! values {
    ($($type:ty)*) => {$(
        impl From<$type> for Input<'_> {
            fn from(value: $type) -> Self {
                Scalar::from(value).into()
            }
        }

        impl From<&$type> for Input<'_> {
            fn from(value: &$type) -> Self {
                Scalar::from(*value).into()
            }
        }
    )*};
}

values! { bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 Complex<f32> Complex<f64> }

/// Inputs of several types under their names: `inputs! { a, b: &other, k: 2.5 }`.
///
/// `a` alone stands for `a: &a`. The result is an array of `(&str, Input)`, which every function that takes inputs takes; inputs
/// of one type do without: `[("a", &a), ("b", &b)]`.
///
/// ```
/// use numloom::{eval, inputs};
///
/// let a = [1i16, 2, 3];
/// let weights = vec![0.5, 0.25, 0.25];
/// let dot: f64 = eval("sum(k * a * w)", inputs! { a, w: &weights, k: 2.0 })?.try_into()?;
/// assert_eq!(dot, 3.5);
/// # Ok::<(), numloom::Error>(())
/// ```
#[macro_export]
macro_rules! inputs {
    (@one $name:ident) => { (::core::stringify!($name), $crate::Input::from(&$name)) };
    (@one $name:ident $value:expr) => { (::core::stringify!($name), $crate::Input::from($value)) };
    ($($name:ident $(: $value:expr)?),* $(,)?) => {{
        let inputs: [(&str, $crate::Input<'_>); _] = [$($crate::inputs!(@one $name $($value)?)),*];
        inputs
    }};
}
