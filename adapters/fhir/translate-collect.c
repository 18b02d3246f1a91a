/*
 * The resources of a message, flat and in order: entries of the bundle, contained ones behind their containers, and what a DELETE names.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

static FhirResource *resource_add(Fhir *f, JsonNode *node, JsonNode *entry, const FhirResource *container) {
        FhirResource *resource = &f->resources[f->n_resources++];

        json_note_seen(node);
        json_note_read(json_peek(node, "resourceType"));
        json_note_read(json_peek(node, "id"));
        *resource = (FhirResource){
                .node = node,
                .entry = entry,
                .container = container,
                .type = json_said(node, "resourceType"),
                .id = json_said(node, "id"),
                .full_url = container ? NULL : json_said(entry, "fullUrl"),
                .method = container ? NULL : json_said(json_peek(entry, "request"), "method"),
        };
        resource->is_deleted = text_equal(resource->method, "DELETE");
        if (!resource->type && !resource->is_deleted)
                fhir_problem(f, "no-resource-type", node, /* urgent= */ true);
        return resource;
}

static void contained_add(Fhir *f, FhirResource *container) {
        JSON_EACH(node, json_member(container->node, "contained")) {
                FhirResource *resource = resource_add(f, node, NULL, container);

                /* What R4 has no resource for is nobody's by itself: contained it is read by nobody. */
                if (!text_equal(resource->type, "Basic"))
                        resource->row = fhir_row_find(resource->type);
        }
}

/* DELETE Encounter/5: there is no resource, but its name. */
static void deleted_add(Fhir *f, JsonNode *entry) {
        const char *url = json_said(json_peek(entry, "request"), "url"), *slash = url ? strchr(url, '/') : NULL;
        JsonNode *node = draft_alloc(&f->draft, sizeof(*node));
        FhirResource *resource;

        if (!node)
                return;
        *node = (JsonNode){ .kind = JSON_OBJECT,
                            .read = true,
                            .line = entry->line,
                            .column = entry->column,
                            .parent = entry,
                            .name = "request" };
        resource = resource_add(f, node, entry, NULL);
        if (slash) {
                resource->type = draft_text(&f->draft, url, (size_t)(slash - url));
                resource->id = draft_text(&f->draft, slash + 1, strcspn(slash + 1, "/?"));
        }
        resource->row = fhir_row_find(resource->type);
}

/* Somebody asks for a resource to be kept and does not say which; a history or a notification may only name it. */
static bool is_written(const Fhir *f, const char *method) {
        const char *type = json_said(f->root, "type");

        return (text_equal(type, "transaction") || text_equal(type, "batch")) &&
               (text_equal(method, "PUT") || text_equal(method, "POST"));
}

static void entry_add(Fhir *f, JsonNode *entry) {
        JsonNode *node = json_member(entry, "resource");
        FhirResource *resource;

        json_note_read(json_peek(entry, "fullUrl"));
        json_note_read(json_peek(entry, "request"));
        json_note_read(json_peek(entry, "response"));
        json_note_read(json_peek(entry, "search"));
        json_note_read(json_peek(entry, "link"));
        if (!node) {
                const char *method = json_said(json_peek(entry, "request"), "method");

                if (text_equal(method, "DELETE"))
                        deleted_add(f, entry);
                else if (is_written(f, method))
                        fhir_problem(f, "no-resource", entry, /* urgent= */ true);
                return;
        }
        resource = resource_add(f, node, entry, NULL);
        resource->row = fhir_row_find(resource->type);
        if (text_equal(resource->type, "Bundle")) {
                fhir_problem(f, "nested-bundle", node, /* urgent= */ true);
                return;
        }
        contained_add(f, resource);
}

static size_t count_contained(const JsonNode *node) {
        const JsonNode *contained = json_peek(node, "contained");

        return contained ? contained->n_children + 1 : 0;
}

static size_t count_resources(const Fhir *f) {
        const JsonNode *entries = text_equal(f->root_type, "Bundle") ? json_peek(f->root, "entry") : NULL;
        size_t n = 2 + count_contained(f->root);

        for (const JsonNode *entry = entries ? entries->first : NULL; entry; entry = entry->next)
                n += 2 + count_contained(json_peek(entry, "resource"));
        return n;
}

static int by_url(const void *a, const void *b) {
        return fhir_compare_url(*(FhirResource *const *)a, *(FhirResource *const *)b);
}

static int by_type(const void *a, const void *b) {
        int order = fhir_compare_type(*(FhirResource *const *)a, *(FhirResource *const *)b);

        if (order != 0)
                return order;
        return *(FhirResource *const *)a < *(FhirResource *const *)b ? -1 : 1;
}

static void index_resources(Fhir *f) {
        f->by_url = draft_alloc(&f->draft, (f->n_resources + 1) * sizeof(*f->by_url));
        f->by_type = draft_alloc(&f->draft, (f->n_resources + 1) * sizeof(*f->by_type));
        if (f->draft.is_full) {
                f->n_resources = 0;
                return;
        }
        for (size_t i = 0; i < f->n_resources; i++)
                f->by_url[i] = f->by_type[i] = &f->resources[i];
        qsort(f->by_url, f->n_resources, sizeof(*f->by_url), by_url);
        qsort(f->by_type, f->n_resources, sizeof(*f->by_type), by_type);
}

void fhir_collect_resources(Fhir *f, const char *assigned_id) {
        f->resources = draft_alloc(&f->draft, count_resources(f) * sizeof(*f->resources));
        if (!f->resources)
                return;
        if (text_equal(f->root_type, "Bundle")) {
                JSON_EACH(entry, json_member(f->root, "entry"))
                        entry_add(f, entry);
        } else {
                FhirResource *resource = resource_add(f, f->root, NULL, NULL);

                resource->row = fhir_row_find(resource->type);
                if (assigned_id) {
                        resource->id = assigned_id;
                        resource->method = "POST";
                }
                contained_add(f, resource);
        }
        index_resources(f);
}
