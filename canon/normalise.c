/* See the header. One walk over the event by its descriptors, with the canonical path growing and shrinking beside it. */
#include "canon/normalise.h"

#include <errno.h>
#include <string.h>

#include "canon/codes.h"
#include "canon/defaults.h"
#include "canon/identifier.h"
#include "canon/meaning.h"
#include "canon/team.h"
#include "canon/when.h"

/* Longer paths than the schema has. */
#define PATH_MAX_BYTES 256

typedef struct Walk {
        const CanonRules *rules;
        Arena *arena;
        CanonCounts *counts;
        const char *number_status; /* what the event said of the patient's NHS number; may be NULL */
        size_t length;
        char path[PATH_MAX_BYTES];
} Walk;

static bool is_empty(const char *text) {
        return !text || text[0] == '\0';
}

/*
 * Identifiers
 */

/* CX.4 is said as NAMESPACE, or as NAMESPACE&UNIVERSAL&TYPE: any of its parts may be the authority that is meant. */
static bool authority_fits(const char *rule, const char *said) {
        if (strcmp(rule, said) == 0)
                return true;
        size_t length = strlen(rule);
        for (const char *part = said; part; part = strchr(part, '&')) {
                part += *part == '&';
                if (strncmp(part, rule, length) == 0 && (part[length] == '\0' || part[length] == '&'))
                        return true;
        }
        return false;
}

const ProfileAuthority *canon_authority(const Profile *profile, const char *authority, const char *type) {
        for (size_t i = 0; profile && i < profile->n_authorities; i++) {
                const ProfileAuthority *rule = &profile->authorities[i];
                if (rule->authority && (is_empty(authority) || !authority_fits(rule->authority, authority)))
                        continue;
                if (rule->type && (is_empty(type) || strcmp(rule->type, type) != 0))
                        continue;
                return rule;
        }
        return NULL;
}

/* An authority that the profile does not know still keeps its numbers apart from those of others. */
static char *system_of_authority(Arena *arena, const char *authority) {
        size_t length = strcspn(authority, "&");
        if (length > 0)
                return arena_format(arena, "carebus:%.*s", (int)length, authority);
        const char *universal = authority + 1;
        length = strcspn(universal, "&");
        if (strcmp(universal + length, "&ISO") == 0)
                return arena_format(arena, "urn:oid:%.*s", (int)length, universal);
        return arena_format(arena, "carebus:%.*s", (int)length, universal);
}

static int find_system(Walk *walk, Carebus__V1__Identifier *identifier, const ProfileAuthority *authority) {
        const CanonRules *rules = walk->rules;
        if (!is_empty(identifier->system))
                return 0;
        char *system = NULL;
        if (authority)
                system = arena_text(walk->arena, authority->system, strlen(authority->system));
        else if (!is_empty(identifier->authority) && strspn(identifier->authority, "&") < strlen(identifier->authority))
                system = system_of_authority(walk->arena, identifier->authority);
        else {
                const char *own = rules->default_authority;
                if (!own && rules->profile)
                        own = rules->profile->default_authority;
                if (!own)
                        return 0;
                system = arena_text(walk->arena, own, strlen(own));
        }
        if (!system)
                return -ENOMEM;
        identifier->system = system;
        return 0;
}

/* Numbers of the event's own person. Those of relatives and professionals have nothing to do with its PID-32. */
static bool is_of_patient(const Walk *walk) {
        return strcmp(walk->path, "patient.identifiers") == 0 || strcmp(walk->path, "demographics.identifiers") == 0;
}

static bool is_of_a_patient(const Walk *walk) {
        return is_of_patient(walk) || strcmp(walk->path, "merge.surviving") == 0 ||
               strcmp(walk->path, "merge.retired") == 0;
}

static void set_status(Carebus__V1__Identifier *identifier, Carebus__V1__Identifier__Status status) {
        identifier->has_status = true;
        identifier->status = status;
}

static void find_status(Walk *walk, Carebus__V1__Identifier *identifier, bool traced) {
        if (is_empty(identifier->status_code) && walk->number_status && is_of_patient(walk))
                identifier->status_code = (char *)walk->number_status; /* lives as long as the event */
        if (!is_empty(identifier->status_code)) {
                Carebus__V1__Identifier__Status status = nhs_number_status(identifier->status_code);
                if (status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN && is_of_patient(walk))
                        status = nhs_number_status(walk->number_status); /* a code of the source's own, mapped */
                set_status(identifier, status);
                return;
        }
        if (identifier->has_status && identifier->status != CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN)
                return;
        set_status(identifier, traced && is_of_a_patient(walk) ? CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED
                                                               : CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNKNOWN);
}

