/* The shared record of a person, whole or as a team may see it: who is asked for, and the answer. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/record/states.h"
#include "daemon/serve/query-parts.h"
#include "daemon/serve/record-cut.h"

enum { REPLY_RECORD = 22 };

#define NHS_NUMBER "https://fhir.nhs.uk/Id/nhs-number"

/* ---- which person ------------------------------------------------------------------------------------------------------- */

/* Takes what identity_find() gives; RECORD_E_NOT_FOUND or one answer. */
static int find_one(Query *query, const char *system, const char *value, const char **ret) {
        size_t n_ids = 0;
        char **ids, *detail;
        int r;

        r = identity_find(view_txn(query->view), system, value, query->arena, &ids, &n_ids);
        if (r != 0)
                return r;
        if (n_ids == 0)
                return RECORD_E_NOT_FOUND;
        if (n_ids == 1) {
                *ret = ids[0];
                return 0;
        }
        detail = arena_format(query->arena, "several people have it, and nobody has joined them: ask for");
        for (size_t i = 0; detail && i < n_ids; i++)
                detail = arena_format(query->arena, "%s %s", detail, ids[i]);
        return detail ? query_refuse(query, "ambiguous", detail) : -ENOMEM;
}

/* Without a system: the number may be a national one, or a source's own. */
static int find_anywhere(Query *query, const char *value, const char **ret) {
        int r = find_one(query, NHS_NUMBER, value, ret);

        for (size_t i = 0; r == RECORD_E_NOT_FOUND && i < query->config->n_sources; i++) {
                const char *system = arena_format(query->arena, "carebus:%s", query->config->sources[i].name);
                r = system ? find_one(query, system, value, ret) : -ENOMEM;
        }
        return r;
}

static int find_person(Query *query, const Carebus__V1__RecordRequest *asked, const char **ret) {
        if (asked->patient_id) {
                *ret = asked->patient_id;
                return 0;
        }
        if (asked->identifier->system && asked->identifier->system[0])
                return find_one(query, asked->identifier->system, asked->identifier->value, ret);
        return find_anywhere(query, asked->identifier->value, ret);
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------- */

/* What the configuration says now: how long a source may be silent is no matter of the record. */
static int64_t silent_after(const void *owner, const char *source) {
        const Config *config = owner;

        for (size_t i = 0; i < config->n_sources; i++)
                if (text_equal(config->sources[i].name, source))
                        return (int64_t)config->sources[i].silent_after * USEC_PER_SEC;
        return 0;
}

static int not_found(Query *query) {
        return query_refuse(query, "not-found",
                            "nobody is known under this patient id or identifier, or this team sees nothing of them");
}

int query_record(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const RecordPatience patience = { .silent_after = silent_after, .owner = query->config };
        const Carebus__V1__RecordRequest *asked = request->record;
        Carebus__V1__Record *record = NULL;
        const char *patient_id = NULL;
        ssize_t team;
        int r;

        r = query_team(query, asked->team, &team);
        if (r == 0)
                r = find_person(query, asked, &patient_id);
        if (r == 0)
                r = record_for_team(query->view, query->sharing, team, patient_id, query->arena, &record);
        if (r == RECORD_E_NOT_FOUND)
                return not_found(query);
        if (r == 0)
                r = record_states(view_txn(query->view), record, &patience, clock_now_at(&clock_system), query->arena);
        return r == 0 ? query_put(out, REPLY_RECORD, &record->base) : r;
}
