// Stands between a program and the system (LD_PRELOAD), and writes down every change below
// CRASH_DIR, in order and with its data, to CRASH_LOG: what a power loss could leave is computed
// from that by replay.py.
//
// A record: a letter (c created, w written, y written and durable, t truncated, s synced,
// r renamed, u unlinked, d directory made), 3 bytes of nothing, lengths of two paths, 4 bytes of
// nothing, offset, length, length of the data; then the paths and the data.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 65536 };

static pthread_mutex_t order = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int log_fd = -1;
static const char *dir;
static char *paths[FDS_MAX];

static void init(void) {
    static int is_done;
    if (is_done) return;
    is_done = 1;
    const char *path = getenv("CRASH_LOG");
    dir = getenv("CRASH_DIR");
    if (!dir || !path) return;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    log_fd = syscall(SYS_openat, AT_FDCWD, path, flags, 0644);
}

static void lock(void) {
    pthread_mutex_lock(&order);
    init();
}

static void unlock(void) {
    int kept = errno;
    pthread_mutex_unlock(&order);
    errno = kept;
}

static void record(char op, const char *path, const char *to, uint64_t offset, uint64_t length,
                   const void *data) {
    if (log_fd < 0) return;
    struct {
        char op, nothing[3];
        uint32_t path, to, nothing_more;
        uint64_t offset, length, data;
    } head = {op, {0}, strlen(path), to ? strlen(to) : 0, 0, offset, length, data ? length : 0};
    struct iovec parts[] = {
        {&head, sizeof head},
        {(void *)path, head.path},
        {(void *)to, head.to},
        {(void *)data, head.data},
    };
    if (syscall(SYS_writev, log_fd, parts, 4) < 0) abort();
}

static const char *path_of(int fd) { return 0 <= fd && fd < FDS_MAX ? paths[fd] : NULL; }

// Whether the path is below CRASH_DIR; `whole` gets it from the root.
static int is_ours(int at, const char *path, char whole[PATH_MAX]) {
    if (log_fd < 0) return 0;
    whole[0] = 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, whole, PATH_MAX - 2);
        if (length < 0) return 0;
        whole[length] = '/';
        whole[length + 1] = 0;
    }
    strncat(whole, path, PATH_MAX - strlen(whole) - 1);
    return !strncmp(whole, dir, strlen(dir));
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    lock();
    int fd = syscall(SYS_openat, at, path, flags, mode);
    char whole[PATH_MAX];
    if (0 <= fd && fd < FDS_MAX && is_ours(at, path, whole)) {
        free(paths[fd]);
        paths[fd] = strdup(whole);
        if (flags & O_CREAT) record('c', whole, NULL, (flags & O_TRUNC) ? 1 : 0, 0, NULL);
        else if (flags & O_TRUNC) record('t', whole, NULL, 0, 0, NULL);
    }
    unlock();
    return fd;
}

#define MODE                                                                                       \
    mode_t mode = 0;                                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                           \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }

int open(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) {
    MODE return open_at(at, path, flags, mode);
}

int close(int fd) {
    lock();
    if (path_of(fd)) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    int done = syscall(SYS_close, fd);
    unlock();
    return done;
}

static void record_write(int fd, off_t offset, ssize_t length, const void *data) {
    int is_durable = syscall(SYS_fcntl, fd, F_GETFL, 0) & O_DSYNC;
    if (0 < length && path_of(fd)) {
        record(is_durable ? 'y' : 'w', path_of(fd), NULL, offset, length, data);
    }
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    lock();
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, offset);
    record_write(fd, offset, done, data);
    unlock();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    lock();
    off_t offset = 0;
    if (path_of(fd)) {
        int is_at_end = syscall(SYS_fcntl, fd, F_GETFL, 0) & O_APPEND;
        offset = lseek(fd, 0, is_at_end ? SEEK_END : SEEK_CUR);
    }
    ssize_t done = syscall(SYS_write, fd, data, length);
    record_write(fd, offset, done, data);
    unlock();
    return done;
}

int ftruncate64(int fd, off_t length) {
    lock();
    int done = syscall(SYS_ftruncate, fd, length);
    if (!done && path_of(fd)) record('t', path_of(fd), NULL, length, 0, NULL);
    unlock();
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_with(int call, int fd) {
    lock();
    int done = syscall(call, fd);
    if (!done && path_of(fd)) record('s', path_of(fd), NULL, 0, 0, NULL);
    unlock();
    return done;
}

int fsync(int fd) { return sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }

int rename(const char *from, const char *to) {
    lock();
    int done = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    char a[PATH_MAX], b[PATH_MAX];
    if (!done && is_ours(AT_FDCWD, from, a) && is_ours(AT_FDCWD, to, b)) {
        record('r', a, b, 0, 0, NULL);
        for (int fd = 0; fd < FDS_MAX; fd++) {
            if (paths[fd] && !strcmp(paths[fd], a)) {
                free(paths[fd]);
                paths[fd] = strdup(b);
            }
        }
    }
    unlock();
    return done;
}

int unlink(const char *path) {
    lock();
    char whole[PATH_MAX];
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!done && is_ours(AT_FDCWD, path, whole)) record('u', whole, NULL, 0, 0, NULL);
    unlock();
    return done;
}

int mkdir(const char *path, mode_t mode) {
    lock();
    char whole[PATH_MAX];
    int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (!done && is_ours(AT_FDCWD, path, whole)) record('d', whole, NULL, 0, 0, NULL);
    unlock();
    return done;
}
