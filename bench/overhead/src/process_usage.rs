//! CPU time and memory of a process as Linux counts them; nothing elsewhere.

use std::fs;
use std::time::Duration;

/// Linux shows user space a tick of 10 ms on every architecture that runs this bench (`USER_HZ`,
/// proc(5)), whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads since the process began; `None` where `/proc` is missing or
/// the process is gone.
pub(crate) fn cpu_time(process_id: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    let ticks = cpu_ticks(&stat)?;
    Some(TICK * u32::try_from(ticks).ok()?)
}

/// Fields 14 and 15 (utime, stime) of proc(5) `stat`. The command's name, field 2, may contain
/// blanks and brackets, so fields are counted from its last bracket.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

/// The most memory the process ever had resident, in KiB (`VmHWM`).
pub(crate) fn peak_resident_kib(process_id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 100 0 0 0 70 30 0 0 20 0 3 0 12345 1000 200";
        assert_eq!(cpu_ticks(stat), Some(100));
        assert_eq!(cpu_ticks("garbage"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_and_a_process_that_never_was_has_none() {
        assert!(peak_resident_kib(std::process::id()).unwrap() > 0);
        assert!(cpu_time(std::process::id()).is_some());
        assert_eq!(cpu_time(u32::MAX), None);
    }
}
