#include "tests/scenario/agreement.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "daemon/record/body.h"
#include "daemon/serve/ledger.h"
#include "daemon/serve/record-cut.h"
#include "daemon/serve/view.h"
#include "proto/digest.h"
#include "tests/unit/open-sharing.h"

#define TEAMS 3
#define SOURCES_MAX 32

typedef struct Agreement {
        Config *config;
        Sharing *sharing;
        uint64_t mark; /* of the settings that `sharing` was made with */
        Carebus__V1__Settings *settings;
        View *view;
        Sight *sight;
        Arena *arena;
        Ledger *ledgers[TEAMS];
} Agreement;

/* ---- teams ------------------------------------------------------------------------------------------------------------- */

static int names_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void source_add(char **sources, size_t *n, const char *name, Arena *arena) {
        for (size_t i = 0; i < *n; i++)
                if (strcmp(sources[i], name) == 0)
                        return;
        assert_true(*n < SOURCES_MAX);
        sources[(*n)++] = arena_text(arena, name, strlen(name));
}

/* Of everybody who says something, in order. */
static size_t sources_find(const World *world, char **sources, Arena *arena) {
        size_t n = 0;

        for (size_t i = 0; i < world->n_entries; i++) {
                Carebus__V1__Entry *entry = carebus__v1__entry__unpack(NULL, world->entries[i].size,
                                                                       world->entries[i].data);

                assert_non_null(entry);
                if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION)
                        source_add(sources, &n, entry->submission->source, arena);
                carebus__v1__entry__free_unpacked(entry, NULL);
        }
        if (n == 0)
                source_add(sources, &n, "nobody", arena);
        qsort(sources, n, sizeof(sources[0]), names_compare);
        return n;
}

static Config *config_make(char **sources, size_t n) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        const size_t begins[TEAMS] = { 0, 0, n / 2 }, ends[TEAMS] = { n, n / 2, n };
        ConfigProblems problems = { 0 };
        Config *config = NULL;
        int r;

        buffer_append_text(&file.content,
                           "bus: story\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\n" OPEN_SHARING
                           "teams:\n");
        for (size_t team = 0; team < TEAMS; team++) {
                char line[64];

                snprintf(line, sizeof(line), "  t%zu: {name: T, class: clinical, may_read: [", team);
                buffer_append_text(&file.content, line);
                for (size_t i = begins[team]; i < ends[team]; i++) {
                        buffer_append_text(&file.content, sources[i]);
                        buffer_append_text(&file.content, i + 1 < ends[team] ? ", " : "");
                }
                buffer_append_text(&file.content, "]}\n");
        }
        buffer_append_text(&file.content, "sources:\n");
        for (size_t i = 0; i < n; i++) {
                buffer_append_text(&file.content, "  ");
                buffer_append_text(&file.content, sources[i]);
                buffer_append_text(&file.content, ": {team: t0, adapter: own}\n");
        }
        r = config_parse(&text, &config, &problems);
        config_problems_print(&problems, stderr);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        assert_int_equal(r, 0);
        return config;
}

/* As a settings entry would grant what the configuration says: the stories speak of no teams. */
static Carebus__V1__Settings *settings_make(const Config *config, Arena *arena) {
        Carebus__V1__Settings *settings = message_new(&carebus__v1__settings__descriptor, arena);

        for (size_t i = 0; i < config->n_teams; i++) {
                Carebus__V1__TeamSettings *team = message_new(&carebus__v1__team_settings__descriptor, arena);

                team->name = config->teams[i].name;
                team->class_ = config->teams[i].class;
                for (size_t j = 0; j < config->teams[i].n_may_read; j++)
                        assert_int_equal(list_append((void ***)&team->may_read, &team->n_may_read,
                                                     config->sources[config->teams[i].may_read[j]].name, arena),
                                         0);
                assert_int_equal(list_append((void ***)&settings->teams, &settings->n_teams, team, arena), 0);
        }
        OpenSharing *open = arena_alloc(arena, sizeof(*open));

        assert_non_null(open);
        settings->sharing = open_sharing_init(open);
        return settings;
}

/* ---- behind each entry ------------------------------------------------------------------------------------------------- */

typedef struct Counting {
        Agreement *agreement;
        size_t team;
        uint64_t seq, persons;
        DigestSum sum;
} Counting;

