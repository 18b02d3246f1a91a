#include "daemon/record/encounter.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "proto/check.h"

/* What an event does to the course of an encounter. */
typedef enum Phase {
        PHASE_UPDATE, /* says something of it, and does nothing to its course */
        PHASE_PREADMIT,
        PHASE_PLAN_ADMIT,
        PHASE_REGISTER,
        PHASE_ADMIT,
        PHASE_PLAN_TRANSFER,
        PHASE_TRANSFER,
        PHASE_LEAVE,
        PHASE_RETURN,
        PHASE_PLAN_DISCHARGE,
        PHASE_DISCHARGE,
} Phase;

typedef struct Step {
        const char *type;
        Phase phase;
        bool undo;
        const char *status; /* of the encounter after it; of an undoing one: where nothing before it tells */
} Step;

static const Step steps[] = {
        { "encounter.preadmitted", PHASE_PREADMIT, false, "planned" },
        { "encounter.preadmission_cancelled", PHASE_PREADMIT, true, "cancelled" },
        { "encounter.admission_planned", PHASE_PLAN_ADMIT, false, "planned" },
        { "encounter.admission_plan_cancelled", PHASE_PLAN_ADMIT, true, "cancelled" },
        { "encounter.registered", PHASE_REGISTER, false, "in-progress" },
        { "encounter.ed_arrived", PHASE_REGISTER, false, "in-progress" },
        { "encounter.admitted", PHASE_ADMIT, false, "in-progress" },
        { "encounter.admission_cancelled", PHASE_ADMIT, true, "cancelled" },
        { "encounter.transfer_planned", PHASE_PLAN_TRANSFER, false, NULL },
        { "encounter.transfer_plan_cancelled", PHASE_PLAN_TRANSFER, true, NULL },
        { "encounter.transferred", PHASE_TRANSFER, false, "in-progress" },
        { "encounter.transfer_cancelled", PHASE_TRANSFER, true, "in-progress" },
        { "encounter.leave_started", PHASE_LEAVE, false, "on-leave" },
        { "encounter.leave_start_cancelled", PHASE_LEAVE, true, "in-progress" },
        { "encounter.leave_ended", PHASE_RETURN, false, "in-progress" },
        { "encounter.leave_end_cancelled", PHASE_RETURN, true, "on-leave" },
        { "encounter.discharge_planned", PHASE_PLAN_DISCHARGE, false, NULL },
        { "encounter.discharge_plan_cancelled", PHASE_PLAN_DISCHARGE, true, NULL },
        { "encounter.discharged", PHASE_DISCHARGE, false, "finished" },
        { "encounter.ed_departed", PHASE_DISCHARGE, false, "finished" },
        { "encounter.discharge_cancelled", PHASE_DISCHARGE, true, "in-progress" },
};
static const Step step_update = { "encounter.updated", PHASE_UPDATE, false, NULL };
/* The whole was a mistake. */
static const Step step_withdrawn = { "encounter.updated", PHASE_UPDATE, true, "entered-in-error" };

/* Fields that belong to a phase alone: they go when it is undone, whoever repeated them since. */
static const struct {
        Phase phase;
        const char *field;
} phase_fields[] = {
        { PHASE_PLAN_TRANSFER, "pending_place" },
        { PHASE_TRANSFER, "transferred_at" },
        { PHASE_TRANSFER, "transfer_reason" },
        { PHASE_LEAVE, "leave_from_at" },
        { PHASE_LEAVE, "leave_until_at" },
        { PHASE_PLAN_DISCHARGE, "expected_discharge_at" },
        { PHASE_DISCHARGE, "discharged_at" },
        { PHASE_DISCHARGE, "discharge_method" },
        { PHASE_DISCHARGE, "discharge_disposition" },
        { PHASE_DISCHARGE, "discharge_destination" },
        { PHASE_DISCHARGE, "died" },
};

static Step step_of(const Carebus__V1__Event *event) {
        bool in_error = event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                if (strcmp(steps[i].type, event->type) != 0)
                        continue;
                if (!in_error || steps[i].undo)
                        return steps[i];
                /* "This admission was entered in error" says what a cancelled admission says. */
                for (size_t j = 0; j < ELEMENTSOF(steps); j++)
                        if (steps[j].undo &&
                            steps[j].phase == (steps[i].phase == PHASE_REGISTER ? PHASE_ADMIT : steps[i].phase))
                                return steps[j];
        }
        return in_error ? step_withdrawn : step_update;
}

