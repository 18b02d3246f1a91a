/*
 * carebusctl reload: the configuration is checked here first, then carebusd is told to read it again, and what it made of it is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/command.h"
#include "daemon/stage/check-known.h"

#define WAIT_AT_MOST (60 * USEC_PER_SEC)
#define LOOK_EVERY_NS (20L * 1000 * 1000)
#define SMALL 4096

static const struct {
        const char *verdict;
        int exit_code;
        const char *sentence; /* NULL: nothing went wrong */
} verdicts[] = {
        { "in-force", EXIT_DONE, NULL },
        { "refused", EXIT_CONFIGURATION,
          "carebusd refused the configuration and goes on with the one before: its log says why" },
        { "needs-restart", EXIT_CONFIGURATION,
          "the configuration changes what only a restart can change; nothing was changed: systemctl restart carebusd" },
        { "serve-kept-old", EXIT_CONFIGURATION,
          "intake has the new configuration, feeds and queries could not take it and go on with the one before: the "
          "log says why" },
        { "serve-does-not-answer", EXIT_LATER,
          "intake has the new configuration, feeds and queries have not answered yet: see carebusctl status" },
};

static int check(const Context *context, Config **ret) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        int r = config_load(context->config_path, &config, &text, &problems);

        if (r == 0)
                r = check_known(config, text, &problems);
        config_problems_print(&problems, stderr);
        if (r < 0)
                error_print(PROGRAM, "cannot read %s: %s", context->config_path, strerror(-r));
        if (r != 0)
                return EXIT_CONFIGURATION;
        *ret = TAKE_PTR(config);
        return EXIT_DONE;
}

/* A small file as text; empty where there is none. */
static int read_small(const char *folder, const char *name, char **ret) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/%s", folder, name);

        if (r >= 0)
                r = file_read(path, SMALL, &content);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = bytes_to_text(buffer_bytes(&content));
        return *ret ? 0 : -ENOMEM;
}

/* The daemon holds the lock on a file in which it wrote its number: a number without the lock is somebody else's by now. */
static int find_daemon(const Config *config, pid_t *ret) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        _cleanup_(closep) int fd = -1;
        uint64_t number;
        int r = text_format(&path, "%s/lock", config->state);

        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_SH | LOCK_NB) == 0)
                return -ESRCH;
        r = read_small(config->state, "lock", &text);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = '\0';
        if (text_to_u64(text, &number) < 0 || number < 2 || number > INT32_MAX)
                return -ESRCH;
        *ret = (pid_t)number;
        return 0;
}

/* "NUMBER VERDICT" of the last reload that was begun. */
static int read_verdict(const Config *config, uint64_t *ret_number, char **ret_verdict) {
        _cleanup_(freep) char *text = NULL;
        char *space;
        int r = read_small(config->run, "reload", &text);

        if (r < 0)
                return r;
        *ret_number = 0;
        text[strcspn(text, "\n")] = '\0';
        space = strchr(text, ' ');
        if (space) {
                *space++ = '\0';
                if (text_to_u64(text, ret_number) < 0)
                        *ret_number = 0;
        }
        *ret_verdict = strdup(space ? space : "begun");
        return *ret_verdict ? 0 : -ENOMEM;
}

static int wait_for_verdict(const Config *config, uint64_t before) {
        const int64_t until = clock_monotonic(&clock_system) + WAIT_AT_MOST;

        while (clock_monotonic(&clock_system) < until) {
                _cleanup_(freep) char *verdict = NULL;
                uint64_t number = 0;

                if (read_verdict(config, &number, &verdict) == 0 && number > before)
                        for (size_t i = 0; i < ELEMENTSOF(verdicts); i++) {
                                if (!text_equal(verdict, verdicts[i].verdict))
                                        continue;
                                if (verdicts[i].sentence)
                                        error_print(PROGRAM, "%s", verdicts[i].sentence);
                                return verdicts[i].exit_code;
                        }
                nanosleep(&(struct timespec){ .tv_nsec = LOOK_EVERY_NS }, NULL);
        }
        error_print(PROGRAM, "carebusd has not said within a minute what became of it: see its log");
        return EXIT_LATER;
}

static int cannot_tell(const Config *config, int r) {
        if (r == -EACCES || r == -EPERM) {
                error_print(PROGRAM, "a reload is for root and for the user of the daemon");
                return EXIT_NOT_ALLOWED;
        }
        error_print(PROGRAM, "no carebusd runs on %s: start it, which reads the configuration", config->state);
        return EXIT_UNREACHABLE;
}

int command_reload(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(freep) char *verdict = NULL;
        const bool waits = argc == 2 && text_equal(argv[1], "--wait");
        uint64_t before = 0;
        pid_t daemon = 0;
        int r;

        if (argc > 2 || (argc == 2 && !waits))
                return command_wrong_use(argv[0], "reload takes --wait and nothing else");
        r = check(context, &config);
        if (r != EXIT_DONE)
                return r;
        r = find_daemon(config, &daemon);
        if (r == 0)
                r = read_verdict(config, &before, &verdict);
        if (r == 0 && kill(daemon, SIGHUP) < 0)
                r = -errno;
        if (r < 0)
                return cannot_tell(config, r);
        return waits ? wait_for_verdict(config, before) : EXIT_DONE;
}
