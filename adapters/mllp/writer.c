/*
 * Which message an event becomes, its header, and how its segments become bytes.
 */
#include "adapters/mllp/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

#define ARENA_MAX (96UL << 20)
/* A value of the contract is at most 256 KiB; no message that anybody takes is larger than this. */
#define MESSAGE_MAX (16UL << 20)
#define OWN_SEGMENT "ZBU"

struct Writer {
        WriterOptions options;
        Hl7Separators separators;
        Arena *arena;
        Zone *zone;
        Encoder *encoder;
        const char *lacks;
};

/* ---- which message: one row a type, or one for all of a body */

typedef struct MessageRow {
        const char *type; /* encounter.admitted; encounter. for all of them */
        const char *message;
        void (*write)(Out *out);
} MessageRow;

static const MessageRow rows[] = {
        /* clang-format off */
        { "encounter.admitted", "ADT^A01", stay_write },
        { "encounter.transferred", "ADT^A02", stay_write },
        { "encounter.discharged", "ADT^A03", stay_write },
        { "encounter.ed_departed", "ADT^A03", stay_write },
        { "encounter.registered", "ADT^A04", stay_write },
        { "encounter.ed_arrived", "ADT^A04", stay_write },
        { "encounter.preadmitted", "ADT^A05", stay_write },
        { "encounter.updated", "ADT^A08", stay_write },
        { "encounter.admission_cancelled", "ADT^A11", stay_write },
        { "encounter.transfer_cancelled", "ADT^A12", stay_write },
        { "encounter.discharge_cancelled", "ADT^A13", stay_write },
        { "encounter.admission_planned", "ADT^A14", stay_write },
        { "encounter.transfer_planned", "ADT^A15", stay_write },
        { "encounter.discharge_planned", "ADT^A16", stay_write },
        { "encounter.leave_started", "ADT^A21", stay_write },
        { "encounter.leave_ended", "ADT^A22", stay_write },
        { "encounter.discharge_plan_cancelled", "ADT^A25", stay_write },
        { "encounter.transfer_plan_cancelled", "ADT^A26", stay_write },
        { "encounter.admission_plan_cancelled", "ADT^A27", stay_write },
        { "encounter.preadmission_cancelled", "ADT^A38", stay_write },
        { "encounter.leave_start_cancelled", "ADT^A52", stay_write },
        { "encounter.leave_end_cancelled", "ADT^A53", stay_write },
        { "encounter.rekeyed", "ADT^A50", merge_write },
        { "patient.registered", "ADT^A28", demographics_write },
        { "patient.merged", "ADT^A40", merge_write },
        { "patient.unmerged", "ADT^A37", merge_write },
        { "patient.linked", "ADT^A24", merge_write },
        { "patient.unlinked", "ADT^A37", merge_write },
        { "patient.moved", "ADT^A43", merge_write },
        { "patient.", "ADT^A31", demographics_write },
        { "death.", "ADT^A31", death_write },
        { "allergy.", "ADT^A60", allergies_write },
        { "condition.recorded", "ADT^A31", conditions_write },
        { "care_team.", "ADT^A31", team_write },
        { "consent.", "ADT^A31", consent_write },
        { "observation.", "ORU^R01", result_write },
        { "symptom.", "ORU^R01", result_write },
        { "outcome.", "ORU^R01", result_write },
        { "cpr_decision.", "ORU^R01", result_write },
        { "adrt.", "ORU^R01", result_write },
        { "lpa.", "ORU^R01", result_write },
        { "treatment_escalation.", "ORU^R01", result_write },
        { "preference.", "ORU^R01", result_write },
        { "advance_statement.", "ORU^R01", result_write },
        { "appointment.booked", "SIU^S12", appointment_write },
        { "appointment.rescheduled", "SIU^S13", appointment_write },
        { "appointment.cancelled", "SIU^S15", appointment_write },
        { "appointment.deleted", "SIU^S17", appointment_write },
        { "appointment.did_not_attend", "SIU^S26", appointment_write },
        { "appointment.", "SIU^S14", appointment_write },
        { "referral.requested", "REF^I12", referral_write },
        { "advice.requested", "REF^I12", referral_write },
        { "referral.changed", "REF^I13", referral_write },
        { "referral.cancelled", "REF^I14", referral_write },
        { "referral.", "REF^I15", referral_write },
        { "advice.", "REF^I15", referral_write },
        { "document.available", "MDM^T02", document_write },
        { "document.replaced", "MDM^T10", document_write },
        { "document.cancelled", "MDM^T11", document_write },
        { "care_plan.item_changed", "PPR^PC2", plan_write },
        { "record.granted", "ADT^A28", granted_write },
        /* All else is told in words: what HL7 has no message for, and what it has only an order for, which would ask to be carried out. */
        { "", "MDM^T02", document_write },
        /* clang-format on */
};

