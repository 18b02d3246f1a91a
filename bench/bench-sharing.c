/*
 * What asking who may see an event costs by the rules that ship: once an event what is sensitive about it, once a team whether it may
 * see it, once a delivery what is left out; beside it, the bare copy of the same bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/messages.h"
#include "bench/tool.h"
#include "daemon/sharing/sharing-pack.h"
#include "daemon/sharing/sharing.h"
#include "proto/check.h"

#define EVENT_BYTES 1500
#define N_EVENTS 60 /* of all kinds, asked about in turn */

static const char *const classes[] = { "clinical",  "helpline",  "social-care", "ambulance",
                                       "care-home", "voluntary", "volunteer",   "commissioner" };
#define N_TEAMS ELEMENTSOF(classes)

typedef struct Bench {
        Config *config;
        Sharing *sharing;
        Arena *arena;
        const SharingPerson *person;
        uint8_t *packed[N_EVENTS];
        size_t sizes[N_EVENTS];
        Carebus__V1__Event *events[N_EVENTS];
        SharingThing things[N_EVENTS];
} Bench;

static void *taken(void *pointer) {
        if (!pointer)
                tool_die("out of memory");
        return pointer;
}

static void *room_for(Bench *bench, size_t size) {
        return taken(arena_alloc(bench->arena, size));
}

static Carebus__V1__Event *unpacked(Bench *bench, size_t event) {
        ProtobufCAllocator allocator = check_allocator(bench->arena);

        return taken(carebus__v1__event__unpack(&allocator, bench->sizes[event], bench->packed[event]));
}

static void make_config(Bench *bench) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };

        buffer_append_text(&file.content,
                           "bus: b\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\nteams:\n"
                           "  speaker: {name: S, class: clinical}\n");
        for (size_t i = 0; i < N_TEAMS; i++)
                buffer_append_format(&file.content, "  team-%s: {name: T, class: %s}\n", classes[i], classes[i]);
        buffer_append_text(&file.content, "sources:\n  alpha: {team: speaker, adapter: own}\n");
        if (config_parse(&text, &bench->config, &problems) != 0) {
                config_problems_print(&problems, stderr);
                tool_die("the configuration of the benchmark does not load");
        }
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
}

/* Everybody has a relationship. */
static void make_sharing(Bench *bench) {
        Carebus__V1__TeamSettings teams[N_TEAMS + 1], *team_list[N_TEAMS + 1];
        Carebus__V1__SourceSettings source = CAREBUS__V1__SOURCE_SETTINGS__INIT, *sources[1] = { &source };
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__PersonSharing *said = room_for(bench, sizeof(*said));

        carebus__v1__person_sharing__init(said);
        said->relationships = room_for(bench, (N_TEAMS + 1) * sizeof(void *));
        for (size_t i = 0; i < N_TEAMS + 1; i++) {
                Carebus__V1__Relationship *relationship = room_for(bench, sizeof(*relationship));
                const ConfigTeam *team = &bench->config->teams[i];

                carebus__v1__team_settings__init(&teams[i]);
                teams[i].name = team->name;
                teams[i].class_ = team->class;
                teams[i].title = team->title;
                teams[i].reads_all = teams[i].has_reads_all = true;
                team_list[i] = &teams[i];
                carebus__v1__relationship__init(relationship);
                relationship->kind = (char *)"planned-visit";
                relationship->team = team->name;
                said->relationships[said->n_relationships++] = relationship;
        }
        source.name = bench->config->sources[0].name;
        source.team = bench->config->teams[0].name;
        settings.teams = team_list;
        settings.n_teams = N_TEAMS + 1;
        settings.sources = sources;
        settings.n_sources = 1;
        if (sharing_pack(bench->config, bench->arena, &settings.sharing) < 0 ||
            sharing_new(bench->config, &settings, &bench->sharing) < 0 ||
            sharing_person(bench->sharing, said, bench->arena, &bench->person) < 0)
                tool_die("the rules cannot be made");
}

static void make_events(Bench *bench) {
        EventMessages messages;
        uint8_t *room;

        events_init(&messages, EVENT_BYTES, N_EVENTS);
        room = taken(malloc(messages.max_size));
        for (size_t i = 0; i < N_EVENTS; i++) {
                size_t original;

                bench->sizes[i] = events_render(&messages, i, room, &original);
                bench->packed[i] = memcpy(room_for(bench, bench->sizes[i]), room, bench->sizes[i]);
                bench->events[i] = unpacked(bench, i);
                bench->events[i]->source = (char *)"alpha";
                bench->things[i] = sharing_thing_of_event(bench->sharing, bench->events[i]);
        }
        free(room);
        events_deinit(&messages);
}