bool encounter_undoes(const Carebus__V1__Event *event) {
        return step_of(event).undo;
}

bool encounter_is_presence(const Carebus__V1__Event *event) {
        Step step = step_of(event);

        return !step.undo && (step.phase == PHASE_REGISTER || step.phase == PHASE_ADMIT ||
                              step.phase == PHASE_TRANSFER || step.phase == PHASE_LEAVE || step.phase == PHASE_RETURN);
}

static const Carebus__V1__Encounter *encounter_of(const Carebus__V1__Event *event) {
        static const Carebus__V1__Encounter nothing = CAREBUS__V1__ENCOUNTER__INIT;

        /* Where the correlators say enough, the body may be left out. */
        return event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER && event->encounter ? event->encounter : &nothing;
}

static const Carebus__V1__Identifier *identifier_of(const Carebus__V1__Event *event) {
        const Carebus__V1__Encounter *encounter = encounter_of(event);

        if (event->encounter_id && event->encounter_id->value)
                return event->encounter_id;
        if (encounter->identifier && encounter->identifier->value)
                return encounter->identifier;
        return encounter->account && encounter->account->value ? encounter->account : NULL;
}

char *encounter_key(const Carebus__V1__Event *event, Arena *arena) {
        const Carebus__V1__Encounter *encounter = encounter_of(event);
        const Carebus__V1__Identifier *identifier = identifier_of(event);

        if (identifier)
                return text_joined(arena, identifier->system ?: "", "|", identifier->value, NULL);
        if (encounter->admitted_at && encounter->admitted_at->has_utc_at)
                return arena_format(arena, "admitted:%lld", (long long)encounter->admitted_at->utc_at);
        return arena_format(arena, "event:%s", event->event_id);
}

Carebus__V1__Claim *encounter_claim(const Said *said, Arena *arena) {
        Carebus__V1__Claim *claim = arena_alloc(arena, sizeof(*claim));
        Carebus__V1__Event *event = message_shallow_copy(&said->event->base, arena);

        if (!claim || !event)
                return NULL;
        carebus__v1__claim__init(claim);
        event->patient = NULL;
        event->n_notes = 0;
        claim->event = event;
        claim->stamp = stamp_make(said->stamp, arena);
        return claim->stamp ? claim : NULL;
}

/* Numbers of Event and Claim that are written by hand. */
enum {
        EVENT_ID = 1,
        EVENT_RECEIVED_AT = 6,
        EVENT_SOURCE = 7,
        EVENT_MESSAGE_ID = 8,
        EVENT_PATIENT = 11,
        EVENT_NOTES = 26,
        EVENT_CONFIRMS = 29,
        EVENT_LOADED = 30
};

static size_t varint_put(uint8_t *to, uint64_t value) {
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                to[n++] = (uint8_t)(value | 0x80);
        to[n++] = (uint8_t)value;
        return n;
}

static uint8_t *text_put(uint8_t *to, unsigned number, const char *text) {
        size_t size = strlen(text);

        to += varint_put(to, number << 3 | 2);
        to += varint_put(to, size);
        memcpy(to, text, size);
        return to + size;
}

/* The event's fields as they are, but for what a claim does not keep and what the bus sets: that comes behind them. */
static uint8_t *event_cut(uint8_t *to, const Said *said) {
        const Carebus__V1__Event *event = said->event;
        size_t offset = 0, began;
        bool has_message_id = false;
        WireField field;

        for (began = 0; wire_field_next(said->packed, &offset, &field) == 0; began = offset) {
                if (field.number == EVENT_ID || field.number == EVENT_RECEIVED_AT || field.number == EVENT_SOURCE ||
                    field.number == EVENT_PATIENT || field.number == EVENT_NOTES || field.number == EVENT_CONFIRMS ||
                    field.number == EVENT_LOADED)
                        continue;
                has_message_id = has_message_id || field.number == EVENT_MESSAGE_ID;
                memcpy(to, said->packed.data + began, offset - began);
                to += offset - began;
        }
        to = text_put(to, EVENT_ID, event->event_id);
        to += varint_put(to, EVENT_RECEIVED_AT << 3);
        to += varint_put(to, (uint64_t)event->received_at);
        to = text_put(to, EVENT_SOURCE, event->source);
        if (!has_message_id && event->source_message_id)
                to = text_put(to, EVENT_MESSAGE_ID, event->source_message_id);
        if (event->has_loaded && event->loaded) {
                to += varint_put(to, EVENT_LOADED << 3);
                to += varint_put(to, 1);
        }
        return to;
}

