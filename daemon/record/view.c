/* The shared record: what stands under all ids that a person ever had, put together when it is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/sha256.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/canonical.h"
#include "daemon/record/death.h"
#include "daemon/record/echoes.h"
#include "daemon/record/decisions.h"
#include "daemon/record/held.h"
#include "daemon/record/overview.h"
#include "daemon/record/view-parts.h"

/* ---- who it is -------------------------------------------------------------------------------------------------------------- */

static int person_add(Viewing *viewing, const char *patient_id) {
        Carebus__V1__Person *person;
        int r;

        r = person_read(viewing->txn, patient_id, viewing->arena, &person);
        if (r)
                return r < 0 ? r : -EBADMSG;
        return list_append((void ***)&viewing->persons, &viewing->n_persons, person, viewing->arena);
}

static int persons_read(Viewing *viewing, Carebus__V1__Person *answering) {
        size_t n_homes;
        char **homes;
        int r = list_append((void ***)&viewing->persons, &viewing->n_persons, answering, viewing->arena);

        for (size_t i = 0; r == 0 && i < answering->n_former_patient_ids; i++)
                r = person_add(viewing, answering->former_patient_ids[i]);
        viewing->n_members = viewing->n_persons;
        if (r == 0)
                r = homes_of_moves(viewing->persons, viewing->n_members, viewing->arena, &homes, &n_homes);
        for (size_t i = 0; r == 0 && i < n_homes; i++)
                r = person_add(viewing, homes[i]);
        return r;
}

/* ---- numbers, conflicts, sources ------------------------------------------------------------------------------------------------- */

static int identifier_order(const void *a, const void *b) {
        const Carebus__V1__Identifier *x = *(Carebus__V1__Identifier *const *)a,
                                      *y = *(Carebus__V1__Identifier *const *)b;

        return strcmp(x->system ?: "", y->system ?: "") ?: strcmp(x->value ?: "", y->value ?: "");
}

