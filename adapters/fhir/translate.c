/*
 * From bytes to a result: JSON, the resources of it, the table. Every early end is a problem with its place, and never an error of the
 * program.
 */
#include "adapters/fhir/translate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/when.h"

/* What one message may cost, its tree and its events: sixteen times the largest message that is read. */
#define ARENA_MAX (256UL << 20)
/* Events may be larger than their message; but a submission has to fit a frame. */
#define EVENTS_SIZE_FLOOR (2UL << 20)
/* What is left of the memory where only one resource was too long for its event. */
#define ROOM_MIN 4096

struct FhirTranslator {
        ReadingOptions options;
        char *source;
        const FhirMemory *memory;
        Zone *zone;
        Arena *arena;
        FhirPath **paths; /* of the profile's fields; NULL where one is for another language */
        size_t n_paths;
};

FhirTranslator *fhir_translator_free(FhirTranslator *translator) {
        if (!translator)
                return NULL;
        for (size_t i = 0; i < translator->n_paths; i++)
                fhir_path_free(translator->paths[i]);
        free(translator->paths);
        arena_free(translator->arena);
        zone_free(translator->zone);
        free(translator->source);
        free(translator);
        return NULL;
}

/* A profile is checked when it is loaded; what is no path here is none that this language knows. */
static int paths_read(FhirTranslator *translator) {
        const Profile *profile = translator->options.profile;

        translator->paths = calloc(profile->n_fields + 1, sizeof(*translator->paths));
        if (!translator->paths)
                return -ENOMEM;
        for (; translator->n_paths < profile->n_fields; translator->n_paths++) {
                size_t offset;
                int r = fhir_path_parse(profile->fields[translator->n_paths].from,
                                        &translator->paths[translator->n_paths], &offset);

                if (r < 0)
                        return r;
        }
        return 0;
}

int fhir_translator_new(FhirTranslator **ret, const ReadingOptions *options, const FhirMemory *memory) {
        _cleanup_(fhir_translator_freep) FhirTranslator *translator = calloc(1, sizeof(*translator));
        int r;

        if (!translator)
                return -ENOMEM;
        translator->options = *options;
        translator->memory = memory;
        translator->source = strdup(options->source ?: "");
        if (!translator->source)
                return -ENOMEM;
        translator->options.source = translator->source;
        r = arena_new(&translator->arena, ARENA_MAX);
        if (r < 0)
                return r;
        r = paths_read(translator);
        if (r < 0)
                return r;
        r = options->timezone ? zone_new(options->timezone, &translator->zone) : 0;
        if (r)
                return r < 0 ? r : -EINVAL;
        *ret = TAKE_PTR(translator);
        return 0;
}

Arena *fhir_translator_arena(FhirTranslator *translator) {
        return translator->arena;
}

/* ---- what may not be used */

static bool is_element(const JsonNode *node, const char *name) {
        return node->name && strcmp(node->name, name) == 0;
}

/* An extension that changes what a resource means: R4 forbids to use a resource with one that is not understood. */
static const JsonNode *find_modifier(const Fhir *f, const char *type, const JsonNode *node) {
        for (const JsonNode *child = node->first; child; child = child->next) {
                const JsonNode *found = NULL;

                if (is_element(child, "contained"))
                        continue;
                if (is_element(child, "modifierExtension") && child->first)
                        found = child;
                else if (child->first)
                        found = find_modifier(f, type, child);
                if (found)
                        return found;
        }
        return NULL;
}

static bool modifier_is_ignored(Fhir *f, const FhirResource *resource, const JsonNode *modifier) {
        const char *url = json_said(modifier->kind == JSON_ARRAY ? modifier->first : modifier, "url");

        if (modifier->parent != resource->node)
                return false;
        if (fhir_is_ignored(f, draft_format(&f->draft, "%s.modifierExtension", resource->type)))
                return true;
        return modifier->n_children == 1 && url &&
               fhir_is_ignored(f, draft_format(&f->draft, "%s.modifierExtension('%s')", resource->type, url));
}

/* An entry of a bundle can have one too: of what it says of its resource, which is looked at by itself. */
static const JsonNode *find_entry_modifier(const Fhir *f, const FhirResource *resource) {
        const JsonNode *modifier = NULL;

        for (const JsonNode *child = resource->entry ? resource->entry->first : NULL; child && !modifier;
             child = child->next) {
                if (is_element(child, "modifierExtension") && child->first)
                        modifier = child;
                else if (!is_element(child, "resource"))
                        modifier = find_modifier(f, resource->type, child);
        }
        return modifier;
}

static void check_modifiers(Fhir *f, FhirResource *resource) {
        const JsonNode *modifier = find_modifier(f, resource->type, resource->node);

        if (modifier && modifier_is_ignored(f, resource, modifier))
                modifier = NULL;
        modifier = modifier ?: find_entry_modifier(f, resource);
        if (!modifier)
                return;
        resource->is_refused = true;
        f->is_doubtful = f->is_doubtful || text_equal(resource->type, "MessageHeader");
        fhir_problem(f, "modifier-extension", modifier, resource->row && resource->row->is_urgent);
}

