/*
 * Who has a relationship with whom follows from what was said and from the settings, and from nothing else: random histories of stays,
 * referrals, care teams, appointments, contacts, practices, consents, restricted addresses, deaths, merges and moves, with other settings
 * in between (teams, organisations, whose source it is, how long things linger, who is followed) and ticks, told in random orders, come to
 * the same for everybody once time has passed. In each order:
 * - what is kept equals what the facts of the record come to by themselves, at the end and behind every single entry that changes the
 *   settings: nobody has to say anything first;
 * - what is to end by the newest tick has ended, and nothing else;
 * - who was told of a relationship last has one, and who was told of its end has none; where nobody was merged the two alternate (whoever
 *   answers again after a merge tells anew of what there is);
 * - a rebuild in transactions of other sizes makes the same state.
 * Every run tells histories of the same seeds, and every night those of a seed that is drawn (CAREBUS_NIGHTLY). CAREBUS_SEED repeats a
 * run, CAREBUS_HISTORIES says how many.
 *
 * Settings come in the order of their numbers, since the newest counts. Left out of the comparison are event ids and homes, which are
 * numbered by arrival, and since when a practice is somebody's, which is when it was last said.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/relationships.h"
#include "daemon/store/state-keys.h"
#include "tests/scenario/expect-sharing.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/story-sharing.h"
#include "tests/scenario/world.h"

#define HISTORIES 5 /* of each seed of every run */
#define HISTORIES_LONG 200
#define ORDERS 5
#define MESSAGES_MAX 40
#define WORDS_MAX 24
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static const uint64_t seeds[] = { 16, 4765615022994910864U, 11, 23, 42, 101, 1009, 65537, 271828, 31415926 };
static uint64_t seed, arg_seed; /* 0: those of every run */

static size_t draw(size_t n) {
        return (size_t)(world_random(&seed) % n);
}

typedef enum Kind { SAID, SETTINGS, TICK } Kind;

typedef struct Message {
        Kind kind;
        const char *source;
        char *line;
        size_t settings; /* which variant */
} Message;

typedef struct History {
        Arena *arena;
        Message messages[MESSAGES_MAX];
        size_t n_messages;
        bool joins; /* somebody was merged or moved */
} History;

static struct { size_t granted, withdrawn, ended, objections, restricted, died, settings; } seen;

static const char *const sources[] = { "pas", "gp", "ooh" };
static const char *const numbers[] = { "9434765919", "4505577104" };
static const char *const births[] = { "1950-02-03", "1961-12-24" };
static const char *const organisations[] = { "RXX", "A81001", "8HX01", "CARE1" };

/* A source's team each, teams, lingers. The first stands at the beginning. */
static const struct {
        const char *teams[3];
        const char *words[7];
        bool people_all;
} variants[] = {
        { { "hospital", "practice", "night" },
          { "team=hospital/clinical/RXX", "team=practice/clinical/A81001", "team=night/ambulance/OOH",
            "team=hospice/clinical/8HX01", "days=14/90", "hours=72" },
          true },
        { { "ward", "practice", NULL },
          { "team=ward/clinical/RXX/Ward", "team=practice/clinical/A81001", "team=care/social-care/CARE1", "days=1/2" },
          true },
        { { "hospital", NULL, "night" },
          { "team=hospital/clinical/A81001", "team=night/ambulance/RXX", "days=0/0", "hours=1" },
          true },
        { { "hospital", "practice", "night" },
          { "team=hospital/clinical/RXX", "team=practice/clinical/A81001", "days=30/30" },
          false },
        { { NULL, NULL, NULL }, { "team=hospice/clinical/8HX01", "team=beds/clinical/8HX01/Beds" }, true },
};

__attribute__((format(printf, 3, 4))) static void tell(History *history, size_t source, const char *format, ...) {
        size_t n = history->n_messages++;
        char words[400];
        va_list args;

        assert_in_range(n, 0, MESSAGES_MAX - 1);
        va_start(args, format);
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
        history->messages[n] = (Message){ .source = sources[source] };
        history->messages[n].line = arena_format(history->arena, "%s said=%02zu:%02zu", words, 8 + n / 60, n % 60);
}

