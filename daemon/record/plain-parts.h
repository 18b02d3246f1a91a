#pragma once
/* What the files of the table's facts share. */
#include "daemon/record/plain.h"

static inline const ProtobufCMessageDescriptor *plain_descriptor(const PlainRow *row) {
        return protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor, row->body)->descriptor;
}

/* Bodies of an event, and values of a fact, lie in one union each. */
static inline ProtobufCMessage *plain_body(const Carebus__V1__Event *event) {
        return event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET ? NULL : &event->demographics->base;
}

static inline void plain_body_set(Carebus__V1__Event *event, unsigned body_case, ProtobufCMessage *body) {
        event->body_case = body ? body_case : CAREBUS__V1__EVENT__BODY__NOT_SET;
        event->demographics = (Carebus__V1__Demographics *)(void *)body;
}

static inline ProtobufCMessage *plain_value(const Carebus__V1__Fact *fact) {
        return fact->value_case == CAREBUS__V1__FACT__VALUE__NOT_SET ? NULL : &fact->demographics->base;
}

static inline void plain_value_set(Carebus__V1__Fact *fact, unsigned value_case, ProtobufCMessage *value) {
        fact->value_case = value_case;
        fact->demographics = (Carebus__V1__Demographics *)(void *)value;
}

static inline bool plain_is_in_error(const Carebus__V1__Event *event) {
        return event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
}

/* Keeps the claims with the fact that was made of them: bodies are written once. 0 or -ENOMEM. */
int plain_claims_keep(Carebus__V1__StoredFact *stored, Carebus__V1__Claim *const *claims, size_t n_claims,
                      Arena *arena);
