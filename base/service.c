/* sd_notify(3) and sd_listen_fds(3); without a service manager each of them does nothing. */
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define STATUS_SIZE 256

void service_ready(const char *status) {
        (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status ? status : "");
}

void service_status(const char *format, ...) {
        char status[STATUS_SIZE];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(status, sizeof(status), format, arguments);
        va_end(arguments);
        /* A line feed would begin another assignment. */
        for (char *p = status; (p = strchr(p, '\n'));)
                *p = ' ';
        (void)sd_notifyf(0, "STATUS=%s", status);
}

void service_reloading(void) {
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic(&clock_system));
}

void service_stopping(void) {
        (void)sd_notify(0, "STOPPING=1");
}

void service_watchdog(void) {
        (void)sd_notify(0, "WATCHDOG=1");
}

void service_extend_timeout(int64_t microseconds) {
        (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)microseconds);
}

int64_t service_watchdog_interval(void) {
        uint64_t interval = 0;

        if (sd_watchdog_enabled(0, &interval) <= 0 || interval > INT64_MAX)
                return 0;
        /* Half of what the manager waits, as sd_watchdog_enabled(3) advises. */
        return (int64_t)(interval / 2);
}

static char **free_names(char **names) {
        for (char **name = names; name && *name; name++)
                free(*name);
        free(names);
        return NULL;
}
DEFINE_CLEANUP(char **, free_names)

int service_listener(const char *name) {
        _cleanup_(free_namesp) char **names = NULL;
        int n = sd_listen_fds_with_names(0, &names);

        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i, flags;

                if (strcmp(names[i], name) != 0)
                        continue;
                flags = fcntl(fd, F_GETFL);
                if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                        return -errno;
                return fd;
        }
        return -ENOENT;
}

const char *service_credentials(void) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");

        return folder && folder[0] == '/' ? folder : NULL;
}

int service_credential(const char *name, char **ret) {
        _cleanup_(freep) char *path = NULL;
        const char *folder = service_credentials();
        int r = folder ? text_format(&path, "%s/%s", folder, name) : -ENOENT;

        if (r < 0)
                return r;
        if (access(path, F_OK) < 0)
                return -ENOENT;
        *ret = TAKE_PTR(path);
        return 0;
}

int service_harden(void) {
        if (setrlimit(RLIMIT_CORE, &(struct rlimit){ .rlim_cur = 0, .rlim_max = 0 }) < 0)
                return -errno;
#if !defined(__SANITIZE_ADDRESS__)
        /* Under AddressSanitizer the search for leaks attaches to its own process, which this would forbid. */
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
#endif
        return 0;
}

int service_ignore_signals(void) {
        static const int signals[] = { SIGPIPE, SIGXFSZ };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (signal(signals[i], SIG_IGN) == SIG_ERR)
                        return -errno;
        return 0;
}
