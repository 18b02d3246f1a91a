/* Broken glasses and opened contacts, for whoever reviews them: with how much was given out under each, as the audit has it. */
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/record/relationships.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_GRANTS = 32 };

typedef struct Counting {
        const Carebus__V1__Grant *grant;
        uint32_t n;
} Counting;

static int count(const Carebus__V1__AuditRecord *record, void *owner) {
        Counting *counting = owner;
        const Carebus__V1__Disclosure *disclosure = record->disclosure;

        if (record->what_case != CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE ||
            !text_equal(disclosure->team, counting->grant->team))
                return 0;
        for (size_t i = 0; i < disclosure->n_items; i++)
                counting->n += text_equal(disclosure->items[i]->relationship, counting->grant->kind);
        return 0;
}

/* The next of this team, person and kind takes over: what was given is counted once. `grants` are of any order. */
static int64_t until(const Carebus__V1__Grant *grant, Carebus__V1__Grant *const *grants, size_t n) {
        int64_t at = 0; /* no end: what counts is by which relationship it was given */

        for (size_t i = 0; i < n; i++)
                if (grants[i]->seq > grant->seq && text_equal(grants[i]->kind, grant->kind) &&
                    text_equal(grants[i]->team, grant->team) && text_equal(grants[i]->patient_id, grant->patient_id))
                        at = at == 0 ? grants[i]->at : MIN(at, grants[i]->at);
        return at;
}

static int count_disclosures(Query *query, Carebus__V1__Grant *grant, Carebus__V1__Grant *const *grants, size_t n) {
        const AuditWhen when = { .from_at = grant->at, .until_at = until(grant, grants, n) };
        Counting counting = { .grant = grant };
        const ArenaMark mark = arena_mark(query->arena);
        size_t n_ids;
        char **ids;
        int r;

        if (!query->worker->audit || !grant->patient_id)
                return 0;
        r = identity_members(view_txn(query->view), grant->patient_id, query->arena, &ids, &n_ids);
        if (r == RECORD_E_NOT_FOUND)
                return 0;
        if (r == 0)
                r = audit_of_person(query->worker->audit, (const char *const *)ids, n_ids, &when, query->arena, count,
                                    &counting);
        arena_rewind(query->arena, mark);
        grant->has_disclosures = true;
        grant->disclosures = counting.n;
        return MIN(r, 0);
}

int query_grant_list(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__GrantListRequest *asked = request->grant_list;
        Carebus__V1__GrantListReply reply = CAREBUS__V1__GRANT_LIST_REPLY__INIT;
        Carebus__V1__Grant **all;
        size_t n_all;
        int r = grants_read(view_txn(query->view), asked->kind, asked->has_all && asked->all, query->arena,
                            &reply.grants, &reply.n_grants);

        if (r == 0)
                r = grants_read(view_txn(query->view), asked->kind, true, query->arena, &all, &n_all);
        for (size_t i = 0; r == 0 && i < reply.n_grants; i++)
                r = count_disclosures(query, reply.grants[i], all, n_all);
        return r == 0 ? query_put(out, REPLY_GRANTS, &reply.base) : r;
}
