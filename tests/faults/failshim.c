/*
 * LD_PRELOAD: the N-th write or sync of a file fails, or ends the process. For tests that drive real programs.
 *
 *   CAREBUS_FAULT="GLOB CALL N ACTION[; GLOB CALL N ACTION ...]"
 *
 *     GLOB    fnmatch(3) pattern over the file's whole path: "*.seg", "*data.mdb", "*".
 *             Only regular files and folders are looked at; sockets, pipes and eventfds pass.
 *     CALL    write   write, pwrite, writev, pwritev
 *             sync    fdatasync, fsync (of a folder, too)
 *             rename  rename, renameat, renameat2 (the new path is matched)
 *             read    read, pread
 *             alloc   fallocate, posix_fallocate, ftruncate, copy_file_range (into it)
 *             any     write, sync and rename, counted together
 *             all     those and alloc
 *     N       which matching call of this process, from 1; 5+ means the fifth and every later one; 0 none: only count
 *     ACTION  EIO, ENOSPC, EDQUOT, EROFS: that error, and nothing is done
 *             torn    half of a write is done, then the process is killed
 *             kill    SIGKILL instead of the call
 *             killed  the call is done, then SIGKILL
 *             killMS  SIGKILL MS milliseconds later: what the other threads do meanwhile is done
 *             slowMS  the call is done, MS milliseconds later: slow700
 *
 *   CAREBUS_FAULT_COUNT=FILE  how many calls matched the first rule, as text, rewritten at each: a run with N 0 says how
 *                             many there are to try
 *   CAREBUS_FAULT_ONCE=FILE   strikes only while FILE is not there, and makes it: once for a program and all that it starts anew
 *   CAREBUS_FAULT_FROM=FILE   calls count only while FILE is there: who drives the program makes it when it is time
 *   CAREBUS_FAULT_COMM=NAME   only in processes whose /proc/self/comm is NAME
 *
 * Counting is over the process, from its start; a child that was forked without exec goes on from its parent's count.
 */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RULES_MOST 8

enum { CALL_WRITE = 1, CALL_SYNC = 2, CALL_RENAME = 4, CALL_ANY = 7, CALL_READ = 8, CALL_ALLOC = 16, CALL_ALL = 23 };
enum { ACTION_ERROR, ACTION_TORN, ACTION_KILL, ACTION_KILLED, ACTION_SLOW };

typedef struct Rule {
        char *glob;
        int call;
        unsigned long n;
        bool onward;
        int action;
        int error;
        unsigned slow_ms;
        unsigned long count;
} Rule;

static Rule rules[RULES_MOST];
static size_t n_rules;
static int count_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A rule that is misspelt would be a test that cannot fail. */
static void wrong(const char *what) {
        dprintf(2, "failshim: cannot read %s in CAREBUS_FAULT\n", what);
        _exit(64);
}

static int read_call(const char *word) {
        static const struct {
                const char *name;
                int call;
        } calls[] = { { "write", CALL_WRITE }, { "sync", CALL_SYNC }, { "rename", CALL_RENAME }, { "any", CALL_ANY },
                      { "alloc", CALL_ALLOC }, { "all", CALL_ALL },   { "read", CALL_READ } };

        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
                if (strcmp(word, calls[i].name) == 0)
                        return calls[i].call;
        wrong(word);
        return 0;
}

static void read_action(const char *word, Rule *rule) {
        static const struct {
                const char *name;
                int action, error;
        } actions[] = {
                { "EIO", ACTION_ERROR, EIO },       { "ENOSPC", ACTION_ERROR, ENOSPC },
                { "EDQUOT", ACTION_ERROR, EDQUOT }, { "EROFS", ACTION_ERROR, EROFS },
                { "torn", ACTION_TORN, EIO },       { "kill", ACTION_KILL, EIO },
                { "killed", ACTION_KILLED, EIO },
        };

        for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
                if (strcmp(word, actions[i].name) == 0) {
                        rule->action = actions[i].action;
                        rule->error = actions[i].error;
                        return;
                }
        rule->action = ACTION_KILL;
        if (sscanf(word, "kill%u", &rule->slow_ms) == 1)
                return;
        rule->action = ACTION_SLOW;
        if (sscanf(word, "slow%u", &rule->slow_ms) != 1)
                wrong(word);
}

