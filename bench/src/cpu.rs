//! What processes took of the machine's processors.

use anyhow::Context;

/// The kernel tells times of processes in these, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time that a process has used, its threads included.
pub(crate) fn of(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th after it.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).collect::<Result<Vec<_>, _>>().with_context(|| path.clone())?;
    anyhow::ensure!(ticks.len() == 2, "{path} has no times");
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
}

/// Seconds of processor time of the whole machine: busy, and idle or waiting for a disk.
pub(crate) fn of_machine() -> anyhow::Result<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let first = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; what follows is contained in these.
    let times = first.split_whitespace().skip(1).take(8).map(str::parse::<u64>);
    let times = times.collect::<Result<Vec<_>, _>>().context("/proc/stat")?;
    let [user, nice, system, idle, waiting, interrupts @ ..] = times.as_slice() else {
        anyhow::bail!("/proc/stat has no times");
    };
    let busy = user + nice + system + interrupts.iter().sum::<u64>();
    Ok((busy as f64 / TICKS_PER_SECOND, (idle + waiting) as f64 / TICKS_PER_SECOND))
}

/// The load of the last minute, five and fifteen, as `uptime` has it.
pub(crate) fn load() -> anyhow::Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(", "))
}
