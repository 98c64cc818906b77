//! How the process gives memory back.

/// Blocks of uploads and batches are large and short-lived. Left to itself, glibc keeps such blocks in heaps, a heap for
/// every few threads, and raises its threshold for blocks of their own with every one that is freed: set, it stays, and
/// what is freed goes back to the system.
#[cfg(target_env = "gnu")]
pub(crate) fn give_back() {
    const LARGE_BYTES: libc::c_int = 1 << 20;
    const HEAPS: libc::c_int = 2;
    for (parameter, value) in
        [(libc::M_ARENA_MAX, HEAPS), (libc::M_MMAP_THRESHOLD, LARGE_BYTES), (libc::M_TRIM_THRESHOLD, LARGE_BYTES)]
    {
        // SAFETY: called before there are other threads, with parameters of glibc's own header. What it does not take, it
        // leaves as it was.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