Bytes encounter_claim_packed(const Said *said, const Carebus__V1__Claim *claim, Arena *arena) {
        size_t n_stamp = carebus__v1__stamp__get_packed_size(claim->stamp), n_added, n_event;
        uint8_t *event, *packed, *at;

        if (said->packed.size == 0)
                return message_pack(&claim->base, arena);
        n_added = strlen(said->event->event_id) + strlen(said->event->source) +
                  (said->event->source_message_id ? strlen(said->event->source_message_id) : 0) + 64;
        event = arena_alloc(arena, said->packed.size + n_added);
        packed = at = arena_alloc(arena, said->packed.size + n_added + n_stamp + 32);
        if (!event || !packed)
                return BYTES_NULL;
        n_event = (size_t)(event_cut(event, said) - event);
        at += varint_put(at, 1 << 3 | 2); /* Claim.event */
        at += varint_put(at, n_event);
        memcpy(at, event, n_event);
        at += n_event;
        at += varint_put(at, 2 << 3 | 2); /* Claim.stamp */
        at += varint_put(at, n_stamp);
        at += carebus__v1__stamp__pack(claim->stamp, at);
        return bytes_of(packed, (size_t)(at - packed));
}

/* What is laid on while claims are read in order. */
typedef struct Course {
        Carebus__V1__StoredFact *stored;
        Carebus__V1__Encounter *value;
        FieldMask emptied;
        bool lists_whole;
        Arena *arena;
} Course;

/* Emptied fields are kept as a mask beside the fact, and shown as paths in it. */
static int emptied_write(Course *course) {
        Carebus__V1__StoredFact *stored = course->stored;
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__encounter__descriptor;
        Carebus__V1__FieldStamps *stamps;

        stored->n_fields = 0;
        stored->fact->n_cleared = 0;
        if (course->emptied == 0)
                return 0;
        stamps = arena_alloc(course->arena, sizeof(*stamps));
        if (!stamps)
                return -ENOMEM;
        carebus__v1__field_stamps__init(stamps);
        stamps->has_emptied = 1;
        stamps->emptied = course->emptied;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                char *path;

                if (!(course->emptied & field_mask_of(descriptor->fields[i].id)))
                        continue;
                path = arena_format(course->arena, "encounter.%s", descriptor->fields[i].name);
                if (!path ||
                    list_append((void ***)&stored->fact->cleared, &stored->fact->n_cleared, path, course->arena) < 0)
                        return -ENOMEM;
        }
        return list_append((void ***)&stored->fields, &stored->n_fields, stamps, course->arena);
}

static const char *status_derived(const Carebus__V1__Encounter *value) {
        if (value->discharged_at)
                return "finished";
        return value->admitted_at ? "in-progress" : value->status;
}

static void status_write(Course *course) {
        Carebus__V1__Fact *fact = course->stored->fact;
        const char *status = course->stored->lifecycle ?: status_derived(course->value);

        course->value->status = (char *)status;
        if (text_equal(status, "finished"))
                fact->status = (char *)"ended";
        else if (text_equal(status, "cancelled") || text_equal(status, "entered-in-error"))
                fact->status = (char *)status;
        else
                fact->status = (char *)"current";
}

static void phase_empty(Course *course, Phase phase) {
        for (size_t i = 0; i < ELEMENTSOF(phase_fields); i++)
                if (phase_fields[i].phase == phase)
                        body_field_empty(&course->value->base,
                                         protobuf_c_message_descriptor_get_field_by_name(
                                                 &carebus__v1__encounter__descriptor, phase_fields[i].field));
}

