#include "daemon/record/plain.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain-parts.h"

#define CURRENT "current"
#define ENDED "ended"
#define CANCELLED "cancelled"
#define IN_ERROR "entered-in-error"
#define SUPERSEDED "superseded"

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name

typedef Carebus__V1__Claim Claim;
typedef Carebus__V1__Event Event;

/* What an event type says of where its fact stands; of one that is not here: it stands. */
static const struct {
        const char *type, *status;
} type_statuses[] = {
        { "adrt.ended", ENDED },
        { "advance_statement.ended", ENDED },
        { "advice.given", ENDED },
        { "alert.cleared", ENDED },
        { "anticipatory_meds.returned", ENDED },
        { "appointment.attended", ENDED },
        { "appointment.cancelled", CANCELLED },
        { "appointment.deleted", IN_ERROR },
        { "appointment.did_not_attend", ENDED },
        { "bereavement.closed", ENDED },
        { "bereavement.declined", ENDED },
        { "care_package.stopped", ENDED },
        { "care_plan.withdrawn", ENDED },
        { "care_team.member_ended", ENDED },
        { "condition.resolved", ENDED },
        { "cpr_decision.ended", ENDED },
        { "decision.ended", ENDED },
        { "document.cancelled", CANCELLED },
        { "episode.closed", ENDED },
        { "lpa.ended", ENDED },
        { "medication.stopped", ENDED },
        { "order.cancelled", CANCELLED },
        { "order.completed", ENDED },
        { "palliative_need.removed", ENDED },
        { "programme.completed", ENDED },
        { "referral.cancelled", CANCELLED },
        { "referral.closed", ENDED },
        { "referral.declined", ENDED },
        { "referral.redirected", ENDED },
        { "treatment_escalation.ended", ENDED },
        { "visit.done", ENDED },
        { "visit.missed", ENDED },
};

/* The same by a body's own word. */
static const struct {
        const char *word, *status;
} word_statuses[] = {
        { "attended", ENDED },
        { "cancelled", CANCELLED },
        { "cleared", ENDED },
        { "closed", ENDED },
        { "completed", ENDED },
        { "declined", ENDED },
        { "deleted", IN_ERROR },
        { "did-not-attend", ENDED },
        { "ended", ENDED },
        { "entered-in-error", IN_ERROR },
        { "expired", ENDED },
        { "inactive", ENDED },
        { "left", ENDED },
        { "missed", ENDED },
        { "redirected", ENDED },
        { "refuted", ENDED },
        { "removed", ENDED },
        { "resolved", ENDED },
        { "returned", ENDED },
        { "stopped", ENDED },
        { "superseded", SUPERSEDED },
        { "withdrawn", ENDED },
        { "done", ENDED },
};

static const char *const decision_statuses[] = {
        [CAREBUS__V1__DECISION__STATUS__STATUS_ENDED] = ENDED,
        [CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED] = SUPERSEDED,
        [CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED] = CANCELLED,
        [CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR] = IN_ERROR,
        [CAREBUS__V1__DECISION__STATUS__STATUS_RETRACTED] = ENDED,
};

static const char *status_of_type(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(type_statuses); i++)
                if (text_equal(type_statuses[i].type, type))
                        return type_statuses[i].status;
        return CURRENT;
}

static const char *status_of_body(const PlainRow *row, const ProtobufCMessage *body) {
        const char *word;

        if (row->body == BODY(DECISION)) {
                const Carebus__V1__Decision *decision = (const Carebus__V1__Decision *)body;

                return decision->has_status && (size_t)decision->status < ELEMENTSOF(decision_statuses) &&
                                       decision_statuses[decision->status]
                               ? decision_statuses[decision->status]
                               : CURRENT;
        }
        if (!row->status)
                return CURRENT;
        word = *(const char *const *)((const char *)body +
                                      protobuf_c_message_descriptor_get_field_by_name(body->descriptor, row->status)
                                              ->offset);
        for (size_t i = 0; word && i < ELEMENTSOF(word_statuses); i++)
                if (strcmp(word_statuses[i].word, word) == 0)
                        return word_statuses[i].status;
        return CURRENT;
}

typedef struct Course {
        const PlainRow *row;
        Carebus__V1__StoredFact *stored;
        ProtobufCMessage *value;
        FieldMask emptied, united; /* lists of which a part is said */
        const char *status;        /* NULL: nothing was laid yet */
        bool *undone;              /* one a claim */
        bool *repeats;
        bool has_first_said_at; /* as the fact had it before */
        int64_t first_said_at;
        Arena *arena;
} Course;

