#include "adapters/fhir/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/said.h"
#include "adapters/fhir/write-rules.h"
#include "base/sha256.h"
#include "base/text.h"
#include "proto/types.h"

#define ARENA_MAX (256ul << 20)
#define READER "carebus" /* the name of the source that reads back: of no matter, its logical ids are not compared */

struct FhirWriter {
        Arena *arena;
        Zone *zone;
        char *bus, *timezone;
        Profile *profile;
        FhirTranslator *reader;
        bool offers_bytes;
};

/* ---- ids */

/* A UUID of version 8 out of a hash: the same name gives it again. */
void fhir_uuid(const char *bus, const char *name, char ret[FHIR_UUID_SIZE]) {
        char hex[33];
        uint8_t both[2 * SHA256_SIZE], hash[SHA256_SIZE];

        sha256(bus, strlen(bus), both);
        sha256(name, strlen(name), both + SHA256_SIZE);
        sha256(both, sizeof(both), hash);
        hash[6] = (uint8_t)(0x80 | (hash[6] & 0x0f));
        hash[8] = (uint8_t)(0x80 | (hash[8] & 0x3f));
        hex_encode(hash, 16, hex);
        snprintf(ret, FHIR_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

char *fhir_patient_id(const FhirWriter *writer, const char *patient_id) {
        return arena_format(writer->arena, "%s-%s", writer->bus, patient_id);
}

const char *fhir_patient_of_id(const FhirWriter *writer, const char *id) {
        size_t size = strlen(writer->bus);

        return strncmp(id, writer->bus, size) == 0 && id[size] == '-' && id[size + 1] == 'p' ? id + size + 1 : NULL;
}

static const Carebus__V1__Identifier *own_number(const ProtobufCMessage *body) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                                "identifier");

        return field && field->label != PROTOBUF_C_LABEL_REPEATED
                       ? *(const Carebus__V1__Identifier *const *)((const uint8_t *)body + field->offset)
                       : NULL;
}

/* An event names one member of a team: each is a resource of its own. */
static const char *member_name(const Carebus__V1__Event *event) {
        const Carebus__V1__CareTeamMember *member;

        if (event->body_case != CAREBUS__V1__EVENT__BODY_CARE_TEAM || event->care_team->n_members != 1)
                return "";
        member = event->care_team->members[0];
        if (member->identifier && member->identifier->value)
                return member->identifier->value;
        if (member->practitioner && member->practitioner->identifier && member->practitioner->identifier->value)
                return member->practitioner->identifier->value;
        return member->service && member->service->name ? member->service->name : event->event_id ?: "";
}

/* What a resource is about: the person, or the thing that has a number of its source, else this one saying. */
static const char *name_of(Writer *w, const Carebus__V1__Event *event, const char *type, const ProtobufCMessage *body) {
        const char *patient = event->patient && event->patient->patient_id ? event->patient->patient_id : "";
        const Carebus__V1__Identifier *number = own_number(body);
        const EventType *known = event_type_find(event->type ?: "");

        if (strcmp(type, "Patient") == 0 && patient[0])
                return arena_format(w->arena, "Patient|%s", patient);
        if (!number || !number->value)
                return arena_format(w->arena, "%s|%s", type, event->event_id ?: "");
        return arena_format(w->arena, "%s|%s|%s|%s|%s|%s|%s", type, known && known->section ? known->section : "",
                            event->source ?: "", patient, number->system ?: "", number->value, member_name(event));
}

/* ---- the frame of a resource */

static const WriteBody *body_find(Carebus__V1__Event__BodyCase body) {
        const WriteBody *const tables[] = { write_bodies_people, write_bodies_care, write_bodies_clinical,
                                            write_bodies_rest };

        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                for (const WriteBody *row = tables[i]; row->type; row++)
                        if (row->body == body)
                                return row;
        return NULL;
}

