/*
 * Data types of R4 as the bus has them. A text that does not fit its type stays as text where there is a place for it, and is an issue
 * with its path in any case.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/vocabulary.h"
#include "canon/when.h"

/* ---- texts, truths, numbers */

char *fhir_text(Fhir *f, JsonNode *node) {
        if (!node)
                return NULL;
        json_note_seen(node);
        if (node->kind == JSON_TRUE || node->kind == JSON_FALSE)
                return draft_text(&f->draft, node->kind == JSON_TRUE ? "true" : "false",
                                  node->kind == JSON_TRUE ? 4 : 5);
        if (node->kind != JSON_STRING && node->kind != JSON_NUMBER) {
                if (node->kind != JSON_NULL)
                        fhir_issue(f, "warning", "structure", node, "A text is expected here.");
                return NULL;
        }
        return draft_text(&f->draft, node->text, node->size);
}

char *fhir_member_text(Fhir *f, JsonNode *object, const char *name) {
        return fhir_text(f, json_member(object, name));
}

int fhir_truth(Fhir *f, JsonNode *node, protobuf_c_boolean *ret) {
        bool is_text = node && node->kind == JSON_STRING;

        if (!node)
                return 1;
        json_note_seen(node);
        if (node->kind == JSON_TRUE || (is_text && strcasecmp(node->text, "true") == 0))
                *ret = true;
        else if (node->kind == JSON_FALSE || (is_text && strcasecmp(node->text, "false") == 0))
                *ret = false;
        else {
                fhir_issue(f, "warning", "value", node, "Only true and false are expected here.");
                return 1;
        }
        return 0;
}

int fhir_number(Fhir *f, JsonNode *node, uint32_t *ret) {
        uint64_t value;

        if (!node)
                return 1;
        json_note_seen(node);
        if ((node->kind != JSON_NUMBER && node->kind != JSON_STRING) || text_to_u64(node->text, &value) < 0 ||
            value > UINT32_MAX) {
                fhir_issue(f, "warning", "value", node, "A whole number is expected here.");
                return 1;
        }
        *ret = (uint32_t)value;
        return 0;
}

/* ---- times */

static void bad_time(Fhir *f, JsonNode *node) {
        char *position;

        fhir_issue(f, "warning", "value", node, "This date or time cannot be read; its text is kept.");
        if (f->n_bad_times == FHIR_ISSUES_MAX)
                return;
        position = fhir_position(f, node);
        for (size_t i = 0; i < f->n_bad_times; i++)
                if (text_equal(f->bad_times[i], position))
                        return;
        if (!f->bad_times)
                f->bad_times = draft_alloc(&f->draft, FHIR_ISSUES_MAX * sizeof(*f->bad_times));
        if (f->bad_times && position)
                f->bad_times[f->n_bad_times++] = position;
}

Carebus__V1__When *fhir_when(Fhir *f, JsonNode *node) {
        char *text = fhir_text(f, node);
        Moment moment;

        if (text && moment_read(text, f->zone, &moment) != 0)
                bad_time(f, node);
        return draft_when(&f->draft, text);
}

Carebus__V1__When *fhir_member_when(Fhir *f, JsonNode *object, const char *name) {
        return fhir_when(f, json_member(object, name));
}

Carebus__V1__Date *fhir_date(Fhir *f, JsonNode *node) {
        char *text = fhir_text(f, node);
        CalendarDate date;

        if (text && date_read(text, &date) != 0)
                bad_time(f, node);
        return draft_date(&f->draft, text);
}

Carebus__V1__Period *fhir_period(Fhir *f, JsonNode *node) {
        Carebus__V1__When *start = fhir_member_when(f, node, "start"), *end = fhir_member_when(f, node, "end");
        Carebus__V1__Period *period = start || end ? draft_message(&f->draft, &carebus__v1__period__descriptor) : NULL;

        if (period) {
                period->start = start;
                period->end = end;
        }
        return period;
}

/* ---- codes */

/* Vocabularies that are shared, the one most used here first. A code of any other system is its source's own. */
static const char *const shared_systems[] = {
        SYSTEM_SNOMED_CT,
        SYSTEM_DMD,
        "https://fhir.hl7.org.uk/",
        "https://fhir.nhs.uk/",
        "http://terminology.hl7.org/",
        "http://hl7.org/fhir/",
        SYSTEM_LOINC,
        SYSTEM_UCUM,
        "urn:iso:std:",
        "urn:ietf:",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://www.whocc.no/atc",
        "https://directory.spineservices.nhs.uk/",
        "https://datadictionary.nhs.uk/",
        "carebus:",
};

