/* Faults at the file layer: a library that LD_PRELOAD puts between the broker and libc.
 *
 * The broker is the one that users run. What it asks of files below FAULTS_ROOT (and of accept) passes through here and is
 * compared with rules, which a test arms and disarms while the broker runs. A rule kills the process at the n-th operation,
 * makes it fail, makes it wait, or writes down what was done, so that a power loss can be put together from it later.
 *
 * FAULTS_FOLDER holds what is shared with the test:
 *   control  the rules, mapped here; the test changes them with plain writes, which Linux shows in the mapping at once
 *   events   a datagram socket of the test; each firing sends the token of its rule, in digits
 *   gate-N   held locked (flock) by the test while rule N is to stall; who is to wait takes the lock too
 *   log      what rules of the kind RECORD wrote down, see struct entry
 *
 * Linux with glibc only. Paths are compared as the broker wrote them, made absolute; no links are followed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { RULES = 16, FILES = 65536 };
/* Operations: bits of a rule's `operations`; the same numbers stand in mod.rs. */
enum { OPEN = 1, WRITE = 2, SYNC = 4, TRUNCATE = 8, UNLINK = 16, RENAME = 32, ACCEPT = 64, LINK = 128, MKDIR = 256 };
enum { KILL_BEFORE = 1, KILL_AFTER, KILL_TORN, FAIL, FAIL_SHORT, STALL, RECORD };

/* One rule, 256 bytes. The test writes all but `seen` and `fired`, `armed` last. */
struct rule {
    _Atomic uint32_t armed;
    uint32_t operations;
    uint32_t action;
    uint32_t error;         /* errno of FAIL and FAIL_SHORT */
    uint64_t skip;          /* so many matching operations pass before it fires */
    uint64_t times;         /* how often it fires; 0: until it is disarmed */
    _Atomic uint64_t seen;  /* matching operations so far */
    _Atomic uint64_t fired; /* of which it fired at so many */
    uint64_t token;         /* by which the test knows it */
    char suffix[200];       /* how the path ends; empty: any path */
};

/* What RECORD writes: this head, then the path, then the data. All numbers in the machine's own order. */
enum { LOG_CREATE = 1, LOG_WRITE, LOG_TRUNCATE, LOG_SYNC, LOG_UNLINK, LOG_RENAME, LOG_LINK, LOG_MKDIR };
struct entry {
    uint32_t kind;
    uint32_t path_bytes;
    uint64_t inode;  /* CREATE, WRITE, TRUNCATE, SYNC, MKDIR */
    uint64_t offset; /* WRITE: where; TRUNCATE: the new length */
    uint64_t data_bytes; /* WRITE: the bytes; RENAME, LINK: the new path */
};

static struct rule *rules;
static char folder[PATH_MAX], root[PATH_MAX];
static int events = -1, log_file = -1;
/* What is recorded is done and written down by one thread at a time, so that the log has the order of the deeds. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
/* The path of each open file that is watched. Paths are not freed: another thread may be comparing one. */
static _Atomic(char *) paths[FILES];
static uint64_t inodes[FILES];

/* Only those that are called: a lookup whose result is not kept would be a tail call, and RTLD_NEXT asks who has called. */
#define REAL(result, name, ...)                                  \
    static result (*real_##name)(__VA_ARGS__);                   \
    __attribute__((constructor(101))) static void find_##name(void) { real_##name = dlsym(RTLD_NEXT, #name); }

REAL(int, open, const char *, int, ...)
REAL(int, openat, int, const char *, int, ...)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, ftruncate, int, off_t)
REAL(int, unlinkat, int, const char *, int)
REAL(int, rename, const char *, const char *)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, mkdir, const char *, mode_t)
REAL(int, close, int)
REAL(int, dup2, int, int)
REAL(int, accept4, int, struct sockaddr *, socklen_t *, int)

static void give_up(const char *why) {
    fprintf(stderr, "faults: %s: %s\n", why, strerror(errno));
    _exit(70);
}

