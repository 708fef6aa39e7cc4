#![expect(
    unsafe_code,
    reason = "moves elements between a pointer with strides and a contiguous block"
)]
//! The one way from odd layouts into a contiguous native block, and back.
//!
//! A *block* is elements without gaps, in native byte order, at any alignment. A view may be strided, reversed, broadcast,
//! unaligned and byte-swapped. Positions are logical: row-major, whatever the order in memory. `bool` bytes become 0 or 1
//! on the way in and on the way out; all other bits are kept, those of a NaN included.

use crate::dtype::DType;
use crate::view::{RawView, View, ViewMut};
use crate::walk::{RowWalker, Rows};

/// Copies the `n` elements from logical position `start` on into the front of `dst`.
///
/// # Panics
/// If `start + n` is past the last element, or `dst` is shorter than `n` elements.
///
/// ```
/// use numloom_data::{View, gather};
///
/// let x = [1u8, 2, 3, 4, 5, 6];
/// let columns = View::from_slice_shaped(&x, &[2, 3])?.transpose();
/// let mut block = [0; 4];
/// gather(&columns, 1, 4, &mut block);
/// assert_eq!(block, [4, 2, 5, 3]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn gather(view: &View<'_>, start: usize, n: usize, dst: &mut [u8]) {
    check_block(dst.len(), n, view.dtype());
    // SAFETY: (1) a `View` can be read; (2) just checked; (3) `dst` is exclusive, and the memory of a `View` is not written
    // to while it lives.
    unsafe { view.raw().gather(start, n, dst.as_mut_ptr()) }
}

/// Copies `n` elements from the front of `src` to the logical positions from `start` on.
///
/// # Panics
/// If `start + n` is past the last element, or `src` is shorter than `n` elements.
///
/// ```
/// use numloom_data::{ByteOrder, ViewMut, scatter};
///
/// let mut x = [0u16; 3];
/// let mut backwards = ViewMut::from_slice(&mut x).reversed(0)?.with_byte_order(ByteOrder::Swapped);
/// let block: Vec<u8> = [1u16, 2].iter().flat_map(|v| v.to_ne_bytes()).collect();
/// scatter(&block, &mut backwards, 0, 2);
/// assert_eq!(x, [0, 0x0200, 0x0100]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn scatter(src: &[u8], view: &mut ViewMut<'_>, start: usize, n: usize) {
    check_block(src.len(), n, view.dtype());
    // SAFETY: (1) a `ViewMut` can be written; (2) just checked; (3, 4) nobody else reaches its memory, `src` included.
    unsafe { view.raw_mut().scatter(start, n, src.as_ptr()) }
}

#[cfg(feature = "counted")]
static GATHERED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Elements that were gathered since the program started: what tests of passes count.
#[cfg(feature = "counted")]
pub fn gathered_elements() -> u64 {
    GATHERED.load(std::sync::atomic::Ordering::Relaxed)
}

fn check_block(len: usize, n: usize, dtype: DType) {
    assert!(
        n.checked_mul(dtype.itemsize())
            .is_some_and(|bytes| bytes <= len),
        "a block of {len} bytes holds {n} elements of {dtype}"
    );
}

impl RawView<'_> {
    /// Copies the `n` elements from logical position `start` on to `dst`.
    ///
    /// # Safety
    /// 1. Those elements can be read, as in [`View::from_raw_parts`], 1 and 2.
    /// 2. `dst` is valid for writing `n * itemsize` bytes; it needs no alignment.
    /// 3. Neither memory is written to by others during the call, and they do not overlap.
    ///
    /// # Panics
    /// If `start + n` is past the last element.
    pub unsafe fn gather(self, start: usize, n: usize, dst: *mut u8) {
        #[cfg(feature = "counted")]
        GATHERED.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        // SAFETY: 1 to 3 are the caller's.
        unsafe { copy::<true>(self, start, n, dst) }
    }

    /// Copies `n` elements from `src` to the logical positions from `start` on.
    ///
    /// Threads may do so at once on one view, as long as their positions are apart.
    ///
    /// # Safety
    /// 1. Those elements can be written, as in [`ViewMut::from_raw_parts`], 1 and 2.
    /// 2. `src` is valid for reading `n * itemsize` bytes; it needs no alignment.
    /// 3. The two memories do not overlap, and `src` is not written to by others during the call.
    /// 4. Nobody else reads or writes these `n` elements during the call.
    ///
    /// # Panics
    /// If `start + n` is past the last element.
    pub unsafe fn scatter(self, start: usize, n: usize, src: *const u8) {
        // SAFETY: 1 to 4 are the caller's; `src` is only read in this direction.
        unsafe { copy::<false>(self, start, n, src.cast_mut()) }
    }
}

/// How an element changes on the way; the same in both directions.
trait Convert {
    /// As many bytes as an element.
    type Word: Copy;
    /// Does nothing change?
    const COPIES: bool;
    fn convert(word: Self::Word) -> Self::Word;
}

