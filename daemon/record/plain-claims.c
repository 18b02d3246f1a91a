/* Claims of the table's facts: as they are taken out of events, and as they are kept. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/plain-parts.h"
#include "proto/types.h"

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name

typedef Carebus__V1__Claim Claim;
typedef Carebus__V1__Event Event;

/* ---- a claim ------------------------------------------------------------------------------------------------------------ */

/* What stays in the entry is known by its hash and its size. */
static int document_strip(Carebus__V1__Document *document, Arena *arena) {
        bool long_text = document->content_text && strlen(document->content_text) > PLAIN_CONTENT_TEXT_MAX;
        Bytes content = document->has_content ? bytes_of(document->content.data, document->content.len)
                        : long_text           ? bytes_of_text(document->content_text)
                                              : BYTES_NULL;

        if (!document->has_content && !long_text)
                return 0;
        if (!document->has_sha256) {
                document->sha256 = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = arena_alloc(arena, SHA256_SIZE) };
                if (!document->sha256.data)
                        return -ENOMEM;
                sha256(content.data, content.size, document->sha256.data);
                document->has_sha256 = 1;
        }
        if (!document->has_size) {
                document->has_size = 1;
                document->size = content.size;
        }
        document->has_content = 0;
        document->content = (ProtobufCBinaryData){ 0 };
        if (long_text)
                document->content_text = NULL;
        return 0;
}

/* An item that was a mistake is a mistake in the plan, not a mistake of the plan. */
static int plan_item_in_error(Event *event, Carebus__V1__CarePlan *plan, Arena *arena) {
        Carebus__V1__CarePlanItem **items = arena_alloc(arena, (plan->n_items + 1) * sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < plan->n_items; i++) {
                items[i] = message_shallow_copy(&plan->items[i]->base, arena);
                if (!items[i])
                        return -ENOMEM;
                items[i]->status = (char *)"entered-in-error";
        }
        plan->items = items;
        event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        return 0;
}

static void replaces_bound(const PlainRow *row, ProtobufCMessage *body) {
        const ProtobufCFieldDescriptor *field;
        size_t *n;

        if (!row->replaces)
                return;
        field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, row->replaces);
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
                return;
        n = (size_t *)(void *)((char *)body + field->quantifier_offset);
        if (*n > PLAIN_REPLACES_MAX)
                *n = PLAIN_REPLACES_MAX;
}

/* What the type of the event, and its envelope, say of the body. */
static int body_complete(const PlainRow *row, Event *event, const Event *from, ProtobufCMessage *body, Arena *arena) {
        replaces_bound(row, body);
        if (row->correlator) {
                const ProtobufCFieldDescriptor *named = protobuf_c_message_descriptor_get_field_by_name(
                        &carebus__v1__event__descriptor, row->correlator);
                const ProtobufCFieldDescriptor *id = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                                     row->ids[0]);

                if (!body_field_is_said(body, id) && body_field_is_said(&from->base, named))
                        *(void **)((char *)body + id->offset) = *(void *const *)((const char *)from + named->offset);
        }
        if (row->body == BODY(DECISION)) {
                Carebus__V1__Decision *decision = (Carebus__V1__Decision *)(void *)body;
                const EventType *type = event_type_find(event->type);

                if (type->decision_kind) {
                        decision->has_kind = 1;
                        decision->kind = type->decision_kind;
                }
        }
        if (strcmp(event->type, "consent.withdrawn") == 0) {
                Carebus__V1__Consent *consent = (Carebus__V1__Consent *)(void *)body;

                consent->has_state = 1;
                consent->state = CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN;
        }
        if (row->body == BODY(DOCUMENT))
                return document_strip((Carebus__V1__Document *)(void *)body, arena);
        if (strcmp(event->type, "care_plan.item_changed") == 0 && plain_is_in_error(event) &&
            ((Carebus__V1__CarePlan *)(void *)body)->n_items > 0)
                return plan_item_in_error(event, (Carebus__V1__CarePlan *)(void *)body, arena);
        return 0;
}

Claim *plain_claim(const PlainRow *row, const Said *said, Arena *arena) {
        const Event *from = said->event;
        Claim *claim = message_new(&carebus__v1__claim__descriptor, arena);
        Event *event = message_new(&carebus__v1__event__descriptor, arena);
        ProtobufCMessage *body = plain_body(from);

        body = body ? message_shallow_copy(body, arena) : message_new(plain_descriptor(row), arena);
        if (!claim || !event || !body)
                return NULL;
        event->event_id = from->event_id;
        event->type = from->type;
        event->has_action = from->has_action;
        event->action = from->action;
        event->occurred_at = from->occurred_at;
        event->recorded_at = from->recorded_at;
        event->has_received_at = from->has_received_at;
        event->received_at = from->received_at;
        event->source_message_id = from->source_message_id;
        event->author = from->author;
        event->team = from->team;
        event->sensitivity = from->sensitivity;
        event->encounter_id = from->encounter_id;
        event->echo_of = from->echo_of;
        event->has_loaded = from->has_loaded && from->loaded;
        event->loaded = event->has_loaded;
        event->n_cleared = from->n_cleared;
        event->cleared = from->cleared;
        event->n_complete = from->n_complete;
        event->complete = from->complete;
        if (body_complete(row, event, from, body, arena) < 0)
                return NULL;
        plain_body_set(event, row->body, body);
        claim->event = event;
        claim->stamp = stamp_make(said->stamp, arena);
        return claim->stamp ? claim : NULL;
}

