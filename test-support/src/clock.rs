//! The machine's clock, and others for single processes.

use std::path::Path;
use std::process::Command;

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// Now, in seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// The library that shows a process another clock, where Debian's package puts it.
const FAKE_TIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Gives a command that is about to start another clock, which the variables of `libfaketime` then set. Waiting goes by
/// the machine's monotonic clock all the same.
pub fn fake(command: &mut Command) {
    assert!(Path::new(FAKE_TIME).exists(), "scripts/fetch.sh tests installs libfaketime");
    command.env("LD_PRELOAD", FAKE_TIME).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
