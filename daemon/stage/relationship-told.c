/* Who is told that they have a relationship with a person now, or none any more. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/relationships.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/due.h"
#include "daemon/stage/grant.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/relationship.h"

typedef Carebus__V1__StoredSharing StoredSharing;
typedef Carebus__V1__Relationship Relationship;
typedef Carebus__V1__PersonSharing PersonSharing;
typedef Carebus__V1__Settings Settings;

/* ---- what all who are one come to ----------------------------------------------------------------------------------------------- */

static int reader_get(void *owner, StateTable table, const StateKey *key, const ProtobufCMessageDescriptor *descriptor,
                      ProtobufCMessage **ret) {
        FoldWork *work = owner;

        /* Persons and what is shared of them are unpacked already, and may have changed. Keys of both begin with the patient id. */
        if (table == STATE_PERSON)
                return work_person(work, (const char *)key->data, (Carebus__V1__Person **)ret);
        if (descriptor == &carebus__v1__stored_sharing__descriptor)
                return sharing_get(work, (const char *)key->data, (StoredSharing **)ret);
        return work_get(work, table, key, descriptor, ret);
}

int relationship_read(FoldWork *work, const char *patient_id, PersonSharing **ret) {
        const SharingReader reader = { .get = reader_get,
                                       .owner = work,
                                       .txn = work->txn,
                                       .arena = work->arena,
                                       .settings = work->fold->settings };

        return person_sharing_unite(&reader, patient_id, ret);
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------- */

/* What a person has with a team now: of several the one that goes on longest; of those that ended, which ended last. */
static const Relationship *relationship_of_team(const Settings *settings, const PersonSharing *person, size_t team,
                                                bool ended) {
        const Relationship *found = NULL;

        for (size_t i = 0; i < person->n_relationships; i++) {
                const Relationship *one = person->relationships[i];
                int64_t until = one->has_until_at ? one->until_at : INT64_MAX;

                if ((one->has_ended && one->ended) != ended || !relationship_is_of_team(one, settings, team))
                        continue;
                if (!found || until > (found->has_until_at ? found->until_at : INT64_MAX))
                        found = one;
        }
        return found;
}

/* Of the team from whose source it is known. */
static void ring_of_source(const Settings *settings, const char *source, Carebus__V1__Notice *notice) {
        const char *team = NULL;

        for (size_t i = 0; source && i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        team = settings->sources[i]->team;
        for (size_t i = 0; team && i < settings->n_teams; i++)
                if (text_equal(settings->teams[i]->name, team)) {
                        notice->whom_to_ring = settings->teams[i]->contact_points;
                        notice->n_whom_to_ring = settings->teams[i]->n_contact_points;
                }
}

typedef struct Telling {
        FoldWork *work;
        const Said *said;
        const PersonSharing *person;
} Telling;

static int tell(Telling *telling, const char *type, const char *team, const Relationship *why, const char *event_id) {
        FoldWork *work = telling->work;
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        Carebus__V1__Event *event = work_event(work, type);
        char *id;
        int r = 0;

        if (!event || !notice)
                return -ENOMEM;
        notice->team = (char *)team;
        if (why) {
                notice->code = why->kind;
                notice->source = why->source;
                notice->has_since_at = why->has_since_at;
                notice->since_at = why->since_at;
                notice->has_until_at = why->has_until_at;
                notice->until_at = why->until_at;
                ring_of_source(work->fold->settings, why->source, notice);
        }
        if (event_id)
                r = list_append((void ***)&notice->event_ids, &notice->n_event_ids, (void *)event_id, work->arena);
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        return r ?: work_derive(work, event, telling->person->patient_id, telling->said, &id);
}

static Relationship *told_of(const StoredSharing *sharing, const char *team) {
        for (size_t i = 0; i < sharing->n_told; i++)
                if (text_equal(sharing->told[i]->team, team))
                        return sharing->told[i];
        return NULL;
}

/* What is kept of what was told: that it was, and of which. */
static int told_add(FoldWork *work, StoredSharing *sharing, const char *team, const Relationship *why) {
        Relationship *told = message_new(&carebus__v1__relationship__descriptor, work->arena);

        if (!told)
                return -ENOMEM;
        told->team = (char *)team;
        told->kind = why->kind;
        told->source = why->source;
        told->has_since_at = why->has_since_at;
        told->since_at = why->since_at;
        return list_append((void ***)&sharing->told, &sharing->n_told, told, work->arena);
}

/* No relationship of the team is left. Where the fact itself is gone, as another practice takes the place of one, what was told
 * then says which it was. */
static int withdraw(Telling *telling, const Relationship *told, const char *team, size_t place) {
        const Settings *settings = telling->work->fold->settings;
        const Relationship *last = place < settings->n_teams
                                           ? relationship_of_team(settings, telling->person, place, /* ended= */ true)
                                           : NULL;

        return tell(telling, "record.withdrawn", team, last ?: told, last ? last->ended_by ?: last->event_id : NULL);
}

static size_t team_place(const Settings *settings, const char *team) {
        size_t i = 0;

        while (i < settings->n_teams && !text_equal(settings->teams[i]->name, team))
                i++;
        return i;
}

static int told_settle(Telling *telling, StoredSharing *sharing) {
        FoldWork *work = telling->work;
        const Settings *settings = work->fold->settings;
        StoredSharing now = CAREBUS__V1__STORED_SHARING__INIT;
        bool changed = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < settings->n_teams; i++) {
                const char *team = settings->teams[i]->name;
                const Relationship *why = relationship_of_team(settings, telling->person, i, /* ended= */ false);
                Relationship *told = told_of(sharing, team);

                if (why && told && !told->ended)
                        r = list_append((void ***)&now.told, &now.n_told, told, work->arena);
                else if (why) {
                        changed = true;
                        r = tell(telling, "record.granted", team, why, why->event_id);
                        r = r ?: told_add(work, &now, team, why);
                }
        }
        for (size_t i = 0; r == 0 && i < sharing->n_told; i++) {
                const Relationship *told = sharing->told[i];

                if (told_of(&now, told->team))
                        continue;
                changed = true;
                r = withdraw(telling, told, told->team, team_place(settings, told->team));
        }
        if (r || !changed)
                return r;
        sharing->told = now.told;
        sharing->n_told = now.n_told;
        sharing_touch(work, sharing);
        return 0;
}

/* One thing said under two numbers of a person ends when neither of the two says by itself. */
static int united_wait(FoldWork *work, const PersonSharing *person) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < person->n_relationships; i++)
                r = relationship_wait(work, person->patient_id, person->relationships[i]);
        return r;
}

