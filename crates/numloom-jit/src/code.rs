#![expect(
    unsafe_code,
    reason = "implements cranelift-jit's memory provider, a trait with an unsafe method"
)]
//! The one owner of executable memory, for every backend.
//!
//! What goes in: machine code, written into a [`WritableCode`]. What comes out: [`Code`], which can be executed and read. Pages are writable or
//! executable, never both: the two states are two types, and going from one to the other takes the first away. [`ModuleMemory`] offers this to
//! cranelift-jit, whose own provider would leak.
//!
//! Most kernels fit a page, and to map one, to touch it first and to unmap it costs as much as to emit a short kernel: so a [`Region`] has pages for
//! several, which are there when it is mapped, and is unmapped with the last of them.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};
use memmap2::{MmapOptions, MmapRaw};
use region::{Protection, page};

/// Pages of a region that several kernels share: what the last of them holds on to is little.
const SHARED_PAGES: usize = 8;

/// How many regions there are.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The region that has pages left, and how many bytes of it are given away.
static OPEN: Mutex<Option<(Arc<Region>, usize)>> = Mutex::new(None);

/// The number of mappings of this process that hold code: each living [`NativeKernel`](crate::NativeKernel) keeps one of them, which up to 8 share; one
/// more may be kept for kernels to come.
pub fn live_mappings() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// A mapping for code. Unmapped on drop; nothing may run in it by then.
#[derive(Debug)]
struct Region {
    map: MmapRaw,
}

impl Region {
    /// Maps `bytes` writable bytes, a number of whole pages; all of them at once if it is to be `shared`.
    fn new(bytes: usize, shared: bool) -> io::Result<Region> {
        let mut options = MmapOptions::new();
        options.len(bytes);
        if shared {
            options.populate();
        }
        let map = MmapRaw::from(options.map_anon()?);
        LIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Region { map })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whole pages of a region that belong to one kernel.
#[derive(Debug)]
struct Pages {
    region: Arc<Region>,
    range: Range<usize>,
}

impl Pages {
    /// Pages for `size` bytes, which nobody else has had.
    fn take(size: usize) -> io::Result<Pages> {
        let bytes = size.max(1).checked_next_multiple_of(page::size());
        let bytes = bytes.ok_or(io::ErrorKind::OutOfMemory)?;
        let shared = SHARED_PAGES * page::size();
        if bytes > shared {
            let region = Arc::new(Region::new(bytes, false)?);
            return Ok(Pages {
                region,
                range: 0..bytes,
            });
        }
        // Never waits: after a fork the lock may be held by a thread that is not there.
        let mut open = OPEN.try_lock().ok();
        let (region, given) = match open.as_mut().and_then(|open| open.take()) {
            Some((region, given)) if shared - given >= bytes => (region, given),
            _ => (Arc::new(Region::new(shared, true)?), 0),
        };
        let range = given..given + bytes;
        if let Some(mut open) = open {
            *open = Some((Arc::clone(&region), range.end));
        }
        Ok(Pages { region, range })
    }

    fn start(&self) -> NonNull<u8> {
        // SAFETY: the range is part of the mapping.
        let start = unsafe { self.region.map.as_mut_ptr().add(self.range.start) };
        NonNull::new(start).expect("no mapping is at address 0")
    }
}

/// Memory for code that is still being written.
#[derive(Debug)]
pub(crate) struct WritableCode {
    pages: Pages,
}

impl WritableCode {
    /// At least `size` writable bytes, on a page boundary.
    pub(crate) fn new(size: usize) -> io::Result<WritableCode> {
        Ok(WritableCode {
            pages: Pages::take(size)?,
        })
    }

    /// Where the code is to be written.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.pages.start().as_ptr()
    }

    /// Writes `bytes` from the start.
    ///
    /// # Panics
    /// If there is no room for them.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        assert!(
            bytes.len() <= self.pages.range.len(),
            "as long as was asked for"
        );
        // SAFETY: the pages are mapped, writable until `seal`, long enough, and nobody else's.
        unsafe { self.as_mut_ptr().copy_from(bytes.as_ptr(), bytes.len()) };
    }

    /// Makes it executable and no longer writable.
    pub(crate) fn seal(self) -> io::Result<Code> {
        let Pages { range, .. } = &self.pages;
        let (start, len) = (self.pages.start(), range.len());
        // SAFETY: whole pages that are this kernel's alone; nobody writes to them any more.
        unsafe { region::protect(start.as_ptr(), len, Protection::READ_EXECUTE) }.map_err(
            |error| match error {
                region::Error::SystemCall(error) => error,
                other => io::Error::other(other),
            },
        )?;
        // SAFETY: they are mapped, readable and initialised, as mappings are, and stay as they are.
        coherence::publish(unsafe { NonNull::slice_from_raw_parts(start, len).as_ref() })?;
        Ok(Code { pages: self.pages })
    }
}

/// Executable memory. It goes with the last kernel of its region; nothing may run in it by then.
#[derive(Debug)]
pub(crate) struct Code {
    pages: Pages,
}

