/* See translate-clinical.h: what the clinical resources have in common. */
#include "adapters/fhir/translate-clinical.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "canon/codes.h"

const ClinicalStatus *clinical_status(const ClinicalStatus *table, const char *said) {
        for (; table->said; table++)
                if (said && strcmp(table->said, said) == 0)
                        return table;
        return table;
}

/*
 * Values
 */

Carebus__V1__Coded *clinical_first_coded(Fhir *f, JsonNode *array) {
        Carebus__V1__Coded *first = NULL;
        JSON_EACH(item, array) {
                Carebus__V1__Coded *coded = fhir_coded(f, item);
                first = first ?: coded;
        }
        return first;
}

/* Who signs no map answers for no decision: what it makes one of is only the question, and the source's words stay the answer. */
static void take_back_unsigned(Carebus__V1__Coded *coded, const ProfileMap *map) {
        const Concept *concept = concept_find(coded->system, coded->code), *question = concept_find_by_name("cpr");
        if (profile_map_is_signed(map) || !concept || !concept->value || !question ||
            concept->decision != CAREBUS__V1__DECISION__KIND__KIND_CPR)
                return;
        coded->system = (char *)question->system;
        coded->code = (char *)question->code;
        coded->display = (char *)question->display;
}

Carebus__V1__Coded *clinical_mapped(Fhir *f, JsonNode *node, const char *path) {
        Carebus__V1__Coded *coded = fhir_coded(f, node);
        const ProfileMap *map = f->options->profile ? profile_find_map(f->options->profile, path) : NULL;
        int r = coded && map ? coded_apply_map(coded, map, f->draft.arena) : 1;
        if (r < 0)
                f->draft.is_full = true;
        if (r == 0)
                take_back_unsigned(coded, map);
        return coded;
}

Carebus__V1__Coded *clinical_own_coded(Fhir *f, const char *system, const char *code, const char *display) {
        return draft_coded(&f->draft, (char *)system, (char *)code, (char *)display, /* text= */ NULL);
}

Carebus__V1__When *clinical_start(Fhir *f, JsonNode *node) {
        if (!node)
                return NULL;
        if (node->kind != JSON_OBJECT)
                return fhir_when(f, node);
        return fhir_when(f, json_member(node, "start"));
}

Carebus__V1__When *clinical_end(Fhir *f, JsonNode *node) {
        return node && node->kind == JSON_OBJECT ? fhir_when(f, json_member(node, "end")) : NULL;
}

const char *clinical_coded_words(const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        if (coded->text || coded->display || coded->code)
                return coded->text ?: coded->display ?: coded->code;
        return coded->original ? coded->original->code : NULL;
}

char *clinical_join(Fhir *f, char *a, const char *b) {
        if (!b || !b[0])
                return a;
        return a && a[0] ? draft_format(&f->draft, "%s\n%s", a, b) : draft_text(&f->draft, b, strlen(b));
}

static char *quantity_words(Fhir *f, JsonNode *node) {
        const char *value = json_text(node, "value"), *unit = json_text(node, "unit") ?: json_text(node, "code");
        const char *comparator = json_text(node, "comparator");
        if (!value)
                return NULL;
        return draft_format(&f->draft, "%s%s%s%s", comparator ?: "", value, unit ? " " : "", unit ?: "");
}

/* Two values with a word between: a period, a range, a ratio. One of them may be missing. */
static char *pair_words(Fhir *f, const char *a, const char *between, const char *b) {
        if (!a && !b)
                return NULL;
        return draft_format(&f->draft, "%s%s%s", a ?: "", between, b ?: "");
}