static void put_meta(Writer *w, const WriteBody *row, const char *type, JsonNode *resource) {
        const Carebus__V1__Event *event = w->event;
        const Carebus__V1__Sensitivity *sensitivity = event->sensitivity;
        char *profile = row->profile && strcmp(row->type, type) == 0 ? arena_format(w->arena, "%s", row->profile)
                        : row->profile                               ? arena_format(w->arena, UK_PROFILE "%s", type)
                                                                     : NULL;

        if (event->event_id)
                tree_put_text(w, resource, "meta.source",
                              arena_format(w->arena, "carebus:%s#%s", w->bus, event->event_id));
        tree_put_text(w, resource, "meta.profile[]", profile);
        for (size_t i = 0; sensitivity && i < sensitivity->n_labels; i++)
                tree_put(w, resource, "meta.security[]", write_coding(w, sensitivity->labels[i]));
        if (sensitivity && sensitivity->has_restricted_location && sensitivity->restricted_location &&
            strcmp(type, "Patient") == 0 && sensitivity->n_labels == 0) {
                JsonNode *label = tree_object(w);

                tree_put_text(w, label, "system", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality");
                tree_put_text(w, label, "code", "R");
                tree_put(w, resource, "meta.security[]", label);
        }
        if (w->is_redacted) {
                JsonNode *label = tree_object(w);

                tree_put_text(w, label, "system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue");
                tree_put_text(w, label, "code", "REDACTED");
                tree_put(w, resource, "meta.security[]", label);
        }
}

static void put_bus_number(Writer *w, const char *type, JsonNode *resource) {
        const Carebus__V1__Event *event = w->event;
        const char *value = strcmp(type, "Patient") == 0 && event->patient ? event->patient->patient_id
                                                                           : event->event_id;
        JsonNode *node = value ? tree_object(w) : NULL;

        if (!node)
                return;
        tree_put_text(w, node, "system", arena_format(w->arena, "carebus:%s", w->bus));
        tree_put_text(w, node, "value", value);
        tree_put(w, resource, "identifier[]", node);
}

/* Elements that R4 asks for: what stands in their place where they are not there. A name with a `[` is a list of objects; with a `.`, the
 * element is a primitive. */
static const struct {
        const char *type, *element, *or_element;
} required[] = {
        { "Encounter", "class", NULL },
        { "Observation", "code", NULL },
        { "ServiceRequest", "subject", NULL },
        { "Condition", "subject", NULL },
        { "Flag", "code", NULL },
        { "Flag", "subject", NULL },
        { "CarePlan", "subject", NULL },
        { "EpisodeOfCare", "patient", NULL },
        { "AllergyIntolerance", "patient", NULL },
        { "MedicationRequest", "medicationCodeableConcept", "medicationReference" },
        { "MedicationRequest", "subject", NULL },
        { "MedicationStatement", "medicationCodeableConcept", "medicationReference" },
        { "MedicationStatement", "subject", NULL },
        { "MedicationDispense", "medicationCodeableConcept", "medicationReference" },
        { "MedicationAdministration", "medicationCodeableConcept", "medicationReference" },
        { "MedicationAdministration", "subject", NULL },
        { "MedicationAdministration", "_effectiveDateTime", "effectiveDateTime" },
        { "Appointment", "participant[0].actor", "participant" },
        { "DocumentReference", "content[0].attachment", "content" },
};

static void put_absent(Writer *w, const char *type, JsonNode *resource) {
        for (size_t i = 0; i < ELEMENTSOF(required); i++) {
                JsonNode *node, *extension, *reason;

                if (strcmp(required[i].type, type) != 0 || json_peek(resource, required[i].element) ||
                    (required[i].or_element && json_peek(resource, required[i].or_element)))
                        continue;
                reason = tree_text(w, w->is_redacted ? "masked" : "unknown");
                extension = write_extension(w, HL7_EXTENSION "data-absent-reason", "valueCode", reason);
                node = extension ? tree_object(w) : NULL;
                if (!node)
                        return;
                tree_put(w, node, "extension[]", extension);
                tree_put(w, resource, required[i].element, node);
                if (strcmp(type, "Appointment") == 0)
                        tree_put_text(w, resource, "participant[0].status", "needs-action");
        }
}

/* Medicines that were given, taken or handed out have their stay in `context`. */
static const char *encounter_element(const WriteBody *row, const char *type) {
        if (row->encounter && strcmp(row->type, "MedicationRequest") == 0 && strcmp(type, "MedicationRequest") != 0)
                return "context";
        return row->encounter;
}

static JsonNode *resource_write(Writer *w, const WriteBody *row, const char *type, const char *id, const void *body) {
        const Carebus__V1__Event *event = w->event;
        const char *encounter = encounter_element(row, type);
        JsonNode *resource = w->resource = tree_object(w);

        if (!resource)
                return NULL;
        tree_put_text(w, resource, "resourceType", type);
        tree_put_text(w, resource, "id", id);
        put_meta(w, row, type, resource);
        row->write(w, body, resource);
        if (row->patient && w->patient_reference)
                tree_put(w, resource, row->patient, write_subject(w));
        if (encounter && event->encounter_id)
                tree_put(w, resource, encounter, write_reference(w, "Encounter", event->encounter_id, NULL));
        put_bus_number(w, type, resource);
        put_absent(w, type, resource);
        return resource;
}

/* ---- who said it */

static JsonNode *author_reference(Writer *w, const Carebus__V1__Author *author) {
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT;

        number.value = author->person;
        return write_reference(w, "Practitioner", author->person ? &number : NULL, author->person_name);
}

static JsonNode *author_organisation(Writer *w, const Carebus__V1__Author *author) {
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT;

        number.value = author->organisation;
        return write_reference(w, "Organization", author->organisation ? &number : NULL, author->organisation_name);
}

static void provenance_write(Writer *w, FhirWritten *written) {
        const Carebus__V1__Event *event = w->event;
        const Carebus__V1__Author *author = event->author;
        JsonNode *recorded = write_instant(w, event->recorded_at), *who, *behalf, *provenance;
        char uuid[FHIR_UUID_SIZE];

        if (!recorded && event->has_received_at)
                recorded = write_moment(w, event->received_at);
        recorded = recorded ?: write_instant(w, event->occurred_at);
        if (!author || !recorded)
                return;
        who = author_reference(w, author);
        behalf = author_organisation(w, author);
        provenance = who || behalf ? tree_object(w) : NULL;
        if (!provenance)
                return;
        fhir_uuid(w->bus, arena_format(w->arena, "Provenance|%s|%s", written->type, written->id) ?: "", uuid);
        written->provenance_id = arena_text(w->arena, uuid, sizeof(uuid) - 1);
        tree_put_text(w, provenance, "resourceType", "Provenance");
        tree_put_text(w, provenance, "id", written->provenance_id);
        tree_put_text(w, provenance, "target[0].reference",
                      arena_format(w->arena, "%s/%s", written->type, written->id));
        tree_put(w, provenance, "recorded", recorded);
        tree_put_text(w, provenance, "agent[0].type.coding[0].system",
                      "http://terminology.hl7.org/CodeSystem/provenance-participant-type");
        tree_put_text(w, provenance, "agent[0].type.coding[0].code", "author");
        tree_put(w, provenance, "agent[0].who", who ?: behalf);
        if (who)
                tree_put(w, provenance, "agent[0].onBehalfOf", behalf);
        written->provenance = provenance;
}

/* ---- what R4 has no element for */

static void put_part(Writer *w, JsonNode *extension, const char *url, const char *text) {
        JsonNode *part = tree_object(w);

        tree_put_text(w, part, "url", url);
        tree_put_text(w, part, "valueString", text);
        if (part && !text[0]) { /* there, and no more is said of it */
                JsonNode *node = tree_object(w);

                tree_put(w, node, "extension[]",
                         write_extension(w, HL7_EXTENSION "data-absent-reason", "valueCode",
                                         tree_text(w, "not-applicable")));
                tree_put(w, part, "_valueString", node);
        }
        tree_put(w, extension, "extension[]", part);
}

static JsonNode *said_new(Writer *w, JsonNode *resource) {
        JsonNode *extension = tree_object(w);
        const EventType *type = event_type_find(w->event->type ?: "");
        const ProtobufCFieldDescriptor *body =
                type ? protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor, (unsigned)type->body)
                     : NULL;
        char digest[SAID_DIGEST_SIZE];

        if (!extension || !body)
                return NULL;
        said_digest(resource, digest);
        tree_put_text(w, extension, "url", SAID_URL);
        put_part(w, extension, "digest", arena_text(w->arena, digest, sizeof(digest) - 1) ?: "");
        put_part(w, extension, "type", w->event->type);
        put_part(w, extension, "body", body->name);
        tree_put(w, resource, "extension[]", extension);
        return extension;
}

