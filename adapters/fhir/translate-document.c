/*
 * DocumentReference with what it points to, Binary where that is in the message, Composition, and attachments of other resources. The
 * content stays in the original: an event says where it stands in it, its size and its hash.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "adapters/fhir/write.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"

static const ClinicalStatus reference_statuses[] = {
        { "current", "current", "document.available" },
        { "superseded", "superseded", "document.replaced" },
        { "entered-in-error", "entered-in-error", "document.cancelled" },
        { NULL, "current", "document.available" },
};

static const ClinicalStatus composition_statuses[] = {
        { "preliminary", "current", "document.available" },
        { "final", "current", "document.available" },
        { "amended", "current", "document.replaced" },
        { "entered-in-error", "entered-in-error", "document.cancelled" },
        { NULL, "current", "document.available" },
};

static Carebus__V1__Event *document_event(Fhir *f, const FhirResource *resource, const ClinicalStatus *status) {
        bool is_new = strcmp(status->event, "document.available") == 0;
        Carebus__V1__Event *event = fhir_event(f, resource, status->event,
                                               is_new ? CAREBUS__V1__ACTION__ACTION_NEW
                                                      : CAREBUS__V1__ACTION__ACTION_UPDATE);
        Carebus__V1__Document *document = event ? draft_message(&f->draft, &carebus__v1__document__descriptor) : NULL;
        if (!document)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_DOCUMENT;
        event->document = document;
        document->status = (char *)status->status;
        return event;
}

/*
 * A form about resuscitation: that there is one is told to all; what it says has to be read by a person. So no code is taken from its name
 */

static bool is_about_cpr(const Carebus__V1__Coded *type, const char *title) {
        const Concept *concept = clinical_concept(type, NULL, 0);
        if (concept && concept->decision == CAREBUS__V1__DECISION__KIND__KIND_CPR)
                return true;
        return cpr_is_question(NULL, NULL, title) || cpr_meaning_of_text(title) != CPR_NOT_KNOWN ||
               cpr_meaning_of_text(clinical_coded_words(type)) != CPR_NOT_KNOWN;
}

static void say_form(Fhir *f, const FhirResource *resource, const Carebus__V1__Event *said) {
        const Carebus__V1__Document *document = said->document;
        bool is_over = strcmp(said->type, "document.cancelled") == 0;
        Carebus__V1__Decision *decision;
        Carebus__V1__Event *event;
        const char *type = clinical_coded_words(document->type);
        if (!is_about_cpr(document->type, document->title))
                return;
        event = clinical_cpr_event(f, resource);
        if (event) { /* the paper of a decision that the resource itself says */
                draft_append(&f->draft, &event->decision->n_documents, &event->decision->documents,
                             document->identifier);
                return;
        }
        event = fhir_event(f, resource, is_over ? "cpr_decision.ended" : "cpr_decision.recorded", said->action);
        decision = event ? draft_message(&f->draft, &carebus__v1__decision__descriptor) : NULL;
        if (!decision)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        event->action = said->action;
        event->occurred_at = said->occurred_at;
        event->document_id = document->identifier;
        decision->has_kind = true;
        decision->kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        decision->identifier = document->identifier;
        decision->form_type = document->type;
        decision->decision = draft_coded(&f->draft, (char *)SYSTEM_CAREBUS_DECISION, (char *)CODE_MEANING_NOT_KNOWN,
                                         (char *)DISPLAY_MEANING_NOT_KNOWN,
                                         draft_format(&f->draft, "form: %s", document->title ?: type ?: "no title"));
        draft_append(&f->draft, &decision->n_documents, &decision->documents, document->identifier);
}

/*
 * Content
 */

static void content_set(Fhir *f, JsonNode *data, const ClinicalContent *content, Carebus__V1__Document *document) {
        if (!content->sha256)
                return;
        document->has_sha256 = document->has_size = true;
        document->sha256 = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = content->sha256 };
        document->size = content->size;
        document->content_text = content->text;
        document->original_part = fhir_position(f, data);
}

/* A hash that is a SHA-256 though R4 says SHA-1 is taken; a SHA-1 has no place and no use. */
static void size_set(Fhir *f, JsonNode *attachment, Carebus__V1__Document *document) {
        char *size = fhir_member_text(f, attachment, "size");
        uint64_t value;
        json_note_read(json_peek(attachment, "hash"));
        if (!document->has_size && size && text_to_u64(size, &value) == 0) {
                document->has_size = true;
                document->size = value;
        }
}