static const char *id_of(History *history, size_t source, size_t person, const char *kind) {
        return arena_format(history->arena, "%s%s%zu", sources[source], kind, person);
}

static void tell_person(History *history, size_t source, size_t person) {
        const char *id = id_of(history, source, person, "A");
        const char *restricted[] = { "", "", " restricted=yes", " restricted=no", " cleared=demographics.practice" };

        tell(history, source, "patient.updated mrn=%s nhs=%s/verified born=%s family=F%zu phone=%zu%s%s%s", id,
             numbers[person], births[person], person, history->n_messages, restricted[draw(5)],
             draw(2) ? " demographics.practice.identifier=ODS|" : "", "");
        /* The last word of the line may want its organisation. */
        char *line = history->messages[history->n_messages - 1].line, *at = strstr(line, "ODS| ");
        if (at)
                history->messages[history->n_messages - 1].line = arena_format(
                        history->arena, "%.*sODS|%s%s", (int)(at - line), line, organisations[draw(4)], at + 4);
}

static void tell_stay(History *history, size_t source, size_t person) {
        static const char *const types[] = {
                "admitted", "admitted", "transferred", "discharged", "discharge_cancelled", "admission_cancelled"
        };
        const char *id = id_of(history, source, person, draw(3) ? "A" : "B");

        tell(history, source, "encounter.%s mrn=%s visit=V%zu%zu%s admitted=07:%02zu%s", types[draw(ELEMENTSOF(types))],
             id, person, draw(2), draw(3) ? "" : " encounter.class=EMER", 10 + draw(40),
             draw(10) ? "" : " action=entered-in-error");
}

static void tell_referral(History *history, size_t source, size_t person) {
        static const char *const types[] = { "requested", "requested", "accepted", "declined", "closed" };
        const char *type = types[draw(ELEMENTSOF(types))];

        tell(history, source,
             "referral.%s mrn=%s referral=R%zu referral.identifier=R%zu referral.status=%s "
             "referral.to.organisation.identifier=ODS|%s%s",
             type, id_of(history, source, person, "A"), person, person, type, organisations[draw(4)],
             draw(2) ? "" : " referral.to.name='Beds'");
}

static void tell_plan(History *history, size_t source, size_t person) {
        const char *id = id_of(history, source, person, "A"), *organisation = organisations[draw(4)];

        switch (draw(5)) {
        case 0:
                tell(history, source,
                     "appointment.booked mrn=%s appointment=P%zu appointment.identifier=P%zu appointment.status=booked "
                     "appointment.start_at=2024-03-%02zuT10:00 appointment.service.organisation.identifier=ODS|%s",
                     id, person, person, 6 + draw(20), organisation);
                return;
        case 1:
                tell(history, source,
                     "contact.recorded mrn=%s contact.identifier=C%zu contact.status=done contact.start_at=07:%02zu",
                     id, draw(2), 10 + draw(40));
                return;
        case 2:
                tell(history, source,
                     "visit.planned mrn=%s contact.identifier=C%zu contact.status=planned "
                     "contact.planned_at=2024-03-%02zuT09:00 contact.by.organisation.identifier=ODS|%s",
                     id, draw(2), 6 + draw(20), organisation);
                return;
        case 3:
                tell(history, source,
                     "care_team.member_added mrn=%s care_team.identifier=T%zu "
                     "care_team.members.organisation.identifier=ODS|%s%s",
                     id, draw(2), organisation, draw(4) ? "" : " action=entered-in-error");
                return;
        default:
                tell(history, source,
                     "episode.%s mrn=%s episode=E%zu episode.identifier=E%zu "
                     "episode.service.organisation.identifier=ODS|%s",
                     draw(2) ? "opened" : "closed", id, person, person, organisation);
        }
}

