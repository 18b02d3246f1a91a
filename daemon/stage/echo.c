#include "daemon/stage/echo.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"
#include "daemon/record/moment.h"
#include "daemon/record/plain.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/settings.h"
#include "proto/types.h"

typedef Carebus__V1__Event Event;
typedef Carebus__V1__StoredFact StoredFact;

/* ---- is it the same? ------------------------------------------------------------------------------------------------------------ */

static const void *field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (const char *)message + field->offset;
}

static size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
}

/* What another system has its own of: numbers, and the words for where a thing stands. */
static bool is_own(const ProtobufCFieldDescriptor *field) {
        static const char *const names[] = { "status",       "original_status", "decision_text",
                                             "original_use", "set_id",          "action_code" };

        if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &carebus__v1__identifier__descriptor)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(field->name, names[i]) == 0)
                        return true;
        return false;
}

static bool code_same(const Carebus__V1__Coded *a, const Carebus__V1__Coded *b) {
        if (a->code && b->code)
                return strcmp(a->code, b->code) == 0 && (!a->system || !b->system || strcmp(a->system, b->system) == 0);
        return text_equal(a->text ?: a->display, b->text ?: b->display);
}

static bool when_same(const Carebus__V1__When *a, const Carebus__V1__When *b) {
        Moment x, y;

        if (!moment_of_when(a, &x) || !moment_of_when(b, &y))
                return text_equal(a->text, b->text);
        return moments_overlap(x, y);
}

/* A day is the same day however it is written. */
static bool date_same(const Carebus__V1__Date *a, const Carebus__V1__Date *b) {
        if (!a->has_year || !b->has_year)
                return text_equal(a->text, b->text);
        return a->year == b->year && a->month == b->month && a->day == b->day;
}

static bool says_no_more(const ProtobufCMessage *echo, const ProtobufCMessage *original);

static bool message_same(const ProtobufCMessage *a, const ProtobufCMessage *b) {
        if (a->descriptor == &carebus__v1__coded__descriptor)
                return code_same((const Carebus__V1__Coded *)a, (const Carebus__V1__Coded *)b);
        if (a->descriptor == &carebus__v1__when__descriptor)
                return when_same((const Carebus__V1__When *)a, (const Carebus__V1__When *)b);
        if (a->descriptor == &carebus__v1__date__descriptor)
                return date_same((const Carebus__V1__Date *)a, (const Carebus__V1__Date *)b);
        return says_no_more(a, b);
}

/* Everything in the list of one is in that of the other. */
static bool list_within(const ProtobufCMessage *echo, const ProtobufCMessage *original,
                        const ProtobufCFieldDescriptor *field) {
        ProtobufCMessage *const *a = *(ProtobufCMessage *const *const *)field_at(echo, field);
        ProtobufCMessage *const *b = *(ProtobufCMessage *const *const *)field_at(original, field);
        const size_t n_a = field_count(echo, field), n_b = field_count(original, field);

        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                return body_field_equal(echo, original, field);
        for (size_t i = 0; i < n_a; i++) {
                bool found = false;

                for (size_t j = 0; j < n_b && !found; j++)
                        found = message_same(a[i], b[j]);
                if (!found)
                        return false;
        }
        return true;
}

/* Is all that the one says said by the other, in the same way? */
static bool says_no_more(const ProtobufCMessage *echo, const ProtobufCMessage *original) {
        for (unsigned i = 0; i < echo->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &echo->descriptor->fields[i];

                if (is_own(field) || !body_field_is_said(echo, field))
                        continue;
                if (!body_field_is_said(original, field))
                        return false;
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        if (!list_within(echo, original, field))
                                return false;
                } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                        if (!message_same(*(const ProtobufCMessage *const *)field_at(echo, field),
                                          *(const ProtobufCMessage *const *)field_at(original, field)))
                                return false;
                } else if (!body_field_equal(echo, original, field))
                        return false;
        }
        return true;
}

/* ---- enough to know it by, where it carries no number
 * -------------------------------------------------------------------------------- */

static bool practitioners_same(const Carebus__V1__Practitioner *a, const Carebus__V1__Practitioner *b) {
        if (!a || !b)
                return false;
        if (a->identifier && b->identifier && a->identifier->value && b->identifier->value)
                return strcasecmp(a->identifier->value, b->identifier->value) == 0;
        return a->name && b->name && a->name->family && b->name->family &&
               strcasecmp(a->name->family, b->name->family) == 0;
}

