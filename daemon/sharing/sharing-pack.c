#include "daemon/sharing/sharing-pack.h"

#include <errno.h>

#include "base/cleanup.h"

static void *message_made(const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);

        if (message)
                protobuf_c_message_init(descriptor, message);
        return message;
}

#define NEW(type) message_made(&carebus__v1__##type##__descriptor, arena)

/* Room for n pointers; of none, one, so that NULL is lack of memory alone. */
static void *room(Arena *arena, size_t n) {
        return arena_alloc(arena, MAX(n, (size_t)1) * sizeof(void *));
}

static char **names_of(char **names, size_t n, Arena *arena) {
        char **copy = room(arena, n);

        for (size_t i = 0; copy && i < n; i++)
                copy[i] = names[i];
        return copy;
}

#define TAKE_NAMES(to, to_member, from, from_member)                                             \
        ({                                                                                       \
                (to)->to_member = names_of((from)->from_member, (from)->n_##from_member, arena); \
                (to)->n_##to_member = (to)->to_member ? (from)->n_##from_member : 0;             \
                (to)->to_member != NULL;                                                         \
        })

static Carebus__V1__SharingRule *pack_rule(const ConfigSharingRule *said, Arena *arena) {
        Carebus__V1__SharingRule *rule = NEW(sharing_rule);

        if (!rule)
                return NULL;
        rule->name = said->name;
        rule->reason = said->reason;
        rule->has_restricted_shown = rule->has_despite_objection = rule->has_unconfirmed = true;
        rule->restricted_shown = said->restricted_shown;
        rule->despite_objection = said->despite_objection;
        rule->unconfirmed = said->unconfirmed;
        return TAKE_NAMES(rule, classes, said, classes) && TAKE_NAMES(rule, teams, said, teams) &&
                               TAKE_NAMES(rule, kinds, said, kinds) && TAKE_NAMES(rule, fields, said, fields) &&
                               TAKE_NAMES(rule, except, said, except) &&
                               TAKE_NAMES(rule, relationships, said, relationships) &&
                               TAKE_NAMES(rule, sensitive, said, sensitive) && TAKE_NAMES(rule, types, said, types) &&
                               TAKE_NAMES(rule, sources, said, sources)
                       ? rule
                       : NULL;
}

static Carebus__V1__SensitiveClass *pack_class(const ConfigSensitive *said, Arena *arena) {
        Carebus__V1__SensitiveClass *class = NEW(sensitive_class);

        if (!class || !TAKE_NAMES(class, words, said, words) || !TAKE_NAMES(class, labels, said, labels))
                return NULL;
        class->name = said->name;
        class->has_never = true;
        class->never = said->never;
        class->codes = room(arena, said->n_codes);
        for (size_t i = 0; class->codes && i < said->n_codes; i++) {
                Carebus__V1__Coded *code = NEW(coded);

                if (!code)
                        return NULL;
                code->system = said->codes[i].system;
                code->code = said->codes[i].code;
                class->codes[class->n_codes++] = code;
        }
        return class->codes ? class : NULL;
}

static void pack_times(const ConfigSharing *said, Carebus__V1__SharingSettings *settings) {
        const struct {
                protobuf_c_boolean *has;
                uint32_t *to;
                uint64_t seconds;
        } times[] = {
                { &settings->has_linger_discharge_seconds, &settings->linger_discharge_seconds,
                  said->linger_discharge },
                { &settings->has_linger_death_seconds, &settings->linger_death_seconds, said->linger_death },
                { &settings->has_contact_seconds, &settings->contact_seconds, said->contact },
                { &settings->has_opened_contact_seconds, &settings->opened_contact_seconds, said->opened_contact },
                { &settings->has_break_glass_seconds, &settings->break_glass_seconds, said->break_glass },
                { &settings->has_break_glass_max_seconds, &settings->break_glass_max_seconds, said->break_glass_max },
                { &settings->has_originals_seconds, &settings->originals_seconds, said->originals },
        };

        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                *times[i].has = true;
                *times[i].to = (uint32_t)MIN(times[i].seconds, (uint64_t)UINT32_MAX);
        }
        settings->has_people_all = true;
        settings->people_all = said->people_all;
}

int sharing_pack(const Config *config, Arena *arena, Carebus__V1__SharingSettings **ret) {
        const ConfigSharing *said = &config->sharing;
        Carebus__V1__SharingSettings *settings = NEW(sharing_settings);

        if (!settings || !TAKE_NAMES(settings, shielded_types, said, shielded_types) ||
            !TAKE_NAMES(settings, shielded_paths, said, shielded_fields) ||
            !TAKE_NAMES(settings, existence, said, existence) ||
            !TAKE_NAMES(settings, answers_calls, said, answers_calls) ||
            !TAKE_NAMES(settings, break_glass_reasons, said, break_glass_reasons))
                return -ENOMEM;
        pack_times(said, settings);
        settings->rules = room(arena, said->n_rules);
        settings->sensitive = room(arena, said->n_sensitive);
        if (!settings->rules || !settings->sensitive)
                return -ENOMEM;
        for (size_t i = 0; i < said->n_rules; i++) {
                settings->rules[i] = pack_rule(&said->rules[i], arena);
                if (!settings->rules[i])
                        return -ENOMEM;
                settings->n_rules++;
        }
        for (size_t i = 0; i < said->n_sensitive; i++) {
                settings->sensitive[i] = pack_class(&said->sensitive[i], arena);
                if (!settings->sensitive[i])
                        return -ENOMEM;
                settings->n_sensitive++;
        }
        *ret = settings;
        return 0;
}