/* ---- claims as they are kept ---------------------------------------------------------------------------------------------- */

/* The only claim of a fact, which says all that the fact says. */
static Claim *claim_of_fact(const Carebus__V1__StoredFact *stored, Arena *arena) {
        Claim *claim = message_new(&carebus__v1__claim__descriptor, arena);
        Event *event = message_new(&carebus__v1__event__descriptor, arena);
        const Carebus__V1__Fact *fact = stored->fact;

        if (!claim || !event)
                return NULL;
        event->event_id = fact->event_id;
        event->type = stored->type;
        event->has_action = fact->has_action;
        event->action = fact->action;
        event->occurred_at = fact->occurred_at;
        event->recorded_at = fact->recorded_at;
        event->has_received_at = fact->has_received_at;
        event->received_at = fact->received_at;
        event->source_message_id = fact->source_message_id;
        event->author = fact->author;
        event->team = fact->team;
        event->sensitivity = fact->sensitivity;
        event->encounter_id = fact->encounter_id;
        event->echo_of = fact->has_echo && fact->echo ? fact->copy_of : NULL;
        event->has_loaded = fact->has_loaded;
        event->loaded = fact->loaded;
        plain_body_set(event, fact->value_case, plain_value(fact));
        claim->event = event;
        claim->stamp = stored->newest;
        return claim;
}

int plain_claims(const Carebus__V1__StoredFact *stored, Arena *arena, Claim ***ret, size_t *ret_n) {
        size_t n = stored->n_claims > 0 ? stored->n_claims : stored->fact->event_id != NULL;
        Claim **claims = arena_alloc(arena, (n + 1) * sizeof(*claims));

        if (!claims)
                return -ENOMEM;
        if (stored->n_claims == 0 && n > 0) {
                claims[0] = claim_of_fact(stored, arena);
                if (!claims[0])
                        return -ENOMEM;
        }
        for (size_t i = 0; i < stored->n_claims; i++) {
                claims[i] = stored->claims[i];
                if (claims[i]->body_of_fact)
                        plain_body_set(claims[i]->event, stored->fact->value_case, plain_value(stored->fact));
                else if (claims[i]->has_body_of && claims[i]->body_of < i) {
                        const Event *other = claims[claims[i]->body_of]->event;

                        plain_body_set(claims[i]->event, other->body_case, plain_body(other));
                }
        }
        *ret = claims;
        *ret_n = n;
        return 0;
}

int plain_claims_insert(Claim ***claims, size_t *n_claims, Claim *claim, Arena *arena) {
        Claim **list;
        size_t i;

        /* What says the same shares its body, so that it is seen at a glance. */
        for (i = *n_claims; i > 0; i--)
                if (body_equal(plain_body((*claims)[i - 1]->event), plain_body(claim->event))) {
                        plain_body_set(claim->event, claim->event->body_case, plain_body((*claims)[i - 1]->event));
                        break;
                }
        if (list_append((void ***)claims, n_claims, claim, arena) < 0)
                return -ENOMEM;
        list = *claims;
        for (i = *n_claims - 1; i > 0 && stamp_compare(list[i - 1]->stamp, claim->stamp) > 0; i--)
                list[i] = list[i - 1];
        list[i] = claim;
        return 0;
}

bool plain_said_in(const Carebus__V1__StoredFact *stored, uint64_t seq) {
        if (stored->n_claims == 0)
                return stored->fact->event_id && stored->newest->seq == seq;
        for (size_t i = 0; i < stored->n_claims; i++)
                if (stored->claims[i]->stamp->seq == seq)
                        return true;
        return false;
}

static bool is_told_by_fact(const Carebus__V1__Fact *fact, const Claim *claim) {
        return !claim->laid_together && claim->event->n_cleared == 0 && claim->event->n_complete == 0 &&
               body_equal(plain_body(claim->event), plain_value(fact)) && !plain_is_in_error(claim->event);
}

/* Bodies are written once. The claims themselves stay whole: they are shared with whoever made the fact. */
int plain_claims_keep(Carebus__V1__StoredFact *stored, Claim *const *claims, size_t n_claims, Arena *arena) {
        const ProtobufCMessage *value = plain_value(stored->fact);

        stored->n_claims = 0;
        stored->claims = NULL;
        stored->type = NULL;
        if (n_claims == 1 && is_told_by_fact(stored->fact, claims[0])) {
                stored->type = claims[0]->event->type;
                return 0;
        }
        for (size_t i = 0; i < n_claims; i++) {
                Claim *kept = message_shallow_copy(&claims[i]->base, arena);
                const ProtobufCMessage *body = plain_body(claims[i]->event);
                size_t j = 0;

                if (!kept || !(kept->event = message_shallow_copy(&claims[i]->event->base, arena)))
                        return -ENOMEM;
                kept->has_body_of = kept->has_body_of_fact = kept->body_of_fact = 0;
                if (body_equal(body, value))
                        kept->has_body_of_fact = kept->body_of_fact = 1;
                else {
                        while (j < i && plain_body(claims[j]->event) != body)
                                j++;
                        kept->has_body_of = j < i;
                        kept->body_of = (uint32_t)j;
                }
                if (kept->body_of_fact || kept->has_body_of)
                        plain_body_set(kept->event, 0, NULL);
                if (list_append((void ***)&stored->claims, &stored->n_claims, kept, arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}
