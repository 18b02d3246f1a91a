/*
 * Who may somebody be? Whatever is known of them is compared with all who share a block with it, or who have the number, by the rules that
 * join people; nothing that was not said counts against anybody.
 */
#include "daemon/serve/ask-find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "canon/matching.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/record-cut.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

/* In one block: beyond it nobody could read the answer, and the question needs another detail. */
#define BLOCK_MAX 256
#define LIMIT_DEFAULT 10
/* Records read for one question: some are left out when it is seen what they say. */
#define LOOKED_AT_MAX (2 * ASK_CANDIDATES_MAX + 16)

/* Advice. */
#define UNIQUE "unique"
#define SEVERAL_CLOSE "several-close"
#define NONE "none"
#define NOT_ENOUGH "not-enough"

static void finding_deinit(Finding *finding) {
        match_rules_free(finding->rules);
}

/* ---- the question -------------------------------------------------------------------------------------------------------- */

static int question_names(Finding *finding, Carebus__V1__Matching *matching) {
        Carebus__V1__Matching *names;
        int r;

        if (!finding->asked->name)
                return 0;
        r = matching_names_of_text(finding->asked->name, finding->ask->arena, &names);
        if (r < 0 || !names)
                return r;
        matching->n_names = names->n_names;
        matching->names = names->names;
        return 0;
}

static int question_postcode(Finding *finding, Carebus__V1__Matching *matching) {
        Arena *arena = finding->ask->arena;
        Carebus__V1__MatchingAddress *address;
        char *postcode;

        if (!finding->asked->postcode)
                return 0;
        postcode = matching_fold_postcode(finding->asked->postcode, arena);
        address = message_new(&carebus__v1__matching_address__descriptor, arena);
        if (!postcode || !address)
                return -ENOMEM;
        if (!postcode[0])
                return 0;
        address->postcode = postcode;
        return list_append((void ***)&matching->addresses, &matching->n_addresses, address, arena);
}

static int question_phone(Finding *finding, Carebus__V1__Matching *matching) {
        char *phone;

        if (!finding->asked->phone)
                return 0;
        phone = matching_fold_phone(finding->asked->phone, finding->ask->arena);
        if (!phone)
                return -ENOMEM;
        return phone[0] ? list_append((void ***)&matching->telecom, &matching->n_telecom, phone, finding->ask->arena)
                        : 0;
}

/* As a matching form has it; what is none of these was not said. */
static const char *question_sex(const char *sex) {
        static const char *const codes[] = { "male", "female", "other" };

        for (size_t i = 0; sex && i < ELEMENTSOF(codes); i++)
                if (text_equal(sex, codes[i]))
                        return codes[i];
        return NULL;
}

static int question_make(Finding *finding) {
        Carebus__V1__Matching *matching = message_new(&carebus__v1__matching__descriptor, finding->ask->arena);
        int r;

        if (!matching)
                return -ENOMEM;
        carebus__v1__trait__init(&finding->trait);
        finding->trait.matching = matching;
        matching->birth_date = finding->asked->birth_date;
        matching->sex = (char *)question_sex(finding->asked->sex);
        r = question_names(finding, matching);
        if (r == 0)
                r = question_postcode(finding, matching);
        return r < 0 ? r : question_phone(finding, matching);
}

/* ---- who is looked at ------------------------------------------------------------------------------------------------------ */

static int found_add(Finding *finding, const char *patient_id, bool by_number) {
        Ask *ask = finding->ask;
        char *answering;
        int r;

        r = identity_resolve(view_txn(ask->view), patient_id, ask->arena, &answering);
        if (r != 0)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        for (size_t i = 0; i < finding->n_items; i++)
                if (strcmp(finding->items[i].patient_id, answering) == 0)
                        return 0;
        if (finding->n_items == ASK_COMPARED_MAX) {
                finding->too_many = true;
                return 0;
        }
        finding->items[finding->n_items++] = (Found){ .patient_id = answering, .by_number = by_number };
        return 0;
}

