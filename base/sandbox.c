/* landlock(7), and a list of system calls by libseccomp. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

const char *sandbox_reason(int code) {
        return code == SANDBOX_E_KERNEL ? "kernel" : code == SANDBOX_E_SANITIZER ? "sanitizer" : NULL;
}

/*
 * Files
 */

/* Later than the headers of some systems that this is built on, and since which version of Landlock. */
#define FS_TRUNCATE (1ULL << 14)
#define NET_CONNECT (1ULL << 1)
#define SCOPE_SIGNAL (1ULL << 1)
enum {
        ABI_LEAST = 2 /* the one before forbids to move a file to another folder, whatever is allowed */,
        ABI_TRUNCATE = 3,
        ABI_NET = 4,
        ABI_SCOPE = 6
};
typedef struct RulesetAttributes {
        uint64_t files, net, scoped;
} RulesetAttributes;

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_UPDATE (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_WRITE                                                                                                    \
        (FS_UPDATE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
         LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER)
#define FS_OTHER                                                                                    \
        (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
         LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
/* What a rule for a single file may have. */
#define FS_OF_FILE \
        (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

static const uint64_t rights[] = {
        [SANDBOX_READ] = FS_READ,
        [SANDBOX_UPDATE] = FS_UPDATE,
        [SANDBOX_WRITE] = FS_WRITE,
        [SANDBOX_RUN] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE,
};

/* Opened by libc and its friends when nobody thinks of it: at a reload, in a thread's first lookup of a name. */
static const struct {
        const char *path;
        SandboxAccess access;
} system_paths[] = {
        { "/usr/lib", SANDBOX_READ },
        { "/usr/lib64", SANDBOX_READ },
        { "/usr/local/lib", SANDBOX_READ },
        { "/usr/share", SANDBOX_READ },
        { "/lib", SANDBOX_READ }, /* where it is not a link into /usr */
        { "/lib64", SANDBOX_READ },
        { "/etc/ld.so.cache", SANDBOX_READ },
        { "/etc/localtime", SANDBOX_READ },
        { "/etc/timezone", SANDBOX_READ },
        { "/etc/nsswitch.conf", SANDBOX_READ },
        { "/etc/passwd", SANDBOX_READ },
        { "/etc/group", SANDBOX_READ },
        { "/etc/hosts", SANDBOX_READ },
        { "/etc/host.conf", SANDBOX_READ },
        { "/etc/gai.conf", SANDBOX_READ },
        { "/etc/services", SANDBOX_READ },
        { "/etc/protocols", SANDBOX_READ },
        { "/etc/resolv.conf", SANDBOX_READ },
        { "/run/systemd/resolve", SANDBOX_READ },
        { "/run/systemd/userdb", SANDBOX_READ },
        { "/etc/ssl", SANDBOX_READ },
        { "/usr/local/share/ca-certificates", SANDBOX_READ },
        { "/etc/gnutls", SANDBOX_READ },
        { "/proc", SANDBOX_READ },
        { "/proc/self/task", SANDBOX_UPDATE },   /* pthread_setname_np(3) of another thread */
        { "/sys/devices/system", SANDBOX_READ }, /* how many processors there are */
        { "/dev/urandom", SANDBOX_READ },
        { "/dev/null", SANDBOX_UPDATE },
};

struct Sandbox {
        RulesetAttributes attributes;
        int ruleset;
        bool is_final; /* rules were added: its attributes cannot change */
};

Sandbox *sandbox_free(Sandbox *sandbox) {
        if (!sandbox)
                return NULL;
        closep(&sandbox->ruleset);
        free(sandbox);
        return NULL;
}

static int landlock_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

        return abi < 0 ? -errno : (int)abi;
}

/* The files of the process itself, wherever they lie: libraries, and what a test preloads. */
static int allow_mapped(Sandbox *sandbox) {
        _cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;

        if (!maps)
                return 0;
        while (getline(&line, &size, maps) >= 0) {
                char *path = strchr(line, '/');
                int r;

                if (!path || !strstr(line, " r-xp "))
                        continue;
                path[strcspn(path, "\n")] = '\0';
                r = sandbox_allow(sandbox, path, SANDBOX_READ);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_ruleset(Sandbox *sandbox) {
        int r = 0;

        sandbox->is_final = true;
        sandbox->ruleset = (int)syscall(SYS_landlock_create_ruleset, &sandbox->attributes, sizeof(sandbox->attributes),
                                        0);
        if (sandbox->ruleset < 0)
                return -errno;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(system_paths); i++)
                r = sandbox_allow(sandbox, system_paths[i].path, system_paths[i].access);
        return r == 0 ? allow_mapped(sandbox) : r;
}

int sandbox_new(Sandbox **ret) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
        int abi;

        *ret = NULL;
        if (UNDER_SANITIZER)
                return SANDBOX_E_SANITIZER;
        abi = landlock_abi();
        if (abi < ABI_LEAST)
                return SANDBOX_E_KERNEL;
        sandbox = calloc(1, sizeof(*sandbox));
        if (!sandbox)
                return -ENOMEM;
        sandbox->ruleset = -1;
        sandbox->attributes.files = FS_WRITE | FS_OTHER;
        if (abi < ABI_TRUNCATE)
                sandbox->attributes.files &= ~FS_TRUNCATE;
        if (abi >= ABI_NET)
                sandbox->attributes.net = NET_CONNECT;
        if (abi >= ABI_SCOPE)
                sandbox->attributes.scoped = SCOPE_SIGNAL;
        *ret = TAKE_PTR(sandbox);
        return 0;
}

bool sandbox_can_stop_connections(void) {
        return landlock_abi() >= ABI_NET;
}

void sandbox_allow_connect(Sandbox *sandbox) {
        if (sandbox && !sandbox->is_final)
                sandbox->attributes.net &= ~NET_CONNECT;
}

int sandbox_allow(Sandbox *sandbox, const char *path, SandboxAccess access) {
        struct landlock_path_beneath_attr rule = { .allowed_access = rights[access] };
        _cleanup_(closep) int fd = -1;
        struct stat info;
        int r;

        if (!sandbox || !path)
                return 0;
        r = sandbox->is_final ? 0 : make_ruleset(sandbox);
        if (r < 0)
                return r;
        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
        if (fstat(fd, &info) < 0)
                return -errno;
        if (!S_ISDIR(info.st_mode))
                rule.allowed_access &= FS_OF_FILE;
        rule.allowed_access &= sandbox->attributes.files;
        rule.parent_fd = fd;
        if (rule.allowed_access == 0)
                return 0;
        r = (int)syscall(SYS_landlock_add_rule, sandbox->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        return r < 0 ? -errno : 0;
}

int sandbox_allow_around(Sandbox *sandbox, const char *path, SandboxAccess access) {
        _cleanup_(freep) char *folder = NULL;
        char *slash;

        if (!sandbox || !path)
                return 0;
        folder = strdup(path);
        if (!folder)
                return -ENOMEM;
        while ((slash = strrchr(folder, '/')) && slash != folder) {
                *slash = '\0';
                if (slash[1] != '\0' && faccessat(AT_FDCWD, folder, F_OK, AT_EACCESS) == 0)
                        return sandbox_allow(sandbox, folder, access);
        }
        return sandbox_allow(sandbox, path, access);
}

/* The program's own headers name what loads its libraries. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *owner) {
        const char **ret = owner;

        (void)size;
        for (size_t i = 0; i < info->dlpi_phnum; i++)
                if (info->dlpi_phdr[i].p_type == PT_INTERP)
                        *ret = (const char *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        return 1; /* the first is the program */
}

int sandbox_allow_itself(Sandbox *sandbox) {
        const char *loader = NULL;
        int r = sandbox_allow(sandbox, "/proc/self/exe", SANDBOX_RUN);

        (void)dl_iterate_phdr(find_loader, &loader);
        return r == 0 ? sandbox_allow(sandbox, loader, SANDBOX_RUN) : r;
}

int sandbox_enter(Sandbox *sandbox) {
        int r;

        if (!sandbox)
                return 0;
        r = sandbox->is_final ? 0 : make_ruleset(sandbox);
        if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        if (r == 0 && syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0) < 0)
                r = -errno;
        return r;
}

/*
 * System calls, by name: one that this kernel or this libseccomp has never heard of is left out.
 */

static const char *const calls[] = {
        /* what libc does by itself */
        "arch_prctl",
        "brk",
        "clock_getres",
        "clock_gettime",
        "clock_nanosleep",
        "exit",
        "exit_group",
        "futex",
        "futex_waitv",
        "get_robust_list",
        "getcpu",
        "getegid",
        "geteuid",
        "getgid",
        "getgroups",
        "getitimer",
        "getpgid",
        "getpgrp",
        "getpid",
        "getppid",
        "getpriority",
        "getrandom",
        "getresgid",
        "getresuid",
        "getrlimit",
        "getrusage",
        "getsid",
        "gettid",
        "gettimeofday",
        "getuid",
        "madvise",
        "membarrier",
        "mincore",
        "mlock",
        "mlock2",
        "mremap",
        "msync",
        "munlock",
        "munmap",
        "nanosleep",
        "pause",
        "prlimit64",
        "restart_syscall",
        "riscv_flush_icache",
        "rseq",
        "sched_get_priority_max",
        "sched_get_priority_min",
        "sched_getaffinity",
        "sched_getattr",
        "sched_getparam",
        "sched_getscheduler",
        "sched_yield",
        "set_robust_list",
        "set_tid_address",
        "setitimer",
        "setrlimit",
        "sysinfo",
        "time",
        "times",
        "ugetrlimit",
        "umask",
        "uname",
        "setpriority",
        /* files */
        "access",
        "chdir",
        "chmod",
        "close",
        "close_range",
        "copy_file_range",
        "creat",
        "dup",
        "dup2",
        "dup3",
        "faccessat",
        "faccessat2",
        "fadvise64",
        "fallocate",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "fchown",
        "fchownat",
        "fcntl",
        "fdatasync",
        "fgetxattr",
        "flistxattr",
        "flock",
        "fsetxattr",
        "fstat",
        "fstatfs",
        "fsync",
        "ftruncate",
        "getcwd",
        "getdents",
        "getdents64",
        "getxattr",
        "inotify_add_watch",
        "inotify_init",
        "inotify_init1",
        "inotify_rm_watch",
        "ioctl",
        "lgetxattr",
        "link",
        "linkat",
        "listxattr",
        "llistxattr",
        "lseek",
        "lstat",
        "mkdir",
        "mkdirat",
        "mmap2",
        "newfstatat",
        "open",
        "openat",
        "openat2",
        "pipe",
        "pipe2",
        "pread64",
        "preadv",
        "preadv2",
        "pwrite64",
        "pwritev",
        "pwritev2",
        "read",
        "readahead",
        "readlink",
        "readlinkat",
        "readv",
        "rename",
        "renameat",
        "renameat2",
        "rmdir",
        "sendfile",
        "splice",
        "stat",
        "statfs",
        "statx",
        "sync",
        "sync_file_range",
        "syncfs",
        "tee",
        "truncate",
        "unlink",
        "unlinkat",
        "utime",
        "utimensat",
        "utimes",
        "write",
        "writev",
        /* waiting, signals, timers */
        "epoll_create",
        "epoll_create1",
        "epoll_ctl",
        "epoll_pwait",
        "epoll_pwait2",
        "epoll_wait",
        "eventfd",
        "eventfd2",
        "kill",
        "pidfd_open",
        "pidfd_send_signal",
        "poll",
        "ppoll",
        "pselect6",
        "rt_sigaction",
        "rt_sigpending",
        "rt_sigprocmask",
        "rt_sigqueueinfo",
        "rt_sigreturn",
        "rt_sigsuspend",
        "rt_sigtimedwait",
        "rt_tgsigqueueinfo",
        "select",
        "sigaltstack",
        "signalfd",
        "signalfd4",
        "tgkill",
        "timer_create",
        "timer_delete",
        "timer_getoverrun",
        "timer_gettime",
        "timer_settime",
        "timerfd_create",
        "timerfd_gettime",
        "timerfd_settime",
        "wait4",
        "waitid",
        /* sockets that are there */
        "accept",
        "accept4",
        "bind",
        "connect",
        "getpeername",
        "getsockname",
        "getsockopt",
        "listen",
        "recvfrom",
        "recvmmsg",
        "recvmsg",
        "sendmmsg",
        "sendmsg",
        "sendto",
        "setsockopt",
        "shutdown",
        "socketpair",
        /* narrowing further */
        "landlock_add_rule",
        "landlock_create_ruleset",
        "landlock_restrict_self",
        "seccomp",
};

static const char *const program_calls[] = { "clone", "clone3", "execve", "fork", "vfork" };

static int allow_call(scmp_filter_ctx filter, const char *name) {
        int number = seccomp_syscall_resolve_name(name);
        int r;

        if (number == __NR_SCMP_ERROR)
                return 0;
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        return r == -EDOM ? 0 : r; /* not of this architecture */
}

/* Memory is either written or run, and what was made at the start stays as it is. */
static int allow_memory(scmp_filter_ctx filter) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
        return r == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))
                      : r;
}