static bool authors_same(const Carebus__V1__Author *a, const Carebus__V1__Author *b) {
        if (!a || !b)
                return false;
        if (a->person && b->person)
                return strcasecmp(a->person, b->person) == 0;
        if (a->person_name && b->person_name)
                return strcasecmp(a->person_name, b->person_name) == 0;
        return a->organisation && b->organisation && strcasecmp(a->organisation, b->organisation) == 0;
}

static bool whens_same(const Carebus__V1__When *a, const Carebus__V1__When *b) {
        return a && b && when_same(a, b);
}

/* The same decision, author, date and value. */
static bool decision_known(const Event *echo, const Event *original) {
        const Carebus__V1__Decision *a = echo->decision, *b = original->decision;

        return (a->kind == b->kind || strcmp(echo->type, original->type) == 0) && a->decision && b->decision &&
               code_same(a->decision, b->decision) && whens_same(a->decided_at, b->decided_at) &&
               (practitioners_same(a->decided_by, b->decided_by) || authors_same(echo->author, original->author));
}

static bool measure_known(const Event *echo, const Event *original) {
        const Carebus__V1__Measure *a = echo->measure, *b = original->measure;

        if (!a->scale || !b->scale || !code_same(a->scale, b->scale) || !whens_same(a->measured_at, b->measured_at))
                return false;
        if (a->total && b->total)
                return text_equal(a->total->value, b->total->value);
        return a->result && b->result && code_same(a->result, b->result);
}

static bool allergy_known(const Event *echo, const Event *original) {
        const Carebus__V1__Allergy *a = echo->allergy, *b = original->allergy;

        return a->substance && b->substance && code_same(a->substance, b->substance) &&
               (whens_same(a->recorded_at, b->recorded_at) || whens_same(a->onset_at, b->onset_at)) &&
               (practitioners_same(a->asserted_by, b->asserted_by) || authors_same(echo->author, original->author));
}

static const ProtobufCMessage *body_of(const Event *event) {
        return event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET ? NULL : &event->demographics->base;
}

/* Two systems may know the same by themselves: without a date in it nothing tells that one had it from the other. */
static bool whole_known(const Event *echo, const Event *original) {
        const ProtobufCMessage *a = body_of(echo), *b = body_of(original);
        bool dated = false;

        for (unsigned i = 0; i < a->descriptor->n_fields && !dated; i++) {
                const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];

                dated = field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED &&
                        field->descriptor == &carebus__v1__when__descriptor && body_field_is_said(a, field);
        }
        return dated && says_no_more(b, a);
}

static bool is_known(const Event *echo, const Event *original) {
        switch (echo->body_case) {
        case CAREBUS__V1__EVENT__BODY_DECISION:
                return decision_known(echo, original);
        case CAREBUS__V1__EVENT__BODY_MEASURE:
                return measure_known(echo, original);
        case CAREBUS__V1__EVENT__BODY_ALLERGY:
                return allergy_known(echo, original);
        case CAREBUS__V1__EVENT__BODY_ENCOUNTER:
                return false;
        default:
                return whole_known(echo, original);
        }
}

/* ---- among which facts
 * ------------------------------------------------------------------------------------------------------------- */

typedef struct Looking {
        FoldWork *work;
        const Said *said;
        const PlainRow *row; /* NULL: an encounter */
        const char *section;
        const char *key;      /* of the fact that it would be */
        const char *carried;  /* event id that it carries; NULL: none */
        const char *returned; /* event id that its message carries; NULL: none */
        bool own;             /* the source said such a one of its own before */
        bool by_id;           /* of a stay: by `returned` alone */
        char *of;
} Looking;

static bool names_bus(const Looking *looking, const Carebus__V1__Identifier *identifier) {
        return settings_is_own_number(looking->work->fold, identifier);
}

/* What the message as a whole goes back to: one of the things that it says, or all of them. */
static const char *returned_of(const Looking *looking) {
        const Carebus__V1__Identifier *carried = looking->said->event->carried_id;

        return names_bus(looking, carried) ? carried->value : NULL;
}

/* Anywhere among the numbers of the body itself, and of the envelope. */
static const char *carried_in(const Looking *looking, const ProtobufCMessage *message) {
        for (unsigned i = 0; message && i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                const bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
                Carebus__V1__Identifier *const *items;
                size_t n;

                if (field->type != PROTOBUF_C_TYPE_MESSAGE ||
                    field->descriptor != &carebus__v1__identifier__descriptor || !body_field_is_said(message, field) ||
                    strcmp(field->name, "carried_id") == 0)
                        continue;
                items = list ? *(Carebus__V1__Identifier *const *const *)field_at(message, field)
                             : (Carebus__V1__Identifier *const *)field_at(message, field);
                n = list ? field_count(message, field) : 1;
                for (size_t j = 0; j < n; j++)
                        if (names_bus(looking, items[j]) && items[j]->value)
                                return items[j]->value;
        }
        return NULL;
}

