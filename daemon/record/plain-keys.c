/* How what facts say of themselves is put into a key. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain-parts.h"
#include "proto/reflect.h"
#include "proto/types.h"

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name

/* What a value comes to in a key: empty where it says nothing that tells one from another. */
static const char *message_text(const ProtobufCMessage *message, Arena *arena);

static const char *text_folded(const char *text, Arena *arena) {
        size_t n;
        char *folded;

        text += strspn(text, " ");
        n = strlen(text);
        while (n > 0 && text[n - 1] == ' ')
                n--;
        folded = arena_text(arena, text, n);
        for (char *at = folded; at && *at; at++)
                if (*at >= 'A' && *at <= 'Z')
                        *at += 'a' - 'A';
        return folded;
}

/* KIND_SHARE of a field `kind` is "share". */
static const char *enum_text(int value, const ProtobufCFieldDescriptor *field, Arena *arena) {
        const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(field->descriptor, value);
        size_t n = strlen(field->name);

        if (!named || named->value == 0)
                return "";
        return text_folded(strncasecmp(named->name, field->name, n) == 0 && named->name[n] == '_' ? named->name + n + 1
                                                                                                  : named->name,
                           arena);
}

static const char *value_text(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, Arena *arena) {
        const void *value;

        if (reflect_count(message, field) == 0)
                return "";
        value = reflect_value(message, field, 0);
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return text_folded(*(const char *const *)value, arena);
        case PROTOBUF_C_TYPE_MESSAGE:
                return message_text(*(const ProtobufCMessage *const *)value, arena);
        case PROTOBUF_C_TYPE_ENUM:
                return enum_text(*(const int *)value, field, arena);
        case PROTOBUF_C_TYPE_BOOL:
                return *(const protobuf_c_boolean *)value ? text_folded(field->name, arena) : "";
        case PROTOBUF_C_TYPE_UINT32:
                return arena_format(arena, "%u", *(const uint32_t *)value);
        default:
                return "";
        }
}

/* The first of the fields that says something; names are parted by bars. */
static const char *fields_text(const ProtobufCMessage *message, const char *names, Arena *arena) {
        const char *text = "";

        for (const char *at = names; text && !text[0] && at; at = strchr(at, '|')) {
                const ProtobufCFieldDescriptor *field;
                char name[64];

                at += *at == '|';
                memcpy(name, at, MIN(strcspn(at, "|"), sizeof(name) - 1));
                name[MIN(strcspn(at, "|"), sizeof(name) - 1)] = '\0';
                field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
                if (field)
                        text = value_text(message, field, arena);
        }
        return text;
}

static const char *identifier_text(const Carebus__V1__Identifier *identifier, Arena *arena) {
        return identifier->value && identifier->value[0]
                       ? text_joined(arena, identifier->system ?: "", "|", identifier->value, NULL)
                       : "";
}

static const char *coded_text(const Carebus__V1__Coded *coded, Arena *arena) {
        if (coded->code && coded->code[0])
                return text_joined(arena, coded->system ?: "", "|", coded->code, NULL);
        if (coded->original && coded->original->code && coded->original->code[0])
                return text_joined(arena, coded->original->system ?: "", "|", coded->original->code, NULL);
        return text_folded(coded->text ?: coded->display ?: "", arena);
}

static const char *when_text(const Carebus__V1__When *when, Arena *arena) {
        return when->has_utc_at ? arena_format(arena, "%lld", (long long)when->utc_at)
                                : text_folded(when->text ?: "", arena);
}