/* Smaller is better; ELEMENTSOF(shared_systems): not shared. */
static size_t system_rank(const char *system) {
        for (size_t i = 0; system && i < ELEMENTSOF(shared_systems); i++)
                if (text_starts_with(system, shared_systems[i]))
                        return i;
        return ELEMENTSOF(shared_systems);
}

static Carebus__V1__OriginalCode *original_code(Fhir *f, char *system, char *code, char *display) {
        Carebus__V1__OriginalCode *original = draft_message(&f->draft, &carebus__v1__original_code__descriptor);

        if (original) {
                original->system = system;
                original->code = code;
                original->display = display;
        }
        return original;
}

Carebus__V1__Coded *fhir_coding(Fhir *f, JsonNode *node) {
        char *system = fhir_member_text(f, node, "system"), *code = fhir_member_text(f, node, "code");
        char *display = fhir_member_text(f, node, "display");
        Carebus__V1__Coded *coded;

        json_note_read(json_peek(node, "version"));
        json_note_read(json_peek(node, "userSelected"));
        if (system_rank(system) < ELEMENTSOF(shared_systems))
                return draft_coded(&f->draft, system, code, display, NULL);
        coded = draft_coded_local(&f->draft, system, code, display);
        if (coded && coded->original)
                coded->original->display = display;
        return coded;
}

static const char *coded_system(const Carebus__V1__Coded *coded) {
        return coded->system ?: coded->original ? coded->original->system : NULL;
}

/* The coding that is the concept's own, by index; SIZE_MAX where there is none. */
static size_t best_coding(Fhir *f, JsonNode *codings, Carebus__V1__Coded **ret) {
        size_t best = SIZE_MAX, best_rank = SIZE_MAX, index = 0;

        *ret = NULL;
        JSON_EACH(coding, codings) {
                Carebus__V1__Coded *coded = fhir_coding(f, coding);
                size_t rank = coded ? system_rank(coded_system(coded)) : SIZE_MAX;

                if (coded && rank < best_rank) {
                        best = index;
                        best_rank = rank;
                        *ret = coded;
                }
                index++;
        }
        return best;
}

Carebus__V1__Coded *fhir_coded(Fhir *f, JsonNode *node) {
        Carebus__V1__Coded *coded;
        char *text;

        if (!node)
                return NULL;
        json_note_seen(node);
        if (node->kind == JSON_STRING)
                return draft_coded(&f->draft, NULL, NULL, NULL, fhir_text(f, node));
        text = fhir_member_text(f, node, "text");
        best_coding(f, json_member(node, "coding"), &coded);
        if (!coded)
                return draft_coded(&f->draft, NULL, NULL, NULL, text);
        if (text)
                coded->text = text;
        return coded;
}

void fhir_coded_further(Fhir *f, JsonNode *node, size_t *n, Carebus__V1__Coded ***list) {
        Carebus__V1__Coded *best;
        JsonNode *codings = json_member(node, "coding");
        size_t own = best_coding(f, codings, &best), index = 0;

        JSON_EACH(coding, codings)
                if (index++ != own)
                        draft_append(&f->draft, n, list, fhir_coding(f, coding));
}

Carebus__V1__Coded *fhir_code(Fhir *f, JsonNode *node, const char *system) {
        char *code = fhir_text(f, node);
        Carebus__V1__Coded *coded;

        if (!code)
                return NULL;
        coded = draft_coded(&f->draft, (char *)system, code, NULL, NULL);
        if (coded)
                coded->original = original_code(f, (char *)system, code, NULL);
        return coded;
}

void fhir_coded_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Coded ***list) {
        JSON_EACH(item, array)
                draft_append(&f->draft, n, list, fhir_coded(f, item));
}

bool coded_is(const Carebus__V1__Coded *coded, const char *system, const char *code) {
        if (!coded)
                return false;
        if (coded->code && text_equal(coded->code, code) && (!system || text_equal(coded->system, system)))
                return true;
        return coded->original && coded->original->code && text_equal(coded->original->code, code) &&
               (!system || text_equal(coded->original->system, system));
}

/* ---- identifiers */

/* Extensions that say whether an NHS number was traced: the profiles of UK Core and their forerunners. */
static const char *const verification_urls[] = {
        "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1",
};

