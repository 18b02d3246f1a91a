#include "daemon/stage/project-plain.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/standing.h"
#include "proto/types.h"

typedef Carebus__V1__StoredFact StoredFact;
typedef Carebus__V1__Claim Claim;

/* A fact at its place, with its claims. */
typedef struct Plain {
        FoldWork *work;
        const PlainRow *row;
        const char *patient_id;
        const char *section; /* of the record: conditions */
        const char *key;
        const char *name; /* of its section in the state: conditions/SOURCE/KEY */
        Carebus__V1__StoredSection *stored_section;
        StoredFact *stored;
        Claim **claims;
        size_t n_claims;
} Plain;

static int plain_open(Plain *plain, const char *key) {
        FoldWork *work = plain->work;
        int r;

        plain->key = key;
        plain->name = section_of_fact(plain->section, work->source, key, work->arena);
        if (!plain->name)
                return -ENOMEM;
        r = work_section(work, plain->patient_id, plain->name, &plain->stored_section);
        if (r)
                return r;
        plain->stored = section_find(plain->stored_section, key, work->source);
        if (!plain->stored) {
                plain->stored = fact_new(key, work->source, work->arena);
                r = plain->stored ? section_insert(plain->stored_section, plain->stored, work->arena) : -ENOMEM;
        }
        return r ?: plain_claims(plain->stored, work->arena, &plain->claims, &plain->n_claims);
}

static int plain_make(Plain *plain) {
        FoldWork *work = plain->work;
        int r;

        r = plain_reduce(plain->row, plain->stored, plain->claims, plain->n_claims, work->lists_whole, work->arena);
        if (r == 0)
                work_section_touch(work, plain->stored_section);
        return r;
}

/* The same observation twice in one message is two, in the order in which they stand there; said in just the same words it is one. */
static char *key_number(FoldWork *work, const Said *said, const char *key) {
        unsigned n = 0;

        for (size_t i = 0; i < work->numbered.n; i++) {
                const WorkNumbered *before = &work->numbered.items[i];

                if (strcmp(before->key, key) != 0)
                        continue;
                n++;
                if (body_equal(before->body, &said->event->demographics->base))
                        return before->numbered;
        }
        if (n > 0)
                return arena_format(work->arena, "%s#%u", key, n + 1);
        return (char *)key;
}

static int key_numbered(FoldWork *work, const Said *said, char *key, char **ret) {
        char *numbered;
        int r;

        if (said->event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET) {
                *ret = key;
                return 0;
        }
        numbered = key_number(work, said, key);
        if (!numbered)
                return -ENOMEM;
        r = work_number(work, key, numbered, &said->event->demographics->base);
        if (r == 0)
                *ret = numbered;
        return r;
}

/* ---- what takes the place of what ------------------------------------------------------------------------------------------ */

/* Notes with the replaced fact who says so, or that nobody does any more. *ret_changed: it is not as it was. */
static int replacement_note(StoredFact *replaced, const char *by, const Claim *claim, Arena *arena, bool *ret_changed) {
        Carebus__V1__Replacement *note = NULL;
        size_t i = 0;

        while (i < replaced->n_replaced_by && strcmp(replaced->replaced_by[i]->key, by) < 0)
                i++;
        if (i < replaced->n_replaced_by && strcmp(replaced->replaced_by[i]->key, by) == 0)
                note = replaced->replaced_by[i];
        *ret_changed = note ? !claim || stamp_compare(note->stamp, claim->stamp) != 0 : claim != NULL;
        if (!*ret_changed)
                return 0;
        if (!claim) {
                memmove(&replaced->replaced_by[i], &replaced->replaced_by[i + 1],
                        (replaced->n_replaced_by - i - 1) * sizeof(void *));
                replaced->n_replaced_by--;
                return 0;
        }
        if (!note) {
                note = message_new(&carebus__v1__replacement__descriptor, arena);
                if (!note || list_append((void ***)&replaced->replaced_by, &replaced->n_replaced_by, note, arena) < 0)
                        return -ENOMEM;
                memmove(&replaced->replaced_by[i + 1], &replaced->replaced_by[i],
                        (replaced->n_replaced_by - i - 1) * sizeof(void *));
                replaced->replaced_by[i] = note;
        }
        note->key = (char *)by;
        note->event_id = claim->event->event_id;
        note->stamp = claim->stamp;
        return 0;
}

