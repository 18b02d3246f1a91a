#include "daemon/stage/project.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/death.h"
#include "daemon/record/demographics.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/stage/activity.h"
#include "daemon/stage/again.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/echo.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join.h"
#include "daemon/stage/match.h"
#include "daemon/stage/numbers.h"
#include "daemon/stage/project-parts.h"
#include "daemon/stage/project-plain.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/review.h"
#include "daemon/stage/scope.h"
#include "daemon/stage/standing.h"
#include "proto/types.h"

/* Each look reads all that may contradict each other. Of a message with more events than so many, persons are looked at once, when all is
 * said: what it costs is bounded by what there is, not by its square. */
#define LOOKS_MAX 32

/* Numbers in Demographics. */
enum { FIELD_NAMES = 2, FIELD_BIRTH_DATE = 3, FIELD_SEX = 4, FIELD_DECEASED = 21, FIELD_RESTRICTED = 25 };

/* Did the source say the same before, and nothing else since? The fact tells: it was only confirmed. */
void told_note(Changes *changes, const Said *said, const Carebus__V1__StoredFact *stored) {
        changes->told = true;
        if (!text_equal(stored->fact->confirmed_event_id, said->event->event_id))
                changes->news = true;
}

int fact_of_source(FoldWork *work, Carebus__V1__StoredSection *section, const char *key,
                   Carebus__V1__StoredFact **ret) {
        Carebus__V1__StoredFact *stored = section_find(section, key, work->source);
        int r = 0;

        if (!stored) {
                stored = fact_new(key, work->source, work->arena);
                r = stored ? section_insert(section, stored, work->arena) : -ENOMEM;
        }
        *ret = stored;
        return r;
}

int fact_for(FoldWork *work, const Said *said, Carebus__V1__StoredSection *section, const char *key,
             Carebus__V1__StoredFact **ret) {
        return fact_of_source(work, section, key, ret) ?: fact_place(*ret, said, work->arena);
}

static const Carebus__V1__Demographics *demographics_of(const Carebus__V1__Event *event) {
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                return event->demographics;
        return event->patient ? event->patient->demographics : NULL;
}

static int birth_date_keep(FoldWork *work, const Said *said, Home *home, Carebus__V1__Date *date, Changes *changes) {
        Carebus__V1__Person *person;
        int r;

        r = home_person(work, home, &person);
        if (r || stamp_parts_compare(stamp_parts(person->birth_date_stamp), said->stamp) > 0)
                return r;
        changes->birth_date = true;
        person->birth_date = date;
        person->birth_date_stamp = stamp_make(said->stamp, work->arena);
        work_person_touch(work, person);
        return person->birth_date_stamp ? 0 : -ENOMEM;
}

/* What the source said last, so that it is known when it comes again. */
static int again_begin(FoldWork *work, const Said *said, const char *patient_id,
                       const Carebus__V1__StoredFact *stored) {
        Carebus__V1__SaidAgain *again = message_new(&carebus__v1__said_again__descriptor, work->arena);
        uint8_t *hash = arena_alloc(work->arena, DEMOGRAPHICS_HASH_SIZE);
        bool hashed;
        int r;

        if (!again || !hash)
                return -ENOMEM;
        r = demographics_hash(said, work->arena, hash);
        if (r < 0 && r != -ENODATA)
                return r;
        hashed = r == 0;
        r = numbers_with_hash(work, said, patient_id, again);
        if (r)
                return r;
        again->has_hash = hashed;
        again->hash = (ProtobufCBinaryData){ .len = hashed ? DEMOGRAPHICS_HASH_SIZE : 0, .data = hash };
        again->first = again->newest = stored->newest;
        again->event_id = stored->fact->confirmed_event_id;
        again->has_received_at = stored->fact->has_confirmed_at;
        again->received_at = stored->fact->confirmed_at;
        return again_put(work, patient_id, work->source, again);
}

/* Does it say that they live, or no longer that they died? Said again after a death, it contradicts that death anew. */
static bool speaks_against_death(const Carebus__V1__Event *event, const Carebus__V1__Demographics *demographics) {
        if (demographics->has_deceased)
                return !demographics->deceased;
        for (size_t i = 0; i < event->n_cleared; i++)
                if (strcmp(event->cleared[i], "demographics.deceased") == 0)
                        return true;
        return false;
}

