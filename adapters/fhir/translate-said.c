/*
 * Resources that this bus, or another one, wrote itself (said.h): what R4 had no element for is in an extension, and Basic is a
 * resource for what R4 has none.
 */
#include <string.h>

#include "adapters/fhir/said.h"
#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "proto/types.h"

typedef struct Spoken {
        JsonNode *extension;
        const EventType *type;
        const ProtobufCFieldDescriptor *body;
} Spoken;

static const char *part_of(const JsonNode *extension, const char *url) {
        const JsonNode *parts = json_peek(extension, "extension");

        for (const JsonNode *item = parts ? parts->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "url"), url))
                        return json_said(item, "valueString");
        return NULL;
}

/* Beside the elements that it was written with, of a type that a source may say. */
static bool spoken_find(const FhirResource *resource, Spoken *ret) {
        const JsonNode *extensions = json_peek(resource->node, "extension");
        const char *digest, *body;
        char own[SAID_DIGEST_SIZE];

        *ret = (Spoken){ 0 };
        for (JsonNode *item = extensions ? extensions->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "url"), SAID_URL))
                        ret->extension = item;
        if (!ret->extension || resource->is_deleted)
                return false;
        json_note_read(ret->extension);
        digest = part_of(ret->extension, "digest");
        said_digest(resource->node, own);
        ret->type = event_type_find(part_of(ret->extension, "type") ?: "");
        body = part_of(ret->extension, "body");
        ret->body = body ? protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, body)
                         : NULL;
        return text_equal(digest, own) && ret->type && !ret->type->from_bus && ret->body &&
               ret->body->id == (uint32_t)ret->type->body;
}

/* The event that stands for all of the resource: the one of that type, else of that body, else a new one. */
static Carebus__V1__Event *event_choose(Fhir *f, const FhirResource *resource, size_t from, const Spoken *spoken) {
        Carebus__V1__Event *chosen = NULL;

        for (size_t i = from; i < f->draft.n_events; i++) {
                Carebus__V1__Event *event = f->draft.events[i];

                if (event->body_case != (Carebus__V1__Event__BodyCase)spoken->type->body)
                        continue;
                if (!chosen ||
                    (strcmp(event->type, spoken->type->name) == 0 && strcmp(chosen->type, spoken->type->name) != 0))
                        chosen = event;
        }
        if (chosen)
                return chosen;
        chosen = fhir_event(f, resource, spoken->type->name, spoken->type->action);
        if (!chosen)
                return NULL;
        if (!chosen->patient && text_equal(resource->type, "Patient")) {
                chosen->patient = draft_message(&f->draft, &carebus__v1__subject__descriptor);
                if (chosen->patient)
                        fhir_own_identifiers(f, resource, &chosen->patient->n_identifiers,
                                             &chosen->patient->identifiers);
        }
        chosen->body_case = (Carebus__V1__Event__BodyCase)spoken->type->body;
        *(void **)((uint8_t *)chosen + spoken->body->offset) = draft_message(&f->draft, spoken->body->descriptor);
        return f->draft.is_full ? NULL : chosen;
}

static bool is_frame(const char *url) {
        return !url || strcmp(url, "digest") == 0 || strcmp(url, "body") == 0 || strcmp(url, "type") == 0;
}

void fhir_said_apply(Fhir *f, const FhirResource *resource, size_t from) {
        Carebus__V1__Event *event;
        const JsonNode *parts;
        Spoken spoken;

        if (!spoken_find(resource, &spoken))
                return;
        event = event_choose(f, resource, from, &spoken);
        if (!event)
                return;
        f->resources[resource - f->resources].is_spoken = true;
        event->type = (char *)spoken.type->name;
        parts = json_peek(spoken.extension, "extension");
        for (const JsonNode *item = parts->first; item; item = item->next) {
                const char *url = json_said(item, "url");
                const JsonNode *value = json_peek(item, "valueString");
                SaidPart part = { url, value && value->kind == JSON_STRING ? value->text : "" };

                if (is_frame(url))
                        continue;
                if (strcmp(url, "absent") == 0)
                        part = (SaidPart){ part.text, NULL };
                if (!said_apply(event, &part, f->draft.arena))
                        fhir_issue(f, "information", "processing", item,
                                   "This part of what the bus had said is not understood.");
        }
        f->draft.events[from] = event;
        f->event_resources[from] = resource;
        f->draft.n_events = from + 1;
}

/* R4's resource for what it has none for: of the bus, or nobody's here. */
void fhir_basic(Fhir *f, const FhirResource *resource) {
        Spoken spoken;

        if (spoken_find(resource, &spoken)) {
                json_note_read(resource->node);
                return; /* fhir_said_apply() makes the event */
        }
        f->resources[resource - f->resources].row = NULL;
}