static bool is_named(const StoredFact *stored, const char *event_id) {
        const Carebus__V1__Fact *fact = stored->fact;

        if (text_equal(fact->event_id, event_id) || text_equal(fact->confirmed_event_id, event_id))
                return true;
        for (size_t i = 0; i < fact->n_history; i++)
                if (strcmp(fact->history[i], event_id) == 0)
                        return true;
        return false;
}

/* Does this one claim of the other source say it already? By the number that it carries, or has; else by what it says. */
static bool claim_says(const Looking *looking, const StoredFact *stored, const Carebus__V1__Claim *claim) {
        const Event *echo = looking->said->event, *original = claim->event;
        const bool numbered = looking->carried
                                      ? is_named(stored, looking->carried)
                                      : text_equal(stored->fact->key, looking->key) && strchr(looking->key, '|');
        const bool returned = looking->returned && is_named(stored, looking->returned);
        const ProtobufCMessage *a = body_of(echo), *b = body_of(original);

        if (original->echo_of || stamp_parts_compare(stamp_parts(claim->stamp), looking->said->stamp) >= 0)
                return false;
        if (echo->has_action && original->has_action &&
            (echo->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR) !=
                    (original->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR))
                return false;
        if (!a || !b || a->descriptor != b->descriptor || !says_no_more(a, b))
                return false;
        if (returned)
                return true;
        if (looking->own || (looking->carried && !numbered))
                return numbered && looking->carried;
        return numbered || is_known(echo, original);
}

static char *named_by(const Looking *looking, const StoredFact *stored, const Carebus__V1__Claim *claim) {
        if (looking->carried)
                return (char *)looking->carried;
        return looking->returned && is_named(stored, looking->returned) ? (char *)looking->returned
                                                                        : claim->event->event_id;
}

static int fact_look(Looking *looking, const StoredFact *stored) {
        Carebus__V1__Claim **claims;
        size_t n;
        int r;

        if (text_equal(stored->fact->source, looking->work->source) || !stored->fact->event_id || stored->fact->echo)
                return 0;
        r = plain_claims(stored, looking->work->arena, &claims, &n);
        for (size_t i = 0; r == 0 && i < n && !looking->of; i++)
                if (claim_says(looking, stored, claims[i]))
                        looking->of = named_by(looking, stored, claims[i]);
        return r;
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Looking *looking = owner;
        Carebus__V1__StoredSection *section;
        int r = message_unpack(&carebus__v1__stored_section__descriptor, value, looking->work->arena,
                               (ProtobufCMessage **)&section);

        for (size_t i = 0; r == 0 && i < section->n_facts && !looking->of; i++)
                r = fact_look(looking, section->facts[i]);
        return r ?: looking->of != NULL;
}

static int home_look(Looking *looking, const char *patient_id) {
        StateKey prefix = state_key_section(patient_id, NULL);
        char *name = text_joined(looking->work->arena, looking->section, "/", NULL, NULL);
        int r;

        if (!name)
                return -ENOMEM;
        state_key_bytes(&prefix, bytes_of(name, strlen(name)));
        if (prefix.error < 0)
                return prefix.error;
        r = state_walk(looking->work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), section_seen,
                       looking);
        return r > 0 && looking->of ? 0 : r;
}

/*
 * By our id, whatever number the stay has where it comes from; or by the number of the stay. A stay as it stands, which the first message
 * about somebody tells, names neither what happened nor the number beside it.
 */
static bool is_told_again(const Looking *looking, const Event *original) {
        const Event *echo = looking->said->event;
        const Carebus__V1__Encounter *a = echo->encounter, *b = original->encounter;
        const bool same_type = strcmp(original->type, echo->type) == 0;

        if (looking->by_id)
                return same_type && text_equal(original->event_id, looking->returned);
        if (same_type)
                return echo->encounter_id != NULL;
        return strcmp(echo->type, "encounter.updated") == 0 && a && b && a->identifier &&
               text_equal(a->status, b->status);
}

