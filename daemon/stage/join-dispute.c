/* What the rules refuse of what a source says, and what nobody can say whose it is: told, and put before a person. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/ties.h"
#include "daemon/record/belongs.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join-parts.h"
#include "daemon/stage/review.h"
#include "proto/types.h"

/* ---- the section "merges" -------------------------------------------------------------------------------------------------- */

static char *merge_key(FoldWork *work, const Person *survivor, const Person *retired) {
        return arena_format(work->arena, "%s>%s", retired->patient_id, survivor->patient_id);
}

int join_fact_keep(FoldWork *work, const Said *said, const Person *survivor, const Person *retired, Merge *merge,
                   bool undone) {
        char *key = merge_key(work, survivor, retired);
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        int r;

        r = key ? work_section(work, survivor->patient_id, SECTION_MERGES, &section) : -ENOMEM;
        if (r)
                return r;
        stored = section_find(section, key, work->source);
        if (!stored) {
                stored = fact_new(key, work->source, work->arena);
                r = stored ? section_insert(section, stored, work->arena) : -ENOMEM;
                if (r < 0)
                        return r;
        } else if (stamp_parts_compare(stamp_parts(stored->newest), said->stamp) > 0) {
                work_section_touch(work, section);
                return fact_remember(stored->fact, said->event->event_id, work->arena);
        }
        stored->newest = stamp_make(said->stamp, work->arena);
        stored->fact->status = (char *)(undone ? "ended" : "current");
        stored->fact->value_case = CAREBUS__V1__FACT__VALUE_MERGE;
        stored->fact->merge = merge;
        work_section_touch(work, section);
        return stored->newest ? fact_say(stored->fact, said, work->arena) : -ENOMEM;
}

/* What somebody decided to be two, a source joins all the same. */
static bool is_refused(const Tie *tie) {
        return tie->dispute && strcmp(tie->dispute, TIES_DISPUTE_APART) != 0;
}

/* The survivor's, marked with what became of it. */
static int fact_mark(FoldWork *work, const Person *survivor, const Person *retired, const Tie *tie,
                     Carebus__V1__StoredFact **ret) {
        char *key = merge_key(work, survivor, retired);
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        Merge *merge;
        int r;

        *ret = NULL;
        r = key ? work_section(work, survivor->patient_id, SECTION_MERGES, &section) : -ENOMEM;
        stored = r == 0 ? section_find(section, key, tie->source) : NULL;
        if (r || !stored)
                return r;
        merge = message_shallow_copy(&stored->fact->merge->base, work->arena);
        if (!merge)
                return -ENOMEM;
        merge->dispute = is_refused(tie) ? tie->dispute : NULL;
        merge->has_disputed = merge->disputed = merge->dispute != NULL;
        stored->fact->merge = merge;
        work_section_touch(work, section);
        *ret = stored;
        return 0;
}

/* Who did not become one with the survivor: its record says so as long as it stands by itself. */
static int fact_mark_retired(FoldWork *work, const Person *retired, const Tie *tie, Carebus__V1__StoredFact *of) {
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        int r;

        r = work_section(work, retired->patient_id, SECTION_MERGES, &section);
        if (r)
                return r;
        stored = section_find(section, of->fact->key, tie->source);
        work_section_touch(work, section);
        if (!is_refused(tie)) {
                for (size_t i = 0; stored && i < section->n_facts; i++)
                        if (section->facts[i] == stored) {
                                memmove(&section->facts[i], &section->facts[i + 1],
                                        (section->n_facts - i - 1) * sizeof(*section->facts));
                                section->n_facts--;
                                break;
                        }
                return 0;
        }
        if (!stored)
                return section_insert(section, of, work->arena);
        *stored = *of;
        return 0;
}

static int facts_mark(FoldWork *work, const Person *survivor, const Person *retired, const Tie *tie) {
        Carebus__V1__StoredFact *of;
        int r;

        r = fact_mark(work, survivor, retired, tie, &of);
        return r || !of ? r : fact_mark_retired(work, retired, tie, of);
}

/* ---- disputes -------------------------------------------------------------------------------------------------------------- */

/* A tie whose dispute is another than before. `back`: as the survivor, or the other, has it. */
typedef struct Disputed {
        Person *survivor;
        Person *retired;
        Tie *tie;
        Tie *back;
        bool spoken;
} Disputed;

