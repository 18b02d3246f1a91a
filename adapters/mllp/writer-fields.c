/*
 * A segment out of a message of the contract, by the rows that read it (translate-fields.c): one table, both ways.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

/* A row on its way out. */
typedef struct Source {
        Out *out;
        OutSegment *segment;
        const FieldRow *row;
        const void *field;      /* where the value lies */
        const void *quantifier; /* has_, or n_ */
        const char *path;       /* canonical, of the field; NULL: none */
} Source;

static void *pointer_of(const Source *source) {
        return *(void *const *)source->field;
}

static void write_text(const Source *s) {
        out_set(s->out, s->segment, s->row->number, out_words(s->out, pointer_of(s)));
}

static void write_truth(const Source *s) {
        if (*(const protobuf_c_boolean *)s->quantifier)
                out_set(s->out, s->segment, s->row->number,
                        out_text(s->out, *(const protobuf_c_boolean *)s->field ? "Y" : "N"));
}

static void write_number(const Source *s) {
        if (*(const protobuf_c_boolean *)s->quantifier)
                out_set(s->out, s->segment, s->row->number, out_format(s->out, "%u", *(const uint32_t *)s->field));
}

/* Of sex and class a receiver reads the code and nothing else. */
static void write_coded(const Source *s) {
        bool is_bare = s->path && (strcmp(s->path, "demographics.sex") == 0 || strcmp(s->path, "encounter.class") == 0);

        out_set(s->out, s->segment, s->row->number,
                is_bare ? out_code(s->out, s->path, pointer_of(s)) : out_coded(s->out, s->path, pointer_of(s)));
}

static void write_coded_text(const Source *s) {
        out_set(s->out, s->segment, s->row->number, out_text(s->out, coded_words(pointer_of(s))));
}

#define WRITE_ONE(name, function)                                                             \
        static void name(const Source *s) {                                                   \
                out_set(s->out, s->segment, s->row->number, function(s->out, pointer_of(s))); \
        }
WRITE_ONE(write_when, out_when)
WRITE_ONE(write_date, out_date)
WRITE_ONE(write_identifier, out_identifier)
WRITE_ONE(write_entity, out_entity)
WRITE_ONE(write_name, out_name)
WRITE_ONE(write_organisation, out_organisation)
WRITE_ONE(write_practitioner, out_practitioner)
WRITE_ONE(write_place, out_place)

/* A name where the row reads one; else what tells the organisation apart. */
static void write_organisation_name(const Source *s) {
        const Carebus__V1__Organisation *organisation = pointer_of(s);

        if (organisation)
                out_set(s->out, s->segment, s->row->number,
                        out_text(s->out, organisation->name
                                                 ?: organisation->identifier
                                                    ? organisation->name ?: organisation->identifier->value
                                                    : NULL));
}

/* ---- lists: a repeat an element */

static void add_identifier(const Source *s, const void *element) {
        out_repeat(s->out, s->segment, s->row->number, out_identifier(s->out, element));
}

static void add_entity(const Source *s, const void *element) {
        out_repeat(s->out, s->segment, s->row->number, out_entity(s->out, element));
}

static void add_coded(const Source *s, const void *element) {
        out_repeat(s->out, s->segment, s->row->number, out_coded(s->out, s->path, element));
}

static void add_name(const Source *s, const void *element) {
        out_repeat(s->out, s->segment, s->row->number, out_name(s->out, element));
}

static void add_address(const Source *s, const void *element) {
        out_repeat(s->out, s->segment, s->row->number, out_address(s->out, element));
}

/* A field stands for a use: home in PID-13, work in PID-14. What is of neither goes to the first, and says so itself. */
static void add_telecom(const Source *s, const void *element) {
        const Carebus__V1__Telecom *telecom = element;
        const char *use = text_equal(telecom->use, "work") ? "work" : "home";

        if (text_equal(s->row->extra, use))
                out_repeat(s->out, s->segment, s->row->number, out_telecom(s->out, telecom));
}

static bool has_field_of_its_own(const char *role) {
        static const char *const roles[] = { "attending", "referring", "consulting", "admitting" };

        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (text_equal(roles[i], role))
                        return true;
        return false;
}

