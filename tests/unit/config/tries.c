/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "tries.h"

#include "base/error.h"
#include "base/text.h"

/* A row of a table: also the name of a template, so that a profile's tables are read whole. */
#define ROW "people"

typedef struct Walk {
        TriesPlace place;
        TriesVisit visit;
        void *data;
} Walk;

static void push(TriesPlace *place, const char *name, SchemaType type) {
        assert_true(place->depth < TRIES_DEPTH_MAX);
        place->levels[place->depth++] = (TriesLevel){ .name = name, .type = type };
}

static void walk_items(Walk *walk, const SchemaItem *items) {
        for (const SchemaItem *item = items; item->name; item++) {
                walk->visit(&walk->place, items, item, walk->data);
                if (!item->items)
                        continue;
                push(&walk->place, item->name, item->type);
                walk_items(walk, item->items);
                walk->place.depth--;
        }
}

/* What stands in a file for a word of the reference that is in capitals. */
static const char *example_of(const char *part) {
        static const char *const examples[][2] = {
                { "TYPE", "ADT^A01" },
                { "PATH", "encounter.class" },
                { "CODE", "I" },
        };

        for (size_t i = 0; i < ELEMENTSOF(examples); i++)
                if (text_equal(examples[i][0], part))
                        return examples[i][1];
        return part;
}

/* maps.PATH.CODE. as three levels, fields[]. as a list. */
static void walk_profile(Walk *walk, const ProfileReference *part) {
        char prefix[80], *rest = NULL;

        assert_true(strlen(part->prefix) < sizeof(prefix));
        strcpy(prefix, part->prefix);
        walk->place = (TriesPlace){ .home = TRIES_PROFILE };
        for (char *name = strtok_r(prefix, ".", &rest); name; name = strtok_r(NULL, ".", &rest)) {
                char *bracket = strchr(name, '[');

                if (bracket)
                        *bracket = '\0';
                push(&walk->place, example_of(name), bracket ? SCHEMA_LIST : SCHEMA_GROUP);
        }
        walk_items(walk, part->items);
}

void tries_visit_all(TriesVisit visit, void *data) {
        Walk walk = { .visit = visit, .data = data };

        walk_items(&walk, config_items);
        walk.place = (TriesPlace){ .home = TRIES_SHARING };
        walk_items(&walk, sharing_items);
        for (const ProfileReference *part = profile_reference; part->prefix; part++)
                walk_profile(&walk, part);
}

static void add_file(ConfigText *text, const char *path, const void *data, size_t size) {
        ssize_t file = config_text_add(text, path);

        assert_true(file >= 0);
        buffer_append(&text->files[file].content, data, size);
}

void tries_read(TriesHome home, const Buffer *content, ConfigProblems *ret) {
        static const char *const paths[] = {
                [TRIES_CONFIG] = "/etc/carebus/carebus.yaml",
                [TRIES_SHARING] = "/etc/carebus/sharing.yaml",
                [TRIES_PROFILE] = "/etc/carebus/profiles/tried.yaml",
        };
        static const char names_it[] = "bus: b\nsharing: /etc/carebus/sharing.yaml\n";
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        Report report = { .text = text, .problems = ret };
        int r;

        assert_non_null(text);
        *ret = (ConfigProblems){};
        if (home == TRIES_SHARING)
                add_file(text, paths[TRIES_CONFIG], names_it, strlen(names_it));
        add_file(text, paths[home], content->data, content->size);
        r = home == TRIES_PROFILE ? profile_read(&report, NULL, 0, "tried", &profile)
                                  : config_parse(text, &config, ret);
        assert_true(r == 0 || r == CONFIG_E_INVALID);
        assert_true((r == 0) == (ret->n_errors == 0));
}

void tries_append_head(Buffer *buffer, const TriesPlace *place, unsigned *ret_line, unsigned *ret_column) {
        unsigned indent = 0, line = 1;

        for (size_t i = 0; i < place->depth; i++) {
                const TriesLevel *level = &place->levels[i];

                indent += 2;
                line++;
                buffer_append_format(buffer, "%s:\n%*s", level->name, (int)indent, "");
                if (level->type == SCHEMA_TABLE) {
                        indent += 2;
                        line++;
                        buffer_append_format(buffer, ROW ":\n%*s", (int)indent, "");
                } else if (level->type == SCHEMA_LIST) {
                        indent += 2;
                        buffer_append_text(buffer, "- ");
                }
        }
        *ret_line = line;
        *ret_column = indent + 1;
}

void tries_append_indent(Buffer *buffer, unsigned column) {
        buffer_append_format(buffer, "%*s", (int)column - 1, "");
}

void tries_path(const TriesPlace *place, const char *key, char *text, size_t size) {
        Buffer path = BUFFER_NULL;

        for (size_t i = 0; i < place->depth; i++)
                buffer_append_format(&path, "%s.", place->levels[i].name);
        buffer_append_text(&path, key);
        _cleanup_(freep) char *whole = buffer_steal_text(&path);
        snprintf(text, size, "%s", whole);
}

const ConfigProblem *tries_problem_at(const ConfigProblems *problems, unsigned line, unsigned column) {
        for (size_t i = 0; i < problems->n_items; i++)
                if (problems->items[i].line == line && problems->items[i].column == column &&
                    !problems->items[i].is_warning)
                        return &problems->items[i];
        return NULL;
}
