/* Reads what stands under all ids of a person, and what others hold that was moved here. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/view-parts.h"
#include "daemon/store/state-keys.h"

/* ---- whose it is --------------------------------------------------------------------------------------------------------------- */

static int answering(Viewing *viewing, const char *patient_id, const char **ret) {
        Answer *answer = viewing->answers;
        char *answers;
        int r;

        while (answer && strcmp(answer->patient_id, patient_id) != 0)
                answer = answer->next;
        if (!answer) {
                r = identity_resolve(viewing->txn, patient_id, viewing->arena, &answers);
                if (r)
                        return r < 0 ? r : -EBADMSG;
                answer = arena_alloc(viewing->arena, sizeof(*answer));
                if (!answer)
                        return -ENOMEM;
                *answer = (Answer){ .next = viewing->answers, .patient_id = patient_id, .answers = answers };
                viewing->answers = answer;
        }
        *ret = answer->answers;
        return 0;
}

/* A fact of a member that was moved away is left out; one of another person that was moved here is shown. */
static int belongs_here(Viewing *viewing, const char *stored, const Carebus__V1__StoredFact *fact, bool *ret) {
        const char *to = viewing->home->n_moves > 0 ? fact_moved_to(viewing->home, stored, fact) : NULL, *answers;
        int r;

        *ret = !viewing->away;
        if (!to)
                return 0;
        r = answering(viewing, to, &answers);
        if (r == 0)
                *ret = strcmp(answers, viewing->record->patient_id) == 0;
        return r;
}

int view_number_belongs(Viewing *viewing, const Carebus__V1__Person *home, bool away,
                        const Carebus__V1__Identifier *number, bool *ret) {
        const char *to = home->n_moves > 0 ? number_moved_to(home, number->system, number->value) : NULL, *answers;
        int r;

        *ret = !away;
        if (!to)
                return 0;
        r = answering(viewing, to, &answers);
        if (r == 0)
                *ret = strcmp(answers, viewing->record->patient_id) == 0;
        return r;
}

/* A stay that has another number now is known by that, whatever names it. */
static int stay_renumber(Viewing *viewing, Carebus__V1__Fact *fact) {
        Carebus__V1__Encounter *encounter = fact->encounter;
        const Carebus__V1__Identifier *now;

        if (viewing->renumbered)
                fact->encounter_id = (Carebus__V1__Identifier *)stay_number(viewing->persons, viewing->n_persons,
                                                                            fact->source, fact->encounter_id);
        if (!viewing->renumbered || fact->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER || !encounter->identifier)
                return 0;
        now = stay_number(viewing->persons, viewing->n_persons, fact->source, encounter->identifier);
        if (now == encounter->identifier)
                return 0;
        encounter->identifier = (Carebus__V1__Identifier *)now;
        fact->key = text_joined(viewing->arena, now->system ?: "", "|", now->value ?: "", NULL);
        return fact->key ? 0 : -ENOMEM;
}

/* ---- what stands under one id ----------------------------------------------------------------------------------------------------- */

static int found_add(Viewing *viewing, const char *stored, Carebus__V1__StoredFact *fact) {
        const char *slash = strchr(stored, '/');
        Found *found;
        bool here;
        int r;

        r = belongs_here(viewing, stored, fact, &here);
        if (r < 0 || !here)
                return r;
        found = arena_alloc(viewing->arena, sizeof(*found));
        if (!found)
                return -ENOMEM;
        *found = (Found){ .stored = stored, .home = viewing->home, .away = viewing->away, .fact = fact };
        found->section = slash ? arena_text(viewing->arena, stored, (size_t)(slash - stored)) : stored;
        if (!found->section)
                return -ENOMEM;
        if (strcmp(viewing->home->patient_id, viewing->record->patient_id) != 0)
                fact->fact->from_patient_id = viewing->home->patient_id;
        if (viewing->home->n_doubts > 0 && fact_doubt(viewing->home, stored, fact, /* other= */ NULL))
                fact->fact->has_which_person = fact->fact->which_person = true;
        r = stay_renumber(viewing, fact->fact);
        return r
                       ?: list_append_roomy((void ***)&viewing->found, &viewing->n_found, &viewing->found_room, found,
                                            viewing->arena);
}

