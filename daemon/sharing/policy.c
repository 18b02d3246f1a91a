/* Rules as bit sets. What cannot be understood lets nothing: a rule whose exceptions are not known shows nothing at all. */
#include "daemon/sharing/policy.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/cut.h"
#include "daemon/sharing/sharing.h"

typedef struct Compile {
        const Config *config;
        const PolicyClasses *classes;
        Arena *arena;
        Policy *policy;
} Compile;

static void *make(Arena *arena, size_t n, size_t size) {
        void *made = arena_alloc(arena, MAX(n, (size_t)1) * size);

        return made ? memset(made, 0, MAX(n, (size_t)1) * size) : NULL;
}

static bool is_among(char *const *names, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(names[i], name))
                        return true;
        return false;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_bytes(Bytes key, const char *name) {
        size_t size = strlen(name);
        int r = memcmp(key.data, name, MIN(key.size, size));

        return r ? r : key.size == size ? 0 : key.size < size ? -1 : 1;
}

bool name_is_among(const char *const *names, size_t n, Bytes name) {
        size_t low = 0, high = n;

        if (name.size == 0)
                return false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare_bytes(name, names[middle]);

                if (order == 0)
                        return true;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return false;
}

/*
 * Rules
 */

static uint64_t bits_of_kinds(char *const *names, size_t n) {
        uint64_t bits = 0;

        for (size_t i = 0; i < n; i++) {
                int kind = kind_find(names[i]);

                if (kind >= 0)
                        bits |= KIND_BIT(kind);
                else if (text_equal(names[i], "all"))
                        bits |= KIND_BIT(kind_count()) - 1;
        }
        return bits;
}

/* Classes share the last bit: who is let see one of them has to be let see all. */
static uint64_t bits_of_classes(const PolicyClasses *classes, char *const *names, size_t n) {
        uint64_t bits = 0, lacks = 0;

        for (size_t i = 0; i < classes->n; i++)
                *(is_among(names, n, classes->names[i]) ? &bits : &lacks) |= class_bit(i);
        return bits & ~lacks;
}

static void set_relationships(PolicyRule *rule) {
        rule->relationships = rule->said->n_relationships == 0 ? RELATION_ORDINARY : 0;
        for (size_t i = 0; i < rule->said->n_relationships; i++) {
                unsigned relation = relation_find(rule->said->relationships[i]);

                if (text_equal(rule->said->relationships[i], "not-needed"))
                        rule->not_needed = true;
                else if (relation != RELATION_OTHER)
                        rule->relationships |= 1u << relation;
        }
}

static int set_types(PolicyRule *rule, Arena *arena) {
        rule->is_typed = rule->said->n_types > 0;
        rule->types = make(arena, rule->said->n_types, sizeof(*rule->types));
        if (!rule->types)
                return -ENOMEM;
        for (size_t i = 0; i < rule->said->n_types; i++) {
                const EventType *type = event_type_find(rule->said->types[i]);

                if (type)
                        rule->types[rule->n_types++] = type;
        }
        return 0;
}

/* Paths as said; false: one of them leads nowhere. */
static bool take_paths(char *const *said, size_t n, char **ret, size_t *ret_n) {
        bool all = true;

        for (size_t i = 0; i < n; i++) {
                if (cut_path_is_known(said[i]))
                        ret[(*ret_n)++] = said[i];
                else
                        all = false;
        }
        return all;
}

static int set_paths(PolicyRule *rule, Arena *arena) {
        rule->is_limited = rule->said->n_fields > 0;
        rule->fields = make(arena, rule->said->n_fields, sizeof(char *));
        rule->except = make(arena, rule->said->n_except, sizeof(char *));
        if (!rule->fields || !rule->except)
                return -ENOMEM;
        take_paths(rule->said->fields, rule->said->n_fields, rule->fields, &rule->n_fields);
        if (!take_paths(rule->said->except, rule->said->n_except, rule->except, &rule->n_except)) {
                rule->is_limited = true;
                rule->n_fields = 0;
        }
        for (size_t kind = 0; kind < kind_count(); kind++)
                if (cut_rule_shows_all(rule, kind_body(kind)->name))
                        rule->whole |= KIND_BIT(kind);
        return 0;
}

static int compile_rule(const Compile *compile, const Carebus__V1__SharingRule *said, PolicyRule *rule) {
        int r;

        rule->said = said;
        rule->kinds = bits_of_kinds(said->kinds, said->n_kinds);
        rule->sensitive = bits_of_classes(compile->classes, said->sensitive, said->n_sensitive);
        rule->unconfirmed = !said->has_unconfirmed || said->unconfirmed;
        rule->despite_objection = said->has_despite_objection && said->despite_objection;
        rule->restricted_shown = said->has_restricted_shown && said->restricted_shown;
        set_relationships(rule);
        r = set_types(rule, compile->arena);
        return r < 0 ? r : set_paths(rule, compile->arena);
}

