#include "daemon/stage/activity.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"

/* Things of one source, the latest: what is taken back gives way to the one before it. */
#define OF_SOURCE_MAX 8

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

        if (event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                return false;
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

/* May an event of this kind change whether what a sign of life is about still stands? */
static bool is_about_presence(const Event *event) {
        if (event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER ||
            strncmp(event->type, "encounter.", strlen("encounter.")) == 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                if (signs[i].body == event->body_case)
                        return true;
        return event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET;
}

static void activity_drop(Activities *all, size_t at) {
        memmove(&all->activities[at], &all->activities[at + 1],
                (all->n_activities - at - 1) * sizeof(*all->activities));
        all->n_activities--;
}

/* Of two things at one moment, the one that was said first. */
static bool is_earlier(const Activity *a, int64_t at, const Carebus__V1__Stamp *stamp) {
        return a->occurred_at != at ? a->occurred_at < at : stamp_compare(a->stamp, stamp) < 0;
}

/* The earliest of a source that has more of them than are kept; n_activities: it has not. */
static size_t activity_earliest(const Activities *all, const char *source) {
        size_t earliest = all->n_activities, n = 0;

        for (size_t i = 0; i < all->n_activities; i++) {
                const Activity *activity = all->activities[i];

                if (strcmp(activity->source, source) != 0)
                        continue;
                n++;
                if (earliest == all->n_activities ||
                    is_earlier(activity, all->activities[earliest]->occurred_at, all->activities[earliest]->stamp))
                        earliest = i;
        }
        return n <= OF_SOURCE_MAX ? all->n_activities : earliest;
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

/* *ret_kept: it is among the latest. */
static int activity_add(FoldWork *work, const Said *said, const char *name, int64_t at, Activities *all,
                        bool *ret_kept) {
        Activity *activity = message_new(&carebus__v1__activity__descriptor, work->arena);
        size_t earliest;
        int r;

        if (!activity || list_append((void ***)&all->activities, &all->n_activities, activity, work->arena) < 0)
                return -ENOMEM;
        r = activity_set(work, said, name, at, activity);
        if (r < 0)
                return r;
        earliest = activity_earliest(all, work->source);
        *ret_kept = earliest >= all->n_activities || all->activities[earliest] != activity;
        if (earliest < all->n_activities)
                activity_drop(all, earliest);
        return 0;
}

int activity_note(FoldWork *work, const Said *said, const char *patient_id, const char *name, bool *ret_changed) {
        StateKey key = state_key_section(patient_id, SECTION_ACTIVITY);
        bool kept = true;
        Activities *all;
        int64_t at = 0;
        size_t found;
        int r;

        /* What came back happened when its original did. */
        if (said->event->echo_of)
                return 0;
        if (!is_sign(said, &at)) {
                *ret_changed = *ret_changed || is_about_presence(said->event);
                return 0;
        }
        r = work_activities(work, patient_id, &all);
        if (r)
                return r;
        *ret_changed = true;
        found = activity_find(all, work->source, name);
        if (found == all->n_activities)
                r = activity_add(work, said, name, at, all, &kept);
        else if (stamp_parts_compare(stamp_parts(all->activities[found]->stamp), said->stamp) <= 0)
                r = activity_set(work, said, name, at, all->activities[found]);
        else
                return 0;
        return r || !kept ? r : work_put(work, STATE_SECTION, &key, &all->base);
}