static void tell_word(History *history, size_t source, size_t person) {
        const char *id = id_of(history, source, person, "A");

        if (draw(2))
                tell(history, source, "consent.recorded mrn=%s consent.kind=share consent.state=%s%s", id,
                     draw(2) ? "given" : "refused", draw(4) ? "" : " action=entered-in-error");
        else if (draw(3))
                tell(history, source, "death.notified mrn=%s death=formal dead_at=07:%02zu", id, draw(60));
        else
                tell(history, source, "death.retracted mrn=%s death=removed", id);
}

static void tell_join(History *history, size_t source, size_t person) {
        const char *a = id_of(history, source, person, "A"),
                   *b = id_of(history, source, draw(3) ? person : 1 - person, "B");
        size_t visit = draw(2);

        history->joins = true;
        if (draw(3))
                tell(history, source, "patient.%s survivor=%s retired=%s", draw(3) ? "merged" : "unmerged", a, b);
        else
                tell(history, source, "patient.moved survivor=%s retired=%s scope=visit moves=V%zu%zu former=V%zu%zu",
                     b, a, person, visit, person, visit);
}

static History *history_draw(Arena *arena) {
        static void (*const tellers[])(History *, size_t, size_t) = { tell_person, tell_person,   tell_stay,
                                                                      tell_stay,   tell_referral, tell_plan,
                                                                      tell_plan,   tell_word,     tell_join };
        History *history = arena_alloc(arena, sizeof(*history));
        size_t n = 6 + draw(MESSAGES_MAX - 12), n_tellers = ELEMENTSOF(tellers) - draw(2);

        *history = (History){ .arena = arena };
        while (history->n_messages < n)
                tellers[draw(n_tellers)](history, draw(ELEMENTSOF(sources)), draw(2));
        for (size_t i = draw(4); i > 0; i--)
                history->messages[history->n_messages++] = (Message){ .kind = SETTINGS,
                                                                      .settings = draw(ELEMENTSOF(variants)) };
        /* In the end everybody is followed: who is before depends on who was there first. */
        history->messages[history->n_messages++] = (Message){ .kind = SETTINGS, .settings = draw(3) };
        if (draw(2))
                history->messages[history->n_messages++] = (Message){ .kind = TICK };
        return history;
}

/* ---- telling it ------------------------------------------------------------------------------------------------------------------ */

static Carebus__V1__Settings *settings_of(size_t variant, Arena *arena) {
        Carebus__V1__Settings *settings = MAKE(settings, arena);

        settings->bus = (char *)"orders";
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                Carebus__V1__SourceSettings *source = MAKE(source_settings, arena);

                source->name = (char *)sources[i];
                source->team = (char *)variants[variant].teams[i];
                list_append((void ***)&settings->sources, &settings->n_sources, source, arena);
        }
        settings->sharing = MAKE(sharing_settings, arena);
        for (size_t i = 0; i < ELEMENTSOF(variants[0].words) && variants[variant].words[i]; i++)
                assert_true(story_sharing_word(
                        settings, arena_text(arena, variants[variant].words[i], strlen(variants[variant].words[i])),
                        arena));
        settings->sharing->has_people_all = 1;
        settings->sharing->people_all = variants[variant].people_all;
        return settings;
}

static void push_settings(World *world, size_t variant, int64_t at) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = settings_of(variant, world->arena);
        world_push(world, &entry, at);
}

static void push_tick(World *world, int64_t at) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Tick *tick = MAKE(tick, world->arena);

        tick->due = (char *)"due";
        tick->has_due_at = 1;
        tick->due_at = at;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_TICK;
        entry.tick = tick;
        world_push(world, &entry, at);
}

static void push_said(World *world, const Message *message, size_t index, int64_t at) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, world->arena);
        char *words[WORDS_MAX], *line = arena_text(world->arena, message->line, strlen(message->line)), *word;
        size_t n = 0;

        while ((word = strsep(&line, " ")))
                words[n++] = word;
        submission->source = (char *)message->source;
        submission->message_id = arena_format(world->arena, "M%zu", index);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event(message->source, story_time("23:00"), words, n, world->arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        world_push(world, &entry, at);
}