__attribute__((constructor(102))) static void begin(void) {
    const char *own = getenv("FAULTS_FOLDER"), *watched = getenv("FAULTS_ROOT");
    if (!own || !watched) {
        errno = EINVAL;
        give_up("FAULTS_FOLDER and FAULTS_ROOT must be set");
    }
    snprintf(folder, sizeof folder, "%s", own);
    snprintf(root, sizeof root, "%s", watched);
    char file[PATH_MAX + 16];
    snprintf(file, sizeof file, "%s/control", folder);
    int control = real_open(file, O_RDWR | O_CLOEXEC);
    if (control < 0) give_up(file);
    rules = mmap(NULL, RULES * sizeof *rules, PROT_READ | PROT_WRITE, MAP_SHARED, control, 0);
    if (rules == MAP_FAILED) give_up("control cannot be mapped");
    real_close(control);
    snprintf(file, sizeof file, "%s/log", folder);
    log_file = real_open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log_file < 0) give_up(file);
    struct sockaddr_un test = {.sun_family = AF_UNIX};
    if (strlen(folder) + sizeof "/events" > sizeof test.sun_path) {
        errno = ENAMETOOLONG;
        give_up(folder);
    }
    strcat(strcpy(test.sun_path, folder), "/events");
    events = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (events < 0 || connect(events, (struct sockaddr *)&test, sizeof test) < 0) give_up(test.sun_path);
}

/* ---- paths ---- */

/* The absolute path if it is one that is watched. */
static const char *watched(int directory, const char *path, char *buffer) {
    if (!rules) return NULL;
    if (path[0] == '/') {
        snprintf(buffer, PATH_MAX, "%s", path);
    } else {
        if (directory != AT_FDCWD || !getcwd(buffer, PATH_MAX)) return NULL;
        size_t length = strlen(buffer);
        snprintf(buffer + length, PATH_MAX - length, "/%s", path);
    }
    return strncmp(buffer, root, strlen(root)) == 0 ? buffer : NULL;
}

static const char *path_of(int fd) { return fd >= 0 && fd < FILES ? atomic_load(&paths[fd]) : NULL; }

static void remember(int fd, const char *path) {
    struct stat found;
    if (fd < 0 || fd >= FILES || fstat(fd, &found) != 0) return;
    inodes[fd] = found.st_ino;
    atomic_store(&paths[fd], strdup(path));
}

static uint64_t inode_at(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 ? found.st_ino : 0;
}

/* ---- rules ---- */

static int matches(const struct rule *rule, uint32_t operation, const char *path) {
    if (!atomic_load(&((struct rule *)rule)->armed) || !(rule->operations & operation)) return 0;
    size_t have = strlen(path), want = strlen(rule->suffix);
    return have >= want && strcmp(path + have - want, rule->suffix) == 0;
}