static char *object_words(Fhir *f, JsonNode *node) {
        if (json_peek(node, "start") || json_peek(node, "end"))
                return pair_words(f, json_text(node, "start"), " to ", json_text(node, "end"));
        if (json_peek(node, "low") || json_peek(node, "high"))
                return pair_words(f, quantity_words(f, json_member(node, "low")), " to ",
                                  quantity_words(f, json_member(node, "high")));
        if (json_peek(node, "numerator"))
                return pair_words(f, quantity_words(f, json_member(node, "numerator")), " / ",
                                  quantity_words(f, json_member(node, "denominator")));
        if (json_peek(node, "reference") || json_peek(node, "identifier"))
                return fhir_text(f, json_member(node, "display")) ?: fhir_text(f, json_member(node, "reference"));
        if (json_peek(node, "coding") || json_peek(node, "text"))
                return (char *)clinical_coded_words(fhir_coded(f, node));
        if (json_peek(node, "contentType") || json_peek(node, "url"))
                return fhir_text(f, json_member(node, "title")) ?: fhir_text(f, json_member(node, "url"));
        return quantity_words(f, node) ?: (char *)clinical_coded_words(fhir_coding(f, node));
}

char *clinical_words(Fhir *f, JsonNode *node) {
        if (!node)
                return NULL;
        json_note_mapped(node);
        switch (node->kind) {
        case JSON_TRUE:
                return (char *)"true";
        case JSON_FALSE:
                return (char *)"false";
        case JSON_STRING:
        case JSON_NUMBER:
                return fhir_text(f, node);
        case JSON_OBJECT:
                return object_words(f, node);
        default:
                return NULL;
        }
}

bool clinical_says(const char *text, const char *word) {
        return text && strcasestr(text, word);
}

void clinical_note(Fhir *f, Carebus__V1__Event *event, const JsonNode *at, char *text) {
        Carebus__V1__Text *note = text && event ? draft_message(&f->draft, &carebus__v1__text__descriptor) : NULL;
        if (!note)
                return;
        note->path = at ? fhir_position(f, at) : NULL;
        note->text = text;
        draft_append(&f->draft, &event->n_notes, &event->notes, note);
}

/*
 * Narrative: XHTML of a known few elements
 */

/* What a reader sees for an entity; XHTML in FHIR has numbers, and HTML's own few. */
static const struct {
        const char *name, *text;
} entities[] = {
        { "&lt;", "<" },   { "&gt;", ">" },  { "&amp;", "&" },         { "&quot;", "\"" },
        { "&apos;", "'" }, { "&#39;", "'" }, { "&#xa0;", "\xC2\xA0" }, { "&#160;", "\xC2\xA0" },
        { "&nbsp;", " " }, { "&#13;", " " }, { "&copy;", "\xC2\xA9" }, { "&reg;", "\xC2\xAE" },
};

static size_t entity_read(const char *at, const char **ret_text) {
        for (size_t i = 0; i < ELEMENTSOF(entities); i++) {
                size_t size = strlen(entities[i].name);
                if (strncasecmp(at, entities[i].name, size) == 0) {
                        *ret_text = entities[i].text;
                        return size;
                }
        }
        return 0;
}

/* Behind a tag stands a line break where the element is a block, else nothing. `*out` is behind what was written. */
static const char *tag_skip(const char *at, char **out, const char *begin) {
        static const char *const blocks[] = {
                "p", "/p", "br", "div", "/div", "tr", "/tr", "li", "h1", "h2", "h3", "h4"
        };
        const char *end = strchr(at, '>');
        size_t size = strcspn(at + 1, " \t\r\n/>") + (at[1] == '/' ? 1 : 0);
        if (at[1] == '/')
                size = 1 + strcspn(at + 2, " \t\r\n>");
        for (size_t i = 0; i < ELEMENTSOF(blocks); i++)
                if (strlen(blocks[i]) == size && strncasecmp(at + 1, blocks[i], size) == 0 && *out > begin &&
                    (*out)[-1] != '\n') {
                        *(*out)++ = '\n';
                        return end ? end + 1 : at + strlen(at);
                }
        if (*out > begin && (*out)[-1] != ' ' && (*out)[-1] != '\n')
                *(*out)++ = ' ';
        return end ? end + 1 : at + strlen(at);
}

