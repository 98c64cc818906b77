//! Ends a command with all that it started: a shell or a runner that is ended alone leaves its tests running.

use std::io;
use std::process::Child;

/// Ends a process and its descendants, as far as the machine tells of them.
///
/// # Errors
/// The process itself cannot be ended.
pub(super) fn with_descendants(child: &mut Child) -> io::Result<()> {
    // Who stands still starts nothing more.
    signals::stop(child.id());
    let mut found = descendants(child.id());
    loop {
        found.iter().copied().for_each(signals::stop);
        let now = descendants(child.id());
        if now == found {
            break;
        }
        found = now;
    }
    child.kill()?;
    found.into_iter().for_each(signals::end);
    Ok(())
}

/// Those that a process started and those that they started, by their ids.
fn descendants(of: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = parents.iter().filter(|(child, of)| *of == parent && !found.contains(child));
        let children: Vec<u32> = children.map(|(child, _)| *child).collect();
        found.extend(children);
        next += 1;
    }
    let mut found = found.split_off(1);
    found.sort_unstable();
    found
}

/// What is told to processes. One that has ended meanwhile need not hear of it.
#[cfg(unix)]
mod signals {
    use rustix::process::{Pid, Signal, kill_process};

    pub(super) fn stop(process: u32) {
        tell(process, Signal::STOP);
    }

    pub(super) fn end(process: u32) {
        tell(process, Signal::KILL);
    }

    fn tell(process: u32, signal: Signal) {
        let id = i32::try_from(process).ok().and_then(Pid::from_raw);
        let _ = id.map(|id| kill_process(id, signal));
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn stop(_: u32) {}

    pub(super) fn end(_: u32) {}
}

/// The processes of the machine, each with the one that started it; none where it does not say.
#[cfg(target_os = "linux")]
fn parents() -> Vec<(u32, u32)> {
    let of = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        // The name of a program may have spaces and brackets itself: what follows is its state and its parent.
        let stat = String::from_utf8_lossy(&stat);
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((id, parent))
    };
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(of).collect()
}

/// The processes of the machine, each with the one that started it; none where it does not say.
#[cfg(all(unix, not(target_os = "linux")))]
fn parents() -> Vec<(u32, u32)> {
    let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let pair = |line: &str| {
        let (id, parent) = line.trim().split_once(char::is_whitespace)?;
        Some((id.parse().ok()?, parent.trim().parse().ok()?))
    };
    String::from_utf8_lossy(&listed).lines().filter_map(pair).collect()
}

#[cfg(not(unix))]
fn parents() -> Vec<(u32, u32)> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_command_started_ends_with_it() {
        let script = "sh -c 'sleep 600 & echo; wait' & wait";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut String::new()).unwrap();
        let started = descendants(child.id());
        assert!(started.len() == 2 && !started.contains(&std::process::id()), "{started:?}");
        with_descendants(&mut child).unwrap();
        assert!(!child.wait().unwrap().success());
        // Nobody is left who could write.
        assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}