static const MessageRow *row_find(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                size_t n = strlen(rows[i].type);
                bool is_prefix = n == 0 || rows[i].type[n - 1] == '.';

                if (is_prefix ? strncmp(type, rows[i].type, n) == 0 : strcmp(type, rows[i].type) == 0)
                        return &rows[i];
        }
        return NULL;
}

/* Who writes a message that the profile names: A08 in place of A31 is still ADT. */
static const MessageRow *row_of_message(const MessageRow *own, const char *message) {
        if (strcmp(own->message, message) == 0 || strncmp(own->message, message, 3) == 0)
                return own;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].message, message) == 0)
                        return strncmp(message, "MDM", 3) == 0 ? &rows[i] : own;
        return own;
}

static const char *message_by_profile(const ProfileOut *settings, const char *type) {
        const char *of_all = NULL;
        size_t n = strcspn(type, ".");

        for (size_t i = 0; i < settings->n_events; i++) {
                const char *said = settings->events[i].type;

                if (strcmp(said, type) == 0)
                        return settings->events[i].message;
                if (strlen(said) == n && strncmp(said, type, n) == 0)
                        of_all = settings->events[i].message;
        }
        return of_all;
}

/* Whether an event has something that its usual message could say; else it is told in words. */
static bool fits_row(const Carebus__V1__Event *event, const MessageRow *row) {
        if (row->write == result_write)
                return event->body_case != CAREBUS__V1__EVENT__BODY_DECISION || decision_has_question(event);
        if (row->write == plan_write)
                return event->care_plan && event->care_plan->n_items == 1 && event->care_plan->items[0]->identifier &&
                       (event->care_plan->items[0]->problem || event->care_plan->items[0]->goal);
        if (row->write == allergies_write)
                return event->allergy && (event->allergy->substance || event->allergy->identifier);
        return true;
}

/* Somebody's own words on sharing have a segment in the United Kingdom, which is for who knows it. */
static bool knows_consent(const ProfileOut *settings) {
        for (size_t i = 0; i < settings->n_segments; i++)
                if (strcmp(settings->segments[i], "ZU8") == 0)
                        return true;
        return false;
}

static const MessageRow *choose(const WriterOptions *options, const Carebus__V1__Event *event,
                                const char **ret_message) {
        const ProfileOut *settings = &options->profile->out;
        const char *type = event->type ?: "", *said = message_by_profile(settings, type);
        const MessageRow *row = row_find(type);

        if (!said && (!fits_row(event, row) || (row->write == consent_write && !knows_consent(settings))))
                row = &rows[ELEMENTSOF(rows) - 1];
        *ret_message = said ?: row->message;
        if (strcmp(*ret_message, "none") == 0)
                return NULL;
        return said ? row_of_message(row, said) : row;
}

const char *writer_message_of(const WriterOptions *options, const Carebus__V1__Event *event) {
        const char *message;

        return choose(options, event, &message) ? message : NULL;
}

/* ---- memory and segments */

