/*
 * Rows of a table applied to a segment: the only place that knows how protobuf-c lays out a field.
 */
#include <string.h>

#include "adapters/mllp/translate-rules.h"

/* Where a row's field lies in the target. */
typedef struct Slot {
        void *field;
        void *quantifier;
        const FieldRow *row;
} Slot;

typedef void (*FieldReader)(Translation *t, Hl7Value value, const Slot *slot);

static void put_pointer(const Slot *slot, void *pointer) {
        if (pointer && !*(void **)slot->field)
                *(void **)slot->field = pointer;
}

static void read_text(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_text_whole(t, value));
}

static void read_truth(Translation *t, Hl7Value value, const Slot *slot) {
        if (value_truth(t, value, slot->field) == 0)
                *(protobuf_c_boolean *)slot->quantifier = true;
}

static void read_number(Translation *t, Hl7Value value, const Slot *slot) {
        if (value_number(t, value, slot->field) == 0)
                *(protobuf_c_boolean *)slot->quantifier = true;
}

static void read_coded(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_coded(t, value));
}

static void read_coded_text(Translation *t, Hl7Value value, const Slot *slot) {
        char *text = value_text_whole(t, value);
        Carebus__V1__Coded *coded = text ? draft_message(&t->draft, &carebus__v1__coded__descriptor) : NULL;

        if (coded)
                coded->text = text;
        put_pointer(slot, coded);
}

static void read_when(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_when(t, value));
}

static void read_date(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_date(t, value));
}

static void read_identifier(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_identifier(t, value));
}

static void read_entity(Translation *t, Hl7Value value, const Slot *slot) {
        Carebus__V1__Identifier *identifier = value_entity(t, value);

        if (identifier)
                identifier_set_apart(t, identifier, slot->row->extra);
        put_pointer(slot, identifier);
}

static void read_name(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_name(t, value));
}

static void read_organisation(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_organisation(t, value));
}

static void read_organisation_name(Translation *t, Hl7Value value, const Slot *slot) {
        Carebus__V1__Organisation *organisation;
        char *name = value_text(t, value);

        organisation = name ? draft_message(&t->draft, &carebus__v1__organisation__descriptor) : NULL;
        if (organisation)
                organisation->name = name;
        put_pointer(slot, organisation);
}

static void read_practitioner(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_practitioner(t, value));
}

static void read_place(Translation *t, Hl7Value value, const Slot *slot) {
        put_pointer(slot, value_place(t, value));
}

static void read_nothing(Translation *t, Hl7Value value, const Slot *slot) {
        hl7_note_ignored(value);
}

/* ---- lists: one element a repeat */

static void add_coded(Translation *t, Hl7Value value, const Slot *slot) {
        draft_append(&t->draft, slot->quantifier, slot->field, value_coded(t, value));
}

static void add_name(Translation *t, Hl7Value value, const Slot *slot) {
        draft_append(&t->draft, slot->quantifier, slot->field, value_name(t, value));
}

static void add_address(Translation *t, Hl7Value value, const Slot *slot) {
        draft_append(&t->draft, slot->quantifier, slot->field, value_address(t, value));
}

static void add_telecom(Translation *t, Hl7Value value, const Slot *slot) {
        value_telecom(t, value, slot->row->extra, slot->quantifier, slot->field);
}

static void add_participant(Translation *t, Hl7Value value, const Slot *slot) {
        Carebus__V1__Practitioner *practitioner = value_practitioner(t, value);
        Carebus__V1__Participant *participant;

        participant = practitioner ? draft_message(&t->draft, &carebus__v1__participant__descriptor) : NULL;
        if (participant) {
                participant->role = (char *)slot->row->extra;
                participant->practitioner = practitioner;
        }
        draft_append(&t->draft, slot->quantifier, slot->field, participant);
}