static int conflicts_add(Viewing *viewing, Bytes value) {
        Carebus__V1__StoredConflicts *stored;
        int r;

        if (viewing->away)
                return 0;
        r = message_unpack(&carebus__v1__stored_conflicts__descriptor, value, viewing->arena,
                           (ProtobufCMessage **)&stored);
        for (size_t i = 0; r == 0 && i < stored->n_conflicts; i++)
                r = list_append((void ***)&viewing->record->conflicts, &viewing->record->n_conflicts,
                                stored->conflicts[i]->conflict, viewing->arena);
        return r;
}

static int standing_note(Viewing *viewing, Bytes value) {
        Carebus__V1__StoredStandings *standings;
        int r;

        r = message_unpack(&carebus__v1__stored_standings__descriptor, value, viewing->arena,
                           (ProtobufCMessage **)&standings);
        if (r == 0 && standings->has_as_at && standings->as_at > viewing->stands_at)
                viewing->stands_at = standings->as_at;
        return r;
}

/* Comes before the demographics that it is about: "again/" sorts before. */
static int again_note(Viewing *viewing, const char *source, Bytes value) {
        Again *again = arena_alloc(viewing->arena, sizeof(*again));

        if (!again)
                return -ENOMEM;
        *again = (Again){ .source = source, .home = viewing->home, .next = viewing->again };
        viewing->again = again;
        return message_unpack(&carebus__v1__said_again__descriptor, value, viewing->arena,
                              (ProtobufCMessage **)&again->said);
}

static int lists_note(Viewing *viewing, const char *source, Bytes value) {
        Lists *lists = arena_alloc(viewing->arena, sizeof(*lists));

        if (!lists)
                return -ENOMEM;
        *lists = (Lists){ .source = source, .home = viewing->home, .next = viewing->lists };
        viewing->lists = lists;
        return message_unpack(&carebus__v1__stored_lists__descriptor, value, viewing->arena,
                              (ProtobufCMessage **)&lists->said);
}

static void again_show(const Viewing *viewing, Carebus__V1__Fact *fact) {
        for (const Again *again = viewing->again; again; again = again->next) {
                if (again->home != viewing->home || !text_equal(again->source, fact->source) || !again->said->event_id)
                        continue;
                fact->confirmed_event_id = again->said->event_id;
                fact->has_confirmed_at = again->said->has_received_at;
                fact->confirmed_at = again->said->received_at;
        }
}

static int facts_add(Viewing *viewing, const char *name, Bytes value) {
        Carebus__V1__StoredSection *section;
        int r;

        r = message_unpack(&carebus__v1__stored_section__descriptor, value, viewing->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                /* Of some nothing is known but that another takes their place. */
                if (!section->facts[i]->fact->event_id)
                        continue;
                if (strcmp(name, SECTION_DEMOGRAPHICS) == 0)
                        again_show(viewing, section->facts[i]->fact);
                r = found_add(viewing, name, section->facts[i]);
        }
        return r;
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Viewing *viewing = owner;
        size_t n_id = strlen(viewing->home->patient_id) + 1;
        char *name;

        if (key.size <= n_id)
                return -EBADMSG;
        name = arena_text(viewing->arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        if (!name)
                return -ENOMEM;
        if (strcmp(name, SECTION_CONFLICTS) == 0)
                return conflicts_add(viewing, value);
        if (strcmp(name, SECTION_ACTIVITY) == 0 || strcmp(name, SECTION_SHARING) == 0)
                return 0;
        if (strcmp(name, SECTION_STANDING) == 0)
                return standing_note(viewing, value);
        if (text_starts_with(name, SECTION_LISTS "/"))
                return lists_note(viewing, name + strlen(SECTION_LISTS "/"), value);
        if (text_starts_with(name, SECTION_AGAIN "/"))
                return again_note(viewing, name + strlen(SECTION_AGAIN "/"), value);
        return facts_add(viewing, name, value);
}

int view_walk(Viewing *viewing) {
        int r = 0;

        for (size_t i = 0; i < viewing->n_persons; i++)
                for (size_t j = 0; j < viewing->persons[i]->n_said_moves && !viewing->renumbered; j++)
                        viewing->renumbered = viewing->persons[i]->said_moves[j]->now != NULL;
        for (size_t i = 0; r == 0 && i < viewing->n_persons; i++) {
                StateKey prefix = state_key_section(viewing->persons[i]->patient_id, NULL);

                viewing->home = viewing->persons[i];
                viewing->away = i >= viewing->n_members;
                r = state_walk(viewing->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                               section_seen, viewing);
        }
        return r;
}
