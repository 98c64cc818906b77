//! Files that others on the machine must not read.

/// Makes what this process writes its owner's alone: digests of keys and everything that was ever uploaded lie there.
pub(crate) fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}
