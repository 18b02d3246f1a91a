#include "daemon/stage/activity.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"

/* Of one source: what is taken back gives way to the one before it, and one more is always there. */
#define OF_SOURCE_MAX 4

typedef Carebus__V1__Activity Activity;
typedef Carebus__V1__Event Event;
typedef Carebus__V1__StoredActivities Activities;
typedef Carebus__V1__When When;

static const When *observed_at(const Event *event) {
        return event->observation->observed_at;
}

static const When *measured_at(const Event *event) {
        return event->measure->measured_at;
}

static const When *given_at(const Event *event) {
        return event->medication->given_at;
}

static const When *arrived_at(const Event *event) {
        return event->appointment->arrived_at ?: event->appointment->start_at;
}

static const When *contact_at(const Event *event) {
        return event->contact->start_at;
}

static const When *used_at(const Event *event) {
        return event->anticipatory_medicines->used_at;
}

static const When *counted_at(const Event *event) {
        return event->programme->visit_at;
}

static bool was_given(const Event *event) {
        return !text_equal(event->medication->status, "not-given");
}

/* The family is rung after a death, and a nurse comes to verify it: only who met the person has seen them alive. */
static bool met_the_person(const Event *event) {
        static const char *const attended[] = { "5", "6" };
        const Carebus__V1__Contact *contact = event->contact;

        for (size_t i = 0; i < contact->n_with_whom; i++)
                if (text_equal(contact->with_whom[i]->code, "patient") ||
                    text_equal(contact->with_whom[i]->text, "patient"))
                        return true;
        for (size_t i = 0; contact->attendance && i < ELEMENTSOF(attended); i++)
                if (text_equal(contact->attendance->code, attended[i]))
                        return true;
        return false;
}

static const struct {
        const char *type;
        Carebus__V1__Event__BodyCase body;
        const When *(*at)(const Event *event);
        bool (*is)(const Event *event); /* NULL: always */
} signs[] = {
        { "anticipatory_meds.used", CAREBUS__V1__EVENT__BODY_ANTICIPATORY_MEDICINES, used_at, NULL },
        { "appointment.arrived", CAREBUS__V1__EVENT__BODY_APPOINTMENT, arrived_at, NULL },
        { "appointment.attended", CAREBUS__V1__EVENT__BODY_APPOINTMENT, arrived_at, NULL },
        { "contact.recorded", CAREBUS__V1__EVENT__BODY_CONTACT, contact_at, met_the_person },
        { "medication.given", CAREBUS__V1__EVENT__BODY_MEDICATION, given_at, was_given },
        { "observation.recorded", CAREBUS__V1__EVENT__BODY_OBSERVATION, observed_at, NULL },
        { "outcome.measured", CAREBUS__V1__EVENT__BODY_MEASURE, measured_at, NULL },
        { "programme.visit_counted", CAREBUS__V1__EVENT__BODY_PROGRAMME, counted_at, NULL },
        { "symptom.reported", CAREBUS__V1__EVENT__BODY_OBSERVATION, observed_at, NULL },
        { "visit.done", CAREBUS__V1__EVENT__BODY_CONTACT, contact_at, met_the_person },
};

static bool when_is_known(const When *when) {
        return when && when->has_utc_at;
}

/* Was somebody there, and when? Of a result only the time when it was taken tells that. */
static bool is_sign(const Said *said, int64_t *ret_at) {
        const Event *event = said->event;
        const When *at = NULL;

        if (encounter_is_presence(event)) {
                *ret_at = when_is_known(event->occurred_at) ? event->occurred_at->utc_at : said->stamp.said_at;
                return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                if (strcmp(signs[i].type, event->type) == 0 && signs[i].body == event->body_case &&
                    (!signs[i].is || signs[i].is(event))) {
                        at = signs[i].at(event);
                        at = when_is_known(at) ? at : event->occurred_at;
                }
        if (!when_is_known(at))
                return false;
        *ret_at = at->utc_at;
        return true;
}

static size_t activity_find(const Activities *all, const char *source, const char *name) {
        size_t i = 0;

        while (i < all->n_activities &&
               (strcmp(all->activities[i]->source, source) != 0 || strcmp(all->activities[i]->fact, name) != 0))
                i++;
        return i;
}

static void activity_drop(Activities *all, size_t at) {
        memmove(&all->activities[at], &all->activities[at + 1],
                (all->n_activities - at - 1) * sizeof(*all->activities));
        all->n_activities--;
}

/* The earliest of a source that has enough of them; n_activities: it has not. */
static size_t activity_earliest(const Activities *all, const char *source) {
        size_t earliest = all->n_activities, n = 0;

        for (size_t i = 0; i < all->n_activities; i++) {
                if (strcmp(all->activities[i]->source, source) != 0)
                        continue;
                n++;
                if (earliest == all->n_activities ||
                    all->activities[i]->occurred_at < all->activities[earliest]->occurred_at)
                        earliest = i;
        }
        return n < OF_SOURCE_MAX ? all->n_activities : earliest;
}

static int activity_set(FoldWork *work, const Said *said, const char *name, int64_t at, Activity *activity) {
        activity->source = (char *)work->source;
        activity->has_occurred_at = 1;
        activity->occurred_at = at;
        activity->event_id = said->event->event_id;
        activity->fact = (char *)name;
        activity->stamp = stamp_make(said->stamp, work->arena);
        return activity->stamp ? 0 : -ENOMEM;
}

static int activity_add(FoldWork *work, const Said *said, const char *name, int64_t at, Activities *all) {
        size_t earliest = activity_earliest(all, work->source);
        Activity *activity;

        if (earliest < all->n_activities) {
                if (all->activities[earliest]->occurred_at >= at)
                        return 0;
                activity_drop(all, earliest);
        }
        activity = message_new(&carebus__v1__activity__descriptor, work->arena);
        if (!activity || list_append((void ***)&all->activities, &all->n_activities, activity, work->arena) < 0)
                return -ENOMEM;
        return activity_set(work, said, name, at, activity) ?: 1;
}

int activity_note(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                  const Carebus__V1__StoredFact *stored, bool *ret_changed) {
        bool gone = !text_equal(stored->fact->status, "current") && !text_equal(stored->fact->status, "ended");
        StateKey key = state_key_section(patient_id, SECTION_ACTIVITY);
        bool is = false;
        Activities *all;
        int64_t at = 0;
        size_t found;
        int r;

        is = !gone && is_sign(said, &at);
        if (!gone && !is)
                return 0;
        r = work_activities(work, patient_id, &all);
        if (r)
                return r;
        found = activity_find(all, work->source, name);
        if (gone) {
                if (found == all->n_activities)
                        return 0;
                activity_drop(all, found);
        } else if (found < all->n_activities) {
                if (stamp_parts_compare(stamp_parts(all->activities[found]->stamp), said->stamp) > 0)
                        return 0;
                r = activity_set(work, said, name, at, all->activities[found]);
        } else {
                r = activity_add(work, said, name, at, all);
                if (r == 0)
                        return 0; /* earlier than all that are kept */
        }
        if (r < 0)
                return r;
        *ret_changed = true;
        return work_put(work, STATE_SECTION, &key, &all->base);
}