static int person_counted(Bytes key, Bytes value, void *owner) {
        Counting *counting = owner;
        Agreement *agreement = counting->agreement;
        LedgerTable *table = ledger_table(agreement->ledgers[counting->team]);
        const char *id = (const char *)key.data;
        Carebus__V1__Record *record;
        LedgerId parsed;
        uint32_t index;
        bool is_there, listed;
        int r;

        (void)value;
        arena_reset(agreement->arena);
        r = record_for_team(agreement->sight, (ssize_t)counting->team, id, agreement->arena, &record);
        assert_true(r >= 0);
        is_there = r == 0 && text_equal(record->patient_id, id);
        assert_int_equal(ledger_id_parse(id, &parsed), 0);
        index = ledger_table_find(table, parsed);
        listed = index != LEDGER_NONE && !ledger_entry_is_gone(&table->entries[index]);
        if (is_there != listed)
                fail_msg("entry %" PRIu64 ": team t%zu %s %s, the ledger says otherwise", counting->seq, counting->team,
                         is_there ? "sees" : "does not see", id);
        if (is_there && memcmp(table->entries[index].digest, record->digest.data, record->digest.len) != 0)
                fail_msg("entry %" PRIu64 " changed the record of %s for team t%zu, and its outcome does not say so",
                         counting->seq, id, counting->team);
        if (!is_there)
                return 0;
        counting->persons++;
        digest_sum_add(&counting->sum, record->digest.data);
        return 0;
}

static void team_check(Agreement *agreement, size_t team, uint64_t seq) {
        const LedgerEyes eyes = { .view = agreement->view,
                                  .sight = agreement->sight,
                                  .sharing = agreement->sharing,
                                  .team = team,
                                  .arena = agreement->arena };
        Counting counting = { .agreement = agreement, .team = team, .seq = seq };
        const LedgerTable *table;
        bool more = true;

        while (more)
                assert_int_equal(ledger_advance(agreement->ledgers[team], &eyes,
                                                clock_monotonic(&clock_system) + USEC_PER_SEC, &more),
                                 0);
        assert_int_equal(state_walk(view_txn(agreement->view), STATE_PERSON, BYTES_NULL, BYTES_NULL, person_counted,
                                    &counting),
                         0);
        table = ledger_table(agreement->ledgers[team]);
        if (table->persons != counting.persons || memcmp(&table->sum, &counting.sum, sizeof(counting.sum)) != 0)
                fail_msg("entry %" PRIu64 ": the ledger of team t%zu has %" PRIu64
                         " persons and another sum than the %" PRIu64 " that it sees",
                         seq, team, table->persons, counting.persons);
}

static void ledgers_open(Agreement *agreement, const char *folder) {
        _cleanup_(freep) char *records = NULL;

        assert_true(text_format(&records, "%s/records", folder) >= 0);
        for (size_t team = 0; team < TEAMS; team++) {
                const LedgerEyes eyes = { .view = agreement->view,
                                          .sight = agreement->sight,
                                          .sharing = agreement->sharing,
                                          .team = team,
                                          .arena = agreement->arena };

                assert_int_equal(
                        ledger_open(records, agreement->config->teams[team].name, &eyes, &agreement->ledgers[team]), 0);
        }
}

static void let_go(Agreement *agreement) {
        for (size_t team = 0; team < TEAMS; team++)
                agreement->ledgers[team] = ledger_free(agreement->ledgers[team]);
        agreement->sight = sight_free(agreement->sight);
        agreement->view = view_free(agreement->view);
        agreement->sharing = sharing_unref(agreement->sharing);
}

static void on_entry(const char *folder, State *state, uint64_t seq, void *owner) {
        Agreement *agreement = owner;

        if (seq == 0) {
                let_go(agreement);
                return;
        }
        if (!agreement->view) {
                assert_int_equal(view_new(state, folder, &agreement->view), 0);
                assert_int_equal(sight_new(agreement->view, &agreement->sight), 0);
        }
        assert_int_equal(view_renew(agreement->view), 0);
        assert_int_equal(view_head(agreement->view), seq);
        if (!agreement->sharing || view_settings_mark(agreement->view) != agreement->mark) {
                Sharing *sharing;

                assert_int_equal(sharing_new(agreement->config, agreement->settings, &sharing), 0);
                sharing_unref(agreement->sharing);
                agreement->sharing = sharing;
                agreement->mark = view_settings_mark(agreement->view);
                sight_set_sharing(agreement->sight, sharing, agreement->mark);
        }
        if (!agreement->ledgers[0])
                ledgers_open(agreement, folder);
        for (size_t team = 0; team < TEAMS; team++)
                team_check(agreement, team, seq);
        view_rest(agreement->view);
}

void agreement_check(const World *world) {
        Agreement agreement = {};
        char *sources[SOURCES_MAX];
        Arena *kept;
        size_t n;

        assert_int_equal(arena_new(&agreement.arena, 64U << 20), 0);
        assert_int_equal(arena_new(&kept, 1U << 20), 0);
        n = sources_find(world, sources, kept);
        agreement.config = config_make(sources, n);
        agreement.settings = settings_make(agreement.config, kept);
        world_replay(world, on_entry, &agreement);
        config_unref(agreement.config);
        arena_free(kept);
        arena_free(agreement.arena);
}
