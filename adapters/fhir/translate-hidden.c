/*
 * Words of a decision about resuscitation that nothing else was made of: in elements that nobody reads, in resources of types that nobody
 * reads, in resources that may not be used. Never left out, never guessed: its meaning is not known, and its words stay.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

/* ---- where they are */

/* What was found in one resource. */
#define FOUND_MAX 8
/* Sections within sections. */
#define SECTIONS_DEPTH 16
typedef struct Found {
        const JsonNode *nodes[FOUND_MAX];
        size_t n;
} Found;

/* Words of a decision about resuscitation, whole words only; and its codes. */
static const char *const decision_words[] = {
        "DNACPR",        "DNAR",        "DNR",       "CPR",       "NFR",       "RESUS",
        "resuscitation", "resuscitate", "450475007", "450476008", "304252001", "304253006",
};

static bool is_decision_word(const char *word, size_t size) {
        /* The form, not the word that every letter has. */
        if (size == strlen("ReSPECT") && memcmp(word, "ReSPECT", size) == 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(decision_words); i++)
                if (strlen(decision_words[i]) == size && strncasecmp(decision_words[i], word, size) == 0)
                        return true;
        return false;
}

static bool has_decision_word(const char *text) {
        while (*text) {
                size_t n = 0;

                while (isalnum((unsigned char)text[n]) || (text[n] & 0x80))
                        n++;
                if (n > 0 && is_decision_word(text, n))
                        return true;
                text += n > 0 ? n : 1;
        }
        return false;
}

bool clinical_speaks_of_cpr(const char *text) {
        return text && (has_decision_word(text) || cpr_meaning_of_text(text) != CPR_NOT_KNOWN);
}

