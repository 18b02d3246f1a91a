/*
 * Consent: to a shared record, to treatment, to research; and what somebody refused or wished ahead of time, where its scope or a
 * code of it says so. R4 has a base rule (policyRule) and exceptions to it (provision); who has no base rule says what he means by the
 * type of the outermost provision. A consent that says neither is one of unknown state: that it is active says only that it counts.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/cleanup.h"
#include "base/text.h"

#define SCOPES "http://terminology.hl7.org/CodeSystem/consentscope"
#define CATEGORIES "http://terminology.hl7.org/CodeSystem/consentcategorycodes"
#define STATE(name) CAREBUS__V1__CONSENT__STATE__STATE_##name
#define CONSENT_KIND(name) CAREBUS__V1__CONSENT__KIND__KIND_##name
#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
/* Provisions within provisions. */
#define DEPTH_MAX 8

typedef struct ConsentSaid {
        Carebus__V1__Coded *scope, *policy, *original_status;
        Carebus__V1__Coded **categories;
        size_t n_categories;
        JsonNode *provision;
        const char *status, *provision_type;
} ConsentSaid;

static bool category_is(const ConsentSaid *said, const char *system, const char *code) {
        for (size_t i = 0; i < said->n_categories; i++)
                if (coded_is(said->categories[i], system, code))
                        return true;
        return false;
}

/*
 * Provisions as a person reads them
 */

static char *codes_words(Fhir *f, JsonNode *array, const char *label, char *text) {
        JSON_EACH(item, array) {
                char *words = clinical_words(f, item);
                if (words)
                        text = draft_format(&f->draft, "%s%s%s %s", text ?: "", text ? "; " : "", label, words);
        }
        return text;
}

static char *actors_words(Fhir *f, const FhirResource *resource, JsonNode *provision, char *text) {
        JSON_EACH(actor, json_member(provision, "actor")) {
                const char *role = clinical_coded_words(fhir_coded(f, json_member(actor, "role")));
                JsonNode *reference = json_member(actor, "reference");
                Carebus__V1__Organisation *named = fhir_reference_organisation(f, resource, reference);
                const char *name = named ? named->name ?: (named->identifier ? named->identifier->value : NULL) : NULL;
                text = draft_format(&f->draft, "%s%sactor %s%s%s%s", text ?: "", text ? "; " : "", name ?: "not named",
                                    role ? " (" : "", role ?: "", role ? ")" : "");
        }
        return text;
}

static char *data_words(Fhir *f, JsonNode *provision, char *text) {
        JSON_EACH(item, json_member(provision, "data")) {
                const char *meaning = json_text(item, "meaning");
                char *what = clinical_words(f, json_member(item, "reference"));
                text = draft_format(&f->draft, "%s%sdata %s %s", text ?: "", text ? "; " : "", meaning ?: "",
                                    what ?: "");
        }
        return text;
}

static char *provision_words(Fhir *f, const FhirResource *resource, JsonNode *provision, size_t depth) {
        static const char *const lists[] = { "action", "securityLabel", "purpose", "class", "code" };
        const char *type = json_text(provision, "type");
        char *text = NULL, *period = clinical_words(f, json_member(provision, "period"));
        text = actors_words(f, resource, provision, text);
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                text = codes_words(f, json_member(provision, lists[i]), lists[i], text);
        text = data_words(f, provision, text);
        if (period)
                text = draft_format(&f->draft, "%s%s%s", text ?: "", text ? "; " : "", period);
        period = clinical_words(f, json_member(provision, "dataPeriod"));
        if (period)
                text = draft_format(&f->draft, "%s%sdata of %s", text ?: "", text ? "; " : "", period);
        if (type || text)
                text = draft_format(&f->draft, "%s: %s", type ?: (depth == 0 ? "rule" : "exception"), text ?: "all");
        if (depth >= DEPTH_MAX) {
                if (json_peek(provision, "provision"))
                        fhir_issue(f, "warning", "too-long", provision,
                                   "Provisions are nested too deeply; the inner ones are not in the event.");
                return text;
        }
        JSON_EACH(inner, json_member(provision, "provision"))
                text = clinical_join(f, text, provision_words(f, resource, inner, depth + 1));
        return text;
}

