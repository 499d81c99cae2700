//! CPU time and memory of a process and of all that it started, as Linux counts them; nothing
//! elsewhere.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Linux shows user space a tick of 10 ms on every architecture that runs this bench (`USER_HZ`,
/// proc(5)), whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// What proc(5) `stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of its threads, and of its children that ended and were waited for.
    ticks: u64,
}

/// User and system time of the process and its descendants since they began; `None` where `/proc`
/// is missing or the process is gone.
pub(crate) fn cpu_time(process_id: u32) -> Option<Duration> {
    let processes = processes();
    let ticks: u64 =
        tree(process_id, &processes)?.iter().filter_map(|id| Some(processes.get(id)?.ticks)).sum();
    Some(TICK * u32::try_from(ticks).ok()?)
}

/// Resident memory of the process and its descendants now, in KiB (`VmRSS`). Pages that they share
/// count once for each.
pub(crate) fn resident_kib(process_id: u32) -> Option<u64> {
    sum_of_tree(process_id, "VmRSS:")
}

/// The most memory that each of them ever had resident, summed, in KiB (`VmHWM`).
pub(crate) fn peak_resident_kib(process_id: u32) -> Option<u64> {
    sum_of_tree(process_id, "VmHWM:")
}

fn sum_of_tree(process_id: u32, field: &str) -> Option<u64> {
    let tree = tree(process_id, &processes())?;
    Some(tree.iter().filter_map(|id| status_kib(*id, field)).sum())
}

fn status_kib(process_id: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// The process and its descendants, or `None` when it is gone.
fn tree(root: u32, processes: &HashMap<u32, Stat>) -> Option<Vec<u32>> {
    processes.get(&root)?;
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        tree.extend(processes.iter().filter(|(_, stat)| stat.parent == parent).map(|(id, _)| id));
        next += 1;
    }
    Some(tree)
}

fn processes() -> HashMap<u32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    entries
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            Some((id, parse_stat(&stat)?))
        })
        .collect()
}

/// Fields 4 (ppid) and 14 to 17 (utime, stime, cutime, cstime). The command's name, field 2, may
/// contain blanks and brackets, so fields are counted from its last bracket.
fn parse_stat(stat: &str) -> Option<Stat> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times: Vec<u64> =
        fields.get(11..15)?.iter().map(|field| field.parse().ok()).collect::<Option<_>>()?;
    Some(Stat { parent, ticks: times.iter().sum() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a ) b) S 7 42 42 0 -1 4194560 100 0 0 0 70 30 5 1 20 0 3 0 12345 1000 200";
        assert_eq!(parse_stat(stat), Some(Stat { parent: 7, ticks: 106 }));
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn a_tree_holds_grandchildren_and_no_strangers() {
        let of = |parent| Stat { parent, ticks: 1 };
        let processes =
            HashMap::from([(1, of(0)), (10, of(1)), (11, of(10)), (12, of(11)), (20, of(1))]);
        let mut members = tree(10, &processes).unwrap();
        members.sort_unstable();
        assert_eq!(members, [10, 11, 12]);
        assert_eq!(tree(99, &processes), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_and_a_process_that_never_was_has_none() {
        let id = std::process::id();
        assert!(resident_kib(id).unwrap() > 0);
        assert!(peak_resident_kib(id).unwrap() > 0);
        assert!(cpu_time(id).is_some());
        assert_eq!(cpu_time(u32::MAX), None);
        assert_eq!(resident_kib(u32::MAX), None);
    }
}