/* Lays the claim's body over the value. An undoing claim says nothing of the fields that it undoes. */
static int body_apply(Course *course, const Carebus__V1__Claim *claim, const Step *step) {
        const Carebus__V1__Encounter *body = encounter_of(claim->event);
        const Carebus__V1__Identifier *identifier = identifier_of(claim->event);
        BodyPaths paths;
        int r;

        r = body_paths_read(claim->event, "encounter", &carebus__v1__encounter__descriptor, course->arena, &paths);
        if (r < 0)
                return r;
        paths.whole = course->lists_whole ? ~(FieldMask)0 : 0;
        if (claim->laid_together) {
                /* It stands for all before it: what comes later and was said earlier is not heard any more. */
                carebus__v1__encounter__init(course->value);
                course->emptied = 0;
        }
        r = body_lay(&course->value->base, &body->base, &paths, course->arena);
        if (r < 0)
                return r;
        course->emptied = (course->emptied | paths.emptied) & ~body_said(&body->base);
        if (step->undo)
                phase_empty(course, step->phase);
        if (!course->value->identifier)
                course->value->identifier = (Carebus__V1__Identifier *)identifier;
        return 0;
}

static int claim_apply(Course *course, const Carebus__V1__Claim *claim, const Step *step, bool *ret_changed) {
        Carebus__V1__Encounter before = *course->value;
        const char *lifecycle = course->stored->lifecycle;
        FieldMask emptied = course->emptied;
        int r;

        r = body_apply(course, claim, step);
        if (r < 0)
                return r;
        if (claim->laid_together)
                course->stored->lifecycle = claim->lifecycle;
        else if (step->status && !step->undo)
                course->stored->lifecycle = (char *)step->status;
        status_write(course);
        *ret_changed = !body_equal(&before.base, &course->value->base) ||
                       !text_equal(lifecycle, course->stored->lifecycle) || emptied != course->emptied;
        return 0;
}

static Said said_of(const Carebus__V1__Claim *claim) {
        return (Said){ .event = claim->event, .stamp = stamp_parts(claim->stamp) };
}

static int course_begin(Course *course, Carebus__V1__StoredFact *stored, bool lists_whole, Arena *arena) {
        Carebus__V1__Fact *fact = stored->fact;

        *course = (Course){ .stored = stored, .lists_whole = lists_whole, .arena = arena };
        if (fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER && fact->encounter)
                course->value = message_shallow_copy(&fact->encounter->base, arena);
        else {
                course->value = arena_alloc(arena, sizeof(*course->value));
                if (course->value)
                        carebus__v1__encounter__init(course->value);
        }
        if (!course->value)
                return -ENOMEM;
        if (stored->n_fields > 0)
                course->emptied = stored->fields[0]->emptied;
        fact->value_case = CAREBUS__V1__FACT__VALUE_ENCOUNTER;
        fact->encounter = course->value;
        return 0;
}

int encounter_add(Carebus__V1__StoredFact *stored, const Carebus__V1__Claim *claim, bool lists_whole, Arena *arena,
                  bool *ret_changed) {
        Step step = step_of(claim->event);
        Said said = said_of(claim);
        Course course;
        bool changed;
        int r;

        r = course_begin(&course, stored, lists_whole, arena);
        if (r < 0)
                return r;
        r = claim_apply(&course, claim, &step, &changed);
        if (r < 0)
                return r;
        if (changed || !stored->fact->event_id)
                r = fact_say(stored->fact, &said, arena);
        else
                fact_confirm(stored->fact, &said);
        if (r < 0)
                return r;
        stored->newest = claim->stamp;
        *ret_changed = changed;
        return emptied_write(&course);
}

static bool is_course(Phase phase) {
        return phase != PHASE_UPDATE && phase != PHASE_PLAN_TRANSFER && phase != PHASE_PLAN_DISCHARGE;
}

/* An admission is undone with all that followed it, back to the discharge that ended the stay before it; what was registered before it
 * (an attendance that became an admission) stays, unless there is nothing else to undo. */
