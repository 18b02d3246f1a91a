#pragma once
/*
 * Who may see what, as the configuration says it. What `sharing:` does not say is as shipped (etc/sharing.yaml, which is built in): rules
 * that are given take the place of all shipped ones, a sensitive class that of the shipped one of its name. Texts as written; times in
 * seconds. docs/sharing.md tells people the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Classes, or teams by name, or both; `classes: all` stands here as every class. No kinds: all. */
typedef struct ConfigSharingRule {
        char *name, *reason;
        char **classes, **teams, **kinds, **fields, **except, **relationships, **sensitive, **types, **sources;
        size_t n_classes, n_teams, n_kinds, n_fields, n_except, n_relationships, n_sensitive, n_types, n_sources;
        bool restricted_shown, despite_objection, unconfirmed;
} ConfigSharingRule;
typedef struct ConfigSensitiveCode {
        char *system, *code; /* system NULL: any */
} ConfigSensitiveCode;
typedef struct ConfigSensitive {
        char *name;
        ConfigSensitiveCode *codes;
        size_t n_codes;
        char **words, **labels;
        size_t n_words, n_labels;
        bool never;
} ConfigSensitive;
typedef struct ConfigSharing {
        bool shipped; /* no `rules` are given: those that ship */
        char *file;   /* of its own, as it is named in the ConfigText; NULL: it stands in carebus.yaml, or nowhere */
        ConfigSharingRule *rules;
        size_t n_rules;
        ConfigSensitive *sensitive;
        size_t n_sensitive;
        char **shielded_types, **shielded_fields;
        size_t n_shielded_types, n_shielded_fields;
        char **existence; /* sections */
        size_t n_existence;
        char **answers_calls; /* classes */
        size_t n_answers_calls;
        char **break_glass_reasons;
        size_t n_break_glass_reasons;
        uint64_t linger_discharge, linger_death, contact, opened_contact, break_glass, break_glass_max;
        bool people_all;    /* scope: {people: all} */
        uint64_t originals; /* scope: {originals: 7d} */
} ConfigSharing;

/* Whether a rule shows anything about people to teams that have nothing to do with them. Not that of services and of notices. Any
 * thread. */
bool config_sharing_rule_is_open(const ConfigSharingRule *rule);