static int replacements_settle(const Plain *plain, const Said *said, PlainTold *told) {
        FoldWork *work = plain->work;
        size_t n_keys;
        char **keys;
        int r;

        r = plain_replaced_keys(plain->row, plain->claims, plain->n_claims, work->arena, &keys, &n_keys);
        for (size_t i = 0; r == 0 && i < n_keys; i++) {
                Plain replaced = {
                        .work = work, .row = plain->row, .patient_id = plain->patient_id, .section = plain->section
                };
                const Claim *claim;
                const char *status;
                bool changed;

                if (strcmp(keys[i], plain->key) == 0)
                        continue;
                r = plain_replaces(plain->row, plain->stored, plain->claims, plain->n_claims, keys[i], work->arena,
                                   &claim);
                r = r ?: plain_open(&replaced, keys[i]);
                r = r ?: replacement_note(replaced.stored, plain->key, claim, work->arena, &changed);
                if (r || !changed)
                        continue;
                status = replaced.stored->fact->status;
                r = plain_make(&replaced);
                if (r == 0 && !text_equal(status, replaced.stored->fact->status))
                        r = standing_keep(work, replaced.patient_id, replaced.name, replaced.stored, &told->decisions)
                                    ?: relationship_keep(work, said, replaced.patient_id, replaced.name,
                                                         replaced.stored);
        }
        return r;
}

/* ---- sections that are stated completely ----------------------------------------------------------------------------------- */

static int lists_key(FoldWork *work, const char *patient_id, StateKey *ret) {
        char *name = section_of_lists(work->source, work->arena);

        if (!name)
                return -ENOMEM;
        *ret = state_key_section(patient_id, name);
        return ret->error;
}

static int lists_get(FoldWork *work, const char *patient_id, Carebus__V1__StoredLists **ret) {
        StateKey key;
        int r;

        r = lists_key(work, patient_id, &key);
        if (r == 0)
                r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_lists__descriptor,
                             (ProtobufCMessage **)ret);
        if (r != STATE_E_NOT_FOUND)
                return r;
        *ret = message_new(&carebus__v1__stored_lists__descriptor, work->arena);
        return *ret ? 0 : -ENOMEM;
}

static Carebus__V1__StoredList *list_of(const Carebus__V1__StoredLists *lists, const char *section) {
        for (size_t i = 0; i < lists->n_lists; i++)
                if (strcmp(lists->lists[i]->section, section) == 0)
                        return lists->lists[i];
        return NULL;
}

static int list_note(FoldWork *work, const Said *said, Carebus__V1__StoredLists *lists, const char *section) {
        Carebus__V1__StoredList *list = list_of(lists, section);

        if (!list) {
                list = message_new(&carebus__v1__stored_list__descriptor, work->arena);
                if (!list || list_append((void ***)&lists->lists, &lists->n_lists, list, work->arena) < 0)
                        return -ENOMEM;
        } else if (stamp_parts_compare(stamp_parts(list->stamp), said->stamp) > 0)
                return 0;
        list->section = (char *)section;
        list->event_id = said->event->event_id;
        list->stamp = stamp_make(said->stamp, work->arena);
        return list->stamp ? 0 : -ENOMEM;
}

int project_lists(FoldWork *work, const Said *said, const char *patient_id) {
        Carebus__V1__StoredLists *lists = NULL;
        StateKey key;
        int r = 0;

        for (size_t i = 0; r == 0 && i < said->event->n_complete; i++) {
                const char *section = plain_section_of_list(said->event, said->event->complete[i]);

                if (!section)
                        continue;
                if (!lists)
                        r = lists_get(work, patient_id, &lists);
                r = r ?: list_note(work, said, lists, section);
        }
        if (r || !lists)
                return r;
        r = lists_key(work, patient_id, &key);
        r = r ?: work_put(work, STATE_SECTION, &key, &lists->base);
        for (size_t i = 0; r == 0 && i < said->event->n_complete; i++) {
                const char *section = plain_section_of_list(said->event, said->event->complete[i]);

                if (section)
                        r = relationship_keep_list(work, said, patient_id, section);
        }
        return r;
}

