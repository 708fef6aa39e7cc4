#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "handles the signal of a file truncated under its map"
    )
)]
//! A file truncated under its map becomes an error instead of the end of the process.
//!
//! An access to a mapped page that the file no longer has raises SIGBUS. While a [`TruncationGuard`] watches the map, a handler puts a page of zeros there,
//! counts, and lets the access go on; who reads the count discards the result.

use crate::error::DataError;
use crate::mmap::Mmap;

/// Watches maps while they are accessed: a truncation by another process is then found by [`check`](TruncationGuard::check), and does not end this one.
///
/// The first guard of a process installs a handler of SIGBUS; faults elsewhere go to the handler that was there before. Where there is no such signal, and for more than
/// 256 maps at a time, a guard only looks at the files' lengths.
///
/// ```
/// use numloom_data::{MapMode, Mmap, TruncationGuard};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.bin");
/// std::fs::write(&path, [1; 10_000]).unwrap();
/// let map = Mmap::open(&path, MapMode::Read, 0, None)?;
/// let guard = TruncationGuard::watch([&map]);
/// guard.check()?;
/// std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(5).unwrap();
/// assert!(guard.check().unwrap_err().to_string().contains("a.bin"));
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct TruncationGuard<'a> {
    maps: Vec<(&'a Mmap, Option<Watched>)>,
}

impl<'a> TruncationGuard<'a> {
    /// Watches `maps` until it is dropped.
    #[must_use]
    pub fn watch(maps: impl IntoIterator<Item = &'a Mmap>) -> TruncationGuard<'a> {
        let maps = maps.into_iter().map(|map| (map, Watched::new(map)));
        TruncationGuard {
            maps: maps.collect(),
        }
    }

    /// Checks that no page was missing so far, and that every file still has all mapped bytes.
    ///
    /// # Errors
    /// [`Truncated`](crate::DataErrorKind::Truncated), [`Io`](crate::DataErrorKind::Io).
    pub fn check(&self) -> Result<(), DataError> {
        for (map, watched) in &self.maps {
            map.check_len()?;
            if watched.as_ref().is_some_and(Watched::was_hit) {
                // It has grown again since.
                let needed = map.offset() + map.len() as u64;
                return Err(crate::mmap::truncated(map.path(), needed, map.offset()));
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
use signal::Watched;

#[cfg(unix)]
mod signal {
    use std::mem::MaybeUninit;
    use std::ptr::null_mut;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::mmap::Mmap;

    /// A range of addresses that the handler may patch, and how often it did. A free one has `end` 0, one that is being taken has `end` 1.
    struct Slot {
        start: AtomicUsize,
        end: AtomicUsize,
        hits: AtomicUsize,
    }

    const FREE: usize = 0;
    const TAKEN: usize = 1;

    static SLOTS: [Slot; 256] = [const {
        Slot {
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(FREE),
            hits: AtomicUsize::new(0),
        }
    }; 256];

    /// The handler that was there before, and the size of a page; none if ours could not be installed.
    static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();

    struct Installed {
        before: libc::sigaction,
        page: usize,
    }

    /// A map in the table.
    #[derive(Debug)]
    pub(super) struct Watched(usize);

    impl Watched {
        pub(super) fn new(map: &Mmap) -> Option<Watched> {
            if map.is_empty() {
                return None;
            }
            INSTALLED.get_or_init(install).as_ref()?;
            let taken = |slot: &Slot| {
                let (free, taken) = (Ordering::Acquire, Ordering::Relaxed);
                slot.end.compare_exchange(FREE, TAKEN, free, taken).is_ok()
            };
            let i = SLOTS.iter().position(taken)?;
            let start = map.as_ptr().addr();
            SLOTS[i].start.store(start, Ordering::Relaxed);
            SLOTS[i].hits.store(0, Ordering::Relaxed);
            SLOTS[i].end.store(start + map.len(), Ordering::Release);
            Some(Watched(i))
        }

        pub(super) fn was_hit(&self) -> bool {
            SLOTS[self.0].hits.load(Ordering::Acquire) > 0
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            SLOTS[self.0].end.store(FREE, Ordering::Release);
        }
    }

    fn install() -> Option<Installed> {
        // SAFETY: a call without pointers.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all fields of a `sigaction` may be zero: no flags, an empty mask, the default action.
        let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        action.sa_sigaction = on_sigbus as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both point to a `sigaction`; the handler has the signature that SA_SIGINFO asks for, and `on_sigbus` does only what a handler may.
        if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, before.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: it was zeroed, and filled by the call.
        let before = unsafe { before.assume_init() };
        Some(Installed { before, page })
    }

    /// Puts a page of zeros where a watched map has none any more; other faults go to the handler that was there before.
    ///
    /// # Safety
    /// 1. The system calls it, for SIGBUS, with SA_SIGINFO: `info` is valid.
    unsafe extern "C" fn on_sigbus(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // The signal may come before `install` has returned; then the access faults again, and by then it has.
        let Some(Some(installed)) = INSTALLED.get() else {
            return;
        };
        // SAFETY: by (1); the address is there for SIGBUS.
        let address = unsafe { (*info).si_addr() }.addr();
        for slot in &SLOTS {
            let end = slot.end.load(Ordering::Acquire);
            let start = slot.start.load(Ordering::Relaxed) & !(installed.page - 1);
            if end <= TAKEN || !(start..end.next_multiple_of(installed.page)).contains(&address) {
                continue;
            }
            let page = address & !(installed.page - 1);
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let at = std::ptr::without_provenance_mut(page);
            // SAFETY: the page belongs to a live map, for who watches it borrows it; what it held is gone with the file's end. It is unmapped with the rest of the map.
            // The call is a plain system call, which a handler may make.
            let placed = unsafe { libc::mmap(at, installed.page, access, kind, -1, 0) };
            if placed == at {
                slot.hits.fetch_add(1, Ordering::Release);
                return;
            }
        }
        // Not ours: the access faults again, for the handler that was there before.
        // SAFETY: `before` is a `sigaction` that the system gave; the call is one that a handler may make.
        unsafe { libc::sigaction(signal, &raw const installed.before, null_mut()) };
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Watched;

#[cfg(not(unix))]
impl Watched {
    fn new(_: &Mmap) -> Option<Watched> {
        None
    }

    fn was_hit(&self) -> bool {
        false
    }
}
