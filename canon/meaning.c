/* See the header. */
#include "canon/meaning.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "canon/codes.h"
#include "canon/vocabulary.h"
#include "proto/types.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
#define STATUS(name) CAREBUS__V1__DECISION__STATUS__STATUS_##name

static bool is_empty(const char *text) {
        return !text || text[0] == '\0';
}

/*
 * Decisions: what the type of the event says already
 */

static bool ends_with(const char *text, const char *end) {
        size_t n = strlen(text), m = strlen(end);
        return n >= m && strcmp(text + n - m, end) == 0;
}

static void fill_kind(const Carebus__V1__Event *event, const EventType *type) {
        Carebus__V1__Decision *decision = event->decision;
        if (type && type->decision_kind != KIND(UNKNOWN) && (!decision->has_kind || decision->kind == KIND(UNKNOWN))) {
                decision->has_kind = true;
                decision->kind = type->decision_kind;
        }
        if (decision->has_status)
                return;
        decision->has_status = true;
        decision->status = STATUS(ACTIVE);
        if (event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                decision->status = STATUS(ENTERED_IN_ERROR);
        else if (event->type && ends_with(event->type, ".ended"))
                decision->status = STATUS(ENDED);
}

/*
 * Resuscitation
 */

typedef struct CprWords {
        bool attempt, do_not_attempt; /* a text that can mean nothing else says so */
} CprWords;

static void hear(CprWords *words, const char *text) {
        CprMeaning meaning = cpr_meaning_of_text(text);
        words->attempt |= meaning == CPR_ATTEMPT;
        words->do_not_attempt |= meaning == CPR_DO_NOT_ATTEMPT;
}

static bool is_coded(const Carebus__V1__Coded *coded, const char *system, const char *code) {
        return coded->system && coded->code && strcmp(coded->system, system) == 0 && strcmp(coded->code, code) == 0;
}

static CprWords words_of(const Carebus__V1__Decision *decision, bool code_is_local) {
        const Carebus__V1__Coded *coded = decision->decision;
        CprWords words = { 0 };
        hear(&words, decision->decision_text);
        if (!coded)
                return words;
        hear(&words, coded->text);
        hear(&words, coded->display);
        if (code_is_local)
                hear(&words, coded->code);
        if (coded->original) {
                hear(&words, coded->original->code);
                hear(&words, coded->original->display);
        }
        return words;
}

static CprMeaning meaning_of(const Carebus__V1__Decision *decision) {
        const Carebus__V1__Coded *coded = decision->decision;
        CprMeaning code = coded ? cpr_meaning_of_code(coded->system, coded->code) : CPR_NOT_KNOWN;
        if (coded && code == CPR_NOT_KNOWN && coded->original)
                code = cpr_meaning_of_code(coded->original->system, coded->original->code);
        CprWords words = words_of(decision, code == CPR_NOT_KNOWN);
        bool attempt = words.attempt || code == CPR_ATTEMPT;
        bool do_not_attempt = words.do_not_attempt || code == CPR_DO_NOT_ATTEMPT;
        /* A code that says one thing under words that say the other: two codes of two digits' difference were mixed up, or two
         * texts. Whoever reads it has to see both. */
        if (attempt == do_not_attempt)
                return CPR_NOT_KNOWN;
        return attempt ? CPR_ATTEMPT : CPR_DO_NOT_ATTEMPT;
}

static int settle_cpr(Carebus__V1__Event *event, Arena *arena, uint64_t *ret_unknown) {
        Carebus__V1__Decision *decision = event->decision;
        if (decision->decision && is_coded(decision->decision, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN)) {
                ++*ret_unknown;
                return 0; /* whoever read it knew that its words are a name, as those of a form, and say nothing */
        }
        CprMeaning meaning = meaning_of(decision);
        bool ends = event->type && ends_with(event->type, ".ended");
        if (!decision->decision) {
                if (ends && is_empty(decision->decision_text))
                        return 0; /* it says which one by its identifier, and nothing more has to be known */
                decision->decision = arena_alloc(arena, sizeof(*decision->decision));
                if (!decision->decision)
                        return -ENOMEM;
                carebus__v1__coded__init(decision->decision);
        }
        Carebus__V1__Coded *coded = decision->decision;
        if (is_empty(coded->text) && !is_empty(decision->decision_text))
                coded->text = decision->decision_text;
        if (is_empty(coded->text) && is_empty(coded->code) && !coded->original && !is_empty(decision->text))
                coded->text = decision->text;
        if (meaning == CPR_NOT_KNOWN) {
                ++*ret_unknown;
                return coded_settle(coded, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN, DISPLAY_MEANING_NOT_KNOWN,
                                    arena);
        }
        const char *code = meaning == CPR_ATTEMPT ? CODE_CPR_ATTEMPT : CODE_CPR_DO_NOT_ATTEMPT;
        return coded_settle(coded, SYSTEM_SNOMED_CT, code, concept_find(SYSTEM_SNOMED_CT, code)->display, arena);
}

/*
 * Places: where somebody wants to be
 */

static const struct {
        const char *word, *death, *care, *display;
} places[] = {
        { "home", "110481000000108", "home", "home" },
        { "own home", "110481000000108", "home", "home" },
        { "hospice", "108401000000102", "hospice", "hospice" },
        { "hospital", "109401000000108", "hospital", "hospital" },
        { "community hospital", "89751000000108", "community-hospital", "community hospital" },
        { "care home", "710571000000101", "care-home", "care home" },
        { "nursing home", "89761000000106", "nursing-home", "nursing home" },
        { "residential home", "512071000000106", "residential-home", "residential home" },
        { "usual residence", "819211000000102", "usual-residence", "usual place of residence" },
        { "usual place of residence", "819211000000102", "usual-residence", "usual place of residence" },
        { "no preference", "1060941000000102", "no-preference", "no preference" },
        { "undecided", "517161000000101", "undecided", "undecided" },
        { "unable to express", "517111000000103", "unable-to-express", "unable to express a preference" },
        { "discussion not appropriate", "517131000000106", "discussion-not-appropriate", "discussion not appropriate" },
        { "declined to discuss", "766391000000108", "declined-to-discuss", "declined to discuss" },
};

static ssize_t place_of_word(const char *text) {
        for (size_t i = 0; text && i < ELEMENTSOF(places); i++)
                if (strcasecmp(text, places[i].word) == 0)
                        return (ssize_t)i;
        return -1;
}

static ssize_t place_of_coded(const Carebus__V1__Coded *coded) {
        ssize_t place = place_of_word(coded->text);
        if (place < 0 && coded->original) {
                place = place_of_word(coded->original->code);
                if (place < 0)
                        place = place_of_word(coded->original->display);
        }
        if (place < 0 && is_empty(coded->system))
                place = place_of_word(coded->code);
        return place < 0 ? place_of_word(coded->display) : place;
}

static int settle_place(Carebus__V1__Coded *coded, bool is_death, Arena *arena) {
        const Concept *concept = concept_find(coded->system, coded->code);
        if (is_death && concept && concept->value)
                return coded_settle(coded, concept->system, concept->value, concept->display, arena);
        ssize_t place = is_empty(coded->system) || is_empty(coded->code) ? place_of_coded(coded) : -1;
        if (place < 0)
                return 0;
        if (!is_death)
                return coded_settle(coded, SYSTEM_CAREBUS_PLACE, places[place].care, places[place].display, arena);
        concept = concept_find(SYSTEM_SNOMED_CT, places[place].death);
        return coded_settle(coded, SYSTEM_SNOMED_CT, concept->code, concept->display, arena);
}

static Carebus__V1__Coded *coded_copy(const Carebus__V1__Coded *coded, Arena *arena) {
        Carebus__V1__Coded *copy = arena_alloc(arena, sizeof(*copy));
        if (copy)
                *copy = *coded; /* texts and the original live in the arena, as the event does */
        return copy;
}

/* What is preferred is the decision, and a place. */
static int settle_preference(Carebus__V1__Decision *decision, Arena *arena) {
        bool is_death = decision->kind == KIND(PREFERRED_PLACE_OF_DEATH);
        int r = decision->decision ? settle_place(decision->decision, is_death, arena) : 0;
        if (r == 0 && decision->place)
                r = settle_place(decision->place, is_death, arena);
        if (r < 0 || !decision->decision == !decision->place)
                return r;
        Carebus__V1__Coded **to = decision->place ? &decision->decision : &decision->place;
        *to = coded_copy(decision->place ? decision->place : decision->decision, arena);
        return *to ? 0 : -ENOMEM;
}

static int settle_decision(Carebus__V1__Event *event, Arena *arena, uint64_t *ret_unknown) {
        Carebus__V1__Decision *decision = event->decision;
        fill_kind(event, event->type ? event_type_find(event->type) : NULL);
        if (decision->kind == KIND(CPR))
                return settle_cpr(event, arena, ret_unknown);
        if (decision->kind == KIND(PREFERRED_PLACE_OF_DEATH) || decision->kind == KIND(PREFERRED_PLACE_OF_CARE))
                return settle_preference(decision, arena);
        const Concept *concept = decision->decision ? concept_find(decision->decision->system, decision->decision->code)
                                                    : NULL;
        if (!concept || !concept->value || concept->decision != decision->kind)
                return 0;
        return coded_settle(decision->decision, concept->system, concept->value, concept->display, arena);
}

/*
 * Scores
 */

static const Scale *scale_of(const Carebus__V1__Coded *coded) {
        const Carebus__V1__OriginalCode *original = coded->original;
        const Scale *scale = scale_find(coded->system, coded->code);
        if (!scale && original)
                scale = scale_find(original->system, original->code);
        /* Words count where no terminology has spoken. */
        if (scale || (!is_empty(coded->system) && !is_empty(coded->code)))
                return scale;
        const char *said[] = { coded->code, original ? original->code : NULL, original ? original->display : NULL,
                               coded->display, coded->text };
        for (size_t i = 0; !scale && i < ELEMENTSOF(said); i++)
                scale = said[i] ? scale_find_by_name(said[i]) : NULL;
        return scale;
}

/* {score} and 1 say that there is no unit; original_unit keeps how that was said. */
static void settle_score(Carebus__V1__Quantity *score) {
        static const char *const none[] = { "1", "{score}", "{Score}", "{points}", "{point}" };
        for (size_t i = 0; score && score->unit && i < ELEMENTSOF(none); i++)
                if (strcmp(score->unit, none[i]) == 0) {
                        if (!score->original_unit)
                                score->original_unit = score->unit;
                        score->unit = NULL;
                }
}

static int settle_phase(Carebus__V1__Coded *result, Arena *arena) {
        static const char *const words[][2] = {
                { "stable", "stable" }, { "unstable", "unstable" }, { "deteriorating", "deteriorating" },
                { "dying", "dying" },   { "terminal", "dying" },    { "deceased", "deceased" }
        };
        const char *said[] = { result->original ? result->original->code : NULL,
                               result->original ? result->original->display : NULL, result->code, result->display,
                               result->text };
        if (!is_empty(result->system) && !is_empty(result->code))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(said); i++)
                for (size_t k = 0; said[i] && k < ELEMENTSOF(words); k++)
                        if (strcasecmp(said[i], words[k][0]) == 0)
                                return coded_settle(result, SYSTEM_CAREBUS_PHASE, words[k][1], words[k][1], arena);
        return 0;
}

