/*
 * Any rules, anybody and any event: whoever may not see it is left nothing of it, what is left is part of what was there, and leaving out
 * the same again changes nothing. Three messages, each behind its size (4 bytes, little-endian): Settings, PersonSharing, Event.
 */
#include <stdlib.h>

#include "daemon/sharing/sharing.h"
#include "fuzz-proto.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES_MAX 80

static const char *const classes[] = { "clinical", "care-home", "volunteer" };
#define N_TEAMS ELEMENTSOF(classes)

static void must(bool holds) {
        if (!holds)
                __builtin_trap();
}

static const ProtobufCMessage *take_part(Bytes *input, const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        const CheckLimits limits = { 1 << 16, 1 << 12, 1 << 12, 256, 4096, 1 << 12, 0 };
        ProtobufCMessage *message = NULL;
        size_t n;

        if (input->size < 4)
                return NULL;
        n = MIN((size_t)load_le32(input->data), input->size - 4);
        if (check_unpack(descriptor, bytes_of(input->data + 4, n), &limits, arena, &message, NULL) != 0)
                return NULL;
        *input = bytes_of(input->data + 4 + n, input->size - 4 - n);
        return message;
}

/* The configuration says the same as the fold, or nobody would see anything. */
static void configure(ConfigSharing *sharing, const Carebus__V1__SharingSettings *said, ConfigSharingRule *rules) {
        sharing->rules = rules;
        for (size_t i = 0; i < MIN(said->n_rules, (size_t)RULES_MAX); i++) {
                const Carebus__V1__SharingRule *from = said->rules[i];

                rules[sharing->n_rules++] = (ConfigSharingRule){
                        .classes = from->classes,
                        .n_classes = from->n_classes,
                        .teams = from->teams,
                        .n_teams = from->n_teams,
                        .kinds = from->kinds,
                        .n_kinds = from->n_kinds,
                        .fields = from->fields,
                        .n_fields = from->n_fields,
                        .except = from->except,
                        .n_except = from->n_except,
                        .relationships = from->relationships,
                        .n_relationships = from->n_relationships,
                        .types = from->types,
                        .n_types = from->n_types,
                        .restricted_shown = from->restricted_shown,
                        .despite_objection = from->despite_objection,
                        .unconfirmed = !from->has_unconfirmed || from->unconfirmed,
                };
        }
        sharing->shielded_types = said->shielded_types;
        sharing->n_shielded_types = said->n_shielded_types;
        sharing->shielded_fields = said->shielded_paths;
        sharing->n_shielded_fields = said->n_shielded_paths;
}

static void try_team(const Sharing *sharing, size_t team, const Carebus__V1__PersonSharing *said, Bytes packed,
                     Arena *arena) {
        ProtobufCAllocator allocator = check_allocator(arena);
        Carebus__V1__Event *event = carebus__v1__event__unpack(&allocator, packed.size, packed.data);
        const SharingPerson *person;
        SharingThing thing;
        SharingVerdict verdict;
        size_t before, once;
        uint8_t *first;

        if (!event || sharing_person(sharing, said, arena, &person) < 0)
                return;
        thing = sharing_thing_of_event(sharing, event);
        verdict = sharing_may_see(sharing, team, person, &thing);
        must((verdict.sight == SHARING_HIDDEN) == (verdict.reason != NULL) &&
             (verdict.sight == SHARING_PART) == (verdict.mask != NULL));
        before = carebus__v1__event__get_packed_size(event);
        event->n_redacted = 0;
        must(sharing_cut_event(sharing, team, person, &verdict, event, arena) == 0);
        if (verdict.sight == SHARING_HIDDEN)
                must(event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET &&
                     (!event->patient || !event->patient->demographics));
        if (verdict.sight == SHARING_WHOLE)
                return;
        once = carebus__v1__event__get_packed_size(event);
        first = arena_alloc(arena, once + 1);
        must(first != NULL);
        carebus__v1__event__pack(event, first);
        must(sharing_cut_event(sharing, team, person, &verdict, event, arena) == 0);
        must(carebus__v1__event__get_packed_size(event) == once);
        event->n_redacted = 0;
        must(carebus__v1__event__get_packed_size(event) <= before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Arena *arena = fuzz_arena();
        Bytes input = bytes_of(data, size);
        Carebus__V1__Settings *settings = (void *)take_part(&input, &carebus__v1__settings__descriptor, arena);
        const Carebus__V1__PersonSharing *said =
                settings ? (const void *)take_part(&input, &carebus__v1__person_sharing__descriptor, arena) : NULL;
        const Carebus__V1__Event *event = said ? (const void *)take_part(&input, &carebus__v1__event__descriptor, arena)
                                               : NULL;
        ConfigSharingRule rules[RULES_MAX];
        ConfigTeam teams[N_TEAMS] = { 0 };
        ConfigSource source = { .name = (char *)"alpha", .team = 0 };
        Config config = { .references = 1, .teams = teams, .n_teams = N_TEAMS, .sources = &source, .n_sources = 1 };
        _cleanup_(sharing_unrefp) Sharing *sharing = NULL;
        uint64_t sensitive;
        bool is_bare;
        Bytes packed;

        if (!event || !settings->sharing)
                return 0;
        for (size_t i = 0; i < N_TEAMS; i++)
                teams[i] = (ConfigTeam){ .name = (char *)(uintptr_t)classes[i],
                                         .title = (char *)(uintptr_t)classes[i],
                                         .class = (char *)(uintptr_t)classes[i],
                                         .organisation = (char *)"RAA" };
        configure(&config.sharing, settings->sharing, rules);
        must(sharing_new(&config, settings, &sharing) == 0);
        packed.size = carebus__v1__event__get_packed_size(event);
        packed.data = arena_alloc(arena, packed.size + 1);
        must(packed.data != NULL);
        carebus__v1__event__pack(event, (uint8_t *)(uintptr_t)packed.data);
        must(sharing_look_at_event(sharing, packed, &sensitive, &is_bare) == 0);
        must(sensitive == sharing_classify(sharing, &event->base));
        must(is_bare == sharing_thing_of_event(sharing, event).is_bare);
        for (size_t i = 0; i < N_TEAMS; i++)
                try_team(sharing, i, said, packed, arena);
        return 0;
}