/* Was it over by a list that had nothing of it? Then to say it again is news. */
static int over_by_list(const Plain *plain, bool *ret) {
        Carebus__V1__StoredLists *lists;
        const Carebus__V1__StoredList *list;
        int r;

        *ret = false;
        if (!plain->stored->newest || !plain_section_has_lists(plain->section))
                return 0;
        r = lists_get(plain->work, plain->patient_id, &lists);
        if (r)
                return r;
        list = list_of(lists, plain->section);
        *ret = list && stamp_compare(list->stamp, plain->stored->newest) > 0 &&
               !plain_said_in(plain->stored, list->stamp->seq);
        return 0;
}

static int fact_project(FoldWork *work, const Said *said, const char *patient_id, PlainTold *ret) {
        Plain plain = { .work = work, .row = plain_row(said->event), .patient_id = patient_id };
        bool named, was_over;
        Claim *claim;
        char *key;
        int r = 0;

        if (!plain.row)
                return 0;
        ret->told = true;
        plain.section = event_type_find(said->event->type)->section;
        key = plain_key(plain.row, said->event, work->arena, &named);
        claim = plain_claim(plain.row, said, work->arena);
        if (!key || !claim)
                return -ENOMEM;
        if (plain.row->numbered && !named)
                r = key_numbered(work, said, key, &key);
        r = r ?: plain_open(&plain, key);
        r = r ?: fact_place(plain.stored, said, work->arena);
        r = r ?: over_by_list(&plain, &was_over);
        if (r == 0 && correction_is(said->event))
                r = correction_of_claims(work, said, plain.claims, plain.n_claims)
                            ?: correction_of_fact(work, said, plain.stored);
        r = r ?: plain_claims_insert(&plain.claims, &plain.n_claims, claim, work->arena);
        r = r ?: plain_make(&plain);
        if (r)
                return r;
        ret->again = !was_over && text_equal(plain.stored->fact->confirmed_event_id, said->event->event_id);
        ret->name = plain.name;
        ret->stored = plain.stored;
        r = standing_keep(work, patient_id, plain.name, plain.stored, &ret->decisions);
        r = r ?: relationship_keep(work, said, patient_id, plain.name, plain.stored);
        return r ?: replacements_settle(&plain, said, ret);
}

/* Who led until now is a member that does not lead. */
static int former_lead_project(FoldWork *work, const Said *said, const char *patient_id) {
        const Carebus__V1__CareTeam *team = said->event->care_team;
        Carebus__V1__CareTeam *former = message_new(&carebus__v1__care_team__descriptor, work->arena);
        Carebus__V1__CareTeamMember *member = message_shallow_copy(&team->former_lead->base, work->arena);
        Carebus__V1__Event *event = message_shallow_copy(&said->event->base, work->arena);
        Said told = *said;
        PlainTold ret = {};

        if (!former || !member || !event)
                return -ENOMEM;
        member->has_lead = 1;
        member->lead = 0;
        event->care_team = former;
        event->n_cleared = event->n_complete = 0;
        told.event = event;
        return list_append((void ***)&former->members, &former->n_members, member, work->arena)
                       ?: fact_project(work, &told, patient_id, &ret);
}

int project_plain(FoldWork *work, const Said *said, const char *patient_id, PlainTold *ret) {
        const Carebus__V1__Event *event = said->event;
        int r;

        r = fact_project(work, said, patient_id, ret);
        if (r == 0 && ret->told && event->body_case == CAREBUS__V1__EVENT__BODY_CARE_TEAM &&
            strcmp(event->type, "care_team.lead_changed") == 0 && event->care_team->former_lead)
                r = former_lead_project(work, said, patient_id);
        return r;
}