/* Before anybody reads anything: what may not be used says nothing of others either. */
static void check_resources(Fhir *f) {
        for (size_t i = 0; i < f->n_resources; i++) {
                FhirResource *resource = &f->resources[i];

                if (fhir_is_ignored(f, resource->type)) {
                        resource->is_ignored = true;
                        json_note_read(resource->node);
                } else
                        check_modifiers(f, resource);
        }
}

/* ---- the walk */

/* Where one resource is too long to be told, it alone is; where there is no room for anybody's events, the message is. */
static void check_room(Fhir *f, FhirResource *resource) {
        if (!f->draft.is_full || f->draft.n_events == DRAFT_EVENTS_MAX || !arena_alloc(f->draft.arena, ROOM_MIN))
                return;
        f->draft.is_full = false;
        resource->is_broken = true;
        fhir_problem(f, "too-large", resource->node, resource->row->is_urgent);
}

static void resource_translate(Fhir *f, FhirResource *resource) {
        size_t n_before = f->draft.n_events;

        if (resource->container || resource->is_refused || resource->is_ignored || !resource->row ||
            !resource->row->translate || f->draft.is_full)
                return;
        if (resource->is_deleted && !resource->node->first && resource->row->is_urgent &&
            strcmp(resource->type, "AllergyIntolerance") != 0) {
                fhir_problem(f, "deleted-without-content", resource->node, /* urgent= */ true);
                return;
        }
        f->current = resource;
        resource->row->translate(f, resource);
        fhir_said_apply(f, resource, n_before);
        f->current = NULL;
        for (size_t i = n_before; resource->is_deleted && i < f->draft.n_events; i++)
                f->draft.events[i]->occurred_at =
                        f->draft.events[i]->recorded_at; /* that it is taken back happens now */
        if (resource->row)
                check_room(f, resource);
        if (!f->draft.is_full)
                fhir_events_sift(f, resource, n_before);
}

/* People first: what is said of them stands before what happened to them. */
static void translate_resources(Fhir *f) {
        for (size_t i = 0; i < f->n_resources; i++)
                if (text_equal(f->resources[i].type, "Patient"))
                        resource_translate(f, &f->resources[i]);
        for (size_t i = 0; i < f->n_resources; i++)
                if (!text_equal(f->resources[i].type, "Patient"))
                        resource_translate(f, &f->resources[i]);
}

/* A message that nothing was made of says why. */
static void check_silence(Fhir *f, FhirResult *result) {
        const FhirResource *unread = NULL;

        for (size_t i = 0; i < f->n_resources; i++) {
                const FhirResource *resource = &f->resources[i];

                if (!resource->container && !resource->row && !resource->is_refused && !resource->is_ignored) {
                        fhir_issue(f, "warning", "not-supported", resource->node,
                                   "Resources of this type are not read.");
                        unread = unread ?: resource;
                }
                if (!resource->container && resource->row && !resource->row->translate && !unread)
                        unread = resource;
        }
        if (f->draft.n_events > 0 || f->draft.problem)
                return;
        if (unread)
                fhir_problem(f, "unhandled-trigger", unread->node, false);
        else
                result->reading.ignored = true; /* an empty search, a sign of life, what the profile leaves out */
}

static FhirIssue no_room = { .severity = "error",
                             .code = "too-long",
                             .text = "The message is larger than what is read. Send it in parts." };

static void events_finish(Fhir *f, FhirResult *result, size_t message_size) {
        size_t limit = MAX((size_t)EVENTS_SIZE_FLOOR, message_size), size = 0;

        for (size_t i = 0; i < f->draft.n_events; i++)
                size += protobuf_c_message_get_packed_size(&f->draft.events[i]->base);
        if (size > limit || f->draft.is_full) {
                f->draft.problem = NULL;
                fhir_problem(f, "too-large", NULL, /* urgent= */ true);
                f->is_doubtful = true;
        }
        result->issues = f->n_issues ? f->issues : &no_room;
        result->n_issues = f->n_issues ?: f->draft.is_full;
        result->reading.problem_code = f->draft.problem ?: f->draft.is_full ? "too-large" : NULL;
        result->reading.problem_position = f->draft.position;
        result->reading.problem_urgent = f->draft.is_urgent;
        if (f->is_doubtful || f->draft.is_full)
                return;
        result->reading.events = f->draft.events;
        result->reading.n_events = f->draft.n_events;
}

/* What this message says of its resources, for references that later ones make to them. */
static void known_fill(Fhir *f, FhirResult *result) {
        result->known = draft_alloc(&f->draft, (f->n_resources + 1) * sizeof(*result->known));
        for (size_t i = 0; i < f->n_resources && !f->draft.is_full; i++) {
                const FhirResource *resource = &f->resources[i];
                FhirKnown known = { .type = resource->type, .id = resource->id };

                if (resource->container || resource->is_refused || resource->is_ignored || !known.type || !known.id ||
                    (resource->full_url && text_starts_with(resource->full_url, "urn:")))
                        continue;
                fhir_identifier_list(f, json_peek(resource->node, "identifier"), &known.n_identifiers,
                                     &known.identifiers);
                known.patient = resource->patient;
                known.n_patient = resource->n_patient;
                result->known[result->n_known++] = known;
        }
}

