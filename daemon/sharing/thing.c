/* What events and facts are to the rules, and what is left of them. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/choke.h"
#include "daemon/sharing/sharing.h"
#include "proto/check.h"
#include "proto/reflect.h"
#include "proto/wire.h"

static const char *kind_of_nobody(const EventType *type, Carebus__V1__Event__BodyCase body) {
        if (!type)
                return "";
        return body == CAREBUS__V1__EVENT__BODY_SERVICE ? "services" : "notices";
}

static bool is_bare(const Carebus__V1__Subject *patient) {
        return !patient || (!patient->demographics && patient->n_identifiers == 0);
}

SharingThing sharing_thing_of_event(const Sharing *sharing, const Carebus__V1__Event *event) {
        const EventType *type = event->type ? event_type_find(event->type) : NULL;

        return (SharingThing){ .kind = type && type->section ? type->section : kind_of_nobody(type, event->body_case),
                               .type = event->type ?: "",
                               .source = bytes_of_text(event->source),
                               .team = event->team,
                               .sensitive = sharing_classify(sharing, &event->base),
                               .unconfirmed = event->has_unconfirmed && event->unconfirmed,
                               .is_bare = is_bare(event->patient) };
}

/* As is_bare() of the patient of a packed event. */
static int is_bare_packed(Bytes event, bool *ret) {
        enum { EVENT_PATIENT = 11, SUBJECT_IDENTIFIERS = 2, SUBJECT_DEMOGRAPHICS = 3 };
        size_t offset = 0, inner;
        WireField field, of_patient;
        int r;

        *ret = true;
        while ((r = wire_field_next(event, &offset, &field)) == 0) {
                if (field.number != EVENT_PATIENT || field.wire_type != WIRE_BYTES)
                        continue;
                inner = 0;
                while (wire_field_next(field.bytes, &inner, &of_patient) == 0)
                        if (of_patient.number == SUBJECT_IDENTIFIERS || of_patient.number == SUBJECT_DEMOGRAPHICS)
                                *ret = false;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

int sharing_look_at_event(const Sharing *sharing, Bytes packed, uint64_t *ret_sensitive, bool *ret_is_bare) {
        int r = words_find_packed(sharing->words, &carebus__v1__event__descriptor, packed, ret_sensitive);

        return r ?: is_bare_packed(packed, ret_is_bare);
}

/* The type of the event that says such a decision anew. */
static const char *decision_type(const Carebus__V1__Decision *decision) {
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++)
                if (type->body == CAREBUS__V1__EVENT__BODY_DECISION && decision->has_kind &&
                    type->action == CAREBUS__V1__ACTION__ACTION_NEW && type->decision_kind == decision->kind)
                        return type->name;
        return "decision.recorded";
}

static const char *contact_type(const Carebus__V1__Contact *contact) {
        static const char *const types[][2] = { { "planned", "visit.planned" },
                                                { "done", "visit.done" },
                                                { "missed", "visit.missed" } };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (text_equal(contact->status, types[i][0]))
                        return types[i][1];
        return "contact.recorded";
}

static const char *fact_type(const Sharing *sharing, const char *section, const Carebus__V1__Fact *fact) {
        int kind;

        switch (fact->value_case) {
        case CAREBUS__V1__FACT__VALUE_DECISION:
                return decision_type(fact->decision);
        case CAREBUS__V1__FACT__VALUE_CONTACT:
                return contact_type(fact->contact);
        case CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS:
                return "patient.updated";
        default:
                kind = kind_find(section);
                return kind >= 0 ? sharing->only_types[kind] : NULL;
        }
}

SharingThing sharing_thing_of_fact(const Sharing *sharing, const char *section, const Carebus__V1__Fact *fact) {
        return (SharingThing){ .kind = section,
                               .source = bytes_of_text(fact->source),
                               .team = fact->team,
                               .sensitive = sharing_classify(sharing, &fact->base),
                               .fact_type = fact_type(sharing, section, fact) };
}

/*
 * Cutting
 */

typedef struct Cutting {
        const SharingMask *mask;
        const char *kind;
        Arena *arena;
} Cutting;

static bool body_shows(const Cutting *cutting, const char *path) {
        for (size_t i = 0; i < 2; i++)
                if (!cut_shows(cutting->mask->of_body[i], path))
                        return false;
        return true;
}

static bool demographics_show(const Cutting *cutting, const char *path) {
        for (size_t i = 0; i < 2; i++)
                if (!cut_shows(cutting->mask->of_demographics[i], path))
                        return false;
        return true;
}

/* A path of `cleared` or `complete`: NAME, or NAME.FIELD of the body or of demographics; or the section itself. */
static bool path_is_shown(const Cutting *cutting, const char *path) {
        size_t n = strcspn(path, ".[");
        const char *below = path + n + (path[n] == '.');
        const char *body = cutting->mask->body->name;

        if (text_equal(path, cutting->kind))
                return body_shows(cutting, "");
        if (strlen(body) == n && strncmp(path, body, n) == 0)
                return path[n] != '[' && body_shows(cutting, below);
        if (n == strlen("demographics") && strncmp(path, "demographics", n) == 0)
                return path[n] != '[' && demographics_show(cutting, below);
        return false;
}

static void cut_paths(const Cutting *cutting, char **paths, size_t *n) {
        size_t kept = 0;

        for (size_t i = 0; i < *n; i++)
                if (path_is_shown(cutting, paths[i]))
                        paths[kept++] = paths[i];
        *n = kept;
}

static bool is_event_id(const char *text) {
        size_t n = strspn(text, "0123456789"), m = text[n] == '.' ? strspn(text + n + 1, "0123456789") : 0;

        return n > 0 && m > 0 && text[n + 1 + m] == '\0';
}

static void keep_event_ids(char **ids, size_t *n) {
        size_t kept = 0;

        for (size_t i = 0; i < *n; i++)
                if (is_event_id(ids[i]))
                        ids[kept++] = ids[i];
        *n = kept;
}

/* What nothing is left of is left out. */
#define DROP_EMPTY(message)                                      \
        do {                                                     \
                if ((message) && cut_is_empty(&(message)->base)) \
                        (message) = NULL;                        \
        } while (0)

static void cut_when(Carebus__V1__When **when) {
        if (*when)
                (*when)->text = NULL;
        DROP_EMPTY(*when);
}

/* The number stays: it holds together what belongs together. */
static void cut_number(Carebus__V1__Identifier **number) {
        if (*number)
                (*number)->text = NULL;
        DROP_EMPTY(*number);
}

/* Shared codes stay: who is given it has to know how to treat it. */
static void cut_sensitivity(Carebus__V1__Sensitivity **member) {
        Carebus__V1__Sensitivity *sensitivity = *member;
        size_t kept = 0;

        if (!sensitivity)
                return;
        sensitivity->original = NULL;
        for (size_t i = 0; i < sensitivity->n_labels; i++) {
                Carebus__V1__Coded *label = sensitivity->labels[i];

                label->display = label->text = NULL;
                label->original = NULL;
                if (label->code && label->system)
                        sensitivity->labels[kept++] = label;
        }
        sensitivity->n_labels = kept;
        DROP_EMPTY(*member);
}

/* The two have one order of fields in the oneof: numbers of bodies and of values are the same. */
static void cut_body(const Cutting *cutting, ProtobufCMessage *message, uint32_t *body_case, void **body) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(message->descriptor,
                                                                                        *body_case);
        bool is_left = field && field->descriptor == cutting->mask->body->descriptor && *body;

        is_left = is_left && cut_apply(cutting->mask->of_body[0], cutting->mask->of_body[1], *body);
        if (!is_left) {
                *body_case = 0;
                *body = NULL;
        }
}

