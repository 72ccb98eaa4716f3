//! What the operating system has charged the server so far.

use std::{fs, io, time::Duration};

/// Time on a processor, in user and kernel, of all threads that live.
///
/// From `schedstat`, which counts nanoseconds; `stat` counts hundredths of a second. No server here
/// ends threads while it works.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let mut spent = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanos = schedstat.split_whitespace().next().and_then(|it| it.parse().ok());
        let nanos = nanos.ok_or_else(|| io::Error::other("this kernel keeps no schedstat"))?;
        spent += Duration::from_nanos(nanos);
    }
    Ok(spent)
}

/// Resident memory in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.trim().strip_suffix(" kB")).and_then(|it| it.parse().ok());
    let kib: u64 = kib.ok_or_else(|| io::Error::other("no VmRSS in /proc"))?;
    Ok(kib * 1024)
}