/* As a receiver of this adapter's own kind reads it. NULL: nothing, or more than one thing. */
static int read_back(FhirWriter *writer, const FhirWritten *written, const Carebus__V1__Event **ret, size_t *ret_n) {
        _cleanup_(buffer_deinit) Buffer bytes = BUFFER_NULL;
        const JsonNode *nodes[] = { written->node, written->provenance };
        const char *types[] = { written->type, "Provenance" }, *ids[] = { written->id, written->provenance_id };
        FhirResult result;
        int r;

        buffer_append_text(&bytes, "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[");
        for (size_t i = 0; i < ELEMENTSOF(nodes) && nodes[i]; i++) {
                buffer_append_format(&bytes,
                                     "%s{\"fullUrl\":\"https://carebus.invalid/%s/%s\",\"resource\":", i ? "," : "",
                                     types[i], ids[i]);
                json_write(&bytes, nodes[i], NULL);
                buffer_append_text(&bytes, "}");
        }
        buffer_append_text(&bytes, "]}");
        if (bytes.error)
                return bytes.error;
        r = fhir_translate(writer->reader, buffer_bytes(&bytes), NULL, &result);
        if (r < 0)
                return r;
        *ret = result.reading.n_events > 0 ? result.reading.events[0] : NULL;
        *ret_n = result.reading.n_events;
        return 0;
}

