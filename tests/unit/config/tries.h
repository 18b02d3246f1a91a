#pragma once
/* Every key that the tables know, with the lines of a file above it, and what reading such a file says. Include after the headers that
 * cmocka needs. */
#include "config/draft.h"
#include "config/profile-read.h"

#define TRIES_DEPTH_MAX 8

typedef enum TriesHome {
        TRIES_CONFIG,  /* carebus.yaml */
        TRIES_SHARING, /* a file of rules that carebus.yaml names */
        TRIES_PROFILE,
} TriesHome;

typedef struct TriesLevel {
        const char *name; /* of the key that the next level is below */
        SchemaType type;
} TriesLevel;

/* Where the keys of a table stand. */
typedef struct TriesPlace {
        TriesHome home;
        TriesLevel levels[TRIES_DEPTH_MAX];
        size_t depth;
} TriesPlace;

typedef void (*TriesVisit)(const TriesPlace *place, const SchemaItem *items, const SchemaItem *item, void *data);

/* Calls `visit` for each key of each table of the configuration, of a file of rules, and of a profile. */
void tries_visit_all(TriesVisit visit, void *data);
/* Reads what stands there, that file alone or with the one that names it. */
void tries_read(TriesHome home, const Buffer *content, ConfigProblems *ret);
/* The lines above a key, and the spaces before it; the key begins at that line and column. */
void tries_append_head(Buffer *buffer, const TriesPlace *place, unsigned *ret_line, unsigned *ret_column);
/* The next key of the same mapping: on a line of its own, below the first. */
void tries_append_indent(Buffer *buffer, unsigned column);
/* sources.one.tls, for messages. */
void tries_path(const TriesPlace *place, const char *key, char *text, size_t size);
/* The error at a place, or NULL; of several the first. */
const ConfigProblem *tries_problem_at(const ConfigProblems *problems, unsigned line, unsigned column);