static const char *message_text(const ProtobufCMessage *message, Arena *arena) {
        /* By what a message of that type is best told: the first of them that says something. */
        static const struct {
                const ProtobufCMessageDescriptor *descriptor;
                const char *fields;
        } told_by[] = {
                { &carebus__v1__practitioner__descriptor, "identifier|name|role" },
                { &carebus__v1__service_ref__descriptor, "identifier|name|team|type|organisation|practitioner" },
                { &carebus__v1__organisation__descriptor, "identifier|name" },
                { &carebus__v1__author__descriptor, "person|person_name|team|organisation|organisation_name" },
                { &carebus__v1__human_name__descriptor, "text|family" },
                { &carebus__v1__related_person__descriptor, "identifiers|name" },
                { &carebus__v1__participant__descriptor, "practitioner" },
                { &carebus__v1__place__descriptor, "point_of_care|text|organisation|facility|kind" },
                { &carebus__v1__period__descriptor, "start|end" },
                { &carebus__v1__medication_ingredient__descriptor, "drug|text" },
                { &carebus__v1__attorney__descriptor, "person|text" },
        };

        if (message->descriptor == &carebus__v1__identifier__descriptor)
                return identifier_text((const Carebus__V1__Identifier *)message, arena);
        if (message->descriptor == &carebus__v1__coded__descriptor)
                return coded_text((const Carebus__V1__Coded *)message, arena);
        if (message->descriptor == &carebus__v1__when__descriptor)
                return when_text((const Carebus__V1__When *)message, arena);
        if (message->descriptor == &carebus__v1__human_name__descriptor) {
                const Carebus__V1__HumanName *name = (const Carebus__V1__HumanName *)message;

                if (name->family && name->n_given > 0)
                        return text_folded(text_joined(arena, name->family, " ", name->given[0], NULL) ?: "", arena);
        }
        for (size_t i = 0; i < ELEMENTSOF(told_by); i++)
                if (told_by[i].descriptor == message->descriptor)
                        return fields_text(message, told_by[i].fields, arena);
        return "";
}

const char *plain_decision_says(const Carebus__V1__Decision *decision, Arena *arena) {
        return fields_text(&decision->base, "decision|decision_text|text", arena);
}

const char *plain_allergy_substance(const Carebus__V1__Allergy *allergy, Arena *arena) {
        return fields_text(&allergy->base, "substance|text", arena);
}

static const char *correlator_text(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena) {
        return row->correlator ? fields_text(&event->base, row->correlator, arena) : "";
}

/* By its identifiers: the event's, else the body's. */
static const char *named_text(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena) {
        const char *text = correlator_text(row, event, arena);
        const ProtobufCMessage *body = plain_body(event);

        for (size_t i = 0; body && text && !text[0] && i < ELEMENTSOF(row->ids) && row->ids[i]; i++)
                text = fields_text(body, row->ids[i], arena);
        return text;
}

static const char *natural_text(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena) {
        const ProtobufCMessage *body = plain_body(event);
        const char *text = "";
        bool says = false;

        for (size_t i = 0; i < ELEMENTSOF(row->natural) && row->natural[i]; i++) {
                const char *of_event = strchr(row->natural[i], '@');
                const char *part = body ? fields_text(body, row->natural[i], arena) : "";

                if (part && !part[0] && of_event)
                        part = fields_text(&event->base, of_event + 1, arena);
                if (!part)
                        return NULL;
                /* Who or when alone tells nothing apart. */
                says = says || (part[0] && !of_event);
                text = i == 0 ? part : text_joined(arena, text, "/", part, NULL);
                if (!text)
                        return NULL;
        }
        return says ? text : "";
}

/* A team is many: each member is a fact, unless a message says several of them at once. */
static const char *member_text(const Carebus__V1__Event *event, Arena *arena) {
        const Carebus__V1__CareTeamMember *member;
        const char *text;

        if (event->body_case != BODY(CARE_TEAM) || event->care_team->n_members != 1)
                return "";
        member = event->care_team->members[0];
        text = fields_text(&member->base, "identifier|practitioner|service|organisation", arena);
        if (!text || !text[0] || (member->identifier && member->identifier->value))
                return text;
        return text_joined(arena, "member:", text, "/", fields_text(&member->base, "role", arena));
}

/* An item of a plan that has no number of its own. */
static const char *item_text(const Carebus__V1__Event *event, Arena *arena) {
        const Carebus__V1__CarePlan *plan = event->body_case == BODY(CARE_PLAN) ? event->care_plan : NULL;
        const char *text;

        if (!plan || plan->n_items != 1 || strcmp(event->type, "care_plan.item_changed") != 0 ||
            (event->plan_id && event->plan_id->value) || (plan->identifier && plan->identifier->value))
                return "";
        text = fields_text(&plan->items[0]->base, "identifier|item|problem|problem_text|goal|goal_text|text", arena);
        return text && text[0] ? text_joined(arena, "item:", text, NULL, NULL) : text;
}

/* A dose is a fact of its own: it is given under an order, and the order stays. */
static const char *dose_text(const Carebus__V1__Event *event, Arena *arena) {
        const Carebus__V1__Medication *dose = event->body_case == BODY(MEDICATION) ? event->medication : NULL;
        const char *at;

        if (strcmp(event->type, "medication.given") != 0)
                return "";
        at = dose ? fields_text(&dose->base, "given_at|start_at", arena) : "";
        if (at && !at[0])
                at = fields_text(&event->base, "occurred_at", arena);
        return at ? text_joined(arena, "given:", at, "/",
                                dose ? fields_text(&dose->base, "drug|text|ingredients", arena) : "")
                  : NULL;
}