static size_t undo_admission(const Step *course, bool *undone, size_t n) {
        size_t n_undone = 0;
        bool admitted = false;

        for (size_t i = n; i > 0; i--) {
                Phase phase = course[i - 1].phase;

                if (undone[i - 1] || course[i - 1].undo || phase == PHASE_UPDATE)
                        continue;
                if (phase == PHASE_PREADMIT || phase == PHASE_PLAN_ADMIT ||
                    (admitted && (phase == PHASE_DISCHARGE || phase == PHASE_REGISTER)))
                        break;
                admitted = admitted || phase == PHASE_ADMIT;
                undone[i - 1] = true;
                n_undone++;
        }
        return n_undone;
}

/* Marks what the undoing claim at `n` takes back; gives the last of it, or n when it finds nothing. */
static size_t undo_find(const Step *course, bool *undone, size_t n) {
        Phase phase = course[n].phase;
        size_t last = n;

        if (course[n].phase == PHASE_UPDATE) {
                for (size_t i = 0; i < n; i++)
                        undone[i] = undone[i] || is_course(course[i].phase);
                return n;
        }
        if (phase == PHASE_ADMIT) {
                undo_admission(course, undone, n);
                return n;
        }
        for (size_t i = n; i > 0; i--) {
                if (undone[i - 1] || course[i - 1].undo)
                        continue;
                if (course[i - 1].phase == phase) {
                        undone[i - 1] = true;
                        last = last == n ? i - 1 : last;
                        /* A move is undone one by one; a discharge that was sent again with another time is one discharge. */
                        if (phase == PHASE_TRANSFER)
                                break;
                } else if (is_course(course[i - 1].phase))
                        break;
        }
        return last;
}

/* Where the encounter stands after something was undone: as what is left before it says. */
static const char *lifecycle_after(const Step *course, const bool *undone, Carebus__V1__Claim *const *claims,
                                   size_t n) {
        const char *fallback = course[n].status;

        for (size_t i = n; i > 0; i--) {
                const char *status = claims[i - 1]->laid_together ? claims[i - 1]->lifecycle : course[i - 1].status;

                if (undone[i - 1] || course[i - 1].undo || !status)
                        continue;
                /* Nobody is discharged who was only expected: the admission has not come yet. */
                if (strcmp(status, "planned") == 0 && fallback && course[n].phase != PHASE_ADMIT &&
                    is_course(course[n].phase) && course[n].phase != PHASE_PREADMIT &&
                    course[n].phase != PHASE_PLAN_ADMIT)
                        return fallback;
                return status;
        }
        return fallback;
}

/* The place to go back to when the move at `target` is undone and the source does not say which. */
static void place_restore(Course *course, Carebus__V1__Claim *const *claims, const bool *undone, size_t target,
                          size_t undoing) {
        Carebus__V1__Place *place = encounter_of(claims[target]->event)->prior_place;

        if (encounter_of(claims[undoing]->event)->place)
                return;
        for (size_t i = target; i > 0 && !place; i--)
                if (!undone[i - 1])
                        place = encounter_of(claims[i - 1]->event)->place;
        if (place)
                course->value->place = place;
}

static int undo_apply(Course *course, Carebus__V1__Claim *const *claims, const Step *all, const bool *undone,
                      size_t i) {
        Said said = said_of(claims[i]);
        bool changed;
        int r;

        r = claim_apply(course, claims[i], &all[i], &changed);
        if (r < 0)
                return r;
        if (all[i].status || all[i].phase == PHASE_UPDATE)
                course->stored->lifecycle = (char *)(all[i].phase == PHASE_UPDATE
                                                             ? all[i].status
                                                             : lifecycle_after(all, undone, claims, i));
        status_write(course);
        return fact_say(course->stored->fact, &said, course->arena);
}