static FieldMask mask_of_names(const ProtobufCMessageDescriptor *descriptor, const char *const *names, size_t n_names) {
        FieldMask mask = 0;

        for (size_t i = 0; i < n_names && names[i]; i++)
                mask |= field_mask_of(protobuf_c_message_descriptor_get_field_by_name(descriptor, names[i])->id);
        return mask;
}

/* Does the claim say what the one that takes it back names? */
static bool claim_agrees(const PlainRow *row, const Claim *claim, const Claim *undoing) {
        const ProtobufCMessage *body = plain_body(claim->event), *wrong = plain_body(undoing->event);

        for (unsigned i = 0; i < wrong->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &wrong->descriptor->fields[i];

                if (row->status && strcmp(field->name, row->status) == 0)
                        continue;
                if (body_field_is_said(wrong, field) && !body_field_equal(body, wrong, field))
                        return false;
        }
        return true;
}

/* Of a place where statement follows statement, the statement that it names goes, else the newest; and the one before it is back. */
static void slot_undo(Course *course, Claim *const *claims, size_t n) {
        size_t found = n;

        for (size_t i = n; i > 0 && found == n; i--)
                if (!course->undone[i - 1] && !plain_is_in_error(claims[i - 1]->event) &&
                    claim_agrees(course->row, claims[i - 1], claims[n]))
                        found = i - 1;
        for (size_t i = n; i > 0 && found == n; i--)
                if (!course->undone[i - 1] && !plain_is_in_error(claims[i - 1]->event))
                        found = i - 1;
        if (found == n)
                return;
        course->undone[found] = true;
        for (size_t i = found; i > 0; i--) {
                if (course->undone[i - 1] || plain_is_in_error(claims[i - 1]->event))
                        continue;
                if (!body_equal(plain_body(claims[i - 1]->event), plain_body(claims[found]->event)))
                        break;
                course->undone[i - 1] = true;
        }
}

static void undone_find(Course *course, Claim *const *claims, size_t n_claims) {
        for (size_t i = 0; i < n_claims; i++) {
                if (!plain_is_in_error(claims[i]->event))
                        continue;
                if (course->row->slot)
                        slot_undo(course, claims, i);
                else
                        for (size_t j = 0; j < i; j++)
                                course->undone[j] = true;
        }
}

static int body_apply(Course *course, const Claim *claim, bool lists_whole) {
        BodyPaths paths;
        int r;

        r = body_paths_read(claim->event, course->row->name, course->value->descriptor, course->arena, &paths);
        if (r < 0)
                return r;
        paths.whole = lists_whole ? ~(FieldMask)0 : ~course->united;
        if (claim->laid_together) {
                /* It stands for all before it: what comes later and was said earlier is not heard any more. */
                course->value = message_new(course->value->descriptor, course->arena);
                course->emptied = 0;
                if (!course->value)
                        return -ENOMEM;
        }
        course->emptied = (course->emptied | paths.emptied) & ~body_said(plain_body(claim->event));
        return body_lay(course->value, plain_body(claim->event), &paths, course->arena);
}

static const char *status_after(const Course *course, const Claim *claim) {
        const char *status = claim->laid_together ? claim->lifecycle : status_of_type(claim->event->type);

        return strcmp(status, CURRENT) == 0 ? status_of_body(course->row, course->value) : status;
}

static int claim_lay(Course *course, const Claim *claim, bool lists_whole, bool *ret_changed) {
        ProtobufCMessage *before = message_shallow_copy(course->value, course->arena);
        const char *status = course->status;
        FieldMask emptied = course->emptied;
        int r;

        if (!before)
                return -ENOMEM;
        r = body_apply(course, claim, lists_whole);
        if (r < 0)
                return r;
        course->status = status_after(course, claim);
        *ret_changed = !status || strcmp(status, course->status) != 0 || emptied != course->emptied ||
                       !body_equal(before, course->value);
        return 0;
}

static Said said_of(const Claim *claim) {
        return (Said){ .event = claim->event, .stamp = stamp_parts(claim->stamp) };
}

