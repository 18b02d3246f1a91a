#include "tests/scenario/story-event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "canon/identifier.h"
#include "daemon/record/body.h"
#include "proto/types.h"
#include "tests/scenario/story-path.h"

#define STORY_DAY "2024-03-05T"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

int64_t story_time(const char *text) {
        CivilTime civil = {};
        char whole[64];

        snprintf(whole, sizeof(whole), "%s%s", strchr(text, 'T') ? "" : STORY_DAY, text);
        if (sscanf(whole, "%d-%d-%dT%d:%d:%d", &civil.year, &civil.month, &civil.day, &civil.hour, &civil.minute,
                   &civil.second) < 5 ||
            !civil_is_valid(&civil))
                fail_msg("not a time: %s", text);
        return civil_to_utc(&civil);
}

Carebus__V1__When *story_when(const char *text, Arena *arena) {
        Carebus__V1__When *when = MAKE(when, arena);

        bool day = strchr(text, '-') && !strchr(text, 'T');

        when->has_utc_at = when->has_precision = 1;
        when->utc_at = story_time(day ? arena_format(arena, "%sT00:00", text) : text);
        when->precision = day ? CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY
                              : CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE;
        return when;
}

typedef struct Building {
        const char *source;
        Arena *arena;
        Carebus__V1__Event *event;
        Carebus__V1__Demographics *demographics;
        Carebus__V1__Encounter *encounter;
        Carebus__V1__Death *death;
        Carebus__V1__Merge *merge;
} Building;

static void identifier_add(Building *b, Carebus__V1__Identifier ***list, size_t *n_list, const char *value,
                           const char *system) {
        Carebus__V1__Identifier *identifier = MAKE(identifier, b->arena);
        const char *bar = strchr(value, '|');

        identifier->system = arena_format(b->arena, "carebus:%s", system);
        if (bar)
                identifier->system = arena_format(b->arena, "carebus:%.*s", (int)(bar - value), value);
        identifier->value = (char *)(bar ? bar + 1 : value);
        assert_int_equal(list_append((void ***)list, n_list, identifier, b->arena), 0);
}

static void number_add(Building *b, Carebus__V1__Identifier ***list, size_t *n_list, const char *text) {
        static const struct {
                const char *name;
                Carebus__V1__Identifier__Status status;
        } statuses[] = {
                { "verified", CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED },
                { "unverified", CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED },
                { "invalid", CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID },
                { "test", CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST },
        };
        Carebus__V1__Identifier *identifier = MAKE(identifier, b->arena);
        const char *slash = strchr(text, '/');

        identifier->system = (char *)SYSTEM_NHS_NUMBER;
        identifier->value = slash ? arena_text(b->arena, text, (size_t)(slash - text)) : (char *)text;
        for (size_t i = 0; slash && i < ELEMENTSOF(statuses); i++)
                if (strcmp(statuses[i].name, slash + 1) == 0) {
                        identifier->has_status = 1;
                        identifier->status = statuses[i].status;
                }
        assert_true(!slash || identifier->has_status);
        assert_int_equal(list_append((void ***)list, n_list, identifier, b->arena), 0);
}

static Carebus__V1__Demographics *demographics(Building *b) {
        if (!b->demographics)
                b->demographics = MAKE(demographics, b->arena);
        return b->demographics;
}

static Carebus__V1__Encounter *encounter(Building *b) {
        if (!b->encounter)
                b->encounter = MAKE(encounter, b->arena);
        return b->encounter;
}

static Carebus__V1__Merge *merge(Building *b) {
        if (!b->merge)
                b->merge = MAKE(merge, b->arena);
        return b->merge;
}

static Carebus__V1__Death *death(Building *b) {
        if (!b->death)
                b->death = MAKE(death, b->arena);
        return b->death;
}

static Carebus__V1__Coded *coded(const char *code, const char *system, Arena *arena) {
        Carebus__V1__Coded *made = MAKE(coded, arena);

        made->code = (char *)code;
        made->system = (char *)system;
        return made;
}

static Carebus__V1__Place *place(const char *ward, Arena *arena) {
        Carebus__V1__Place *made = MAKE(place, arena);

        made->point_of_care = (char *)ward;
        return made;
}

/* given=X belongs to the family before it; postcode=X is a home at "1 High Street". */
static bool given_or_home(Building *b, const char *key, const char *value) {
        Arena *arena = b->arena;

        if (strcmp(key, "given") == 0) {
                Carebus__V1__HumanName *name;

                assert_int_not_equal(demographics(b)->n_names, 0);
                name = demographics(b)->names[demographics(b)->n_names - 1];
                assert_int_equal(list_append((void ***)&name->given, &name->n_given, (char *)value, arena), 0);
        } else if (strcmp(key, "postcode") == 0) {
                Carebus__V1__Address *address = MAKE(address, arena);

                address->use = (char *)"home";
                address->postal_code = (char *)value;
                assert_int_equal(
                        list_append((void ***)&address->line, &address->n_line, (char *)"1 High Street", arena), 0);
                assert_int_equal(list_append((void ***)&demographics(b)->addresses, &demographics(b)->n_addresses,
                                             address, arena),
                                 0);
        } else
                return false;
        return true;
}