static void measure_copy(Bench *bench, uint64_t rounds, uint8_t *room) {
        for (uint64_t i = 0; i < rounds; i++) {
                memcpy(room, bench->packed[i % N_EVENTS], bench->sizes[i % N_EVENTS]);
                __asm__ volatile("" : : "r"(room) : "memory");
        }
}

static void measure_unpacking(Bench *bench, uint64_t rounds, uint8_t *room) {
        ArenaMark mark = arena_mark(bench->arena);

        (void)room;
        for (uint64_t i = 0; i < rounds; i++) {
                unpacked(bench, i % N_EVENTS);
                arena_rewind(bench->arena, mark);
        }
}

static void measure_classes(Bench *bench, uint64_t rounds, uint8_t *room) {
        uint64_t found = 0;

        for (uint64_t i = 0; i < rounds; i++)
                found |= sharing_classify(bench->sharing, &bench->events[i % N_EVENTS]->base);
        room[0] = (uint8_t)found;
}

static void measure_sight(Bench *bench, uint64_t rounds, uint8_t *room) {
        uint64_t counts[3] = { 0 };

        for (uint64_t i = 0; i < rounds; i++)
                counts[sharing_may_see(bench->sharing, 1 + i % N_TEAMS, bench->person,
                                       &bench->things[i / N_TEAMS % N_EVENTS])
                               .sight]++;
        room[0] = (uint8_t)counts[0];
        if (rounds > N_TEAMS * N_EVENTS &&
            (counts[SHARING_HIDDEN] == 0 || counts[SHARING_PART] == 0 || counts[SHARING_WHOLE] == 0))
                tool_die("the benchmark asks about nothing: %" PRIu64 " hidden, %" PRIu64 " in part, %" PRIu64 " whole",
                         counts[SHARING_HIDDEN], counts[SHARING_PART], counts[SHARING_WHOLE]);
}

/* Ambulance: it sees some fields of most. Unpacking is in it, since what is left out is left out of a copy. */
static void measure_cut(Bench *bench, uint64_t rounds, uint8_t *room) {
        const size_t team = 4;
        uint64_t n_cut = 0;

        (void)room;
        for (uint64_t i = 0; i < rounds; i++) {
                ArenaMark mark = arena_mark(bench->arena);
                Carebus__V1__Event *event = unpacked(bench, i % N_EVENTS);
                SharingVerdict verdict = sharing_may_see(bench->sharing, team, bench->person,
                                                         &bench->things[i % N_EVENTS]);

                n_cut += verdict.sight == SHARING_PART;
                if (sharing_cut_event(bench->sharing, team, bench->person, &verdict, event, bench->arena) < 0)
                        tool_die("nothing could be left out");
                arena_rewind(bench->arena, mark);
        }
        if (n_cut == 0)
                tool_die("the benchmark leaves nothing out");
}

static const struct {
        const char *title;
        void (*measure)(Bench *bench, uint64_t rounds, uint8_t *room);
} parts[] = {
        { "copy the event's bytes", measure_copy },
        { "unpack the event", measure_unpacking },
        { "find what is sensitive in it", measure_classes },
        { "ask whether a team may see it", measure_sight },
        { "unpack it and leave out what is not shown", measure_cut },
};

int main(int argc, char **argv) {
        uint64_t rounds = 200000;
        const char *folder = NULL;
        const ToolOption options[] = {
                { .name = "rounds", .number = &rounds, .help = "how often each is done" },
                { .name = "folder", .text = &folder, .help = "not used: nothing is written" },
                {},
        };
        Bench bench = { 0 };
        uint8_t *room;

        tool_parse_options(argc, argv, "what asking who may see an event costs", options);
        if (arena_new(&bench.arena, (size_t)256 << 20) < 0)
                tool_die("out of memory");
        make_config(&bench);
        make_sharing(&bench);
        make_events(&bench);
        room = taken(calloc(1, (size_t)1 << 20));
        printf("events of %zu bytes, %zu teams, the rules that ship\n", bench.sizes[0], N_TEAMS);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                uint64_t from;

                parts[i].measure(&bench, MIN(rounds, (uint64_t)1000), room);
                from = tool_now();
                parts[i].measure(&bench, rounds, room);
                printf("%-44s %12.0f /s\n", parts[i].title, tool_per_second(rounds, tool_now() - from));
        }
        free(room);
        sharing_unref(bench.sharing);
        config_unref(bench.config);
        arena_free(bench.arena);
        return 0;
}