/* Nobody is named as retired: a reader that looks no further must not join them either. */
static int dispute_publish(FoldWork *work, const Cause *cause, const Circle *circle, const Disputed *d,
                           Merge **ret_report) {
        Merge *report = d->spoken ? message_shallow_copy(&cause->said->event->merge->base, work->arena)
                                  : message_new(&carebus__v1__merge__descriptor, work->arena);
        Person *seeds[] = { d->survivor };
        Cause told = *cause;

        if (!report)
                return -ENOMEM;
        if (!d->spoken) {
                report->has_scope = 1;
                report->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        }
        report->has_disputed = report->disputed = 1;
        report->dispute = d->tie->dispute;
        told.seeds = seeds;
        *ret_report = report;
        return join_publish(work, &told, circle,
                            d->spoken                    ? cause->type
                            : d->tie->kind == KIND(LINK) ? "patient.linked"
                                                         : "patient.merged",
                            report);
}

static int dispute_tell(FoldWork *work, const Cause *cause, const Circle *circle, const Disputed *d) {
        bool refused = is_refused(d->tie);
        ReviewNew review = { .kind = CAREBUS__V1__REVIEW__KIND__KIND_DISPUTED_MERGE,
                             .reason = d->tie->dispute,
                             .n_patient_ids = 2,
                             .urgent = true };
        Merge *report = NULL;
        Person *a, *b;
        char *id;
        int r;

        r = identify_answering(work, d->survivor, &a);
        r = r ?: identify_answering(work, d->retired, &b);
        if (r == 0 && refused)
                r = dispute_publish(work, cause, circle, d, &report);
        if (r == 0 && strcmp(d->tie->dispute, TIES_DISPUTE_NUMBERS) == 0)
                r = conflict_between(work, cause->said, a, b, d->tie->dispute);
        if (r)
                return r;
        review.patient_ids[0] = refused ? b->patient_id : d->retired->patient_id;
        review.patient_ids[1] = refused ? a->patient_id : d->survivor->patient_id;
        r = review_open(work, cause->said, &review, &id);
        if (r)
                return r;
        d->tie->review_id = d->back->review_id = id;
        if (report)
                report->review_id = id;
        return 0;
}

static int dispute_end(FoldWork *work, const Cause *cause, const Disputed *d) {
        char *id = d->tie->review_id;

        d->tie->review_id = d->back->review_id = NULL;
        return id ? review_close(work, cause->said, id, tie_counts(d->tie) ? "linked" : "closed") : 0;
}

static int dispute_look(FoldWork *work, const Cause *cause, const Circle *circle, const char *before,
                        const Disputed *d) {
        const char *now = d->tie->dispute;
        int r = 0;

        if (!now && !before && !d->spoken)
                return 0;
        if (before && !text_equal(before, now))
                r = dispute_end(work, cause, d);
        if (r == 0 && now && (d->spoken || !text_equal(before, now)))
                r = dispute_tell(work, cause, circle, d);
        if (r || (!now && !before))
                return r;
        work_person_touch(work, d->survivor);
        work_person_touch(work, d->retired);
        return facts_mark(work, d->survivor, d->retired, d->tie);
}

/* Each once: of a merge from who it retires, else from the elder. */
int join_disputes(FoldWork *work, const Cause *cause, const Circle *circle) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++)
                for (size_t j = 0; r == 0 && j < circle->persons[i]->n_ties; j++) {
                        Disputed d = { .retired = circle->persons[i], .tie = circle->persons[i]->ties[j] };

                        if (d.tie->kind != KIND(MERGE) && d.tie->kind != KIND(LINK))
                                continue;
                        r = work_person(work, d.tie->patient_id, &d.survivor);
                        d.back = r == 0 ? tie_find(d.survivor, d.retired->patient_id, d.tie->kind) : NULL;
                        d.spoken = cause->spoken && (cause->spoken == d.tie || cause->spoken == d.back);
                        if (r || !d.back ||
                            (d.tie->kind == KIND(MERGE)
                                     ? !d.tie->retires
                                     : id_compare(d.retired->patient_id, d.survivor->patient_id) > 0))
                                continue;
                        r = dispute_look(work, cause, circle, circle->disputes[i][j], &d);
                }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* ---- what may be of either ------------------------------------------------------------------------------------------------- */

typedef struct Doubting {
        FoldWork *work;
        const Person *home;
        const char *survivor, *retired;
        char **event_ids;
        size_t n_event_ids;
        bool urgent;
} Doubting;

