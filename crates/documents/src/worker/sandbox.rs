//! What a process gives up before it reads a stranger's file. All of it is asked of the kernel by the
//! process itself, as an ordinary user, and none of it can be taken back.

use std::io;

use crate::Limits;

/// How far this system lets a process be confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// No files, no network, no processes; memory and time bounded.
    Full,
    /// Memory and time bounded as far as the system does it. Only the parent's clock is certain.
    LimitsOnly,
}

/// Confines this process. It can still read standard input, write standard output and standard
/// error, and compute.
pub fn confine(limits: &Limits) -> io::Result<Confinement> {
    #[cfg(unix)]
    resources::bound(limits)?;
    #[cfg(target_os = "linux")]
    return system_calls::refuse().map(|()| Confinement::Full);
    #[cfg(not(target_os = "linux"))]
    Ok(Confinement::LimitsOnly)
}

#[cfg(unix)]
mod resources {
    use std::io;

    use rustix::process::{Resource, Rlimit, setrlimit};

    use crate::Limits;

    /// Of the memory that a process may have, what its own program and stack need.
    #[cfg(target_os = "linux")]
    const OWN_BYTES: u64 = 24 << 20;

    pub(super) fn bound(limits: &Limits) -> io::Result<()> {
        // Asked while files can still be opened.
        let memory = address_space(limits.memory_bytes);
        if let Some(memory) = memory {
            set(Resource::As, memory, memory)?;
        }
        let seconds = u64::from(limits.seconds);
        set(Resource::Cpu, seconds, seconds + 1)?;
        set(Resource::Core, 0, 0)?;
        set(Resource::Fsize, 0, 0)?;
        set(Resource::Nproc, 0, 0)?;
        set(Resource::Nofile, 3, 3)
    }

    fn set(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
        Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
    }

    /// The limit counts addresses, of which the program and its allocator hold many that they never
    /// touched; so what may be added is what the resident memory leaves.
    #[cfg(target_os = "linux")]
    fn address_space(memory_bytes: u64) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
        };
        Some(bytes("VmSize:")? + memory_bytes.saturating_sub(bytes("VmRSS:")? + OWN_BYTES))
    }

    /// Other systems do not keep to it, or refuse to be told.
    #[cfg(not(target_os = "linux"))]
    fn address_space(_: u64) -> Option<u64> {
        None
    }
}

#[cfg(target_os = "linux")]
mod system_calls {
    use std::{collections::BTreeMap, io};

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    /// Without conditions: what computing, allocating and ending need.
    const ALWAYS: &[libc::c_long] = &[
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_getrusage,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    /// Installs a filter that allows what is listed here and answers all else with "not permitted";
    /// it also keeps the process from ever gaining privileges.
    pub(super) fn refuse() -> io::Result<()> {
        let filter = filter().map_err(io::Error::other)?;
        seccompiler::apply_filter_all_threads(&filter).map_err(io::Error::other)
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        let own = u64::from(std::process::id());
        let not_executable = SeccompCmpOp::MaskedEq(u64::from(libc::PROT_EXEC.unsigned_abs()));
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_read, vec![rule(0, SeccompCmpOp::Eq, 0)?]);
        for call in [libc::SYS_write, libc::SYS_writev] {
            rules.insert(call, vec![rule(0, SeccompCmpOp::Eq, 1)?, rule(0, SeccompCmpOp::Eq, 2)?]);
        }
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            rules.insert(call, vec![rule(2, not_executable.clone(), 0)?]);
        }
        // How a program aborts; no other process can be meant.
        rules.insert(libc::SYS_tgkill, vec![rule(0, SeccompCmpOp::Eq, own)?]);
        let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?.try_into()
    }

    fn rule(
        argument: u8,
        compare: SeccompCmpOp,
        value: u64,
    ) -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            compare,
            value,
        )?])
    }
}
