/* Fields of a body into elements of a resource, by table and by the descriptors of the contract. */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"

/* A scalar as R4 has it: texts, truths and whole numbers. */
static JsonNode *scalar(Writer *w, const ProtobufCFieldDescriptor *field, const void *place) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return tree_text(w, *(const char *const *)place);
        case PROTOBUF_C_TYPE_BOOL:
                return tree_truth(w, *(const protobuf_c_boolean *)place);
        case PROTOBUF_C_TYPE_UINT32:
                return tree_unsigned(w, *(const uint32_t *)place);
        case PROTOBUF_C_TYPE_UINT64:
                return tree_unsigned(w, *(const uint64_t *)place);
        default:
                return NULL;
        }
}

static bool is_there(const ProtobufCMessage *body, const ProtobufCFieldDescriptor *field) {
        const uint8_t *at = (const uint8_t *)body;

        if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
                return *(const void *const *)(at + field->offset) != NULL;
        return *(const protobuf_c_boolean *)(at + field->quantifier_offset);
}

static void put(Writer *w, const WriteRow *row, const ProtobufCFieldDescriptor *field, const void *place,
                JsonNode *resource) {
        JsonNode *value = row->write ? row->write(w, field->type == PROTOBUF_C_TYPE_MESSAGE ||
                                                                     field->type == PROTOBUF_C_TYPE_STRING
                                                             ? *(const void *const *)place
                                                             : place)
                                     : scalar(w, field, place);

        if (row->extension)
                tree_put(w, resource, "extension[]", write_extension(w, row->extension, row->element, value));
        else
                tree_put(w, resource, row->element, value);
}

void write_rows(Writer *w, const WriteRow *rows, const ProtobufCMessage *body, JsonNode *resource) {
        for (const WriteRow *row = rows; row->field; row++) {
                const ProtobufCFieldDescriptor *field =
                        protobuf_c_message_descriptor_get_field_by_name(body->descriptor, row->field);
                const uint8_t *at = (const uint8_t *)body + (field ? field->offset : 0);

                if (!field) /* a name in a table that the contract has not: a test finds it */
                        continue;
                if (field->label != PROTOBUF_C_LABEL_REPEATED) {
                        if (is_there(body, field))
                                put(w, row, field, at, resource);
                        continue;
                }
                for (size_t i = 0; i < *(const size_t *)((const uint8_t *)body + field->quantifier_offset); i++)
                        put(w, row, field, *(const uint8_t *const *)at + i * sizeof(void *), resource);
        }
}

const char *write_word(const WriteWord *words, const char *ours) {
        while (words->ours && !(ours && text_equal(words->ours, ours)))
                words++;
        return words->theirs;
}
