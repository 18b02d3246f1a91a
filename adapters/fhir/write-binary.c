/* Bytes of documents: base64, and the resource Binary for what the record does not keep. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/write-rules.h"
#include "base/text.h"

#define ID_MAX 64 /* R4's */

const char *write_base64(Writer *w, Bytes bytes) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char *text = arena_alloc(w->arena, (bytes.size + 2) / 3 * 4 + 1), *out = text;

        w->is_full = w->is_full || !text;
        for (size_t i = 0; text && i < bytes.size; i += 3) {
                size_t left = bytes.size - i;
                uint32_t three = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) |
                                 (left > 2 ? bytes.data[i + 2] : 0);

                *out++ = digits[three >> 18];
                *out++ = digits[three >> 12 & 63];
                *out++ = left > 1 ? digits[three >> 6 & 63] : '=';
                *out++ = left > 2 ? digits[three & 63] : '=';
        }
        if (text)
                *out = '\0';
        return text;
}

bool fhir_has_bytes(const Carebus__V1__Fact *fact) {
        const Carebus__V1__Document *document = fact->value_case == CAREBUS__V1__FACT__VALUE_DOCUMENT ? fact->document
                                                                                                      : NULL;

        return document && fact->event_id && document->has_sha256 && document->has_size && document->size > 0 &&
               !document->has_content && !document->content_text && !document->original_part && !document->url;
}

const Carebus__V1__Fact *write_with_binary(Writer *w, const char *bus, const char *patient_id,
                                           const Carebus__V1__Fact *fact, Carebus__V1__Fact *room) {
        Carebus__V1__Document *document;
        char *url;

        if (!fhir_has_bytes(fact) || !patient_id)
                return fact;
        url = arena_format(w->arena, "Binary/%s-%s-%s", bus, patient_id, fact->event_id);
        document = arena_alloc(w->arena, sizeof(*document));
        w->is_full = w->is_full || !url || !document;
        if (w->is_full || strlen(url) - strlen("Binary/") > ID_MAX)
                return fact;
        *document = *fact->document;
        document->url = url;
        *room = *fact;
        room->document = document;
        return room;
}

bool fhir_binary_of_id(const FhirWriter *writer, const char *id, const char **ret_patient_id,
                       const char **ret_event_id) {
        const char *both = fhir_patient_of_id(writer, id), *dash = both ? strrchr(both, '-') : NULL;
        char *patient_id = dash ? arena_text(fhir_writer_arena((FhirWriter *)(uintptr_t)writer), both,
                                             (size_t)(dash - both))
                                : NULL;

        if (!patient_id)
                return false;
        *ret_patient_id = patient_id;
        *ret_event_id = dash + 1;
        return true;
}

int fhir_write_binary(FhirWriter *writer, const Carebus__V1__Event *event, const char *id, Buffer *out) {
        const Carebus__V1__Document *document = event->body_case == CAREBUS__V1__EVENT__BODY_DOCUMENT ? event->document
                                                                                                      : NULL;
        Writer w = writer_begin(writer, event);
        Bytes content = BYTES_NULL;
        JsonNode *resource = tree_object(&w);
        bool is_text = document && !document->has_content && document->content_text;
        int r;

        if (document && document->has_content)
                content = bytes_of(document->content.data, document->content.len);
        else if (is_text)
                content = bytes_of_text(document->content_text);
        if (content.size == 0)
                return FHIR_WRITE_E_NOT_SAID;
        tree_put_text(&w, resource, "resourceType", "Binary");
        tree_put_text(&w, resource, "id", id);
        tree_put_text(&w, resource, "contentType",
                      is_text ? "text/plain; charset=utf-8" : document->media_type ?: "application/octet-stream");
        tree_put_text(&w, resource, "securityContext.reference", w.patient_reference);
        tree_put_text(&w, resource, "data", write_base64(&w, content));
        r = writer_end(&w);
        if (r != 0 || !resource)
                return r ?: -ENOMEM;
        json_write(out, resource, NULL);
        return out->error;
}