static bool demographics_word(Building *b, const char *key, const char *value) {
        Arena *arena = b->arena;

        if (given_or_home(b, key, value))
                return true;
        if (strcmp(key, "born") == 0) {
                Carebus__V1__Date *date = demographics(b)->birth_date = MAKE(date, arena);
                int n = sscanf(value, "%u-%u-%u", &date->year, &date->month, &date->day);

                date->has_year = n >= 1;
                date->has_month = n >= 2;
                date->has_day = n >= 3;
        } else if (strcmp(key, "sex") == 0)
                demographics(b)->sex = coded(value, "http://hl7.org/fhir/administrative-gender", arena);
        else if (strcmp(key, "family") == 0) {
                Carebus__V1__HumanName *name = MAKE(human_name, arena);

                name->family = (char *)value;
                assert_int_equal(list_append((void ***)&demographics(b)->names, &demographics(b)->n_names, name, arena),
                                 0);
        } else if (strcmp(key, "phone") == 0) {
                Carebus__V1__Telecom *telecom = MAKE(telecom, arena);

                telecom->value = (char *)value;
                telecom->use = (char *)"home";
                assert_int_equal(list_append((void ***)&demographics(b)->telecom, &demographics(b)->n_telecom, telecom,
                                             arena),
                                 0);
        } else if (strcmp(key, "kin") == 0) {
                Carebus__V1__RelatedPerson *kin = MAKE(related_person, arena);

                kin->name = MAKE(human_name, arena);
                kin->name->family = (char *)value;
                assert_int_equal(list_append((void ***)&demographics(b)->related_persons,
                                             &demographics(b)->n_related_persons, kin, arena),
                                 0);
        } else if (strcmp(key, "deceased") == 0) {
                demographics(b)->has_deceased = 1;
                demographics(b)->deceased = strcmp(value, "yes") == 0;
        } else
                return false;
        return true;
}

static Carebus__V1__Identifier *visit(Building *b, const char *value) {
        Carebus__V1__Identifier *identifier = MAKE(identifier, b->arena);

        identifier->system = arena_format(b->arena, "carebus:%s:visit", b->source);
        identifier->value = (char *)value;
        return identifier;
}

static bool encounter_word(Building *b, const char *key, const char *value) {
        Arena *arena = b->arena;

        if (strcmp(key, "visit") == 0)
                b->event->encounter_id = encounter(b)->identifier = visit(b, value);
        else if (strcmp(key, "account") == 0)
                encounter(b)->account = visit(b, value);
        else if (strcmp(key, "ward") == 0)
                encounter(b)->place = place(value, arena);
        else if (strcmp(key, "prior") == 0)
                encounter(b)->prior_place = place(value, arena);
        else if (strcmp(key, "admitted") == 0)
                encounter(b)->admitted_at = story_when(value, arena);
        else if (strcmp(key, "discharged") == 0)
                encounter(b)->discharged_at = story_when(value, arena);
        else if (strcmp(key, "method") == 0)
                encounter(b)->discharge_method = coded(value, NULL, arena);
        else if (strcmp(key, "status") == 0)
                encounter(b)->status = (char *)value;
        else if (strcmp(key, "doctor") == 0) {
                Carebus__V1__Participant *participant = MAKE(participant, arena);

                participant->role = (char *)"attending";
                participant->practitioner = MAKE(practitioner, arena);
                participant->practitioner->name = MAKE(human_name, arena);
                participant->practitioner->name->family = (char *)value;
                assert_int_equal(list_append((void ***)&encounter(b)->participants, &encounter(b)->n_participants,
                                             participant, arena),
                                 0);
        } else
                return false;
        return true;
}

static bool merge_word(Building *b, const char *key, const char *value) {
        if (strcmp(key, "moves") == 0)
                merge(b)->visit = visit(b, value);
        else if (strcmp(key, "former") == 0)
                merge(b)->former_visit = visit(b, value);
        else if (strcmp(key, "scope") == 0) {
                merge(b)->has_scope = 1;
                merge(b)->scope = strcmp(value, "visit") == 0         ? CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT
                                  : strcmp(value, "account") == 0     ? CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT
                                  : strcmp(value, "identifiers") == 0 ? CAREBUS__V1__MERGE__SCOPE__SCOPE_IDENTIFIERS
                                  : strcmp(value, "number") == 0      ? CAREBUS__V1__MERGE__SCOPE__SCOPE_NUMBER
                                                                      : CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        } else
                return false;
        return true;
}

