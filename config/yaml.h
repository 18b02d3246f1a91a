#pragma once
/*
 * Text to a tree, each node with the place where it stands. The part of YAML that a configuration needs: mappings with plain
 * keys, sequences, scalars, comments. Anchors, aliases, tags, several documents in a file and keys that are no scalars are
 * refused with their place. No scalar has a type here: 010, yes and NO are what they look like, and who reads them says what
 * was expected.
 *
 * Hostile text costs little: size, depth and number of nodes are capped before a tree is built of them.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "config/problem.h"

#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 100000

typedef enum YamlKind {
        YAML_KIND_SCALAR,
        YAML_KIND_SEQUENCE,
        YAML_KIND_MAPPING,
} YamlKind;

typedef struct YamlNode YamlNode;
typedef struct YamlPair {
        YamlNode *key; /* a scalar */
        YamlNode *value;
} YamlPair;
struct YamlNode {
        YamlKind kind;
        bool plain; /* a scalar without quotes */
        Place place;
        const char *text; /* of a scalar; no NUL inside */
        YamlNode **items; /* of a sequence */
        YamlPair *pairs;  /* of a mapping; keys differ */
        size_t n;         /* of items or pairs */
};

/* Reads file `file` of the report's text into the arena. 0 with the root (a mapping without pairs for a file that says nothing),
 * CONFIG_E_INVALID with problems, or -ENOMEM. Duplicate keys are reported too, each, and the first is kept: the tree is returned, so
 * that what else is wrong in it can be said in the same run. */
int yaml_read(Report *report, size_t file, Arena *arena, YamlNode **ret);

/* What an arena must hold for the trees of texts of so many bytes together, merged ones included: a value may be one byte. */
#define YAML_ARENA_BYTES(text_bytes) ((size_t)(1 << 20) + 256 * (size_t)(text_bytes))

/* The value of a key, or NULL. */
YamlNode *yaml_get(const YamlNode *mapping, const char *key);
/* Where the value of a key stands, or the mapping where there is none. */
Place yaml_place(const YamlNode *mapping, const char *key);
/* Nothing was said: `key:`, `key: ~`, `key: null`. */
bool yaml_is_null(const YamlNode *node);
/* "text", "a list", "a mapping": for messages. */
const char *yaml_kind_name(const YamlNode *node);

/* What `over` says, laid over `under`: mappings key by key, all else replaced whole; neither is changed. NULL when the arena is
 * full. */
YamlNode *yaml_merge(YamlNode *under, YamlNode *over, Arena *arena);