impl Code {
    /// The first byte.
    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.pages.start().as_ptr()
    }
}

/// The memory of one cranelift-jit module that holds one function and no data.
pub(crate) struct ModuleMemory {
    writable: Option<WritableCode>,
    sealed: Arc<OnceLock<Code>>,
}

impl ModuleMemory {
    /// Memory for one function; the cell is filled when the module is finalized.
    pub(crate) fn new() -> (ModuleMemory, Arc<OnceLock<Code>>) {
        let sealed = Arc::new(OnceLock::new());
        let memory = ModuleMemory {
            writable: None,
            sealed: Arc::clone(&sealed),
        };
        (memory, sealed)
    }
}

impl JITMemoryProvider for ModuleMemory {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        let code = matches!(kind, JITMemoryKind::Executable);
        // A mapping starts on a page, which is aligned enough for any function.
        if !code || self.writable.is_some() || align > 4096 {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a kernel is one function without data",
            ));
        }
        Ok(self.writable.insert(WritableCode::new(size)?).as_mut_ptr())
    }

    unsafe fn free_memory(&mut self) {
        // Never called: a module is dropped when its code has moved to the sealed cell.
        self.writable = None;
    }

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        if let Some(writable) = self.writable.take() {
            let code = writable
                .seal()
                .map_err(|err| ModuleError::Allocation { err })?;
            self.sealed
                .set(code)
                .expect("a second function is refused by `allocate`");
        }
        Ok(())
    }
}

#[cfg(not(target_arch = "aarch64"))]
mod coherence {
    /// x86-64 keeps instruction fetch coherent with stores by itself.
    pub(super) fn publish(_: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod coherence {
    use std::arch::asm;
    use std::io;

    /// Makes freshly written code visible to instruction fetch on every core.
    ///
    /// # Source
    /// Arm Architecture Reference Manual, "Synchronization and coherency issues between data and instruction accesses": clean
    /// the data cache by line to the point of unification, then invalidate the instruction cache by line; then `isb` on each core.
    pub(super) fn publish(code: &[u8]) -> io::Result<()> {
        let cache_type: usize;
        // SAFETY: reads a register that Linux lets programs read; touches no memory.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack)) };
        let data_line = 4usize << ((cache_type >> 16) & 15);
        let code_line = 4usize << (cache_type & 15);
        let range = code.as_ptr_range();
        let (start, end) = (range.start as usize, range.end as usize);
        for line in (start & !(data_line - 1)..end).step_by(data_line) {
            // SAFETY: `line` lies in a mapped page: that of `code`.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack)) };
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack)) };
        for line in (start & !(code_line - 1)..end).step_by(code_line) {
            // SAFETY: `line` lies in a mapped page: that of `code`.
            unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack)) };
        }
        // SAFETY: barriers.
        unsafe { asm!("dsb ish", "isb", options(nostack)) };
        synchronize_other_cores()
    }

    /// Has the other cores of this process drop what they fetched ahead.
    fn synchronize_other_cores() -> io::Result<()> {
        const SYNC_CORE: libc::c_int = 1 << 5;
        const REGISTER_SYNC_CORE: libc::c_int = 1 << 6;
        for command in [REGISTER_SYNC_CORE, SYNC_CORE] {
            // SAFETY: `membarrier` with these commands reads and writes no memory of ours.
            let status = unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
            let error = io::Error::last_os_error();
            // Kernels before 4.16 do not know the command; a context switch has to do there.
            let unknown = matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS));
            if status != 0 && !unknown {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(all(target_arch = "aarch64", target_vendor = "apple"))]
mod coherence {
    use std::ffi::c_void;

    unsafe extern "C" {
        /// Of the system library.
        fn sys_icache_invalidate(start: *mut c_void, len: usize);
    }

    /// Makes freshly written code visible to instruction fetch on every core.
    pub(super) fn publish(code: &[u8]) -> std::io::Result<()> {
        // SAFETY: a range of mapped memory, which is not written to.
        unsafe { sys_icache_invalidate(code.as_ptr().cast_mut().cast(), code.len()) };
        Ok(())
    }
}

#[cfg(all(
    target_arch = "aarch64",
    not(any(target_os = "linux", target_vendor = "apple"))
))]
mod coherence {
    /// Nobody has found out how to, here: kernels are interpreted.
    pub(super) fn publish(_: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_one_function_without_data() {
        let (mut memory, sealed) = ModuleMemory::new();
        assert!(memory.allocate(8, 1, JITMemoryKind::Writable).is_err());
        assert!(memory.allocate(8, 1, JITMemoryKind::ReadOnly).is_err());
        assert!(memory.allocate(8, 16, JITMemoryKind::Executable).is_ok());
        assert!(memory.allocate(8, 16, JITMemoryKind::Executable).is_err());
        assert!(sealed.get().is_none());
        memory
            .finalize(BranchProtection::None)
            .expect("this system has executable memory");
        assert!(sealed.get().is_some());
    }

    #[test]
    fn memory_that_the_system_does_not_have_is_an_error() {
        assert!(WritableCode::new(usize::MAX / 4).is_err());
    }
}