void *out_alloc(Out *out, size_t size) {
        void *memory = arena_alloc(out->arena, size);

        if (memory)
                memset(memory, 0, size);
        else
                out->is_full = true;
        return memory;
}

char *out_format(Out *out, const char *format, ...) {
        va_list arguments;
        char *text;
        int size;

        va_start(arguments, format);
        size = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        text = size < 0 ? NULL : out_alloc(out, (size_t)size + 1);
        if (!text)
                return NULL;
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)size + 1, format, arguments);
        va_end(arguments);
        return text;
}

OutSegment *out_segment(Out *out, const char *name) {
        OutSegment *segment = out->n_segments < OUT_SEGMENTS_MAX ? out_alloc(out, sizeof(*segment)) : NULL;

        if (!segment) {
                out->is_full = true;
                return NULL;
        }
        memcpy(segment->name, name, 3);
        out->segments[out->n_segments++] = segment;
        return segment;
}

void out_set(Out *out, OutSegment *segment, unsigned number, char *value) {
        if (!segment || !value)
                return;
        segment->fields[number] = value;
        if (number > segment->n_fields)
                segment->n_fields = number;
}

void out_repeat(Out *out, OutSegment *segment, unsigned number, char *value) {
        if (!segment || !value)
                return;
        out_set(out, segment, number,
                segment->fields[number]
                        ? out_join(out, out->separators.repeat, (char *const[]){ segment->fields[number], value }, 2)
                        : value);
}

void out_lacks(Out *out, const char *place) {
        out->lacks = out->lacks ?: place;
}

bool out_has_segment(const Out *out, const char *name) {
        for (size_t i = 0; i < out->settings->n_segments; i++)
                if (strcmp(out->settings->segments[i], name) == 0)
                        return true;
        return false;
}

bool out_is_from(const Out *out, const char *version) {
        return strcmp(out->settings->version ?: "2.4", version) >= 0;
}

/* ---- header and end */

/* HL7 table 0354: what a message is built like, where that is not its own name. */
static const struct {
        const char *message, *structure;
} structures[] = {
        { "ADT^A04", "ADT_A01" }, { "ADT^A08", "ADT_A01" }, { "ADT^A13", "ADT_A01" }, { "ADT^A14", "ADT_A05" },
        { "ADT^A28", "ADT_A05" }, { "ADT^A31", "ADT_A05" }, { "ADT^A11", "ADT_A09" }, { "ADT^A12", "ADT_A09" },
        { "ADT^A22", "ADT_A21" }, { "ADT^A25", "ADT_A21" }, { "ADT^A26", "ADT_A21" }, { "ADT^A27", "ADT_A21" },
        { "ADT^A53", "ADT_A52" }, { "ADT^A40", "ADT_A39" }, { "ADT^A44", "ADT_A43" }, { "ADT^A47", "ADT_A30" },
        { "ADT^A51", "ADT_A50" }, { "SIU^S13", "SIU_S12" }, { "SIU^S14", "SIU_S12" }, { "SIU^S15", "SIU_S12" },
        { "SIU^S17", "SIU_S12" }, { "SIU^S26", "SIU_S12" }, { "REF^I13", "REF_I12" }, { "REF^I14", "REF_I12" },
        { "REF^I15", "REF_I12" }, { "MDM^T03", "MDM_T01" }, { "MDM^T11", "MDM_T01" }, { "MDM^T10", "MDM_T02" },
        { "PPR^PC2", "PPR_PC1" }, { "PPR^PC3", "PPR_PC1" }, { "PGL^PC7", "PGL_PC6" }, { "PGL^PC8", "PGL_PC6" },
        { "MDM^T04", "MDM_T02" }, { "MDM^T06", "MDM_T02" }, { "MDM^T08", "MDM_T02" },
};