/*
 * A decision in the dress of a consent
 */

/* The paper itself is a document of its own. */
static char *attachment_words(Fhir *f, const FhirResource *resource) {
        JsonNode *attachment = json_member(resource->node, "sourceAttachment");
        return attachment ? fhir_member_text(f, attachment, "title")
                          : clinical_words(f, json_member(resource->node, "sourceReference"));
}

static void decision_read(Fhir *f, const FhirResource *resource, Carebus__V1__Decision *decision) {
        JsonNode *node = resource->node, *source = json_member(node, "sourceReference");
        if (source)
                draft_append(&f->draft, &decision->n_documents, &decision->documents,
                             fhir_reference_identifier(f, resource, source));
        JSON_EACH(performer, json_member(node, "performer")) {
                if (decision->kind != KIND(LPA) ||
                    !text_equal(fhir_reference_type(f, resource, performer), "RelatedPerson"))
                        continue;
                Carebus__V1__Attorney *attorney = draft_message(&f->draft, &carebus__v1__attorney__descriptor);
                if (!attorney)
                        return;
                attorney->person = fhir_reference_person(f, resource, performer);
                draft_append(&f->draft, &decision->n_attorneys, &decision->attorneys, attorney);
        }
        JSON_EACH(item, json_member(node, "verification")) {
                Carebus__V1__Signature *signature = draft_message(&f->draft, &carebus__v1__signature__descriptor);
                protobuf_c_boolean verified = false;
                if (!signature)
                        return;
                signature->person = fhir_reference_person(f, resource, json_member(item, "verifiedWith"));
                signature->signed_at = fhir_member_when(f, item, "verificationDate");
                if (fhir_truth(f, json_member(item, "verified"), &verified) == 0)
                        signature->text = (char *)(verified ? "verified" : "not verified");
                draft_append(&f->draft, &decision->n_signatures, &decision->signatures, signature);
        }
}

static ClinicalSaid said_of(Fhir *f, const FhirResource *resource, const ConsentSaid *consent) {
        JsonNode *node = resource->node;
        Carebus__V1__Period *period = fhir_period(f, json_member(consent->provision, "period"));
        char *text = consent->provision ? provision_words(f, resource, consent->provision, 0) : NULL;
        return (ClinicalSaid){
                .resource = resource,
                .at = fhir_member_when(f, node, "dateTime"),
                .ended_at = period ? period->end : NULL,
                .valid = period,
                .by = clinical_professional(f, resource, json_member(node, "performer"))
                              ?: clinical_professional(f, resource, json_member(node, "organization")),
                .original_status = consent->original_status,
                .text = clinical_join(f, text, attachment_words(f, resource)),
                .is_ended = text_equal(consent->status, "inactive") || text_equal(consent->status, "rejected"),
                .is_draft = text_equal(consent->status, "draft") || text_equal(consent->status, "proposed"),
                .is_error = fhir_is_in_error(resource),
        };
}

/* A code of the vocabulary in its category, rule or provision: it says more than the scope. */
static bool consent_is_concept(Fhir *f, const FhirResource *resource, const ConsentSaid *consent) {
        Carebus__V1__Coded **codes = NULL;
        size_t n_codes = 0;
        Carebus__V1__Event *event = NULL;
        fhir_coded_list(f, json_member(consent->provision, "code"), &n_codes, &codes);
        for (size_t i = 0; i < consent->n_categories + n_codes; i++) {
                ClinicalSaid said;
                Carebus__V1__Coded *code = i < consent->n_categories ? consent->categories[i]
                                                                     : codes[i - consent->n_categories];
                const Concept *concept = clinical_concept(code, NULL, 0);
                if (!concept || concept->decision == KIND(UNKNOWN))
                        continue;
                said = said_of(f, resource, consent);
                said.concept = concept;
                said.code = code;
                /* A code that asks is answered by nothing that R4 has for it: its words stay. A refusal of a decision that the code
                 * itself states would turn it round, so then only words are left of it as well. */
                if (!concept->value || text_equal(consent->provision_type, "deny"))
                        said.value_text = consent->provision_type
                                                  ? draft_format(&f->draft, "%s (%s)",
                                                                 clinical_coded_words(code) ?: concept->code,
                                                                 consent->provision_type)
                                                  : (char *)clinical_coded_words(code);
                if (text_equal(consent->provision_type, "deny") && concept->decision == KIND(ADRT))
                        said.value_text = NULL; /* to refuse is what an advance decision does */
                if (clinical_say(f, &said, &event) && event && event->body_case == CAREBUS__V1__EVENT__BODY_DECISION)
                        decision_read(f, resource, event->decision);
                return true;
        }
        return false;
}