/* One claim in its turn: what it says is laid on, what was taken back is only remembered. */
static int claim_tell(Course *course, Claim *const *claims, size_t i, bool lists_whole) {
        Carebus__V1__Fact *fact = course->stored->fact;
        Said said = said_of(claims[i]);
        bool changed = true;
        int r = 0;

        for (size_t j = 0; r == 0 && j < claims[i]->n_history; j++)
                r = fact_remember(fact, claims[i]->history[j], course->arena);
        if (r == 0 && !course->undone[i] && !plain_is_in_error(claims[i]->event))
                r = claim_lay(course, claims[i], lists_whole, &changed);
        if (r < 0)
                return r;
        if (claims[i]->event->encounter_id && claims[i]->event->encounter_id->value)
                fact->encounter_id = claims[i]->event->encounter_id;
        if (changed)
                return fact_say(fact, &said, course->arena);
        fact_confirm(fact, &said);
        course->repeats[i] = true;
        return 0;
}

/* All was a mistake: what it was is still shown. */
static int mistakes_lay(Course *course, Claim *const *claims, size_t n_claims, bool lists_whole) {
        const char *status = IN_ERROR;
        bool changed;

        for (size_t i = 0; i < n_claims; i++) {
                int r = claim_lay(course, claims[i], lists_whole, &changed);

                if (r < 0)
                        return r;
                if (plain_is_in_error(claims[i]->event))
                        status = strcmp(status_of_type(claims[i]->event->type), CANCELLED) == 0 ? CANCELLED : IN_ERROR;
        }
        course->status = status;
        return 0;
}