static void cut_identifiers(const Cutting *cutting, Carebus__V1__Subject *patient) {
        const CutNode *a = cut_below(cutting->mask->of_demographics[0], "identifiers");
        const CutNode *b = cut_below(cutting->mask->of_demographics[1], "identifiers");
        size_t kept = 0;

        for (size_t i = 0; i < patient->n_identifiers; i++)
                if (cut_apply(a, b, &patient->identifiers[i]->base))
                        patient->identifiers[kept++] = patient->identifiers[i];
        patient->n_identifiers = kept;
}

static void cut_patient(const Cutting *cutting, Carebus__V1__Subject **member) {
        const SharingMask *mask = cutting->mask;
        Carebus__V1__Subject *patient = *member;

        if (!patient)
                return;
        cut_identifiers(cutting, patient);
        if (patient->demographics &&
            !cut_apply(mask->of_demographics[0], mask->of_demographics[1], &patient->demographics->base))
                patient->demographics = NULL;
        patient->base.n_unknown_fields = 0;
        DROP_EMPTY(*member);
}

static int copy_paths(char *const *paths, size_t n, Arena *arena, char ***ret, size_t *ret_n) {
        char **copy = arena_alloc(arena, MAX(n, (size_t)1) * sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                copy[i] = arena_text(arena, paths[i], strlen(paths[i]));
                if (!copy[i])
                        return -ENOMEM;
        }
        *ret = copy;
        *ret_n = n;
        return 0;
}