static int put_said(FhirWriter *writer, Writer *w, FhirWritten *written) {
        const Carebus__V1__Event *got;
        SaidPart *parts = NULL;
        size_t n_parts = 0, n_got;
        JsonNode *extension;
        int r = read_back(writer, written, &got, &n_got);

        if (r == 0 && n_got == 1)
                r = said_differences(w->event, got, w->arena, &parts, &n_parts);
        if (r < 0 || (n_got == 1 && n_parts == 0))
                return r;
        extension = said_new(w, written->node);
        if (!extension)
                return 0;
        r = read_back(writer, written, &got, &n_got);
        if (r < 0 || n_got != 1)
                return r;
        r = said_differences(w->event, got, w->arena, &parts, &n_parts);
        for (size_t i = 0; r == 0 && i < n_parts; i++)
                if (!parts[i].text)
                        put_part(w, extension, "absent", parts[i].path);
        for (size_t i = 0; r == 0 && i < n_parts; i++)
                if (parts[i].text && strcmp(parts[i].path, "type") != 0)
                        put_part(w, extension, parts[i].path, parts[i].text);
        return r;
}

/* ---- for resources that are of no event's body */

Writer writer_begin(FhirWriter *writer, const Carebus__V1__Event *event) {
        Writer w = { .arena = writer->arena, .zone = writer->zone, .bus = writer->bus, .event = event };

        w.is_redacted = event->n_redacted > 0;
        if (event->patient && event->patient->patient_id) {
                w.patient_reference = arena_format(w.arena, "Patient/%s-%s", writer->bus, event->patient->patient_id);
                w.is_full = !w.patient_reference;
        }
        return w;
}

int writer_end(const Writer *w) {
        if (w->is_bad_text)
                return FHIR_WRITE_E_TEXT;
        return w->is_full ? FHIR_WRITE_E_TOO_LARGE : 0;
}

