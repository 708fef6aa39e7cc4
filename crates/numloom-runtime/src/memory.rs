//! How large arrays are gone through and written: thresholds, each with its measurement.
//!
//! What goes in: sizes. What comes out: yes, no, or a size. What it never does: touch an array.

use std::sync::OnceLock;

use numloom_data::Buffer;

/// The most elements of a block in kernels that call functions, as long as arrays are near: operands, slots and results of a block are then in the first-level
/// cache together. With 1,024 elements `exp(-a*a/2)*log(b+1.5)`, of three arrays and three slots, takes 1.03 to 1.2 times as long.
/// `cargo bench -p numloom-benches --bench functions` (2026-11, AMD Zen 4).
pub(crate) const NEAR_BLOCK: usize = 512;

/// Arrays of more bytes than this, together, are out of the near caches; kernels that call functions then go through them by shorter blocks, and ask for what
/// the next one reads. The longer a stretch that only computes, the more the streams from memory run dry: with 1,024 elements `exp(-a*a/2)*log(b+1.5)` takes
/// 1.3 times as long as with 256, and `sin(a)**2 + cos(b)**2` 1.2 times; with 128 and the next block asked for, both take four fifths of that with 256. Asking pays
/// with short blocks only: what was asked for must stay in the first-level cache. Near arrays take a twentieth longer with short blocks.
/// `cargo bench -p numloom-benches --bench functions` (2026-11, AMD Zen 4).
pub(crate) const FAR_BYTES: usize = 4 << 20;
/// Elements of a block of far arrays in kernels that call functions.
pub(crate) const FAR_BLOCK: usize = 128;
/// The same where operands are copied into blocks, which costs more for each: nothing is asked for, as the copies are near.
pub(crate) const FAR_COPIED_BLOCK: usize = 256;

/// The least size of pages. A load waits for an older store to the same place of another page: processors compare those bits first.
pub(crate) const PAGE: usize = 4096;

/// Where in a page a thread's scratch begins. Large arrays mostly begin within the first 64 bytes of one, and so does every block of 512 elements of eight bytes, and every fourth
/// of 128: loops between calls then read and write arrays 512 bytes from where they read and write slots, or more. `exp(-a*a/2)*log(b+1.5)` of arrays in the second-level cache takes 1.28
/// times its parts with slots 48 bytes after arrays, and 1.16 times with them 560 bytes after, or 1,072, or 2,096.
/// `cargo bench -p numloom-benches --bench functions` (2026-11, AMD Zen 4).
const SCRATCH_AT: usize = 576;

/// The bytes from `addr` to the next place where scratch is to begin, fewer than [`PAGE`].
pub(crate) fn to_scratch(addr: usize) -> usize {
    SCRATCH_AT.wrapping_sub(addr) % PAGE
}

/// Blocks from which on they are aligned.
const ALIGNED_FROM: usize = 8;

/// By how many elements the first of the blocks of `n` elements is to be longer, so that the others begin where a cache line of the output does, whose elements have `size`
/// bytes: most large arrays begin at one place of a line, so loads and stores of all cross none then, and a block that is asked for has no line more.
/// `exp(-a*a/2)*log(b+1.5)` takes 0.98 of the time near, and some 0.9 far (`cargo bench -p numloom-benches --bench functions`, 2026-11, AMD Zen 4).
pub(crate) fn head(output: usize, size: usize, n: usize, block: usize) -> usize {
    let bytes = output.wrapping_neg() % Buffer::ALIGN;
    match bytes.is_multiple_of(size) && n / ALIGNED_FROM >= block {
        true => bytes / size,
        false => 0,
    }
}

/// Bytes read and written between two looks at the clock: 20 to 100 µs of memory traffic. Each chunk ends with an atomic addition, which waits until the stores before
/// it have left the core: with a quarter as many bytes `a + b` over 10⁵ to 4·10⁵ elements takes 1.02 to 1.06 times as long.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// The estimated time between two looks at the clock of what computes longer than it reads, in picoseconds.
pub(crate) const CHUNK_WORK: usize = 1_000_000_000;

/// Outputs of fewer bytes are stored through the caches, whatever these hold: what comes next most often reads them there. From here on it would mostly find them in
/// memory: `a + b` over 10⁶ elements of `f64` takes 0.7 to 0.95 of the time with stores around the caches, over 7·10⁵ 0.7 to 1.0, over 4·10⁵ 1.0 to 1.2 (2026-11, AMD
/// Zen 4, 32 MiB of shared third level, loops in C over aligned and unaligned arrays).
const AROUND_BYTES: usize = 8_000_000;

/// What a run reads and writes in fewer bytes stays in the caches until the next: `x + y` of a row and a column, 8 MB of output, takes 0.30 ns an element with stores
/// around them and 0.13 without, 16 MB 0.30 and 0.17, 32 MB 0.30 and 0.26, 80 MB 0.30 and 0.4 to 0.5 (2026-11, AMD Zen 4, 32 MiB of shared third level).
const AROUND_TOUCHED: usize = 3 * AROUND_BYTES;

/// What the memory of outputs was before the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outputs {
    /// Made for it: the system clears each page at its first touch, and so brings it into the caches. Stores around them would only push it out.
    Fresh,
    /// The caller's, most likely written before.
    Given,
}

/// Whether outputs of so many bytes in all, made of inputs of so many, are stored around the caches: then memory is not read before it is written.
pub(crate) fn stores_around(outputs: Outputs, written: usize, read: usize) -> bool {
    outputs == Outputs::Given
        && written >= AROUND_BYTES.max(4 * second_level())
        && written.saturating_add(read) >= AROUND_TOUCHED
}

/// Bytes of a core's second-level cache, where the system tells; else what is usual.
fn second_level() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let size = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size");
        let kib = size
            .ok()
            .and_then(|size| size.trim().strip_suffix('K')?.parse::<usize>().ok());
        kib.map_or(2 << 20, |kib| kib << 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_begins_at_one_place_of_a_page_and_with_a_cache_line() {
        for addr in [0, 8, SCRATCH_AT, SCRATCH_AT + 1, 3 * PAGE - 1] {
            let start = addr + to_scratch(addr);
            assert!(start - addr < PAGE);
            assert_eq!((start % PAGE, start % 64), (SCRATCH_AT, 0));
        }
    }

    #[test]
    fn after_the_first_block_of_many_outputs_begin_with_a_cache_line() {
        assert_eq!(head(4096 + 16, 8, 1 << 14, 512), 6);
        assert_eq!(head(4096 + 16, 4, 1 << 14, 512), 12);
        assert_eq!(head(4096, 8, 1 << 14, 512), 0);
        // No element begins there, or there are few blocks.
        assert_eq!(head(4096 + 17, 8, 1 << 14, 512), 0);
        assert_eq!(head(4096 + 16, 8, 7 * 512, 512), 0);
    }

    #[test]
    fn only_large_outputs_of_the_caller_are_stored_around() {
        assert!(!stores_around(Outputs::Given, AROUND_BYTES - 1, usize::MAX));
        assert!(!stores_around(Outputs::Given, AROUND_TOUCHED - 2, 1));
        assert!(stores_around(Outputs::Given, usize::MAX, 0));
        assert!(!stores_around(Outputs::Fresh, usize::MAX, 0));
    }
}
