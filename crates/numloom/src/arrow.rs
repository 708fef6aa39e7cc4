//! Apache Arrow arrays in and out, nulls included (feature `arrow`).
//!
//! What goes in: arrays of numbers and of bools, and the columns of a record batch. What comes out: an [`Input`] over the same memory; and
//! results as Arrow arrays over the memory they were computed into. What it never does: copy a number. Only bits are
//! unpacked, to a byte each, and packed again: bools, and validities where there are nulls.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as ArrowArray, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use numloom_data::stream::ColumnOwner;
use numloom_data::{Array, DType, DataError, Element, Order, View};

use crate::Expr;
use crate::error::Error;
use crate::inputs::{Held, Input};
use crate::outputs::{Outputs, Value};

/// Elements over the memory of an array; nulls over a validity of bytes.
///
/// An array of no elements counts as one that may have nulls, so that its least element is null.
fn nullable<'a>(elements: Input<'a>, nulls: Option<&NullBuffer>) -> Input<'a> {
    match nulls {
        Some(nulls) if nulls.null_count() > 0 => elements.with_validity(unpacked(nulls.inner())),
        _ if elements.shape() == [0] => elements.with_validity(View::scalar(&true)),
        _ => elements,
    }
}

/// Bits as bools.
fn unpacked(bits: &BooleanBuffer) -> Input<'static> {
    Input::unpacked(unpack(bits), bits.len())
}

fn unpack(bits: &BooleanBuffer) -> Result<Array, DataError> {
    let mut bools = Array::zeros(DType::Bool, &[bits.len()], Order::C)?;
    let words = bits.bit_chunks();
    for (to, word) in bools.as_bytes_mut().chunks_mut(64).zip(words.iter_padded()) {
        for (i, to) in to.iter_mut().enumerate() {
            *to = (word >> i & 1) as u8;
        }
    }
    Ok(bools)
}

/// The bits of bools.
fn pack(bools: &Array) -> BooleanBuffer {
    let bytes = bools.as_bytes();
    BooleanBuffer::collect_bool(bytes.len(), |i| bytes[i] != 0)
}

/// An array that goes with its input.
#[derive(Debug)]
struct Numbers<T: ArrowNativeType> {
    elements: ScalarBuffer<T>,
    shape: [usize; 1],
}

impl<T: ArrowNativeType + Element> Held for Numbers<T> {
    fn dtype(&self) -> DType {
        T::DTYPE
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn view(&self) -> View<'_> {
        View::from_slice(&self.elements)
    }
}

impl<T: ArrowNativeType + Element> ColumnOwner for Numbers<T> {
    fn view(&self) -> View<'_> {
        View::from_slice(&self.elements)
    }
}