static int person_settle(FoldWork *work, const Carebus__V1__Person *answering, const Said *said) {
        Telling telling = { .work = work, .said = said };
        StoredSharing *sharing;
        PersonSharing *person;
        int r;

        r = relationship_read(work, answering->patient_id, &person);
        if (r == 0 && (answering->n_former_patient_ids > 0 || answering->n_moves > 0))
                r = united_wait(work, person);
        r = r ?: sharing_get(work, person->patient_id, &sharing);
        if (r)
                return r > 0 ? -EBADMSG : r;
        telling.person = person;
        return told_settle(&telling, sharing);
}

/* Whoever answers tells of all from now on. What was told of somebody who does not answer any more is marked: should they part again, who
 * has a relationship with this one is told anew, with the record as it is then, and who has none is told of the end. */
static int former_mark(FoldWork *work, const char *patient_id) {
        StoredSharing *sharing;
        int r = sharing_get(work, patient_id, &sharing);

        for (size_t i = 0; r == 0 && i < sharing->n_told; i++) {
                if (sharing->told[i]->ended)
                        continue;
                sharing->told[i]->has_ended = sharing->told[i]->ended = 1;
                sharing_touch(work, sharing);
        }
        return r;
}

static bool was_settled(const FoldWork *work, const char *const *settled, size_t n_settled, const char *patient_id) {
        for (size_t i = 0; i < n_settled; i++)
                if (strcmp(settled[i], patient_id) == 0)
                        return true;
        return false;
}

/* Whoever holds anything of theirs is looked at with them: what was moved from here is another's relationship. */
static int others_look(FoldWork *work, const WorkLook *look) {
        Carebus__V1__Person *person;
        int r = work_person(work, look->patient_id, &person);

        for (size_t i = 0; r == 0 && i < person->n_moves; i++)
                r = relationship_look_later(work, person->moves[i]->patient_id, &look->said);
        return r;
}

int relationship_settle(FoldWork *work) {
        const Settings *settings = work->fold->settings;
        const char **settled = NULL;
        size_t n_settled = 0;
        int r = 0;

        if (!settings || settings->n_teams == 0)
                return 0;
        /* The list grows while it is walked. */
        for (size_t i = 0; r == 0 && i < work->n_shared; i++) {
                WorkLook look = *work->shared[i];
                Carebus__V1__Person *person;

                r = work_person(work, look.patient_id, &person);
                if (r == 0 && person->merged_into)
                        r = former_mark(work, person->patient_id);
                r = r ?: others_look(work, &look);
                r = r ?: identify_answering(work, person, &person);
                if (r || was_settled(work, settled, n_settled, person->patient_id))
                        continue;
                r = list_append((void ***)&settled, &n_settled, person->patient_id, work->arena);
                r = r ?: person_settle(work, person, &look.said);
        }
        work->n_shared = 0;
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r ?: sharing_store(work);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------ */

int relationship_due(FoldWork *work, int64_t due_at) {
        const Said said = said_by_nobody();
        size_t n_ids;
        char **ids;
        int r;

        r = due_list(work, due_at, DUE_SHARING, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++) {
                StoredSharing *sharing;

                r = sharing_get(work, ids[i], &sharing);
                r = r ?: grant_ends(work, ids[i], due_at);
                /* Else what ended by then was looked at when something else was said. */
                if (r || (sharing->has_as_at && sharing->as_at >= due_at))
                        continue;
                sharing->has_as_at = 1;
                sharing->as_at = due_at;
                sharing_touch(work, sharing);
                r = relationship_look_later(work, ids[i], &said);
        }
        return r;
}
