/* Dates of decisions that pass: to review one, of the end of its validity. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/record/decisions.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/due.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/standing.h"

static bool has_code(const Carebus__V1__Fact *fact, const char *code) {
        for (size_t i = 0; i < fact->n_standing; i++)
                if (strcmp(fact->standing[i], code) == 0)
                        return true;
        return false;
}

/* Of what has ended otherwise, or only repeats another, nobody has to hear. */
static const char *code_to_tell(const Carebus__V1__Fact *fact) {
        if (has_code(fact, "copy"))
                return NULL;
        if (has_code(fact, "valid-until-passed"))
                return "valid-until-passed";
        return has_code(fact, "review-passed") ? "review-passed" : NULL;
}

static int passed_publish(FoldWork *work, const char *about, const Stood *stood, const char *code, int64_t passed) {
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        Carebus__V1__Event *event = work_event(work, "decision.review_passed");
        const Said said = said_by_nobody();
        char *event_id;
        int r;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = (char *)code;
        notice->source = stood->fact->source;
        notice->section = (char *)"decisions";
        notice->path = (char *)"decision.review_at";
        notice->has_since_at = 1;
        notice->since_at = passed;
        r = list_append((void ***)&notice->event_ids, &notice->n_event_ids, stood->fact->event_id, work->arena);
        if (r < 0)
                return r;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        return work_derive(work, event, about, &said, &event_id);
}

static int standings_put(FoldWork *work, const Stood *stood, int64_t as_at) {
        StateKey key = state_key_section(stood->home, SECTION_STANDING);

        stood->stored->has_as_at = 1;
        stood->stored->as_at = MAX(stood->stored->as_at, as_at);
        return work_put(work, STATE_SECTION, &key, &stood->stored->base);
}

/* The date that has passed and that nobody has been told of; INT64_MIN: none. */
static int64_t passed_untold(const Stood *stood, int64_t as_at) {
        int64_t passed = code_to_tell(stood->fact) ? decision_passed(stood->fact, as_at) : INT64_MIN;

        return stood->standing->has_told_at && stood->standing->told_at >= passed ? INT64_MIN : passed;
}

/* Once a decision and date, whichever of its persons it came due for. */
static int stood_tell(FoldWork *work, const char *about, Stood *stood, int64_t due_at) {
        const char *code = code_to_tell(stood->fact);
        int64_t passed = passed_untold(stood, due_at);

        if (passed == INT64_MIN)
                return 0;
        stood->standing->has_told_at = 1;
        stood->standing->told_at = passed;
        return passed_publish(work, about, stood, code, passed);
}

/* Nobody is reminded of a decision of the dead. Where they are not dead after all, decision_remind() finds it again. */
static int person_due(FoldWork *work, const char *patient_id, int64_t due_at) {
        const Said said = said_by_nobody();
        Person *person, **members;
        size_t n_members, n_stood;
        Stood **stood;
        bool dead = false;
        int r;

        r = work_person(work, patient_id, &person);
        r = r ?: identify_members(work, person, &members, &n_members);
        r = r ?: standings_decisions(work, members, n_members, due_at, &stood, &n_stood);
        r = r ?: look_formally_dead(work, members, n_members, &dead);
        for (size_t i = 0; r == 0 && i < n_stood; i++) {
                r = dead ? 0 : stood_tell(work, members[0]->patient_id, stood[i], due_at);
                r = r ?: standings_put(work, stood[i], due_at);
        }
        r = r ?: conflict_settle(work, &said, person, /* deaths_only= */ false);
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

int decision_remind(FoldWork *work, Person *const *members, Stood *const *stood, size_t n_stood) {
        for (size_t i = 0; i < n_stood; i++)
                if (passed_untold(stood[i], work->received_at) != INT64_MIN)
                        return due_add(work, work->received_at, DUE_DECISION, members[0]->patient_id);
        return 0;
}

int decision_due(FoldWork *work, int64_t due_at) {
        size_t n_ids = 0;
        char **ids;
        int r;

        r = due_list(work, due_at, DUE_DECISION, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++)
                r = person_due(work, ids[i], due_at);
        return r;
}
