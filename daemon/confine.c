/* What core may still reach once it is known what the configuration needs; serve and what it starts inherit it. */
#include "base/log.h"
#include "base/sandbox.h"
#include "base/service.h"
#include "base/text.h"
#include "daemon/daemon-parts.h"
#include "daemon/serve/confine.h"

static void tell(const char *part, int r) {
        if (r > 0)
                log_event(LOG_SANDBOX_MISSING, log_name("PART", part), log_name("REASON", sandbox_reason(r)));
}

/* Folders, not files: an editor puts a new file in place of the old one. */
static int allow_configuration(Sandbox *sandbox, const Daemon *daemon) {
        int r = sandbox_allow(sandbox, daemon->config->keys, SANDBOX_READ);

        for (size_t i = 0; r == 0 && i < daemon->text->n_files; i++)
                r = sandbox_allow_around(sandbox, daemon->text->files[i].path, SANDBOX_READ);
        return r;
}

static bool connects_to_itself(const Config *config) {
        return config->listen_intake && service_listener("intake") < 0; /* as a stranger, to see that it is refused */
}

int daemon_confine_files(Daemon *daemon) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
        int r = sandbox_new(&sandbox);

        if (r != 0) {
                tell("landlock", r);
                return MIN(r, 0);
        }
        if (connects_to_itself(daemon->config))
                sandbox_allow_connect(sandbox);
        r = sandbox_allow_itself(sandbox);
        r = r ?: sandbox_allow(sandbox, daemon->config->state, SANDBOX_WRITE);
        r = r ?: sandbox_allow(sandbox, daemon->config->run, SANDBOX_WRITE);
        r = r ?: allow_configuration(sandbox, daemon);
        r = r ?: sandbox_allow_around(sandbox, daemon->config->audit_key, SANDBOX_READ);
        r = r ?: sandbox_allow(sandbox, service_credentials(), SANDBOX_READ);
        return r ?: sandbox_enter(sandbox);
}

/* Core's own listeners are bound by now. Serve inherits this when it is started again. */
int daemon_confine_calls(Daemon *daemon) {
        int r = sandbox_limit_calls(SANDBOX_PROGRAMS | (serve_makes_sockets(daemon->config) ? SANDBOX_INTERNET : 0));

        tell("seccomp", r);
        return MIN(r, 0);
}