static bool is_other_program(void) {
        const char *wanted = getenv("CAREBUS_FAULT_COMM");
        char comm[64] = "";
        ssize_t n;
        int fd;

        if (!wanted)
                return false;
        fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/comm", O_RDONLY | O_CLOEXEC);
        n = fd >= 0 ? syscall(SYS_read, fd, comm, sizeof(comm) - 1) : 0;
        if (fd >= 0)
                close(fd);
        comm[n > 0 ? n : 0] = '\0';
        comm[strcspn(comm, "\n")] = '\0';
        return strcmp(comm, wanted) != 0;
}

static void begin(void) {
        const char *text = getenv("CAREBUS_FAULT"), *count = getenv("CAREBUS_FAULT_COUNT");
        char *copy, *rule, *rest;

        if (!text || is_other_program())
                return;
        copy = strdup(text);
        for (rule = strtok_r(copy, ";", &rest); rule; rule = strtok_r(NULL, ";", &rest)) {
                char glob[256], call[32], n[32], action[32], *end;
                Rule *r = &rules[n_rules];

                if (n_rules == RULES_MOST || sscanf(rule, " %255s %31s %31s %31s", glob, call, n, action) != 4)
                        wrong(rule);
                r->glob = strdup(glob);
                r->call = read_call(call);
                r->n = strtoul(n, &end, 10);
                r->onward = *end == '+';
                if (end == n || (*end != '\0' && strcmp(end, "+") != 0))
                        wrong(n);
                read_action(action, r);
                n_rules++;
        }
        free(copy);
        if (count)
                count_fd = (int)syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static bool path_of(int fd, char path[PATH_MAX]) {
        struct stat st;
        char link[64];
        ssize_t n;

        if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
                return false;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return false;
        path[n] = '\0';
        return true;
}

static void say_count(unsigned long count) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%lu\n", count);

        if (count_fd >= 0)
                (void)syscall(SYS_pwrite64, count_fd, text, (size_t)n, 0L);
}

static bool may_strike(void) {
        const char *once_path = getenv("CAREBUS_FAULT_ONCE");
        int fd;

        if (!once_path)
                return true;
        fd = (int)syscall(SYS_openat, AT_FDCWD, once_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
                (void)syscall(SYS_close, fd);
        return fd >= 0;
}

static bool is_time(void) {
        const char *from = getenv("CAREBUS_FAULT_FROM");

        return !from || syscall(SYS_faccessat, AT_FDCWD, from, F_OK) == 0;
}

/* The rule that strikes at this call, or NULL. */
static const Rule *strike(int call, const char *path) {
        const Rule *found = NULL;

        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < n_rules; i++) {
                Rule *rule = &rules[i];

                if (!(rule->call & call) || fnmatch(rule->glob, path, 0) != 0 || !is_time())
                        continue;
                rule->count++;
                if (i == 0)
                        say_count(rule->count);
                if (!found && rule->n != 0 && (rule->count == rule->n || (rule->onward && rule->count > rule->n)))
                        found = rule;
        }
        pthread_mutex_unlock(&lock);
        return found && may_strike() ? found : NULL;
}

static const Rule *strike_fd(int call, int fd) {
        char path[PATH_MAX];
        int saved = errno;
        const Rule *rule;

        pthread_once(&once, begin);
        rule = n_rules > 0 && path_of(fd, path) ? strike(call, path) : NULL;
        errno = saved;
        return rule;
}

static void die(void) {
        kill(getpid(), SIGKILL);
        for (;;)
                pause();
}

/* -1 with errno set, or not at all: 0 says that the call is to be done, and *ret_die whether to die then. */
static int act(const Rule *rule, bool *ret_die) {
        *ret_die = false;
        if (!rule)
                return 0;
        if (rule->slow_ms > 0)
                (void)poll(NULL, 0, (int)rule->slow_ms);
        if (rule->action == ACTION_SLOW)
                return 0;
        if (rule->action == ACTION_KILL)
                die();
        *ret_die = rule->action == ACTION_KILLED || rule->action == ACTION_TORN;
        if (*ret_die)
                return 0;
        errno = rule->error;
        return -1;
}

