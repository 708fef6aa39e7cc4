#![expect(
    unsafe_code,
    reason = "owns an aligned allocation, which `Vec<u8>` cannot"
)]
//! Owned bytes at an aligned address.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::ptr::NonNull;

use crate::error::{DataError, DataErrorKind};

/// From how many bytes on memory is asked for in huge pages: fewer faults are spared than the call and the clearing of a large page cost.
#[cfg(target_os = "linux")]
const HUGE_BYTES: usize = 4 << 20;

/// Asks for the whole pages of an allocation to be huge ones, if it is large. Its first touch, of the usual 4 KiB each, costs more than all else that cheap
/// expressions do: `2*a + 3*b` into fresh memory takes about two thirds of the time with huge pages.
///
/// No answer is needed: without them all is as it was.
#[cfg(target_os = "linux")]
fn prefer_huge_pages(base: NonNull<u8>, bytes: usize) {
    if bytes < HUGE_BYTES {
        return;
    }
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Ok(page) = usize::try_from(page) else {
        return;
    };
    let skipped = base.addr().get().next_multiple_of(page) - base.addr().get();
    let whole = (bytes - skipped) / page * page;
    // SAFETY: whole pages inside an allocation of our own. The advice changes neither what is in them nor who may touch them.
    unsafe {
        let start = base.as_ptr().add(skipped);
        libc::madvise(start.cast(), whole, libc::MADV_HUGEPAGE);
    }
}

/// Elsewhere systems choose for themselves.
#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages(_: NonNull<u8>, _: usize) {}

/// Owned bytes, zero at first, at an address that is a multiple of 64 (or more on request).
///
/// A refused allocation is an error, never an abort. Big buffers cost nothing until they are touched: the memory comes
/// zeroed from the system.
///
/// ```
/// use numloom_data::Buffer;
/// let buffer = Buffer::zeroed(100)?;
/// assert_eq!(buffer.as_ptr().addr() % 64, 0);
/// assert_eq!(buffer.as_bytes(), [0; 100]);
/// assert!(Buffer::zeroed(isize::MAX as usize).is_err());
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub struct Buffer {
    /// The first of `len` bytes; aligned and never null, dangling if `len` is 0.
    ptr: NonNull<u8>,
    len: usize,
    align: usize,
    /// What was allocated, and where; none if `len` is 0.
    allocation: Option<(NonNull<u8>, Layout)>,
}

impl Buffer {
    /// The alignment of [`zeroed`](Buffer::zeroed): a cache line, and the widest SIMD register.
    pub const ALIGN: usize = 64;

    /// `len` zero bytes, aligned to [`ALIGN`](Buffer::ALIGN).
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn zeroed(len: usize) -> Result<Buffer, DataError> {
        Buffer::zeroed_aligned(len, Buffer::ALIGN)
    }

    /// `len` zero bytes, aligned to `align`.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    ///
    /// # Panics
    /// If `align` is not a power of two.
    pub fn zeroed_aligned(len: usize, align: usize) -> Result<Buffer, DataError> {
        assert!(align.is_power_of_two(), "{align} is a power of two");
        if len == 0 {
            let dangling = std::ptr::without_provenance_mut(align);
            return Ok(Buffer {
                ptr: NonNull::new(dangling).expect("a power of two is not null"),
                len,
                align,
                allocation: None,
            });
        }
        let refused = || DataError::from(DataErrorKind::OutOfMemory { bytes: len });
        // Asking the allocator for 64-byte alignment makes it allocate, then clear by hand, which touches every page.
        // With its natural alignment, big blocks come from the system already zero; so allocate more and step into it.
        const NATURAL: usize = 16;
        let slack = align.saturating_sub(NATURAL);
        let layout = len
            .checked_add(slack)
            .and_then(|size| Layout::from_size_align(size, NATURAL).ok())
            .ok_or_else(refused)?;
        // SAFETY: the layout's size is at least `len`, which is not 0.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(refused)?;
        prefer_huge_pages(base, layout.size());
        let step = base.addr().get().next_multiple_of(align) - base.addr().get();
        // SAFETY: `base` is a multiple of 16, so `step` is at most `align - 16`, which is `slack` or, if `align` is
        // below 16, 0: inside the allocation.
        let ptr = unsafe { base.add(step) };
        Ok(Buffer {
            ptr,
            len,
            align,
            allocation: Some((base, layout)),
        })
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// No bytes at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The alignment that was asked for.
    #[must_use]
    pub fn align(&self) -> usize {
        self.align
    }

    /// The address of the first byte.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// The address of the first byte, for writing.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `ptr` is valid for `len` bytes, which were zeroed at allocation, for as long as `self` lives, and only
        // `&mut self` gives write access.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, for writing.
    #[must_use]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_bytes`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// A copy, with the same alignment.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn try_clone(&self) -> Result<Buffer, DataError> {
        let mut copy = Buffer::zeroed_aligned(self.len, self.align)?;
        copy.as_bytes_mut().copy_from_slice(self.as_bytes());
        Ok(copy)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some((base, layout)) = self.allocation {
            // SAFETY: `base` was allocated with `layout` in `zeroed_aligned` and is freed here only.
            unsafe { dealloc(base.as_ptr(), layout) }
        }
    }
}

// SAFETY: a `Buffer` owns its bytes alone, as a `Box<[u8]>` does; `&Buffer` only reads.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Buffer({} bytes at {:p}, align {})",
            self.len, self.ptr, self.align
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_alignment_is_zero_and_writable() {
        for align in [1, 8, 16, 64, 128, 4096] {
            for len in [0, 1, 63, 64, 65, 1000] {
                let mut buffer = Buffer::zeroed_aligned(len, align).unwrap();
                assert_eq!(buffer.as_ptr().addr() % align, 0);
                assert_eq!(buffer.len(), len);
                assert!(buffer.as_bytes().iter().all(|&b| b == 0));
                buffer.as_bytes_mut().fill(0xa5);
                assert_eq!(buffer.try_clone().unwrap().as_bytes(), buffer.as_bytes());
            }
        }
    }

    #[test]
    fn a_refused_allocation_says_how_much() {
        for len in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 4096] {
            let error = Buffer::zeroed(len).unwrap_err();
            assert!(matches!(error.kind(), DataErrorKind::OutOfMemory { bytes } if *bytes == len));
        }
    }
}