static char *message_type(Out *out) {
        size_t n = strcspn(out->message, "^");
        char *code = out_format(out, "%.*s", (int)n, out->message), *structure = NULL;
        const char *event = out->message[n] ? out->message + n + 1 : "";

        for (size_t i = 0; i < ELEMENTSOF(structures); i++)
                if (strcmp(structures[i].message, out->message) == 0)
                        structure = (char *)structures[i].structure;
        if (!structure)
                structure = out_format(out, "%s_%s", code ?: "", event);
        return OUT_COMPONENTS(out, out_text(out, code), out_text(out, event), out_text(out, structure));
}

/* Who was first: HL7 table 0155, AL always, NE never. */
static const struct {
        const char *acknowledgement, *accept, *application;
} modes[] = { { "accept", "AL", "NE" }, { "application", "NE", "AL" }, { "both", "AL", "AL" } };

/* When the bus took it in: the same at every try and after every start. */
static char *message_time(Out *out) {
        const Carebus__V1__Event *event = out->event;

        if (event->has_received_at)
                return out_time(out, event->received_at);
        return out_when(out, event->recorded_at) ?: out_when(out, event->occurred_at);
}

static OutSegment *header_write(Out *out) {
        const WriterOptions *options = out->options;
        OutSegment *msh = out_segment(out, "MSH");
        const char *mode = out->settings->acknowledgement ?: "original";
        const char id[2] = { options->processing_id ?: 'P', 0 };

        out_set(out, msh, 3, out_text(out, options->application));
        out_set(out, msh, 4, out_text(out, options->facility));
        out_set(out, msh, 5, out_text(out, options->receiving_application));
        out_set(out, msh, 6, out_text(out, options->receiving_facility));
        out_set(out, msh, 7, message_time(out));
        out_set(out, msh, 10, out_text(out, out->item->message_id));
        out_set(out, msh, 11, out_text(out, id));
        out_set(out, msh, 12, out_text(out, out->settings->version ?: "2.4"));
        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                if (strcmp(modes[i].acknowledgement, mode) == 0) {
                        out_set(out, msh, 15, out_text(out, modes[i].accept));
                        out_set(out, msh, 16, out_text(out, modes[i].application));
                }
        out_set(out, msh, 17, out_text(out, "GBR"));
        out_set(out, msh, 18, out_text(out, encoder_name(out->encoder)));
        return msh;
}

/* Whose word it is: the event, its source, who sent it there, by which message, and what kind of event. */
static void own_segment_write(Out *out) {
        const Carebus__V1__Event *event = out->item->event;
        OutSegment *zbu;

        if (text_equal(out->settings->own_id, "none") || !event->event_id)
                return;
        zbu = out_segment(out, OWN_SEGMENT);
        out_set(out, zbu, 1, out_own_entity(out));
        out_set(out, zbu, 2, out_text(out, event->source));
        if (event->sender)
                out_set(out, zbu, 3, out_text(out, event->sender->organisation));
        out_set(out, zbu, 4, out_text(out, event->source_message_id));
        out_set(out, zbu, 5, out_text(out, event->type));
        if (event->unconfirmed)
                out_set(out, zbu, 6, out_text(out, "unconfirmed"));
}

/* ---- bytes */

static void segment_append(const Out *out, const OutSegment *segment, Buffer *buffer) {
        const Hl7Separators *separators = &out->separators;
        bool is_header = strcmp(segment->name, "MSH") == 0;
        unsigned first = 1;

        buffer_append(buffer, segment->name, 3);
        if (is_header) {
                const uint8_t marks[] = { separators->field, separators->component, separators->repeat,
                                          separators->escape, separators->subcomponent };

                buffer_append(buffer, marks, sizeof(marks));
                first = 3;
        }
        for (unsigned number = first; number <= segment->n_fields; number++) {
                buffer_append_byte(buffer, separators->field);
                if (segment->fields[number])
                        buffer_append_text(buffer, segment->fields[number]);
        }
        buffer_append_byte(buffer, '\r');
}

