/*
 * What a message says of itself: Bundle, MessageHeader, Provenance, and the status of a subscription. It goes with every event.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

#define MESSAGE_ID_MAX 200

static FhirResource *first_of_type(Fhir *f, const char *type) {
        for (size_t i = 0; i < f->n_resources; i++)
                if (!f->resources[i].container && text_equal(f->resources[i].type, type))
                        return &f->resources[i];
        return NULL;
}

/* ---- authors */

static char *name_words(Fhir *f, const Carebus__V1__HumanName *name) {
        if (!name)
                return NULL;
        if (name->text)
                return name->text;
        return draft_format(&f->draft, "%s%s%s%s%s", name->n_prefix ? name->prefix[0] : "", name->n_prefix ? " " : "",
                            name->n_given ? name->given[0] : "", name->n_given && name->family ? " " : "",
                            name->family ?: "");
}

/* A name that lives no longer than its message names nobody to a person. */
static char *plain_number(const Carebus__V1__Identifier *identifier) {
        return identifier && !text_starts_with(identifier->value, "urn:") ? identifier->value : NULL;
}

static void author_set_organisation(Carebus__V1__Author *author, const Carebus__V1__Organisation *organisation) {
        if (!organisation)
                return;
        author->organisation = plain_number(organisation->identifier);
        author->organisation_name = organisation->name;
}

Carebus__V1__Author *fhir_reference_author(Fhir *f, const FhirResource *from, JsonNode *reference) {
        Carebus__V1__Practitioner *practitioner = fhir_reference_practitioner(f, from, reference);
        Carebus__V1__Author *author = practitioner ? draft_message(&f->draft, &carebus__v1__author__descriptor) : NULL;
        const char *type = fhir_reference_type(f, from, reference);

        if (!author)
                return NULL;
        if (text_equal(type, "Organization") && !practitioner->organisation) {
                author->organisation = plain_number(practitioner->identifier);
                author->organisation_name = name_words(f, practitioner->name);
                return author;
        }
        author_set_organisation(author, practitioner->organisation);
        author->person = plain_number(practitioner->identifier);
        author->person_name = name_words(f, practitioner->name);
        if (practitioner->role)
                author->role = practitioner->role->display ?: practitioner->role->text ?: practitioner->role->code;
        return author;
}

/* ---- Provenance */

static bool is_author_agent(Fhir *f, JsonNode *agent) {
        const Carebus__V1__Coded *type = fhir_coded(f, json_member(agent, "type"));

        return coded_is(type, NULL, "author") || coded_is(type, NULL, "AUT");
}

/* Who is said to be the author, else the first that is named. */
static Carebus__V1__Author *provenance_author(Fhir *f, const FhirResource *provenance) {
        JsonNode *agents = json_member(provenance->node, "agent"), *chosen = json_element(agents, 0);
        Carebus__V1__Author *author;

        JSON_EACH(agent, agents)
                if (is_author_agent(f, agent)) {
                        chosen = agent;
                        break;
                }
        author = fhir_reference_author(f, provenance, fhir_choice(chosen, "who"));
        if (author && !author->organisation)
                author_set_organisation(author,
                                        fhir_reference_organisation(f, provenance, fhir_choice(chosen, "onBehalfOf")));
        return author;
}

static void provenance_read(Fhir *f, FhirResource *provenance) {
        Carebus__V1__When *recorded = fhir_member_when(f, provenance->node, "recorded");
        Carebus__V1__Author *author = provenance_author(f, provenance);

        provenance->is_used = true;
        JSON_EACH(reference, json_member(provenance->node, "target")) {
                FhirResource *target = fhir_resolve(f, provenance, reference);

                if (!target)
                        continue;
                target->author = author;
                target->recorded_at = recorded;
        }
}

/* ---- MessageHeader */

static Carebus__V1__Author *sender_read(Fhir *f, const FhirResource *header) {
        JsonNode *source = json_member(header->node, "source"), *sender = json_member(header->node, "sender");
        Carebus__V1__Author *author = draft_message(&f->draft, &carebus__v1__author__descriptor);

        if (!author)
                return NULL;
        json_note_read(json_peek(source, "version"));
        json_note_read(json_peek(source, "contact"));
        author->system = fhir_member_text(f, source, "name") ?: fhir_member_text(f, source, "software");
        author->system = author->system ?: fhir_member_text(f, source, "endpoint");
        json_note_read(json_peek(source, "endpoint"));
        author_set_organisation(author, fhir_reference_organisation(f, header, sender));
        return author;
}

static void header_read(Fhir *f, FhirResource *header) {
        static const char *const parties[] = { "author", "responsible", "enterer" };
        static const char *const routing[] = { "destination", "focus", "definition", "response" };
        Carebus__V1__Coded *event = fhir_coding(f, json_member(header->node, "eventCoding"));
        Carebus__V1__Coded *reason = fhir_coded(f, json_member(header->node, "reason"));

        header->is_used = true;
        for (size_t i = 0; i < ELEMENTSOF(routing); i++)
                json_note_read(json_peek(header->node, routing[i]));
        f->sender = sender_read(f, header);
        for (size_t i = 0; i < ELEMENTSOF(parties) && !f->author; i++)
                f->author = fhir_reference_author(f, header, json_member(header->node, parties[i]));
        if (event)
                f->trigger = event->code ?: event->original ? event->original->code : NULL;
        if (!f->trigger)
                f->trigger = fhir_member_text(f, header->node, "eventUri");
        if (reason)
                f->reason = reason->code ?: reason->original ? reason->original->code : NULL;
}

