//! Elements as they lie in a block, and the loops over blocks.
//!
//! A block is a slice of bytes of any alignment. Arrays of bytes have alignment 1, so a block is *cast* to a slice of
//! them and an element made from its array: the compiler turns that into plain, unaligned, vector loads and stores.

use bytemuck::Pod;
use half::f16;

/// A Rust type that elements of a block are read as.
pub(super) trait Item: Copy {
    /// An array of bytes as long as one element.
    type Bytes: Pod;

    /// The element in these bytes, in the machine's order.
    fn load(bytes: Self::Bytes) -> Self;

    /// The bytes of this element, in the machine's order.
    fn store(self) -> Self::Bytes;

    /// The bits of this element, zero-extended.
    fn bits(self) -> u64;
}

macro_rules! items {
    ($($type:ty, $n:literal, $x:ident => $bits:expr;)*) => {$(
        impl Item for $type {
            type Bytes = [u8; $n];

            fn load(bytes: [u8; $n]) -> Self {
                <$type>::from_ne_bytes(bytes)
            }

            fn store(self) -> [u8; $n] {
                self.to_ne_bytes()
            }

            fn bits(self) -> u64 {
                let $x = self;
                u64::from($bits)
            }
        }
    )*};
}

items! {
    i8,  1, x => x.cast_unsigned();
    i16, 2, x => x.cast_unsigned();
    i32, 4, x => x.cast_unsigned();
    i64, 8, x => x.cast_unsigned();
    u8,  1, x => x;
    u16, 2, x => x;
    u32, 4, x => x;
    u64, 8, x => x;
    f16, 2, x => x.to_bits();
    f32, 4, x => x.to_bits();
    f64, 8, x => x.to_bits();
}

/// Any byte but 0 is true when read; what is written is 0 or 1.
impl Item for bool {
    type Bytes = [u8; 1];

    fn load([byte]: [u8; 1]) -> bool {
        byte != 0
    }

    fn store(self) -> [u8; 1] {
        [u8::from(self)]
    }

    fn bits(self) -> u64 {
        u64::from(self)
    }
}

/// The elements of a block, as arrays of bytes.
pub(super) fn items<T: Item>(block: &[u8]) -> &[T::Bytes] {
    bytemuck::cast_slice(block)
}

/// The elements of a block to write, as arrays of bytes.
pub(super) fn items_mut<T: Item>(block: &mut [u8]) -> &mut [T::Bytes] {
    bytemuck::cast_slice_mut(block)
}

/// `dst[i] = f(x[i])`.
pub(super) fn map1<X: Item, R: Item>(dst: &mut [u8], x: &[u8], f: impl Fn(X) -> R) {
    for (dst, x) in items_mut::<R>(dst).iter_mut().zip(items::<X>(x)) {
        *dst = f(X::load(*x)).store();
    }
}

/// `dst[i] = f(x[i], y[i])`.
pub(super) fn map2<X: Item, R: Item>(dst: &mut [u8], x: &[u8], y: &[u8], f: impl Fn(X, X) -> R) {
    let (dst, x, y) = (items_mut::<R>(dst), items::<X>(x), items::<X>(y));
    for ((dst, x), y) in dst.iter_mut().zip(x).zip(y) {
        *dst = f(X::load(*x), X::load(*y)).store();
    }
}

/// `dst[i] = if c[i] { y[i] } else { z[i] }`.
pub(super) fn select<T: Item>(dst: &mut [u8], c: &[u8], y: &[u8], z: &[u8]) {
    let (dst, y, z) = (items_mut::<T>(dst), items::<T>(y), items::<T>(z));
    for (((dst, &c), y), z) in dst.iter_mut().zip(c).zip(y).zip(z) {
        *dst = T::load(if c != 0 { *y } else { *z }).store();
    }
}

