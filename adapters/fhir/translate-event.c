/*
 * What every event of a resource carries, and what is said of a resource that cannot be used.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/when.h"
#include "proto/types.h"

/* ---- issues and problems */

char *fhir_position(Fhir *f, const JsonNode *node) {
        char *path = node ? json_path(node, f->root_type ?: "resource", f->draft.arena) : NULL;

        f->draft.is_full = f->draft.is_full || (node && !path);
        return path;
}

void fhir_issue(Fhir *f, const char *severity, const char *code, const JsonNode *at, const char *text) {
        char *path;

        if (f->n_issues == FHIR_ISSUES_MAX || !f->issues)
                return;
        path = fhir_position(f, at);
        for (size_t i = 0; i < f->n_issues; i++) /* a value may be asked for twice */
                if (text_equal(f->issues[i].path, path) && strcmp(f->issues[i].text, text) == 0)
                        return;
        f->issues[f->n_issues++] = (FhirIssue){ .severity = severity, .code = code, .path = path, .text = text };
}

/* What is said of a problem to who sent it. */
static const struct {
        const char *code, *issue, *text;
} problem_texts[] = {
        { "modifier-extension", "not-supported",
          "A modifier extension that is not understood here changes what this resource means; it was not used. Leave "
          "it out, or have the "
          "profile of this source ignore it." },
        { "nested-bundle", "not-supported",
          "A bundle within a bundle is not read. Send its entries in a bundle of their own." },
        { "no-resource", "required", "This entry is to be written, but there is no resource in it." },
        { "no-resource-type", "required", "A resource begins with its resourceType." },
        { "no-patient", "required", "Nobody can say whose this is: it names no patient." },
        { "two-patients", "value", "The reference says one NHS number, and the Patient that it leads to another." },
        { "deleted-without-content", "not-supported",
          "What is deleted here cannot be told by its id alone. Send the resource with status entered-in-error." },
        { "unhandled-trigger", "not-supported",
          "Resources of this type are not read. The message is kept, and a person will look at it." },
        { "notification-without-content", "not-supported",
          "This notification only names what changed. Subscribe with payload full-resource." },
        { "too-large", "too-long", "The message is larger than what is read. Send it in parts." },
};

static void problem_issue(Fhir *f, const char *code, const JsonNode *at) {
        for (size_t i = 0; i < ELEMENTSOF(problem_texts); i++)
                if (strcmp(problem_texts[i].code, code) == 0) {
                        fhir_issue(f, "error", problem_texts[i].issue, at, problem_texts[i].text);
                        return;
                }
        fhir_issue(f, "error", "processing", at,
                   "This cannot be used. The message is kept, and a person will look at it.");
}

void fhir_problem(Fhir *f, const char *code, const JsonNode *at, bool urgent) {
        draft_problem(&f->draft, code, fhir_position(f, at), urgent);
        problem_issue(f, code, at);
}

void fhir_problem_here(Fhir *f, const char *code, const JsonNode *at, bool urgent) {
        if (f->current)
                f->current->is_partial = true;
        fhir_problem(f, code, at, urgent);
}

bool fhir_is_in_error(const FhirResource *resource) {
        const JsonNode *verification = json_peek(json_peek(resource->node, "verificationStatus"), "coding");

        if (resource->is_deleted || text_equal(json_said(resource->node, "status"), "entered-in-error"))
                return true;
        for (const JsonNode *coding = verification ? verification->first : NULL; coding; coding = coding->next)
                if (text_equal(json_said(coding, "code"), "entered-in-error"))
                        return true;
        return false;
}

/* ---- events */

/* Labels that say no more than that everybody may see it. */
static bool is_open_label(const Carebus__V1__Coded *label) {
        static const char *const codes[] = { "U", "L", "M", "N" };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (coded_is(label, NULL, codes[i]))
                        return true;
        return false;
}

static bool is_restricting_label(const Carebus__V1__Coded *label) {
        return coded_is(label, NULL, "R") || coded_is(label, NULL, "V") || coded_is(label, NULL, "REDACTED");
}

static Carebus__V1__Sensitivity *sensitivity_read(Fhir *f, const FhirResource *resource) {
        JsonNode *meta = json_member(resource->node, "meta"), *security = json_member(meta, "security");
        Carebus__V1__Sensitivity *sensitivity;

        for (JsonNode *member = meta ? meta->first : NULL; member; member = member->next)
                if (!text_equal(member->name, "security"))
                        json_note_read(member);
        sensitivity = security ? draft_message(&f->draft, &carebus__v1__sensitivity__descriptor) : NULL;
        if (!sensitivity)
                return NULL;
        JSON_EACH(item, security) {
                Carebus__V1__Coded *label = fhir_coding(f, item);

                if (label && !is_open_label(label))
                        draft_append(&f->draft, &sensitivity->n_labels, &sensitivity->labels, label);
                if (label && text_equal(resource->type, "Patient") && is_restricting_label(label))
                        sensitivity->has_restricted_location = sensitivity->restricted_location = true;
        }
        return sensitivity->n_labels ? sensitivity : NULL;
}

