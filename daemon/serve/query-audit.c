/*
 * Who was given anything of a person: the audit's records of all ids that the person ever had, page by page, with the names of the rules as
 * they were called then. That somebody asked is audited too.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_AUDIT_WHO = 30 };

#define SETTINGS_KEPT 16 /* different settings whose rules one page names */

/* The rules of one settings entry. */
typedef struct KnownRules {
        uint64_t seq;
        const Carebus__V1__SharingSettings *sharing; /* NULL: there are none */
} KnownRules;

typedef struct Page {
        Query *query;
        Carebus__V1__AuditWhoReply reply;
        size_t limit, bytes;
        KnownRules known[SETTINGS_KEPT];
        size_t n_known;
        bool full;
} Page;

static int rules_of(Page *page, uint64_t seq, const Carebus__V1__SharingSettings **ret) {
        Carebus__V1__Entry *entry;
        JournalRecord record;
        int r;

        *ret = NULL;
        for (size_t i = 0; i < page->n_known; i++)
                if (page->known[i].seq == seq) {
                        *ret = page->known[i].sharing;
                        return 0;
                }
        r = query_entry(page->query, seq, NULL, &entry, &record);
        if (r > 0) /* of another journal, or gone: the number is shown */
                return 0;
        if (r < 0)
                return r;
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SETTINGS)
                *ret = entry->settings->sharing;
        if (page->n_known < SETTINGS_KEPT)
                page->known[page->n_known++] = (KnownRules){ .seq = seq, .sharing = *ret };
        return 0;
}

static int line_name_rules(Page *page, Carebus__V1__AuditLine *line, const Carebus__V1__Disclosure *disclosure) {
        line->rules = (char **)query_array(page->query, disclosure->n_items);
        if (!line->rules)
                return -ENOMEM;
        for (size_t i = 0; i < disclosure->n_items; i++) {
                const Carebus__V1__DisclosedItem *item = disclosure->items[i];
                const Carebus__V1__SharingSettings *sharing = NULL;
                int r = item->rule > 0 ? rules_of(page, item->settings, &sharing) : 0;

                if (r < 0)
                        return r;
                line->rules[i] = (char *)"";
                if (sharing && item->rule <= sharing->n_rules && sharing->rules[item->rule - 1]->name)
                        line->rules[i] = sharing->rules[item->rule - 1]->name;
        }
        line->n_rules = disclosure->n_items;
        return 0;
}

static int page_take(const Carebus__V1__AuditRecord *record, void *owner) {
        Page *page = owner;
        Carebus__V1__AuditLine *line;
        int r = 0;

        if (page->reply.n_lines == page->limit || page->bytes > QUERY_PAGE_BYTES) {
                page->full = true;
                return 1;
        }
        line = arena_alloc(page->query->arena, sizeof(*line));
        if (!line)
                return -ENOMEM;
        carebus__v1__audit_line__init(line);
        line->record = (Carebus__V1__AuditRecord *)(uintptr_t)record;
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                r = line_name_rules(page, line, record->disclosure);
        page->bytes += carebus__v1__audit_record__get_packed_size(record);
        page->reply.lines[page->reply.n_lines++] = line;
        return r;
}

/* Once for all its pages. */
static int say_that_it_was_asked(Query *query, const Carebus__V1__AuditWhoRequest *asked) {
        const AuditItem item = { .patient_id = bytes_of_text(asked->patient_id), .rule = -1 };

        if (asked->after_number > 0)
                return 0;
        query_say_begin(query, -1, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        audit_say_item(query->say, &item);
        return query_say_end(query);
}

int query_audit_who(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__AuditWhoRequest *asked = request->audit_who;
        const AuditWhen when = { .from_at = asked->from_at,
                                 .until_at = asked->until_at,
                                 .after_number = asked->after_number };
        Page page = { .query = query, .reply = CAREBUS__V1__AUDIT_WHO_REPLY__INIT };
        AuditStatus audit;
        size_t n_ids;
        char **ids;
        int r;

        page.limit = asked->limit ? MIN(asked->limit, (uint32_t)QUERY_PAGE_ITEMS_MAX) : QUERY_PAGE_ITEMS;
        page.reply.lines = (Carebus__V1__AuditLine **)query_array(query, page.limit);
        if (!page.reply.lines)
                return -ENOMEM;
        r = identity_members(view_txn(query->view), asked->patient_id, query->arena, &ids, &n_ids);
        if (r == RECORD_E_NOT_FOUND)
                return query_refuse(query, "not-found", "nobody has this id: look by name with `carebusctl find`");
        if (r == 0)
                r = audit_of_person(query->worker->audit, (const char *const *)ids, n_ids, &when, query->arena,
                                    page_take, &page);
        if (r >= 0)
                r = say_that_it_was_asked(query, asked);
        if (r != 0)
                return r;
        audit = audit_status(query->worker->audit);
        page.reply.has_begins_at = audit.removed > 0;
        page.reply.begins_at = audit.removed_until_at;
        if (page.full) {
                page.reply.has_next_after_number = true;
                page.reply.next_after_number = page.reply.lines[page.reply.n_lines - 1]->record->number;
        }
        return query_put(out, REPLY_AUDIT_WHO, &page.reply.base);
}
