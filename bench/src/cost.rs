//! What the operating system has charged the server so far.

use std::{fs, io, time::Duration};

/// `USER_HZ`, which is 100 on every Linux that is built today.
const TICKS_PER_SECOND: u64 = 100;

/// Time on a processor, in user and kernel, of all threads that live or have lived.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses, with anything inside.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_whitespace().skip(11).map(|it| it.parse::<u64>().unwrap_or(0));
    let ticks = fields.next().unwrap_or(0) + fields.next().unwrap_or(0);
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Resident memory in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.trim().strip_suffix(" kB")).and_then(|it| it.parse().ok());
    let kib: u64 = kib.ok_or_else(|| io::Error::other("no VmRSS in /proc"))?;
    Ok(kib * 1024)
}
