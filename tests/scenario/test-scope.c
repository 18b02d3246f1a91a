/*
 * Whoever is followed late is followed as if from the beginning: every story is folded once with everybody followed, and once with nobody,
 * until the last entry lets all be followed; the records say the same. Until then the state of nobody has anything but numbers and stays.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/body.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"
#include "tests/scenario/story.h"
#include "tests/unit/open-sharing.h"

#define STORIES_MAX 300

static Carebus__V1__Entry *entry_of(const WorldEntry *entry, Arena *arena) {
        Carebus__V1__Entry *unpacked;

        assert_int_equal(message_unpack(&carebus__v1__entry__descriptor, bytes_of(entry->data, entry->size), arena,
                                        (ProtobufCMessage **)&unpacked),
                         0);
        return unpacked;
}

/* The same entries, but nobody is followed. The newest settings, to be said again at the end. */
static Carebus__V1__Settings *push_unfollowed(World *late, const World *told) {
        Carebus__V1__Settings *newest = NULL;

        for (size_t i = 0; i < told->n_entries; i++) {
                Carebus__V1__Entry *entry = entry_of(&told->entries[i], late->arena);

                if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SETTINGS && entry->settings->sharing) {
                        newest = entry->settings;
                        newest->n_teams = 0; /* there is nobody outside */
                        newest->sharing->has_people_all = newest->sharing->people_all = false;
                }
                world_push(late, entry, told->entries[i].received_at);
        }
        return newest;
}

/* Names of sections that may be in the state of somebody who is not followed. */
static bool is_kept(const char *section) {
        static const char *const kept[] = { "encounters/", "death",   "merges",  "conflicts",
                                            "again/",      "sharing", "activity" };

        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
                if (strncmp(section, kept[i], strlen(kept[i])) == 0)
                        return true;
        return false;
}

typedef struct Texts {
        World *world;
        StateTxn *txn;
        char *all[4096];
        size_t n;
} Texts;

static int section_seen(Bytes key, Bytes value, void *owner) {
        const char *whose = (const char *)key.data, *section;
        Carebus__V1__Person *person;
        Texts *texts = owner;

        (void)value;
        if (strcmp(whose, "~") == 0) /* a claim */
                whose += 2;
        section = whose + strlen(whose) + 1;
        assert_int_equal(person_read(texts->txn, whose, texts->world->arena, &person), 0);
        if (!person->followed && !is_kept(section)) {
                fprintf(stderr, "%s\n", section);
                assert_true(is_kept(section));
        }
        return 0;
}

static int person_seen(Bytes key, Bytes value, void *owner) {
        Texts *texts = owner;
        Carebus__V1__Record *record;
        char id[64], *answers;

        (void)value;
        snprintf(id, sizeof(id), "%.*s", (int)key.size, (const char *)key.data);
        assert_int_equal(identity_resolve(texts->txn, id, texts->world->arena, &answers), 0);
        if (strcmp(answers, id) != 0)
                return 0;
        assert_int_equal(record_read(texts->txn, id, texts->world->arena, &record), 0);
        assert_true(texts->n < 4096);
        texts->all[texts->n++] = world_sections_text(texts->world, texts->txn, record);
        return 0;
}

static void texts_read(World *world, Texts *ret) {
        *ret = (Texts){ .world = world, .txn = world_look(world) };
        assert_int_equal(state_walk(ret->txn, STATE_PERSON, BYTES_NULL, BYTES_NULL, person_seen, ret), 0);
        state_abort(ret->txn);
}

static const char *refused(World *world, uint64_t seq) {
        StateTxn *txn = world_look(world);
        Carebus__V1__Outcome *outcome;

        assert_int_equal(outcome_read(txn, seq, world->arena, &outcome), 0);
        state_abort(txn);
        return outcome->refused ? outcome->refused : "";
}

/* A review has the number of the event that opened it, and events of the bus's own are numbered otherwise where something is found later:
 * then the decision is about nothing. */
static bool decides_about_nothing(World *told, World *late) {
        for (uint64_t seq = 1; seq <= told->n_entries; seq++) {
                const Carebus__V1__Entry *entry = entry_of(&told->entries[seq - 1], late->arena);

                if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_DECISION &&
                    (entry->decision->review_id || entry->decision->conflict_id) &&
                    strcmp(refused(told, seq), refused(late, seq)) != 0)
                        return true;
        }
        return false;
}

static bool story_names_expiry(const World *told, Arena *arena) {
        for (size_t i = 0; i < told->n_entries; i++) {
                const Carebus__V1__Entry *entry = entry_of(&told->entries[i], arena);
                if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_DECISION && entry->decision->expired)
                        return true;
        }
        return false;
}

static void on_told(const World *told, void *owner) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Settings *settings;
        static Texts first, second;
        World late;
        Texts sections;

        (void)owner;
        world_begin(&late);
        settings = push_unfollowed(&late, told);
        if (!settings || story_names_expiry(told, late.arena)) {
                world_end(&late);
                return;
        }
        sections = (Texts){ .world = &late, .txn = world_look(&late) };
        assert_int_equal(state_walk(sections.txn, STATE_SECTION, BYTES_NULL, BYTES_NULL, section_seen, &sections), 0);
        state_abort(sections.txn);

        if (decides_about_nothing((World *)told, &late)) {
                world_end(&late);
                return;
        }
        settings->sharing->has_people_all = settings->sharing->people_all = true;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = settings;
        world_push(&late, &entry, told->entries[told->n_entries - 1].received_at);
        texts_read((World *)told, &first);
        texts_read(&late, &second);
        assert_int_equal(first.n, second.n);
        for (size_t i = 0; i < first.n; i++) {
                if (strcmp(first.all[i], second.all[i]) == 0)
                        continue;
                printf("--- followed from the beginning\n%s--- followed late\n%s---\n", first.all[i], second.all[i]);
                fail_msg("whoever is followed late is not followed as from the beginning");
        }
        world_end(&late);
}

static void test_story(void **state) {
        story_run_to(*state, on_told, NULL);
}

static int is_story(const struct dirent *entry) {
        const char *dot = strrchr(entry->d_name, '.');

        return dot && strcmp(dot, ".story") == 0;
}

int main(int argc, char **argv) {
        static struct CMUnitTest tests[STORIES_MAX];
        struct dirent **names;
        int n;

        if (argc < 2 || (n = scandir(argv[1], &names, is_story, alphasort)) <= 0 || n > STORIES_MAX) {
                fprintf(stderr, "test-scope: give the folder of the stories\n");
                return 64;
        }
        for (int i = 0; i < n; i++) {
                char *path, *name;

                if (asprintf(&path, "%s/%s", argv[1], names[i]->d_name) < 0 ||
                    asprintf(&name, "who is followed late is followed from the beginning: %s", names[i]->d_name) < 0)
                        return 70;
                tests[i] = (struct CMUnitTest){ .name = name, .test_func = test_story, .initial_state = path };
                free(names[i]);
        }
        free(names);
        return _cmocka_run_group_tests("scope", tests, (size_t)n, NULL, NULL);
}