/* That there is a decision, not only that somebody spoke of one. */
bool clinical_states_cpr(const char *text) {
        static const char *const words[] = { "DNACPR",
                                             "DNAR",
                                             "DNR",
                                             "not for resus",
                                             "not for CPR",
                                             "not for attempted",
                                             "do not attempt",
                                             "do not resuscitate" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (clinical_says(text, words[i]))
                        return true;
        return cpr_meaning_of_code(SYSTEM_SNOMED_CT, text) != CPR_NOT_KNOWN ||
               cpr_meaning_of_text(text) != CPR_NOT_KNOWN;
}

/* Addresses and names of definitions say nothing of a person; contained resources are looked at by themselves. */
static bool is_passed_over(const JsonNode *node, const JsonNode *child) {
        static const char *const names[] = { "url", "contained", "text", "meta" };

        for (size_t i = 0; child->name && i < ELEMENTSOF(names); i++)
                if (strcmp(child->name, names[i]) == 0)
                        return json_peek(node, "resourceType") &&
                               (strcmp(child->name, "contained") != 0 || !json_is_contained(node));
        return false;
}

static void find_decisions(const JsonNode *node, bool is_unread_above, Found *found) {
        bool is_unread_here = is_unread_above || !node->read;

        if (node->ignored || node->mapped || found->n == FOUND_MAX)
                return;
        if (node->kind == JSON_STRING) {
                if (is_unread_here && node->size < DRAFT_TEXT_MAX && clinical_speaks_of_cpr(node->text))
                        found->nodes[found->n++] = node;
                return;
        }
        for (const JsonNode *child = node->first; child; child = child->next)
                if (!is_passed_over(node, child))
                        find_decisions(child, is_unread_here && !child->mapped, found);
}

/* What a resource is about, where anything else than a decision was made of it: a problem called DNACPR, an activity of a plan. */
static void find_statements(const JsonNode *node, Found *found) {
        static const char *const asides[] = { "note",       "comment", "system", "reference", "url",
                                              "reasonCode", "meta",    "text",   "contained" };

        for (const JsonNode *child = node->first; child && found->n < FOUND_MAX; child = child->next) {
                bool is_aside = false;

                for (size_t i = 0; child->name && i < ELEMENTSOF(asides) && !is_aside; i++)
                        is_aside = strcmp(child->name, asides[i]) == 0 &&
                                   (strcmp(child->name, "text") != 0 || json_peek(node, "resourceType"));
                if (is_aside)
                        continue;
                if (child->kind == JSON_STRING && child->size < DRAFT_TEXT_MAX && clinical_states_cpr(child->text))
                        found->nodes[found->n++] = child;
                find_statements(child, found);
        }
}

static bool may_state(const char *type) {
        static const char *const types[] = { "Flag",     "Condition", "Observation",    "DiagnosticReport",
                                             "CarePlan", "Goal",      "ServiceRequest", "Consent" };

        for (size_t i = 0; type && i < ELEMENTSOF(types); i++)
                if (strcmp(types[i], type) == 0)
                        return true;
        return false;
}

/* Forms and definitions are about nobody. */
static bool is_definition(const char *type) {
        static const char *const types[] = {
                "Questionnaire",       "ValueSet",        "CodeSystem",          "ConceptMap",
                "StructureDefinition", "PlanDefinition",  "ActivityDefinition",  "Library",
                "CapabilityStatement", "SearchParameter", "OperationDefinition", "Measure",
                "ImplementationGuide", "OperationOutcome"
        };

        for (size_t i = 0; type && i < ELEMENTSOF(types); i++)
                if (strcmp(types[i], type) == 0)
                        return true;
        return false;
}

/* ---- what is made of them */

/* A code says little to a person without the words that stand beside it. */
static const char *words_beside(const JsonNode *node) {
        static const char *const names[] = { "display", "text" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *words = node->parent && node->parent->kind == JSON_OBJECT
                                            ? json_said(node->parent, names[i])
                                            : NULL;

                if (words && words != node->text)
                        return words;
        }
        return NULL;
}

static char *found_words(Fhir *f, const Found *found) {
        char *text = NULL;

        for (size_t i = 0; i < found->n; i++) {
                const char *said = found->nodes[i]->text, *beside = words_beside(found->nodes[i]);

                if (text && strstr(text, said))
                        continue;
                text = clinical_join(f, text, said);
                if (text && beside && !strstr(text, beside) && strlen(beside) < DRAFT_TEXT_MAX)
                        text = draft_format(&f->draft, "%s (%s)", text, beside);
        }
        return text && strlen(text) > DRAFT_TEXT_MAX ? (char *)found->nodes[0]->text : text;
}

static JsonNode *patient_element(const FhirResource *resource) {
        static const char *const patients[] = { "subject", "patient", "for" };

        if (resource->row)
                return resource->row->patient ? json_member(resource->node, resource->row->patient) : NULL;
        for (size_t i = 0; i < ELEMENTSOF(patients); i++)
                if (json_peek(resource->node, patients[i]))
                        return json_member(resource->node, patients[i]);
        return NULL;
}

static Carebus__V1__Event *event_about(Fhir *f, const FhirResource *resource) {
        JsonNode *element = patient_element(resource);
        bool is_patient = text_equal(resource->type, "Patient");
        Carebus__V1__Event *event;

        if (!element && !is_patient)
                return NULL;
        event = fhir_event(f, resource, fhir_is_in_error(resource) ? "cpr_decision.ended" : "cpr_decision.recorded",
                           CAREBUS__V1__ACTION__ACTION_NEW);
        if (event && !resource->row)
                fhir_set_patient(f, event, resource, element);
        if (event && is_patient) {
                event->patient = draft_message(&f->draft, &carebus__v1__subject__descriptor);
                if (event->patient)
                        fhir_own_identifiers(f, resource, &event->patient->n_identifiers, &event->patient->identifiers);
        }
        return event;
}

/* Of nobody there is no event: the one that was begun is taken back. */
static bool hidden_event(Fhir *f, const FhirResource *resource, char *words) {
        size_t n_before = f->draft.n_events;
        Carebus__V1__Event *event = resource->is_refused && text_equal(resource->type, "Patient")
                                            ? NULL
                                            : event_about(f, resource);
        Carebus__V1__Decision *decision;

        if (!event || !event->patient || event->patient->n_identifiers == 0) {
                f->draft.n_events = n_before;
                return false;
        }
        decision = draft_message(&f->draft, &carebus__v1__decision__descriptor);
        if (!decision)
                return false;
        decision->has_kind = true;
        decision->kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        decision->identifier = event->order_id = fhir_own_identifier(f, resource);
        decision->decision = draft_coded(&f->draft, (char *)SYSTEM_CAREBUS_DECISION, (char *)CODE_MEANING_NOT_KNOWN,
                                         (char *)DISPLAY_MEANING_NOT_KNOWN, words);
        decision->decision_text = words;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        return true;
}

/* Further words stand beside the decision that was made of the same resource, and are no second one. */
static void hidden_decision(Fhir *f, const FhirResource *resource, const Found *found) {
        const FhirResource *whole = resource->container ?: resource;
        Carebus__V1__Event *beside = clinical_cpr_event(f, whole);
        char *words = found_words(f, found);

        if (beside)
                clinical_note(f, beside, found->nodes[0], words);
        else if (!words || !hidden_event(f, whole, words))
                fhir_problem(f, "decision-not-read", found->nodes[0], /* urgent= */ true);
}

/* ---- sections of a document */

static bool is_about_resuscitation(Fhir *f, JsonNode *section, const char *words) {
        const Carebus__V1__Coded *code = fhir_coded(f, json_peek(section, "code"));
        const Concept *concept = code ? concept_find(code->system, code->code) : NULL;

        return clinical_speaks_of_cpr(json_said(section, "title")) ||
               clinical_speaks_of_cpr(clinical_coded_words(code)) ||
               (concept && concept->decision == CAREBUS__V1__DECISION__KIND__KIND_CPR) || clinical_states_cpr(words);
}

static char *sections_words(Fhir *f, JsonNode *sections, size_t depth) {
        char *text = NULL;

        for (JsonNode *section = sections && sections->kind == JSON_ARRAY && depth < SECTIONS_DEPTH ? sections->first
                                                                                                    : NULL;
             section; section = section->next) {
                char *words = clinical_narrative(f, json_peek(section, "text"));

                if (words && is_about_resuscitation(f, section, words)) {
                        text = clinical_join(f, text, json_said(section, "title"));
                        text = clinical_join(f, text, words);
                }
                text = clinical_join(f, text, sections_words(f, json_peek(section, "section"), depth + 1));
        }
        return text;
}

static bool has_cpr_event(const Fhir *f) {
        for (size_t i = 0; i < f->draft.n_events; i++)
                if (f->draft.events[i]->body_case == CAREBUS__V1__EVENT__BODY_DECISION &&
                    f->draft.events[i]->decision->kind == CAREBUS__V1__DECISION__KIND__KIND_CPR)
                        return true;
        return false;
}

/* A document that says it in words alone. Where a decision stands beside it, the words are what it looks like to a person. */
static void document_decision(Fhir *f, const FhirResource *resource) {
        char *words;

        if (!text_equal(resource->type, "Composition") || resource->container || resource->is_refused ||
            has_cpr_event(f))
                return;
        words = sections_words(f, json_peek(resource->node, "section"), 0);
        if (words && strlen(words) <= DRAFT_TEXT_MAX && !hidden_event(f, resource, words))
                fhir_problem(f, "decision-not-read", resource->node, /* urgent= */ true);
}

void fhir_hidden_decisions(Fhir *f) {
        for (size_t i = 0; i < f->n_resources && !f->draft.is_full; i++) {
                const FhirResource *resource = &f->resources[i];
                bool is_unread = resource->is_refused || resource->is_broken || (!resource->row && !resource->is_used);
                Found found = { .n = 0 };

                if (is_definition(resource->type) || resource->is_ignored ||
                    (resource->container ?: resource)->is_spoken)
                        continue;
                find_decisions(resource->node, is_unread, &found);
                if (found.n == 0 && may_state(resource->type) &&
                    !clinical_cpr_event(f, resource->container ?: resource))
                        find_statements(resource->node, &found);
                if (found.n > 0)
                        hidden_decision(f, resource, &found);
        }
        for (size_t i = 0; i < f->n_resources && !f->draft.is_full; i++)
                if (!f->resources[i].is_ignored)
                        document_decision(f, &f->resources[i]);
}