/* SHA-256 in hex, as this adapter's writer says it. */
static void hash_set(Fhir *f, JsonNode *attachment, Carebus__V1__Document *document) {
        const char *hex = fhir_member_text(f, fhir_extension(attachment, FHIR_SHA256_URL), "valueString");
        uint8_t *hash = hex && !document->has_sha256 ? draft_alloc(&f->draft, SHA256_SIZE) : NULL;

        if (!hash || strlen(hex) != (size_t)2 * SHA256_SIZE || hex_decode(hex, hash, SHA256_SIZE) < 0)
                return;
        document->has_sha256 = true;
        document->sha256 = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = hash };
}

static FhirResource *binary_find(Fhir *f, const FhirResource *resource, const char *url) {
        FhirResource *found = url ? clinical_resolve_text(f, resource, url) : NULL;
        return found && text_equal(found->type, "Binary") ? found : NULL;
}

static void attachment_read(Fhir *f, const FhirResource *resource, JsonNode *attachment,
                            Carebus__V1__Document *document) {
        bool is_urgent = resource->row && resource->row->is_urgent;
        ClinicalContent content;
        FhirResource *binary;
        JsonNode *data = json_member(attachment, "data");
        document->media_type = fhir_member_text(f, attachment, "contentType");
        document->language = fhir_member_text(f, attachment, "language");
        document->title = document->title ?: fhir_member_text(f, attachment, "title");
        document->url = fhir_member_text(f, attachment, "url");
        document->written_at = document->written_at ?: fhir_member_when(f, attachment, "creation");
        binary = data ? NULL : binary_find(f, resource, document->url);
        if (binary) {
                binary->is_used = true;
                document->media_type = document->media_type ?: fhir_member_text(f, binary->node, "contentType");
                data = json_member(binary->node, "data");
        }
        clinical_read_content(f, data, document->media_type, is_urgent, &content);
        content_set(f, data, &content, document);
        size_set(f, attachment, document);
        hash_set(f, attachment, document);
}

/* Where it stands in its resource, wherever that stands in its message: presentedForm[0]. */
static const char *place_in(Fhir *f, const FhirResource *resource, const JsonNode *node) {
        const char *whole = fhir_position(f, node), *outer = fhir_position(f, resource->node);
        size_t size = outer ? strlen(outer) : 0;
        return whole && strlen(whole) > size + 1 ? whole + size + 1 : "attachment";
}

Carebus__V1__Identifier *clinical_attachment(Fhir *f, const FhirResource *resource, JsonNode *attachment,
                                             Carebus__V1__Coded *type) {
        Carebus__V1__Event *event;
        Carebus__V1__Document *document;
        if (!attachment || attachment->kind != JSON_OBJECT)
                return NULL;
        event = document_event(f, resource,
                               clinical_status(reference_statuses,
                                               fhir_is_in_error(resource) ? "entered-in-error" : NULL));
        document = event ? event->document : NULL;
        if (!document)
                return NULL;
        attachment_read(f, resource, attachment, document);
        document->type = type;
        document->identifier = clinical_part_identifier(
                f, resource, document->title ?: document->url ?: place_in(f, resource, attachment));
        event->document_id = document->identifier;
        event->occurred_at = document->written_at ?: event->occurred_at;
        say_form(f, resource, event);
        return document->identifier;
}

/*
 * DocumentReference
 */

static Carebus__V1__Identifier *document_identifier(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        Carebus__V1__Identifier *master = fhir_identifier(f, json_member(node, "masterIdentifier"));
        JsonNode *own = json_peek(node, "identifier");
        return master && !own ? master : fhir_own_identifier(f, resource);
}

static void relations_read(Fhir *f, const FhirResource *resource, Carebus__V1__Document *document,
                           const char **ret_type) {
        JSON_EACH(relation, json_member(resource->node, "relatesTo")) {
                const char *code = json_text(relation, "code");
                JsonNode *target = json_member(relation, "target") ?: fhir_choice(relation, "target");
                bool is_replacement = text_equal(code, "replaces");
                Carebus__V1__Identifier *identifier = target && json_peek(target, "value")
                                                              ? fhir_identifier(f, target)
                                                              : fhir_reference_identifier(f, resource, target);
                if (is_replacement || text_equal(code, "transforms") || text_equal(code, "appends"))
                        draft_append(&f->draft, &document->n_replaces, &document->replaces,
                                     is_replacement ? identifier : NULL);
                if (!is_replacement && identifier)
                        document->description = clinical_join(f, document->description,
                                                              draft_format(&f->draft, "%s %s", code ?: "",
                                                                           identifier->value ?: ""));
                if (is_replacement)
                        *ret_type = "document.replaced";
        }
}

