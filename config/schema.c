/* The walker: any mapping by any table. */
#include "config/schema.h"

#include <stdio.h>

#include "base/text.h"

/* Keys of one mapping that a hint can choose from. */
#define KEYS_MAX 64

size_t schema_path_push(SchemaWalk *walk, const char *name) {
        size_t length = strlen(walk->path);
        snprintf(walk->path + length, sizeof(walk->path) - length, "%s%s", length > 0 ? "." : "", name);
        return length;
}

void schema_path_pop(SchemaWalk *walk, size_t length) {
        walk->path[length] = '\0';
}

bool schema_expect(SchemaWalk *walk, const YamlNode *node, YamlKind kind, const char *expected) {
        if (node->kind == kind)
                return true;
        report_error(walk->report, node->place, "%s%sexpected %s, not %s", walk->path, walk->path[0] ? ": " : "",
                     expected, yaml_kind_name(node));
        return false;
}

static const SchemaItem *item_find(const SchemaItem *items, const char *name) {
        for (const SchemaItem *item = items; item->name; item++)
                if (strcmp(item->name, name) == 0)
                        return item;
        return NULL;
}

static void report_unknown_key(SchemaWalk *walk, const SchemaItem *items, const YamlNode *key) {
        const char *names[KEYS_MAX];
        size_t n = 0;
        for (const SchemaItem *item = items; item->name && n < KEYS_MAX; item++)
                names[n++] = item->name;
        if (walk->path[0])
                report_error(walk->report, key->place, "%s: unknown key '%s'", walk->path, key->text);
        else
                report_error(walk->report, key->place, "unknown key '%s'", key->text);
        if (report_did_you_mean(walk->report, key->text, names, n))
                return;
        Buffer list = BUFFER_NULL;
        for (size_t i = 0; i < n; i++) {
                buffer_append_text(&list, i > 0 ? ", " : "");
                buffer_append_text(&list, names[i]);
        }
        _cleanup_(freep) char *text = buffer_steal_text(&list);
        if (text)
                report_hint(walk->report, "known here: %s", text);
}

/* A list may be written without its brackets where it has one value. */
static int read_values(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *target) {
        const YamlNode *const *items = node->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)node->items : &node;
        size_t n = node->kind == YAML_KIND_SEQUENCE ? node->n : 1;
        char **values = arena_alloc(walk->arena, MAX(n, (size_t)1) * sizeof(*values));
        if (!values)
                return -ENOMEM;
        size_t n_values = 0;
        for (size_t i = 0; i < n; i++) {
                values[n_values] = NULL;
                int r = schema_parse(walk, item, items[i], &values[n_values]);
                if (r < 0)
                        return r;
                if (values[n_values])
                        n_values++;
        }
        *(char ***)((char *)target + item->offset) = values;
        *(size_t *)((char *)target + item->n_offset) = n_values;
        return 0;
}

static int elements_new(SchemaWalk *walk, const SchemaItem *item, size_t n, void *target, char **ret) {
        char *elements = arena_alloc(walk->arena, MAX(n, (size_t)1) * item->size);
        if (!elements)
                return -ENOMEM;
        memset(elements, 0, MAX(n, (size_t)1) * item->size);
        *(void **)((char *)target + item->offset) = elements;
        *ret = elements;
        return 0;
}

static int read_element(SchemaWalk *walk, const SchemaItem *item, const YamlNode *key, const YamlNode *node,
                        char *element) {
        SchemaElement *head = (SchemaElement *)element;
        head->node = node;
        if (key) {
                head->key = key;
                head->name = arena_text(walk->arena, key->text, strlen(key->text));
                if (!head->name)
                        return -ENOMEM;
                if (!name_is_valid(key->text)) {
                        report_error(walk->report, key->place, "%s: '%s' is no name", walk->path, key->text);
                        report_hint(walk->report, "a name is 1 to 32 of a-z, 0-9 and hyphen");
                }
        }
        return schema_read(walk, item->items, node, element);
}

