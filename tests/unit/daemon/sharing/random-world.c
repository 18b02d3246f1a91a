#include "tests/unit/daemon/sharing/random-world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/sharing/sharing-pack.h"
#include "proto/reflect.h"
#include "proto/types.h"

static const char *const classes[] = { "clinical", "helpline", "care-home", "volunteer" };
static const char *const organisations[] = { "RAA", "RBB", NULL };
static const char *const titles[] = { "Hospice at home", "District nurses", "The ward" };
static const char *const kinds[] = {
        "demographics", "encounters", "decisions", "contacts", "care-team", "contact-points", "services",
        "notices",      "all",        "all",       "all",      "all",       "nonsense"
};
static const char *const event_types[] = { "patient.updated",       "encounter.admitted",     "encounter.discharged",
                                           "cpr_decision.recorded", "lpa.recorded",           "visit.planned",
                                           "contact.recorded",      "care_team.member_added", "contact_point.changed",
                                           "service.published",     "partner.silent",         "patient.registered",
                                           "patient.merged",        "death.notified",         "referral.requested",
                                           "nonsense.said" };
static const char *const relations[] = { "encounter",   "referral",   "practice", "planned-visit",
                                         "break-glass", "not-needed", "invented" };
static const char *const sensitive_names[] = { "sexual-health", "termination", "never-told" };
/* By names that are in a text or not. */
static const char *const words[] = { "hiv", "termination of pregnancy", "Gender clinic" };
static const char *const sources[] = { "alpha", "beta", "gamma", "delta" };
static const char *const teams[] = { "one", "two", "three", "four" };
static const char *const paths[] = { "demographics.names",
                                     "demographics.names.family",
                                     "demographics.addresses",
                                     "demographics.addresses.postal_code",
                                     "demographics.telecom",
                                     "demographics.identifiers",
                                     "demographics.identifiers.value",
                                     "demographics.related_persons.name",
                                     "demographics",
                                     "demographics.sex",
                                     "demographics.practice",
                                     "decision",
                                     "decision.decision",
                                     "decision.decided_at",
                                     "decision.original_location",
                                     "decision.discussions.person",
                                     "decision.discussions",
                                     "decision.emergency_contacts.name",
                                     "encounter.place",
                                     "encounter.place.text",
                                     "encounter.class",
                                     "encounter.participants.practitioner",
                                     "contact.place",
                                     "contact.start_at",
                                     "contact.by.telecom",
                                     "contact.caller",
                                     "care_team.members.practitioner",
                                     "care_team.members",
                                     "care_team.name",
                                     "contact_point.name",
                                     "contact_point",
                                     "service.name",
                                     "notice.text",
                                     "no.such",
                                     "demographics.wrong" };
static const char *const shielded_types[] = { "Address", "Telecom", "RelatedPerson", "Nonsense" };
static const char *const shielded_paths[] = { "demographics.practice", "decision.original_location", "care_team.name",
                                              "contact_point.what_for" };

#define PICK(dice, list) ((char *)(uintptr_t)(list)[dice_roll((dice), ELEMENTSOF(list))])

uint64_t dice_roll(Dice *dice, uint64_t sides) {
        uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return (z ^ z >> 31) % sides;
}

static void *make(World *world, size_t size) {
        void *made = arena_alloc(world->arena, MAX(size, (size_t)1));

        assert_non_null(made);
        return memset(made, 0, MAX(size, (size_t)1));
}

static void *message_made(World *world, const ProtobufCMessageDescriptor *descriptor) {
        void *message = make(world, descriptor->sizeof_message);

        protobuf_c_message_init(descriptor, message);
        return message;
}

/* Up to three of a list; none so many times of a hundred. */
static size_t pick_some(World *world, const char *const *list, size_t n_list, uint64_t none_of_100, char ***ret) {
        size_t n = dice_roll(&world->dice, 100) < none_of_100 ? 0 : 1 + dice_roll(&world->dice, 3);
        char **picked = make(world, (n + 1) * sizeof(*picked));

        for (size_t i = 0; i < n; i++)
                picked[i] = (char *)(uintptr_t)list[dice_roll(&world->dice, n_list)];
        *ret = picked;
        return n;
}