static size_t narrative_strip(const char *text, char *out) {
        char *begin = out;
        while (*text) {
                const char *shown = NULL;
                size_t skip = *text == '&' ? entity_read(text, &shown) : 0;
                if (*text == '<') {
                        text = tag_skip(text, &out, begin);
                } else if (skip > 0) {
                        memcpy(out, shown, strlen(shown)); /* never longer than its name */
                        out += strlen(shown);
                        text += skip;
                } else if (strchr(" \t\r\n", *text)) {
                        if (out > begin && out[-1] != ' ' && out[-1] != '\n')
                                *out++ = ' ';
                        text++;
                } else
                        *out++ = *text++;
        }
        return (size_t)(out - begin);
}

char *clinical_narrative(Fhir *f, JsonNode *text) {
        const char *div = json_text(text, "div");
        char *plain = div ? draft_alloc(&f->draft, strlen(div) + 1) : NULL;
        if (!plain)
                return NULL;
        size_t size = narrative_strip(div, plain);
        if (size > DRAFT_TEXT_MAX) {
                fhir_issue(f, "information", "too-long", text,
                           "The narrative was cut: only its first 256 KiB are in the event.");
                size = utf8_valid_prefix(plain, DRAFT_TEXT_MAX);
        }
        return draft_text(&f->draft, plain, size);
}

/*
 * References
 */

bool clinical_is_person(const char *type) {
        return type && (strcmp(type, "Patient") == 0 || strcmp(type, "RelatedPerson") == 0);
}