static void authors_read(Fhir *f, const FhirResource *resource, JsonNode *actors, Carebus__V1__Document *document) {
        JSON_EACH(actor, actors) {
                const char *type = fhir_reference_type(f, resource, actor);
                if (!clinical_is_person(type)) {
                        draft_append(&f->draft, &document->n_authors, &document->authors,
                                     clinical_professional(f, resource, actor));
                        continue;
                }
                Carebus__V1__Practitioner *person = draft_message(&f->draft, &carebus__v1__practitioner__descriptor);
                if (!person)
                        return;
                person->role = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", type, NULL);
                draft_append(&f->draft, &document->n_authors, &document->authors, person);
        }
}

static void context_read(Fhir *f, const FhirResource *resource, JsonNode *context, Carebus__V1__Event *event) {
        Carebus__V1__Document *document = event->document;
        JsonNode *encounter = json_element(json_member(context, "encounter"), 0);
        document->service_period = fhir_period(f, json_member(context, "period"));
        document->practice_setting = fhir_coded(f, json_member(context, "practiceSetting"));
        fhir_coded_list(f, json_member(context, "event"), &document->n_categories, &document->categories);
        const char *facility = clinical_coded_words(fhir_coded(f, json_member(context, "facilityType")));
        document->description = clinical_join(f, document->description, facility);
        if (document->service_period)
                document->activity_at = document->service_period->start;
        if (encounter && !event->encounter_id &&
            !text_equal(fhir_reference_type(f, resource, encounter), "EpisodeOfCare"))
                event->encounter_id = fhir_reference_identifier(f, resource, encounter);
        else if (encounter && !event->episode_id)
                event->episode_id = fhir_reference_identifier(f, resource, encounter);
        JSON_EACH(related, json_member(context, "related"))
                document->description = clinical_join(f, document->description, clinical_words(f, related));
}

/* One document in several shapes: the first is told whole, the others by name. */
static void contents_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event) {
        bool is_first = true;
        JSON_EACH(content, json_member(resource->node, "content")) {
                JsonNode *attachment = json_member(content, "attachment");
                const char *format = clinical_coded_words(fhir_coding(f, json_member(content, "format")));
                if (is_first) {
                        attachment_read(f, resource, attachment, event->document);
                        event->document->format = (char *)format;
                        is_first = false;
                        continue;
                }
                Carebus__V1__Document other = CAREBUS__V1__DOCUMENT__INIT;
                attachment_read(f, resource, attachment, &other);
                clinical_note(f, event, attachment,
                              draft_format(&f->draft, "also as %s%s%s", other.media_type ?: "another type",
                                           other.url ? " at " : "", other.url ?: ""));
        }
}

static void reference_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event) {
        JsonNode *node = resource->node;
        Carebus__V1__Document *document = event->document;
        document->identifier = document_identifier(f, resource);
        event->document_id = document->identifier;
        document->type = clinical_mapped(f, json_member(node, "type"), "document.type");
        fhir_coded_list(f, json_member(node, "category"), &document->n_categories, &document->categories);
        document->completion = fhir_code(f, json_member(node, "docStatus"), "http://hl7.org/fhir/composition-status");
        document->edited_at = fhir_member_when(f, node, "date");
        authors_read(f, resource, json_member(node, "author"), document);
        document->authenticator = clinical_professional(f, resource, json_member(node, "authenticator"));
        document->custodian = fhir_reference_organisation(f, resource, json_member(node, "custodian"));
        document->description = fhir_member_text(f, node, "description");
        JSON_EACH(label, json_member(node, "securityLabel")) {
                Carebus__V1__Coded *coded = fhir_coded(f, label);
                if (!document->confidentiality)
                        document->confidentiality = coded;
                else
                        document->restriction = document->restriction ?: coded;
        }
        contents_read(f, resource, event);
        context_read(f, resource, json_member(node, "context"), event);
        document->title = document->title ?: document->description;
}

