// Stands between a program and the system (LD_PRELOAD), and lets calls that write below FAIL_DIR
// fail: FAIL_COUNT of them from the FAIL_AT-th on; or, from the FULL_AT-th on, all of them for as
// long as the file FAIL_DIR/full is there, which this makes once. FAIL_WITH is ENOSPC, EIO, or
// `short`: half of it is written, then ENOSPC.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    const char *dir = getenv("FAIL_DIR");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!dir || length < 0) return 0;
    path[length] = 0;
    return !strncmp(path, dir, strlen(dir)) && strstr(path, "tidegate.db") && !strstr(path, "-shm");
}

static int is_full(long call) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/full", getenv("FAIL_DIR"));
    if (call == number("FULL_AT")) close(open(path, O_CREAT | O_WRONLY, 0644));
    return access(path, F_OK) == 0;
}

// Whether this call fails, with errno as it should be.
static int fails(int fd) {
    if (!is_ours(fd)) return 0;
    long call = atomic_fetch_add(&calls, 1) + 1, at = number("FAIL_AT");
    int is_in_turn = at && at <= call && call < at + number("FAIL_COUNT");
    if (!is_in_turn && !(number("FULL_AT") && is_full(call))) return 0;
    errno = strcmp(getenv("FAIL_WITH"), "EIO") ? ENOSPC : EIO;
    return 1;
}

static int is_short(void) { return !strcmp(getenv("FAIL_WITH"), "short"); }

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    if (fails(fd)) {
        if (is_short()) syscall(SYS_pwrite64, fd, data, length / 2, offset);
        errno = is_short() ? ENOSPC : errno;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    return fails(fd) ? -1 : syscall(SYS_write, fd, data, length);
}

int fsync(int fd) { return fails(fd) ? -1 : syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails(fd) ? -1 : syscall(SYS_fdatasync, fd); }

int ftruncate64(int fd, off_t length) {
    return fails(fd) ? -1 : syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