/* As intake does: a tick whenever something is due, up to then. */
static void pass_time(World *world, int64_t until) {
        for (size_t round = 0;; round++) {
                StateTxn *txn = world_look(world);
                int64_t due_at = 0;

                assert_in_range(round, 0, 2000);
                assert_int_equal(fold_next_due(txn, &due_at), 0);
                state_abort(txn);
                if (due_at <= 0 || due_at > until)
                        return;
                push_tick(world, MAX(due_at, world->entries[world->n_entries - 1].received_at));
        }
}

/* ---- what came of it --------------------------------------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct Lines {
        Arena *arena;
        char *all[600];
        size_t n;
} Lines;

__attribute__((format(printf, 2, 3))) static void line_add(Lines *lines, const char *format, ...) {
        char text[400];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        assert_in_range(lines->n, 0, ELEMENTSOF(lines->all) - 1);
        lines->all[lines->n++] = arena_text(lines->arena, text, strlen(text));
}

static char *lines_text(Lines *lines) {
        char *text = (char *)"";

        qsort(lines->all, lines->n, sizeof(*lines->all), compare_texts);
        for (size_t i = 0; i < lines->n; i++)
                text = arena_format(lines->arena, "%s%s\n", text, lines->all[i]);
        return text;
}

static void relationship_line(Lines *lines, const Carebus__V1__Relationship *one, const char *source, bool since) {
        line_add(lines, "%s %s/%s/%s of %s since %lld until %lld%s", one->kind, one->team ?: "-",
                 one->organisation ?: "-", one->service ?: "-", source ?: "-",
                 !since || strcmp(one->kind, "practice") == 0 ? 0LL : (long long)one->since_at,
                 one->has_until_at ? (long long)one->until_at : -1LL, one->withdrawn ? " withdrawn" : "");
}

static char *person_text(const Carebus__V1__PersonSharing *person, Arena *arena) {
        Lines lines = { .arena = arena };

        for (size_t i = 0; i < person->n_relationships; i++)
                relationship_line(&lines, person->relationships[i], person->relationships[i]->source, true);
        line_add(&lines, "restricted %d", person->restricted);
        line_add(&lines, "objection %d", person->objection);
        line_add(&lines, "died %lld", person->has_died_at ? (long long)person->died_at : -1LL);
        seen.restricted += person->restricted != 0;
        seen.objections += person->objection != 0;
        seen.died += person->has_died_at != 0;
        return lines_text(&lines);
}

static const Carebus__V1__PersonSharing *sharing_of(World *world, StateTxn *txn, const char *patient_id) {
        Carebus__V1__PersonSharing *person;

        assert_int_equal(person_sharing_read(txn, patient_id, world->arena, &person), 0);
        return person;
}

/* By the settings of the state, as whoever gives anything out sees them. */
static const Carebus__V1__Settings *settings_now(World *world, StateTxn *txn) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS);
        Carebus__V1__Settings *settings;
        Bytes value;

        assert_int_equal(state_get(txn, STATE_META, state_key_all(&key), &value), 0);
        assert_int_equal(message_unpack(&carebus__v1__settings__descriptor, value, world->arena,
                                        (ProtobufCMessage **)&settings),
                         0);
        return settings;
}

/* When an event was said, out of its entry. */
static int64_t said_at(const World *world, const char *event_id) {
        char *end;
        uint64_t seq = strtoull(event_id, &end, 10);
        Carebus__V1__Entry *entry;

        assert_in_range(seq, 1, world->n_entries);
        assert_int_equal(message_unpack(&carebus__v1__entry__descriptor,
                                        bytes_of(world->entries[seq - 1].data, world->entries[seq - 1].size),
                                        world->arena, (ProtobufCMessage **)&entry),
                         0);
        return entry->submission->events[strtoul(end + 1, NULL, 10)]->recorded_at->utc_at;
}

static int64_t first_said_at(const World *world, const Carebus__V1__Fact *fact) {
        int64_t first = said_at(world, fact->event_id);

        for (size_t i = 0; i < fact->n_history; i++)
                first = MIN(first, said_at(world, fact->history[i]));
        return first;
}