static bool other_body_word(Building *b, const char *key, const char *value) {
        if (strcmp(key, "survivor") == 0)
                identifier_add(b, &merge(b)->surviving, &merge(b)->n_surviving, value, b->source);
        else if (strcmp(key, "retired") == 0)
                identifier_add(b, &merge(b)->retired, &merge(b)->n_retired, value, b->source);
        else if (strcmp(key, "survivor_nhs") == 0)
                number_add(b, &merge(b)->surviving, &merge(b)->n_surviving, value);
        else if (strcmp(key, "retired_nhs") == 0)
                number_add(b, &merge(b)->retired, &merge(b)->n_retired, value);
        else if (strcmp(key, "death") == 0) {
                death(b)->has_status = 1;
                death(b)->status = strcmp(value, "formal") == 0     ? CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL
                                   : strcmp(value, "informal") == 0 ? CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL
                                                                    : CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;
        } else if (strcmp(key, "dead_at") == 0) {
                if (strncmp(b->event->type, "death.", 6) == 0)
                        death(b)->died_at = story_when(value, b->arena);
                else
                        demographics(b)->deceased_at = story_when(value, b->arena);
        } else
                return false;
        return true;
}

static bool envelope_word(Building *b, const char *key, const char *value) {
        Carebus__V1__Event *event = b->event;
        Carebus__V1__Subject *subject = event->patient;

        if (strcmp(key, "mrn") == 0)
                identifier_add(b, &subject->identifiers, &subject->n_identifiers, value, b->source);
        else if (strcmp(key, "nhs") == 0)
                number_add(b, &subject->identifiers, &subject->n_identifiers, value);
        else if (strcmp(key, "said") == 0)
                event->recorded_at = story_when(value, b->arena);
        else if (strcmp(key, "happened") == 0)
                event->occurred_at = story_when(value, b->arena);
        else if (strcmp(key, "cleared") == 0)
                assert_int_equal(list_append((void ***)&event->cleared, &event->n_cleared, (void *)value, b->arena), 0);
        else if (strcmp(key, "complete") == 0)
                assert_int_equal(list_append((void ***)&event->complete, &event->n_complete, (void *)value, b->arena),
                                 0);
        else if (strcmp(key, "order") == 0 || strcmp(key, "plan") == 0 || strcmp(key, "document") == 0 ||
                 strcmp(key, "referral") == 0 || strcmp(key, "episode") == 0 || strcmp(key, "appointment") == 0 ||
                 strcmp(key, "carried") == 0)
                story_path_set(&event->base, arena_format(b->arena, "%s_id", key), value, b->source, b->arena);
        else if (strcmp(key, "team") == 0)
                event->team = (char *)value;
        else if (strcmp(key, "restricted") == 0) {
                demographics(b)->has_restricted = 1;
                demographics(b)->restricted = strcmp(value, "yes") == 0;
        } else if (strcmp(key, "action") == 0) {
                event->has_action = 1;
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        } else
                return false;
        return true;
}

static void body_set(Building *b) {
        const EventType *type = event_type_find(b->event->type);

        if (b->event->body_case != CAREBUS__V1__EVENT__BODY__NOT_SET) {
                b->event->patient->demographics = b->demographics;
                return;
        }
        b->event->body_case = type ? type->body : CAREBUS__V1__EVENT__BODY__NOT_SET;
        switch (b->event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS:
                b->event->demographics = demographics(b);
                return;
        case CAREBUS__V1__EVENT__BODY_ENCOUNTER:
                b->event->encounter = encounter(b);
                break;
        case CAREBUS__V1__EVENT__BODY_DEATH:
                b->event->death = death(b);
                break;
        case CAREBUS__V1__EVENT__BODY_MERGE:
                b->event->merge = merge(b);
                break;
        case CAREBUS__V1__EVENT__BODY_ALLERGY:
                b->event->allergy = MAKE(allergy, b->arena);
                break;
        case CAREBUS__V1__EVENT__BODY_SERVICE:
                b->event->service = MAKE(service, b->arena);
                b->event->patient = NULL;
                return;
        default:
                b->event->body_case = CAREBUS__V1__EVENT__BODY__NOT_SET;
        }
        b->event->patient->demographics = b->demographics;
}

Carebus__V1__Event *story_event(const char *source, int64_t received_at, char **words, size_t n_words, Arena *arena) {
        Building b = { .source = source, .arena = arena, .event = MAKE(event, arena) };

        b.event->type = words[0];
        b.event->patient = MAKE(subject, arena);
        for (size_t i = 1; i < n_words; i++) {
                char *value = strchr(words[i], '=');

                if (!value) {
                        fail_msg("key=value wanted: %s", words[i]);
                        return NULL;
                }
                *value++ = '\0';
                if (strchr(words[i], '.'))
                        story_path_set(&b.event->base, words[i], value, source, arena);
                else if (!envelope_word(&b, words[i], value) && !demographics_word(&b, words[i], value) &&
                         !encounter_word(&b, words[i], value) && !merge_word(&b, words[i], value) &&
                         !other_body_word(&b, words[i], value))
                        fail_msg("no such key of an event: %s", words[i]);
        }
        if (!b.event->recorded_at) {
                b.event->recorded_at = MAKE(when, arena);
                b.event->recorded_at->has_utc_at = 1;
                b.event->recorded_at->utc_at = received_at;
        }
        body_set(&b);
        return b.event;
}
