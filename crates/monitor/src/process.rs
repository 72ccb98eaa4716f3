//! The process as the operating system sees it (R98). All zero where there is no `/proc`.

use std::fs;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) open_fds: u64,
    pub(crate) max_fds: u64,
}

impl Process {
    pub(crate) fn read() -> Self {
        let text =
            |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        Self {
            cpu_seconds: cpu_seconds(&text("stat")).unwrap_or_default(),
            resident_bytes: resident_bytes(&text("status")).unwrap_or_default(),
            open_fds: fs::read_dir("/proc/self/fd").map_or(0, |it| it.count() as u64),
            max_fds: max_fds(&text("limits")).unwrap_or_default(),
        }
    }
}

/// The command's name stands in parentheses and may itself hold some, so fields count from the
/// last.
fn cpu_seconds(stat: &str) -> Option<f64> {
    /// Linux tells user space time in hundredths of a second, whatever its own tick (USER_HZ).
    const TICKS_PER_SECOND: f64 = 100.0;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn max_fds(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_hostile_command_name() {
        let stat = "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("VmPeak: 9 kB\nVmRSS:\t  2048 kB\n"), Some(2_097_152));
        assert_eq!(max_fds("Max open files  1024  4096  files\n"), Some(1024));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory_and_files() {
        let process = Process::read();
        assert!(100_000 < process.resident_bytes && 0 < process.open_fds);
        assert!(process.open_fds <= process.max_fds);
    }
}
