#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "asks the system to reserve space for a file")
)]
//! Space for a file, reserved before it is needed.
//!
//! A store into a mapped page that the disk has no room for is a SIGBUS, not an error. So the room is asked for first.

use std::fs::File;
use std::io;

/// Makes the empty `file` have `len` zero bytes, and the disk have room for them.
#[cfg(target_os = "linux")]
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    if len == 0 {
        return Ok(());
    }
    let len_off =
        libc::off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    // Past the limit the system would not only refuse, but send SIGXFSZ, which ends the process.
    if file_size_limit()?.is_some_and(|limit| len > limit) {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    loop {
        // SAFETY: a call without pointers; the descriptor is open as long as `file`.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len_off) } {
            0 => return Ok(()),
            libc::EINTR => {}
            // A file system that cannot reserve: the length alone, and the risk stays.
            libc::EOPNOTSUPP | libc::ENOSYS => return file.set_len(len),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

#[cfg(target_os = "linux")]
fn file_size_limit() -> io::Result<Option<u64>> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the answer.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur))
}

/// Makes the empty `file` have `len` zero bytes. The room is not reserved: there is no portable way.
#[cfg(not(target_os = "linux"))]
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)
}