static int check_number(Walk *walk, Carebus__V1__Identifier *identifier, NationalNumber number, bool traced) {
        char digits[NATIONAL_NUMBER_SIZE + 1];
        if (national_number_read(number, identifier->value, digits) != 0) {
                set_status(identifier, CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID);
                walk->counts->identifiers_invalid++;
                return 0;
        }
        if (strcmp(identifier->value, digits) != 0) {
                char *formatted = arena_text(walk->arena, digits, NATIONAL_NUMBER_SIZE);
                if (!formatted)
                        return -ENOMEM;
                if (!identifier->text)
                        identifier->text = identifier->value;
                identifier->value = formatted;
        }
        if (national_number_is_test(digits) && !walk->rules->test_numbers) {
                set_status(identifier, CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST);
                walk->counts->identifiers_test++;
                return 0;
        }
        find_status(walk, identifier, traced);
        return 0;
}

/* A language that names systems has no authorities: a row of the profile may say what a system is called here. */
static int rename_system(Walk *walk, Carebus__V1__Identifier *identifier) {
        const Profile *profile = walk->rules->profile;
        for (size_t i = 0; profile && i < profile->n_authorities; i++) {
                const ProfileAuthority *rule = &profile->authorities[i];
                if (!rule->authority || rule->type || strcmp(rule->authority, identifier->system) != 0)
                        continue;
                if (strcmp(rule->system, identifier->system) == 0)
                        return 0;
                identifier->authority = identifier->system;
                identifier->system = arena_text(walk->arena, rule->system, strlen(rule->system));
                return identifier->system ? 0 : -ENOMEM;
        }
        return 0;
}

static int normalise_identifier(Walk *walk, Carebus__V1__Identifier *identifier) {
        if (is_empty(identifier->value))
                return 0;
        const Profile *profile = walk->rules->profile;
        if (!is_empty(identifier->system) && is_empty(identifier->authority)) {
                int renamed = rename_system(walk, identifier);
                if (renamed < 0)
                        return renamed;
        }
        const char *said = is_empty(identifier->authority) ? identifier->system : identifier->authority;
        const ProfileAuthority *authority = canon_authority(profile, said, identifier->type);
        int r = find_system(walk, identifier, authority);
        if (r < 0 || is_empty(identifier->system))
                return r;
        if (authority && strcmp(authority->system, identifier->system) != 0)
                authority = NULL; /* the adapter knew better */
        NationalNumber number = national_number_of_system(identifier->system);
        if (authority && authority->is_nhs_number)
                number = NATIONAL_NUMBER_NHS;
        if (number == NATIONAL_NUMBER_NONE)
                return 0;
        bool traced = (authority && authority->traced) ||
                      (number == NATIONAL_NUMBER_NHS && profile && profile->nhs_numbers_traced);
        return check_number(walk, identifier, number, traced);
}

/*
 * Codes and units
 */

static void count_map(Walk *walk, int r, const char *path, const char *code) {
        if (r == 0)
                walk->counts->maps_hit++;
        if (r != CODES_E_MISS)
                return;
        walk->counts->maps_missed++;
        if (walk->counts->map_missed)
                walk->counts->map_missed(walk->counts->owner, path, code);
}

/* What a decision means is for whoever signed the map to say; a map without a signature is none. */
static const ProfileMap *own_map(const Walk *walk, const char *path) {
        const ProfileMap *map = walk->rules->profile ? profile_find_map(walk->rules->profile, path) : NULL;
        return map && strncmp(path, "decision.", strlen("decision.")) == 0 && !profile_map_is_signed(map) ? NULL : map;
}

static int normalise_coded(Walk *walk, Carebus__V1__Coded *coded) {
        const ProfileMap *map = own_map(walk, walk->path);
        const ProfileMap *fallback = default_map_find(walk->path);
        int r = map ? coded_apply_map(coded, map, walk->arena) : CODES_E_NOTHING;
        if (map && r >= 0)
                count_map(walk, r, walk->path, coded->original ? coded->original->code : NULL);
        /* A profile that has a map has said all that this source means. A shared code is called alike in any case. */
        if (r == CODES_E_NOTHING && fallback && (!map || !is_empty(coded->system)))
                r = coded_apply_map(coded, fallback, walk->arena);
        return MIN(r, 0);
}

static int normalise_quantity(Walk *walk, Carebus__V1__Quantity *quantity) {
        static const char suffix[] = ".unit";
        const Profile *profile = walk->rules->profile;
        if (!profile || profile->n_maps == 0 || walk->length + sizeof(suffix) > sizeof(walk->path))
                return 0;
        memcpy(walk->path + walk->length, suffix, sizeof(suffix));
        const ProfileMap *map = profile_find_map(profile, walk->path);
        if (!map)
                map = profile_find_map(profile, "unit");
        int r = map ? quantity_apply_map(quantity, map, walk->arena) : 0;
        if (map && r >= 0)
                count_map(walk, r, walk->path, quantity->original_unit);
        walk->path[walk->length] = '\0';
        return MIN(r, 0);
}

/*
 * Times
 */

static void count_time(Walk *walk, int r) {
        if (r == WHEN_E_MALFORMED || r == WHEN_E_IMPOSSIBLE)
                walk->counts->times_unreadable++;
}

/*
 * The walk
 */

static int walk_message(Walk *walk, ProtobufCMessage *message);

