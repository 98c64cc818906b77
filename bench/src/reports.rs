//! A large report, read by the command that people run in their pipelines: how fast, and in how much memory.

use std::fs::File;
use std::io::{BufWriter, Write, copy, sink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::MIB;
use crate::process::Process;
use crate::report::Report;
use crate::server::memory_of;

/// Of the command, MiB, however large the report is.
const FLOOR: f64 = 64.0;
/// How often the command's memory is looked at. What the system tells is the highest so far.
const SAMPLE: Duration = Duration::from_millis(10);
/// Tests of one class in the report.
const CLASS: u64 = 100;
/// One in so many tests fails.
const FAILS: u64 = 20;

/// Writes a JUnit report and has the command read it, and write the document of an upload of it.
pub(crate) fn measure(client: &Path, megabytes: u64, report: &mut Report) -> anyhow::Result<()> {
    let client = client.canonicalize().with_context(|| format!("{}: `make cli` builds it", client.display()))?;
    let folder = tempfile::tempdir().context("a folder")?;
    let file = folder.path().join("report.xml");
    let tests = write(&file, megabytes * 1_000_000).context("the report cannot be written")?;
    let size = std::fs::metadata(&file)?.len() as f64 / 1e6;
    report.tell("size of the report", format!("{size:.0} MB, {tests} tests"));
    let of_run = "--suite bench --commit 1 --commit-time 1 --repository bench --branch main";
    for (what, options) in [("read", ""), ("upload --dry-run", of_run)] {
        let mut command = Command::new(&client);
        command.args(what.split(' ')).args(options.split_whitespace()).arg(&file).current_dir(folder.path());
        let run = run(&mut command).with_context(|| format!("{what} of {}", file.display()))?;
        ensure!(run.printed > 0, "{what} printed nothing");
        let seconds = run.took.as_secs_f64();
        report.tell(&format!("{what}: time"), format!("{seconds:.2} s, {:.0} MB/s", size / seconds));
        report.below(&format!("{what}: peak memory"), run.peak as f64 / MIB, FLOOR, "MiB");
    }
    Ok(())
}

struct Run {
    took: Duration,
    /// Bytes that the command printed.
    printed: u64,
    /// The most memory that it had, bytes.
    peak: u64,
}

fn run(command: &mut Command) -> anyhow::Result<Run> {
    let begun = Instant::now();
    let mut process = Process::start(command.stdout(Stdio::piped()))?;
    let mut out = process.output().context("the command's output")?;
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let printed = copy(&mut out, &mut sink());
        // Nobody waits for this any more where the measure has failed.
        let _ = sender.send(printed);
    });
    let mut peak = 0;
    let printed = loop {
        // Nothing can be told of a process that has just ended.
        peak = memory_of(process.id()).map_or(peak, |(_, highest)| highest.max(peak));
        match ended.recv_timeout(SAMPLE) {
            Ok(printed) => break printed?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the command's output cannot be read"),
        }
    };
    let status = process.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(Run { took: begun.elapsed(), printed, peak })
}

/// Writes a report of so many bytes; how many tests it has.
fn write(path: &Path, bytes: u64) -> anyhow::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let trace = "  at org.example.widget.Something.happens(Something.java:17)\n".repeat(12);
    let (mut written, mut number) = (0, 0);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>")?;
    while written < bytes {
        let (class, millis) = (number / CLASS, number % 977);
        let mut piece = String::new();
        if number % CLASS == 0 {
            piece += if number == 0 { "" } else { "</testsuite>\n" };
            piece += &format!("<testsuite name=\"org.example.Class{class}Test\" timestamp=\"2026-11-27T06:49:13\">\n");
        }
        piece += &format!(
            "<testcase name=\"testThing{number}\" classname=\"org.example.Class{class}Test\" time=\"{}.{millis:03}\"",
            number % 3
        );
        if number % FAILS == 0 {
            piece += &format!(
                "><failure message=\"expected {number}\" type=\"AssertionError\">{trace}</failure></testcase>\n"
            );
        } else {
            piece += &format!("><system-out><![CDATA[{}]]></system-out></testcase>\n", &trace[..trace.len() / 2]);
        }
        out.write_all(piece.as_bytes())?;
        written += piece.len() as u64;
        number += 1;
    }
    writeln!(out, "</testsuite></testsuites>")?;
    out.flush()?;
    Ok(number)
}