static void fill_rule(World *world, ConfigSharingRule *rule) {
        Dice *dice = &world->dice;

        rule->name = rule->reason = (char *)"rule";
        rule->n_classes = pick_some(world, classes, ELEMENTSOF(classes), 10, &rule->classes);
        rule->n_teams = pick_some(world, teams, ELEMENTSOF(teams), 40, &rule->teams);
        rule->n_kinds = pick_some(world, kinds, ELEMENTSOF(kinds), 3, &rule->kinds);
        rule->n_fields = pick_some(world, paths, ELEMENTSOF(paths), 50, &rule->fields);
        rule->n_except = pick_some(world, paths, ELEMENTSOF(paths) - dice_roll(dice, 3), 40, &rule->except);
        rule->n_relationships = pick_some(world, relations, ELEMENTSOF(relations), 30, &rule->relationships);
        rule->n_sensitive = pick_some(world, sensitive_names, ELEMENTSOF(sensitive_names), 50, &rule->sensitive);
        rule->n_types = pick_some(world, event_types, ELEMENTSOF(event_types), 80, &rule->types);
        rule->n_sources = pick_some(world, sources, ELEMENTSOF(sources), 80, &rule->sources);
        rule->restricted_shown = dice_says(dice, 3);
        rule->despite_objection = dice_says(dice, 3);
        rule->unconfirmed = !dice_says(dice, 3);
}

static void fill_sharing(World *world, ConfigSharing *sharing) {
        sharing->n_rules = dice_says(&world->dice, 10) ? 0 : 2 + dice_roll(&world->dice, WORLD_RULES - 1);
        sharing->rules = make(world, (sharing->n_rules + 1) * sizeof(*sharing->rules));
        for (size_t i = 0; i < sharing->n_rules; i++)
                fill_rule(world, &sharing->rules[i]);
        sharing->n_sensitive = dice_roll(&world->dice, ELEMENTSOF(sensitive_names) + 1);
        sharing->sensitive = make(world, (sharing->n_sensitive + 1) * sizeof(*sharing->sensitive));
        for (size_t i = 0; i < sharing->n_sensitive; i++) {
                ConfigSensitive *class = &sharing->sensitive[i];

                class->name = (char *)(uintptr_t)sensitive_names[i];
                class->words = make(world, sizeof(char *));
                class->words[0] = (char *)(uintptr_t)words[i];
                class->n_words = 1;
                class->never = i == 2;
        }
        sharing->n_shielded_types = pick_some(world, shielded_types, ELEMENTSOF(shielded_types), 20,
                                              &sharing->shielded_types);
        sharing->n_shielded_fields = pick_some(world, shielded_paths, ELEMENTSOF(shielded_paths), 20,
                                               &sharing->shielded_fields);
}

static void fill_teams(World *world) {
        Config *config = &world->config;

        config->n_teams = WORLD_TEAMS;
        config->teams = make(world, WORLD_TEAMS * sizeof(*config->teams));
        config->n_sources = WORLD_SOURCES;
        config->sources = make(world, WORLD_SOURCES * sizeof(*config->sources));
        for (size_t i = 0; i < WORLD_SOURCES; i++) {
                config->sources[i].name = (char *)(uintptr_t)sources[i];
                config->sources[i].team = dice_roll(&world->dice, WORLD_TEAMS);
        }
        for (size_t i = 0; i < WORLD_TEAMS; i++) {
                ConfigTeam *team = &config->teams[i];

                team->name = (char *)(uintptr_t)teams[i];
                team->title = PICK(&world->dice, titles);
                team->class = PICK(&world->dice, classes);
                team->organisation = PICK(&world->dice, organisations);
                team->may_read = make(world, WORLD_SOURCES * sizeof(*team->may_read));
                for (size_t k = 0; k < WORLD_SOURCES; k++)
                        if (!dice_says(&world->dice, 6))
                                team->may_read[team->n_may_read++] = k;
        }
}