static bool section_is_urgent(const char *section) {
        return strcmp(section, "decisions") == 0 || strcmp(section, "care-plans") == 0 ||
               strcmp(section, SECTION_DEATH) == 0;
}

/* The two may have been merged either way round. */
static const char *doubt_other(const Doubting *doubting) {
        return strcmp(doubting->home->patient_id, doubting->retired) == 0 ? doubting->survivor : doubting->retired;
}

static int doubt_seen(Bytes key, Bytes value, void *owner) {
        Doubting *doubting = owner;
        Arena *arena = doubting->work->arena;
        size_t n_id = strlen(doubting->home->patient_id) + 1;
        Carebus__V1__StoredSection *section;
        char *name, *shown;
        int r;

        name = arena_text(arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        shown = name ? arena_text(arena, name, strcspn(name, "/")) : NULL;
        if (!shown)
                return -ENOMEM;
        if (!section_is_known(shown))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, arena, (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const Carebus__V1__StoredFact *stored = section->facts[i];

                if (!stored->fact->event_id || doubting->n_event_ids >= MOVED_MAX ||
                    !fact_doubt(doubting->home, name, stored, doubt_other(doubting)))
                        continue;
                doubting->urgent = doubting->urgent || section_is_urgent(shown);
                r = list_append((void ***)&doubting->event_ids, &doubting->n_event_ids, stored->fact->event_id, arena);
        }
        return r;
}

/* Events that may be of either. */
static int doubts_gather(FoldWork *work, const Circle *circle, Doubting *doubting) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++) {
                StateKey prefix = state_key_section(circle->persons[i]->patient_id, NULL);
                bool any = false;

                doubting->home = circle->persons[i];
                for (size_t j = 0; j < circle->persons[i]->n_doubts && !any; j++)
                        any = strcmp(circle->persons[i]->doubts[j]->patient_id, doubt_other(doubting)) == 0;
                if (!any)
                        continue;
                r = work_store_through(work);
                r = r
                            ?: state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                          doubt_seen, doubting);
        }
        return r;
}

static int doubt_open(FoldWork *work, const Cause *cause, const Circle *circle, Disputed *d) {
        Doubting doubting = { .work = work, .survivor = d->survivor->patient_id, .retired = d->retired->patient_id };
        ReviewNew review = { .kind = CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE,
                             .reason = "said-after-merge",
                             .patient_ids = { d->survivor->patient_id, d->retired->patient_id },
                             .n_patient_ids = 2 };
        char *id;
        int r;

        r = doubts_gather(work, circle, &doubting);
        if (r == 0 && doubting.n_event_ids == 0 && d->tie->review_id && !cause->by_hand) {
                /* It was said again since, or was said otherwise. */
                work_person_touch(work, d->survivor);
                work_person_touch(work, d->retired);
                return dispute_end(work, cause, d);
        }
        if (r || doubting.n_event_ids == 0)
                return r;
        review.urgent = doubting.urgent;
        review.event_ids = cause->report->in_review = doubting.event_ids;
        review.n_event_ids = cause->report->n_in_review = doubting.n_event_ids;
        r = review_open(work, cause->said, &review, &id);
        if (r)
                return r;
        d->tie->review_id = d->back->review_id = cause->report->review_id = id;
        work_person_touch(work, d->survivor);
        work_person_touch(work, d->retired);
        return 0;
}

/* The next merge between two of the circle, seen from who survives. */
int join_doubts(FoldWork *work, const Cause *cause, const Circle *circle) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++)
                for (size_t j = 0; r == 0 && j < circle->persons[i]->n_ties; j++) {
                        Disputed d = { .survivor = circle->persons[i], .tie = circle->persons[i]->ties[j] };
                        bool again = d.tie->review_id && tie_counts(d.tie) && !circle->disputes[i][j];

                        if (d.tie->kind != KIND(MERGE) || d.tie->retires || (!d.tie->undone && !again))
                                continue;
                        r = work_person(work, d.tie->patient_id, &d.retired);
                        d.back = r == 0 ? tie_find(d.retired, d.survivor->patient_id, KIND(MERGE)) : NULL;
                        if (r || !d.back)
                                continue;
                        r = again ? dispute_end(work, cause, &d) : doubt_open(work, cause, circle, &d);
                }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}