struct Keep<W>(W);
struct Swap<W>(W);
struct SwapPair<W>(W);
struct Normalise;

impl<W: Copy> Convert for Keep<W> {
    type Word = W;
    const COPIES: bool = true;
    #[inline(always)]
    fn convert(word: W) -> W {
        word
    }
}

impl Convert for Normalise {
    type Word = u8;
    const COPIES: bool = false;
    #[inline(always)]
    fn convert(byte: u8) -> u8 {
        u8::from(byte != 0)
    }
}

macro_rules! swaps {
    ($($word:ty)*) => {$(
        impl Convert for Swap<$word> {
            type Word = $word;
            const COPIES: bool = false;
            #[inline(always)]
            fn convert(word: $word) -> $word {
                word.swap_bytes()
            }
        }

        impl Convert for SwapPair<$word> {
            type Word = [$word; 2];
            const COPIES: bool = false;
            #[inline(always)]
            fn convert([re, im]: [$word; 2]) -> [$word; 2] {
                [re.swap_bytes(), im.swap_bytes()]
            }
        }
    )*};
}
swaps!(u16 u32 u64);

/// Picks the conversion of a dtype, once per call.
///
/// # Safety
/// As [`RawView::gather`] if `GATHER`, else as [`RawView::scatter`].
unsafe fn copy<const GATHER: bool>(view: RawView<'_>, start: usize, n: usize, block: *mut u8) {
    let walker = RowWalker::new(view.shape, view.strides, start, n);
    let (base, swapped) = (view.ptr, !view.is_native());
    // SAFETY: the contract is passed on, and each `Word` has the size of an element of the dtype in its arm: 1, 2, 4, 8,
    // 16 bytes, two of 4 for c64, two of 8 for c128.
    unsafe {
        match (view.dtype, swapped) {
            (DType::Bool, _) => copy_runs::<GATHER, Normalise>(walker, base, block),
            (DType::Bytes(size), _) => copy_bytes::<GATHER>(walker, base, block, size as usize),
            (DType::C64, true) => copy_runs::<GATHER, SwapPair<u32>>(walker, base, block),
            (DType::C128, true) => copy_runs::<GATHER, SwapPair<u64>>(walker, base, block),
            (DType::C128, false) => copy_runs::<GATHER, Keep<[u64; 2]>>(walker, base, block),
            (dtype, swapped) => match (dtype.itemsize(), swapped) {
                (1, _) => copy_runs::<GATHER, Keep<u8>>(walker, base, block),
                (2, false) => copy_runs::<GATHER, Keep<u16>>(walker, base, block),
                (2, true) => copy_runs::<GATHER, Swap<u16>>(walker, base, block),
                (4, false) => copy_runs::<GATHER, Keep<u32>>(walker, base, block),
                (4, true) => copy_runs::<GATHER, Swap<u32>>(walker, base, block),
                (8, false) => copy_runs::<GATHER, Keep<u64>>(walker, base, block),
                (8, true) => copy_runs::<GATHER, Swap<u64>>(walker, base, block),
                (size, _) => unreachable!("{dtype} of {size} bytes is handled above"),
            },
        }
    }
}

/// # Safety
/// As [`copy`], where `C::Word` has the size of an element.
unsafe fn copy_runs<const GATHER: bool, C: Convert>(
    mut walker: RowWalker,
    base: *mut u8,
    mut block: *mut u8,
) {
    let size = size_of::<C::Word>();
    let stride = walker.stride();
    loop {
        while let Some(rows) = walker.next_rows_across() {
            let place = base.wrapping_offset(rows.offset);
            // SAFETY: as below: rows are elements of the view, as many as the block's next.
            unsafe { copy_across::<GATHER, C>(place, stride, block, rows) };
            block = block.wrapping_add(rows.n * rows.len * size);
        }
        let Some(run) = walker.next_run(usize::MAX) else {
            return;
        };
        let place = base.wrapping_offset(run.offset);
        // SAFETY: the walker's runs are elements of the view, `n` in all, so `place` and its followers can be accessed by
        // (1), and the block's next `run.n` elements by (2); they are apart by (3).
        unsafe {
            if GATHER {
                copy_run::<C>(place, stride, block, size.cast_signed(), run.n);
            } else {
                copy_run::<C>(block, size.cast_signed(), place, stride, run.n);
            }
        }
        block = block.wrapping_add(run.n * size);
    }
}