/* As stage packs it: what sharing reads of it. */
Carebus__V1__Settings *world_settings(World *world, const Config *config) {
        Carebus__V1__Settings *settings = message_made(world, &carebus__v1__settings__descriptor);

        settings->teams = make(world, config->n_teams * sizeof(void *));
        settings->sources = make(world, config->n_sources * sizeof(void *));
        for (size_t i = 0; i < config->n_sources; i++) {
                Carebus__V1__SourceSettings *source = message_made(world, &carebus__v1__source_settings__descriptor);

                source->name = config->sources[i].name;
                source->team = config->teams[config->sources[i].team].name;
                settings->sources[settings->n_sources++] = source;
        }
        for (size_t i = 0; i < config->n_teams; i++) {
                Carebus__V1__TeamSettings *team = message_made(world, &carebus__v1__team_settings__descriptor);
                const ConfigTeam *said = &config->teams[i];

                team->name = said->name;
                team->title = said->title;
                team->class_ = said->class;
                team->organisation = said->organisation;
                team->may_read = make(world, (said->n_may_read + 1) * sizeof(char *));
                for (size_t k = 0; k < said->n_may_read; k++)
                        team->may_read[team->n_may_read++] = config->sources[said->may_read[k]].name;
                settings->teams[settings->n_teams++] = team;
        }
        assert_int_equal(sharing_pack(config, world->arena, &settings->sharing), 0);
        return settings;
}

void world_init(World *world, uint64_t seed) {
        *world = (World){ .dice = { seed } };
        assert_int_equal(arena_new(&world->arena, (size_t)64 << 20), 0);
        world->config.references = 1;
        fill_teams(world);
        fill_sharing(world, &world->config.sharing);
        world->configured = world->settings = world_settings(world, &world->config);
        if (dice_says(&world->dice, 3)) { /* what was said before it is still what counts as well */
                Config before = world->config;
                ConfigSharing now = world->config.sharing;

                fill_sharing(world, &world->config.sharing);
                before.sharing = world->config.sharing;
                world->config.sharing = now;
                if (dice_says(&world->dice, 2)) {
                        World other = *world;

                        fill_teams(&other);
                        world->dice = other.dice;
                        before.teams = other.config.teams;
                        before.sources = other.config.sources;
                }
                world->settings = world_settings(world, &before);
        }
        if (dice_says(&world->dice, 40))
                world->settings = NULL;
}

void world_deinit(World *world) {
        arena_free(world->arena);
}

static Carebus__V1__SharingScope *scope_made(World *world) {
        Carebus__V1__SharingScope *scope = message_made(world, &carebus__v1__sharing_scope__descriptor);

        scope->n_organisations = pick_some(world, organisations, ELEMENTSOF(organisations) - 1, 50,
                                           &scope->organisations);
        scope->n_classes = pick_some(world, classes, ELEMENTSOF(classes), 50, &scope->classes);
        scope->n_kinds = pick_some(world, kinds, 6, 50, &scope->kinds);
        return scope;
}

Carebus__V1__PersonSharing *world_person(World *world) {
        static const char *const kinds_of[] = { "encounter",     "referral",    "practice",
                                                "planned-visit", "break-glass", "unheard-of" };
        static const char *const services[] = { "hospice AT home", "the  Ward", "four", "nobody", NULL };
        Carebus__V1__PersonSharing *person = message_made(world, &carebus__v1__person_sharing__descriptor);
        Dice *dice = &world->dice;

        if (dice_says(dice, 20))
                return NULL;
        person->relationships = make(world, 8 * sizeof(void *));
        person->n_relationships = dice_says(dice, 6) ? 0 : 2 + dice_roll(dice, 5);
        for (size_t i = 0; i < person->n_relationships; i++) {
                Carebus__V1__Relationship *relationship = message_made(world, &carebus__v1__relationship__descriptor);

                relationship->kind = PICK(dice, kinds_of);
                if (dice_says(dice, 2))
                        relationship->team = PICK(dice, teams);
                else
                        relationship->organisation = dice_says(dice, 4) ? (char *)"raa" : PICK(dice, organisations);
                relationship->service = PICK(dice, services);
                relationship->has_ended = dice_says(dice, 2);
                relationship->ended = relationship->has_ended && dice_says(dice, 2);
                person->relationships[i] = relationship;
        }
        person->has_restricted = dice_says(dice, 2);
        person->restricted = person->has_restricted && !dice_says(dice, 4);
        person->has_objection = person->objection = dice_says(dice, 12);
        person->objections = make(world, 2 * sizeof(void *));
        person->n_objections = dice_says(dice, 4) ? 1 + dice_roll(dice, 2) : 0;
        for (size_t i = 0; i < person->n_objections; i++)
                person->objections[i] = scope_made(world);
        return person;
}

