/* Writes down, in order, what a process does to the files below one directory. Loaded with LD_PRELOAD.

   CONTOSO_RECORD_DIR   the directory
   CONTOSO_RECORD_LOG   the log, outside of it
   CONTOSO_RECORD_FULL  while a file of this name exists, writes below the directory's `data` fail with ENOSPC

   A record is a head of fixed size, then a path and data. Each operation is done and written down under one lock, so
   that the log is the order in which things happened; a flush is written down twice, before and after, and done without
   the lock. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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

enum { OPEN = 1, WRITE, RESIZE, FLUSHING, FLUSHED, RENAME, REMOVE, MAKE_DIRECTORY };
enum { DIRECTORY = 1, TRUNCATED = 2 };

struct head {
    uint8_t kind, flags;
    uint8_t unused[2];
    uint32_t path, data;
    uint32_t unused2;
    uint64_t inode, offset;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_length;
static const char *full;
static int log_fd = -1;
/* Whether a file descriptor is of a file below the directory: 1, and 2 where the disk may be full. */
static char recorded[65536];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
    const char *directory = getenv("CONTOSO_RECORD_DIR"), *log = getenv("CONTOSO_RECORD_LOG");
    full = getenv("CONTOSO_RECORD_FULL");
    if (!directory || !log || !realpath(directory, root)) return;
    root_length = strlen(root);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) {
    return log_fd >= 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* The absolute path of what a call names. */
static int resolve(int dir, const char *path, char *out, size_t size) {
    char base[4096];
    if (path[0] == '/') return snprintf(out, size, "%s", path) < (int)size;
    if (dir == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    return snprintf(out, size, "%s/%s", base, path) < (int)size;
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = syscall(SYS_write, log_fd, at, length);
        if (written <= 0) abort();
        at += written;
        length -= (size_t)written;
    }
}

static void record(int kind, int flags, uint64_t inode, uint64_t offset, const char *path, const void *data, size_t length) {
    struct head head = {.kind = (uint8_t)kind, .flags = (uint8_t)flags, .inode = inode, .offset = offset,
                        .path = path ? (uint32_t)strlen(path) : 0, .data = (uint32_t)length};
    put(&head, sizeof head);
    if (path) put(path, head.path);
    if (length) put(data, length);
}

static int is_recorded(int fd) { return fd >= 0 && fd < (int)sizeof recorded && recorded[fd]; }

static uint64_t inode_of(int fd, int *directory) {
    struct stat stat;
    if (fstat(fd, &stat) != 0) abort();
    if (directory) *directory = S_ISDIR(stat.st_mode);
    return stat.st_ino;
}

/* Whether the path is the directory's `data` or below. */
static int is_data(const char *path) {
    path += root_length;
    return strncmp(path, "/data", 5) == 0 && (path[5] == '/' || !path[5]);
}

static int no_space(int fillable) {
    struct stat stat;
    if (!fillable || !full || !full[0] || syscall(SYS_newfstatat, AT_FDCWD, full, &stat, 0) != 0) return 0;
    errno = ENOSPC;
    return 1;
}

static int open_recorded(int dir, const char *name, int flags, mode_t mode) {
    char path[8192];
    if (log_fd < 0 || !resolve(dir, name, path, sizeof path) || !below(path))
        return (int)syscall(SYS_openat, dir, name, flags, mode);
    if ((flags & O_CREAT) && no_space(is_data(path))) return -1;
    pthread_mutex_lock(&lock);
    int fd = (int)syscall(SYS_openat, dir, name, flags, mode);
    int error = errno, directory = 0;
    if (fd >= 0 && fd < (int)sizeof recorded) {
        uint64_t inode = inode_of(fd, &directory);
        recorded[fd] = is_data(path) ? 2 : 1;
        record(OPEN, (directory ? DIRECTORY : 0) | (flags & O_TRUNC ? TRUNCATED : 0), inode, 0, path, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags, mode)                         \
    mode_t mode = 0;                              \
    if ((flags) & (O_CREAT | O_TMPFILE)) {        \
        va_list arguments;                        \
        va_start(arguments, flags);               \
        mode = va_arg(arguments, mode_t);         \
        va_end(arguments);                        \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode) return open_recorded(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return open_recorded(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_recorded(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_recorded(dir, path, flags, mode); }

int close(int fd) {
    if (is_recorded(fd)) recorded[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

/* What was written ends at `end`, or at the file's position. */
static void written(int fd, const struct iovec *parts, int count, size_t length, int64_t offset) {
    if (offset < 0) offset = syscall(SYS_lseek, fd, 0, SEEK_CUR) - (int64_t)length;
    uint64_t inode = inode_of(fd, NULL);
    for (int part = 0; part < count && length > 0; part++) {
        size_t now = parts[part].iov_len < length ? parts[part].iov_len : length;
        if (now) record(WRITE, 0, inode, (uint64_t)offset, NULL, parts[part].iov_base, now);
        offset += (int64_t)now;
        length -= now;
    }
}

#define RECORDED_WRITE(call, parts, count, offset)                         \
    if (no_space(recorded[fd] == 2)) return -1;                            \
    pthread_mutex_lock(&lock);                                             \
    ssize_t done = (call);                                                 \
    int error = errno;                                                     \
    if (done > 0) written(fd, parts, count, (size_t)done, offset);         \
    pthread_mutex_unlock(&lock);                                           \
    errno = error;                                                         \
    return done;

ssize_t write(int fd, const void *data, size_t length) {
    if (!is_recorded(fd)) return syscall(SYS_write, fd, data, length);
    struct iovec part = {(void *)data, length};
    RECORDED_WRITE(syscall(SYS_write, fd, data, length), &part, 1, -1)
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_recorded(fd)) return syscall(SYS_writev, fd, parts, count);
    RECORDED_WRITE(syscall(SYS_writev, fd, parts, count), parts, count, -1)
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    if (!is_recorded(fd)) return syscall(SYS_pwrite64, fd, data, length, offset);
    struct iovec part = {(void *)data, length};
    RECORDED_WRITE(syscall(SYS_pwrite64, fd, data, length, offset), &part, 1, offset)
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

/* Nobody here copies within the kernel what is to be recorded: callers fall back to reading and writing. */
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    if (is_recorded(out)) { errno = EXDEV; return -1; }
    return syscall(SYS_copy_file_range, in, from, out, to, length, flags);
}
ssize_t sendfile64(int out, int in, off64_t *from, size_t length) {
    if (is_recorded(out)) { errno = EINVAL; return -1; }
    return syscall(SYS_sendfile, out, in, from, length);
}
ssize_t sendfile(int out, int in, off_t *from, size_t length) { return sendfile64(out, in, from, length); }

int ftruncate64(int fd, off64_t size) {
    if (!is_recorded(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    if (no_space(recorded[fd] == 2)) return -1;
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_ftruncate, fd, size), error = errno;
    if (done == 0) record(RESIZE, 0, inode_of(fd, NULL), (uint64_t)size, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int flush(long call, int fd) {
    if (!is_recorded(fd)) return (int)syscall(call, fd);
    int directory = 0;
    uint64_t inode = inode_of(fd, &directory);
    pthread_mutex_lock(&lock);
    record(FLUSHING, directory ? DIRECTORY : 0, inode, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    int done = (int)syscall(call, fd), error = errno;
    if (done == 0) {
        pthread_mutex_lock(&lock);
        record(FLUSHED, directory ? DIRECTORY : 0, inode, 0, NULL, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return done;
}
int fsync(int fd) { return flush(SYS_fsync, fd); }
int fdatasync(int fd) { return flush(SYS_fdatasync, fd); }

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char old[8192], new[8192];
    if (log_fd < 0 || !resolve(from_dir, from, old, sizeof old) || !resolve(to_dir, to, new, sizeof new) || !below(new))
        return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags), error = errno;
    if (done == 0) record(RENAME, 0, 0, 0, old, new, strlen(new));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renameat2(from_dir, from, to_dir, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dir, const char *name, int flags) {
    char path[8192];
    if (log_fd < 0 || !resolve(dir, name, path, sizeof path) || !below(path))
        return (int)syscall(SYS_unlinkat, dir, name, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, dir, name, flags), error = errno;
    if (done == 0) record(REMOVE, 0, 0, 0, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dir, const char *name, mode_t mode) {
    char path[8192];
    if (log_fd < 0 || !resolve(dir, name, path, sizeof path) || !below(path))
        return (int)syscall(SYS_mkdirat, dir, name, mode);
    if (no_space(is_data(path))) return -1;
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_mkdirat, dir, name, mode), error = errno;
    if (done == 0) record(MAKE_DIRECTORY, 0, 0, 0, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