static int project_demographics(FoldWork *work, const Said *said, Home *home, Changes *changes) {
        const Carebus__V1__Demographics *demographics = demographics_of(said->event);
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        FieldMask changed;
        bool noted;
        int r;

        if (!demographics)
                return numbers_keep(work, said, home->patient_id);
        changes->presence = speaks_against_death(said->event, demographics);
        r = again_note(work, said, home->patient_id, &noted);
        changes->told = changes->told || noted;
        if (r || noted)
                return r;
        r = numbers_keep(work, said, home->patient_id);
        r = r ?: again_section(work, home->patient_id, &section);
        if (r == 0)
                r = fact_for(work, said, section, work->source, &stored);
        if (r == 0)
                r = demographics_add(stored, said, demographics, work->arena, &changed);
        if (r)
                return r;
        changes->demographics = true;
        told_note(changes, said, stored);
        work_section_touch(work, section);
        r = relationship_keep(work, said, home->patient_id, SECTION_DEMOGRAPHICS, stored);
        if (r)
                return r;
        if (stamp_parts_compare(stamp_parts(stored->newest), said->stamp) == 0)
                r = again_begin(work, said, home->patient_id, stored);
        if (r == 0 && (changed & field_mask_of(FIELD_BIRTH_DATE)))
                r = birth_date_keep(work, said, home, stored->fact->demographics->birth_date, changes);
        if (changed & (field_mask_of(FIELD_BIRTH_DATE) | field_mask_of(FIELD_SEX) | field_mask_of(FIELD_DECEASED) |
                       field_mask_of(FIELD_NAMES) | field_mask_of(FIELD_RESTRICTED)))
                changes->contradictable = true;
        return r;
}

/* Of somebody who is not followed: by what they are known, and no more. */
static int project_traits(FoldWork *work, const Said *said, Home *home, Changes *changes) {
        const Carebus__V1__Demographics *demographics = demographics_of(said->event);
        int r = numbers_keep(work, said, home->patient_id);

        if (r || !demographics)
                return r;
        changes->demographics = true;
        changes->presence = speaks_against_death(said->event, demographics);
        return demographics->birth_date ? birth_date_keep(work, said, home, demographics->birth_date, changes) : 0;
}

static int project_death(FoldWork *work, const Said *said, const Home *home, Changes *changes) {
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        bool changed;
        int r;

        if (!death_is_said(said->event) || said->event->echo_of)
                return 0;
        r = work_section(work, home->patient_id, SECTION_DEATH, &section);
        if (r == 0)
                r = fact_for(work, said, section, work->source, &stored);
        if (r == 0)
                r = correction_of_fact(work, said, stored) ?: death_add(stored, said, work->arena, &changed);
        if (r)
                return r;
        told_note(changes, said, stored);
        work_section_touch(work, section);
        changes->contradictable = changes->contradictable || changed;
        /* Said again, it answers the signs of life before it. */
        changes->presence = true;
        return relationship_keep(work, said, home->patient_id, SECTION_DEATH, stored);
}

static bool is_encounter(const Carebus__V1__Event *event) {
        const EventType *type = event_type_find(event->type);

        return type && type->body == CAREBUS__V1__EVENT__BODY_ENCOUNTER &&
               (event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER ||
                event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET);
}