static int claims_lay(Course *course, Carebus__V1__Claim *const *claims, size_t n_claims, const Step *all,
                      const bool *undone, const size_t *targets) {
        for (size_t i = 0; i < n_claims; i++) {
                Said said = said_of(claims[i]);
                bool changed;
                int r;

                if (all[i].undo) {
                        r = undo_apply(course, claims, all, undone, i);
                        if (r == 0 && all[i].phase == PHASE_TRANSFER && targets[i] < i)
                                place_restore(course, claims, undone, targets[i], i);
                } else if (undone[i])
                        /* For the history; what undoes it follows and takes its place. */
                        r = fact_say(course->stored->fact, &said, course->arena);
                else {
                        r = claim_apply(course, claims[i], &all[i], &changed);
                        if (r == 0 && (changed || !course->stored->fact->event_id))
                                r = fact_say(course->stored->fact, &said, course->arena);
                        else if (r == 0)
                                fact_confirm(course->stored->fact, &said);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int encounter_reduce(Carebus__V1__StoredFact *stored, Carebus__V1__Claim *const *claims, size_t n_claims,
                     bool lists_whole, Arena *arena) {
        Step *all = arena_alloc(arena, n_claims * sizeof(*all));
        bool *undone = arena_alloc(arena, n_claims * sizeof(*undone));
        size_t *targets = arena_alloc(arena, n_claims * sizeof(*targets));
        Carebus__V1__StoredFact *fresh = fact_new(stored->fact->key, stored->fact->source, arena);
        Course course;
        int r;

        if (!all || !undone || !targets || !fresh)
                return -ENOMEM;
        for (size_t i = 0; i < n_claims; i++) {
                all[i] = claims[i]->laid_together ? step_update : step_of(claims[i]->event);
                undone[i] = false;
                targets[i] = all[i].undo ? undo_find(all, undone, i) : i;
        }
        r = course_begin(&course, fresh, lists_whole, arena);
        if (r < 0)
                return r;
        r = claims_lay(&course, claims, n_claims, all, undone, targets);
        if (r < 0)
                return r;
        if (n_claims > 0)
                fresh->newest = claims[n_claims - 1]->stamp;
        fact_place_keep(fresh, stored);
        fresh->fact->from_patient_id = stored->fact->from_patient_id;
        r = emptied_write(&course);
        if (r == 0)
                *stored = *fresh;
        return r;
}

int encounter_withdrawn(Carebus__V1__Claim *const *claims, size_t at, Arena *arena, Carebus__V1__Claim ***ret,
                        size_t *ret_n) {
        Step *all = arena_alloc(arena, (at + 1) * sizeof(*all));
        bool *undone = arena_alloc(arena, (at + 1) * sizeof(*undone)),
             *before = arena_alloc(arena, (at + 1) * sizeof(*before));
        Carebus__V1__Claim **found = arena_alloc(arena, (at + 1) * sizeof(*found));
        bool any_left = false;
        size_t n = 0;

        if (!all || !undone || !before || !found)
                return -ENOMEM;
        memset(undone, 0, (at + 1) * sizeof(*undone));
        memset(before, 0, (at + 1) * sizeof(*before));
        for (size_t i = 0; i <= at; i++) {
                all[i] = step_of(claims[i]->event);
                if (i == at)
                        memcpy(before, undone, (at + 1) * sizeof(*undone));
                if (all[i].undo)
                        undo_find(all, undone, i);
        }
        for (size_t i = 0; i < at; i++)
                any_left = any_left || (!undone[i] && !all[i].undo && is_course(all[i].phase));
        for (size_t i = 0; i < at; i++)
                if (!any_left || (undone[i] && !before[i]))
                        found[n++] = claims[i];
        *ret = found;
        *ret_n = n;
        return 0;
}

Carebus__V1__Claim *encounter_lay_together(Carebus__V1__Claim *const *claims, size_t n_claims, bool lists_whole,
                                           Arena *arena) {
        Carebus__V1__Claim *last = claims[n_claims - 1], *together = arena_alloc(arena, sizeof(*together));
        Carebus__V1__StoredFact *stored = fact_new("", last->event->source, arena);
        Carebus__V1__Event *event = message_shallow_copy(&last->event->base, arena);

        if (!together || !stored || !event || encounter_reduce(stored, claims, n_claims, lists_whole, arena) < 0)
                return NULL;
        carebus__v1__claim__init(together);
        event->type = (char *)step_update.type;
        event->has_action = 0;
        event->n_cleared = event->n_complete = 0;
        event->body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event->encounter = stored->fact->encounter;
        event->cleared = stored->fact->cleared;
        event->n_cleared = stored->fact->n_cleared;
        event->sensitivity = stored->fact->sensitivity;
        together->event = event;
        together->stamp = last->stamp;
        together->has_laid_together = together->laid_together = 1;
        together->lifecycle = stored->lifecycle;
        return together;
}
