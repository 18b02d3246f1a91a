#include "daemon/serve/record-cut.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/canonical.h"
#include "daemon/record/read.h"
#include "proto/digest.h"

typedef struct Cut {
        View *view;
        const Sharing *sharing;
        size_t team;
        Arena *arena;
} Cut;

static bool sees(const Cut *cut, const char *source) {
        return source && sharing_may_see(cut->sharing, cut->team, bytes_of_text(source));
}

static void filter_sections(const Cut *cut, Carebus__V1__Record *record) {
        size_t n_sections = 0;

        for (size_t i = 0; i < record->n_sections; i++) {
                Carebus__V1__Section *section = record->sections[i];
                size_t n = 0;

                for (size_t j = 0; j < section->n_facts; j++)
                        if (sees(cut, section->facts[j]->source))
                                section->facts[n++] = section->facts[j];
                section->n_facts = n;
                if (n > 0)
                        record->sections[n_sections++] = section;
        }
        record->n_sections = n_sections;
}

static void filter_sources(const Cut *cut, Carebus__V1__Record *record) {
        size_t n = 0;

        for (size_t i = 0; i < record->n_sources; i++)
                if (sees(cut, record->sources[i]->name))
                        record->sources[n++] = record->sources[i];
        record->n_sources = n;
}

/* By the entry's outcome: the source of an event is the entry's. */
static int sees_event(Cut *cut, const char *event_id, bool *ret) {
        ViewOutcome outcome;
        char text[24];
        size_t size = strcspn(event_id, ".");
        uint64_t seq;
        int r;

        *ret = false;
        if (size >= sizeof(text))
                return 0;
        memcpy(text, event_id, size);
        text[size] = '\0';
        if (text_to_u64(text, &seq) < 0)
                return 0;
        r = view_outcome(cut->view, seq, &outcome);
        *ret = r == 0 && sharing_may_see(cut->sharing, cut->team, outcome.source);
        return MIN(r, 0);
}

static int filter_conflicts(Cut *cut, Carebus__V1__Record *record) {
        size_t n = 0;

        for (size_t i = 0; i < record->n_conflicts; i++) {
                Carebus__V1__Conflict *conflict = record->conflicts[i];
                bool visible = true;

                for (size_t j = 0; visible && j < conflict->n_event_ids; j++) {
                        int r = sees_event(cut, conflict->event_ids[j], &visible);
                        if (r < 0)
                                return r;
                }
                if (visible)
                        record->conflicts[n++] = conflict;
        }
        record->n_conflicts = n;
        return 0;
}

static bool person_identifier_is_visible(const Cut *cut, const Carebus__V1__Person *person,
                                         const Carebus__V1__Identifier *identifier) {
        for (size_t i = 0; i < person->n_identifiers; i++) {
                const Carebus__V1__PersonIdentifier *used = person->identifiers[i];

                if (!used->identifier || !text_equal(used->identifier->system, identifier->system) ||
                    !text_equal(used->identifier->value, identifier->value))
                        continue;
                for (size_t j = 0; j < used->n_sources; j++)
                        if (sees(cut, used->sources[j]))
                                return true;
        }
        return false;
}

static int filter_identifiers(Cut *cut, Carebus__V1__Record *record) {
        Carebus__V1__Person **persons;
        size_t n_ids = 0, n_persons = 0, n = 0;
        char **ids;
        int r;

        r = identity_members(view_txn(cut->view), record->patient_id, cut->arena, &ids, &n_ids);
        if (r != 0)
                return error_fold(r);
        persons = arena_alloc(cut->arena, (n_ids + 1) * sizeof(*persons));
        if (!persons)
                return -ENOMEM;
        for (size_t i = 0; i < n_ids; i++) {
                r = person_read(view_txn(cut->view), ids[i], cut->arena, &persons[n_persons]);
                if (r < 0)
                        return r;
                n_persons += r == 0;
        }
        for (size_t i = 0; i < record->n_identifiers; i++)
                for (size_t j = 0; j < n_persons; j++)
                        if (person_identifier_is_visible(cut, persons[j], record->identifiers[i])) {
                                record->identifiers[n++] = record->identifiers[i];
                                break;
                        }
        record->n_identifiers = n;
        return 0;
}

static int cut_for_team(Cut *cut, Carebus__V1__Record *record) {
        int r;

        filter_sections(cut, record);
        if (record->n_sections == 0)
                return RECORD_E_NOT_FOUND;
        filter_sources(cut, record);
        r = filter_conflicts(cut, record);
        return r < 0 ? r : filter_identifiers(cut, record);
}

/* Who sees the same has the same. */
static int make_digest(Carebus__V1__Record *record, Arena *arena) {
        uint8_t *digest = arena_alloc(arena, RECORD_DIGEST_SIZE);
        Bytes canonical = record_canonical(record, arena);

        if (!digest || !canonical.data)
                return -ENOMEM;
        digest_of_record(canonical, digest);
        record->has_digest = true;
        record->digest = (ProtobufCBinaryData){ .len = RECORD_DIGEST_SIZE, .data = digest };
        return 0;
}

int record_for_team(View *view, const Sharing *sharing, ssize_t team, const char *patient_id, Arena *arena,
                    Carebus__V1__Record **ret) {
        Cut cut = { .view = view, .sharing = sharing, .team = team >= 0 ? (size_t)team : 0, .arena = arena };
        Carebus__V1__Record *record;
        int r;

        r = record_read(view_txn(view), patient_id, arena, &record);
        if (r == 0 && team >= 0)
                r = cut_for_team(&cut, record);
        if (r == 0)
                r = make_digest(record, arena);
        if (r != 0)
                return r == RECORD_E_NOT_FOUND ? r : error_fold(r);
        *ret = record;
        return 0;
}