/* `requires:` of the profile. A field that holds nothing but an order to be emptied is there. */
static void requirements_check(Out *out) {
        for (size_t i = 0; i < out->settings->n_requires; i++) {
                const char *place = out->settings->requires_[i];
                bool is_there = false, has_segment = false;
                Hl7Path path;

                if (hl7_path_parse(place, &path) < 0 || path.field > OUT_FIELDS_MAX)
                        continue;
                for (size_t j = 0; j < out->n_segments; j++)
                        if (strcmp(out->segments[j]->name, path.segment) == 0) {
                                has_segment = true;
                                is_there = is_there || out->segments[j]->fields[path.field];
                        }
                if (has_segment && !is_there)
                        out_lacks(out, place);
        }
}

static int message_append(Out *out, Buffer *ret) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < out->n_segments && text.size <= MESSAGE_MAX; i++)
                segment_append(out, out->segments[i], &text);
        if (text.error < 0)
                return text.error;
        return text.size > MESSAGE_MAX ? -E2BIG : encoder_append(out->encoder, buffer_bytes(&text), ret);
}

/* ---- the whole */

Writer *writer_free(Writer *writer) {
        if (!writer)
                return NULL;
        encoder_free(writer->encoder);
        zone_free(writer->zone);
        arena_free(writer->arena);
        free(writer);
        return NULL;
}

int writer_new(Writer **ret, const WriterOptions *options) {
        _cleanup_(writer_freep) Writer *writer = calloc(1, sizeof(*writer));
        const char *separators = options->profile->out.separators;
        int r;

        if (!writer)
                return -ENOMEM;
        writer->options = *options;
        writer->separators = HL7_SEPARATORS_DEFAULT;
        if (separators && strlen(separators) == 5)
                writer->separators = (Hl7Separators){ .field = (uint8_t)separators[0],
                                                      .component = (uint8_t)separators[1],
                                                      .repeat = (uint8_t)separators[2],
                                                      .escape = (uint8_t)separators[3],
                                                      .subcomponent = (uint8_t)separators[4] };
        r = arena_new(&writer->arena, ARENA_MAX);
        if (r == 0)
                r = zone_new(options->timezone, &writer->zone);
        if (r == 0)
                r = encoder_new(options->profile->out.charset, &writer->encoder);
        if (r != 0)
                return r < 0 ? r : -EINVAL;
        *ret = TAKE_PTR(writer);
        return 0;
}

const char *writer_lacks(const Writer *writer) {
        return writer->lacks;
}

static int outcome(Writer *writer, const Out *out) {
        writer->lacks = out->lacks;
        if (out->is_full)
                return -E2BIG;
        if (out->is_not_said)
                return WRITER_E_NOT_SAID;
        return out->lacks ? WRITER_E_NOT_WHOLE : 0;
}

int writer_write(Writer *writer, const WriterItem *item, Buffer *ret) {
        Out out = { .arena = writer->arena,
                    .options = &writer->options,
                    .settings = &writer->options.profile->out,
                    .zone = writer->zone,
                    .separators = writer->separators,
                    .encoder = writer->encoder,
                    .item = item };
        const MessageRow *row = choose(&writer->options, item->event, &out.message);
        OutSegment *msh;
        int r;

        writer->lacks = NULL;
        /* Of nobody, such as a service or a notice on the bus itself: HL7 speaks of persons. */
        if (!row || (!item->event->patient && !item->so_far))
                return WRITER_E_NOT_SAID;
        arena_reset(writer->arena);
        out.segments = out_alloc(&out, OUT_SEGMENTS_MAX * sizeof(*out.segments));
        if (!out.segments)
                return -ENOMEM;
        out.event = event_without_owned(&out, item->event);
        msh = header_write(&out);
        row->write(&out);
        out_set(&out, msh, 9, message_type(&out)); /* known only now: a document without content is another message */
        own_segment_write(&out);
        requirements_check(&out);
        r = outcome(writer, &out);
        return r != 0 ? r : message_append(&out, ret);
}