static ssize_t after(ssize_t result, bool dies) {
        if (dies)
                die();
        return result;
}

static size_t part_of(const Rule *rule, size_t size) {
        return rule && rule->action == ACTION_TORN ? size / 2 : size;
}

ssize_t write(int fd, const void *data, size_t size) {
        const Rule *rule = strike_fd(CALL_WRITE, fd);
        bool dies;

        if (act(rule, &dies) < 0)
                return -1;
        return after(syscall(SYS_write, fd, data, part_of(rule, size)), dies);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        const Rule *rule = strike_fd(CALL_WRITE, fd);
        bool dies;

        if (act(rule, &dies) < 0)
                return -1;
        return after(syscall(SYS_pwrite64, fd, data, part_of(rule, size), offset), dies);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
        return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
        const Rule *rule = strike_fd(CALL_WRITE, fd);
        bool dies;

        if (act(rule, &dies) < 0)
                return -1;
        return after(syscall(SYS_writev, fd, parts, (long)part_of(rule, (size_t)n)), dies);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset) {
        const Rule *rule = strike_fd(CALL_WRITE, fd);
        bool dies;

        if (act(rule, &dies) < 0)
                return -1;
        return after(syscall(SYS_pwritev, fd, parts, (long)part_of(rule, (size_t)n), offset, 0L), dies);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off64_t offset) {
        return pwritev(fd, parts, n, offset);
}

ssize_t read(int fd, void *data, size_t size) {
        bool dies;

        if (act(strike_fd(CALL_READ, fd), &dies) < 0)
                return -1;
        return after(syscall(SYS_read, fd, data, size), dies);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset) {
        bool dies;

        if (act(strike_fd(CALL_READ, fd), &dies) < 0)
                return -1;
        return after(syscall(SYS_pread64, fd, data, size, offset), dies);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset) {
        return pread(fd, data, size, offset);
}

int fdatasync(int fd) {
        bool dies;

        if (act(strike_fd(CALL_SYNC, fd), &dies) < 0)
                return -1;
        return (int)after(syscall(SYS_fdatasync, fd), dies);
}

int fsync(int fd) {
        bool dies;

        if (act(strike_fd(CALL_SYNC, fd), &dies) < 0)
                return -1;
        return (int)after(syscall(SYS_fsync, fd), dies);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
        char path[PATH_MAX] = "", whole[PATH_MAX * 2];
        bool dies;

        pthread_once(&once, begin);
        if (to[0] != '/' && to_folder != AT_FDCWD)
                (void)path_of(to_folder, path);
        snprintf(whole, sizeof(whole), "%s%s%s", path, path[0] ? "/" : "", to);
        if (act(n_rules > 0 ? strike(CALL_RENAME, whole) : NULL, &dies) < 0)
                return -1;
        return (int)after(syscall(SYS_renameat2, from_folder, from, to_folder, to, (long)flags), dies);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
        return renameat2(from_folder, from, to_folder, to, 0);
}

int rename(const char *from, const char *to) {
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
        bool dies;

        if (act(strike_fd(CALL_ALLOC, fd), &dies) < 0)
                return -1;
        return (int)after(syscall(SYS_fallocate, fd, mode, offset, size), dies);
}

/* Says what went wrong by what it returns, and leaves errno alone. */
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
        const int saved = errno;
        int r = fallocate64(fd, 0, offset, size) < 0 ? errno : 0;

        errno = saved;
        return r;
}

int ftruncate64(int fd, off64_t size) {
        bool dies;

        if (act(strike_fd(CALL_ALLOC, fd), &dies) < 0)
                return -1;
        return (int)after(syscall(SYS_ftruncate, fd, size), dies);
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
        bool dies;

        if (act(strike_fd(CALL_ALLOC, out), &dies) < 0)
                return -1;
        return after(syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags), dies);
}
