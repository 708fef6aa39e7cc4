#![expect(unsafe_code, reason = "maps pages that cannot be touched")]
//! Loads and stores up to the last byte, and not beyond.

use std::sync::Arc;
use std::{ptr, slice};

use numloom_data::DType;
use numloom_ir::interp::{Block, Rows};
use numloom_ir::{CastMode, Fault, InputClass, Op};
use numloom_jit::abi::KernelArgs;

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

#[test]
fn asking_for_what_follows_touches_nothing_and_changes_no_bit() {
    let mut build = Build::new();
    let (first, second) = (build.slot(8), build.slot(8));
    let x = build.input(DType::F64, InputClass::Contiguous);
    let y = build.input(DType::F64, InputClass::Contiguous);
    let loaded = build.load(x, DType::F64);
    let square = build.apply(Op::Mul, &[loaded, loaded]);
    build.store(first, square);
    build.call(Op::Exp, DType::F64, DType::F64, &[first], second);
    build.call(Op::Log, DType::F64, DType::F64, &[y], first);
    let exp = build.load(second, DType::F64);
    let log = build.load(first, DType::F64);
    let sum = build.apply(Op::Add, &[exp, log]);
    build.out(sum);
    let kernel = Arc::new(build.finish());
    let mut pages = [Page::new(), Page::new(), Page::new()];
    let mut scratch = vec![0u64; kernel.scratch_bytes() / 8];
    for compiler in compilers() {
        let native = compile(&kernel, &compiler);
        for n in (0..=67).chain([511]) {
            for last in [true, false] {
                let [x, y, out] = pages.each_mut().map(|page| page.bytes(8 * n, last));
                for (i, place) in x.chunks_mut(8).chain(y.chunks_mut(8)).enumerate() {
                    place.copy_from_slice(&(0.1 + 0.01 * i as f64).to_ne_bytes());
                }
                let (inputs, outputs) = ([x.as_ptr(), y.as_ptr()], [out.as_mut_ptr()]);
                let mut run = |ahead: u64, around: u64| {
                    // SAFETY: as below; so that what is not stored is seen.
                    unsafe { slice::from_raw_parts_mut(outputs[0], 8 * n) }.fill(0xa5);
                    let mut fault = Fault::NONE;
                    let mut args = KernelArgs {
                        n,
                        inputs: inputs.as_ptr(),
                        outputs: outputs.as_ptr(),
                        scratch: scratch.as_mut_ptr().cast(),
                        around,
                        ahead,
                        ..KernelArgs::one_row(&raw mut fault)
                    };
                    // SAFETY: (1) one row of at most 511 elements; (2, 3) the pages have as many elements; (4) there are no accumulators; (5) the scratch is as long, and
                    // initialised; (6) `fault` is a local; (7) pages, scratch and `fault` are apart.
                    let status = unsafe { native.call(&mut args) };
                    assert_eq!(status, 0);
                    // SAFETY: the output's elements, which the page has, and nobody else reaches now.
                    unsafe { slice::from_raw_parts(outputs[0], 8 * n) }.to_vec()
                };
                let want = run(0, 0);
                for (ahead, around) in [(1, 0), (1, 1)] {
                    assert_eq!(run(ahead, around), want, "{compiler} n={n}");
                }
            }
        }
    }
}

#[test]
fn what_is_stored_around_the_caches_leaves_slots_in_them() {
    let mut build = Build::new();
    let slot = build.slot(8);
    let x = build.array(DType::F64);
    let y = build.array(DType::F64);
    let sum = build.apply(Op::Add, &[x, y]);
    build.store(slot, sum);
    build.out(sum);
    let out = build.output(DType::F64);
    build.call(Op::Exp, DType::F64, DType::F64, &[slot], out);
    let kernel = Arc::new(build.finish());
    let n = 512;
    let numbers = vec![0.5f64; n + 16];
    for compiler in compilers() {
        let native = compile(&kernel, &compiler);
        // Bytes from an aligned place to the outputs, and to scratch.
        for (output, scratch) in [(0, 0), (0, 8), (16, 0), (16, 16)] {
            let mut rooms: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0; n + 16]);
            let places = rooms.each_mut().map(|room| {
                let room = room.as_mut_ptr();
                room.wrapping_byte_add(room.addr().wrapping_neg() % 64)
            });
            let outputs = [0, 1].map(|i| places[i].wrapping_byte_add(output).cast::<u8>());
            let inputs = [numbers.as_ptr().cast::<u8>(); 2];
            let mut fault = Fault::NONE;
            let mut args = KernelArgs {
                n,
                inputs: inputs.as_ptr(),
                outputs: outputs.as_ptr(),
                scratch: places[2].wrapping_byte_add(scratch).cast(),
                around: 1,
                ..KernelArgs::one_row(&raw mut fault)
            };
            // SAFETY: (1) one row of 512 elements; (2, 3) each room has 16 more, of which at most 9 are left out before; (4) there are no accumulators; (5) the scratch is such a room;
            // (6) `fault` is a local; (7) rooms, `numbers` and `fault` are apart.
            assert_eq!(unsafe { native.call(&mut args) }, 0);
            for (room, want) in rooms.iter().zip([1.0, 1f64.exp()]) {
                assert_eq!(
                    room.iter().filter(|&&x| x == want).count(),
                    n,
                    "{compiler} {output} {scratch}"
                );
            }
        }
    }
}