static void fill_respondent(Carebus__V1__Measure *measure) {
#define BY(name) CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_##name
        static const struct {
                const char *word;
                Carebus__V1__Measure__Respondent meant;
        } words[] = {
                { "patient", BY(PATIENT) },     { "self", BY(PATIENT) },
                { "client", BY(PATIENT) },      { "patient with help", BY(PATIENT_WITH_HELP) },
                { "proxy", BY(PROXY) },         { "family", BY(PROXY) },
                { "family member", BY(PROXY) }, { "relative", BY(PROXY) },
                { "friend", BY(PROXY) },        { "carer", BY(PROXY) },
                { "staff", BY(STAFF) },         { "clinician", BY(STAFF) },
                { "professional", BY(STAFF) },  { "practitioner", BY(STAFF) },
                { "nurse", BY(STAFF) },         { "doctor", BY(STAFF) },
        };
        const Carebus__V1__Coded *coded = measure->respondent_coded;
        if (!coded || (measure->has_respondent && measure->respondent != BY(UNKNOWN)))
                return;
        const char *said[] = { coded->code, coded->original ? coded->original->code : NULL, coded->display,
                               coded->text };
        for (size_t i = 0; i < ELEMENTSOF(said); i++)
                for (size_t k = 0; said[i] && k < ELEMENTSOF(words); k++)
                        if (strcasecmp(said[i], words[k].word) == 0) {
                                measure->has_respondent = true;
                                measure->respondent = words[k].meant;
                                return;
                        }
#undef BY
}

