#pragma once
/* Rules by which every team sees all of everybody: what tests that are not about sharing go by. As YAML of a configuration, and as they are
 * journaled. */
#include "carebus/v1/sharing.pb-c.h"

#define OPEN_SHARING                                                                                              \
        "scope: {people: all}\n"                                                                                  \
        "sharing:\n"                                                                                              \
        "  rules: [{name: open, reason: a test, classes: all, kinds: all, relationships: not-needed}]\n"          \
        "  sensitive: {sexual-health: {codes: []}, termination: {codes: []}, assisted-conception: {codes: []},\n" \
        "              gender-reassignment: {codes: []}, very-restricted: {codes: []}}\n"                         \
        "  restricted: {types: [], fields: []}\n"                                                                 \
        "  existence: []\n"

typedef struct OpenSharing {
        Carebus__V1__SharingSettings settings;
        Carebus__V1__SharingRule rule, *rules[1];
        char *every[1], *without[1];
} OpenSharing;

/* Points into itself: it has to outlive what it is put into, and stay where it is. */
static inline Carebus__V1__SharingSettings *open_sharing_init(OpenSharing *open) {
        carebus__v1__sharing_settings__init(&open->settings);
        carebus__v1__sharing_rule__init(&open->rule);
        open->every[0] = (char *)"all";
        open->without[0] = (char *)"not-needed";
        open->rule.name = (char *)"open";
        open->rule.reason = (char *)"a test";
        open->rule.classes = open->rule.kinds = open->every;
        open->rule.relationships = open->without;
        open->rule.n_classes = open->rule.n_kinds = open->rule.n_relationships = 1;
        open->rule.has_unconfirmed = open->rule.unconfirmed = 1;
        open->rules[0] = &open->rule;
        open->settings.rules = open->rules;
        open->settings.n_rules = 1;
        open->settings.has_people_all = open->settings.people_all = 1;
        return &open->settings;
}