/* Out of the facts of the record and nothing else. */
static char *naive_text(World *world, StateTxn *txn, const char *patient_id) {
        const RelationshipRules rules = relationship_rules(settings_now(world, txn));
        Lines lines = { .arena = world->arena };
        Carebus__V1__Record *record;

        assert_int_equal(record_read(txn, patient_id, world->arena, &record), 0);
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++) {
                        Carebus__V1__StoredFact stored = CAREBUS__V1__STORED_FACT__INIT;
                        Carebus__V1__Stamp first = CAREBUS__V1__STAMP__INIT;
                        Carebus__V1__SharingFact *found = NULL;

                        stored.fact = record->sections[i]->facts[j];
                        first.said_at = first_said_at(world, stored.fact);
                        stored.first = stored.newest = &first;
                        assert_int_equal(relationships_of_fact(&rules, "", &stored, world->arena, &found), 0);
                        for (size_t k = 0; found && k < found->n_relationships; k++)
                                relationship_line(&lines, found->relationships[k], stored.fact->source, false);
                }
        return lines_text(&lines);
}

static char *kept_text(World *world, const Carebus__V1__PersonSharing *person) {
        Lines lines = { .arena = world->arena };

        for (size_t i = 0; i < person->n_relationships; i++)
                if (person->relationships[i]->fact)
                        relationship_line(&lines, person->relationships[i], person->relationships[i]->source, false);
        return lines_text(&lines);
}

static char *person_find(World *world, StateTxn *txn, const char *source, const char *id) {
        char **ids, *system = arena_format(world->arena, "carebus:%s", source);
        size_t n_ids;

        return identity_find(txn, system, id, world->arena, &ids, &n_ids) == 0 && n_ids == 1 ? ids[0] : NULL;
}

typedef struct Everybody {
        World *world;
        StateTxn *txn;
        char *ids[64];
        size_t n;
} Everybody;

static int person_seen(Bytes key, Bytes value, void *owner) {
        Everybody *everybody = owner;
        char id[64], *answers;

        (void)value;
        snprintf(id, sizeof(id), "%.*s", (int)key.size, (const char *)key.data);
        assert_int_equal(identity_resolve(everybody->txn, id, everybody->world->arena, &answers), 0);
        if (strcmp(answers, id) == 0) {
                assert_in_range(everybody->n, 0, ELEMENTSOF(everybody->ids) - 1);
                everybody->ids[everybody->n++] = arena_text(everybody->world->arena, id, strlen(id));
        }
        return 0;
}

static Everybody everybody_of(World *world, StateTxn *txn) {
        Everybody everybody = { .world = world, .txn = txn };

        assert_int_equal(state_walk(txn, STATE_PERSON, BYTES_NULL, BYTES_NULL, person_seen, &everybody), 0);
        return everybody;
}

static void texts_compare(const char *kept, const char *naive) {
        if (strcmp(kept, naive) == 0)
                return;
        printf("--- kept\n%s--- by the facts of the record\n%s---\n", kept, naive);
        fail_msg("what is kept is not what the record comes to");
}

static void check_facts(World *world) {
        StateTxn *txn = world_look(world);
        Everybody everybody = everybody_of(world, txn);

        for (size_t i = 0; i < everybody.n; i++) {
                const Carebus__V1__PersonSharing *person = sharing_of(world, txn, everybody.ids[i]);

                /* A death ends what began before it, as test stories tell. */
                if (!person->has_died_at)
                        texts_compare(kept_text(world, person), naive_text(world, txn, everybody.ids[i]));
        }
        state_abort(txn);
}