static int compile_rules(const Compile *compile) {
        Policy *policy = compile->policy;
        int r = 0;

        policy->n_rules = MIN(policy->said->n_rules, (size_t)SHARING_RULES_MAX);
        policy->rules = make(compile->arena, policy->n_rules, sizeof(*policy->rules));
        if (!policy->rules)
                return -ENOMEM;
        for (size_t i = 0; i < policy->n_rules && r == 0; i++)
                r = compile_rule(compile, policy->said->rules[i], &policy->rules[i]);
        return r;
}

/*
 * What holds for all
 */

static const ProtobufCMessageDescriptor *find_type(const ProtobufCMessageDescriptor *in, const char *name) {
        const ProtobufCMessageDescriptor *found = NULL;

        for (unsigned i = 0; i < in->n_fields && !found; i++) {
                const ProtobufCMessageDescriptor *below = in->fields[i].descriptor;

                if (in->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
                        continue;
                found = strcmp(below->short_name, name) == 0 ? below : find_type(below, name);
        }
        return found;
}

static int compile_shield(const Compile *compile) {
        Policy *policy = compile->policy;
        const Carebus__V1__SharingSettings *said = policy->said;

        policy->shielded_types = make(compile->arena, said->n_shielded_types, sizeof(*policy->shielded_types));
        policy->shielded_paths = make(compile->arena, said->n_shielded_paths, sizeof(char *));
        if (!policy->shielded_types || !policy->shielded_paths)
                return -ENOMEM;
        for (size_t i = 0; i < said->n_shielded_types; i++) {
                const ProtobufCMessageDescriptor *type = find_type(&carebus__v1__event__descriptor,
                                                                   said->shielded_types[i]);

                if (type)
                        policy->shielded_types[policy->n_shielded_types++] = type;
        }
        take_paths(said->shielded_paths, said->n_shielded_paths, policy->shielded_paths, &policy->n_shielded_paths);
        for (size_t kind = 0; kind < kind_count(); kind++)
                if (cut_may_shield(policy, kind_body(kind)))
                        policy->shieldable |= KIND_BIT(kind);
        policy->existence = bits_of_kinds(said->existence, said->n_existence);
        for (size_t i = 0; i < said->n_sensitive; i++)
                for (size_t k = 0; k < compile->classes->n; k++)
                        if (said->sensitive[i]->never &&
                            text_equal(compile->classes->names[k], said->sensitive[i]->name))
                                policy->never |= class_bit(k);
        return 0;
}

/*
 * Teams
 */

static void bind_team(const Policy *policy, PolicyTeam *team) {
        qsort(team->reads, team->n_reads, sizeof(*team->reads), compare_names);
        qsort(team->own, team->n_own, sizeof(*team->own), compare_names);
        for (size_t i = 0; policy->said && team->name && i < policy->n_rules; i++) {
                const Carebus__V1__SharingRule *said = policy->rules[i].said;

                if (!is_among(said->classes, said->n_classes, "all") &&
                    !(team->class && is_among(said->classes, said->n_classes, team->class)) &&
                    !is_among(said->teams, said->n_teams, team->name))
                        continue;
                team->rules |= UINT64_C(1) << i;
                for (size_t kind = 0; kind < kind_count(); kind++)
                        if (policy->rules[i].kinds & KIND_BIT(kind))
                                team->of_kind[kind] |= UINT64_C(1) << i;
        }
        team->answers_calls = policy->said && team->class &&
                              is_among(policy->said->answers_calls, policy->said->n_answers_calls, team->class);
}

static int policy_start(Compile *compile, const Carebus__V1__SharingSettings *said, Policy **ret) {
        Policy *policy = make(compile->arena, 1, sizeof(*policy));
        int r = 0;

        if (!policy)
                return -ENOMEM;
        policy->said = said;
        policy->demographics = kind_find("demographics");
        policy->n_teams = compile->config->n_teams;
        policy->teams = make(compile->arena, policy->n_teams, sizeof(*policy->teams));
        if (!policy->teams)
                return -ENOMEM;
        compile->policy = policy;
        if (said)
                r = compile_rules(compile);
        if (said && r == 0)
                r = compile_shield(compile);
        *ret = policy;
        return r;
}

static int team_of_config(const Compile *compile, size_t index) {
        const Config *config = compile->config;
        const ConfigTeam *said = &config->teams[index];
        PolicyTeam *team = &compile->policy->teams[index];

        *team = (PolicyTeam){
                .name = said->name, .title = said->title, .class = said->class, .organisation = said->organisation
        };
        team->reads = make(compile->arena, config->n_sources, sizeof(char *));
        team->own = make(compile->arena, config->n_sources, sizeof(char *));
        if (!team->reads || !team->own)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_sources; i++) {
                if (config_may_read(config, index, i))
                        team->reads[team->n_reads++] = config->sources[i].name;
                if (config->sources[i].team == index)
                        team->own[team->n_own++] = config->sources[i].name;
        }
        team->reads_all = team->n_reads == config->n_sources;
        bind_team(compile->policy, team);
        return 0;
}

