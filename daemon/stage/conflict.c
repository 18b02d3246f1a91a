#include "daemon/stage/conflict.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/record/death.h"
#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"
#include "daemon/stage/again.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/project-plain.h"

/* Closed ones that a person keeps; the journal has all. */
#define CLOSED_MAX 32

enum { FIELD_BIRTH_DATE = 3, FIELD_SEX = 4, FIELD_DECEASED = 21 }; /* numbers in Demographics */
#define PATH_DECEASED "demographics.deceased"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__StoredConflict StoredConflict;
typedef Carebus__V1__StoredConflicts StoredConflicts;

/* A contradiction that there is now. */
typedef struct Wanted {
        const char *key;
        const char *section;
        const char *path;
        const char *reason;
        char **event_ids;
        size_t n_event_ids;
        bool found; /* it is open already */
} Wanted;

/* One source's word, of whichever id it came under. */
typedef struct Word {
        Carebus__V1__StoredFact *stored;
        size_t member;
} Word;

typedef struct Look {
        FoldWork *work;
        Person **members; /* who answers first */
        size_t n_members;
        Word *words; /* demographics, one a source */
        size_t n_words;
        Word *deaths; /* standing, one a source */
        size_t n_deaths;
        Wanted *wanted;
        size_t n_wanted, room;
} Look;