static int claim_seen(Bytes key, Bytes value, void *owner) {
        Looking *looking = owner;
        Carebus__V1__Claim *claim;
        int r = message_unpack(&carebus__v1__claim__descriptor, value, looking->work->arena,
                               (ProtobufCMessage **)&claim);

        if (r || claim->event->echo_of || !is_told_again(looking, claim->event) ||
            stamp_parts_compare(stamp_parts(claim->stamp), looking->said->stamp) >= 0)
                return r;
        if (says_no_more(body_of(looking->said->event), body_of(claim->event)))
                looking->of = claim->event->event_id;
        return looking->of != NULL;
}

/* A stay has the number of whose it is: the same of another source is that source's. */
static int stay_look(Looking *looking, const char *patient_id) {
        FoldWork *work = looking->work;
        const Carebus__V1__Settings *settings = work->fold->settings;
        int r = 0;

        for (size_t i = 0; r == 0 && i < settings->n_sources && !looking->of; i++) {
                const char *source = settings->sources[i]->name;
                StateKey prefix;
                char *name;

                if (strcmp(source, work->source) == 0)
                        continue;
                name = section_of_encounter(source, looking->key, work->arena);
                if (!name)
                        return -ENOMEM;
                prefix = key_of_claims(patient_id, name);
                r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_seen,
                               looking);
                r = r > 0 && looking->of ? 0 : r;
        }
        return r;
}

static int stay_look_by_id(Looking *looking, const char *patient_id) {
        StateKey prefix = key_of_claims_of(patient_id);
        int r;

        looking->by_id = true;
        r = state_walk(looking->work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_seen,
                       looking);
        return r > 0 && looking->of ? 0 : r;
}

static int stays_look(Looking *looking, const char *patient_id) {
        int r = looking->own ? 0 : stay_look(looking, patient_id);

        return r == 0 && !looking->of && looking->returned ? stay_look_by_id(looking, patient_id) : r;
}

/* ---- the question
 * -------------------------------------------------------------------------------------------------------------------- */

static bool is_of_destination(const Fold *fold, const char *source) {
        const Carebus__V1__Settings *settings = fold->settings;

        for (size_t i = 0; settings && i < settings->n_destinations; i++)
                for (size_t j = 0; j < settings->destinations[i]->n_sources; j++)
                        if (strcmp(settings->destinations[i]->sources[j], source) == 0)
                                return true;
        return false;
}

/* What the source itself has said first is its own, however often it comes. */
static int is_own_word(const Looking *looking, const char *patient_id, bool *ret) {
        FoldWork *work = looking->work;
        char *name = section_of_fact(looking->section, work->source, looking->key, work->arena);
        Carebus__V1__StoredSection *section;
        const StoredFact *stored;
        int r;

        if (!name)
                return -ENOMEM;
        r = work_section(work, patient_id, name, &section);
        stored = r == 0 ? section_find(section, looking->key, work->source) : NULL;
        *ret = stored && stored->fact->event_id && !stored->fact->echo;
        return r;
}

/* ---- one fact a source: the person, and a death --------------------------------------------------------------------------------- */

static const Carebus__V1__Demographics *demographics_of(const Event *event) {
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                return event->demographics;
        return event->patient ? event->patient->demographics : NULL;
}

static bool says_the_same_person(const Event *echo, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Demographics *said = demographics_of(echo);

        return !said->has_restricted && echo->n_cleared == 0 && !echo->sensitivity && fact->demographics &&
               says_no_more(&said->base, &fact->demographics->base);
}

static bool says_the_same_death(const Event *echo, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Death *a = echo->death, *b = fact->death;
        const bool removed = a->status == CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;

        return b && a->status == b->status && (removed || whens_same(a->died_at, b->died_at)) &&
               says_no_more(&a->base, &b->base);
}

