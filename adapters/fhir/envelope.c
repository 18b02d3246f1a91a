#include "adapters/fhir/envelope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "base/text.h"

static const char *const forms[] = {
        [ENVELOPE_TRANSACTION] = "transaction", [ENVELOPE_MESSAGE] = "message", [ENVELOPE_NOTIFICATION] = "notification"
};

EnvelopeForm envelope_form(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(forms); i++)
                if (text_equal(forms[i], name))
                        return (EnvelopeForm)i;
        return ENVELOPE_TRANSACTION;
}

static void put_pair(Buffer *out, const char *name, const char *value) {
        buffer_append_byte(out, ',');
        json_write_name(out, name);
        json_write_text(out, value);
}

/* "TEXT" with its parts joined: only names of ours and of R4 are in them. */
static void put_reference(Buffer *out, const char *type, const char *id) {
        buffer_append_format(out, "{\"reference\":\"%s/%s\"}", type, id);
}

static void put_url(Buffer *out, const char *base, const char *type, const char *id) {
        size_t size = strlen(base);
        char *url = NULL;

        while (size > 0 && base[size - 1] == '/')
                size--;
        if (text_format(&url, "%.*s/%s/%s", (int)size, base, type, id) < 0)
                out->error = -ENOMEM;
        else
                json_write_text(out, url);
        free(url);
}

/* ---- entries */

static void put_request(Buffer *out, const Envelope *envelope, const char *type, const char *id) {
        if (envelope->form == ENVELOPE_MESSAGE)
                return;
        buffer_append_format(out, ",\"request\":{\"method\":\"PUT\",\"url\":\"%s/%s\"}", type, id);
        if (envelope->form == ENVELOPE_NOTIFICATION) /* a Bundle of type history says what came of it */
                buffer_append_text(out, ",\"response\":{\"status\":\"200\"}");
}

static void put_entry(Buffer *out, const Envelope *envelope, const char *type, const char *id, const JsonNode *node) {
        buffer_append_text(out, ",{\"fullUrl\":");
        put_url(out, envelope->url, type, id);
        buffer_append_text(out, ",\"resource\":");
        json_write(out, node, NULL);
        put_request(out, envelope, type, id);
        buffer_append_byte(out, '}');
}

static void put_header(Buffer *out, const Envelope *envelope, const FhirWritten *resources, size_t n) {
        buffer_append_text(out, "{\"fullUrl\":");
        put_url(out, envelope->url, "MessageHeader", envelope->uuid);
        buffer_append_text(out, ",\"resource\":{\"resourceType\":\"MessageHeader\"");
        put_pair(out, "id", envelope->uuid);
        buffer_append_text(out, ",\"eventCoding\":{\"system\":\"carebus:event-type\"");
        put_pair(out, "code", envelope->event_type);
        buffer_append_text(out, "},\"destination\":[{\"endpoint\":");
        json_write_text(out, envelope->url);
        buffer_append_text(out, "}],\"source\":{\"name\":\"carebus\",\"endpoint\":");
        json_write_text(out, "urn:carebus:bus");
        buffer_append_text(out, "},\"focus\":[");
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        buffer_append_byte(out, ',');
                put_reference(out, resources[i].type, resources[i].id);
        }
        buffer_append_text(out, "]}}");
}

/* SubscriptionStatus as R4 has it: Parameters. */
static void put_status(Buffer *out, const Envelope *envelope, const FhirWritten *resources, size_t n) {
        buffer_append_text(out, "{\"fullUrl\":");
        put_url(out, envelope->url, "Parameters", envelope->uuid);
        buffer_append_text(out, ",\"resource\":{\"resourceType\":\"Parameters\"");
        put_pair(out, "id", envelope->uuid);
        buffer_append_text(
                out, ",\"meta\":{\"profile\":[\"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
                     "backport-subscription-status-r4\"]},\"parameter\":[{\"name\":\"subscription\",\"valueReference\":"
                     "{\"display\":");
        json_write_text(out, envelope->bus);
        buffer_append_format(
                out,
                "}},{\"name\":\"status\",\"valueCode\":\"active\"},{\"name\":\"type\",\"valueCode\":\"event-"
                "notification\"},"
                "{\"name\":\"events-since-subscription-start\",\"valueString\":\"%" PRIu64 "\"},"
                "{\"name\":\"notification-event\",\"part\":[{\"name\":\"event-number\",\"valueString\":\"%" PRIu64
                "\"},{\"name\":\"timestamp\",\"valueInstant\":",
                envelope->number, envelope->number);
        json_write_text(out, envelope->timestamp);
        buffer_append_byte(out, '}');
        for (size_t i = 0; i < n; i++) {
                buffer_append_format(out,
                                     ",{\"name\":\"%s\",\"valueReference\":", i == 0 ? "focus" : "additional-context");
                put_reference(out, resources[i].type, resources[i].id);
                buffer_append_byte(out, '}');
        }
        buffer_append_format(out,
                             "]}]},\"request\":{\"method\":\"GET\",\"url\":\"Subscription/%s/"
                             "$status\"},\"response\":{\"status\":\"200\"}}",
                             envelope->uuid);
}

void envelope_write(Buffer *out, const Envelope *envelope, const FhirWritten *resources, size_t n) {
        static const char *const types[] = { [ENVELOPE_TRANSACTION] = "transaction",
                                             [ENVELOPE_MESSAGE] = "message",
                                             [ENVELOPE_NOTIFICATION] = "history" };
        size_t from;

        buffer_append_text(out, "{\"resourceType\":\"Bundle\"");
        put_pair(out, "id", envelope->uuid);
        if (envelope->form == ENVELOPE_NOTIFICATION)
                buffer_append_text(
                        out,
                        ",\"meta\":{\"profile\":[\"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
                        "backport-subscription-notification-r4\"]}");
        buffer_append_text(out, ",\"identifier\":{\"system\":");
        json_write_text(out, "urn:carebus:message");
        put_pair(out, "value", envelope->message_id);
        buffer_append_byte(out, '}');
        put_pair(out, "type", types[envelope->form]);
        put_pair(out, "timestamp", envelope->timestamp);
        buffer_append_text(out, ",\"entry\":[");
        from = out->size;
        if (envelope->form == ENVELOPE_MESSAGE)
                put_header(out, envelope, resources, n);
        else if (envelope->form == ENVELOPE_NOTIFICATION)
                put_status(out, envelope, resources, n);
        for (size_t i = 0; i < n; i++) {
                put_entry(out, envelope, resources[i].type, resources[i].id, resources[i].node);
                if (resources[i].provenance)
                        put_entry(out, envelope, "Provenance", resources[i].provenance_id, resources[i].provenance);
        }
        if (!out->error && out->size > from && out->data[from] == ',') /* the first entry has nothing in front of it */
                out->data[from] = ' ';
        buffer_append_text(out, "]}");
}
