#pragma once
/*
 * What may stand in a file, as tables: name, type, range, default, where the value goes. One walker reads any file by its
 * table, names every mistake with its place, and the reference in docs/configuration.md is held against the same tables by a
 * test. What one value alone cannot tell (references, users, keys, clashes) is looked at afterwards, in config/resolve*.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/yaml.h"

typedef enum SchemaType {
        SCHEMA_TEXT,     /* char *; min and max in bytes */
        SCHEMA_NAME,     /* char *; [a-z0-9-]{1,32} */
        SCHEMA_WORD,     /* char *; one of `words` */
        SCHEMA_NUMBER,   /* uint64_t; min to max */
        SCHEMA_SIZE,     /* uint64_t; bytes, with KiB, MiB, GiB */
        SCHEMA_BOOL,     /* bool */
        SCHEMA_PATH,     /* char *; absolute */
        SCHEMA_FILENAME, /* char *; one part of a path */
        SCHEMA_ENDPOINT, /* char *; tcp://IP:PORT */
        SCHEMA_ADDRESS,  /* char *; IP:PORT */
        SCHEMA_NETWORK,  /* char *; IP or IP/BITS */
        SCHEMA_ZONE,     /* char *; form only */
        SCHEMA_USER,     /* char *; name or number, form only */
        SCHEMA_ODS,      /* char *; organisation code */
        SCHEMA_FIELD,    /* char *; canonical path, form only */
        SCHEMA_TARGET,   /* char *; canonical path that a value goes to: elements of lists by [n]; form only */
        SCHEMA_SOURCE,   /* char *; place in a source's own message (config/profile-path.h) */
        SCHEMA_URL,      /* char *; http:// or https://, host, port, path; no user, query or fragment */
        SCHEMA_RESOURCE, /* char *; name of a type of FHIR resource, form only */
        SCHEMA_DAY,      /* char *; 2026-03-01 */
        SCHEMA_TIME,     /* char *; 07:30 */
        SCHEMA_SYSTEM,   /* char *; URI, or carebus:NAME */
        SCHEMA_DURATION, /* uint64_t; seconds, from 90s, 15m, 24h, 7d; min and max in seconds */
        SCHEMA_PERCENT,  /* uint64_t; 80%; min and max in hundredths */
        SCHEMA_BITS,     /* ConfigBits; 12.5, -3.125 */
        SCHEMA_GROUP,    /* a mapping of `items`, in the same target */
        SCHEMA_TABLE,    /* a mapping of names to `items`: elements of `size`, each beginning with a SchemaElement */
        SCHEMA_LIST,     /* a list of mappings of `items`: elements likewise, without a name */
        SCHEMA_OTHER,    /* `read` does it */
        _SCHEMA_TYPE_MAX,
} SchemaType;

typedef struct SchemaWalk SchemaWalk;
typedef struct SchemaItem SchemaItem;
struct SchemaItem {
        const char *name;
        SchemaType type;
        bool required;
        bool is_list; /* several values of `type`: an array, its length at n_offset; min and max are each value's */
        uint64_t min, max;         /* 0, 0: no range */
        const char *fallback;      /* what holds when nothing is said, as it would be written; NULL: nothing */
        const char *fallback_says; /* for people, where it is not a constant */
        const char *const *words;  /* NULL-terminated */
        const SchemaItem *items;   /* ends with an item without a name */
        size_t size;
        size_t offset, n_offset;
        int (*read)(SchemaWalk *walk, const YamlNode *node, void *target);
        const char *says; /* for people: what SCHEMA_OTHER is, where it is no mapping */
        const char *why;  /* why the range is what it is, for whoever went beyond it; may be NULL */
        const char *doc;  /* a sentence without its full stop */
};

/* What every element of a table or list begins with. */
typedef struct SchemaElement {
        char *name;           /* of a table */
        const YamlNode *key;  /* of a table: where the name stands */
        const YamlNode *node; /* the mapping */
} SchemaElement;

struct SchemaWalk {
        Report *report;
        Arena *arena;
        char path[256]; /* of what is being read: sources.hospital-pas.listen */
};

/* Reads a mapping by its table into a target that is zero. Mistakes are reported; what is wrong keeps its default. 0 or -ENOMEM. */
int schema_read(SchemaWalk *walk, const SchemaItem *items, const YamlNode *node, void *target);
/* For SCHEMA_OTHER: pairs of a mapping and single values. */
int schema_read_value(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field);
/* One part more on the path; schema_path_pop() with what it returned takes it off. */
size_t schema_path_push(SchemaWalk *walk, const char *name);
void schema_path_pop(SchemaWalk *walk, size_t length);
bool schema_expect(SchemaWalk *walk, const YamlNode *node, YamlKind kind, const char *expected);

/* For the reference: "text", "list of networks", "size in bytes, 64 KiB to 1 GiB". Writes at most `size` bytes. */
void schema_describe_type(const SchemaItem *item, char *text, size_t size);
/* 67108864 as "64 MiB". */
void schema_format_size(uint64_t bytes, char *text, size_t size);
/* 900 as "15m". */
void schema_format_duration(uint64_t seconds, char *text, size_t size);

/* config/schema-values.c: one value of a type. Reports and leaves the field alone when it is wrong. 0 or -ENOMEM. */
int schema_parse(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field);
