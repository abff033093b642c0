//! What the kernel says of a process, of a thread and of the machine.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};

/// The kernel's unit in `/proc/<pid>/stat`: Linux fixes `USER_HZ` at 100 on every architecture Rust supports here.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of a process so far, in user and kernel mode.
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    cpu_time_in(&read(pid, "stat")?)
}

/// The same of a thread, by its directory below `/proc`.
pub(super) fn thread_cpu_time(task: &Path) -> Result<Duration> {
    let file = task.join("stat");
    cpu_time_in(&std::fs::read_to_string(&file).with_context(|| format!("{} is gone", file.display()))?)
}

/// Processor time of the whole machine so far, of all processes and what its host took from it.
pub(super) fn machine_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    // user, nice, system, idle, iowait, irq, softirq, steal (proc(5)).
    let fields = text.lines().next().context("/proc/stat is empty")?.split_ascii_whitespace().skip(1);
    let fields = fields.map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let busy: f64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|index| fields.get(*index)).sum();
    Ok(Duration::from_secs_f64(busy / TICKS_PER_SECOND))
}

fn cpu_time_in(text: &str) -> Result<Duration> {
    // The name before the last parenthesis may hold blanks; utime and stime are fields 14 and 15 of proc(5).
    let fields: Vec<&str> = text.rsplit_once(") ").context("an unknown form of stat")?.1.split(' ').collect();
    let ticks = |index: usize| -> Result<f64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
    Ok(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}

/// Resident memory of a process in bytes: now, and at its highest.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let text = read(pid, "status")?;
    let field = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    };
    Ok(Memory { now: field("VmRSS:")?, peak: field("VmHWM:")? })
}

/// Resident memory in bytes.
pub(super) struct Memory {
    pub(super) now: u64,
    pub(super) peak: u64,
}

fn read(pid: u32, file: &str) -> Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("process {pid} is gone"))
}