/* Whose it was, where only its name is left. */
static Carebus__V1__Subject *remembered_patient(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Subject *subject;
        FhirKnown known = { 0 };

        if (!f->memory || !f->memory->find || !resource->type || !resource->id ||
            f->memory->find(f->memory->owner, resource->type, resource->id, f->draft.arena, &known) != 0 ||
            known.n_patient == 0)
                return NULL;
        subject = draft_message(&f->draft, &carebus__v1__subject__descriptor);
        if (subject) {
                subject->n_identifiers = known.n_patient;
                subject->identifiers = known.patient;
        }
        return subject;
}

static void event_set_patient(Fhir *f, Carebus__V1__Event *event, const FhirResource *resource) {
        const char *element = resource->row ? resource->row->patient : NULL;

        if (element)
                fhir_set_patient(f, event, resource, json_member(resource->node, element));
        if (!event->patient && resource->is_deleted)
                event->patient = remembered_patient(f, resource);
}

static void event_set_correlators(Fhir *f, Carebus__V1__Event *event, const FhirResource *resource) {
        static const char *const encounters[] = { "encounter", "context" };
        JsonNode *reference = NULL;

        if (text_equal(resource->type, "Encounter")) {
                reference = json_element(json_member(resource->node, "episodeOfCare"), 0);
                event->episode_id = fhir_reference_identifier(f, resource, reference);
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(encounters) && !reference; i++)
                reference = json_element(json_member(resource->node, encounters[i]), 0);
        if (!reference || reference->kind != JSON_OBJECT || !json_peek(reference, "reference"))
                return;
        if (text_equal(fhir_reference_type(f, resource, reference), "EpisodeOfCare"))
                event->episode_id = fhir_reference_identifier(f, resource, reference);
        else
                event->encounter_id = fhir_reference_identifier(f, resource, reference);
}

Carebus__V1__Event *fhir_event(Fhir *f, const FhirResource *resource, const char *type, Carebus__V1__Action action) {
        FhirResource *own = &f->resources[resource - f->resources];
        Carebus__V1__Event *event;

        if (fhir_is_in_error(resource))
                action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        event = draft_event(&f->draft, type, action);
        if (!event)
                return NULL;
        f->event_resources[f->draft.n_events - 1] = resource;
        event->recorded_at = resource->recorded_at ?: f->sent_at;
        event->occurred_at = event->recorded_at;
        event->source_message_id = (char *)f->message_id;
        event->sender = f->sender;
        event->author = resource->author ?: f->author;
        event->trigger = (char *)f->trigger;
        event->sensitivity = sensitivity_read(f, resource);
        event_set_patient(f, event, resource);
        event_set_correlators(f, event, resource);
        if (event->patient && own->n_patient == 0) {
                own->n_patient = event->patient->n_identifiers;
                own->patient = event->patient->identifiers;
        }
        return event;
}

void fhir_set_time(Fhir *f, Carebus__V1__Event *event, Carebus__V1__When *when) {
        Moment moment;

        if (when && when->text && moment_read(when->text, f->zone, &moment) == 0)
                event->occurred_at = when;
}

/* ---- which events stand */

static bool is_decision(const Carebus__V1__Event *event) {
        return event->body_case == CAREBUS__V1__EVENT__BODY_DECISION;
}

static bool texts_fit(const Fhir *f, size_t from) {
        for (size_t i = from; i < f->draft.n_events; i++)
                if (!fhir_texts_fit(&f->draft.events[i]->base))
                        return false;
        return true;
}

void fhir_events_sift(Fhir *f, FhirResource *resource, size_t from) {
        size_t n = from;

        if (!resource->is_broken && !texts_fit(f, from)) {
                resource->is_broken = true;
                fhir_problem(f, "too-large", resource->node, resource->row && resource->row->is_urgent);
        }
        for (size_t i = from; i < f->draft.n_events; i++) {
                if (resource->is_broken || (resource->is_partial && !is_decision(f->draft.events[i])))
                        continue;
                f->event_resources[n] = f->event_resources[i];
                f->draft.events[n++] = f->draft.events[i];
        }
        f->draft.n_events = n;
}

/* A national number that cannot be one names nobody; of any other number the bus knows more. */
static bool may_name_somebody(const Carebus__V1__Identifier *identifier) {
        NationalNumber number = national_number_of_system(identifier->system);
        char digits[NATIONAL_NUMBER_SIZE + 1];

        return number == NATIONAL_NUMBER_NONE || national_number_read(number, identifier->value, digits) == 0;
}

static bool is_of_nobody(const Carebus__V1__Event *event) {
        const EventType *type = event_type_find(event->type);

        if (!type || !type->section)
                return false;
        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                if (may_name_somebody(event->patient->identifiers[i]))
                        return false;
        return true;
}

void fhir_check_patients(Fhir *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->draft.n_events; i++) {
                Carebus__V1__Event *event = f->draft.events[i];
                const FhirResource *resource = f->event_resources[i];

                if (is_of_nobody(event)) {
                        fhir_problem(f, "no-patient", resource->node,
                                     is_decision(event) || (resource->row && resource->row->is_urgent));
                        continue;
                }
                f->event_resources[n] = resource;
                f->draft.events[n++] = event;
        }
        f->draft.n_events = n;
}