/* Of all who are one, and of what was moved here, without what was moved away. */
static int numbers_gather(Viewing *viewing, const RecordEyes *eyes, Carebus__V1__PersonIdentifier ***ret,
                          size_t *ret_n) {
        for (size_t i = 0; i < viewing->n_persons; i++)
                for (size_t j = 0; j < viewing->persons[i]->n_identifiers; j++) {
                        Carebus__V1__PersonIdentifier *kept = viewing->persons[i]->identifiers[j];
                        bool here;
                        int r = view_number_belongs(viewing, viewing->persons[i], i >= viewing->n_members,
                                                    kept->identifier, &here);

                        if (r == 0 && here)
                                r = view_sees_number(eyes, kept, viewing->arena, &here);
                        if (r == 0 && here)
                                r = list_append((void ***)ret, ret_n, kept, viewing->arena);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Of several members that have the same number, the word of the first: who answers, then the oldest. */
static int identifiers_write(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__Record *record = viewing->record;
        Carebus__V1__PersonIdentifier **numbers = NULL;
        size_t n_numbers = 0, n = 0;
        int r = numbers_gather(viewing, eyes, &numbers, &n_numbers);

        for (size_t i = 0; r == 0 && i < n_numbers; i++)
                r = list_append((void ***)&record->identifiers, &record->n_identifiers, numbers[i]->identifier,
                                viewing->arena);
        if (r < 0)
                return r;
        /* Stable, as few as they are nearly in order. */
        for (size_t i = 1; i < record->n_identifiers; i++) {
                Carebus__V1__Identifier *identifier = record->identifiers[i];
                size_t j = i;

                for (; j > 0 && identifier_order(&record->identifiers[j - 1], &identifier) > 0; j--)
                        record->identifiers[j] = record->identifiers[j - 1];
                record->identifiers[j] = identifier;
        }
        for (size_t i = 0; i < record->n_identifiers; i++)
                if (n == 0 || identifier_order(&record->identifiers[n - 1], &record->identifiers[i]) != 0)
                        record->identifiers[n++] = record->identifiers[i];
        record->n_identifiers = n;
        return 0;
}

static int conflict_order(const void *a, const void *b) {
        const Carebus__V1__Conflict *x = *(Carebus__V1__Conflict *const *)a, *y = *(Carebus__V1__Conflict *const *)b;

        if (x->opened_at != y->opened_at)
                return x->opened_at < y->opened_at ? -1 : 1;
        return strcmp(x->id, y->id) ?: strcmp(x->path ?: "", y->path ?: "");
}

/* Since when each source has been heard: what it did not say before then says nothing. Of each its own: the clock adds to it. */
static int sources_write(Viewing *viewing, const RecordEyes *eyes) {
        const RecordCommon *common = viewing->common;
        Carebus__V1__Record *record = viewing->record;

        record->sources = arena_alloc(viewing->arena, common->n_sources * sizeof(*record->sources));
        if (!record->sources)
                return -ENOMEM;
        for (size_t i = 0; i < common->n_sources; i++) {
                if (eyes && !eyes->reads(eyes->owner, common->sources[i]->name))
                        continue;
                record->sources[record->n_sources] = message_shallow_copy(&common->sources[i]->base, viewing->arena);
                if (!record->sources[record->n_sources++])
                        return -ENOMEM;
        }
        return 0;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------------------- */

static const Carebus__V1__Section *section_find_named(const Carebus__V1__Record *record, const char *name) {
        for (size_t i = 0; i < record->n_sections; i++)
                if (strcmp(record->sections[i]->name, name) == 0)
                        return record->sections[i];
        return NULL;
}

static OverviewFrom overview_from(const Viewing *viewing) {
        return (OverviewFrom){
                .record = viewing->record,
                .demographics = viewing->demographics,
                .n_demographics = viewing->n_demographics,
                .decisions = viewing->decisions,
                .n_decisions = viewing->n_decisions,
                .settings = viewing->common->settings,
        };
}

/* What follows from all that is said, whoever may see it. */
static int whole_write(Viewing *viewing) {
        const Carebus__V1__Section *encounters;
        OverviewFrom from;
        int r;

        r = view_walk(viewing);
        if (r == 0)
                r = view_unite(viewing);
        if (r < 0)
                return r;
        encounters = section_find_named(viewing->record, SECTION_ENCOUNTERS);
        from = overview_from(viewing);
        overview_mark_owned(&from);
        r = decisions_stand(viewing->decisions, viewing->n_decisions, encounters ? encounters->facts : NULL,
                            encounters ? encounters->n_facts : 0, viewing->stands_at, viewing->arena);
        if (r < 0)
                return r;
        echoes_follow(viewing->record->sections, viewing->record->n_sections);
        death_consequences(viewing->record->sections, viewing->record->n_sections, viewing->deaths, viewing->n_deaths);
        return held_read(viewing->txn, viewing->common->settings, viewing->persons, viewing->n_members, viewing->arena,
                         &viewing->record->held, &viewing->record->n_held);
}

static int cut_write(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__Record *record = viewing->record;
        int r = 0;

        if (eyes)
                r = view_cut(viewing, eyes);
        if (r == 0)
                r = identifiers_write(viewing, eyes);
        if (r == 0)
                r = sources_write(viewing, eyes);
        if (record->n_conflicts > 1)
                qsort(record->conflicts, record->n_conflicts, sizeof(*record->conflicts), conflict_order);
        return r;
}

static int digest_write(Carebus__V1__Record *record, Arena *arena, Bytes *ret_canonical) {
        uint8_t *digest = arena_alloc(arena, SHA256_SIZE);
        const Bytes canonical = record_canonical(record, arena);

        if (!digest || !canonical.data)
                return -ENOMEM;
        sha256(canonical.data, canonical.size, digest);
        record->has_digest = 1;
        record->digest = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = digest };
        *ret_canonical = canonical;
        return 0;
}

static void as_at_write(Viewing *viewing) {
        viewing->record->has_seq = 1;
        viewing->record->seq = state_folded_seq(viewing->txn);
        viewing->record->has_as_at = viewing->common->has_as_at;
        viewing->record->as_at = viewing->common->as_at;
}

/* Of whom only numbers and stays are kept: no section says that there is none of anything else. */
static bool is_not_followed(const Viewing *viewing) {
        const Carebus__V1__Settings *settings = viewing->common->settings;
        const Carebus__V1__SharingSettings *sharing = settings ? settings->sharing : NULL;

        if (!sharing || (sharing->has_people_all && sharing->people_all))
                return false;
        for (size_t i = 0; i < viewing->n_members; i++)
                if (viewing->persons[i]->followed)
                        return false;
        return true;
}

int record_numbers_as(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                      Carebus__V1__PersonIdentifier ***ret, size_t *ret_n) {
        Carebus__V1__Record *record = message_new(&carebus__v1__record__descriptor, arena);
        Viewing viewing = { .txn = txn, .arena = arena, .record = record };
        Carebus__V1__Person *answering;
        int r;

        if (!record)
                return -ENOMEM;
        r = identity_person(txn, patient_id, arena, &answering);
        if (r == 0)
                record->patient_id = answering->patient_id;
        r = r ?: persons_read(&viewing, answering);
        return r ?: numbers_gather(&viewing, eyes, ret, ret_n);
}

/* Who sees is given what all records have in common, or each reads it. */
static int common_of(Viewing *viewing, const RecordEyes *eyes) {
        RecordCommon *common;
        Carebus__V1__Settings *settings = NULL;
        int r;

        viewing->common = eyes ? eyes->common : NULL;
        if (viewing->common)
                return 0;
        common = arena_alloc(viewing->arena, sizeof(*common));
        if (!common)
                return -ENOMEM;
        viewing->common = common;
        r = settings_read(viewing->txn, viewing->arena, &settings);
        return r < 0 ? r : record_common_read(viewing->txn, settings, viewing->arena, common);
}

static int overview_write(Viewing *viewing, const RecordEyes *eyes) {
        const OverviewFrom from = overview_from(viewing);
        Carebus__V1__Record *record = viewing->record;
        int r = overview_make(&from, viewing->arena, &record->overview);

        if (r < 0)
                return r;
        if (record->not_followed && record->overview->cpr && text_equal(record->overview->cpr->state, "none-recorded"))
                record->overview->cpr->state = (char *)"not-followed";
        if (eyes)
                view_cut_overview(viewing, eyes);
        return 0;
}

int record_read_packed(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                       Carebus__V1__Record **ret, Bytes *ret_canonical) {
        Carebus__V1__Record *record = message_new(&carebus__v1__record__descriptor, arena);
        Viewing viewing = { .txn = txn, .arena = arena, .record = record, .stands_at = INT64_MIN };
        Carebus__V1__Person *answering;
        int r;

        if (!record)
                return -ENOMEM;
        r = identity_person(txn, patient_id, arena, &answering);
        if (r)
                return r;
        record->patient_id = answering->patient_id;
        record->former_patient_ids = answering->former_patient_ids;
        record->n_former_patient_ids = answering->n_former_patient_ids;
        r = common_of(&viewing, eyes);
        if (r == 0)
                r = persons_read(&viewing, answering);
        if (r == 0)
                record->has_not_followed = record->not_followed = is_not_followed(&viewing);
        if (r == 0)
                r = whole_write(&viewing);
        if (r == 0)
                r = cut_write(&viewing, eyes);
        if (r == 0)
                r = overview_write(&viewing, eyes);
        if (r != 0)
                return r;
        as_at_write(&viewing);
        r = digest_write(record, arena, ret_canonical);
        if (r == 0)
                *ret = record;
        return r;
}

int record_read_as(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                   Carebus__V1__Record **ret) {
        Bytes canonical;

        return record_read_packed(txn, patient_id, eyes, arena, ret, &canonical);
}

int record_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Record **ret) {
        return record_read_as(txn, patient_id, NULL, arena, ret);
}
