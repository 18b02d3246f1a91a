/* The journal is read, the state's table of readers is written, and all that is serve's own lies in one folder. */
#include "daemon/serve/confine.h"

#include <errno.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/service.h"

static void tell(const char *part, int r) {
        if (r == SANDBOX_E_KERNEL) /* of a sanitizer core has spoken */
                log_event(LOG_SANDBOX_MISSING, log_name("PART", part), log_name("REASON", sandbox_reason(r)));
}

static int allow_state(Sandbox *sandbox, const Config *config) {
        static const struct {
                const char *name;
                SandboxAccess access;
        } folders[] = {
                { "journal", SANDBOX_READ }, { "base", SANDBOX_READ },   { "coverage", SANDBOX_READ },
                { "fold", SANDBOX_UPDATE },  { "serve", SANDBOX_WRITE },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(folders); i++) {
                _cleanup_(freep) char *path = config_state_path(config, folders[i].name);

                r = path ? sandbox_allow(sandbox, path, folders[i].access) : -ENOMEM;
        }
        return r;
}

int serve_confine_files(const Config *config) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
        _cleanup_(freep) char *own = config_state_path(config, "serve");
        int r = own ? folder_make(own, 0700) : -ENOMEM;

        if (r < 0)
                return r;
        r = sandbox_new(&sandbox);
        tell("landlock", r);
        if (r != 0)
                return MIN(r, 0);
        r = allow_state(sandbox, config);
        r = r ?: sandbox_allow(sandbox, config->run, SANDBOX_WRITE);
        r = r ?: sandbox_allow_around(sandbox, config->audit_key, SANDBOX_READ);
        r = r ?: sandbox_allow(sandbox, service_credentials(), SANDBOX_READ);
        return r ?: sandbox_enter(sandbox);
}

bool serve_makes_sockets(const Config *config) {
        bool is_tcp = config->listen_feed || config->metrics;

        for (size_t i = 0; i < config->n_teams; i++)
                is_tcp = is_tcp || config->teams[i].live;
        return is_tcp;
}

int serve_confine_calls(const Config *config) {
        int r = sandbox_limit_calls(serve_makes_sockets(config) ? SANDBOX_INTERNET : 0);

        tell("seccomp", r);
        return MIN(r, 0);
}