/* The names that the codes 01 to 08 had before they had numbers again. */
static const char *const verification_names[] = {
        "number-present-and-verified",
        "number-present-but-not-traced",
        "trace-required",
        "trace-attempted-no-match-or-multiple-match-found",
        "trace-needs-to-be-resolved",
        "trace-in-progress",
        "number-not-present-and-trace-not-required",
        "trace-postponed",
};

static char *verification_code(Fhir *f, JsonNode *node) {
        Carebus__V1__Coded *coded = NULL;
        char *code;

        for (size_t i = 0; i < ELEMENTSOF(verification_urls) && !coded; i++)
                coded = fhir_coded(f, fhir_choice(fhir_extension(node, verification_urls[i]), "value"));
        if (!coded)
                return NULL;
        code = coded->code ?: coded->original ? coded->original->code : NULL;
        for (size_t i = 0; code && i < ELEMENTSOF(verification_names); i++)
                if (strcmp(code, verification_names[i]) == 0)
                        return draft_format(&f->draft, "%02zu", i + 1);
        return code;
}

Carebus__V1__Identifier *fhir_identifier(Fhir *f, JsonNode *node) {
        char *system = fhir_member_text(f, node, "system"), *value = fhir_member_text(f, node, "value");
        Carebus__V1__Coded *type = fhir_coded(f, json_member(node, "type"));
        JsonNode *assigner = json_member(node, "assigner");
        char *authority, *type_code = NULL;
        Carebus__V1__Identifier *identifier;

        json_note_read(json_peek(node, "use"));
        json_note_read(json_peek(node, "period"));
        if (!node || !value)
                return NULL;
        if (type)
                type_code = type->code ?: type->original ? type->original->code : NULL;
        authority = fhir_member_text(f, json_member(assigner, "identifier"), "value")
                            ?: fhir_member_text(f, assigner, "display");
        identifier = draft_identifier(&f->draft, system, system ? NULL : authority,
                                      type_code
                                              ?: type ? type->text
                                                      : NULL,
                                      value);
        if (identifier)
                identifier->status_code = verification_code(f, node);
        return identifier;
}

void fhir_identifier_add(Fhir *f, size_t *n, Carebus__V1__Identifier ***list, Carebus__V1__Identifier *identifier) {
        for (size_t i = 0; identifier && i < *n; i++)
                if (text_equal((*list)[i]->system, identifier->system) &&
                    text_equal((*list)[i]->value, identifier->value) && text_equal((*list)[i]->type, identifier->type))
                        return;
        draft_append(&f->draft, n, list, identifier);
}

void fhir_identifier_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Identifier ***list) {
        /* What was a number of theirs stands behind what is one. */
        for (size_t pass = 0; pass < 2; pass++)
                JSON_EACH(item, array)
                        if (text_equal(json_said(item, "use"), "old") == (pass == 1))
                                fhir_identifier_add(f, n, list, fhir_identifier(f, item));
}

/* ---- names, addresses, telecom */

static void text_list(Fhir *f, JsonNode *array, size_t *n, char ***list) {
        JSON_EACH(item, array)
                draft_append(&f->draft, n, list, fhir_text(f, item));
}

Carebus__V1__HumanName *fhir_name(Fhir *f, JsonNode *node) {
        Carebus__V1__HumanName *name = node ? draft_message(&f->draft, &carebus__v1__human_name__descriptor) : NULL;

        if (!name)
                return NULL;
        json_note_seen(node);
        json_note_read(json_peek(node, "id"));
        name->use = fhir_member_text(f, node, "use");
        name->family = fhir_member_text(f, node, "family");
        text_list(f, json_member(node, "given"), &name->n_given, &name->given);
        text_list(f, json_member(node, "prefix"), &name->n_prefix, &name->prefix);
        text_list(f, json_member(node, "suffix"), &name->n_suffix, &name->suffix);
        name->text = fhir_member_text(f, node, "text");
        name->period = fhir_period(f, json_member(node, "period"));
        return name->family || name->n_given || name->text || name->n_prefix || name->n_suffix ? name : NULL;
}

/* The bus knows no use of "billing": it is kept as said. */
static char *address_use(Fhir *f, JsonNode *node, char **ret_original) {
        static const char *const uses[] = { "home", "temp", "work", "old" };
        char *use = fhir_member_text(f, node, "use");

        for (size_t i = 0; use && i < ELEMENTSOF(uses); i++)
                if (strcmp(use, uses[i]) == 0)
                        return use;
        *ret_original = use;
        return NULL;
}