static int allow_sockets(scmp_filter_ctx filter, unsigned allowed) {
        static const int internet[] = { AF_INET, AF_INET6,
                                        AF_NETLINK }; /* getaddrinfo(3) asks which addresses there are */
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));

        for (size_t i = 0; r == 0 && allowed & SANDBOX_INTERNET && i < ELEMENTSOF(internet); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)internet[i]));
        return r;
}

/* A thread is made by clone() with flags that can be looked at; clone3() hides them behind a pointer, and libc does without. */
static int allow_threads(scmp_filter_ctx filter, unsigned allowed) {
        int r = 0;

        if (allowed & SANDBOX_PROGRAMS) {
                for (size_t i = 0; r == 0 && i < ELEMENTSOF(program_calls); i++)
                        r = allow_call(filter, program_calls[i]);
                return r;
        }
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        return r == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD))
                      : r;
}

/* The names of threads and of memory, and what a process that is started here asks for itself. */
static int allow_prctl(scmp_filter_ctx filter) {
        static const int options[] = { PR_SET_NAME,      PR_GET_NAME,         PR_SET_DUMPABLE,
                                       PR_GET_DUMPABLE,  PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP,
                                       PR_SET_SECCOMP,   PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ,
                                       PR_SET_PDEATHSIG, PR_SET_TIMERSLACK,   0x53564d41 /* PR_SET_VMA */ };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(options); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)options[i]));
        return r;
}