/* Who answers a call looks among all: whether it is told of them is seen when they are shown. */
static int find_by_number(Finding *finding) {
        Ask ask = *finding->ask;
        size_t n = 0;
        char **ids;
        int r;

        if (!finding->asked->identifier || !finding->asked->identifier->value)
                return 0;
        if (finding->n_details >= FIND_DETAILS_MIN)
                ask.team = -1;
        r = ask_holders(&ask, finding->asked->identifier, &ids, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = found_add(finding, ids[i], /* by_number= */ true);
        return r;
}

typedef struct Block {
        Arena *arena;
        size_t n_prefix;
        char **ids;
        size_t n_ids;
} Block;

static int block_seen(Bytes key, Bytes value, void *owner) {
        Block *block = owner;
        const char *id = (const char *)key.data + block->n_prefix;
        char *kept;

        if (block->n_ids > BLOCK_MAX)
                return 1;
        kept = arena_text(block->arena, id, strnlen(id, key.size - block->n_prefix));
        return kept ? list_append((void ***)&block->ids, &block->n_ids, kept, block->arena) : -ENOMEM;
}

static int find_in_block(Finding *finding, const char *text) {
        const StateKey prefix = state_key_block(text, /* patient_id= */ NULL);
        Block block = { .arena = finding->ask->arena, .n_prefix = prefix.size };
        int r;

        if (prefix.error < 0)
                return prefix.error;
        r = state_walk(view_txn(finding->ask->view), STATE_BLOCK, state_key_all(&prefix), state_key_all(&prefix),
                       block_seen, &block);
        if (r == 1) {
                finding->too_many = true;
                return 0;
        }
        for (size_t i = 0; r == 0 && i < block.n_ids; i++)
                r = found_add(finding, block.ids[i], /* by_number= */ false);
        return error_fold(r);
}

static int find_by_words(Finding *finding) {
        size_t n = 0;
        char **blocks;
        int r;

        r = match_blocks(finding->rules, finding->trait.matching, finding->ask->arena, &blocks, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = find_in_block(finding, blocks[i]);
        return r;
}

/* ---- how well they fit ------------------------------------------------------------------------------------------------------ */

static bool sees(const Ask *ask, const char *source) {
        return ask->team < 0 || (source && sharing_may_read(ask->sharing, (size_t)ask->team, bytes_of_text(source)));
}

static int found_read(Finding *finding, Found *found) {
        Ask *ask = finding->ask;
        size_t n_ids = 0;
        char **ids;
        int r;

        r = identity_members(view_txn(ask->view), found->patient_id, ask->arena, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++) {
                Carebus__V1__Person *person;

                r = person_read(view_txn(ask->view), ids[i], ask->arena, &person);
                if (r == 0)
                        r = list_append((void ***)&found->persons, &found->n_persons, person, ask->arena);
                else if (r == RECORD_E_NOT_FOUND)
                        r = 0;
        }
        return error_fold(r);
}

/* By what the asker may see of them, and by what the question says, or by the part of it that `trait` is. */
static int found_compare(Finding *finding, Found *found, Carebus__V1__Trait *trait) {
        Carebus__V1__Trait **traits = NULL, *const question[] = { trait };
        size_t n_traits = 0;
        int r = 0;

        for (size_t i = 0; i < found->n_persons; i++)
                for (size_t j = 0; r == 0 && j < found->persons[i]->n_traits; j++) {
                        Carebus__V1__Trait *seen;

                        r = find_seen_trait(finding->ask, found->patient_id, found->persons[i]->traits[j], &seen);
                        if (r == 0 && seen)
                                r = list_append((void ***)&traits, &n_traits, seen, finding->ask->arena);
                }
        if (r == 0)
                match_compare(finding->rules, (MatchPerson){ .traits = question, .n_traits = 1 },
                              (MatchPerson){ .traits = traits, .n_traits = n_traits }, &found->result);
        return r;
}

static int found_order(const void *a, const void *b) {
        const Found *x = a, *y = b;

        if (x->by_number != y->by_number)
                return x->by_number ? -1 : 1;
        if (x->result.score != y->result.score)
                return x->result.score > y->result.score ? -1 : 1;
        return id_compare(x->patient_id, y->patient_id);
}

static int find_compare(Finding *finding) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < finding->n_items; i++) {
                r = found_read(finding, &finding->items[i]);
                if (r == 0)
                        r = found_compare(finding, &finding->items[i], &finding->trait);
        }
        if (r == 0 && finding->n_items > 1)
                qsort(finding->items, finding->n_items, sizeof(*finding->items), found_order);
        return r;
}

