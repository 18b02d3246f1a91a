/* A tree of JSON made from nothing: what json.c makes of bytes, here made of values. */
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"

#define NAME_MAX_ 64
#define TEXT_MAX (1u << 20) /* what R4 lets a string have */

static JsonNode *node_new(Writer *w, JsonKind kind) {
        JsonNode *node = w->is_full ? NULL : arena_alloc(w->arena, sizeof(*node));

        if (!node) {
                w->is_full = true;
                return NULL;
        }
        *node = (JsonNode){ .kind = kind };
        return node;
}

JsonNode *tree_object(Writer *w) {
        return node_new(w, JSON_OBJECT);
}

static JsonNode *text_node(Writer *w, JsonKind kind, const char *text) {
        JsonNode *node;
        size_t size = strlen(text);

        if (!utf8_is_valid(text, size)) {
                w->is_bad_text = true;
                return NULL;
        }
        if (size > TEXT_MAX) {
                w->is_full = true;
                return NULL;
        }
        node = node_new(w, kind);
        if (node) {
                node->text = text;
                node->size = size;
        }
        return node;
}

JsonNode *tree_text(Writer *w, const char *text) {
        return text && text[0] ? text_node(w, JSON_STRING, text) : NULL;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?: what JSON takes for a number. */
static bool is_number(const char *text) {
        size_t n;

        text += *text == '-';
        n = strspn(text, "0123456789");
        if (n == 0 || (text[0] == '0' && n > 1))
                return false;
        text += n;
        if (*text == '.') {
                n = strspn(++text, "0123456789");
                if (n == 0)
                        return false;
                text += n;
        }
        if (*text == 'e' || *text == 'E') {
                text += 1 + (text[1] == '+' || text[1] == '-');
                n = strspn(text, "0123456789");
                if (n == 0)
                        return false;
                text += n;
        }
        return !*text;
}

JsonNode *tree_number(Writer *w, const char *digits) {
        return digits && is_number(digits) ? text_node(w, JSON_NUMBER, digits) : NULL;
}

JsonNode *tree_unsigned(Writer *w, uint64_t value) {
        char *text = w->is_full ? NULL : arena_format(w->arena, "%llu", (unsigned long long)value);

        w->is_full = w->is_full || !text;
        return text ? tree_number(w, text) : NULL;
}

JsonNode *tree_truth(Writer *w, bool value) {
        return node_new(w, value ? JSON_TRUE : JSON_FALSE);
}

JsonNode *tree_or_null(JsonNode *object) {
        return object && object->first ? object : NULL;
}

static void attach(JsonNode *parent, const char *name, JsonNode *value) {
        value->name = name;
        value->parent = parent;
        if (parent->last)
                parent->last->next = value;
        else
                parent->first = value;
        parent->last = value;
        parent->n_children++;
}

/* The member of that name, made where it is not there. */
static JsonNode *member_open(Writer *w, JsonNode *object, const char *name, JsonKind kind) {
        JsonNode *found = json_peek(object, name);

        if (found || w->is_full)
                return found;
        found = node_new(w, kind);
        if (found)
                attach(object, name, found);
        return found;
}

/* One step: `name`, `name[]` or `name[0]`. Returns what is behind it. */
static const char *step_read(Writer *w, const char *path, const char **ret_name, char *ret_index) {
        size_t n = strcspn(path, ".[");

        *ret_name = arena_text(w->arena, path, n);
        w->is_full = w->is_full || !*ret_name;
        path += n;
        *ret_index = 0;
        if (*path == '[') {
                *ret_index = path[1];
                path += path[1] == ']' ? 2 : 3;
        }
        return *path == '.' ? path + 1 : path;
}

void tree_put(Writer *w, JsonNode *object, const char *path, JsonNode *value) {
        while (value && object && !w->is_full) {
                const char *name;
                char index;

                path = step_read(w, path, &name, &index);
                if (w->is_full)
                        return;
                if (!*path && !index) {
                        attach(object, name, value);
                        return;
                }
                object = member_open(w, object, name, index ? JSON_ARRAY : JSON_OBJECT);
                if (object && !*path) {
                        attach(object, NULL, value);
                        return;
                }
                if (object && index) {
                        if (!object->first || index == ']') {
                                JsonNode *element = node_new(w, JSON_OBJECT);

                                if (element)
                                        attach(object, NULL, element);
                        }
                        object = index == ']' ? object->last : object->first;
                }
        }
}

void tree_put_text(Writer *w, JsonNode *object, const char *path, const char *text) {
        tree_put(w, object, path, tree_text(w, text));
}
