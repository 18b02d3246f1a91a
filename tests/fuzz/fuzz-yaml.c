/* Any bytes as YAML: refused with places, or a tree whose nodes can be walked and merged with itself. */
#include <stdint.h>
#include <stdio.h>

#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every text must be readable, every place inside the file. */
static size_t walk(const YamlNode *node, unsigned depth) {
        size_t n = 1;
        if (depth > YAML_DEPTH_MAX || node->place.line == 0 || node->place.column == 0)
                __builtin_trap();
        if (node->kind == YAML_KIND_SCALAR)
                return n + strlen(node->text);
        for (size_t i = 0; i < node->n; i++) {
                if (node->kind == YAML_KIND_SEQUENCE) {
                        n += walk(node->items[i], depth + 1);
                        continue;
                }
                if (yaml_get(node, node->pairs[i].key->text) != node->pairs[i].value)
                        __builtin_trap(); /* keys differ */
                n += walk(node->pairs[i].value, depth + 1);
        }
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ConfigText text = { 0 };
        ConfigProblems problems = { 0 };
        _cleanup_(arena_freep) Arena *arena = NULL;
        YamlNode *root = NULL;
        if (size > 65536 || arena_new(&arena, YAML_ARENA_BYTES(2 * size)) < 0 ||
            config_text_add(&text, "fuzz.yaml") < 0)
                return 0;
        buffer_append(&text.files[0].content, data, size);
        Report report = { .text = &text, .problems = &problems };
        int r = yaml_read(&report, 0, arena, &root);
        if ((r == 0) != (root != NULL) || (r > 0 && problems.n_errors == 0))
                __builtin_trap();
        if (r == 0) {
                size_t n = walk(root, 0);
                YamlNode *merged = yaml_merge(root, root, arena);
                if (!merged || walk(merged, 0) != n)
                        __builtin_trap();
        }
        char *out = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&out, &length);
        if (stream) {
                config_problems_print(&problems, stream);
                config_problems_json(&problems, stream);
                fclose(stream);
        }
        free(out);
        config_problems_deinit(&problems);
        buffer_deinit(&text.files[0].content);
        free(text.files[0].path);
        free(text.files);
        return 0;
}