/*
 * Events
 */

static char *text_random(World *world, const ProtobufCFieldDescriptor *field) {
        static const char *const places[] = { "home", "hospital", "hospice", "care home" };

        if (strcmp(field->name, "kind") == 0 && dice_says(&world->dice, 2))
                return PICK(&world->dice, places);
        if (strcmp(field->name, "text") == 0 && dice_says(&world->dice, 4))
                return (char *)"General Practitioner";
        if (dice_says(&world->dice, 60))
                return arena_format(world->arena, "known %s since", PICK(&world->dice, words));
        return arena_format(world->arena, "canary-%llx", (unsigned long long)dice_roll(&world->dice, UINT64_MAX));
}

static char *text_made(World *world, const ProtobufCFieldDescriptor *field) {
        if (world->is_full)
                return arena_format(world->arena, "canary-%06zx", world->n_canaries++);
        return text_random(world, field);
}

static void fill_message(World *world, ProtobufCMessage *message, unsigned depth);

static void fill_value(World *world, const ProtobufCFieldDescriptor *field, void *at, unsigned depth) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                *(char **)at = text_made(world, field);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                *(ProtobufCMessage **)at = message_made(world, field->descriptor);
                fill_message(world, *(ProtobufCMessage **)at, depth + 1);
                break;
        case PROTOBUF_C_TYPE_BYTES:
                ((ProtobufCBinaryData *)at)->data = (uint8_t *)text_made(world, field);
                ((ProtobufCBinaryData *)at)->len = strlen((char *)((ProtobufCBinaryData *)at)->data);
                break;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)at = 1 + dice_roll(&world->dice, 1000000);
                break;
        default:
                *(uint32_t *)at = 1;
        }
}

static void fill_field(World *world, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, unsigned depth) {
        uint8_t *base = (uint8_t *)message;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                size_t n = world->is_full ? 1 : 1 + dice_roll(&world->dice, 2),
                       size = reflect_element_size(field->type);
                uint8_t *list = make(world, n * size);

                for (size_t i = 0; i < n; i++)
                        fill_value(world, field, list + i * size, depth);
                *(size_t *)(base + field->quantifier_offset) = n;
                *(void **)(base + field->offset) = list;
                return;
        }
        fill_value(world, field, base + field->offset, depth);
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
                *(protobuf_c_boolean *)(base + field->quantifier_offset) = 1;
}

/* Some fields of it, fewer the deeper it is; always one, so that nothing is empty to begin with. */
static void fill_message(World *world, ProtobufCMessage *message, unsigned depth) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        uint64_t in = 3 + 2 * depth;
        unsigned sure = (unsigned)dice_roll(&world->dice, descriptor->n_fields);

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

                if (world->is_full || i == sure ||
                    dice_says(&world->dice, field->type == PROTOBUF_C_TYPE_MESSAGE ? in : 2 + in / 2))
                        fill_field(world, message, field, depth);
        }
}

static void fill_envelope(World *world, Carebus__V1__Event *event) {
        Dice *dice = &world->dice;

        event->event_id = (char *)"7.0";
        event->source = dice_says(dice, 10) ? NULL : PICK(dice, sources);
        event->team = dice_says(dice, 12) ? PICK(dice, teams) : NULL;
        event->has_unconfirmed = event->unconfirmed = dice_says(dice, 4);
        if (dice_says(dice, 3))
                return;
        event->patient = message_made(world, &carebus__v1__subject__descriptor);
        event->patient->patient_id = (char *)"p1.0";
        if (dice_says(dice, 2)) {
                event->patient->demographics = message_made(world, &carebus__v1__demographics__descriptor);
                fill_message(world, &event->patient->demographics->base, 1);
        }
        if (dice_says(dice, 2))
                fill_field(world, &event->patient->base,
                           protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__subject__descriptor,
                                                                           "identifiers"),
                           1);
}

