/* One line on how things stand: what is stored, what waits, who is there, and what is wrong. */
#include <stdio.h>

#include "base/service.h"
#include "daemon/daemon-parts.h"

#define STATUS_SIZE 240

/* What a person would have to look after, the worst first; NULL: nothing. */
static const char *what_is_wrong(const Daemon *daemon) {
        const CoreFacts *facts = &daemon->facts;
        const struct {
                bool is_so;
                const char *sentence;
        } wrongs[] = {
                { atomic_load(&facts->intake_waits), "senders are asked to try later, see carebusctl status" },
                { atomic_load(&facts->fold_waits), "no room for the state, free space under `state:`" },
                { !daemon->serve.ready, "feeds and queries are down, they are started again" },
                { daemon->reload_refused, "the last reload was refused, run carebusctl check" },
        };

        for (size_t i = 0; i < ELEMENTSOF(wrongs); i++)
                if (wrongs[i].is_so)
                        return wrongs[i].sentence;
        return NULL;
}

static void status_text(const Daemon *daemon, char ret[STATUS_SIZE]) {
        const uint64_t entries = journal_committed(daemon->journal);
        const uint64_t folded = atomic_load(&daemon->facts.folded_seq);
        const char *wrong = what_is_wrong(daemon);

        snprintf(ret, STATUS_SIZE, "%s%s%llu entries, %llu to fold, %u of %zu sources connected", wrong ? wrong : "",
                 wrong ? "; " : "", (unsigned long long)entries,
                 (unsigned long long)(entries > folded ? entries - folded : 0),
                 atomic_load(&daemon->facts.sources_connected), daemon->config->n_sources);
}

void daemon_tell_status(const Daemon *daemon) {
        char text[STATUS_SIZE];

        status_text(daemon, text);
        service_status("%s", text);
}

void daemon_tell_ready(const Daemon *daemon) {
        char text[STATUS_SIZE];

        status_text(daemon, text);
        service_ready(text);
}