static void cut_envelope(const Cutting *cutting, Carebus__V1__Event *event) {
        Carebus__V1__Identifier **const numbers[] = { &event->encounter_id,  &event->episode_id, &event->referral_id,
                                                      &event->plan_id,       &event->order_id,   &event->document_id,
                                                      &event->appointment_id };

        event->base.n_unknown_fields = 0;
        event->source_message_id = event->trigger = NULL;
        event->carried_id = NULL;
        event->n_notes = 0;
        event->notes = NULL;
        cut_when(&event->occurred_at);
        cut_when(&event->recorded_at);
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                cut_number(numbers[i]);
        cut_sensitivity(&event->sensitivity);
        keep_event_ids(event->replaces, &event->n_replaces);
        cut_paths(cutting, event->cleared, &event->n_cleared);
        cut_paths(cutting, event->complete, &event->n_complete);
}

int sharing_cut_event(const Sharing *sharing, size_t team, const SharingPerson *person, const SharingVerdict *verdict,
                      Carebus__V1__Event *event, Arena *arena) {
        Cutting cutting = { .mask = verdict->mask, .arena = arena };

        (void)team;
        (void)person;
        if (verdict->sight == SHARING_WHOLE)
                return 0;
        if (verdict->sight != SHARING_PART || !cutting.mask)
                cutting.mask = sharing->masks.nothing;
        cutting.kind = kind_at(cutting.mask->key.kind);
        cut_body(&cutting, &event->base, (uint32_t *)&event->body_case, (void **)&event->demographics);
        cut_patient(&cutting, &event->patient);
        cut_envelope(&cutting, event);
        return copy_paths(cutting.mask->redacted_of_event, cutting.mask->n_redacted_of_event, arena, &event->redacted,
                          &event->n_redacted);
}

/* The key is made of what the fact says. That of demographics and the like is the name of the source. */
static void cut_key(const Cutting *cutting, Carebus__V1__Fact *fact) {
        if (text_equal(fact->key, fact->source))
                return;
        fact->key = fact->n_history > 0 ? fact->history[0] : fact->event_id;
}

int sharing_cut_fact(const Sharing *sharing, size_t team, const SharingPerson *person, const SharingVerdict *verdict,
                     Carebus__V1__Fact *fact, Arena *arena) {
        Cutting cutting = { .mask = verdict->mask, .arena = arena };

        (void)team;
        (void)person;
        if (verdict->sight == SHARING_WHOLE)
                return 0;
        if (verdict->sight != SHARING_PART || !cutting.mask)
                cutting.mask = sharing->masks.nothing;
        cutting.kind = kind_at(cutting.mask->key.kind);
        cut_key(&cutting, fact);
        cut_body(&cutting, &fact->base, (uint32_t *)&fact->value_case, (void **)&fact->demographics);
        fact->base.n_unknown_fields = 0;
        fact->source_message_id = NULL;
        cut_when(&fact->occurred_at);
        cut_when(&fact->recorded_at);
        cut_number(&fact->encounter_id);
        cut_sensitivity(&fact->sensitivity);
        cut_paths(&cutting, fact->cleared, &fact->n_cleared);
        return copy_paths(cutting.mask->redacted, cutting.mask->n_redacted, arena, &fact->redacted, &fact->n_redacted);
}