/* Among what other sources have of all who are one with the person; `of` is set. Nothing where the source has its own. */
static int singles_look(Looking *looking, const char *patient_id,
                        bool (*same)(const Event *echo, const Carebus__V1__Fact *fact)) {
        FoldWork *work = looking->work;
        Carebus__V1__StoredSection *section;
        Carebus__V1__Person *person, **members;
        size_t n;
        int r;

        r = work_section(work, patient_id, looking->section, &section);
        if (r || (section_find(section, work->source, work->source) && !looking->carried))
                return r;
        r = work_person(work, patient_id, &person);
        r = r ?: identify_members(work, person, &members, &n);
        for (size_t i = 0; r == 0 && i < n && !looking->of; i++) {
                r = work_section(work, members[i]->patient_id, looking->section, &section);
                for (size_t j = 0; r == 0 && j < section->n_facts && !looking->of; j++) {
                        const StoredFact *stored = section->facts[j];
                        const Carebus__V1__Stamp *first = stored->first ?: stored->newest;

                        if (!text_equal(stored->fact->source, work->source) && stored->fact->event_id && first &&
                            stamp_parts_compare(stamp_parts(first), looking->said->stamp) < 0 &&
                            same(looking->said->event, stored->fact))
                                looking->of = stored->fact->event_id;
                }
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

bool echo_names_person(FoldWork *work, const Event *event) {
        const Looking looking = { .work = work };

        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                if (names_bus(&looking, event->patient->identifiers[i]))
                        return true;
        return false;
}

int echo_says_person(FoldWork *work, const Said *said, const char *patient_id, bool *ret) {
        Looking looking = { .work = work, .said = said, .section = SECTION_DEMOGRAPHICS };
        int r = 0;

        *ret = false;
        if (!echo_is_possible(work) || !demographics_of(said->event))
                return 0;
        looking.carried = carried_in(&looking, &said->event->base) ?: returned_of(&looking);
        r = singles_look(&looking, patient_id, says_the_same_person);
        *ret = looking.of != NULL;
        return r;
}

static int looking_begin(Looking *looking, bool *ret_possible) {
        const Event *event = looking->said->event;
        const EventType *type = event_type_find(event->type);
        bool named;

        *ret_possible = false;
        if (!type || !type->section || event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET ||
            event->body_case != type->body)
                return 0;
        looking->section = type->section;
        looking->row = plain_row(event);
        if (looking->row)
                looking->key = plain_key(looking->row, event, looking->work->arena, &named);
        else if (event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER &&
                 strcmp(type->section, SECTION_ENCOUNTERS) == 0)
                looking->key = encounter_key(event, looking->work->arena);
        else
                return 0;
        if (!looking->key)
                return -ENOMEM;
        looking->carried = carried_in(looking, body_of(event)) ?: carried_in(looking, &event->base);
        looking->returned = returned_of(looking);
        *ret_possible = true;
        return 0;
}

/* An event that says nothing but who somebody is, or that they died. */
static int single_look(Looking *looking, const char *patient_id, char **ret_of) {
        const Event *event = looking->said->event;
        const bool death = event->body_case == CAREBUS__V1__EVENT__BODY_DEATH;
        int r;

        if (event->n_notes > 0 ||
            (death && event->patient && event->patient->demographics && event->patient->demographics->has_restricted))
                return 0;
        looking->section = death ? SECTION_DEATH : SECTION_DEMOGRAPHICS;
        looking->carried = carried_in(looking, body_of(event)) ?: carried_in(looking, &event->base)
                                   ?: returned_of(looking);
        r = singles_look(looking, patient_id, death ? says_the_same_death : says_the_same_person);
        *ret_of = looking->of;
        return r;
}

bool echo_is_possible(const FoldWork *work) {
        return is_of_destination(work->fold, work->source);
}

int echo_look(FoldWork *work, const Said *said, const char *patient_id, char **ret_of) {
        Looking looking = { .work = work, .said = said };
        Carebus__V1__Person *person, **members;
        bool possible, own;
        size_t n;
        int r;

        *ret_of = NULL;
        if (!echo_is_possible(work))
                return 0;
        if (said->event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS ||
            said->event->body_case == CAREBUS__V1__EVENT__BODY_DEATH)
                return single_look(&looking, patient_id, ret_of);
        r = looking_begin(&looking, &possible);
        if (r || !possible)
                return r;
        /* Who names our id does not speak for themselves, even where they did before anybody knew who it was. */
        r = is_own_word(&looking, patient_id, &own);
        if (r || (own && !looking.carried && !looking.returned))
                return r;
        looking.own = own;
        r = work_person(work, patient_id, &person);
        r = r ?: identify_members(work, person, &members, &n);
        if (r == 0 && looking.row)
                r = work_store_through(work);
        for (size_t i = 0; r == 0 && i < n && !looking.of; i++)
                r = looking.row ? home_look(&looking, members[i]->patient_id)
                                : stays_look(&looking, members[i]->patient_id);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        *ret_of = looking.of;
        return 0;
}

int echo_note(FoldWork *work, uint32_t index, char *of) {
        Carebus__V1__OutcomeEcho *echo = message_new(&carebus__v1__outcome_echo__descriptor, work->arena);

        if (!echo)
                return -ENOMEM;
        echo->has_index = 1;
        echo->index = index;
        echo->of = of;
        return list_append((void ***)&work->outcome.echoes, &work->outcome.n_echoes, echo, work->arena);
}
