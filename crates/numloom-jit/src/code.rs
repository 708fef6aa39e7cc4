#![expect(
    unsafe_code,
    reason = "implements cranelift-jit's memory provider, a trait with an unsafe method"
)]
//! The one owner of executable memory, for every backend.
//!
//! What goes in: machine code, written into a [`WritableCode`]. What comes out: [`Code`], which can be executed and read, and
//! is unmapped when it is dropped. Pages are writable or executable, never both: the two states are two types, and
//! going from one to the other takes the first away. [`ModuleMemory`] offers this to cranelift-jit, whose own provider would leak.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};
use memmap2::{Mmap, MmapMut};

/// How many mappings of code there are.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The number of code mappings of this process: one for each living [`NativeKernel`](crate::NativeKernel).
pub fn live_mappings() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Counts one mapping for as long as it lives.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn new() -> Counted {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory for code that is still being written.
#[derive(Debug)]
pub(crate) struct WritableCode {
    map: MmapMut,
    counted: Counted,
}

impl WritableCode {
    /// Maps at least `size` writable bytes, on a page boundary.
    pub(crate) fn new(size: usize) -> io::Result<WritableCode> {
        let map = MmapMut::map_anon(size.max(1))?;
        Ok(WritableCode {
            map,
            counted: Counted::new(),
        })
    }

    /// Where the code is to be written.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Writes `bytes` from the start.
    ///
    /// # Panics
    /// If there is no room for them.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.map[..bytes.len()].copy_from_slice(bytes);
    }

    /// Makes it executable and no longer writable.
    pub(crate) fn seal(self) -> io::Result<Code> {
        let map = self.map.make_exec()?;
        coherence::publish(&map)?;
        Ok(Code {
            map,
            _counted: self.counted,
        })
    }
}

/// Executable memory. Unmapped once, on drop; nothing may run in it by then.
#[derive(Debug)]
pub(crate) struct Code {
    map: Mmap,
    _counted: Counted,
}

impl Code {
    /// The first byte.
    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.map.as_ptr()
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
