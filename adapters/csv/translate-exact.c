/*
 * The exact form, read again (exact.c writes it): a row is one event, its numbers are whose they say, its codes stand in `parts`. Nothing
 * in it was typed by anybody, so nothing is refused for what it says: the bus that wrote it had taken it in.
 */
#include <string.h>

#include "adapters/csv/translate-rules.h"
#include "base/text.h"
#include "canon/when.h"
#include "proto/types.h"

static const char no_parts[] = "`parts` is not what a bus writes there; have the file made again";
static const char no_such_type[] =
        "this bus knows no such event_type: is the bus that wrote the file newer than this one?";
static const char no_such_event[] =
        "the columns of this table do not make the event that event_type names; have the file made again";
static const char no_such_action[] = "write new, update or entered-in-error into event_action";

/* ---- values */

/* A time that cannot be read is kept as it was said, as in every language. */
Carebus__V1__When *exact_when_of(RowWork *work, char *text) {
        Carebus__V1__When *when = draft_when(&work->draft, text);

        if (when)
                (void)when_fill(when, work->zone);
        return when;
}

Carebus__V1__Date *exact_date_of(RowWork *work, char *text) {
        Carebus__V1__Date *date = draft_date(&work->draft, text);

        if (date)
                (void)date_fill(date);
        return date;
}

char *exact_part_text(RowWork *work, const char *name, size_t index, size_t value) {
        const Part *part = parts_find(&work->parts, name, index);

        return part ? part->values[value] : NULL;
}

Carebus__V1__Identifier *exact_part_identifier(RowWork *work, const char *name, size_t index) {
        const Part *part = parts_find(&work->parts, name, index);

        return part ? draft_identifier(&work->draft, part->values[0], NULL, NULL, part->values[1]) : NULL;
}

Carebus__V1__Coded *exact_part_coded(RowWork *work, const char *name, size_t index) {
        const Part *part = parts_find(&work->parts, name, index);
        Carebus__V1__Coded *coded = part ? ROW_MESSAGE(work, coded) : NULL;

        if (!coded)
                return NULL;
        coded->system = part->values[0];
        coded->code = part->values[1];
        coded->display = part->values[2];
        coded->text = part->values[3];
        if (!part->values[4] && !part->values[5] && !part->values[6])
                return coded;
        coded->original = ROW_MESSAGE(work, original_code);
        if (coded->original) {
                coded->original->system = part->values[4];
                coded->original->code = part->values[5];
                coded->original->display = part->values[6];
        }
        return coded;
}

bool exact_part_enum(RowWork *work, const char *name, const ProtobufCEnumDescriptor *type, int *ret) {
        const char *said = exact_part_text(work, name, 0, 0);
        const ProtobufCEnumValue *value = said ? protobuf_c_enum_descriptor_get_value_by_name(type, said) : NULL;

        if (value)
                *ret = value->value;
        return value;
}

bool exact_part_truth(RowWork *work, const char *name, protobuf_c_boolean *ret) {
        const char *said = exact_part_text(work, name, 0, 0);

        if (said)
                *ret = text_equal(said, "yes");
        return said;
}

Carebus__V1__When *exact_part_when(RowWork *work, const char *name) {
        char *said = exact_part_text(work, name, 0, 0);

        return said ? exact_when_of(work, said) : NULL;
}

/* ---- the row */

void exact_begin(RowWork *work) {
        int r;

        if (!work->exact[EXACT_PARTS])
                return;
        r = parts_read(work->exact[EXACT_PARTS], work->draft.arena, &work->parts);
        work->draft.is_full = work->draft.is_full || r < 0;
        if (r > 0)
                row_refuse(work, -1, no_parts);
}

static Carebus__V1__Event *event_of_type(const RowWork *work, const EventType *type) {
        for (size_t i = 0; i < work->draft.n_events; i++)
                if (text_equal(work->draft.events[i]->type, type->name))
                        return work->draft.events[i];
        for (size_t i = 0; i < work->draft.n_events; i++)
                if (work->draft.events[i]->body_case == type->body)
                        return work->draft.events[i];
        return NULL;
}

/* Of all that the columns say, what the row is: the others have rows of their own. */
static void keep_one(RowWork *work) {
        const EventType *type = event_type_find(work->exact[EXACT_TYPE]);
        Carebus__V1__Event *event = type && !type->from_bus ? event_of_type(work, type) : NULL;

        if (!event) {
                row_refuse(work, -1, type ? no_such_event : no_such_type);
                return;
        }
        if (!text_equal(event->type, type->name)) {
                event->type = (char *)type->name;
                event->has_action = true;
                event->action = type->action;
        }
        work->draft.events[0] = event;
        work->draft.n_events = 1;
}

static void action_read(RowWork *work, Carebus__V1__Event *event) {
        static const char *const words[] = { "new", "update", "entered-in-error" };
        int found = WORD_FIND(words, work->exact[EXACT_ACTION]);

        if (found < 0) {
                row_refuse(work, -1, no_such_action);
                return;
        }
        event->has_action = true;
        event->action = (Carebus__V1__Action)(CAREBUS__V1__ACTION__ACTION_NEW + found);
}

/* carebus:BUS#12.0: whose event it is that is handed on. */
static Carebus__V1__Identifier *carried_id(RowWork *work) {
        const char *said = work->exact[EXACT_EVENT], *mark = said ? strrchr(said, '#') : NULL;

        if (!mark)
                return NULL;
        return draft_identifier(&work->draft, draft_text(&work->draft, said, (size_t)(mark - said)), NULL, NULL,
                                draft_text(&work->draft, mark + 1, strlen(mark + 1)));
}

void exact_end(RowWork *work) {
        Carebus__V1__Identifier *carried = carried_id(work);

        if (work->exact[EXACT_TYPE])
                keep_one(work);
        for (size_t i = 0; i < work->draft.n_events && !work->is_refused; i++) {
                Carebus__V1__Event *event = work->draft.events[i];

                if (work->exact[EXACT_ACTION])
                        action_read(work, event);
                /* Where a type is said all of it is: an event may have no time of its own. */
                if (work->exact[EXACT_OCCURRED])
                        event->occurred_at = exact_when_of(work, work->exact[EXACT_OCCURRED]);
                else if (work->exact[EXACT_TYPE])
                        event->occurred_at = NULL;
                if (work->exact[EXACT_RECORDED])
                        event->recorded_at = exact_when_of(work, work->exact[EXACT_RECORDED]);
                event->carried_id = carried;
        }
        /* Rows of one file were said one after the other, and what was said is not held against what a person wrote before. */
        work->thing = work->said = NULL;
        work->order_at = NULL;
        work->birth_date = work->family_name = NULL;
}