macro_rules! primitives {
    ($($arrow:ident $type:ident $dtype:ident)*) => {
        $(
            impl<'a> From<&'a PrimitiveArray<$arrow>> for Input<'a> {
                fn from(array: &'a PrimitiveArray<$arrow>) -> Input<'a> {
                    let elements: &[_] = array.values();
                    nullable(elements.into(), array.nulls())
                }
            }

            impl<'a> From<&&'a PrimitiveArray<$arrow>> for Input<'a> {
                fn from(array: &&'a PrimitiveArray<$arrow>) -> Input<'a> {
                    Input::from(*array)
                }
            }

            /// The array goes with the input; its elements stay where they are.
            impl From<PrimitiveArray<$arrow>> for Input<'_> {
                fn from(array: PrimitiveArray<$arrow>) -> Self {
                    let (_, elements, nulls) = array.into_parts();
                    let shape = [elements.len()];
                    let elements = Input::held(Numbers { elements, shape });
                    nullable(elements, nulls.as_ref())
                }
            }

            impl TryFrom<Outputs> for PrimitiveArray<$arrow> {
                type Error = Error;

                fn try_from(outputs: Outputs) -> Result<Self, Error> {
                    let value = outputs.into_value()?;
                    let found = value.dtype();
                    match value.into_arrow()?.as_primitive_opt::<$arrow>() {
                        Some(array) => Ok(array.clone()),
                        None => Err(Error::output_dtype(found, DType::$dtype)),
                    }
                }
            }
        )*

        /// An array of any type, if it is one of numbers or bools.
        ///
        /// # Errors
        /// `dtype-mismatch` for one of another type: texts, dates, decimals, dictionaries, nested ones.
        impl<'a> TryFrom<&'a dyn ArrowArray> for Input<'a> {
            type Error = Error;

            fn try_from(array: &'a dyn ArrowArray) -> Result<Input<'a>, Error> {
                match array.data_type() {
                    DataType::Boolean => Ok(array.as_boolean().into()),
                    $(DataType::$type => Ok(array.as_primitive::<$arrow>().into()),)*
                    other => Err(Error::arrow_type(other)),
                }
            }
        }

        /// The array goes with the input; its elements stay where they are.
        ///
        /// # Errors
        /// As for a reference.
        impl TryFrom<ArrayRef> for Input<'_> {
            type Error = Error;

            fn try_from(array: ArrayRef) -> Result<Self, Error> {
                match array.data_type() {
                    DataType::Boolean => Ok(array.as_boolean().clone().into()),
                    $(DataType::$type => {
                        Ok(array.as_primitive::<$arrow>().clone().into())
                    })*
                    other => Err(Error::arrow_type(other)),
                }
            }
        }

        /// One axis of elements as an Arrow array, over the same memory but for bools.
        fn elements_to_arrow(elements: Array, nulls: Option<NullBuffer>) -> Option<ArrayRef> {
            let n = elements.len();
            Some(match elements.dtype() {
                DType::Bool => Arc::new(BooleanArray::new(pack(&elements), nulls)),
                $(DType::$dtype => {
                    let elements = ScalarBuffer::new(buffer(elements), 0, n);
                    Arc::new(PrimitiveArray::<$arrow>::new(elements, nulls))
                })*
                _ => return None,
            })
        }

        /// The dtype of the elements of arrays of this type.
        pub(crate) fn dtype_of(arrow: &DataType) -> Option<DType> {
            match arrow {
                DataType::Boolean => Some(DType::Bool),
                $(DataType::$type => Some(DType::$dtype),)*
                _ => None,
            }
        }

        /// The elements of an array where they are, but for bools, whatever its nulls.
        pub(crate) fn elements_of(array: &dyn ArrowArray) -> Option<Arc<dyn ColumnOwner>> {
            match array.data_type() {
                DataType::Boolean => unpack(array.as_boolean().values())
                    .ok()
                    .map(|bools| Arc::new(bools) as Arc<dyn ColumnOwner>),
                $(DataType::$type => Some(Arc::new(Numbers {
                    elements: array.as_primitive::<$arrow>().values().clone(),
                    shape: [array.len()],
                })),)*
                _ => None,
            }
        }

        /// The type of arrays of this dtype.
        fn arrow_type(dtype: DType) -> Option<DataType> {
            Some(match dtype {
                DType::Bool => DataType::Boolean,
                $(DType::$dtype => DataType::$type,)*
                _ => return None,
            })
        }
    };
}

primitives! {
    Int8Type Int8 I8
    Int16Type Int16 I16
    Int32Type Int32 I32
    Int64Type Int64 I64
    UInt8Type UInt8 U8
    UInt16Type UInt16 U16
    UInt32Type UInt32 U32
    UInt64Type UInt64 U64
    Float16Type Float16 F16
    Float32Type Float32 F32
    Float64Type Float64 F64
}

impl<'a> From<&'a BooleanArray> for Input<'a> {
    fn from(array: &'a BooleanArray) -> Input<'a> {
        nullable(unpacked(array.values()), array.nulls())
    }
}

impl<'a> From<&&'a BooleanArray> for Input<'a> {
    fn from(array: &&'a BooleanArray) -> Input<'a> {
        Input::from(*array)
    }
}

impl From<BooleanArray> for Input<'_> {
    fn from(array: BooleanArray) -> Self {
        nullable(unpacked(array.values()), array.nulls())
    }
}

impl TryFrom<Outputs> for BooleanArray {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Self, Error> {
        let value = outputs.into_value()?;
        let found = value.dtype();
        match value.into_arrow()?.as_boolean_opt() {
            Some(array) => Ok(array.clone()),
            None => Err(Error::output_dtype(found, DType::Bool)),
        }
    }
}

/// # Errors
/// As for a reference to a `dyn Array`.
impl<'a> TryFrom<&'a ArrayRef> for Input<'a> {
    type Error = Error;

    fn try_from(array: &'a ArrayRef) -> Result<Input<'a>, Error> {
        (&**array).try_into()
    }
}