static void tell(const struct rule *rule) {
    char text[32];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)rule->token);
    (void)!send(events, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void kill_now(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void wait_at_gate(int number) {
    char file[PATH_MAX + 16];
    snprintf(file, sizeof file, "%s/gate-%d", folder, number);
    int gate = real_open(file, O_RDONLY | O_CLOEXEC);
    if (gate < 0) return;
    while (flock(gate, LOCK_SH) != 0 && errno == EINTR) {}
    real_close(gate); /* which unlocks it */
}

/* What the rules say of one operation. */
struct verdict {
    int error;      /* fail with this errno */
    int half;       /* write only half of the bytes */
    int kill_after; /* and then die */
    int record;     /* write it down */
};

static struct verdict judge(uint32_t operation, const char *path) {
    struct verdict verdict = {0};
    for (int number = 0; number < RULES; number++) {
        struct rule *rule = &rules[number];
        if (!matches(rule, operation, path)) continue;
        if (rule->action == RECORD) {
            verdict.record = 1;
            continue;
        }
        uint64_t before = atomic_fetch_add(&rule->seen, 1);
        if (before < rule->skip || (rule->times && before >= rule->skip + rule->times)) continue;
        int first = atomic_fetch_add(&rule->fired, 1) == 0;
        switch (rule->action) {
        case KILL_BEFORE:
            tell(rule);
            kill_now();
            break;
        case KILL_AFTER:
            verdict.kill_after = 1;
            break;
        case KILL_TORN:
            verdict.half = verdict.kill_after = 1;
            break;
        case FAIL:
            verdict.error = (int)rule->error;
            break;
        case FAIL_SHORT:
            if (first && operation == WRITE)
                verdict.half = 1;
            else
                verdict.error = (int)rule->error;
            break;
        case STALL:
            tell(rule);
            wait_at_gate(number);
            continue;
        }
        tell(rule);
    }
    return verdict;
}

static void write_down(uint32_t kind, const char *path, uint64_t inode, uint64_t offset, const void *data, size_t bytes) {
    struct entry entry = {kind, (uint32_t)strlen(path), inode, offset, bytes};
    struct iovec parts[] = {{&entry, sizeof entry}, {(void *)path, entry.path_bytes}, {(void *)data, bytes}};
    ssize_t whole = (ssize_t)(sizeof entry + entry.path_bytes + bytes);
    if (real_writev(log_file, parts, 3) != whole) give_up("the log cannot be written");
}

/* Around what is judged: DO(result of the operation, what is written down if it went well). */
#define DO(verdict, deed, went_well, note)                   \
    do {                                                     \
        if ((verdict).error) {                               \
            errno = (verdict).error;                         \
            return -1;                                       \
        }                                                    \
        if ((verdict).record) pthread_mutex_lock(&order);    \
        deed;                                                \
        int kept = errno;                                    \
        if ((verdict).record) {                              \
            if (went_well) note;                             \
            pthread_mutex_unlock(&order);                    \
        }                                                    \
        if ((verdict).kill_after) kill_now();                \
        errno = kept;                                        \
    } while (0)

/* ---- what stands in the place of libc's ---- */

static int open_watched(int directory, const char *path, int flags, mode_t mode, const char *absolute) {
    struct verdict verdict = judge(OPEN, absolute);
    int fd = -1, was_there = 1;
    DO(verdict, {
        was_there = access(absolute, F_OK) == 0;
        fd = real_openat(directory, path, flags, mode);
        if (fd >= 0) remember(fd, absolute);
    }, fd >= 0, {
        if (!was_there) write_down(LOG_CREATE, absolute, inodes[fd], 0, NULL, 0);
        else if (flags & O_TRUNC) write_down(LOG_TRUNCATE, absolute, inodes[fd], 0, NULL, 0);
    });
    return fd;
}

#define MODE_OF(flags)                                \
    mode_t mode = 0;                                  \
    if ((flags) & (O_CREAT | O_TMPFILE)) {            \
        va_list more;                                 \
        va_start(more, flags);                        \
        mode = va_arg(more, mode_t);                  \
        va_end(more);                                 \
    }

#define OPENS(name)                                                                     \
    int name(const char *path, int flags, ...) {                                        \
        MODE_OF(flags)                                                                  \
        char buffer[PATH_MAX];                                                          \
        const char *absolute = watched(AT_FDCWD, path, buffer);                         \
        if (!absolute) return real_open(path, flags, mode);                             \
        return open_watched(AT_FDCWD, path, flags, mode, absolute);                     \
    }
#define OPENS_AT(name)                                                                  \
    int name(int directory, const char *path, int flags, ...) {                         \
        MODE_OF(flags)                                                                  \
        char buffer[PATH_MAX];                                                          \
        const char *absolute = watched(directory, path, buffer);                        \
        if (!absolute) return real_openat(directory, path, flags, mode);                \
        return open_watched(directory, path, flags, mode, absolute);                    \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
    if (fd >= 0 && fd < FILES) atomic_store(&paths[fd], NULL);
    return real_close(fd);
}

int dup2(int from, int to) {
    int fd = real_dup2(from, to);
    const char *path = path_of(from);
    if (fd >= 0 && fd != from && fd < FILES) atomic_store(&paths[fd], NULL);
    if (fd >= 0 && path) remember(fd, path);
    return fd;
}

ssize_t write(int fd, const void *data, size_t bytes) {
    const char *path = path_of(fd);
    if (!path) return real_write(fd, data, bytes);
    struct verdict verdict = judge(WRITE, path);
    if (verdict.half) bytes = (bytes + 1) / 2;
    ssize_t done = -1;
    DO(verdict, done = real_write(fd, data, bytes), done > 0, {
        uint64_t offset = (uint64_t)(lseek(fd, 0, SEEK_CUR) - done);
        write_down(LOG_WRITE, path, inodes[fd], offset, data, (size_t)done);
    });
    return done;
}

/* One part at a time, which a writer must expect of writev. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!path_of(fd)) return real_writev(fd, parts, count);
    for (int part = 0; part < count; part++)
        if (parts[part].iov_len > 0) return write(fd, parts[part].iov_base, parts[part].iov_len);
    return 0;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    const char *path = path_of(fd);
    if (!path) return real_pwrite(fd, data, bytes, offset);
    struct verdict verdict = judge(WRITE, path);
    if (verdict.half) bytes = (bytes + 1) / 2;
    ssize_t done = -1;
    DO(verdict, done = real_pwrite(fd, data, bytes, offset), done > 0,
       write_down(LOG_WRITE, path, inodes[fd], (uint64_t)offset, data, (size_t)done));
    return done;
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return pwrite(fd, data, bytes, offset); }

static int sync_by(int (*real)(int), int fd) {
    const char *path = path_of(fd);
    if (!path) return real(fd);
    struct verdict verdict = judge(SYNC, path);
    int done = -1;
    DO(verdict, done = real(fd), done == 0, write_down(LOG_SYNC, path, inodes[fd], 0, NULL, 0));
    return done;
}
int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

int ftruncate(int fd, off_t length) {
    const char *path = path_of(fd);
    if (!path) return real_ftruncate(fd, length);
    struct verdict verdict = judge(TRUNCATE, path);
    int done = -1;
    DO(verdict, done = real_ftruncate(fd, length), done == 0,
       write_down(LOG_TRUNCATE, path, inodes[fd], (uint64_t)length, NULL, 0));
    return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int unlinkat(int directory, const char *path, int flags) {
    char buffer[PATH_MAX];
    const char *absolute = watched(directory, path, buffer);
    if (!absolute) return real_unlinkat(directory, path, flags);
    struct verdict verdict = judge(UNLINK, absolute);
    int done = -1;
    DO(verdict, done = real_unlinkat(directory, path, flags), done == 0, write_down(LOG_UNLINK, absolute, 0, 0, NULL, 0));
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rename(const char *from, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    const char *before = watched(AT_FDCWD, from, old), *after = watched(AT_FDCWD, to, new);
    if (!before || !after) return real_rename(from, to);
    struct verdict verdict = judge(RENAME, after);
    int done = -1;
    DO(verdict, done = real_rename(from, to), done == 0, write_down(LOG_RENAME, before, 0, 0, after, strlen(after)));
    return done;
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    char old[PATH_MAX], new[PATH_MAX];
    const char *before = watched(from_directory, from, old), *after = watched(to_directory, to, new);
    if (!before || !after) return real_linkat(from_directory, from, to_directory, to, flags);
    struct verdict verdict = judge(LINK, after);
    int done = -1;
    DO(verdict, done = real_linkat(from_directory, from, to_directory, to, flags), done == 0,
       write_down(LOG_LINK, before, 0, 0, after, strlen(after)));
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdir(const char *path, mode_t mode) {
    char buffer[PATH_MAX];
    const char *absolute = watched(AT_FDCWD, path, buffer);
    if (!absolute) return real_mkdir(path, mode);
    struct verdict verdict = judge(MKDIR, absolute);
    int done = -1;
    DO(verdict, done = real_mkdir(path, mode), done == 0,
       write_down(LOG_MKDIR, absolute, inode_at(absolute), 0, NULL, 0));
    return done;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    if (!rules) return real_accept4(fd, address, length, flags);
    struct verdict verdict = judge(ACCEPT, "");
    int done = -1;
    DO(verdict, done = real_accept4(fd, address, length, flags), 0, {});
    return done;
}
int accept(int fd, struct sockaddr *address, socklen_t *length) { return accept4(fd, address, length, 0); }
