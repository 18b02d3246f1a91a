#include "daemon/stage/identify.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/record/keys.h"
#include "daemon/stage/again.h"
#include "daemon/stage/join.h"
#include "daemon/stage/numbers.h"
#include "daemon/stage/recall.h"
#include "daemon/stage/review.h"
#include "daemon/stage/settings.h"
#include "proto/check.h"
#include "proto/types.h"

/* A number that so many persons have tells nothing; beyond it nobody is added. */
#define HOLDERS_MAX 64
/* Nobody has so many numbers: somebody uses one of them for all. Beyond it further ones stand for nobody yet. */
#define IDENTIFIERS_MAX 256
#define NUMBERS_ROOM 64 /* of them, for national numbers alone */

void identify_identifiers(const Carebus__V1__Event *event, Carebus__V1__Identifier *const **ret, size_t *ret_n) {
        const Carebus__V1__Demographics *demographics = event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS
                                                                ? event->demographics
                                                                : NULL;

        *ret_n = event->patient ? event->patient->n_identifiers : 0;
        *ret = *ret_n ? event->patient->identifiers : NULL;
        if (*ret_n == 0 && event->patient && event->patient->demographics)
                demographics = event->patient->demographics;
        if (*ret_n == 0 && demographics) {
                *ret = demographics->identifiers;
                *ret_n = demographics->n_identifiers;
        }
}

bool identify_needs_person(const Carebus__V1__Event *event) {
        const EventType *type = event->type ? event_type_find(event->type) : NULL;

        if (type)
                return type->section != NULL;
        return event->patient != NULL;
}

static int holders_get(FoldWork *work, const StateKey *key, Carebus__V1__IdentifierHolders **ret) {
        return work_get(work, STATE_IDENTIFIER, key, &carebus__v1__identifier_holders__descriptor,
                        (ProtobufCMessage **)ret);
}

int identify_holders(FoldWork *work, const char *system, const char *value, Carebus__V1__IdentifierHolders **ret) {
        StateKey key = state_key_identifier(system, value);

        return holders_get(work, &key, ret);
}

/* Where a source itself says a national number: it is that source's own word for a person, and nobody else's. */
static int key_of_said_number(FoldWork *work, const Carebus__V1__Identifier *identifier, StateKey *ret) {
        const char *system = text_joined(work->arena, identifier->system, "#", work->source, NULL);

        if (!system)
                return -ENOMEM;
        *ret = state_key_identifier(system, identifier->value);
        return ret->error;
}

static int holders_add(FoldWork *work, const StateKey *key, const char *patient_id, size_t limit) {
        Carebus__V1__IdentifierHolders *holders;
        int r;

        r = holders_get(work, key, &holders);
        if (r == STATE_E_NOT_FOUND) {
                holders = message_new(&carebus__v1__identifier_holders__descriptor, work->arena);
                r = holders ? 0 : -ENOMEM;
        }
        if (r)
                return r;
        if (holders->n_patient_ids >= limit)
                return 0;
        for (size_t i = 0; i < holders->n_patient_ids; i++)
                if (strcmp(holders->patient_ids[i], patient_id) == 0)
                        return 0;
        r = list_append((void ***)&holders->patient_ids, &holders->n_patient_ids, (void *)patient_id, work->arena);
        return r < 0 ? r : work_put(work, STATE_IDENTIFIER, key, &holders->base);
}