/* Evidence that points elsewhere: what the source's own number says holds, and both records say so. */
static int others_note(FoldWork *work, const Said *said, const Carebus__V1__Person *person,
                       const IdentifyOthers *others) {
        for (size_t i = 0; i < others->n; i++) {
                Carebus__V1__Person *a, *b;
                int r;

                r = work_person(work, others->patient_ids[i], &b);
                if (r == 0)
                        r = identify_answering(work, b, &b);
                if (r == 0)
                        r = identify_answering(work, person, &a);
                if (r == 0 && a != b)
                        r = conflict_between(work, said, a, b, "identifier-of-another-person");
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        return 0;
}

/* The sections that one table describes. */
static int project_others(FoldWork *work, const Said *said, const char *patient_id, Changes *changes) {
        PlainTold told = {};
        int r;

        r = project_plain(work, said, patient_id, &told);
        if (r == 0 && said->event->n_complete > 0)
                r = project_lists(work, said, patient_id);
        changes->told = changes->told || told.told;
        changes->news = changes->news || (told.told && !told.again);
        changes->contradictable = changes->contradictable || told.decisions;
        if (r == 0 && told.stored && !told.again)
                r = activity_note(work, said, patient_id, told.name, &changes->presence);
        return r;
}

/* Is there anything in the event that the record does not have, so that nobody can say whether it is new? */
static bool says_more(const Carebus__V1__Event *event) {
        if (event->n_notes > 0 || event->sensitivity || join_is_said(event))
                return true;
        switch (event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS:
        case CAREBUS__V1__EVENT__BODY_DEATH:
                return false;
        case CAREBUS__V1__EVENT__BODY_ENCOUNTER:
                return !is_encounter(event);
        case CAREBUS__V1__EVENT__BODY__NOT_SET:
                return !event_type_find(event->type);
        default:
                return !plain_row(event);
        }
}

/* Who they are is said anew: is it somebody we know under another number, or somebody else by now? */
static int project_identity(FoldWork *work, const Said *said, Carebus__V1__Person *person, const Changes *changes) {
        const Carebus__V1__Matching *before = NULL;
        bool known_otherwise = false;
        int r = 0;

        if (changes->demographics)
                r = match_note(work, said, person, &known_otherwise, &before);
        if (r == 0 && (before || changes->identifiers))
                r = overwrite_look(work, said, person, before, changes->identifiers);
        if (r == 0 && (changes->identifiers || changes->birth_date || known_otherwise))
                r = match_by_number(work, said, person);
        /* A number that is said and not traced is evidence too. */
        if (r == 0 && (known_otherwise || changes->identifiers))
                r = match_by_score(work, said, person);
        return r;
}

/* Of somebody who is one person only, their own sections tell quickly that there is nothing to look at. */
static int nothing_to_look_at(FoldWork *work, const Home *home, const Changes *changes, bool *ret) {
        Carebus__V1__StoredStandings *standings;
        Carebus__V1__StoredSection *death;
        int r = 0;

        *ret = !home->joined && (!home->person || home->person->n_moves == 0);
        if (*ret && changes->presence) {
                r = work_section(work, home->patient_id, SECTION_DEATH, &death);
                *ret = r == 0 && death->n_facts == 0;
        }
        if (r == 0 && *ret && changes->stay) {
                r = standings_get(work, home->patient_id, &standings);
                *ret = r == 0 && standings->n_decisions == 0;
        }
        return r;
}

/* To whom something was moved from here, what is said here may concern as well. */
static int conflicts_look_moved(FoldWork *work, const Said *said, const Carebus__V1__Person *home, bool deaths_only) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < home->n_moves; i++) {
                Carebus__V1__Person *other;
                bool looked = !home->moves[i]->away || strcmp(home->moves[i]->patient_id, home->patient_id) == 0;

                for (size_t j = 0; j < i && !looked; j++)
                        looked = home->moves[j]->away &&
                                 strcmp(home->moves[j]->patient_id, home->moves[i]->patient_id) == 0;
                if (looked)
                        continue;
                r = work_person(work, home->moves[i]->patient_id, &other);
                r = r == STATE_E_NOT_FOUND ? -EBADMSG : r ?: conflict_settle(work, said, other, deaths_only);
        }
        return r;
}

static int conflicts_look(FoldWork *work, const Said *said, Home *home, const Changes *changes) {
        bool whole = changes->identifiers || changes->birth_date || changes->contradictable, nothing;
        Carebus__V1__Person *person;
        int r;

        if (!whole && !changes->presence && !changes->stay)
                return 0;
        if (!whole) {
                r = nothing_to_look_at(work, home, changes, &nothing);
                if (r || nothing)
                        return r;
        }
        if (work->n_looks++ >= LOOKS_MAX)
                return work_look_later(work, home->patient_id, said);
        r = home_person(work, home, &person);
        if (r == 0 && (whole || changes->presence))
                r = conflict_settle(work, said, person, /* deaths_only= */ !whole);
        if (r == 0 && !whole && changes->stay)
                r = conflict_settle_stay(work, said, person);
        return r ?: conflicts_look_moved(work, said, person, /* deaths_only= */ !whole && !changes->stay);
}

/* Of an account that has been moved from here? Then the stay goes with it, now that it is known. */
static int account_look(FoldWork *work, const Said *said, const Home *home) {
        const Carebus__V1__Encounter *encounter = said->event->encounter;

        if (said->event->body_case != CAREBUS__V1__EVENT__BODY_ENCOUNTER || !encounter->account ||
            !encounter->identifier || !home->person || home->person->n_said_moves == 0)
                return 0;
        return join_account_again(work, said, home->person);
}