static int read_table(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *target) {
        char *elements = NULL;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "names with a mapping each"))
                return 0;
        int r = elements_new(walk, item, node->n, target, &elements);
        for (size_t i = 0; r == 0 && i < node->n; i++) {
                const YamlNode *key = node->pairs[i].key;
                size_t length = schema_path_push(walk, key->text);
                r = read_element(walk, item, key, node->pairs[i].value, elements + i * item->size);
                schema_path_pop(walk, length);
        }
        if (r == 0)
                *(size_t *)((char *)target + item->n_offset) = node->n;
        return r;
}

static int read_list(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *target) {
        char *elements = NULL;
        if (!schema_expect(walk, node, YAML_KIND_SEQUENCE, "a list"))
                return 0;
        int r = elements_new(walk, item, node->n, target, &elements);
        for (size_t i = 0; r == 0 && i < node->n; i++) {
                char index[24];
                snprintf(index, sizeof(index), "%zu", i + 1);
                size_t length = schema_path_push(walk, index);
                r = read_element(walk, item, NULL, node->items[i], elements + i * item->size);
                schema_path_pop(walk, length);
        }
        if (r == 0)
                *(size_t *)((char *)target + item->n_offset) = node->n;
        return r;
}

int schema_read_value(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *target) {
        switch (item->type) {
        case SCHEMA_GROUP:
                return schema_read(walk, item->items, node, (char *)target + item->offset);
        case SCHEMA_TABLE:
                return read_table(walk, item, node, target);
        case SCHEMA_LIST:
                return read_list(walk, item, node, target);
        case SCHEMA_OTHER:
                return item->read(walk, node, target);
        default:
                if (item->is_list)
                        return read_values(walk, item, node, target);
                return schema_parse(walk, item, node, (char *)target + item->offset);
        }
}

/* What holds when nothing is said: the defaults of a group's own items too. */
static int read_fallback(SchemaWalk *walk, const SchemaItem *item, const YamlNode *mapping, void *target) {
        if (item->type == SCHEMA_GROUP) {
                YamlNode nothing = { .kind = YAML_KIND_MAPPING, .place = mapping->place };
                return schema_read(walk, item->items, &nothing, (char *)target + item->offset);
        }
        if (item->required) {
                report_error(walk->report, mapping->place, "%s%s'%s' is missing", walk->path, walk->path[0] ? ": " : "",
                             item->name);
                report_hint(walk->report, "%s", item->doc);
                return 0;
        }
        if (!item->fallback)
                return 0;
        YamlNode value = { .kind = YAML_KIND_SCALAR, .plain = true, .place = mapping->place, .text = item->fallback };
        return schema_read_value(walk, item, &value, target);
}

int schema_read(SchemaWalk *walk, const SchemaItem *items, const YamlNode *node, void *target) {
        YamlNode nothing = { .kind = YAML_KIND_MAPPING, .place = node->place };
        if (yaml_is_null(node))
                node = &nothing;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "a mapping (key: value)"))
                return 0;
        for (size_t i = 0; i < node->n; i++)
                if (!item_find(items, node->pairs[i].key->text))
                        report_unknown_key(walk, items, node->pairs[i].key);
        for (const SchemaItem *item = items; item->name; item++) {
                const YamlNode *value = yaml_get(node, item->name);
                size_t length;
                int r;
                if (value && !yaml_is_null(value)) {
                        length = schema_path_push(walk, item->name);
                        r = schema_read_value(walk, item, value, target);
                        schema_path_pop(walk, length);
                } else if (item->type == SCHEMA_GROUP) {
                        length = schema_path_push(walk, item->name);
                        r = read_fallback(walk, item, node, target);
                        schema_path_pop(walk, length);
                } else
                        r = read_fallback(walk, item, node, target);
                if (r < 0)
                        return r;
        }
        return 0;
}