int identify_answering(FoldWork *work, const Carebus__V1__Person *person, Carebus__V1__Person **ret) {
        int r;

        r = work_person(work, person->merged_into ?: person->patient_id, ret);
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

int identify_members(FoldWork *work, const Carebus__V1__Person *person, Carebus__V1__Person ***ret, size_t *ret_n) {
        Carebus__V1__Person *answering, **members;
        int r;

        r = identify_answering(work, person, &answering);
        if (r)
                return r;
        members = arena_alloc(work->arena, (answering->n_former_patient_ids + 1) * sizeof(*members));
        if (!members)
                return -ENOMEM;
        members[0] = answering;
        for (size_t i = 0; i < answering->n_former_patient_ids; i++) {
                r = work_person(work, answering->former_patient_ids[i], &members[i + 1]);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        *ret = members;
        *ret_n = answering->n_former_patient_ids + 1;
        return 0;
}

static void others_add(IdentifyOthers *others, const char *patient_id) {
        for (size_t i = 0; i < others->n; i++)
                if (strcmp(others->patient_ids[i], patient_id) == 0)
                        return;
        if (others->n < sizeof(others->patient_ids) / sizeof(others->patient_ids[0]))
                others->patient_ids[others->n++] = patient_id;
}

/* By a source's own numbers: the first that is known decides; who the others point to is noted. */
static int find_by_local(FoldWork *work, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                         const char **ret_id, bool *ret_any, IdentifyOthers *others) {
        const char *found = NULL;

        *ret_any = false;
        for (size_t i = 0; i < n_identifiers; i++) {
                Carebus__V1__IdentifierHolders *holders;
                int r;

                if (identifier_use(identifiers[i]) != IDENTIFIER_LOCAL)
                        continue;
                *ret_any = true;
                r = identify_holders(work, identifiers[i]->system, identifiers[i]->value, &holders);
                if (r == STATE_E_NOT_FOUND)
                        continue;
                if (r)
                        return r;
                if (!found)
                        found = holders->patient_ids[0];
                else if (strcmp(found, holders->patient_ids[0]) != 0 && others)
                        others_add(others, holders->patient_ids[0]);
        }
        *ret_id = found;
        return 0;
}

/* By a national number that this very source said before. It must point to one person. */
static int find_by_number(FoldWork *work, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                          const char **ret_id, bool *ret_any, bool *ret_ambiguous) {
        const char *found = NULL, *answering = NULL;

        *ret_any = *ret_ambiguous = false;
        for (size_t i = 0; i < n_identifiers; i++) {
                Carebus__V1__IdentifierHolders *holders;
                StateKey key;
                int r;

                if (identifier_use(identifiers[i]) != IDENTIFIER_NATIONAL)
                        continue;
                *ret_any = true;
                r = key_of_said_number(work, identifiers[i], &key);
                if (r == 0)
                        r = holders_get(work, &key, &holders);
                if (r == STATE_E_NOT_FOUND)
                        continue;
                for (size_t j = 0; r == 0 && j < holders->n_patient_ids; j++) {
                        Carebus__V1__Person *person;

                        r = work_person(work, holders->patient_ids[j], &person);
                        if (r)
                                break;
                        if (!found) {
                                found = person->patient_id;
                                answering = person->merged_into ?: person->patient_id;
                        } else if (strcmp(answering, person->merged_into ?: person->patient_id) != 0)
                                *ret_ambiguous = true;
                }
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        *ret_id = found;
        return 0;
}

static int check_list(FoldWork *work, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                      const char **ret_reason) {
        const char *found;
        bool any, ambiguous;
        int r;

        *ret_reason = NULL;
        for (size_t i = 0; i < n_identifiers; i++)
                if (identifier_use(identifiers[i]) == IDENTIFIER_LOCAL)
                        return 0;
        r = find_by_number(work, identifiers, n_identifiers, &found, &any, &ambiguous);
        if (r)
                return r;
        *ret_reason = !any ? REASON_NO_IDENTIFIER : ambiguous ? REASON_AMBIGUOUS : NULL;
        return 0;
}

int identify_check(FoldWork *work, const Carebus__V1__Event *event, const char **ret_reason) {
        Carebus__V1__Identifier *const *identifiers;
        size_t n_identifiers;
        int r;

        *ret_reason = NULL;
        if (!identify_needs_person(event))
                return 0;
        identify_identifiers(event, &identifiers, &n_identifiers);
        if (!join_is_said(event))
                return check_list(work, identifiers, n_identifiers, ret_reason);
        /* A merge speaks of two. */
        if (event->merge->n_surviving > 0) {
                identifiers = event->merge->surviving;
                n_identifiers = event->merge->n_surviving;
        }
        r = check_list(work, identifiers, n_identifiers, ret_reason);
        if (r || *ret_reason)
                return r;
        return check_list(work, event->merge->retired, event->merge->n_retired, ret_reason);
}

static int make_person(FoldWork *work, const Said *said, Carebus__V1__Person **ret) {
        uint32_t index = said->stamp.index;
        Carebus__V1__Person *taken;
        char *patient_id;
        int r;

        patient_id = id_text("p", work->seq, index, work->arena);
        if (!patient_id)
                return -ENOMEM;
        r = work_person(work, patient_id, &taken);
        if (r == 0) {
                /* One event speaks of several new persons: the further ones are numbered behind the events. */
                index = work->n_events + work->n_persons_made++;
                patient_id = id_text("p", work->seq, index, work->arena);
                if (!patient_id)
                        return -ENOMEM;
        } else if (r != STATE_E_NOT_FOUND)
                return r;
        return work_person_make(work, patient_id, ret);
}

static int identifier_index(FoldWork *work, const Carebus__V1__Person *person,
                            const Carebus__V1__Identifier *identifier, IdentifierUse use) {
        StateKey key = state_key_identifier(identifier->system, identifier->value);
        int r;

        if (key.error < 0)
                return key.error;
        r = holders_add(work, &key, person->patient_id, use == IDENTIFIER_LOCAL ? 1 : HOLDERS_MAX);
        if (r || use == IDENTIFIER_LOCAL)
                return r;
        r = key_of_said_number(work, identifier, &key);
        return r ?: holders_add(work, &key, person->patient_id, HOLDERS_MAX);
}

/* A place for one more. Of somebody who has as many as may be, a national number takes that of one that nobody says any more. NULL in *ret:
 * there is none. */
static int identifier_room(FoldWork *work, Carebus__V1__Person *person, IdentifierUse use,
                           Carebus__V1__PersonIdentifier **ret) {
        const size_t most = use == IDENTIFIER_LOCAL ? IDENTIFIERS_MAX - NUMBERS_ROOM : IDENTIFIERS_MAX;

        *ret = NULL;
        for (size_t i = 0; person->n_identifiers >= most && i < person->n_identifiers && !*ret; i++)
                if (use == IDENTIFIER_NATIONAL && person->identifiers[i]->n_sources == 0)
                        *ret = person->identifiers[i];
        if (*ret || person->n_identifiers >= most)
                return 0;
        *ret = message_new(&carebus__v1__person_identifier__descriptor, work->arena);
        return *ret ? list_append((void ***)&person->identifiers, &person->n_identifiers, *ret, work->arena) : -ENOMEM;
}

static int identifier_add(FoldWork *work, const Said *said, Carebus__V1__Person *person,
                          Carebus__V1__Identifier *identifier, IdentifierUse use) {
        Carebus__V1__PersonIdentifier *kept;
        int r;

        r = identifier_room(work, person, use, &kept);
        if (r < 0 || !kept)
                return r;
        kept->identifier = identifier;
        kept->event_id = said->event->event_id;
        kept->stamp = stamp_make(said->stamp, work->arena);
        if (!kept->stamp)
                return -ENOMEM;
        r = use == IDENTIFIER_LOCAL ? number_sayer_add(kept, work->source, work->arena) : 0;
        return r ?: identifier_index(work, person, identifier, use);
}

/* One identifier that the event says of the person. `again`: when its source said which national number. *changed: it was not known so. */
static int identifier_keep(FoldWork *work, const Said *said, Carebus__V1__Person *person,
                           Carebus__V1__Identifier *identifier, const Carebus__V1__SaidAgain *again, bool *changed) {
        IdentifierUse use = identifier_use(identifier);
        Carebus__V1__PersonIdentifier *kept = NULL;
        int r = 0;

        if (use == IDENTIFIER_USELESS)
                return 0;
        for (size_t i = 0; i < person->n_identifiers && !kept; i++)
                if (identifier_same(person->identifiers[i]->identifier, identifier))
                        kept = person->identifiers[i];
        if (!kept) {
                *changed = true;
                return identifier_add(work, said, person, identifier, use);
        }
        if (use == IDENTIFIER_LOCAL && !number_is_said_by(kept, work->source)) {
                *changed = true;
                r = number_sayer_add(kept, work->source, work->arena);
        }
        if (use == IDENTIFIER_NATIONAL && !number_said(again, identifier))
                r = identifier_index(work, person, identifier, use);
        if (r)
                return r;
        if (!body_equal(&kept->identifier->base, &identifier->base) &&
            stamp_parts_compare(stamp_parts(kept->stamp), said->stamp) <= 0 &&
            stamp_parts_compare(stamp_parts(number_said(again, identifier)), said->stamp) <= 0) {
                *changed = true;
                kept->identifier = identifier;
                kept->stamp = stamp_make(said->stamp, work->arena);
                if (!kept->stamp)
                        return -ENOMEM;
        }
        return 0;
}

/* All that the event says the person is known by. When its own person's national numbers were said is kept later, as it is where the person
 * was recalled (numbers_keep()); of the others that a merge names, here. */
static int identifiers_keep(FoldWork *work, const Said *said, Carebus__V1__Person *person,
                            Carebus__V1__Identifier *const *identifiers, size_t n_identifiers, bool own,
                            bool *changed) {
        Carebus__V1__SaidAgain *again = NULL;
        bool any_national = false, noted = false;
        int r = 0;

        for (size_t i = 0; i < n_identifiers; i++)
                any_national = any_national || identifier_use(identifiers[i]) == IDENTIFIER_NATIONAL;
        if (any_national)
                r = again_get(work, person->patient_id, work->source, &again);
        for (size_t i = 0; r == 0 && i < n_identifiers; i++)
                r = identifier_keep(work, said, person, identifiers[i], again, changed);
        if (r || !any_national)
                return r;
        r = numbers_note(work, said, identifiers, n_identifiers, again, &noted);
        if (r == 0 && noted && !own)
                r = again_put(work, person->patient_id, work->source, again);
        return r ?: numbers_settle(work, person, again, changed);
}

/* A source without statuses may vouch for its numbers. *ret is the list itself where nothing changes by it. */
static int as_counted(FoldWork *work, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                      Carebus__V1__Identifier *const **ret) {
        Carebus__V1__Identifier **counted;

        *ret = identifiers;
        if (n_identifiers == 0 || !settings_numbers_traced(work->fold, work->source))
                return 0;
        counted = arena_alloc(work->arena, n_identifiers * sizeof(*counted));
        if (!counted)
                return -ENOMEM;
        for (size_t i = 0; i < n_identifiers; i++) {
                const Carebus__V1__Identifier *said = identifiers[i];
                const bool unsaid = !said->status_code &&
                                    (!said->has_status ||
                                     said->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN);

                counted[i] = identifiers[i];
                if (!unsaid || identifier_use(said) != IDENTIFIER_NATIONAL)
                        continue;
                counted[i] = message_shallow_copy(&said->base, work->arena);
                if (!counted[i])
                        return -ENOMEM;
                counted[i]->has_status = true;
                counted[i]->status = CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED;
        }
        *ret = counted;
        return 0;
}

int identify_person(FoldWork *work, const Said *said, Carebus__V1__Identifier *const *identifiers, size_t n_identifiers,
                    Carebus__V1__Person **ret, bool *ret_changed, IdentifyOthers *others) {
        bool any, ambiguous, changed = false;
        Carebus__V1__Person *person;
        const char *found;
        int r;

        r = as_counted(work, identifiers, n_identifiers, &identifiers);
        if (r)
                return r;
        r = find_by_local(work, identifiers, n_identifiers, &found, &any, others);
        if (r == 0 && !any)
                r = find_by_number(work, identifiers, n_identifiers, &found, &any, &ambiguous);
        if (r)
                return r;
        if (found) {
                r = work_person(work, found, &person);
                if (r == STATE_E_NOT_FOUND)
                        r = -EBADMSG;
        } else
                r = make_person(work, said, &person);
        r = r ?: identifiers_keep(work, said, person, identifiers, n_identifiers, others != NULL, &changed);
        if (r)
                return r;
        if (changed)
                work_person_touch(work, person);
        *ret = person;
        if (ret_changed)
                *ret_changed = changed;
        return 0;
}

const Carebus__V1__PersonIdentifier *identify_verified(const Carebus__V1__Person *person, size_t *i) {
        return ties_verified(person, i);
}

/* Has the group a verified number of that system, and is this one among them? */
static void group_look(Carebus__V1__Person *const *group, size_t n_group, const Carebus__V1__Identifier *number,
                       bool *ret_any, bool *ret_same) {
        *ret_any = *ret_same = false;
        for (size_t i = 0; i < n_group; i++) {
                size_t at = 0;

                for (const Carebus__V1__PersonIdentifier *kept; (kept = identify_verified(group[i], &at)); at++) {
                        *ret_any = *ret_any || text_equal(kept->identifier->system, number->system);
                        *ret_same = *ret_same || identifier_same(kept->identifier, number);
                }
        }
}

bool identify_share_number(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b) {
        for (size_t i = 0; i < n_a; i++) {
                size_t at = 0;

                for (const Carebus__V1__PersonIdentifier *kept; (kept = identify_verified(a[i], &at)); at++) {
                        bool any, same;

                        group_look(b, n_b, kept->identifier, &any, &same);
                        if (same)
                                return true;
                }
        }
        return false;
}

bool identify_numbers_forbid(Carebus__V1__Person *const *a, size_t n_a, Carebus__V1__Person *const *b, size_t n_b) {
        return ties_numbers_forbid(a, n_a, b, n_b);
}

unsigned identify_under(const Carebus__V1__Person *person, Carebus__V1__Identifier *const *identifiers,
                        size_t n_identifiers) {
        for (size_t i = 0; i < n_identifiers; i++) {
                if (identifier_use(identifiers[i]) != IDENTIFIER_LOCAL)
                        continue;
                for (size_t j = 0; j < person->n_identifiers; j++)
                        if (identifier_same(person->identifiers[j]->identifier, identifiers[i]))
                                return (unsigned)j + 1;
        }
        return 0;
}

/* The source and what it says the person is known by, as it stands in the entry. */
static Bytes said_key(FoldWork *work, const Said *said) {
        enum { EVENT_PATIENT = 11, SUBJECT_IDENTIFIERS = 2 };
        size_t offset = 0, began, n_source = strlen(work->source) + 1;
        Bytes patient = BYTES_NULL;
        WireField field;
        uint8_t *key, *at;

        while (wire_field_next(said->packed, &offset, &field) == 0)
                if (field.number == EVENT_PATIENT)
                        patient = field.bytes;
        key = at = patient.size > 0 ? arena_alloc(work->arena, n_source + patient.size) : NULL;
        if (!key)
                return BYTES_NULL;
        memcpy(at, work->source, n_source);
        at += n_source;
        for (began = offset = 0; wire_field_next(patient, &offset, &field) == 0; began = offset)
                if (field.number == SUBJECT_IDENTIFIERS) {
                        memcpy(at, patient.data + began, offset - began);
                        at += offset - began;
                }
        return (size_t)(at - key) > n_source ? bytes_of(key, (size_t)(at - key)) : BYTES_NULL;
}

bool identify_recall(FoldWork *work, const Said *said, Home *ret) {
        const RecallAnswer *answer;

        ret->key = said_key(work, said);
        answer = ret->key.size > 0 ? recall_find(work->fold->recall, ret->key) : NULL;
        if (!answer)
                return false;
        ret->patient_id = arena_text(work->arena, answer->patient_id, strlen(answer->patient_id));
        ret->answering = answer->joined ? arena_text(work->arena, answer->answering, strlen(answer->answering))
                                        : ret->patient_id;
        ret->joined = answer->joined;
        ret->under = answer->under;
        ret->in_review = answer->in_review;
        return ret->patient_id && ret->answering;
}

/* Is everything that is said of the person just as it is kept? What was not taken because it came late may be taken next time. */
static bool all_as_kept(FoldWork *work, const Carebus__V1__Person *person, Carebus__V1__Identifier *const *identifiers,
                        size_t n_identifiers) {
        bool any_local = false;

        for (size_t i = 0; i < n_identifiers; i++) {
                IdentifierUse use = identifier_use(identifiers[i]);
                bool as_kept = use == IDENTIFIER_USELESS;

                any_local = any_local || use == IDENTIFIER_LOCAL;
                for (size_t j = 0; j < person->n_identifiers && !as_kept; j++)
                        as_kept = body_equal(&person->identifiers[j]->identifier->base, &identifiers[i]->base) &&
                                  number_is_said_by(person->identifiers[j], work->source);
                if (!as_kept)
                        return false;
        }
        /* Whom a number alone means may change without the person's knowing. */
        return any_local;
}

int identify_remember(FoldWork *work, const Said *said, Home *home) {
        const Carebus__V1__Person *person = home->person;
        RecallAnswer answer = { .joined = person->merged_into || person->n_former_patient_ids > 0 };
        const char *answering = person->merged_into ?: person->patient_id;
        Carebus__V1__Identifier *const *identifiers;
        size_t n_identifiers;
        int r;

        identify_identifiers(said->event, &identifiers, &n_identifiers);
        r = as_counted(work, identifiers, n_identifiers, &identifiers);
        if (r)
                return r;
        r = review_is_open(work, person, &answer.in_review);
        if (r)
                return r;
        home->answering = answering;
        home->joined = answer.joined;
        home->in_review = answer.in_review;
        answer.under = identify_under(person, identifiers, n_identifiers);
        /* Whose it is may depend on more than on who said it. */
        if (person->n_moves > 0 || person->n_doubts > 0) {
                home->answering = NULL;
                return 0;
        }
        if (home->key.size == 0 || !all_as_kept(work, person, identifiers, n_identifiers) ||
            strlen(answering) >= RECALL_ID_SIZE || strlen(person->patient_id) >= RECALL_ID_SIZE)
                return 0;
        memcpy(answer.patient_id, person->patient_id, strlen(person->patient_id));
        memcpy(answer.answering, answering, strlen(answering));
        return recall_keep(work->fold->recall, home->key, &answer);
}

int home_person(FoldWork *work, Home *home, Carebus__V1__Person **ret) {
        int r = 0;

        if (!home->person)
                r = work_person(work, home->patient_id, &home->person);
        *ret = home->person;
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}