/* ---- ids and times */

static const char *short_enough(const char *id) {
        return id && strlen(id) <= MESSAGE_ID_MAX ? id : NULL;
}

/* The same id is the same message: a resource is one only together with its version. Bundle.id is its envelope's, new with every
 * sending. */
static const char *message_id_read(Fhir *f, const FhirResource *header) {
        const char *id = json_said(f->root, "id"), *version = json_said(json_peek(f->root, "meta"), "versionId");
        const Carebus__V1__Identifier *identifier = NULL;

        if (text_equal(f->root_type, "Bundle"))
                identifier = fhir_identifier(f, json_member(f->root, "identifier"));
        if (identifier && short_enough(identifier->value))
                return identifier->value;
        if (header && (header->id || header->full_url))
                return short_enough(draft_format(&f->draft, "MessageHeader/%s", header->id ?: header->full_url));
        if (id && version)
                return short_enough(draft_format(&f->draft, "%s/%s/_history/%s", f->root_type, id, version));
        return NULL;
}

static void bundle_note_read(Fhir *f) {
        static const char *const members[] = { "id",   "type",          "total",    "link",
                                               "meta", "implicitRules", "language", "signature" };

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                json_note_read(json_peek(f->root, members[i]));
}

static void resources_read_meta(Fhir *f) {
        static const char *const narrative[] = { "language", "text" };

        for (size_t i = 0; i < f->n_resources; i++) {
                FhirResource *resource = &f->resources[i];
                JsonNode *meta = json_member(resource->node, "meta");

                if (!resource->container)
                        resource->recorded_at = fhir_member_when(f, meta, "lastUpdated");
                if (resource->is_deleted) /* what it says of itself was said before it was deleted */
                        resource->recorded_at = fhir_when(f, json_peek(json_peek(resource->entry, "response"),
                                                                       "lastModified"));
                for (JsonNode *member = meta ? meta->first : NULL; member; member = member->next)
                        if (!text_equal(member->name, "security"))
                                json_note_read(member);
                for (size_t n = 0; n < ELEMENTSOF(narrative); n++)
                        json_note_read(json_peek(resource->node, narrative[n]));
        }
}

/* A code that a profile can name: anything longer or with a space is none. */
static bool is_trigger(const char *trigger) {
        return trigger && strlen(trigger) <= 64 && !strpbrk(trigger, " \t\r\n");
}

void fhir_envelope_read(Fhir *f) {
        FhirResource *header = first_of_type(f, "MessageHeader");
        bool is_bundle = text_equal(f->root_type, "Bundle");
        const char *bundle_type = json_said(f->root, "type");

        resources_read_meta(f);
        if (is_bundle) {
                bundle_note_read(f);
                f->sent_at = fhir_member_when(f, f->root, "timestamp");
                if (!f->sent_at)
                        f->sent_at = fhir_when(f, json_peek(json_peek(f->root, "meta"), "lastUpdated"));
        } else if (f->n_resources > 0)
                f->sent_at = f->resources[0].recorded_at;
        if (header)
                header_read(f, header);
        if (!is_trigger(f->trigger))
                f->trigger = is_bundle && is_trigger(bundle_type) ? draft_format(&f->draft, "Bundle/%s", bundle_type)
                                                                  : f->root_type;
        f->message_id = message_id_read(f, header);
        for (size_t i = 0; i < f->n_resources; i++)
                if (text_equal(f->resources[i].type, "Provenance") && !f->resources[i].is_refused)
                        provenance_read(f, &f->resources[i]);
}

/* ---- subscriptions */

/* R5 has a resource for it, R4 says it by Parameters. */
static const char *notification_type(const FhirResource *status) {
        const JsonNode *parameters = json_peek(status->node, "parameter");

        if (text_equal(status->type, "SubscriptionStatus"))
                return json_said(status->node, "type");
        for (const JsonNode *item = parameters ? parameters->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "name"), "type"))
                        return json_said(item, "valueCode") ?: json_said(item, "valueString");
        return NULL;
}

static bool has_notification(const FhirResource *status) {
        static const char *const types[] = { "handshake", "heartbeat", "event-notification", "query-status",
                                             "query-event" };
        const char *type = notification_type(status);

        for (size_t i = 0; type && i < ELEMENTSOF(types); i++)
                if (strcmp(types[i], type) == 0)
                        return true;
        return false;
}

bool fhir_is_heartbeat(Fhir *f) {
        FhirResource *status = f->n_resources > 0 ? &f->resources[0] : NULL;
        const char *type;

        if (!status || !text_equal(f->root_type, "Bundle") ||
            (!text_equal(status->type, "Parameters") && !text_equal(status->type, "SubscriptionStatus")) ||
            !has_notification(status))
                return false;
        status->is_used = true;
        json_note_read(status->node);
        type = notification_type(status);
        if (f->n_resources > 1)
                return false;
        if (!text_equal(type, "event-notification") && !text_equal(type, "query-event"))
                return true;
        fhir_problem(f, "notification-without-content", status->node, /* urgent= */ false);
        return false;
}