static int settle_measure(Carebus__V1__Measure *measure, Arena *arena) {
        const Scale *scale = measure->scale ? scale_of(measure->scale) : NULL;
        fill_respondent(measure);
        if (!scale)
                return 0;
        if (!scale->unit)
                settle_score(measure->total);
        for (size_t i = 0; i < measure->n_items; i++)
                settle_score(measure->items[i]->score);
        if (!measure->recall_period && scale->recall)
                measure->recall_period = (char *)scale->recall;
        int r = coded_settle(measure->scale, scale->system, scale->code, scale->display, arena);
        if (r == 0 && measure->result && scale == scale_find_by_name("Phase of Illness"))
                r = settle_phase(measure->result, arena);
        return r;
}

/*
 * Referrals
 */

static void fill_urgent(Carebus__V1__Referral *referral) {
        static const char *const words[][2] = {
                { "routine", "" }, { "urgent", "u" }, { "asap", "u" }, { "stat", "u" }
        };
        const Carebus__V1__Coded *priority = referral->priority;
        if (referral->has_urgent || !priority || is_empty(priority->system) || is_empty(priority->code) ||
            strcmp(priority->system, SYSTEM_REQUEST_PRIORITY) != 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcmp(priority->code, words[i][0]) == 0) {
                        referral->has_urgent = true;
                        referral->urgent = words[i][1][0] != '\0';
                }
}

int meaning_fill(Carebus__V1__Event *event, Arena *arena, uint64_t *ret_unknown) {
        switch (event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DECISION:
                return event->decision ? settle_decision(event, arena, ret_unknown) : 0;
        case CAREBUS__V1__EVENT__BODY_MEASURE:
                return event->measure ? settle_measure(event->measure, arena) : 0;
        case CAREBUS__V1__EVENT__BODY_REFERRAL:
                if (event->referral)
                        fill_urgent(event->referral);
                return 0;
        default:
                return 0;
        }
}