/* HL7's own words for directives. "dnr" names a kind of paper; whether this one permits or denies is for its provision, so it decides
 * nothing by itself unless its display says it in full and no provision says anything. */
static Carebus__V1__Decision__Kind directive_kind(const ConsentSaid *said) {
        bool is_deny = text_equal(said->provision_type, "deny"), is_permit = text_equal(said->provision_type, "permit");
        if (category_is(said, CATEGORIES, "dnr"))
                return KIND(CPR);
        if (category_is(said, CATEGORIES, "polst"))
                return KIND(TREATMENT_ESCALATION);
        if (!coded_is(said->scope, SCOPES, "adr") && !category_is(said, CATEGORIES, "acd") &&
            !category_is(said, CATEGORIES, "hcd"))
                return KIND(UNKNOWN);
        return is_deny ? KIND(ADRT) : is_permit ? KIND(ADVANCE_STATEMENT) : KIND(OTHER);
}

static bool consent_is_directive(Fhir *f, const FhirResource *resource, const ConsentSaid *consent) {
        Carebus__V1__Decision__Kind kind = directive_kind(consent);
        Carebus__V1__Event *event;
        ClinicalSaid said;
        if (kind == KIND(UNKNOWN))
                return false;
        said = said_of(f, resource, consent);
        said.code = consent->n_categories ? consent->categories[0] : consent->scope;
        said.form_type = said.code;
        said.value = said.code;
        if (kind == KIND(CPR) && consent->provision_type) {
                said.value = NULL;
                said.value_text = draft_format(&f->draft, "%s (%s)", clinical_coded_words(said.code) ?: "dnr",
                                               consent->provision_type);
        }
        event = clinical_decision(f, kind, &said);
        if (event)
                decision_read(f, resource, event->decision);
        return true;
}

/*
 * A consent
 */

static const struct {
        const char *system, *code;
        Carebus__V1__Consent__Kind kind;
} kinds[] = {
        { SCOPES, "treatment", CONSENT_KIND(TREATMENT) },   { SCOPES, "research", CONSENT_KIND(RESEARCH) },
        { SCOPES, "patient-privacy", CONSENT_KIND(SHARE) }, { CATEGORIES, "research", CONSENT_KIND(RESEARCH) },
        { CATEGORIES, "npp", CONSENT_KIND(SHARE) },         { SYSTEM_ACT_CODE, "RESEARCH", CONSENT_KIND(RESEARCH) },
        { SYSTEM_ACT_CODE, "INFA", CONSENT_KIND(SHARE) },   { SYSTEM_ACT_CODE, "IDSCL", CONSENT_KIND(SHARE) },
};

static Carebus__V1__Consent__Kind kind_of(const ConsentSaid *said) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (coded_is(said->scope, kinds[i].system, kinds[i].code) ||
                    category_is(said, kinds[i].system, kinds[i].code))
                        return kinds[i].kind;
        return said->scope || said->n_categories ? CONSENT_KIND(OTHER) : CONSENT_KIND(UNKNOWN);
}

/* Base rules, and the findings of the shared end of life record. */
static const struct {
        const char *system, *code;
        Carebus__V1__Consent__State state;
} rules[] = {
        { SYSTEM_SNOMED_CT, "882941000000102", STATE(WITHDRAWN) },
        { SYSTEM_SNOMED_CT, "882921000000109", STATE(GIVEN) },
        { SYSTEM_SNOMED_CT, "882961000000101", STATE(GIVEN) },
        { SYSTEM_SNOMED_CT, "883001000000106", STATE(GIVEN) },
        { SYSTEM_ACT_CODE, "OPTIN", STATE(GIVEN) },
        { SYSTEM_ACT_CODE, "OPTINR", STATE(GIVEN) },
        { SYSTEM_ACT_CODE, "OPTOUT", STATE(REFUSED) },
        { SYSTEM_ACT_CODE, "OPTOUTE", STATE(REFUSED) },
};