/* ---- the message */

static void times_fill(Fhir *f, FhirResult *result) {
        Moment moment;

        result->reading.message_time = INT64_MIN;
        if (!f->sent_at || !f->sent_at->text)
                return;
        result->reading.message_time_text = f->sent_at->text;
        if (moment_read(f->sent_at->text, f->zone, &moment) == 0)
                result->reading.message_time = moment.utc_at;
}

static void translate_message(Fhir *f, FhirResult *result, const char *assigned_id, size_t size) {
        f->event_resources = draft_alloc(&f->draft, DRAFT_EVENTS_MAX * sizeof(FhirResource *));
        f->issues = draft_alloc(&f->draft,
                                FHIR_ISSUES_MAX * sizeof(*f->issues)); /* also where there is no room left to say so */
        if (!f->event_resources || !f->issues) {
                events_finish(f, result, size);
                return;
        }
        json_note_seen(f->root);
        json_note_read(json_peek(f->root, "resourceType"));
        fhir_collect_resources(f, assigned_id);
        check_resources(f);
        fhir_envelope_read(f);
        times_fill(f, result);
        result->reading.message_id = f->message_id;
        result->reading.trigger = f->trigger;
        if (fhir_is_heartbeat(f)) {
                result->reading.ignored = true;
                return;
        }
        translate_resources(f);
        fhir_hidden_decisions(f);
        for (size_t i = 0; i < f->draft.n_events; i++)
                fhir_set_profile_fields(f, f->draft.events[i], f->event_resources[i]);
        fhir_check_patients(f);
        check_silence(f, result);
        known_fill(f, result);
        events_finish(f, result, size);
        result->reading.bad_times = f->bad_times;
        result->reading.n_bad_times = f->n_bad_times;
}

static void refuse(Fhir *f, FhirResult *result, const char *code, const char *position, const char *issue_code,
                   const char *text) {
        result->is_refused = true;
        result->reading.problem_code = code;
        result->reading.problem_position = position;
        result->reading.problem_urgent = true; /* what cannot be read may be about anything */
        f->issues = arena_alloc(f->draft.arena, sizeof(*f->issues));
        if (!f->issues)
                return;
        f->issues[0] = (FhirIssue){ .severity = "error", .code = issue_code, .path = position, .text = text };
        result->issues = f->issues;
        result->n_issues = 1;
}

static const char *const json_texts[] = {
        [JSON_E_EMPTY] = "There is nothing here. Send one resource or Bundle as JSON.",
        [JSON_E_MALFORMED] = "This is not JSON from here on.",
        [JSON_E_TEXT] = "A text has a byte or an escape here that stands for no character. Send UTF-8.",
        [JSON_E_DUPLICATE] = "This member is there twice, and nobody can say which counts.",
        [JSON_E_DEPTH] = "This is nested deeper than what is read.",
        [JSON_E_TOO_LARGE] = "The message is larger than what is read. Send it in parts.",
};

static bool root_read(FhirTranslator *translator, Fhir *f, Bytes message, FhirResult *result) {
        static const JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonError error;
        int r = json_read(message, &limits, translator->arena, &f->root, &error);

        if (r < 0) {
                refuse(f, result, "too-large", NULL, "too-long", json_texts[JSON_E_TOO_LARGE]);
                return false;
        }
        if (r > 0) {
                refuse(f, result, json_reason(r),
                       arena_format(translator->arena, "line %u column %u", error.line, error.column),
                       r == JSON_E_TOO_LARGE || r == JSON_E_DEPTH ? "too-long" : "structure", json_texts[r]);
                return false;
        }
        result->root = f->root;
        f->root_type = json_said(f->root, "resourceType");
        if (!f->root_type) {
                refuse(f, result, "no-resource-type", NULL, "required", "A resource begins with its resourceType.");
                return false;
        }
        return true;
}

int fhir_translate(FhirTranslator *translator, Bytes message, const char *assigned_id, FhirResult *ret) {
        Fhir f = {
                .draft = { .arena = translator->arena },
                .options = &translator->options,
                .memory = translator->memory,
                .zone = translator->zone,
                .paths = (const FhirPath *const *)translator->paths,
        };
        FhirResult result = { 0 };
        int r = 0;

        arena_reset(translator->arena);
        result.reading.message_time = INT64_MIN;
        result.reading.media_type = FHIR_MEDIA_TYPE;
        result.reading.original = message;
        if (root_read(translator, &f, message, &result)) {
                result.type = f.root_type;
                if (text_equal(f.root_type, "Bundle"))
                        result.bundle_type = json_said(f.root, "type");
                translate_message(&f, &result, assigned_id, message.size);
                if (translator->options.want_fields)
                        r = fhir_list_fields(&f, &result.reading.fields, &result.reading.n_fields);
        }
        *ret = result;
        return r;
}