int project_end(FoldWork *work) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < work->later.n; i++) {
                const WorkLook *later = &work->later.items[i];
                Carebus__V1__Person *person;

                r = work_person(work, later->patient_id, &person);
                r = r ?: conflict_settle(work, &later->said, person, /* deaths_only= */ false);
                r = r ?: conflicts_look_moved(work, &later->said, person, /* deaths_only= */ false);
        }
        work->later.n = 0;
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* Who it is, when all that is told of them is known. */
static int project_who(FoldWork *work, const Said *said, Home *home, const Changes *changes) {
        Carebus__V1__Person *person;
        int r = 0;

        if (changes->identifiers)
                r = home_person(work, home, &person) ?: join_again(work, said, person);
        if (r == 0 && (changes->identifiers || changes->demographics))
                r = home_person(work, home, &person) ?: project_identity(work, said, person, changes);
        return r;
}

/* All but who they are. */
static int project_what(FoldWork *work, const Said *said, Home *home, bool aside, Changes *changes) {
        int r = project_death(work, said, home, changes);

        if (r == 0 && is_encounter(said->event))
                r = project_encounter(work, said, home, changes) ?: account_look(work, said, home);
        if (r == 0 && !aside)
                r = project_others(work, said, home->patient_id, changes);
        return r ?: relationship_keep_event(work, said, home->patient_id);
}

static int project_facts(FoldWork *work, const Said *said, Home *home, bool aside, Changes *changes) {
        int r = aside ? project_traits(work, said, home, changes) : project_demographics(work, said, home, changes);

        r = r ?: project_what(work, said, home, aside, changes);
        r = r ?: project_who(work, said, home, changes);
        return r ?: conflicts_look(work, said, home, changes);
}

/* By the words of the event, or as the last time that this source said just these. */
static int home_find(FoldWork *work, const Said *said, Home *home, Changes *changes, IdentifyOthers *others) {
        Carebus__V1__Identifier *const *identifiers;
        size_t n_identifiers;
        int r;

        if (identify_recall(work, said, home))
                return 0;
        identify_identifiers(said->event, &identifiers, &n_identifiers);
        r = identify_person(work, said, identifiers, n_identifiers, &home->person, &changes->identifiers, others);
        if (r == 0)
                home->patient_id = home->person->patient_id;
        if (r == 0 && !changes->identifiers && others->n == 0)
                r = identify_remember(work, said, home);
        return r;
}

/* Under which of its numbers it is said, for whoever makes facts of it. */
static int under_find(FoldWork *work, const Said *said, Home *home, Said *ret) {
        Carebus__V1__Identifier *const *identifiers;
        size_t n_identifiers;

        *ret = *said;
        ret->under = home->under;
        if (home->under == 0 && home->person) {
                identify_identifiers(said->event, &identifiers, &n_identifiers);
                ret->under = identify_under(home->person, identifiers, n_identifiers);
        }
        return home->person && home->person->n_doubts > 0 ? work_touch_record(work, home->patient_id) : 0;
}

