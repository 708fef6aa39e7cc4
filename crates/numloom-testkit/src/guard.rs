#![expect(
    unsafe_code,
    reason = "asks the system for memory with a forbidden page beside it"
)]
//! Buffers beside a page that the process may not touch: a read or write past the end faults at once.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Which end of the bytes lies against the forbidden page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// The last byte is the last one of its page.
    End,
    /// The first byte is the first one of its page.
    Start,
}

/// Bytes with forbidden pages on both sides, one of which begins right where the bytes end (or ends where they begin).
///
/// The address has whatever alignment the length leaves: `End` buffers of an odd length are unaligned.
///
/// ```
/// use numloom_testkit::guard::{Edge, Guarded};
/// let mut bytes = Guarded::new(5, Edge::End);
/// bytes.copy_from_slice(&[1, 2, 3, 4, 5]);
/// assert_eq!(bytes.iter().sum::<u8>(), 15);
/// assert_eq!((bytes.as_ptr().addr() + 5) % 4096, 0);
/// ```
#[derive(Debug)]
pub struct Guarded {
    /// The whole mapping, forbidden pages included.
    map: NonNull<libc::c_void>,
    map_bytes: usize,
    /// The first of `len` bytes.
    ptr: NonNull<u8>,
    len: usize,
}

impl Guarded {
    /// `len` bytes that are zero.
    ///
    /// # Panics
    /// If the system refuses the memory.
    #[must_use]
    pub fn new(len: usize, edge: Edge) -> Guarded {
        // SAFETY: `sysconf` only answers.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) })
            .expect("pages have a size");
        let middle = len.next_multiple_of(page);
        let map_bytes = middle + 2 * page;
        // SAFETY: a new private mapping at an address of the system's choice touches nothing that exists.
        let map = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                map_bytes,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(map, libc::MAP_FAILED, "the system gives {map_bytes} bytes");
        let map = NonNull::new(map).expect("the system maps nothing at 0");
        // SAFETY: one page into a mapping of at least two.
        let start = unsafe { map.cast::<u8>().add(page) };
        // SAFETY: the pages between the first and the last one of our own mapping.
        let changed = unsafe {
            libc::mprotect(
                start.as_ptr().cast(),
                middle,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        assert_eq!(changed, 0, "the system opens the pages in the middle");
        let offset = match edge {
            Edge::End => middle - len,
            Edge::Start => 0,
        };
        // SAFETY: `offset + len` is at most `middle`, which the mapping holds after `start`.
        let ptr = unsafe { start.add(offset) };
        Guarded {
            map,
            map_bytes,
            ptr,
            len,
        }
    }

    /// A copy of `bytes`.
    #[must_use]
    pub fn copy_of(bytes: &[u8], edge: Edge) -> Guarded {
        let mut guarded = Guarded::new(bytes.len(), edge);
        guarded.copy_from_slice(bytes);
        guarded
    }
}

impl Deref for Guarded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `ptr` is valid for `len` bytes of the open pages, zero at first, and `&self` excludes writes.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's alone and is unmapped here only.
        let unmapped = unsafe { libc::munmap(self.map.as_ptr(), self.map_bytes) };
        debug_assert_eq!(unmapped, 0, "a whole mapping can be unmapped");
    }
}

// SAFETY: a `Guarded` owns its bytes alone, as a `Box<[u8]>` does.
unsafe impl Send for Guarded {}
// SAFETY: `&Guarded` only reads.
unsafe impl Sync for Guarded {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_edges_hold_every_length() {
        for len in [0, 1, 3, 4095, 4096, 4097, 20_000] {
            for edge in [Edge::End, Edge::Start] {
                let mut bytes = Guarded::new(len, edge);
                assert!(bytes.iter().all(|&b| b == 0));
                bytes.fill(0xa5);
                assert_eq!(bytes.len(), len);
                let at = bytes.as_ptr().addr();
                assert_eq!(if edge == Edge::End { at + len } else { at } % 4096, 0);
            }
        }
    }

    #[test]
    fn reading_past_the_end_kills_the_process_that_does_it() {
        let bytes = Guarded::new(100, Edge::End);
        // SAFETY: the child only touches memory and ends; it takes no lock and returns to no Rust code of ours.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let past = bytes.as_ptr().wrapping_add(bytes.len());
            // SAFETY: none: this is the fault that the test is about, in a process that dies of it.
            let byte = unsafe { past.read_volatile() };
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(byte)) }
        }
        let mut status = 0;
        // SAFETY: waits for the child just made; `status` is ours.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        assert!(
            libc::WIFSIGNALED(status),
            "the child read past the end and lived"
        );
    }
}