static void add_participant(const Source *s, const void *element) {
        const Carebus__V1__Participant *participant = element;
        bool fits = text_equal(s->row->extra, participant->role) ||
                    (text_equal(s->row->extra, "other") && !has_field_of_its_own(participant->role));

        if (fits)
                out_repeat(s->out, s->segment, s->row->number, out_practitioner(s->out, participant->practitioner));
}

static const struct {
        void (*write)(const Source *source);
        void (*add)(const Source *source, const void *element); /* of a list */
        bool shares;                                            /* several rows have a part of the list each */
} kinds[_FIELD_KIND_MAX] = {
        [FIELD_TEXT] = { write_text },
        [FIELD_TRUTH] = { write_truth },
        [FIELD_NUMBER] = { write_number },
        [FIELD_CODED] = { write_coded },
        [FIELD_CODED_TEXT] = { write_coded_text },
        [FIELD_CODED_LIST] = { NULL, add_coded },
        [FIELD_WHEN] = { write_when },
        [FIELD_DATE] = { write_date },
        [FIELD_IDENTIFIER] = { write_identifier },
        [FIELD_IDENTIFIER_LIST] = { NULL, add_identifier },
        [FIELD_ENTITY] = { write_entity },
        [FIELD_ENTITY_LIST] = { NULL, add_entity },
        [FIELD_NAME] = { write_name },
        [FIELD_NAME_LIST] = { NULL, add_name },
        [FIELD_ADDRESS_LIST] = { NULL, add_address },
        [FIELD_TELECOM_LIST] = { NULL, add_telecom, true },
        [FIELD_ORGANISATION] = { write_organisation },
        [FIELD_ORGANISATION_NAME] = { write_organisation_name },
        [FIELD_PRACTITIONER] = { write_practitioner },
        [FIELD_PARTICIPANT_LIST] = { NULL, add_participant, true },
        [FIELD_PLACE] = { write_place },
};

bool out_is_cleared(const Out *out, const char *path, const char *name) {
        size_t n = strlen(path);

        for (size_t i = 0; i < out->event->n_cleared; i++) {
                const char *cleared = out->event->cleared[i];

                if (strncmp(cleared, path, n) == 0 && cleared[n] == '.' && strcmp(cleared + n + 1, name) == 0)
                        return true;
        }
        return false;
}

/* Several rows may read one field of the contract: the first of them is where it is written. */
static bool was_written(const FieldTable *table, const FieldRow *row) {
        if (kinds[row->kind].shares)
                return false;
        for (const FieldRow *before = table->rows; before < row; before++)
                if (before->kind != FIELD_SKIPPED && before->offset == row->offset)
                        return true;
        return false;
}

static bool is_there(const Source *source) {
        const FieldRow *row = source->row;

        if (kinds[row->kind].add)
                return *(const size_t *)source->quantifier > 0;
        if (row->kind == FIELD_TRUTH || row->kind == FIELD_NUMBER)
                return *(const protobuf_c_boolean *)source->quantifier;
        return pointer_of(source);
}

static void row_write(const Source *source) {
        void *const *list;

        if (kinds[source->row->kind].write) {
                kinds[source->row->kind].write(source);
                return;
        }
        list = pointer_of(source);
        for (size_t i = 0; i < *(const size_t *)source->quantifier; i++)
                kinds[source->row->kind].add(source, list[i]);
}

void fields_write(Out *out, OutSegment *segment, const FieldTable *table, const void *target, const char *path) {
        for (const FieldRow *row = table->rows; segment && row < table->rows + table->n_rows; row++) {
                Source source = { .out = out,
                                  .segment = segment,
                                  .row = row,
                                  .field = (const uint8_t *)target + row->offset,
                                  .quantifier = (const uint8_t *)target + row->quantifier };

                if (row->kind == FIELD_SKIPPED || was_written(table, row))
                        continue;
                if (path)
                        source.path = out_format(out, "%s.%s", path, row->name);
                if (is_there(&source))
                        row_write(&source);
                else if (path && out_is_cleared(out, path, row->name))
                        out_set(out, segment, row->number, (char *)"\"\"");
        }
}
