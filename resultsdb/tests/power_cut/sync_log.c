/*
 * Notes what a process has on disk for certain, for tests of power cuts. Preloaded with SYNC_LOG=<path>, it adds a line to
 * that file for each successful sync of a file or directory: device, inode, time of birth in nanoseconds, then size in
 * bytes and time of modification in nanoseconds as they were before the call. What is written later changes the last two.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static int journal = -1;
static sync_call next_fsync, next_fdatasync;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("SYNC_LOG");
    journal = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    next_fsync = (sync_call)dlsym(RTLD_NEXT, "fsync");
    next_fdatasync = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    if (journal < 0 || !next_fsync || !next_fdatasync) abort();
}

static long long nanoseconds(struct statx_timestamp time) { return (long long)time.tv_sec * 1000000000 + time.tv_nsec; }

static int noted(int file, sync_call next) {
    struct statx before;
    char line[160];
    int known = statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &before) == 0;
    int result = next(file);
    if (result != 0 || !known) return result;
    long long born = before.stx_mask & STATX_BTIME ? nanoseconds(before.stx_btime) : 0;
    unsigned long long device = makedev(before.stx_dev_major, before.stx_dev_minor);
    int length = snprintf(line, sizeof line, "%llu %llu %lld %llu %lld\n", device, (unsigned long long)before.stx_ino, born,
                          (unsigned long long)before.stx_size, nanoseconds(before.stx_mtime));
    /* One call with O_APPEND keeps the lines of several threads apart. */
    if (write(journal, line, (size_t)length) != length) abort();
    return result;
}

int fsync(int file) { return noted(file, next_fsync); }

int fdatasync(int file) { return noted(file, next_fdatasync); }