JsonNode *write_frame(Writer *w, const char *type, const char *name, FhirWritten *written) {
        JsonNode *resource = w->resource = tree_object(w);
        char uuid[FHIR_UUID_SIZE];

        fhir_uuid(w->bus, name ?: "", uuid);
        written->type = type;
        written->id = arena_text(w->arena, uuid, sizeof(uuid) - 1);
        written->node = resource;
        tree_put_text(w, resource, "resourceType", type);
        tree_put_text(w, resource, "id", written->id);
        if (w->event->event_id) {
                tree_put_text(w, resource, "meta.source",
                              arena_format(w->arena, "carebus:%s#%s", w->bus, w->event->event_id));
                tree_put_text(w, resource, "identifier[0].system", arena_format(w->arena, "carebus:%s", w->bus));
                tree_put_text(w, resource, "identifier[0].value", w->event->event_id);
        }
        return resource;
}

/* ---- the interface */

static const ProtobufCMessage *body_of(const Carebus__V1__Event *event) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                        (unsigned)event->body_case);

        return field ? *(const ProtobufCMessage *const *)((const uint8_t *)event + field->offset) : NULL;
}

int fhir_write_event(FhirWriter *writer, const Carebus__V1__Event *event, FhirWritten *ret) {
        const WriteBody *row = body_find(event->body_case);
        const ProtobufCMessage *body = row ? body_of(event) : NULL;
        FhirWritten written = { .is_in_error = event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR };
        Writer w = writer_begin(writer, event);
        char uuid[FHIR_UUID_SIZE];
        const char *name;
        int r;

        if (!body || !event->type)
                return FHIR_WRITE_E_NOT_SAID;
        written.type = row->choose ? row->choose(body, event) : row->type;
        name = name_of(&w, event, written.type, body);
        fhir_uuid(w.bus, name ?: "", uuid);
        written.id = strcmp(written.type, "Patient") == 0 && w.patient_reference
                             ? w.patient_reference + strlen("Patient/")
                             : arena_text(w.arena, uuid, sizeof(uuid) - 1);
        written.node = name && written.id ? resource_write(&w, row, written.type, written.id, body) : NULL;
        if (written.node)
                provenance_write(&w, &written);
        w.is_full = w.is_full || !written.node;
        r = writer_end(&w);
        if (r != 0)
                return r;
        r = put_said(writer, &w, &written);
        if (r == 0)
                r = writer_end(&w);
        if (r != 0)
                return r == -ENOMEM ? FHIR_WRITE_E_TOO_LARGE : r;
        *ret = written;
        return 0;
}

int fhir_writer_new(FhirWriter **ret, const FhirWriterOptions *options) {
        _cleanup_(fhir_writer_freep) FhirWriter *writer = calloc(1, sizeof(*writer));
        ReadingOptions reading = { .source = READER };
        int r;

        if (!writer)
                return -ENOMEM;
        writer->bus = strdup(options->bus);
        writer->timezone = strdup(options->timezone ?: "UTC");
        if (!writer->bus || !writer->timezone)
                return -ENOMEM;
        r = arena_new(&writer->arena, ARENA_MAX);
        if (r == 0)
                r = zone_new(writer->timezone, &writer->zone);
        if (r == 0)
                r = profile_new_default(&writer->profile);
        if (r)
                return r < 0 ? r : -EINVAL;
        reading.profile = writer->profile;
        reading.timezone = writer->timezone;
        r = fhir_translator_new(&writer->reader, &reading, NULL);
        if (r == 0)
                *ret = TAKE_PTR(writer);
        return r;
}

FhirWriter *fhir_writer_free(FhirWriter *writer) {
        if (!writer)
                return NULL;
        fhir_translator_free(writer->reader);
        profile_free(writer->profile);
        zone_free(writer->zone);
        arena_free(writer->arena);
        free(writer->bus);
        free(writer->timezone);
        free(writer);
        return NULL;
}

void fhir_writer_offer_bytes(FhirWriter *writer, bool offers) {
        writer->offers_bytes = offers;
}

bool writer_offers_bytes(const FhirWriter *writer) {
        return writer->offers_bytes;
}

void fhir_writer_reset(FhirWriter *writer) {
        arena_reset(writer->arena);
}

Arena *fhir_writer_arena(FhirWriter *writer) {
        return writer->arena;
}