/* What stands in front of the rest: decisions of two kinds are two, though one form has one number. */
static const char *kind_text(const Carebus__V1__Event *event) {
        static const char *const kinds[] = { "decision",
                                             "cpr",
                                             "adrt",
                                             "lpa",
                                             "treatment-escalation",
                                             "place-of-death",
                                             "place-of-care",
                                             "advance-statement",
                                             "donation",
                                             "other" };
        const EventType *type = event_type_find(event->type);
        unsigned kind = type ? type->decision_kind : 0;

        if (kind == 0 && event->body_case == BODY(DECISION) && event->decision->has_kind)
                kind = event->decision->kind;
        return kinds[kind < ELEMENTSOF(kinds) ? kind : 0];
}

/* What nothing is known of is told by where it was said: by the message's own name, which is the same whenever it arrives. */
static char *unnamed_text(const Carebus__V1__Event *event, Arena *arena) {
        const char *index = strchr(event->event_id, '.');

        return text_joined(arena, "message:", event->source_message_id ?: event->event_id, index, NULL);
}

char *plain_key(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena, bool *ret_named) {
        const char *text = "", *dose = dose_text(event, arena);

        if (row->body == BODY(CARE_TEAM))
                text = member_text(event, arena);
        if (row->body == BODY(CARE_PLAN))
                text = item_text(event, arena);
        if (text && !text[0])
                text = named_text(row, event, arena);
        *ret_named = text && text[0] && !text_starts_with(text, "member:") && !text_starts_with(text, "item:");
        if (text && !text[0] && (!dose || !dose[0]))
                text = natural_text(row, event, arena);
        if (!text || !dose)
                return NULL;
        if (dose[0])
                return text[0] ? text_joined(arena, dose, "/", text, NULL) : (char *)dose;
        if (!text[0] && row->always_said)
                return (char *)row->always_said;
        if (!text[0])
                return unnamed_text(event, arena);
        if (row->body == BODY(DECISION))
                return text_joined(arena, kind_text(event), "/", text, NULL);
        return (char *)text;
}

static int keys_add(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena, char ***keys, size_t *n_keys) {
        const ProtobufCMessage *body = plain_body(event);
        const ProtobufCFieldDescriptor *field;

        if (!body)
                return 0;
        field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, row->replaces);
        for (size_t i = 0; i < reflect_count(body, field); i++) {
                const Carebus__V1__Identifier *id = *(Carebus__V1__Identifier *const *)reflect_value(body, field, i);
                const char *key = identifier_text(id, arena);
                bool known = false;

                if (key && key[0] && row->body == BODY(DECISION))
                        key = text_joined(arena, kind_text(event), "/", key, NULL);
                if (!key)
                        return -ENOMEM;
                for (size_t j = 0; j < *n_keys && !known; j++)
                        known = strcmp((*keys)[j], key) == 0;
                if (key[0] && !known && list_append((void ***)keys, n_keys, (void *)key, arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int plain_replaced_keys(const PlainRow *row, Carebus__V1__Claim *const *claims, size_t n_claims, Arena *arena,
                        char ***ret_keys, size_t *ret_n_keys) {
        int r = 0;

        *ret_keys = NULL;
        *ret_n_keys = 0;
        for (size_t i = 0; row->replaces && r == 0 && i < n_claims; i++)
                r = keys_add(row, claims[i]->event, arena, ret_keys, ret_n_keys);
        return r;
}

int plain_replaces(const PlainRow *row, const Carebus__V1__StoredFact *stored, Carebus__V1__Claim *const *claims,
                   size_t n_claims, const char *key, Arena *arena, const Carebus__V1__Claim **ret) {
        *ret = NULL;
        if (text_equal(stored->fact->status, "entered-in-error"))
                return 0;
        for (size_t i = n_claims; i > 0; i--) {
                char **keys;
                size_t n_keys;
                int r;

                if (claims[i - 1]->event->has_action &&
                    claims[i - 1]->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                        return 0; /* what was said before it was taken back with it */
                r = plain_replaced_keys(row, &claims[i - 1], 1, arena, &keys, &n_keys);
                if (r < 0)
                        return r;
                for (size_t j = 0; j < n_keys; j++)
                        if (strcmp(keys[j], key) == 0) {
                                *ret = claims[i - 1];
                                return 0;
                        }
        }
        return 0;
}
