#include "adapters/common/confine.h"

#include "adapters/common/place.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/service.h"

static void tell(const char *part, int r) {
        if (r > 0)
                log_event(LOG_SANDBOX_MISSING, log_name("PART", part), log_name("REASON", sandbox_reason(r)));
        else if (r < 0)
                log_event(LOG_SANDBOX_MISSING, log_name("PART", part), log_errno(r));
}

/* Folders, not files: a certificate is renewed by a new file in place of the old one. */
static int allow_read_around(Sandbox *sandbox, const char *const *paths, size_t n_paths) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_paths; i++)
                r = sandbox_allow_around(sandbox, paths[i], SANDBOX_READ);
        return r;
}

static int allow_named_files(Sandbox *sandbox, const Confinement *is) {
        const ConfigTls none = { NULL }, *tls = is->source        ? &is->source->tls
                                                : is->destination ? &is->destination->tls
                                                                  : &none;
        const char *const both[] = { tls->certificate, tls->key, tls->client_ca };
        int r = allow_read_around(sandbox, both, ELEMENTSOF(both));

        if (r == 0 && is->source) {
                const char *const paths[] = { is->source->token, is->source->poll.token, is->source->poll.authority };
                r = allow_read_around(sandbox, paths, ELEMENTSOF(paths));
        }
        if (r == 0 && is->destination) {
                const char *const paths[] = { is->destination->token, is->destination->facade_token,
                                              is->destination->authority };
                r = allow_read_around(sandbox, paths, ELEMENTSOF(paths));
        }
        return r;
}

static int allow_configuration(Sandbox *sandbox, const Confinement *is) {
        int r = sandbox_allow(sandbox, is->config->keys, SANDBOX_READ);

        for (size_t i = 0; r == 0 && i < is->text->n_files; i++)
                r = sandbox_allow_around(sandbox, is->text->files[i].path, SANDBOX_READ);
        r = r ?: sandbox_allow(sandbox, service_credentials(), SANDBOX_READ);
        return r ?: allow_named_files(sandbox, is);
}

/* What it keeps, and the folder that people put files into: that may come, or come again as another one, while this runs. */
static int allow_folders(Sandbox *sandbox, const Confinement *is) {
        const char *folder = is->source ? is->source->folder : is->destination->folder;
        const char *name = is->source ? is->source->name : is->destination->name;
        const bool keeps = is->source ? is->program->source_keeps : is->program->destination_keeps;
        _cleanup_(freep) char *place = NULL;
        int r = sandbox_allow(sandbox, is->config->run, SANDBOX_READ);

        if (r == 0 && folder)
                r = sandbox_allow_around(sandbox, folder, SANDBOX_WRITE);
        /* One that cannot be made is spoken of by who needs it. */
        if (r == 0 && keeps && place_open(is->config, name, &place) == 0)
                r = sandbox_allow(sandbox, place, SANDBOX_WRITE);
        return r;
}

int confine_files(const Confinement *is) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
        int r = sandbox_new(&sandbox);

        if (r == 0) {
                if (is->source ? is->program->source_connects : is->program->destination_connects)
                        sandbox_allow_connect(sandbox);
                r = allow_configuration(sandbox, is);
                r = r ?: allow_folders(sandbox, is);
                r = r ?: sandbox_enter(sandbox);
        }
        tell("landlock", r);
        return MIN(r, 0);
}

void confine_calls(bool connects) {
        tell("seccomp", sandbox_limit_calls(connects ? SANDBOX_INTERNET : 0));
}
