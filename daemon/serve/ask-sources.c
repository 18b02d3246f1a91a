/* How the sources that a team reads stand now: when each was heard last, who is silent. Of nobody in particular, so it needs no record. */
#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/record/states.h"
#include "daemon/serve/ask.h"
#include "daemon/store/state-keys.h"

/* What the configuration says now: how long a source may be silent is no matter of the record. */
static int64_t silent_after(const void *owner, const char *source) {
        const Config *config = owner;

        for (size_t i = 0; i < config->n_sources; i++)
                if (text_equal(config->sources[i].name, source) && config->sources[i].silent_after)
                        return (int64_t)config->sources[i].silent_after * USEC_PER_SEC;
        return RECORD_PATIENCE_OF_HABIT;
}

RecordPatience ask_patience(const Ask *ask) {
        return (RecordPatience){ .silent_after = silent_after, .owner = ask->config };
}

static int source_add(Ask *ask, Carebus__V1__Record *record, char *name) {
        Carebus__V1__RecordSource *source = message_new(&carebus__v1__record_source__descriptor, ask->arena);
        uint64_t since = state_count_get(view_txn(ask->view), name, RECORD_COUNT_HEARD_SINCE_AT);

        if (!source)
                return -ENOMEM;
        source->name = name;
        source->has_heard_since_at = since != 0;
        source->heard_since_at = (int64_t)since;
        return list_append((void ***)&record->sources, &record->n_sources, source, ask->arena);
}

/* The states of a record of nobody, by the same hand as those of any record. */
int ask_sources(Ask *ask, Carebus__V1__SourcesReply **ret) {
        Carebus__V1__SourcesReply *reply = message_new(&carebus__v1__sources_reply__descriptor, ask->arena);
        Carebus__V1__Record *nobody = message_new(&carebus__v1__record__descriptor, ask->arena);
        const RecordPatience patience = ask_patience(ask);
        const char *name;
        int r = 0;

        if (!reply || !nobody)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && (name = sharing_source_at(ask->sharing, (size_t)ask->team, i)); i++)
                r = source_add(ask, nobody, (char *)(uintptr_t)name);
        reply->has_at = true;
        reply->at = clock_now_at(&clock_system);
        if (r == 0)
                r = record_states(view_txn(ask->view), nobody, NULL, &patience, reply->at, ask->arena);
        reply->sources = nobody->sources;
        reply->n_sources = nobody->n_sources;
        if (r == 0)
                *ret = reply;
        return r;
}