Carebus__V1__Address *fhir_address(Fhir *f, JsonNode *node) {
        Carebus__V1__Address *address = node ? draft_message(&f->draft, &carebus__v1__address__descriptor) : NULL;

        if (!address)
                return NULL;
        json_note_seen(node);
        json_note_read(json_peek(node, "id"));
        address->use = address_use(f, node, &address->original_use);
        json_note_read(fhir_uk_extension(
                node, "AddressKey")); /* of the post office's file: no address but a way to find one */
        json_note_read(json_peek(node, "type"));
        text_list(f, json_member(node, "line"), &address->n_line, &address->line);
        address->city = fhir_member_text(f, node, "city");
        address->district = fhir_member_text(f, node, "district") ?: fhir_member_text(f, node, "state");
        address->postal_code = fhir_member_text(f, node, "postalCode");
        address->country = fhir_member_text(f, node, "country");
        address->text = fhir_member_text(f, node, "text");
        address->period = fhir_period(f, json_member(node, "period"));
        return address->n_line || address->city || address->district || address->postal_code || address->country ||
                               address->text
                       ? address
                       : NULL;
}

Carebus__V1__Telecom *fhir_telecom(Fhir *f, JsonNode *node) {
        char *value = fhir_member_text(f, node, "value");
        Carebus__V1__Telecom *telecom = value ? draft_message(&f->draft, &carebus__v1__telecom__descriptor) : NULL;

        if (!telecom)
                return NULL;
        json_note_read(json_peek(node, "id"));
        telecom->system = fhir_member_text(f, node, "system");
        telecom->use = fhir_member_text(f, node, "use");
        telecom->value = value;
        telecom->has_rank = fhir_number(f, json_member(node, "rank"), &telecom->rank) == 0;
        return telecom;
}

void fhir_telecom_list(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Telecom ***list) {
        JSON_EACH(item, array)
                draft_append(&f->draft, n, list, fhir_telecom(f, item));
}

/* ---- quantities, notes */

Carebus__V1__Quantity *fhir_quantity(Fhir *f, JsonNode *node) {
        char *value = fhir_member_text(f, node, "value"), *unit = fhir_member_text(f, node, "unit");
        char *system = fhir_member_text(f, node, "system"), *code = fhir_member_text(f, node, "code");
        Carebus__V1__Quantity *quantity;

        quantity = draft_quantity(&f->draft, value, unit ?: code, fhir_member_text(f, node, "comparator"));
        if (quantity && code && text_equal(system, SYSTEM_UCUM))
                quantity->unit = code;
        return quantity;
}

char *fhir_annotations(Fhir *f, JsonNode *array) {
        char *all = NULL;

        JSON_EACH(item, array) {
                char *text = fhir_text(f, item->kind == JSON_STRING ? item : json_member(item, "text"));

                json_note_read(json_peek(item, "time"));
                json_note_read(fhir_choice(item, "author"));
                if (text)
                        all = all ? draft_format(&f->draft, "%s\n%s", all, text) : text;
                if (all && strlen(all) > DRAFT_TEXT_MAX)
                        break;
        }
        return all; /* too long with the others: the message is refused as a whole, fhir_texts_fit() */
}

/* ---- extensions, choices */

JsonNode *fhir_extension(JsonNode *node, const char *url) {
        JsonNode *extensions = json_peek(node, "extension");

        for (JsonNode *item = extensions ? extensions->first : NULL; item; item = item->next) {
                const JsonNode *said = json_peek(item, "url");

                if (!said || said->kind != JSON_STRING || strcmp(said->text, url) != 0)
                        continue;
                json_note_seen(extensions);
                json_note_seen(item);
                json_note_read(json_peek(item, "url"));
                return item;
        }
        return NULL;
}

JsonNode *fhir_choice(JsonNode *node, const char *stem) {
        size_t n = strlen(stem);

        if (!node || node->kind != JSON_OBJECT)
                return NULL;
        for (JsonNode *member = node->first; member; member = member->next)
                if (strncmp(member->name, stem, n) == 0 && member->kind != JSON_NULL &&
                    ((member->name[n] >= 'A' && member->name[n] <= 'Z') || !member->name[n])) {
                        json_note_seen(member);
                        return member;
                }
        return NULL;
}