/*
 * libzmq sets the scheduling of each of its threads to what it is already, and ends the process where that is forbidden (its thread.cpp).
 * Programs that link this take it in place of libc's: the call that changes nothing is not made, and nobody here makes another.
 */
int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameters) {
        struct sched_param now;
        int now_policy, r = pthread_getschedparam(thread, &now_policy, &now);

        if (r != 0)
                return r;
        return policy == now_policy && parameters->sched_priority == now.sched_priority ? 0 : EPERM;
}

static void release_filter(scmp_filter_ctx *filter) {
        seccomp_release(*filter);
}

int sandbox_limit_calls(unsigned allowed) {
        _cleanup_(release_filter) scmp_filter_ctx filter = NULL;
        int r = 0;

        if (UNDER_SANITIZER)
                return SANDBOX_E_SANITIZER;
        filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        if (!filter)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(calls); i++)
                r = allow_call(filter, calls[i]);
        r = r ?: allow_memory(filter);
        r = r ?: allow_sockets(filter, allowed);
        r = r ?: allow_threads(filter, allowed);
        r = r ?: allow_prctl(filter);
        r = r ?: seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
        r = r ?: seccomp_load(filter);
        /* libseccomp speaks of what the kernel cannot do as of a mistake in the call. */
        return r == -EINVAL || r == -EOPNOTSUPP || r == -ECANCELED ? SANDBOX_E_KERNEL : r;
}
