//! Arithmetic and order of complex numbers, in the dtype of their parts and in NumPy's order of operations.

use std::ops::{Add, Mul, Neg, Sub};

use numloom_data::DType;
use numloom_syntax::CmpOp;

use super::elementary;
use super::real::{Real, Truth};

/// A complex number as two real values.
#[derive(Clone, Copy)]
pub(super) struct Complex<'f> {
    pub(super) re: Real<'f>,
    pub(super) im: Real<'f>,
}

impl<'f> Complex<'f> {
    pub(super) fn new(re: Real<'f>, im: Real<'f>) -> Complex<'f> {
        Complex { re, im }
    }

    /// `i z`.
    pub(super) fn times_i(self) -> Complex<'f> {
        Complex::new(-self.im, self.re)
    }

    /// `-i z`.
    pub(super) fn over_i(self) -> Complex<'f> {
        Complex::new(self.im, -self.re)
    }

    /// Both parts by a real factor.
    pub(super) fn scaled(self, factor: Real<'f>) -> Complex<'f> {
        Complex::new(self.re * factor, self.im * factor)
    }

    /// Parts in another dtype.
    pub(super) fn cast(self, dtype: DType) -> Complex<'f> {
        Complex::new(self.re.cast(dtype), self.im.cast(dtype))
    }

    /// A constant with parts of the same dtype.
    pub(super) fn number(self, re: f64, im: f64) -> Complex<'f> {
        Complex::new(self.re.number(re), self.re.number(im))
    }

    pub(super) fn conj(self) -> Complex<'f> {
        Complex::new(self.re, -self.im)
    }

    pub(super) fn abs(self) -> Real<'f> {
        self.re.hypot(self.im)
    }

    pub(super) fn is_nan(self) -> Truth<'f> {
        self.re.is_nan() | self.im.is_nan()
    }

    pub(super) fn is_inf(self) -> Truth<'f> {
        self.re.is_inf() | self.im.is_inf()
    }

    pub(super) fn is_finite(self) -> Truth<'f> {
        self.re.is_finite() & self.im.is_finite()
    }

    pub(super) fn is_zero(self) -> Truth<'f> {
        self.re.eq(0.0) & self.im.eq(0.0)
    }

    pub(super) fn square(self) -> Complex<'f> {
        self * self
    }

    /// `1 / z`, by Smith's scaling.
    pub(super) fn reciprocal(self) -> Complex<'f> {
        let wide = self.im.abs().le(self.re.abs());
        let (long, short) = (wide.select(self.re, self.im), wide.select(self.im, self.re));
        let ratio = short / long;
        let scale = long + short * ratio;
        let (one, ratio) = (1.0 / scale, ratio / scale);
        Complex::new(wide.select(one, ratio), -wide.select(ratio, one))
    }

    /// `self / other`, by Smith's scaling; division by zero divides both parts by zero.
    pub(super) fn quotient(self, other: Complex<'f>) -> Complex<'f> {
        let (re, im) = (other.re.abs(), other.im.abs());
        let wide = re.ge(im);
        let long = wide.select(other.re, other.im);
        let short = wide.select(other.im, other.re);
        let ratio = short / long;
        let scale = 1.0 / (long + short * ratio);
        let first = wide.select(self.re, self.im);
        let second = wide.select(self.im, self.re);
        let by_ratio = Complex::new(self.re * ratio, self.im * ratio);
        let minuend = wide.select(self.im, by_ratio.im);
        let subtrahend = wide.select(by_ratio.re, self.re);
        let zero = other.is_zero();
        Complex::new(
            zero.select(self.re / re, (first + second * ratio) * scale),
            zero.select(self.im / re, (minuend - subtrahend) * scale),
        )
    }

    /// `z ** n` for a constant exponent from 3 to 99 in magnitude, by multiplication.
    pub(super) fn integer_power(self, n: i32) -> Complex<'f> {
        let mut rest = n.unsigned_abs();
        let mut square = self;
        let mut product = None;
        while rest > 0 {
            if rest & 1 == 1 {
                product = Some(match product {
                    None => square,
                    Some(product) => square * product,
                });
            }
            rest >>= 1;
            if rest > 0 {
                square = square * square;
            }
        }
        let product = product.unwrap_or(self.number(1.0, 0.0));
        if n < 0 { product.reciprocal() } else { product }
    }

    /// `self ** other` for any exponent: `exp(other log(self))`, from an accurate logarithm.
    pub(super) fn power(self, other: Complex<'f>) -> Complex<'f> {
        let Complex {
            re: log,
            im: argument,
        } = elementary::log(self);
        // A product with the 0 of a real exponent is not formed: the logarithm may be infinite.
        let is_real = other.im.eq(0.0);
        let (size, turn) = (other.re * log, other.re * argument);
        let size = is_real.select(size, size - other.im * argument);
        let turn = is_real.select(turn, other.im * log + turn);
        let result = elementary::exp(Complex::new(size, turn));
        let nothing = other.re.gt(0.0).choose(0.0, f64::NAN, self.re);
        let of_zero = Complex::new(nothing, nothing);
        let result = of_zero.where_(self.is_zero(), result);
        self.number(1.0, 0.0).where_(other.is_zero(), result)
    }

    /// `z / |z|`; 0 for 0, the direction for one infinite part, NaN for two.
    pub(super) fn sign(self) -> Complex<'f> {
        let (z, _, _) = self.normalized();
        let modulus = z.abs();
        let zero = self.is_zero();
        let direction = Complex::new(
            zero.select(0.0, z.re / modulus),
            zero.select(0.0, z.im / modulus),
        );
        let unit = |part: Real<'f>| {
            part.is_inf()
                .select(part.number(1.0).copysign(part), part.number(0.0))
        };
        let both = self.re.is_inf() & self.im.is_inf();
        let axis = Complex::new(unit(self.re), unit(self.im));
        let nowhere = both | (self.is_nan() & !self.is_inf());
        let result = axis.where_(self.is_inf(), direction);
        self.number(f64::NAN, f64::NAN).where_(nowhere, result)
    }

    /// Both parts to the nearest integral value.
    pub(super) fn round(self) -> Complex<'f> {
        Complex::new(self.re.round(), self.im.round())
    }

    /// `self` where the condition holds, else `otherwise`.
    pub(super) fn where_(self, condition: Truth<'f>, otherwise: Complex<'f>) -> Complex<'f> {
        Complex::new(
            condition.select(self.re, otherwise.re),
            condition.select(self.im, otherwise.im),
        )
    }

    /// The order of the real parts, then of the imaginary ones, as NumPy's: where one part alone decides, NaN in the other
    /// makes it false.
    pub(super) fn compare(self, op: CmpOp, other: Complex<'f>) -> Truth<'f> {
        let (a, b) = (self, other);
        let ordered = |before: Truth<'f>, tie: Truth<'f>| {
            (before & !(a.im.is_nan() | b.im.is_nan())) | (a.re.eq(b.re) & tie)
        };
        match op {
            CmpOp::Eq => a.re.eq(b.re) & a.im.eq(b.im),
            CmpOp::Ne => a.re.ne(b.re) | a.im.ne(b.im),
            CmpOp::Lt => ordered(a.re.lt(b.re), a.im.lt(b.im)),
            CmpOp::Le => ordered(a.re.lt(b.re), a.im.le(b.im)),
            CmpOp::Gt => ordered(a.re.gt(b.re), a.im.gt(b.im)),
            CmpOp::Ge => ordered(a.re.gt(b.re), a.im.ge(b.im)),
        }
    }

    /// The lesser (`Le`) or greater (`Ge`) of two; the first one with NaN if any has, the first of equals.
    pub(super) fn extreme(self, order: CmpOp, other: Complex<'f>) -> Complex<'f> {
        self.where_(self.is_nan() | self.compare(order, other), other)
    }

    /// As [`extreme`](Self::extreme), but NaN gives way.
    pub(super) fn known_extreme(self, order: CmpOp, other: Complex<'f>) -> Complex<'f> {
        self.where_(other.is_nan() | self.compare(order, other), other)
    }
}

impl<'f> Add for Complex<'f> {
    type Output = Complex<'f>;
    fn add(self, other: Complex<'f>) -> Complex<'f> {
        Complex::new(self.re + other.re, self.im + other.im)
    }
}

impl<'f> Sub for Complex<'f> {
    type Output = Complex<'f>;
    fn sub(self, other: Complex<'f>) -> Complex<'f> {
        Complex::new(self.re - other.re, self.im - other.im)
    }
}

impl<'f> Mul for Complex<'f> {
    type Output = Complex<'f>;
    fn mul(self, other: Complex<'f>) -> Complex<'f> {
        Complex::new(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
        )
    }
}

impl<'f> Neg for Complex<'f> {
    type Output = Complex<'f>;
    fn neg(self) -> Complex<'f> {
        Complex::new(-self.re, -self.im)
    }
}
