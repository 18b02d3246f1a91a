#include "adapters/fhir/capability.h"

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/translate-rules.h"

static void write_member(Buffer *out, const char *name, const char *text) {
        buffer_append_byte(out, ',');
        json_write_name(out, name);
        json_write_text(out, text);
}

static void write_security(Buffer *out, const CapabilityFacts *facts) {
        static const char system[] = "http://terminology.hl7.org/CodeSystem/restful-security-service";

        buffer_append_text(out, ",\"security\":{\"cors\":false");
        if (facts->wants_token || facts->wants_certificate)
                buffer_append_text(out, ",\"service\":[{");
        if (facts->wants_certificate) {
                buffer_append_format(out, "\"coding\":[{\"system\":\"%s\",\"code\":\"Certificates\"}]", system);
                buffer_append_text(out, facts->wants_token ? ",\"text\":\"client certificate and bearer token\"}]"
                                                           : ",\"text\":\"client certificate\"}]");
        } else if (facts->wants_token) {
                buffer_append_text(out, "\"text\":\"bearer token\"}]");
        }
        write_member(out, "description",
                     facts->has_tls ? "TLS 1.2 or later."
                                    : "No TLS of its own: it is reached through the same machine alone.");
        buffer_append_byte(out, '}');
}

/* Folders of rows are made in the order of the table. */
static void write_resources(Buffer *out) {
        static const char tail[] =
                ",\"interaction\":[{\"code\":\"create\"},{\"code\":\"update\"},{\"code\":\"delete\"}],"
                "\"versioning\":\"versioned-update\",\"readHistory\":false,\"updateCreate\":true,"
                "\"conditionalCreate\":true,\"conditionalUpdate\":false,\"conditionalDelete\":\"not-supported\","
                "\"referencePolicy\":[\"literal\",\"logical\",\"local\"]}";
        bool is_first = true;

        buffer_append_text(out, ",\"resource\":[");
        for (size_t i = 0; i < n_fhir_rows && fhir_rows[i].type; i++) {
                if (!is_first)
                        buffer_append_byte(out, ',');
                is_first = false;
                buffer_append_text(out, "{\"type\":");
                json_write_text(out, fhir_rows[i].type);
                buffer_append_text(out, tail);
        }
        buffer_append_byte(out, ']');
}

void capability_write(Buffer *out, const CapabilityFacts *facts) {
        buffer_append_text(out, "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\"");
        write_member(out, "date", facts->date);
        buffer_append_text(out, ",\"kind\":\"instance\",\"software\":{\"name\":\"carebus-fhir\"");
        write_member(out, "version", facts->version);
        buffer_append_text(out, "},\"implementation\":{\"description\":");
        json_write_text(out, "Takes what a record system says and hands it to carebus; gives nothing out.");
        buffer_append_text(out, "},\"fhirVersion\":\"4.0.1\",\"format\":[\"application/fhir+json\",\"json\"],"
                                "\"rest\":[{\"mode\":\"server\"");
        write_member(out, "documentation",
                     "An id that the sender gives is kept. A resource that comes without one gets an id made of its "
                     "content, so that "
                     "a request that is sent again creates nothing twice. 2xx says that it is stored. Conditional "
                     "create compares "
                     "identifier=SYSTEM|VALUE.");
        write_security(out, facts);
        write_resources(out);
        buffer_append_text(
                out, ",\"interaction\":[{\"code\":\"transaction\"},{\"code\":\"batch\"}],"
                     "\"operation\":[{\"name\":\"process-message\","
                     "\"definition\":\"http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message\"}]}],"
                     "\"messaging\":[{\"documentation\":\"Bundles of type message by POST /$process-message or POST /. "
                     "Prefer: return=representation asks for a message as answer.\"}]}");
}
