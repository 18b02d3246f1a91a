/*
 * The shared record of a person, whole or as a team may see it: facts of the sources that the team sees, identifiers that
 * one of them used, conflicts all of whose claims it sees.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-parts.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

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

/* ---- what a team sees of it ----------------------------------------------------------------------------------------------- */

static bool sees(const Query *query, size_t team, const char *source) {
        return source && sharing_may_see(query->sharing, team, bytes_of_text(source));
}

static void filter_sections(const Query *query, size_t team, Carebus__V1__Record *record) {
        size_t n_sections = 0;

        for (size_t i = 0; i < record->n_sections; i++) {
                Carebus__V1__Section *section = record->sections[i];
                size_t n = 0;

                for (size_t j = 0; j < section->n_facts; j++)
                        if (sees(query, team, section->facts[j]->source))
                                section->facts[n++] = section->facts[j];
                section->n_facts = n;
                if (n > 0)
                        record->sections[n_sections++] = section;
        }
        record->n_sections = n_sections;
}

static void filter_sources(const Query *query, size_t team, Carebus__V1__Record *record) {
        size_t n = 0;

        for (size_t i = 0; i < record->n_sources; i++)
                if (sees(query, team, record->sources[i]->name))
                        record->sources[n++] = record->sources[i];
        record->n_sources = n;
}

/* By the entry's outcome: the source of an event is the entry's. */
static int sees_event(Query *query, size_t team, const char *event_id, bool *ret) {
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
        r = view_outcome(query->view, seq, &outcome);
        *ret = r == 0 && sharing_may_see(query->sharing, team, outcome.source);
        return MIN(r, 0);
}

static int filter_conflicts(Query *query, size_t team, Carebus__V1__Record *record) {
        size_t n = 0;

        for (size_t i = 0; i < record->n_conflicts; i++) {
                Carebus__V1__Conflict *conflict = record->conflicts[i];
                bool visible = true;

                for (size_t j = 0; visible && j < conflict->n_event_ids; j++) {
                        int r = sees_event(query, team, conflict->event_ids[j], &visible);
                        if (r < 0)
                                return r;
                }
                if (visible)
                        record->conflicts[n++] = conflict;
        }
        record->n_conflicts = n;
        return 0;
}

static bool person_identifier_is_visible(const Query *query, size_t team, const Carebus__V1__Person *person,
                                         const Carebus__V1__Identifier *identifier) {
        for (size_t i = 0; i < person->n_identifiers; i++) {
                const Carebus__V1__PersonIdentifier *used = person->identifiers[i];

                if (!used->identifier || !text_equal(used->identifier->system, identifier->system) ||
                    !text_equal(used->identifier->value, identifier->value))
                        continue;
                for (size_t j = 0; j < used->n_sources; j++)
                        if (sees(query, team, used->sources[j]))
                                return true;
        }
        return false;
}

static int read_person(Query *query, const char *patient_id, Carebus__V1__Person **ret) {
        StateKey key = state_key_person(patient_id);
        ProtobufCAllocator allocator = check_allocator(query->arena);
        Bytes packed;
        int r;

        r = state_get(view_txn(query->view), STATE_PERSON, state_key_all(&key), &packed);
        if (r != 0)
                return r == STATE_E_NOT_FOUND ? RECORD_E_NOT_FOUND : error_fold(r);
        *ret = carebus__v1__person__unpack(&allocator, packed.size, packed.data);
        return *ret ? 0 : -EBADMSG;
}

static int filter_identifiers(Query *query, size_t team, Carebus__V1__Record *record) {
        Carebus__V1__Person **persons;
        size_t n_ids = 0, n_persons = 0, n = 0;
        char **ids;
        int r;

        r = identity_members(view_txn(query->view), record->patient_id, query->arena, &ids, &n_ids);
        if (r != 0)
                return error_fold(r);
        persons = (Carebus__V1__Person **)query_array(query, n_ids);
        if (!persons)
                return -ENOMEM;
        for (size_t i = 0; i < n_ids; i++) {
                r = read_person(query, ids[i], &persons[n_persons]);
                if (r < 0)
                        return r;
                n_persons += r == 0;
        }
        for (size_t i = 0; i < record->n_identifiers; i++)
                for (size_t j = 0; j < n_persons; j++)
                        if (person_identifier_is_visible(query, team, persons[j], record->identifiers[i])) {
                                record->identifiers[n++] = record->identifiers[i];
                                break;
                        }
        record->n_identifiers = n;
        return 0;
}

/* Over the packed record without digest: who sees the same has the same. */
static int make_digest(Query *query, Carebus__V1__Record *record) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        uint8_t *digest = arena_alloc(query->arena, SHA256_SIZE), *room;
        size_t size;

        record->has_digest = false;
        size = carebus__v1__record__get_packed_size(record);
        room = buffer_reserve(&packed, size);
        if (!digest || !room)
                return -ENOMEM;
        carebus__v1__record__pack(record, room);
        sha256(room, size, digest);
        record->has_digest = true;
        record->digest = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = digest };
        return 0;
}

static int not_found(Query *query) {
        return query_refuse(query, "not-found",
                            "nobody is known under this patient id or identifier, or this team sees nothing of them");
}

int query_record(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__RecordRequest *asked = request->record;
        Carebus__V1__Record *record = NULL;
        const char *patient_id = NULL;
        ssize_t team;
        int r;

        r = query_team(query, asked->team, &team);
        if (r == 0)
                r = find_person(query, asked, &patient_id);
        if (r == 0)
                r = record_read(view_txn(query->view), patient_id, query->arena, &record);
        if (r == RECORD_E_NOT_FOUND)
                return not_found(query);
        if (r == 0 && team >= 0) {
                filter_sections(query, (size_t)team, record);
                if (record->n_sections == 0)
                        return not_found(query);
                filter_sources(query, (size_t)team, record);
                r = filter_conflicts(query, (size_t)team, record);
                if (r == 0)
                        r = filter_identifiers(query, (size_t)team, record);
                if (r == 0)
                        r = make_digest(query, record);
        }
        return r == 0 ? query_put(out, REPLY_RECORD, &record->base) : r;
}
