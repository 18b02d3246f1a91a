#include "daemon/serve/notice-numbers.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/relationships.h"
#include "daemon/serve/record-cut.h"

typedef Carebus__V1__PersonIdentifier PersonIdentifier;

bool notice_numbers_needed(const PublishedEvent *event) {
        return event->from_bus && event->patient_id[0] && !text_equal(event->type, "record.granted");
}

static bool takes_back(const char *type) {
        return text_equal(type, "record.withdrawn") || text_equal(type, "record.corrected");
}

/* ---- what it was given ---------------------------------------------------------------------------------------------------------- */

/* Who the person was to the rules while the team had to do with them: what ended, and what the notice says ended, counts still. All else is
 * as it is now. */
static int person_before(Sight *sight, size_t team, const Carebus__V1__Event *event, Arena *arena,
                         const SharingPerson **ret) {
        const Sharing *sharing = sight_sharing(sight);
        const Carebus__V1__Notice *notice = event->notice;
        Carebus__V1__Relationship *ended = message_new(&carebus__v1__relationship__descriptor, arena);
        Carebus__V1__PersonSharing *person;
        int r;

        *ret = NULL;
        r = person_sharing_read(view_txn(sight_view(sight)), event->patient->patient_id, arena, &person);
        if (r == RECORD_E_NOT_FOUND)
                return 0;
        if (r != 0 || !ended)
                return r != 0 ? error_fold(r) : -ENOMEM;
        for (size_t i = 0; i < person->n_relationships; i++)
                person->relationships[i]->has_ended = person->relationships[i]->has_until_at = 0;
        ended->team = sharing_config(sharing)->teams[team].name;
        ended->kind = notice->code;
        if (text_equal(event->type, "record.withdrawn") && notice->code)
                r = list_append((void ***)&person->relationships, &person->n_relationships, ended, arena);
        return r ?: sharing_person(sharing, person, arena, ret);
}

/* Was the number given: in an event that first said it, or in a record? */
static int was_given(Sight *sight, size_t team, const char *patient_id, const PersonIdentifier *number) {
        const SightWithdrawal by = { .patient_id = patient_id, .type = SECTION_DEMOGRAPHICS };

        return number->event_id ? sight_was_given(sight, team, number->event_id, &by) : 0;
}

/* ---- the list ------------------------------------------------------------------------------------------------------------------- */

static bool has_number(const Carebus__V1__Subject *subject, const Carebus__V1__Identifier *number) {
        for (size_t i = 0; i < subject->n_identifiers; i++)
                if (text_equal(subject->identifiers[i]->system, number->system) &&
                    text_equal(subject->identifiers[i]->value, number->value))
                        return true;
        return false;
}

static int number_add(Carebus__V1__Subject *subject, Carebus__V1__Identifier *number, Arena *arena) {
        return has_number(subject, number)
                       ? 0
                       : list_append((void ***)&subject->identifiers, &subject->n_identifiers, number, arena);
}

static int add_given(Sight *sight, size_t team, Carebus__V1__Event *event, Arena *arena) {
        Carebus__V1__Subject *subject = event->patient;
        const SharingPerson *before;
        PersonIdentifier **numbers = NULL;
        size_t n = 0;
        int r = person_before(sight, team, event, arena, &before);

        if (r == 0 && before)
                r = record_numbers_for_team(sight, team, before, subject->patient_id, arena, &numbers, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                r = was_given(sight, team, subject->patient_id, numbers[i]);
                if (r > 0)
                        r = number_add(subject, numbers[i]->identifier, arena);
        }
        return r;
}

int notice_numbers_add(Sight *sight, size_t team, const SharingPerson *person, Carebus__V1__Event *event,
                       Arena *arena) {
        PersonIdentifier **numbers = NULL;
        size_t n = 0;
        int r;

        if (!event->patient || !event->patient->patient_id || event->body_case != CAREBUS__V1__EVENT__BODY_NOTICE)
                return 0;
        r = record_numbers_for_team(sight, team, person, event->patient->patient_id, arena, &numbers, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = number_add(event->patient, numbers[i]->identifier, arena);
        if (r == 0 && takes_back(event->type))
                r = add_given(sight, team, event, arena);
        return r;
}
