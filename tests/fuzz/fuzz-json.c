/*
 * JSON: what is taken is a sound tree within its limits, what is refused has a place inside of the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/json.h"
#include "adapters/fhir/path.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const JsonLimits limits = { .max_bytes = 1 << 20, .max_depth = 32, .max_nodes = 20000, .max_text = 1 << 16 };

static size_t check_node(const JsonNode *node, size_t depth, Arena *arena) {
        size_t n = 1, n_children = 0;

        if (depth > limits.max_depth + 1 || node->line == 0 || node->column == 0)
                abort();
        if ((node->kind == JSON_STRING || node->kind == JSON_NUMBER) &&
            (!node->text || strlen(node->text) != node->size || node->size > limits.max_text ||
             !utf8_is_valid(node->text, node->size)))
                abort();
        for (const JsonNode *child = node->first; child; child = child->next) {
                if (child->parent != node || (node->kind == JSON_OBJECT) != (child->name != NULL))
                        abort();
                if (child->name && json_peek(node, child->name) != child)
                        abort(); /* there twice */
                n_children++;
                n += check_node(child, depth + 1, arena);
        }
        if (n_children != node->n_children || (!node->first && !json_path(node, "x", arena)))
                abort();
        return n;
}

static void check_paths(JsonNode *root) {
        static const char *const paths[] = { "Patient.name.given[1]", "extension('urn:a').value",
                                             "telecom.where(system = 'phone').value", "name.first().family" };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_(fhir_path_freep) FhirPath *path = NULL;
                size_t offset;
                JsonNode *found;

                if (fhir_path_parse(paths[i], &path, &offset) != 0)
                        abort();
                found = fhir_path_get(path, root);
                if (found && !fhir_path_text(found))
                        abort();
        }
}

/* The same bytes as a path: refused with a place inside, or taken. */
static void check_path_text(const uint8_t *data, size_t size, Arena *arena) {
        const char *text = arena_text(arena, data, MIN(size, (size_t)200));
        _cleanup_(fhir_path_freep) FhirPath *path = NULL;
        size_t offset = 0;
        int r = text ? fhir_path_parse(text, &path, &offset) : 0;

        if (r < 0 || (r > 0 && (path || offset > strlen(text))))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        JsonNode *root = NULL;
        JsonError error;
        Arena *arena;
        int r;

        if (arena_new(&arena, 64 << 20) < 0)
                abort();
        r = json_read(bytes_of(data, size), &limits, arena, &root, &error);
        if (r < 0)
                abort();
        if (r > 0 &&
            (root || error.code != r || error.offset > size || error.line == 0 || error.column == 0 || !json_reason(r)))
                abort();
        if (r == 0) {
                if (check_node(root, 1, arena) > limits.max_nodes)
                        abort();
                check_paths(root);
        }
        check_path_text(data, size, arena);
        arena_free(arena);
        return 0;
}