static int visit(Walk *walk, ProtobufCMessage *message) {
        const ProtobufCMessageDescriptor *type = message->descriptor;
        if (type == &carebus__v1__identifier__descriptor)
                return normalise_identifier(walk, (Carebus__V1__Identifier *)message);
        if (type == &carebus__v1__coded__descriptor)
                return normalise_coded(walk, (Carebus__V1__Coded *)message);
        if (type == &carebus__v1__quantity__descriptor)
                return normalise_quantity(walk, (Carebus__V1__Quantity *)message);
        if (type == &carebus__v1__when__descriptor) {
                count_time(walk, when_fill((Carebus__V1__When *)message, walk->rules->zone));
                return 0;
        }
        if (type == &carebus__v1__date__descriptor) {
                count_time(walk, date_fill((Carebus__V1__Date *)message));
                return 0;
        }
        return walk_message(walk, message);
}

/* Demographics have one path wherever they stand. */
static int visit_field(Walk *walk, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message) {
        static const char demographics[] = "demographics";
        size_t length = walk->length, name = strlen(field->name);
        bool is_demographics = message->descriptor == &carebus__v1__demographics__descriptor;
        if (length + name + 2 > sizeof(walk->path))
                return 0;
        char kept[PATH_MAX_BYTES];
        if (is_demographics) {
                memcpy(kept, walk->path, length);
                memcpy(walk->path, demographics, sizeof(demographics));
                walk->length = sizeof(demographics) - 1;
        } else {
                if (length > 0)
                        walk->path[walk->length++] = '.';
                memcpy(walk->path + walk->length, field->name, name + 1);
                walk->length += name;
        }
        int r = visit(walk, message);
        if (is_demographics)
                memcpy(walk->path, kept, length);
        walk->length = length;
        walk->path[length] = '\0';
        return r;
}

static int walk_field(Walk *walk, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        char *base = (char *)message;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                size_t n = *(size_t *)(base + field->quantifier_offset);
                ProtobufCMessage **items = *(ProtobufCMessage ***)(base + field->offset);
                int r = 0;
                for (size_t i = 0; r == 0 && i < n; i++)
                        r = visit_field(walk, field, items[i]);
                return r;
        }
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) && *(uint32_t *)(base + field->quantifier_offset) != field->id)
                return 0;
        ProtobufCMessage *item = *(ProtobufCMessage **)(base + field->offset);
        return item ? visit_field(walk, field, item) : 0;
}

/* The schema has no recursion: a test of proto/ holds it to a depth. */
static int walk_message(Walk *walk, ProtobufCMessage *message) {
        const ProtobufCMessageDescriptor *type = message->descriptor;
        for (unsigned i = 0; i < type->n_fields; i++) {
                if (type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
                        continue;
                int r = walk_field(walk, message, &type->fields[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * What the event said of the number's tracing: a field of its own, or NSTSnn among the reliabilities (PID-32).
 */

static const char *code_said(const Carebus__V1__Coded *coded) {
        if (!is_empty(coded->code))
                return coded->code;
        return coded->original && !is_empty(coded->original->code) ? coded->original->code : NULL;
}

static int number_status(Walk *walk, Carebus__V1__Demographics *demographics) {
        if (!demographics)
                return 0;
        if (demographics->nhs_number_status) {
                const ProfileMap *map = walk->rules->profile ? profile_find_map(walk->rules->profile,
                                                                                "demographics.nhs_number_status")
                                                             : NULL;
                int r = map ? coded_apply_map(demographics->nhs_number_status, map, walk->arena) : 0;
                if (r < 0)
                        return r;
                if (map && r == 0)
                        walk->counts->maps_hit++;
                walk->number_status = code_said(demographics->nhs_number_status);
                return 0;
        }
        for (size_t i = 0; i < demographics->n_identity_reliability; i++) {
                const char *code = code_said(demographics->identity_reliability[i]);
                if (code && strncmp(code, "NSTS", 4) == 0)
                        walk->number_status = code;
        }
        return 0;
}

/* What an adapter says of it is not asked: whose event it is is for the bus to know. */
static int find_team(Walk *walk, Carebus__V1__Event *event) {
        const char *team = team_find(walk->rules->profile, event);
        if (!team)
                team = walk->rules->team;
        event->team = team ? arena_text(walk->arena, team, strlen(team)) : NULL;
        return team && !event->team ? -ENOMEM : 0;
}

int canon_normalise(Carebus__V1__Event *event, const CanonRules *rules, Arena *arena, CanonCounts *counts) {
        CanonCounts nobody = { 0 };
        Walk walk = { .rules = rules, .arena = arena, .counts = counts ? counts : &nobody };
        int r = 0;
        if (event->patient)
                r = number_status(&walk, event->patient->demographics);
        if (r == 0 && event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                r = number_status(&walk, event->demographics);
        if (r == 0)
                r = walk_message(&walk, &event->base);
        if (r == 0)
                r = meaning_fill(event, arena, &walk.counts->meanings_unknown);
        return r < 0 ? r : find_team(&walk, event);
}