/* Whether a rule takes something out of what was given: it denies, or it is an exception to a base rule that allows. */
static bool has_restriction(const ConsentSaid *said, const JsonNode *provision, size_t depth) {
        const JsonNode *type = json_peek(provision, "type"), *inner = json_peek(provision, "provision");
        bool is_permit = type && type->kind == JSON_STRING && strcmp(type->text, "permit") == 0;
        if (!provision || provision->kind != JSON_OBJECT)
                return false;
        if (depth >= DEPTH_MAX || (type && !is_permit))
                return true;
        for (const JsonNode *member = provision->first; member && !is_permit; member = member->next) {
                bool is_frame = text_equal(member->name, "provision") || (inner && text_equal(member->name, "period"));
                if (!is_frame && (said->policy || depth > 0))
                        return true;
        }
        for (const JsonNode *each = inner ? inner->first : NULL; each; each = each->next)
                if (has_restriction(said, each, depth + 1))
                        return true;
        return false;
}

static Carebus__V1__Consent__State state_of(const ConsentSaid *said) {
        Carebus__V1__Consent__State state = STATE(UNKNOWN);
        if (text_equal(said->status, "rejected"))
                return STATE(REFUSED);
        if (text_equal(said->status, "draft") || text_equal(said->status, "proposed"))
                return STATE(UNKNOWN);
        for (size_t i = 0; i < ELEMENTSOF(rules) && state == STATE(UNKNOWN); i++)
                if (coded_is(said->policy, rules[i].system, rules[i].code) ||
                    category_is(said, rules[i].system, rules[i].code))
                        state = rules[i].state;
        if (state == STATE(UNKNOWN) && text_equal(said->provision_type, "permit"))
                state = STATE(GIVEN);
        if (state == STATE(UNKNOWN) && text_equal(said->provision_type, "deny"))
                state = STATE(REFUSED);
        /* Given but for somebody or something: nobody is to read that as given. Its words say what is left out. */
        if (state == STATE(GIVEN) && has_restriction(said, said->provision, 0))
                state = STATE(UNKNOWN);
        /* A refusal that no longer counts is no permission that was taken back. */
        return text_equal(said->status, "inactive") && state != STATE(REFUSED) ? STATE(WITHDRAWN) : state;
}

static void consent_read_people(Fhir *f, const FhirResource *resource, Carebus__V1__Consent *body) {
        JsonNode *node = resource->node;
        JSON_EACH(performer, json_member(node, "performer")) {
                const char *type = fhir_reference_type(f, resource, performer);
                if (!clinical_is_person(type))
                        continue;
                body->given_by = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", type, NULL);
                if (text_equal(type, "RelatedPerson"))
                        body->given_by_person = fhir_reference_person(f, resource, performer);
        }
        body->recorded_by = clinical_professional(f, resource, json_member(node, "performer"))
                                    ?: clinical_professional(f, resource, json_member(node, "organization"));
        JSON_EACH(item, json_member(node, "verification")) {
                char *when = fhir_member_text(f, item, "verificationDate"),
                     *verified = fhir_member_text(f, item, "verified");
                body->text = clinical_join(
                        f, body->text, draft_format(&f->draft, "verified: %s %s", verified ?: "not said", when ?: ""));
        }
}

/* Whom and what it covers, where the outermost rule alone says it. Beside a base rule a provision is an exception, and a list of whom it
 * names would say the contrary. */
static void consent_read_scope(Fhir *f, const FhirResource *resource, const ConsentSaid *said,
                               Carebus__V1__Consent *body) {
        JsonNode *provision = said->provision;
        bool has_inner = json_peek(provision, "provision") != NULL;
        body->scope_text = provision ? provision_words(f, resource, provision, 0) : NULL;
        if (!said->policy || has_inner)
                body->valid = fhir_period(f, json_member(provision, "period"));
        if (!provision || has_inner || said->policy)
                return;
        JSON_EACH(item, json_member(provision, "class"))
                draft_append(&f->draft, &body->n_scope, &body->scope, fhir_coding(f, item));
        fhir_coded_list(f, json_member(provision, "code"), &body->n_scope, &body->scope);
        JSON_EACH(actor, json_member(provision, "actor")) {
                JsonNode *reference = json_member(actor, "reference");
                if (text_equal(fhir_reference_type(f, resource, reference), "Organization"))
                        draft_append(&f->draft, &body->n_with_organisations, &body->with_organisations,
                                     fhir_reference_organisation(f, resource, reference));
        }
}