/// `dst[i] = f(x[i])`, and `zero` where `f` has no answer; returns the first such position and the operand's bits there.
pub(super) fn try_map1<X: Item, R: Item>(
    dst: &mut [u8],
    x: &[u8],
    zero: R,
    f: impl Fn(X) -> Option<R>,
) -> Option<(usize, u64)> {
    let mut first = None;
    for (i, (dst, x)) in items_mut::<R>(dst)
        .iter_mut()
        .zip(items::<X>(x))
        .enumerate()
    {
        let x = X::load(*x);
        let result = f(x);
        if result.is_none() && first.is_none() {
            first = Some((i, x.bits()));
        }
        *dst = result.unwrap_or(zero).store();
    }
    first
}

/// `dst[i] = f(x[i], y[i])`, and `zero` where `f` has no answer; returns the first such position and the bits of `y` there.
pub(super) fn try_map2<T: Item>(
    dst: &mut [u8],
    x: &[u8],
    y: &[u8],
    zero: T,
    f: impl Fn(T, T) -> Option<T>,
) -> Option<(usize, u64)> {
    let mut first = None;
    let operands = items::<T>(x).iter().zip(items::<T>(y));
    for (i, (dst, (x, y))) in items_mut::<T>(dst).iter_mut().zip(operands).enumerate() {
        let (x, y) = (T::load(*x), T::load(*y));
        let result = f(x, y);
        if result.is_none() && first.is_none() {
            first = Some((i, y.bits()));
        }
        *dst = result.unwrap_or(zero).store();
    }
    first
}

/// Fills a block with one element, read as `T` and so normalised.
pub(super) fn splat<T: Item>(dst: &mut [u8], element: &[u8]) {
    let &[element] = items::<T>(element) else {
        panic!("one element to repeat, not {} bytes", element.len());
    };
    items_mut::<T>(dst).fill(T::load(element).store());
}

/// `lanes[i % N] = f(lanes[i % N], x[i])` for each `i` in order, where `lanes` holds `N` elements.
pub(super) fn accumulate<T: Item, const N: usize>(
    lanes: &mut [u8],
    x: &[u8],
    f: impl Fn(T, T) -> T,
) {
    let lanes = items_mut::<T>(lanes);
    let mut running: [T; N] = std::array::from_fn(|lane| T::load(lanes[lane]));
    for row in items::<T>(x).chunks(N) {
        for (lane, x) in running.iter_mut().zip(row) {
            *lane = f(*lane, T::load(*x));
        }
    }
    for (bytes, lane) in lanes.iter_mut().zip(running) {
        *bytes = lane.store();
    }
}

/// `a[i] = f(a[i], x[i])`.
pub(super) fn fold<T: Item>(a: &mut [u8], x: &[u8], f: impl Fn(T, T) -> T) {
    for (a, x) in items_mut::<T>(a).iter_mut().zip(items::<T>(x)) {
        *a = f(T::load(*a), T::load(*x)).store();
    }
}

/// Runs `f` over a block of `T` elements and its operands as slices of `T`, which need alignment: where a block has
/// none, piece by piece through the stack.
pub(super) fn on_slices<T: Pod + Default, const ARGS: usize>(
    dst: &mut [u8],
    args: [&[u8]; ARGS],
    f: impl Fn(&mut [T], [&[T]; ARGS]),
) {
    const PIECE: usize = 64;
    let aligned = args.map(|arg| bytemuck::try_cast_slice::<u8, T>(arg).ok());
    if aligned.iter().all(Option::is_some)
        && let Ok(dst) = bytemuck::try_cast_slice_mut::<u8, T>(dst)
    {
        return f(
            dst,
            aligned.map(|arg| arg.expect("all of them were just seen")),
        );
    }
    let piece_bytes = PIECE * size_of::<T>();
    let mut result = [T::default(); PIECE];
    let mut operands = [[T::default(); PIECE]; ARGS];
    for (piece, dst) in dst.chunks_mut(piece_bytes).enumerate() {
        let n = dst.len() / size_of::<T>();
        for (operand, arg) in operands.iter_mut().zip(args) {
            let bytes = &arg[piece * piece_bytes..][..dst.len()];
            bytemuck::cast_slice_mut(&mut operand[..n]).copy_from_slice(bytes);
        }
        f(
            &mut result[..n],
            std::array::from_fn(|arg| &operands[arg][..n]),
        );
        dst.copy_from_slice(bytemuck::cast_slice(&result[..n]));
    }
}