/* Whose it is in the end: it may have been moved, or its person may be one with others. */
static int owner_find(FoldWork *work, const Said *said, const Carebus__V1__Person *home, Carebus__V1__Person **ret) {
        const Carebus__V1__Event *event = said->event;
        const Carebus__V1__Identifier *stay = event->encounter_id;
        const char *moved = NULL;
        Carebus__V1__Person *owner;
        int r;

        if (!stay && event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER)
                stay = event->encounter->identifier;
        if (home->n_moves > 0)
                moved = event_moved_to(home, work->source, said->under, stay);
        r = work_person(work, moved ?: home->patient_id, &owner);
        r = r ?: identify_answering(work, owner, ret);
        /* What it says may stand in the records of all to whom something was moved from here. */
        for (size_t i = 0; r == 0 && i < home->n_moves; i++)
                if (home->moves[i]->away)
                        r = work_touch_record(work, home->moves[i]->patient_id);
        if (r == 0 && home->n_doubts > 0)
                r = join_doubts_again(work, said, home);
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* Whose event it is waits for a person: it is given out all the same, and says so. */
static int unconfirmed_note(FoldWork *work, const Said *said, Home *home) {
        Carebus__V1__Outcome *outcome = &work->outcome;
        Carebus__V1__Person *person;
        int r = 0;

        if (home->person)
                r = review_is_open(work, home->person, &home->in_review);
        if (r || !home->in_review)
                return r;
        if (!outcome->unconfirmed)
                outcome->unconfirmed = arena_alloc(work->arena, work->n_events * sizeof(*outcome->unconfirmed));
        if (!outcome->unconfirmed)
                return -ENOMEM;
        outcome->unconfirmed[outcome->n_unconfirmed++] = said->stamp.index;
        r = home_person(work, home, &person);
        return r ?: review_note(work, said, person);
}

/* What came back is told by the event itself, for whoever makes facts of it. */
static int echo_mark(FoldWork *work, Said *placed, const char *patient_id) {
        Carebus__V1__Event *event;
        char *of;
        int r = echo_look(work, placed, patient_id, &of);

        if (r || !of)
                return r;
        event = message_shallow_copy(&placed->event->base, work->arena);
        if (!event)
                return -ENOMEM;
        event->echo_of = of;
        placed->event = event;
        placed->packed = BYTES_NULL;
        return 0;
}

/* What it says of the person beside who they are, where no other source said the same before. */
static int project_own_demographics(FoldWork *work, const Said *said, Home *home, Changes *changes) {
        bool copied;
        int r = echo_says_person(work, said, home->patient_id, &copied);

        return r || copied ? r : project_demographics(work, said, home, changes);
}

int project_set_aside(FoldWork *work, const Said *as_said, Carebus__V1__Person *person) {
        Home home = { .patient_id = person->patient_id, .person = person, .joined = true };
        Said placed = *as_said;
        const Said *said = &placed;
        Changes changes = {};
        int r;

        r = under_find(work, as_said, &home, &placed);
        r = r ?: echo_mark(work, &placed, home.patient_id);
        r = r ?: project_own_demographics(work, said, &home, &changes);
        r = r ?: project_others(work, said, home.patient_id, &changes);
        return r ?: conflicts_look(work, said, &home, &changes);
}

/* Of a system to which the bus delivers: who it is, first, since what came back is known by what all who are one have said. A number that
 * nobody knew is news all the same. */
static int project_returned(FoldWork *work, Said *placed, Home *home, bool aside, Changes *changes) {
        int r;

        r = project_traits(work, placed, home, changes);
        r = r ?: project_who(work, placed, home, changes);
        home->joined = true;
        if (r == 0 && !(changes->identifiers && placed->event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS &&
                        !echo_names_person(work, placed->event)))
                r = echo_mark(work, placed, home->patient_id);
        if (r == 0 && placed->event->echo_of)
                r = echo_note(work, placed->stamp.index, placed->event->echo_of);
        if (r == 0 && !aside)
                r = project_own_demographics(work, placed, home, changes);
        r = r ?: project_what(work, placed, home, aside, changes);
        return r ?: conflicts_look(work, placed, home, changes);
}

int project_event(FoldWork *work, const Said *as_said, const char **ret_patient_id) {
        const Carebus__V1__Event *event = as_said->event;
        Said placed = *as_said;
        const Said *said = &placed;
        Carebus__V1__Person *answering;
        IdentifyOthers others = {};
        Changes changes = {};
        Home home = {};
        bool aside = false;
        int r;

        *ret_patient_id = "";
        if (!identify_needs_person(event))
                return 0;
        if (join_is_said(event)) {
                r = join_apply(work, said, &home.person);
                if (r == 0)
                        home.patient_id = home.person->patient_id;
        } else
                r = home_find(work, said, &home, &changes, &others);
        if (r == 0 && !join_is_said(event))
                r = scope_enter(work, said, &home, &aside);
        if (r == 0)
                r = under_find(work, as_said, &home, &placed);
        if (r == 0)
                r = !join_is_said(event) && echo_is_possible(work)
                            ? project_returned(work, &placed, &home, aside, &changes)
                            : project_facts(work, said, &home, aside, &changes);
        if (r == 0 && others.n > 0)
                r = others_note(work, said, home.person, &others);
        if (r == 0)
                r = unconfirmed_note(work, said, &home);
        if (r == 0 && changes.told && !changes.news && !changes.identifiers && !says_more(event))
                r = work_confirm(work, said->stamp.index);
        if (r)
                return r;
        *ret_patient_id = home.answering;
        if (!home.answering || home.person) {
                /* What the event brought may have changed it. */
                r = home_person(work, &home, &home.person);
                r = r ?: owner_find(work, said, home.person, &answering);
                if (r)
                        return r;
                *ret_patient_id = answering->patient_id;
        }
        return work_index_patient(work, *ret_patient_id, said->stamp.index);
}