static void consent_event(Fhir *f, const FhirResource *resource, const ConsentSaid *said) {
        JsonNode *node = resource->node;
        Carebus__V1__Consent__State state = state_of(said);
        bool is_over = text_equal(said->status, "inactive") || state == STATE(WITHDRAWN);
        Carebus__V1__Event *event = fhir_event(f, resource, is_over ? "consent.withdrawn" : "consent.recorded",
                                               is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE
                                                       : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Consent *body = event ? draft_message(&f->draft, &carebus__v1__consent__descriptor) : NULL;
        if (!body)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONSENT;
        event->consent = body;
        body->identifier = fhir_own_identifier(f, resource);
        body->has_kind = body->has_state = true;
        body->kind = kind_of(said);
        body->state = state;
        body->state_coded = said->original_status;
        body->basis = said->policy;
        consent_read_people(f, resource, body);
        consent_read_scope(f, resource, said, body);
        JSON_EACH(policy, json_member(node, "policy")) {
                body->text = clinical_join(f, body->text, fhir_member_text(f, policy, "authority"));
                body->text = clinical_join(f, body->text, fhir_member_text(f, policy, "uri"));
        }
        for (size_t i = 0; i < said->n_categories; i++)
                body->text = clinical_join(f, body->text, clinical_coded_words(said->categories[i]));
        body->text = clinical_join(f, body->text, attachment_words(f, resource));
        if (json_peek(node, "sourceReference"))
                draft_append(&f->draft, &body->n_documents, &body->documents,
                             fhir_reference_identifier(f, resource, json_member(node, "sourceReference")));
        body->given_at = fhir_member_when(f, node, "dateTime");
        if (is_over)
                body->withdrawn_at = body->valid && body->valid->end        ? body->valid->end
                                     : text_equal(said->status, "inactive") ? NULL
                                                                            : body->given_at;
        event->occurred_at = (is_over ? body->withdrawn_at : body->given_at) ?: event->occurred_at;
}

/* The paper is a document of its own, named by what it is the paper of: the event that was made before. */
static void paper_read(Fhir *f, const FhirResource *resource, size_t index) {
        Carebus__V1__Event *event = index < f->draft.n_events ? f->draft.events[index] : NULL;
        Carebus__V1__Identifier *paper = clinical_attachment(f, resource,
                                                             json_member(resource->node, "sourceAttachment"), NULL);
        Carebus__V1__Decision *decision = event && event->body_case == CAREBUS__V1__EVENT__BODY_DECISION
                                                  ? event->decision
                                                  : NULL;
        Carebus__V1__Consent *consent = event && event->body_case == CAREBUS__V1__EVENT__BODY_CONSENT ? event->consent
                                                                                                      : NULL;
        bool is_named = decision && decision->n_documents > 0;
        if (decision && !is_named)
                draft_append(&f->draft, &decision->n_documents, &decision->documents, paper);
        if (consent)
                draft_append(&f->draft, &consent->n_documents, &consent->documents, paper);
}

void fhir_consent(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        ConsentSaid said = {
                .scope = fhir_coded(f, json_member(node, "scope")),
                .policy = fhir_coded(f, json_member(node, "policyRule")),
                .original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/consent-state-codes"),
                .provision = json_member(node, "provision"),
                .status = json_text(node, "status"),
        };
        size_t n_before = f->draft.n_events;
        said.provision_type = json_text(said.provision, "type");
        fhir_coded_list(f, json_member(node, "category"), &said.n_categories, &said.categories);
        if (!consent_is_concept(f, resource, &said) && !consent_is_directive(f, resource, &said))
                consent_event(f, resource, &said);
        paper_read(f, resource, n_before);
}