/* Does anything speak for it at all? */
static bool found_is_likely(const Finding *finding, const Found *found) {
        return found->by_number || found->result.score > 0 || finding->n_details >= FIND_DETAILS_MIN;
}

/* ---- what is said of them ---------------------------------------------------------------------------------------------------- */

static bool is_asked(const Finding *finding, const char *field) {
        const Carebus__V1__Matching *matching = finding->trait.matching;
        const struct {
                const char *field;
                bool asked;
        } fields[] = {
                { "family", matching->n_names > 0 },       { "given", matching->n_names > 0 },
                { "birth_date", matching->birth_date },    { "sex", matching->sex },
                { "postcode", matching->n_addresses > 0 }, { "telecom", matching->n_telecom > 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (strcmp(fields[i].field, field) == 0)
                        return fields[i].asked;
        return false;
}

static int evidence_add(Finding *finding, const Found *found, Carebus__V1__Candidate *candidate, bool restricted) {
        static Carebus__V1__MatchEvidence number = CAREBUS__V1__MATCH_EVIDENCE__INIT;
        Arena *arena = finding->ask->arena;
        int r = 0;

        if (found->by_number) {
                Carebus__V1__MatchEvidence *by = arena_alloc(arena, sizeof(*by));

                if (!by)
                        return -ENOMEM;
                *by = number;
                by->field = (char *)"number";
                by->agreement = (char *)"exact";
                r = list_append((void ***)&candidate->evidence, &candidate->n_evidence, by, arena);
        }
        for (size_t i = 0; r == 0 && i < found->result.n_evidence; i++) {
                Carebus__V1__MatchEvidence *kept;

                if (!is_asked(finding, found->result.evidence[i].field) ||
                    (restricted && (text_equal(found->result.evidence[i].field, "postcode") ||
                                    text_equal(found->result.evidence[i].field, "telecom"))))
                        continue;
                kept = arena_alloc(arena, sizeof(*kept));
                if (!kept)
                        return -ENOMEM;
                *kept = found->result.evidence[i];
                r = list_append((void ***)&candidate->evidence, &candidate->n_evidence, kept, arena);
        }
        return r;
}

static int text_order(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int text_add(char ***list, size_t *n, char *text, Arena *arena) {
        for (size_t i = 0; i < *n; i++)
                if (strcmp((*list)[i], text) == 0)
                        return 0;
        return list_append((void ***)list, n, text, arena);
}

static int sources_add(Finding *finding, const Found *found, Carebus__V1__Candidate *candidate) {
        Arena *arena = finding->ask->arena;
        int r = 0;

        for (size_t i = 0; r == 0 && i < found->n_persons; i++) {
                const Carebus__V1__Person *person = found->persons[i];

                for (size_t j = 0; j < person->n_identifiers; j++)
                        for (size_t k = 0; r == 0 && k < person->identifiers[j]->n_sources; k++)
                                if (sees(finding->ask, person->identifiers[j]->sources[k]))
                                        r = text_add(&candidate->sources, &candidate->n_sources,
                                                     person->identifiers[j]->sources[k], arena);
                for (size_t j = 0; r == 0 && j < person->n_review_ids; j++)
                        r = text_add(&candidate->review_ids, &candidate->n_review_ids, person->review_ids[j], arena);
        }
        if (candidate->n_sources > 1)
                qsort(candidate->sources, candidate->n_sources, sizeof(char *), text_order);
        return r;
}

/* The name that the person goes by: no former one, where there is another. */
Carebus__V1__HumanName *find_name_of(const Carebus__V1__Demographics *demographics) {
        static const char *const former[] = { "old", "maiden" };

        for (size_t i = 0; i < demographics->n_names; i++) {
                bool is_former = false;

                for (size_t j = 0; j < ELEMENTSOF(former); j++)
                        is_former = is_former || text_equal(demographics->names[i]->use, former[j]);
                if (!is_former)
                        return demographics->names[i];
        }
        return demographics->n_names ? demographics->names[0] : NULL;
}

static char *postcode_of(const Carebus__V1__Demographics *demographics) {
        for (size_t i = 0; i < demographics->n_addresses; i++)
                if (demographics->addresses[i]->postal_code && !text_equal(demographics->addresses[i]->use, "old"))
                        return demographics->addresses[i]->postal_code;
        return NULL;
}

/* What the record has of who they are. */
static void candidate_fill(Carebus__V1__Candidate *candidate, const Carebus__V1__Record *record, bool restricted) {
        const Carebus__V1__Overview *overview = record->overview;
        const Carebus__V1__Demographics *demographics = overview ? overview->demographics : NULL;

        candidate->n_identifiers = record->n_identifiers;
        candidate->identifiers = record->identifiers;
        candidate->has_dead = candidate->dead = overview && overview->death;
        if (!demographics)
                return;
        candidate->name = find_name_of(demographics);
        candidate->birth_date = demographics->birth_date;
        candidate->sex = demographics->sex;
        candidate->postal_code = restricted ? NULL : postcode_of(demographics);
}

/* Where one source says so, they are, whoever asks and whichever sources that one sees. */
static int is_restricted(Ask *ask, const Carebus__V1__Record *record, bool *ret) {
        Carebus__V1__Record *whole;
        int r = 0;

        *ret = record->overview && record->overview->restricted;
        if (*ret || ask->team < 0)
                return 0;
        r = record_for_team(ask->sight, -1, record->patient_id, ask->arena, &whole);
        if (r == 0)
                *ret = whole->overview && whole->overview->restricted;
        return r == RECORD_E_NOT_FOUND ? 0 : r;
}

/* Of a restricted person only name, birth date and sex are compared: neither may a postcode find them nor an answer confirm it. */
static int found_compare_restricted(Finding *finding, Found *found, bool *ret_shown) {
        Carebus__V1__Matching matching = *finding->trait.matching;
        Carebus__V1__Trait trait = finding->trait;
        int r;

        matching.n_addresses = matching.n_telecom = 0;
        trait.matching = &matching;
        r = found_compare(finding, found, &trait);
        *ret_shown = r == 0 && (found->by_number || (matching.n_names > 0 && matching.birth_date &&
                                                     found->result.name_agrees && found->result.birth_date_agrees));
        return r;
}

/* Makes the candidate, or leaves it out: `candidate` stays NULL. */
static int found_show(Finding *finding, Found *found) {
        Ask *ask = finding->ask;
        Carebus__V1__Candidate *candidate = message_new(&carebus__v1__candidate__descriptor, ask->arena);
        Carebus__V1__Record *record;
        bool restricted = false, shown = true;
        int r;

        if (!candidate)
                return -ENOMEM;
        r = record_for_team(ask->sight, ask->team, found->patient_id, ask->arena, &record);
        if (r == RECORD_E_NOT_FOUND)
                return find_show_caller(finding, found);
        if (r == 0)
                r = is_restricted(ask, record, &restricted);
        if (r == 0 && restricted)
                r = found_compare_restricted(finding, found, &shown);
        if (r < 0 || !shown || !found_is_likely(finding, found))
                return r;
        candidate->patient_id = found->patient_id;
        candidate->has_score_thousandths = 1;
        candidate->score_thousandths = found->result.score;
        candidate_fill(candidate, record, restricted);
        r = sources_add(finding, found, candidate);
        if (r == 0)
                r = evidence_add(finding, found, candidate, restricted);
        if (r == 0)
                found->candidate = candidate;
        return r;
}

/* ---- the answer ---------------------------------------------------------------------------------------------------------------- */

static bool contradicts(const Found *found) {
        for (size_t i = 0; i < found->candidate->n_evidence; i++)
                if (text_equal(found->candidate->evidence[i]->agreement, "differs"))
                        return true;
        return false;
}

/*
 * Would who is known under other spellings have been found too? Only then is nobody an answer: by a name alone those are found whose whole
 * name is written so, and of a telephone number or a postcode nobody says that it is everybody's.
 */
static bool is_enough_to_miss(const Finding *finding) {
        const Carebus__V1__Matching *matching = finding->trait.matching;
        const Carebus__V1__Date *born = matching->birth_date;
        bool has_given = false;

        if (finding->asked->identifier)
                return true;
        for (size_t i = 0; i < matching->n_names; i++)
                has_given = has_given || (matching->names[i]->family && matching->names[i]->n_given > 0);
        if (matching->n_names == 0)
                return false;
        return matching->n_addresses > 0 ||
               (born && born->has_year && (has_given || (born->has_month && born->has_day)));
}

/* Who answers calls is told of nobody by so little: that there is nobody would be untrue. */
static bool is_too_little_for_a_call(const Finding *finding) {
        const Ask *ask = finding->ask;

        return ask->team >= 0 && sharing_answers_calls(ask->sharing, (size_t)ask->team) &&
               finding->n_details < FIND_DETAILS_MIN;
}

/* What to do with it: take the one, or ask for more. `shown` are those that are in the answer and all behind them that would be. */
static const char *advice_of(const Finding *finding, const Found *shown, size_t n_shown) {
        const char *reason;

        if (n_shown == 0)
                return finding->too_many || !is_enough_to_miss(finding) || is_too_little_for_a_call(finding)
                               ? NOT_ENOUGH
                               : NONE;
        if (shown[0].by_number) {
                if (n_shown > 1 && shown[1].by_number)
                        return SEVERAL_CLOSE;
                return contradicts(&shown[0]) ? NOT_ENOUGH : UNIQUE;
        }
        if (finding->too_many)
                return NOT_ENOUGH;
        switch (match_decide(finding->rules, &shown[0].result, n_shown > 1 ? shown[1].result.score : INT32_MIN,
                             &reason)) {
        case MATCH_LINK:
                return UNIQUE;
        case MATCH_REVIEW:
                return n_shown > 1 ? SEVERAL_CLOSE : NOT_ENOUGH;
        default:
                return n_shown > 1 ? SEVERAL_CLOSE : NOT_ENOUGH;
        }
}

static int find_show(Finding *finding, Carebus__V1__FindReply *reply) {
        const size_t limit = MIN(finding->asked->limit ?: LIMIT_DEFAULT, (uint32_t)ASK_CANDIDATES_MAX);
        Found *shown = arena_alloc(finding->ask->arena, (limit + 2) * sizeof(*shown));
        size_t n = 0;
        int r = shown ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < finding->n_items && i < LOOKED_AT_MAX && n <= limit + 1; i++) {
                if (!found_is_likely(finding, &finding->items[i]))
                        continue;
                r = found_show(finding, &finding->items[i]);
                if (r == 0 && finding->items[i].candidate)
                        shown[n++] = finding->items[i];
        }
        if (r < 0)
                return r;
        if (n > 1)
                qsort(shown, n, sizeof(*shown), found_order);
        reply->advice = (char *)advice_of(finding, shown, n);
        reply->has_more = 1;
        reply->more = n > limit || finding->too_many;
        for (size_t i = 0; r == 0 && i < n && i < limit; i++) {
                r = list_append((void ***)&reply->candidates, &reply->n_candidates, shown[i].candidate,
                                finding->ask->arena);
                disclose_found(finding->ask->say, finding->ask->sight, shown[i].candidate->patient_id);
        }
        return r;
}

static int rules_make(Finding *finding) {
        Carebus__V1__Settings *settings;
        int r;

        r = settings_read(view_txn(finding->ask->view), finding->ask->arena, &settings);
        if (r != 0 && r != RECORD_E_NOT_FOUND)
                return error_fold(r);
        return match_rules_new(r == 0 ? settings->matching : NULL, &finding->rules);
}

int ask_find(Ask *ask, const Carebus__V1__FindRequest *asked, Carebus__V1__FindReply **ret) {
        _cleanup_(finding_deinit) Finding finding = { .ask = ask, .asked = asked };
        Carebus__V1__FindReply *reply = message_new(&carebus__v1__find_reply__descriptor, ask->arena);
        int r;

        finding.items = arena_alloc(ask->arena, ASK_COMPARED_MAX * sizeof(*finding.items));
        if (!reply || !finding.items)
                return -ENOMEM;
        r = rules_make(&finding);
        if (r == 0)
                r = question_make(&finding);
        if (r == 0)
                finding.n_details = find_details(&finding);
        if (r == 0)
                r = find_by_number(&finding);
        if (r == 0)
                r = find_by_words(&finding);
        if (r == 0)
                r = find_compare(&finding);
        if (r == 0)
                r = find_show(&finding, reply);
        if (r == 0)
                *ret = reply;
        return r;
}