/// The memory of an array, handed over.
fn buffer(array: Array) -> Buffer {
    struct Owner(numloom_data::Buffer);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    bytes::Bytes::from_owner(Owner(array.into_buffer())).into()
}

impl Expr {
    /// The columns of a record batch that the expression names, as inputs under their names.
    ///
    /// Columns that it does not name may be of any type.
    ///
    /// # Errors
    /// `dtype-mismatch` if one that it names is not of numbers or bools.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
    /// use numloom::Expr;
    ///
    /// let price: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.5), None, Some(4.0)]));
    /// let amount: ArrayRef = Arc::new(Int32Array::from(vec![2, 3, 1]));
    /// let name: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    /// let batch = RecordBatch::try_from_iter([("price", price), ("amount", amount), ("name", name)])?;
    ///
    /// let expr = Expr::parse("cost = price * amount")?;
    /// let out = RecordBatch::try_from(expr.eval(expr.columns(&batch)?)?)?;
    /// assert_eq!(out.column(0).as_ref(), &Float64Array::from(vec![Some(5.0), None, Some(4.0)]));
    ///
    /// let expr = Expr::parse("sum(price * amount)")?;
    /// let total: f64 = expr.eval(expr.columns(&batch)?)?.try_into()?;
    /// assert_eq!(total, 9.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn columns<'b>(&self, batch: &'b RecordBatch) -> Result<Vec<(&'b str, Input<'b>)>, Error> {
        let named = self.inputs();
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = fields.filter(|(field, _)| named.contains(&field.name().as_str()));
        columns
            .map(|(field, column)| match column.try_into() {
                Ok(input) => Ok((field.name().as_str(), input)),
                Err(_) => Err(Error::arrow_column(field.name(), column.data_type())),
            })
            .collect()
    }
}

impl Value {
    /// The elements and their nulls as an Arrow array of their dtype; a reduced value becomes an array of one element.
    ///
    /// The memory is handed over, not copied; bools and validities are packed to bits.
    ///
    /// # Errors
    /// `output-shape` if there is more than one axis; `dtype-mismatch` for complex numbers and bytes.
    ///
    /// ```
    /// use arrow_array::Int32Array;
    /// use numloom::{eval, inputs};
    ///
    /// let a = Int32Array::from(vec![Some(1), None, Some(3)]);
    /// for value in eval("-a; max(a)", inputs! { a })? {
    ///     println!("{:?}", value.into_arrow()?);
    /// }
    /// let negated: Int32Array = eval("-a", inputs! { a })?.try_into()?;
    /// assert_eq!(negated, Int32Array::from(vec![Some(-1), None, Some(-3)]));
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn into_arrow(self) -> Result<ArrayRef, Error> {
        let dtype = self.dtype();
        let refused = || Error::no_arrow_type(dtype);
        if self.shape().len() > 1 {
            return Err(Error::not_of_rank(self.shape(), Some(1)));
        }
        let (elements, nulls) = match self {
            Value::Array(array) => (array, None),
            Value::Scalar(value) => (Array::from_scalar(&value)?, None),
            Value::Masked(masked) => {
                let (elements, validity) = masked.into_parts();
                (elements, Some(NullBuffer::new(pack(&validity))))
            }
            Value::Null(dtype) => {
                let of_type = arrow_type(dtype).ok_or_else(refused)?;
                return Ok(arrow_array::new_null_array(&of_type, 1));
            }
        };
        elements_to_arrow(elements, nulls).ok_or_else(refused)
    }
}

/// The only output, as [`Value::into_arrow`].
impl TryFrom<Outputs> for ArrayRef {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<ArrayRef, Error> {
        outputs.into_value()?.into_arrow()
    }
}

/// Each output as a column: a named one under its name, a bare expression under its text. All must have as many elements.
impl TryFrom<Outputs> for RecordBatch {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<RecordBatch, Error> {
        let names: Vec<String> = outputs.titles().map(str::to_owned).collect();
        let mut fields = Vec::with_capacity(names.len());
        let mut columns = Vec::with_capacity(names.len());
        for (name, value) in names.into_iter().zip(outputs) {
            let column = value.into_arrow()?;
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let lengths: Vec<usize> = columns.iter().map(|column| column.len()).collect();
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new(schema, columns).map_err(|_| Error::columns_of(&lengths))
    }
}
