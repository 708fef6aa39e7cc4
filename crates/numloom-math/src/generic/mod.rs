//! The kernels: one generic function each over [`Lanes`](crate::lanes::Lanes), the same operations on every instruction set.

pub(crate) mod angle;
pub(crate) mod constants;
pub(crate) mod division;
pub(crate) mod double;
pub(crate) mod error;
pub(crate) mod exp;
pub(crate) mod hyperbolic;
pub(crate) mod inverse_angle;
pub(crate) mod inverse_hyperbolic;
pub(crate) mod log;
mod payne_hanek;
pub(crate) mod pow;
pub(crate) mod root;
pub(crate) mod short;
pub(crate) mod short_error;
pub(crate) mod short_inverse;