static int cleared_write(Course *course) {
        const ProtobufCMessageDescriptor *descriptor = course->value->descriptor;
        Carebus__V1__Fact *fact = course->stored->fact;

        for (unsigned i = 0; i < descriptor->n_fields && course->emptied; i++) {
                char *path;

                if (!(course->emptied & field_mask_of(descriptor->fields[i].id)))
                        continue;
                path = text_joined(course->arena, course->row->name, ".", descriptor->fields[i].name, NULL);
                if (!path || list_append((void ***)&fact->cleared, &fact->n_cleared, path, course->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* A fact whose place another takes stands back, unless it was said again since. */
static void replacement_apply(Carebus__V1__StoredFact *stored) {
        Carebus__V1__Fact *fact = stored->fact;
        const Carebus__V1__Replacement *newest = NULL;

        for (size_t i = 0; i < stored->n_replaced_by; i++)
                if (!newest || stamp_compare(stored->replaced_by[i]->stamp, newest->stamp) > 0)
                        newest = stored->replaced_by[i];
        if (!newest || !text_equal(fact->status, CURRENT) || stamp_compare(newest->stamp, stored->newest) <= 0)
                return;
        fact->status = (char *)SUPERSEDED;
        fact->end_reason = (char *)END_REASON_REPLACED;
        fact->ended_by_event_id = newest->event_id;
}

static int course_begin(Course *course, const PlainRow *row, const Carebus__V1__StoredFact *stored, size_t n_claims,
                        Arena *arena) {
        const ProtobufCMessageDescriptor *descriptor = plain_descriptor(row);

        *course = (Course){ .row = row, .arena = arena };
        course->stored = fact_new(stored->fact->key, stored->fact->source, arena);
        course->value = message_new(descriptor, arena);
        course->undone = arena_alloc(arena, n_claims + 1);
        course->repeats = arena_alloc(arena, n_claims + 1);
        course->united = mask_of_names(descriptor, row->partial, ELEMENTSOF(row->partial));
        if (!course->stored || !course->value || !course->undone || !course->repeats)
                return -ENOMEM;
        memset(course->undone, 0, n_claims);
        memset(course->repeats, 0, n_claims);
        course->stored->n_replaced_by = stored->n_replaced_by;
        course->stored->replaced_by = stored->replaced_by;
        course->stored->fact->from_patient_id = stored->fact->from_patient_id;
        course->has_first_said_at = stored->fact->has_first_said_at;
        course->first_said_at = stored->fact->first_said_at;
        return 0;
}

/* Of a decision: which of several copies came first tells which of them is the original. */
static void first_said_note(Course *course, Claim *const *claims, size_t n_claims) {
        Carebus__V1__Fact *fact = course->stored->fact;
        int64_t said_at;

        if (course->row->body != BODY(DECISION) || n_claims == 0)
                return;
        said_at = stamp_parts(claims[0]->stamp).said_at;
        if (claims[0]->laid_together && course->has_first_said_at)
                said_at = MIN(said_at, course->first_said_at);
        fact->has_first_said_at = 1;
        fact->first_said_at = said_at;
}

/* Out of claims to a fact; the claims are not kept with it yet. */
static int course_run(Course *course, Claim *const *claims, size_t n_claims, bool lists_whole) {
        Carebus__V1__Fact *fact = course->stored->fact;
        int r = 0;

        undone_find(course, claims, n_claims);
        for (size_t i = 0; r == 0 && i < n_claims; i++)
                r = claim_tell(course, claims, i, lists_whole);
        if (r == 0 && !course->status && n_claims > 0)
                r = mistakes_lay(course, claims, n_claims, lists_whole);
        if (r == 0)
                r = cleared_write(course);
        if (r < 0 || n_claims == 0)
                return r;
        first_said_note(course, claims, n_claims);
        plain_value_set(fact, course->row->body, course->value);
        fact->status = (char *)course->status;
        course->stored->newest = claims[n_claims - 1]->stamp;
        return 0;
}

/* What is only said again, between the first time and the last, is let go of. */
static size_t repeats_thin(const Course *course, Claim **claims, size_t n_claims) {
        size_t n = 0;

        for (size_t i = 0; i < n_claims; i++)
                if (!course->repeats[i] || i + 1 == n_claims || !course->repeats[i + 1])
                        claims[n++] = claims[i];
        return n;
}

static size_t claims_bytes(Claim *const *claims, size_t n_claims) {
        size_t n_bytes = 0;

        for (size_t i = 0; i < n_claims; i++)
                n_bytes += protobuf_c_message_get_packed_size(&claims[i]->base);
        return n_bytes;
}

/* One claim that stands for the first of them. */
static int claims_lay_together(const PlainRow *row, const Carebus__V1__StoredFact *stored, Claim **claims, size_t n,
                               bool lists_whole, Arena *arena, Claim **ret) {
        Claim *together = message_new(&carebus__v1__claim__descriptor, arena), *last = claims[n - 1];
        Event *event = message_shallow_copy(&last->event->base, arena);
        Course course;
        int r;

        if (!together || !event)
                return -ENOMEM;
        r = course_begin(&course, row, stored, n, arena);
        if (r == 0)
                r = course_run(&course, claims, n, lists_whole);
        if (r < 0)
                return r;
        event->has_action = 1;
        event->action = strcmp(course.status, IN_ERROR) == 0 ? CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
                                                             : CAREBUS__V1__ACTION__ACTION_UPDATE;
        event->n_complete = 0;
        event->cleared = course.stored->fact->cleared;
        event->n_cleared = course.stored->fact->n_cleared;
        event->sensitivity = course.stored->fact->sensitivity;
        event->encounter_id = course.stored->fact->encounter_id;
        plain_body_set(event, row->body, course.value);
        together->event = event;
        together->stamp = last->stamp;
        together->has_laid_together = together->laid_together = 1;
        together->lifecycle = (char *)course.status;
        together->history = course.stored->fact->history;
        together->n_history = course.stored->fact->n_history;
        *ret = together;
        return 0;
}

int plain_reduce(const PlainRow *row, Carebus__V1__StoredFact *stored, Claim **claims, size_t n_claims,
                 bool lists_whole, Arena *arena) {
        Course course;
        int r;

        if (n_claims > 2 && (n_claims > PLAIN_CLAIMS_MAX || claims_bytes(claims, n_claims) > PLAIN_BYTES_MAX)) {
                size_t n_laid = n_claims / 2;

                r = claims_lay_together(row, stored, claims, n_laid, lists_whole, arena, &claims[n_laid - 1]);
                if (r < 0)
                        return r;
                claims += n_laid - 1;
                n_claims -= n_laid - 1;
        }
        r = course_begin(&course, row, stored, n_claims, arena);
        if (r == 0)
                r = course_run(&course, claims, n_claims, lists_whole);
        if (r < 0)
                return r;
        if (n_claims > PLAIN_REPEATS_MAX)
                n_claims = repeats_thin(&course, claims, n_claims);
        r = plain_claims_keep(course.stored, claims, n_claims, arena);
        if (r < 0)
                return r;
        replacement_apply(course.stored);
        fact_place_keep(course.stored, stored);
        *stored = *course.stored;
        return 0;
}