static void check_ends(World *world, int64_t now) {
        StateTxn *txn = world_look(world);
        Everybody everybody = everybody_of(world, txn);

        for (size_t i = 0; i < everybody.n; i++) {
                const Carebus__V1__PersonSharing *person = sharing_of(world, txn, everybody.ids[i]);

                for (size_t j = 0; j < person->n_relationships; j++) {
                        const Carebus__V1__Relationship *one = person->relationships[j];

                        if ((one->ended != 0) != (one->has_until_at && one->until_at <= now)) {
                                printf("%s", person_text(person, world->arena));
                                fail_msg("%s/%s of %s in %s until %lld is %sover", one->kind,
                                         one->team ?: one->organisation, one->source ?: "-", one->home ?: "-",
                                         (long long)one->until_at, one->ended ? "" : "not ");
                        }
                        seen.ended += one->ended != 0;
                }
        }
        state_abort(txn);
}

/* What was said last to this team of this person: 1 granted, -1 withdrawn, 0 nothing. */
static int told_last(World *world, StateTxn *txn, const char *patient_id, const char *team, bool alternate) {
        int last = 0;

        for (uint64_t seq = 1; seq <= world->n_entries; seq++) {
                Carebus__V1__Outcome *outcome;

                assert_int_equal(outcome_read(txn, seq, world->arena, &outcome), 0);
                for (size_t i = 0; i < outcome->n_derived; i++) {
                        const Carebus__V1__Event *event = outcome->derived[i];
                        bool granted = strcmp(event->type, "record.granted") == 0;

                        if ((!granted && strcmp(event->type, "record.withdrawn") != 0) ||
                            strcmp(event->notice->team, team) != 0 ||
                            strcmp(event->patient->patient_id, patient_id) != 0)
                                continue;
                        assert_true(!alternate || (granted ? last <= 0 : last > 0));
                        last = granted ? 1 : -1;
                        seen.granted += granted;
                        seen.withdrawn += !granted;
                }
        }
        return last;
}

static void check_told(World *world, bool alternate) {
        StateTxn *txn = world_look(world);
        const Carebus__V1__Settings *settings = settings_now(world, txn);
        Everybody everybody = everybody_of(world, txn);

        for (size_t i = 0; i < everybody.n; i++)
                for (size_t j = 0; j < settings->n_teams; j++) {
                        const char *team = settings->teams[j]->name;
                        bool has = strcmp(sharing_kinds_text(sharing_of(world, txn, everybody.ids[i]), settings, team,
                                                             /* ends= */ false, world->arena),
                                          "-") != 0;

                        if (has != (told_last(world, txn, everybody.ids[i], team, alternate) > 0))
                                fail_msg("%s of %s %s, and was told otherwise", team, everybody.ids[i],
                                         has ? "has a relationship" : "has none");
                }
        state_abort(txn);
}

/* The sharing of everybody by the ids of their sources, as this order makes it. */
static void told(const History *history, const size_t *order, char *ret_texts[12], Arena *arena) {
        const int64_t begin = story_time("23:00"), end = story_time("2024-12-01T00:00");
        uint8_t digest[32], again[32];
        bool done[MESSAGES_MAX] = {};
        World world;
        StateTxn *txn;
        size_t n = 0;

        world_begin(&world);
        push_settings(&world, 0, begin);
        for (size_t i = 0; i < history->n_messages; i++) {
                size_t at = order[i];
                const Message *message = &history->messages[at];

                /* The newest settings count: they come in their order. */
                if (message->kind == SETTINGS)
                        for (at = 0; done[at] || history->messages[at].kind != SETTINGS;)
                                at++;
                message = &history->messages[at];
                done[at] = true;
                if (message->kind == SAID)
                        push_said(&world, message, at, begin + (int64_t)++n * USEC_PER_SEC);
                else if (message->kind == TICK)
                        pass_time(&world, begin + (int64_t)++n * USEC_PER_SEC);
                else {
                        push_settings(&world, message->settings, begin + (int64_t)++n * USEC_PER_SEC);
                        seen.settings++;
                        check_facts(&world);
                }
        }
        pass_time(&world, end);
        check_facts(&world);
        check_ends(&world, end);
        check_told(&world, !history->joins);
        txn = world_look(&world);
        for (size_t i = 0; i < 12; i++) {
                const size_t source = i / 4;
                char *id = arena_format(world.arena, "%s%s%zu", sources[source], i & 1 ? "B" : "A", (i / 2) % 2);
                char *person = person_find(&world, txn, sources[source], id);

                ret_texts[i] = (char *)"nobody";
                if (person)
                        ret_texts[i] = person_text(sharing_of(&world, txn, person), arena);
        }
        state_abort(txn);
        world_digest(&world, digest);
        world_refold(&world, 1 + history->n_messages / 3, &seed, again);
        assert_memory_equal(digest, again, sizeof(digest));
        world_end(&world);
}

