#pragma once
/* What config_check_known() asks of each file. Inside this folder. */
#include "config/config.h"
#include "config/yaml.h"

typedef struct Check {
        Report *report;
        const Config *config;
        const ConfigKnown *known;
} Check;

/* Did-you-mean for the first part of a path that leads nowhere; whether there was one. */
bool check_hint_near(const Check *check, const char *path);
/* The rules of sharing, as a mapping: kinds, types, fields. */
void check_sharing(const Check *check, const YamlNode *node);
/* Types of events of destinations. */
void check_destinations(const Check *check, const YamlNode *node);
