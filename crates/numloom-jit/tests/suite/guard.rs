#![expect(unsafe_code, reason = "maps pages that cannot be touched")]
//! Loads and stores up to the last byte, and not beyond.

use std::sync::Arc;
use std::{ptr, slice};

use numloom_ir::interp::{Block, Rows};
use numloom_ir::{CastMode, Fault, InputClass, Op};

use crate::build::Build;
use crate::compare::{compile, compilers};
use crate::values::DTYPES;

/// A page between two that fault on any access.
struct Page {
    start: *mut u8,
    size: usize,
}

impl Page {
    fn new() -> Page {
        // SAFETY: asks for a number.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new mapping, anywhere.
        let start = unsafe { libc::mmap(ptr::null_mut(), 3 * size, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: the middle page of the mapping just made.
        let status = unsafe {
            let middle = start.cast::<u8>().add(size);
            libc::mprotect(middle.cast(), size, libc::PROT_READ | libc::PROT_WRITE)
        };
        assert_eq!(status, 0);
        Page {
            start: start.cast(),
            size,
        }
    }

    /// The last, or the first, `len` bytes of the page.
    fn bytes(&mut self, len: usize, last: bool) -> &mut [u8] {
        assert!(len <= self.size);
        let at = if last { 2 * self.size - len } else { self.size };
        // SAFETY: within the middle page, which is initialised by the system and borrowed with `self`.
        unsafe { slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`.
        unsafe { libc::munmap(self.start.cast(), 3 * self.size) };
    }
}

#[test]
fn nothing_outside_the_arrays_is_touched() {
    let (mut first, mut second, mut third) = (Page::new(), Page::new(), Page::new());
    for from in DTYPES {
        for to in DTYPES {
            let mut build = Build::new();
            let x = build.array(from);
            let k = build.input(to, InputClass::Scalar);
            let k = build.load(k, to);
            if Op::Cast(CastMode::Wrap).is_block(from, to) {
                continue;
            }
            let y = build.cast(to, x);
            let z = build.apply(Op::Maximum, &[y, k]);
            build.out(z);
            let kernel = Arc::new(build.finish());
            for compiler in compilers() {
                let native = compile(&kernel, &compiler);
                for n in (0..=67).chain([511]) {
                    for last in [true, false] {
                        let input = first.bytes(n * from.itemsize(), last);
                        let scalar = second.bytes(to.itemsize(), last);
                        let output = third.bytes(n * to.itemsize(), last);
                        native
                            .run(Block {
                                n,
                                index: 0,
                                rows: Rows::ONE,
                                inputs: &[input, scalar],
                                outputs: &mut [output],
                                accumulators: &mut [],
                                fault: &mut Fault::default(),
                            })
                            .expect("fits");
                    }
                }
            }
        }
    }
}