int policy_of_config(const Config *config, const PolicyClasses *classes, const Carebus__V1__SharingSettings *said,
                     Arena *arena, Policy **ret) {
        Compile compile = { .config = config, .classes = classes, .arena = arena };
        int r = policy_start(&compile, said, ret);

        for (size_t i = 0; r == 0 && i < config->n_teams; i++)
                r = team_of_config(&compile, i);
        return r;
}

static int team_of_settings(const Compile *compile, const Carebus__V1__Settings *settings, size_t index) {
        const Carebus__V1__TeamSettings *said = NULL;
        PolicyTeam *team = &compile->policy->teams[index];

        for (size_t i = 0; settings && !said && i < settings->n_teams; i++)
                if (text_equal(settings->teams[i]->name, compile->config->teams[index].name))
                        said = settings->teams[i];
        if (!said)
                return 0;
        *team = (PolicyTeam){
                .name = said->name, .title = said->title, .class = said->class_, .organisation = said->organisation
        };
        team->reads = make(compile->arena, settings->n_sources + said->n_may_read, sizeof(char *));
        team->own = make(compile->arena, settings->n_sources, sizeof(char *));
        if (!team->reads || !team->own)
                return -ENOMEM;
        for (size_t i = 0; !said->reads_all && i < said->n_may_read; i++)
                team->reads[team->n_reads++] = said->may_read[i];
        team->reads_all = true;
        for (size_t i = 0; i < settings->n_sources; i++) {
                const Carebus__V1__SourceSettings *source = settings->sources[i];

                if (source->name && said->reads_all)
                        team->reads[team->n_reads++] = source->name;
                if (source->name && text_equal(source->team, said->name))
                        team->own[team->n_own++] = source->name;
                team->reads_all &= said->reads_all ||
                                   (source->name && is_among(said->may_read, said->n_may_read, source->name));
        }
        bind_team(compile->policy, team);
        return 0;
}

int policy_of_settings(const Config *config, const PolicyClasses *classes, const Carebus__V1__Settings *settings,
                       Arena *arena, Policy **ret) {
        Compile compile = { .config = config, .classes = classes, .arena = arena };
        int r = policy_start(&compile, settings ? settings->sharing : NULL, ret);

        for (size_t i = 0; r == 0 && i < config->n_teams; i++)
                r = team_of_settings(&compile, settings, i);
        return r;
}

/*
 * What answers follow from
 */

static void describe_text(Buffer *out, const char *text) {
        uint32_t size = text ? (uint32_t)strlen(text) : UINT32_MAX;

        buffer_append(out, &size, sizeof(size));
        buffer_append_text(out, text ?: "");
}

static void describe_texts(Buffer *out, char *const *texts, size_t n) {
        uint32_t count = (uint32_t)n;

        buffer_append(out, &count, sizeof(count));
        for (size_t i = 0; i < n; i++)
                describe_text(out, texts[i]);
}

static void describe_message(Buffer *out, const ProtobufCMessage *message) {
        uint32_t size = (uint32_t)protobuf_c_message_get_packed_size(message);
        uint8_t *room;

        buffer_append(out, &size, sizeof(size));
        room = buffer_reserve(out, size);
        if (room)
                buffer_advance(out, protobuf_c_message_pack(message, room));
}

/* What people call it, and whom else it is for, changes no answer. */
static void describe_rule(Buffer *out, const PolicyRule *rule) {
        Carebus__V1__SharingRule bare = *rule->said;

        bare.name = bare.reason = NULL;
        bare.n_classes = bare.n_teams = 0;
        describe_message(out, &bare.base);
}

void policy_describe(const Policy *policy, size_t index, Buffer *out) {
        const PolicyTeam *team = &policy->teams[index];

        describe_text(out, team->name);
        describe_text(out, team->class);
        describe_text(out, team->organisation);
        describe_texts(out, (char *const *)team->reads, team->n_reads);
        describe_texts(out, (char *const *)team->own, team->n_own);
        buffer_append_byte(out, team->answers_calls);
        buffer_append_byte(out, team->reads_all);
        for (size_t i = 0; i < policy->n_teams; i++)
                if (team->organisation && text_equal(policy->teams[i].organisation, team->organisation)) {
                        describe_text(out, policy->teams[i].name);
                        describe_text(out, policy->teams[i].title);
                }
        if (!policy->said)
                return;
        for (uint64_t rules = team->rules; rules; rules &= rules - 1)
                describe_rule(out, &policy->rules[__builtin_ctzll(rules)]);
        for (size_t i = 0; i < policy->said->n_sensitive; i++)
                describe_message(out, &policy->said->sensitive[i]->base);
        describe_texts(out, policy->said->shielded_types, policy->said->n_shielded_types);
        describe_texts(out, policy->shielded_paths, policy->n_shielded_paths);
        describe_texts(out, policy->said->existence, policy->said->n_existence);
}