static Wanted *wanted_add(Look *look, const char *key, const char *section, const char *path, const char *reason) {
        if (!key)
                return NULL;
        if (look->n_wanted == look->room) {
                size_t room = look->room ? look->room * 2 : 8;
                Wanted *grown = arena_alloc(look->work->arena, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                if (look->n_wanted > 0)
                        memcpy(grown, look->wanted, look->n_wanted * sizeof(*grown));
                look->wanted = grown;
                look->room = room;
        }
        look->wanted[look->n_wanted] = (Wanted){ .key = key, .section = section, .path = path, .reason = reason };
        return &look->wanted[look->n_wanted++];
}

static int wanted_claim(Look *look, Wanted *wanted, const char *event_id) {
        return wanted ? list_append((void ***)&wanted->event_ids, &wanted->n_event_ids, (void *)event_id,
                                    look->work->arena)
                      : -ENOMEM;
}

/* The event that last said a field: its place is the stamp's. */
static int wanted_claim_field(Look *look, Wanted *wanted, const Carebus__V1__StoredFact *stored, unsigned number) {
        StampParts stamp = demographics_stamp(stored, number);
        char *event_id = id_text("", stamp.seq, stamp.index, look->work->arena);

        return event_id ? wanted_claim(look, wanted, event_id) : -ENOMEM;
}

static int words_gather(Look *look, const char *name, bool (*counts)(const Carebus__V1__StoredFact *), Word **ret,
                        size_t *ret_n) {
        size_t n = 0, room = 0;
        Word *words = NULL;

        for (size_t i = 0; i < look->n_members; i++) {
                Carebus__V1__StoredSection *section;
                int r = strcmp(name, SECTION_DEMOGRAPHICS) == 0
                                ? again_section(look->work, look->members[i]->patient_id, &section)
                                : work_section(look->work, look->members[i]->patient_id, name, &section);

                if (r)
                        return r;
                for (size_t j = 0; j < section->n_facts; j++) {
                        Carebus__V1__StoredFact *stored = section->facts[j];
                        size_t k = 0;

                        if (!counts(stored))
                                continue;
                        while (k < n && !text_equal(words[k].stored->fact->source, stored->fact->source))
                                k++;
                        /* What a source says of the survivor goes before what it said of the retired; of several retired the newest. */
                        if (k < n &&
                            (words[k].member == 0 || stamp_compare(words[k].stored->newest, stored->newest) > 0))
                                continue;
                        if (n == room) {
                                Word *grown = arena_alloc(look->work->arena,
                                                          (room = room ? room * 2 : 4) * sizeof(*grown));

                                if (!grown)
                                        return -ENOMEM;
                                if (n > 0)
                                        memcpy(grown, words, n * sizeof(*grown));
                                words = grown;
                        }
                        words[k] = (Word){ .stored = stored, .member = i };
                        n = MAX(n, k + 1);
                }
        }
        *ret = words;
        *ret_n = n;
        return 0;
}

static bool word_counts(const Carebus__V1__StoredFact *stored) {
        return stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS;
}

static bool sexes_differ(const Carebus__V1__Coded *a, const Carebus__V1__Coded *b) {
        static const char *const unknown[] = { "unknown", "0", "9", "U", "X" };

        if (!a || !b || !a->code || !b->code || !text_equal(a->system, b->system) || strcmp(a->code, b->code) == 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(unknown); i++)
                if (strcmp(a->code, unknown[i]) == 0 || strcmp(b->code, unknown[i]) == 0)
                        return false;
        return true;
}

static bool words_differ(const Word *a, const Word *b, unsigned number) {
        const Carebus__V1__Demographics *x = a->stored->fact->demographics, *y = b->stored->fact->demographics;

        return number == FIELD_SEX ? sexes_differ(x->sex, y->sex) : birth_dates_differ(x->birth_date, y->birth_date);
}

/* All who take part in a disagreement on one field. */
static int look_at_field(Look *look, unsigned number, const char *key, const char *path, const char *reason) {
        Wanted *wanted = NULL;

        for (size_t i = 0; i < look->n_words; i++) {
                bool differs = false;
                int r;

                for (size_t j = 0; j < look->n_words && !differs; j++)
                        differs = words_differ(&look->words[i], &look->words[j], number);
                if (!differs)
                        continue;
                if (!wanted)
                        wanted = wanted_add(look, key, SECTION_DEMOGRAPHICS, path, reason);
                r = wanted_claim_field(look, wanted, look->words[i].stored, number);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool source_says_dead(const Look *look, const char *source) {
        for (size_t i = 0; i < look->n_deaths; i++)
                if (text_equal(look->deaths[i].stored->fact->source, source))
                        return true;
        return false;
}

static int look_at_activity(Look *look, const Carebus__V1__StoredFact *death) {
        for (size_t i = 0; i < look->n_members; i++) {
                Carebus__V1__StoredActivities *all;
                int r;

                r = work_activities(look->work, look->members[i]->patient_id, &all);
                if (r)
                        return r;
                for (size_t j = 0; j < all->n_activities; j++) {
                        const Carebus__V1__Activity *activity = all->activities[j];
                        Wanted *wanted;

                        if (source_says_dead(look, activity->source) || activity->occurred_at < death_over_at(death))
                                continue;
                        wanted = wanted_add(look,
                                            arena_format(look->work->arena, "death/%s/activity/%s", death->fact->source,
                                                         activity->source),
                                            SECTION_DEATH, "activity", "activity-after-death");
                        r = wanted_claim(look, wanted, death->fact->event_id);
                        r = r ?: wanted_claim(look, wanted, activity->event_id);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static bool deceased_is_emptied(const Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < fact->n_cleared; i++)
                if (strcmp(fact->cleared[i], PATH_DECEASED) == 0)
                        return true;
        return false;
}

/* How a source stands to a death after it was said: NULL where it does not contradict. Emptying a field withdraws the sender's own
 * claim and no other's; the death stays, but somebody has to look. */
static const char *denial_reason(const Carebus__V1__StoredFact *stored, const Carebus__V1__StoredFact *death) {
        if (stored->fact->demographics->has_deceased)
                return stored->fact->demographics->deceased ? NULL : "said-to-be-alive";
        return text_equal(stored->fact->source, death->fact->source) && deceased_is_emptied(stored->fact)
                       ? "death-no-longer-said"
                       : NULL;
}

static int look_at_denial(Look *look, const Carebus__V1__StoredFact *death) {
        StampParts died = { .said_at = death->fact->recorded_at && death->fact->recorded_at->has_utc_at
                                               ? death->fact->recorded_at->utc_at
                                               : death->fact->received_at };

        for (size_t i = 0; i < look->n_words; i++) {
                const Carebus__V1__StoredFact *stored = look->words[i].stored;
                const char *reason = denial_reason(stored, death);
                Wanted *wanted;
                int r;

                if (!reason || demographics_stamp(stored, FIELD_DECEASED).said_at <= died.said_at)
                        continue;
                wanted = wanted_add(look,
                                    arena_format(look->work->arena, "death/%s/%s/%s", death->fact->source,
                                                 stored->fact->demographics->has_deceased ? "denied" : "emptied",
                                                 stored->fact->source),
                                    SECTION_DEATH, "deceased", reason);
                r = wanted_claim(look, wanted, death->fact->event_id);
                r = r ?: wanted_claim_field(look, wanted, stored, FIELD_DECEASED);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int look_at_numbers(Look *look) {
        const Carebus__V1__PersonIdentifier *first = NULL, *kept;
        Wanted *wanted = NULL;

        for (size_t i = 0; i < look->n_members; i++)
                for (size_t at = 0; (kept = identify_verified(look->members[i], &at)); at++) {
                        int r = 0;

                        if (!first)
                                first = kept;
                        if (!text_equal(first->identifier->system, kept->identifier->system) ||
                            identifier_same(first->identifier, kept->identifier))
                                continue;
                        if (!wanted) {
                                wanted = wanted_add(look, "identity/number", SECTION_DEMOGRAPHICS, "identifiers",
                                                    "two-verified-numbers");
                                r = wanted_claim(look, wanted, first->event_id);
                        }
                        r = r ?: wanted_claim(look, wanted, kept->event_id);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Decisions about resuscitation that stand, of all sources and of all that were said: one a fact, whichever id it came under. */
static int standings_gather(Look *look, Carebus__V1__Standing ***ret, size_t *ret_n) {
        size_t n = 0;
        int r = 0;

        *ret = NULL;
        for (size_t i = 0; r == 0 && i < look->n_members; i++) {
                Carebus__V1__StoredStandings *all;

                r = project_standings(look->work, look->members[i]->patient_id, &all);
                for (size_t j = 0; r == 0 && j < all->n_decisions; j++) {
                        size_t k = 0;

                        while (k < n && strcmp((*ret)[k]->fact, all->decisions[j]->fact) != 0)
                                k++;
                        if (k == n)
                                r = list_append((void ***)ret, &n, all->decisions[j], look->work->arena);
                        else if (stamp_compare(all->decisions[j]->stamp, (*ret)[k]->stamp) > 0)
                                (*ret)[k] = all->decisions[j];
                }
        }
        *ret_n = n;
        return r;
}

/* Two that stand and say different things are both shown: nobody but a person chooses between them. */
static int look_at_decisions(Look *look) {
        Carebus__V1__Standing **all;
        Wanted *wanted = NULL;
        size_t n;
        int r;

        r = standings_gather(look, &all, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool differs = false;

                for (size_t j = 0; all[i]->stands && j < n && !differs; j++)
                        differs = all[j]->stands && !text_equal(all[i]->says, all[j]->says);
                if (!differs)
                        continue;
                if (!wanted)
                        wanted = wanted_add(look, "decisions/cpr", "decisions", "decision", "cpr-decisions-differ");
                r = wanted_claim(look, wanted, all[i]->event_id);
        }
        return r;
}

static int look_around(Look *look) {
        int r;

        r = words_gather(look, SECTION_DEMOGRAPHICS, word_counts, &look->words, &look->n_words);
        if (r == 0)
                r = words_gather(look, SECTION_DEATH, death_stands, &look->deaths, &look->n_deaths);
        if (r == 0)
                r = look_at_field(look, FIELD_BIRTH_DATE, "demographics/birth_date", "birth_date",
                                  "birth-dates-differ");
        if (r == 0)
                r = look_at_field(look, FIELD_SEX, "demographics/sex", "sex", "sexes-differ");
        if (r == 0)
                r = look_at_numbers(look);
        if (r == 0)
                r = look_at_decisions(look);
        for (size_t i = 0; r == 0 && i < look->n_deaths; i++) {
                r = look_at_activity(look, look->deaths[i].stored);
                r = r ?: look_at_denial(look, look->deaths[i].stored);
        }
        return r;
}

/* Has anybody of the group another verified number of that system? */
static bool group_has_other(Person *const *group, size_t n_group, const Carebus__V1__Identifier *number) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_group; i++)
                for (size_t at = 0; (kept = identify_verified(group[i], &at)); at++)
                        if (text_equal(kept->identifier->system, number->system) &&
                            !identifier_same(kept->identifier, number))
                                return true;
        return false;
}

static bool group_has(Person *const *group, size_t n_group, const Carebus__V1__Identifier *number) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_group; i++)
                for (size_t at = 0; (kept = identify_verified(group[i], &at)); at++)
                        if (identifier_same(kept->identifier, number))
                                return true;
        return false;
}

bool conflict_numbers_differ(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_a; i++)
                for (size_t at = 0; (kept = identify_verified(a[i], &at)); at++)
                        if (group_has_other(b, n_b, kept->identifier))
                                return true;
        return false;
}

/* Have they a verified number in common, and birth dates that differ? */
static bool same_number_other_birth_date(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        const Carebus__V1__PersonIdentifier *kept;
        bool shares = false, differs = false;

        for (size_t i = 0; i < n_a; i++) {
                for (size_t at = 0; (kept = identify_verified(a[i], &at)); at++)
                        shares = shares || group_has(b, n_b, kept->identifier);
                for (size_t j = 0; j < n_b; j++)
                        differs = differs || birth_dates_differ(a[i]->birth_date, b[j]->birth_date);
        }
        return shares && differs;
}

static int conflicts_of(FoldWork *work, const Person *person, StoredConflicts **ret) {
        StateKey key = state_key_section(person->patient_id, SECTION_CONFLICTS);
        int r;

        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_conflicts__descriptor, (ProtobufCMessage **)ret);
        if (r != STATE_E_NOT_FOUND)
                return r;
        *ret = message_new(&carebus__v1__stored_conflicts__descriptor, work->arena);
        return *ret ? 0 : -ENOMEM;
}

static int conflicts_keep(FoldWork *work, const Person *person, StoredConflicts *conflicts) {
        StateKey key = state_key_section(person->patient_id, SECTION_CONFLICTS);
        size_t n_closed = 0;

        for (size_t i = conflicts->n_conflicts; i > 0; i--)
                if (conflicts->conflicts[i - 1]->conflict->has_closed_at && ++n_closed > CLOSED_MAX) {
                        memmove(&conflicts->conflicts[i - 1], &conflicts->conflicts[i],
                                (conflicts->n_conflicts - i) * sizeof(*conflicts->conflicts));
                        conflicts->n_conflicts--;
                }
        return work_put(work, STATE_SECTION, &key, &conflicts->base);
}

/* The bus says that a contradiction opened or closed; *ret_id: of that event. */
static int conflict_publish(FoldWork *work, const Said *said, const char *type, const char *about,
                            const StoredConflict *stored, char **ret_id) {
        Carebus__V1__Event *event = work_event(work, type);
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        int r;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = stored->conflict->reason;
        notice->section = stored->conflict->section;
        notice->path = stored->conflict->path;
        notice->event_ids = stored->conflict->event_ids;
        notice->n_event_ids = stored->conflict->n_event_ids;
        notice->conflict_id = stored->conflict->id;
        r = list_append((void ***)&notice->patient_ids, &notice->n_patient_ids, (void *)about, work->arena);
        for (size_t i = 0; r == 0 && i < stored->n_patient_ids; i++)
                r = list_append((void ***)&notice->patient_ids, &notice->n_patient_ids, stored->patient_ids[i],
                                work->arena);
        if (r < 0)
                return r;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        r = work_derive(work, event, about, said, ret_id);
        if (r == 0 && !notice->conflict_id)
                notice->conflict_id = *ret_id;
        for (size_t i = 0; r == 0 && i < stored->n_patient_ids; i++)
                r = work_index_patient(work, stored->patient_ids[i],
                                       work->n_events + (uint32_t)work->outcome.n_derived - 1);
        return r;
}

static StoredConflict *conflict_new(FoldWork *work, const Wanted *wanted) {
        StoredConflict *stored = message_new(&carebus__v1__stored_conflict__descriptor, work->arena);
        Carebus__V1__Conflict *conflict = message_new(&carebus__v1__conflict__descriptor, work->arena);

        if (!stored || !conflict)
                return NULL;
        stored->conflict = conflict;
        stored->key = (char *)wanted->key;
        conflict->section = (char *)wanted->section;
        conflict->path = (char *)wanted->path;
        conflict->reason = (char *)wanted->reason;
        conflict->event_ids = wanted->event_ids;
        conflict->n_event_ids = wanted->n_event_ids;
        conflict->has_opened_at = 1;
        conflict->opened_at = work->received_at;
        return stored;
}

static int conflict_close(FoldWork *work, const Said *said, const char *about, StoredConflict *stored) {
        char *event_id;

        stored->conflict->has_closed_at = 1;
        stored->conflict->closed_at = work->received_at;
        return conflict_publish(work, said, "conflict.closed", about, stored, &event_id);
}

/* Is what once pointed to two persons still so? */
static int pair_stands(FoldWork *work, const Look *look, const StoredConflict *stored, bool *ret) {
        const char *reason = stored->conflict->reason;
        Person *other, **others;
        size_t n_others;
        int r;

        *ret = true;
        r = work_person(work, stored->patient_ids[0], &other);
        if (r == 0)
                r = identify_members(work, other, &others, &n_others);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        if (others[0] == look->members[0])
                *ret = false;
        else if (strcmp(reason, "same-number-other-birth-date") == 0)
                *ret = same_number_other_birth_date(look->members, look->n_members, others, n_others);
        else if (strcmp(reason, "two-verified-numbers") == 0)
                *ret = conflict_numbers_differ(look->members, look->n_members, others, n_others);
        return 0;
}

/* The same conflict stands with the other person: it closes there too, without being said twice. */
static int pair_close_other(FoldWork *work, const StoredConflict *closed) {
        for (size_t i = 0; i < closed->n_patient_ids; i++) {
                StoredConflicts *conflicts;
                Person *other;
                int r;

                r = work_person(work, closed->patient_ids[i], &other);
                if (r == 0)
                        r = conflicts_of(work, other, &conflicts);
                for (size_t j = 0; r == 0 && j < conflicts->n_conflicts; j++)
                        if (strcmp(conflicts->conflicts[j]->conflict->id, closed->conflict->id) == 0) {
                                conflicts->conflicts[j]->conflict->has_closed_at = 1;
                                conflicts->conflicts[j]->conflict->closed_at = closed->conflict->closed_at;
                                r = conflicts_keep(work, other, conflicts);
                        }
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        return 0;
}

/* What is open stays open, or closes. */
static int stored_settle(Look *look, const Said *said, const Person *holder, StoredConflicts *conflicts) {
        const char *about = look->members[0]->patient_id;
        bool changed = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < conflicts->n_conflicts; i++) {
                StoredConflict *stored = conflicts->conflicts[i];
                bool stands = false;

                if (stored->conflict->has_closed_at)
                        continue;
                if (stored->n_patient_ids > 0)
                        r = pair_stands(look->work, look, stored, &stands);
                for (size_t j = 0; j < look->n_wanted && !stands; j++)
                        if (strcmp(look->wanted[j].key, stored->key) == 0) {
                                stands = look->wanted[j].found = true;
                                stored->conflict->event_ids = look->wanted[j].event_ids;
                                stored->conflict->n_event_ids = look->wanted[j].n_event_ids;
                                changed = true;
                        }
                if (r == 0 && !stands) {
                        r = conflict_close(look->work, said, about, stored);
                        r = r ?: pair_close_other(look->work, stored);
                        changed = true;
                }
        }
        return r == 0 && changed ? conflicts_keep(look->work, holder, conflicts) : r;
}

static int conflict_open(FoldWork *work, const Said *said, const Person *person, StoredConflicts *conflicts,
                         StoredConflict *stored) {
        int r;

        r = conflict_publish(work, said, "conflict.opened", person->patient_id, stored, &stored->conflict->id);
        if (r == 0)
                r = list_append((void ***)&conflicts->conflicts, &conflicts->n_conflicts, stored, work->arena);
        return r;
}

static int anybody_said_dead(Look *look, bool *ret) {
        *ret = false;
        for (size_t i = 0; i < look->n_members && !*ret; i++) {
                Carebus__V1__StoredSection *section;
                int r = work_section(look->work, look->members[i]->patient_id, SECTION_DEATH, &section);

                if (r)
                        return r;
                *ret = section->n_facts > 0;
        }
        return 0;
}

int conflict_settle(FoldWork *work, const Said *said, Person *person, bool deaths_only) {
        Look look = { .work = work };
        StoredConflicts *conflicts;
        bool opened = false, dead = true;
        int r;

        r = identify_members(work, person, &look.members, &look.n_members);
        if (r == 0 && deaths_only)
                r = anybody_said_dead(&look, &dead);
        if (r || !dead)
                return r;
        r = look_around(&look);
        for (size_t i = 0; r == 0 && i < look.n_members; i++) {
                r = conflicts_of(work, look.members[i], &conflicts);
                if (r == 0 && conflicts->n_conflicts > 0)
                        r = stored_settle(&look, said, look.members[i], conflicts);
        }
        if (r == 0)
                r = conflicts_of(work, look.members[0], &conflicts);
        for (size_t i = 0; r == 0 && i < look.n_wanted; i++) {
                StoredConflict *stored;

                if (look.wanted[i].found)
                        continue;
                stored = conflict_new(work, &look.wanted[i]);
                r = stored ? conflict_open(work, said, look.members[0], conflicts, stored) : -ENOMEM;
                opened = true;
        }
        return r == 0 && opened ? conflicts_keep(work, look.members[0], conflicts) : r;
}

static bool is_open(const StoredConflicts *conflicts, const char *key) {
        for (size_t i = 0; i < conflicts->n_conflicts; i++)
                if (!conflicts->conflicts[i]->conflict->has_closed_at && strcmp(conflicts->conflicts[i]->key, key) == 0)
                        return true;
        return false;
}

int conflict_between(FoldWork *work, const Said *said, Person *a, Person *b, const char *reason) {
        Person *first = id_compare(a->patient_id, b->patient_id) < 0 ? a : b, *second = first == a ? b : a;
        char *key = arena_format(work->arena, "identity/%s/%s/%s", reason, first->patient_id, second->patient_id);
        Wanted wanted = { .key = key, .section = SECTION_DEMOGRAPHICS, .path = "identifiers", .reason = reason };
        StoredConflict *with_a, *with_b;
        StoredConflicts *conflicts;
        int r;

        r = key ? conflicts_of(work, a, &conflicts) : -ENOMEM;
        if (r || is_open(conflicts, key))
                return r;
        r = list_append((void ***)&wanted.event_ids, &wanted.n_event_ids, said->event->event_id, work->arena);
        with_a = r == 0 ? conflict_new(work, &wanted) : NULL;
        if (!with_a ||
            list_append((void ***)&with_a->patient_ids, &with_a->n_patient_ids, b->patient_id, work->arena) < 0)
                return -ENOMEM;
        r = conflict_open(work, said, a, conflicts, with_a);
        if (r == 0)
                r = conflicts_keep(work, a, conflicts);
        if (r == 0)
                r = conflicts_of(work, b, &conflicts);
        if (r)
                return r;
        with_b = message_shallow_copy(&with_a->base, work->arena);
        if (!with_b)
                return -ENOMEM;
        with_b->n_patient_ids = 0;
        with_b->patient_ids = NULL;
        r = list_append((void ***)&with_b->patient_ids, &with_b->n_patient_ids, a->patient_id, work->arena);
        r = r ?: list_append((void ***)&conflicts->conflicts, &conflicts->n_conflicts, with_b, work->arena);
        return r ?: conflicts_keep(work, b, conflicts);
}