void fhir_document_reference(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        const char *said = fhir_is_in_error(resource) ? "entered-in-error" : json_text(node, "status");
        Carebus__V1__Event *event = document_event(f, resource, clinical_status(reference_statuses, said));
        const char *type = NULL;
        if (!event)
                return;
        fhir_member_text(f, node, "status");
        reference_read(f, resource, event);
        relations_read(f, resource, event->document, &type);
        /* A draft that was withdrawn before it was a document. */
        if (text_equal(json_text(node, "docStatus"), "entered-in-error")) {
                event->type = (char *)"document.cancelled";
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
                event->document->status = (char *)"entered-in-error";
        } else if (type && strcmp(event->type, "document.available") == 0) {
                event->type = (char *)type;
                event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        }
        event->occurred_at = event->document->edited_at ?: event->document->written_at ?: event->occurred_at;
        say_form(f, resource, event);
}

/*
 * Composition
 */

#define SECTION_DEPTH_MAX 16

static char *section_words(Fhir *f, JsonNode *section, size_t depth, char *text) {
        char *title = fhir_member_text(f, section, "title"),
             *words = clinical_narrative(f, json_member(section, "text"));
        Carebus__V1__Coded *code = fhir_coded(f, json_member(section, "code"));
        const char *empty = clinical_coded_words(fhir_coded(f, json_member(section, "emptyReason")));
        text = clinical_join(f, text, title ?: clinical_coded_words(code));
        text = clinical_join(f, text, words);
        if (empty)
                text = clinical_join(f, text, draft_format(&f->draft, "empty: %s", empty));
        json_note_read(json_peek(json_peek(section, "text"), "status"));
        json_note_read(json_peek(section, "mode"));
        json_note_read(json_peek(section, "orderedBy"));
        json_note_mapped(json_peek(section, "entry")); /* each is told by itself */
        if (depth >= SECTION_DEPTH_MAX)
                return text;
        JSON_EACH(inner, json_member(section, "section"))
                text = section_words(f, inner, depth + 1, text);
        return text;
}

static void attesters_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event) {
        JSON_EACH(attester, json_member(resource->node, "attester")) {
                JsonNode *party = json_member(attester, "party");
                char *time = fhir_member_text(f, attester, "time"), *mode = fhir_member_text(f, attester, "mode");
                if (!event->document->authenticator)
                        event->document->authenticator = clinical_professional(f, resource, party);
                if (time)
                        clinical_note(f, event, attester,
                                      draft_format(&f->draft, "attested (%s): %s", mode ?: "mode not said", time));
        }
}

static void composition_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event) {
        JsonNode *node = resource->node;
        Carebus__V1__Document *document = event->document;
        document->identifier = fhir_own_identifier(f, resource);
        event->document_id = document->identifier;
        document->type = clinical_mapped(f, json_member(node, "type"), "document.type");
        fhir_coded_list(f, json_member(node, "category"), &document->n_categories, &document->categories);
        document->title = fhir_member_text(f, node, "title");
        document->completion = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/composition-status");
        document->confidentiality = fhir_code(f, json_member(node, "confidentiality"),
                                              "http://terminology.hl7.org/CodeSystem/v3-Confidentiality");
        document->edited_at = fhir_member_when(f, node, "date");
        document->written_at = document->edited_at;
        document->custodian = fhir_reference_organisation(f, resource, json_member(node, "custodian"));
        document->media_type = (char *)FHIR_MEDIA_TYPE;
        document->practice_setting = fhir_uk_coded(f, node, "CareSettingType");
        document->original_part = fhir_position(f, node);
        authors_read(f, resource, json_member(node, "author"), document);
        attesters_read(f, resource, event);
        JSON_EACH(done, json_member(node, "event")) {
                document->service_period = document->service_period ?: fhir_period(f, json_member(done, "period"));
                fhir_coded_list(f, json_member(done, "code"), &document->n_categories, &document->categories);
                json_note_mapped(json_peek(done, "detail"));
        }
        JSON_EACH(section, json_member(node, "section"))
                document->content_text = section_words(f, section, 0, document->content_text);
}

void fhir_composition(Fhir *f, const FhirResource *resource) {
        const char *said = fhir_is_in_error(resource) ? "entered-in-error" : json_text(resource->node, "status");
        Carebus__V1__Event *event = document_event(f, resource, clinical_status(composition_statuses, said));
        const char *type = NULL;
        if (!event)
                return;
        composition_read(f, resource, event);
        relations_read(f, resource, event->document, &type);
        if (type && strcmp(event->type, "document.available") == 0) {
                event->type = (char *)type;
                event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        }
        event->occurred_at = event->document->edited_at ?: event->occurred_at;
        say_form(f, resource, event);
}