Carebus__V1__Event *world_event(World *world, Leaves *leaves) {
        Carebus__V1__Event *event = message_made(world, &carebus__v1__event__descriptor);
        const EventType *type;
        const ProtobufCFieldDescriptor *body;

        do {
                event->type = dice_says(&world->dice, 4)
                                      ? (char *)(uintptr_t)event_type_at(dice_roll(&world->dice, 120))->name
                                      : PICK(&world->dice, event_types);
                type = event_type_find(event->type);
                body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                               type ? type->body : CAREBUS__V1__EVENT__BODY_ENCOUNTER);
                event->body_case = (Carebus__V1__Event__BodyCase)body->id;
                event->demographics = message_made(world, body->descriptor);
                fill_message(world, (ProtobufCMessage *)event->demographics, 0);
                fill_envelope(world, event);
                leaves_collect(event, world->arena, leaves);
        } while (leaves->n == leaves->max);
        return event;
}

Carebus__V1__Event *world_full_event(World *world, const char *type, Leaves *leaves) {
        Carebus__V1__Event *event = message_made(world, &carebus__v1__event__descriptor);
        const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                       event_type_find(type)->body);

        world->is_full = true;
        for (unsigned i = 0; i < event->base.descriptor->n_fields; i++)
                if (!(event->base.descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                        fill_field(world, &event->base, &event->base.descriptor->fields[i], 0);
        event->body_case = (Carebus__V1__Event__BodyCase)body->id;
        event->demographics = message_made(world, body->descriptor);
        fill_message(world, (ProtobufCMessage *)event->demographics, 0);
        world->is_full = false;
        event->type = (char *)(uintptr_t)type;
        event->has_unconfirmed = event->unconfirmed = false;
        leaves_collect(event, world->arena, leaves);
        assert_true(leaves->n < leaves->max);
        return event;
}

Leaves *leaves_new(size_t max) {
        Leaves *leaves = calloc(1, sizeof(*leaves) + max * sizeof(Leaf));

        assert_non_null(leaves);
        leaves->max = max;
        return leaves;
}

typedef struct Collect {
        Arena *arena;
        Leaves *leaves;
        const ProtobufCMessage *in[12];
        size_t n_in;
        bool is_beside;
} Collect;

static void collect_message(Collect *collect, const ProtobufCMessage *message, const char *path);

static void collect_value(Collect *collect, const ProtobufCFieldDescriptor *field, const void *value,
                          const char *path) {
        Leaf *leaf = &collect->leaves->leaves[collect->leaves->n];

        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                collect_message(collect, *(const ProtobufCMessage *const *)value, path);
                return;
        }
        if (collect->leaves->n == collect->leaves->max)
                return;
        *leaf = (Leaf){ .path = path, .slot = value, .n_in = collect->n_in, .is_beside = collect->is_beside };
        if (field->type == PROTOBUF_C_TYPE_STRING)
                leaf->text = *(const char *const *)value;
        if (field->type == PROTOBUF_C_TYPE_BYTES)
                leaf->text = arena_text(collect->arena, ((const ProtobufCBinaryData *)value)->data,
                                        ((const ProtobufCBinaryData *)value)->len);
        memcpy(leaf->in, collect->in, sizeof(leaf->in));
        collect->leaves->n++;
}

static void collect_message(Collect *collect, const ProtobufCMessage *message, const char *path) {
        collect->in[collect->n_in++] = message;
        assert_true(collect->n_in < ELEMENTSOF(collect->in));
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                size_t n = reflect_count(message, field);
                const char *below = n > 0 ? arena_format(collect->arena, "%s.%s", path, field->name) : NULL;

                for (size_t k = 0; k < n; k++)
                        collect_value(collect, field, reflect_value(message, field, k), below);
        }
        collect->n_in--;
}

void leaves_collect(const Carebus__V1__Event *event, Arena *arena, Leaves *leaves) {
        Collect collect = { .arena = arena, .leaves = leaves };
        const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                       event->body_case);

        leaves->n = 0;
        if (body && event->demographics)
                collect_message(&collect, (const ProtobufCMessage *)event->demographics, body->name);
        collect.is_beside = true;
        if (event->patient && event->patient->demographics)
                collect_message(&collect, &event->patient->demographics->base, "demographics");
        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                collect_message(&collect, &event->patient->identifiers[i]->base, "demographics.identifiers");
}