bool clinical_is_service(const char *type) {
        static const char *const types[] = { "Organization", "HealthcareService", "CareTeam", "Location" };
        for (size_t i = 0; type && i < ELEMENTSOF(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        return false;
}

Carebus__V1__Practitioner *clinical_professional(Fhir *f, const FhirResource *from, JsonNode *actors) {
        Carebus__V1__Practitioner *first = NULL;
        JSON_EACH(actor, actors) {
                const char *type = fhir_reference_type(f, from, actor);
                if (first || clinical_is_person(type))
                        continue;
                if (!clinical_is_service(type)) {
                        first = fhir_reference_practitioner(f, from, actor);
                        continue;
                }
                first = draft_message(&f->draft, &carebus__v1__practitioner__descriptor);
                if (first)
                        first->organisation = fhir_reference_organisation(f, from, actor);
        }
        return first;
}

static void link_list(Fhir *f, const FhirResource *from, const char *list) {
        const JsonNode *array = json_peek(from->node, list);
        for (JsonNode *item = array && array->kind == JSON_ARRAY ? array->first : NULL; item; item = item->next) {
                FhirResource *found = fhir_resolve(f, from, item);
                if (!found)
                        continue;
                if (text_equal(list, "result"))
                        found->report = found->report ?: from;
                else if (text_equal(list, "hasMember"))
                        found->panel = found->panel ?: from;
                else
                        found->plan = found->plan ?: from;
        }
}

void clinical_link(Fhir *f) {
        static const struct {
                const char *type, *list;
        } lists[] = { { "DiagnosticReport", "result" }, { "Observation", "hasMember" }, { "CarePlan", "goal" } };
        if (f->is_linked)
                return;
        f->is_linked = true;
        for (size_t i = 0; i < f->n_resources && !f->draft.is_full; i++)
                for (size_t k = 0; k < ELEMENTSOF(lists); k++)
                        if (text_equal(f->resources[i].type, lists[k].type))
                                link_list(f, &f->resources[i], lists[k].list);
}

FhirResource *clinical_resolve_text(Fhir *f, const FhirResource *from, const char *text) {
        JsonNode member = { .kind = JSON_STRING, .name = "reference", .text = text };
        JsonNode reference = { .kind = JSON_OBJECT, .n_children = 1, .first = &member, .last = &member };
        if (!text || !text[0])
                return NULL;
        member.size = strlen(text);
        member.parent = &reference;
        return fhir_resolve(f, from, &reference);
}

Carebus__V1__Identifier *clinical_part_identifier(Fhir *f, const FhirResource *resource, const char *part) {
        const Carebus__V1__Identifier *own = fhir_own_identifier(f, resource);
        if (!own || !own->value)
                return NULL;
        Carebus__V1__Identifier *identifier = draft_identifier(&f->draft, own->system, own->authority, own->type,
                                                               draft_format(&f->draft, "%s#%s", own->value, part));
        return identifier;
}

/*
 * Bytes
 */

static int base64_digit(char c) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *found = c ? strchr(digits, c) : NULL;
        return found ? (int)(found - digits) : -1;
}

/* RFC 4648 with padding, white space anywhere (R4 allows it). In place of a copy the bytes go where `out` points, which has room for
 * three quarters of the text. False: not base64. */
static bool base64_decode(const char *text, size_t size, uint8_t *out, size_t *ret_size) {
        uint32_t bits = 0;
        size_t n_digits = 0, n_padding = 0, n = 0;
        for (size_t i = 0; i < size; i++) {
                int digit = base64_digit(text[i]);
                if (strchr(" \t\r\n", text[i]) && text[i])
                        continue;
                if (text[i] == '=') {
                        n_padding++;
                        continue;
                }
                if (digit < 0 || n_padding > 0)
                        return false;
                bits = bits << 6 | (uint32_t)digit;
                if (++n_digits % 4 == 0) {
                        out[n++] = (uint8_t)(bits >> 16);
                        out[n++] = (uint8_t)(bits >> 8);
                        out[n++] = (uint8_t)bits;
                }
        }
        if ((n_digits + n_padding) % 4 != 0 || n_padding > 2 || n_digits % 4 == 1)
                return false;
        if (n_digits % 4 >= 2)
                out[n++] = (uint8_t)(n_digits % 4 == 2 ? bits >> 4 : bits >> 10);
        if (n_digits % 4 == 3)
                out[n++] = (uint8_t)(bits >> 2);
        *ret_size = n;
        return true;
}

void clinical_read_content(Fhir *f, JsonNode *data, const char *media_type, bool urgent, ClinicalContent *ret) {
        _cleanup_(freep) uint8_t *bytes = NULL;
        size_t size = 0;
        *ret = (ClinicalContent){ 0 };
        if (!data)
                return;
        json_note_mapped(data);
        bytes = data->kind == JSON_STRING ? malloc(data->size / 4 * 3 + 4) : NULL;
        if (data->kind == JSON_STRING && !bytes) {
                f->draft.is_full = true;
                return;
        }
        if (!bytes || !base64_decode(data->text, data->size, bytes, &size)) {
                fhir_issue(f, "error", "value", data,
                           "The content is not base64; send it again as the file's bytes in base64.");
                fhir_problem_here(f, "bad-base64", data, urgent);
                return;
        }
        ret->sha256 = draft_alloc(&f->draft, SHA256_SIZE);
        if (!ret->sha256)
                return;
        sha256(bytes, size, ret->sha256);
        ret->size = size;
        if (clinical_says(media_type, "text/plain") && size <= DRAFT_TEXT_MAX && utf8_is_valid(bytes, size) &&
            !memchr(bytes, 0, size))
                ret->text = draft_text(&f->draft, (const char *)bytes, size);
}

/*
 * What the bus takes
 */

static bool field_fits(const ProtobufCFieldDescriptor *field, const void *value) {
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                return fhir_texts_fit(*(const ProtobufCMessage *const *)value);
        if (field->type != PROTOBUF_C_TYPE_STRING)
                return true;
        const char *text = *(const char *const *)value;
        return !text || strlen(text) <= DRAFT_TEXT_MAX;
}

bool fhir_texts_fit(const ProtobufCMessage *message) {
        for (unsigned i = 0; message && i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                const uint8_t *value = (const uint8_t *)message + field->offset;
                bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
                bool is_pointer = field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING;
                if (!is_pointer ||
                    ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
                     *(const uint32_t *)((const uint8_t *)message + field->quantifier_offset) != field->id))
                        continue;
                if (!is_list && !field_fits(field, value))
                        return false;
                size_t n = is_list ? *(const size_t *)((const uint8_t *)message + field->quantifier_offset) : 0;
                for (size_t k = 0; k < n; k++)
                        if (!field_fits(field, *(const uint8_t *const *)value + k * sizeof(void *)))
                                return false;
        }
        return true;
}