static void order_shuffle(size_t *order, size_t n) {
        for (size_t i = n - 1; i > 0; i--) {
                size_t j = draw(i + 1), swap = order[i];

                order[i] = order[j];
                order[j] = swap;
        }
}

static void order_print(const History *history, const size_t *order) {
        static const char *const kinds[] = { "", "settings", "tick" };

        for (size_t i = 0; i < history->n_messages; i++) {
                const Message *message = &history->messages[order[i]];

                printf("# M%zu %s %s%s %zu\n", order[i], message->source ?: "", message->line ?: "",
                       kinds[message->kind], message->settings);
        }
}

static void history_check(const History *history, Arena *arena) {
        char *first[12], *again[12];
        size_t order[MESSAGES_MAX];

        for (size_t i = 0; i < history->n_messages; i++)
                order[i] = i;
        if (getenv("CAREBUS_SHOW"))
                order_print(history, order);
        told(history, order, first, arena);
        for (size_t o = 0; o < ORDERS; o++) {
                order_shuffle(order, history->n_messages);
                if (getenv("CAREBUS_SHOW")) {
                        printf("# order %zu\n", o);
                        order_print(history, order);
                }
                told(history, order, again, arena);
                for (size_t i = 0; i < 12; i++) {
                        if (strcmp(first[i], again[i]) == 0)
                                continue;
                        order_print(history, order);
                        printf("--- as said\n%s--- in the order above\n%s---\n", first[i], again[i]);
                        fail_msg("number %zu differs by the order of arrival", i);
                }
        }
}

static void histories_check(uint64_t from, size_t n) {
        seed = from;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        for (size_t h = 0; h < n; h++) {
                _cleanup_(arena_freep) Arena *arena = NULL;

                assert_int_equal(arena_new(&arena, 1UL << 28), 0);
                history_check(history_draw(arena), arena);
        }
}

static uint64_t seed_draw(void) {
        const uint64_t drawn = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();

        return drawn ? drawn : 1;
}

static void test_who_shares_what_does_not_depend_on_the_order_of_arrival(void **state) {
        const char *given = getenv("CAREBUS_HISTORIES");
        const size_t n = given ? (size_t)atoi(given) : arg_seed ? HISTORIES_LONG : HISTORIES;
        const size_t n_seeds = arg_seed ? 1 : ELEMENTSOF(seeds), n_told = n_seeds * n;

        for (size_t i = 0; i < n_seeds; i++)
                histories_check(arg_seed ? arg_seed : seeds[i], n);
        printf("# %zu histories, each in %d orders: %zu grants and %zu withdrawals told, %zu ends, %zu objections, "
               "%zu restricted, %zu dead, %zu times other settings\n",
               n_told, 1 + ORDERS, seen.granted, seen.withdrawn, seen.ended, seen.objections, seen.restricted,
               seen.died, seen.settings);
        assert_true(n_told < 20 || (seen.granted > 0 && seen.withdrawn > 0 && seen.ended > 0 && seen.objections > 0 &&
                                    seen.restricted > 0 && seen.died > 0 && seen.settings > 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_shares_what_does_not_depend_on_the_order_of_arrival),
        };

        const char *given = getenv("CAREBUS_SEED");

        if (given)
                arg_seed = strtoull(given, NULL, 0);
        else if (getenv("CAREBUS_NIGHTLY"))
                arg_seed = seed_draw();
        return cmocka_run_group_tests_name("sharing orders", tests, NULL, NULL);
}