/// Rows whose neighbours share cache lines, a few columns at a time: a line is read once for all rows that it has elements of.
///
/// # Safety
/// As [`copy_runs`]: `place` and what `stride` and `rows` reach from it are elements of the view, and `block` holds as many.
unsafe fn copy_across<const GATHER: bool, C: Convert>(
    place: *mut u8,
    stride: isize,
    block: *mut u8,
    rows: Rows,
) {
    // As many lines as a cache of eight ways holds, however far apart.
    const COLUMNS: usize = 8;
    let size = size_of::<C::Word>();
    for first in (0..rows.len).step_by(COLUMNS) {
        let n = COLUMNS.min(rows.len - first);
        for row in 0..rows.n {
            let offset = rows.stride * row.cast_signed() + stride * first.cast_signed();
            let place = place.wrapping_offset(offset);
            let block = block.wrapping_add((row * rows.len + first) * size);
            // SAFETY: the caller's, `row` being a row and `first + n` at most its length.
            unsafe {
                if GATHER {
                    words::<C>(place, stride, block, size.cast_signed(), n);
                } else {
                    words::<C>(block, size.cast_signed(), place, stride, n);
                }
            }
        }
    }
}

/// `n` words from every `src_stride` bytes to every `dst_stride` bytes.
///
/// # Safety
/// 1. All those words can be read, respectively written, at any alignment.   2. They do not overlap.
#[inline(always)]
unsafe fn copy_run<C: Convert>(
    src: *const u8,
    src_stride: isize,
    dst: *mut u8,
    dst_stride: isize,
    n: usize,
) {
    let size = size_of::<C::Word>().cast_signed();
    // Short rows are quicker in the loop below than through a call.
    const LONG: usize = 16;
    // SAFETY: (1, 2) each branch accesses just the words of the contract.
    unsafe {
        if C::COPIES && src_stride == size && dst_stride == size && n >= LONG {
            std::ptr::copy_nonoverlapping(src, dst, n * size_of::<C::Word>());
            return;
        }
        // The same loop for each pair of known strides, so that the compiler may use vectors.
        match (src_stride == size, dst_stride == size) {
            (true, true) => words::<C>(src, size, dst, size, n),
            (false, true) if src_stride == 0 => words::<C>(src, 0, dst, size, n),
            (false, true) if src_stride == -size => words::<C>(src, -size, dst, size, n),
            (false, true) => words::<C>(src, src_stride, dst, size, n),
            (true, false) if dst_stride == -size => words::<C>(src, size, dst, -size, n),
            _ => words::<C>(src, src_stride, dst, dst_stride, n),
        }
    }
}

/// # Safety
/// As [`copy_run`].
#[inline(always)]
unsafe fn words<C: Convert>(
    src: *const u8,
    src_stride: isize,
    dst: *mut u8,
    dst_stride: isize,
    n: usize,
) {
    for i in 0..n.cast_signed() {
        // SAFETY: (1) `i < n`, so both are words of the contract.
        unsafe {
            let word = src
                .wrapping_offset(i * src_stride)
                .cast::<C::Word>()
                .read_unaligned();
            let to = dst.wrapping_offset(i * dst_stride).cast::<C::Word>();
            to.write_unaligned(C::convert(word));
        }
    }
}

/// Byte strings of any size, zero included.
///
/// # Safety
/// As [`copy`], where an element has `size` bytes.
unsafe fn copy_bytes<const GATHER: bool>(
    mut walker: RowWalker,
    base: *mut u8,
    mut block: *mut u8,
    size: usize,
) {
    let stride = walker.stride();
    while let Some(run) = walker.next_run(usize::MAX) {
        let whole = stride == size.cast_signed();
        let (pieces, piece) = if whole {
            (1, run.n * size)
        } else {
            (run.n, size)
        };
        for i in 0..pieces {
            let place = base.wrapping_offset(run.offset + stride * i.cast_signed());
            // SAFETY: the walker's runs are elements of the view, `n` in all, so `piece` bytes at `place` can be accessed
            // by (1), as many of the block by (2); they are apart by (3).
            unsafe {
                if GATHER {
                    std::ptr::copy_nonoverlapping(place.cast_const(), block, piece);
                } else {
                    std::ptr::copy_nonoverlapping(block.cast_const(), place, piece);
                }
            }
            block = block.wrapping_add(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Array, DType, Order};

    #[test]
    fn threads_fill_disjoint_ranges_of_one_output() {
        const N: usize = 6000;
        const PART: usize = 701;
        let mut array = Array::zeros(DType::U32, &[30, 200], Order::F).unwrap();
        let mut view = array.view_mut();
        let raw = view.raw_mut();
        let block: Vec<u32> = (0..N as u32).collect();
        std::thread::scope(|scope| {
            for start in (0..N).step_by(PART) {
                let part = &block[start..N.min(start + PART)];
                scope.spawn(move || {
                    // SAFETY: (1) `raw` is a view to write; (2) `part` holds as many elements; (3) it is another
                    // allocation; (4) the ranges of the threads are apart, and `view` is borrowed meanwhile.
                    unsafe { raw.scatter(start, part.len(), part.as_ptr().cast()) };
                });
            }
        });
        assert_eq!(array.to_vec::<u32>().unwrap(), block);
    }
}