static void add_new_identifier(Translation *t, Carebus__V1__Identifier *identifier, const Slot *slot) {
        Carebus__V1__Identifier **list = *(Carebus__V1__Identifier ***)slot->field;

        if (!identifier)
                return;
        identifier_set_apart(t, identifier, slot->row->extra);
        for (size_t i = 0; i < *(size_t *)slot->quantifier; i++)
                if (identifiers_are_equal(list[i], identifier))
                        return;
        draft_append(&t->draft, slot->quantifier, slot->field, identifier);
}

static void add_identifier(Translation *t, Hl7Value value, const Slot *slot) {
        add_new_identifier(t, value_identifier(t, value), slot);
}

static void add_entity(Translation *t, Hl7Value value, const Slot *slot) {
        add_new_identifier(t, value_entity(t, value), slot);
}

static const struct {
        FieldReader read;
        bool is_list;
} kinds[_FIELD_KIND_MAX] = {
        [FIELD_TEXT] = { read_text },
        [FIELD_TRUTH] = { read_truth },
        [FIELD_NUMBER] = { read_number },
        [FIELD_CODED] = { read_coded },
        [FIELD_CODED_TEXT] = { read_coded_text },
        [FIELD_CODED_LIST] = { add_coded, .is_list = true },
        [FIELD_WHEN] = { read_when },
        [FIELD_DATE] = { read_date },
        [FIELD_IDENTIFIER] = { read_identifier },
        [FIELD_IDENTIFIER_LIST] = { add_identifier, .is_list = true },
        [FIELD_ENTITY] = { read_entity },
        [FIELD_ENTITY_LIST] = { add_entity, .is_list = true },
        [FIELD_NAME] = { read_name },
        [FIELD_NAME_LIST] = { add_name, .is_list = true },
        [FIELD_ADDRESS_LIST] = { add_address, .is_list = true },
        [FIELD_TELECOM_LIST] = { add_telecom, .is_list = true },
        [FIELD_ORGANISATION] = { read_organisation },
        [FIELD_ORGANISATION_NAME] = { read_organisation_name },
        [FIELD_PRACTITIONER] = { read_practitioner },
        [FIELD_PARTICIPANT_LIST] = { add_participant, .is_list = true },
        [FIELD_PLACE] = { read_place },
        [FIELD_SKIPPED] = { read_nothing },
};

void cleared_add(Translation *t, ClearedList *cleared, const char *path, const char *name) {
        size_t n_path = strlen(path), n_name = strlen(name);
        char *text;

        for (size_t i = 0; i < cleared->n; i++)
                if (strncmp(cleared->paths[i], path, n_path) == 0 && strcmp(cleared->paths[i] + n_path + 1, name) == 0)
                        return;
        text = draft_alloc(&t->draft, n_path + n_name + 2);
        if (!text)
                return;
        memcpy(text, path, n_path);
        text[n_path] = '.';
        memcpy(text + n_path + 1, name, n_name);
        draft_append(&t->draft, &cleared->n, &cleared->paths, text);
}

void fields_apply(Translation *t, const Hl7Segment *segment, const FieldRow *rows, size_t n_rows, void *target,
                  const char *path, ClearedList *cleared) {
        for (const FieldRow *row = rows; row < rows + n_rows; row++) {
                Hl7Value value = hl7_field(t->message, segment, row->number), repeat;
                Slot slot = { .field = (uint8_t *)target + row->offset,
                              .quantifier = (uint8_t *)target + row->quantifier,
                              .row = row };

                if (value.raw.size == 0)
                        continue;
                if (row->kind != FIELD_SKIPPED && value_is_cleared(t, value)) {
                        hl7_note_read(value);
                        if (cleared && row->name)
                                cleared_add(t, cleared, path, row->name);
                        continue;
                }
                if (!kinds[row->kind].is_list) {
                        kinds[row->kind].read(t, value, &slot);
                        continue;
                }
                while (hl7_next_repeat(t->message, &value, &repeat))
                        kinds[row->kind].read(t, repeat, &slot);
        }
}
