/*
 * Forms that come as comments, QUESTION->ANSWER: all of them are carried as they stand, and where question and answer are
 * plain, the decision's own fields say the same. A question with a "not" in it is never plain.
 */
#include <ctype.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define D Carebus__V1__Decision

typedef struct Pair {
        char *question, *answer;
} Pair;

/* ---- words */

static bool is_letter(char c) {
        return isalnum((unsigned char)c) || (c & 0x80);
}

/* A word, or the beginning of one where `word` ends in a star, in either case. */
static bool has_word(const char *text, const char *word) {
        size_t n = strlen(word);
        bool is_prefix = word[n - 1] == '*';

        n -= is_prefix;
        for (const char *at = text; *at; at++)
                if ((at == text || !is_letter(at[-1])) && strncasecmp(at, word, n) == 0 &&
                    (is_prefix || !is_letter(at[n])))
                        return true;
        return false;
}

static bool has_one_of(const char *text, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (has_word(text, words[i]))
                        return true;
        return false;
}
#define HAS_ONE_OF(text, ...) \
        has_one_of(text, (const char *const[]){ __VA_ARGS__ }, ELEMENTSOF(((const char *const[]){ __VA_ARGS__ })))

static bool is_negated(const char *text) {
        return HAS_ONE_OF(text, "not", "lack*", "without", "unable", "why", "isn*", "doesn*", "cannot", "no");
}

/* Yes or no at the front, and nothing else or a remark behind it. 0 said, 1 not plain. */
static int truth_read(const char *answer, protobuf_c_boolean *ret) {
        static const struct {
                const char *word;
                protobuf_c_boolean is_true;
        } words[] = { { "yes", true }, { "y", true }, { "no", false }, { "n", false } };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t n = strlen(words[i].word);

                if (strncasecmp(answer, words[i].word, n) != 0 || is_letter(answer[n]))
                        continue;
                if (answer[n] == '/' || strcasestr(answer + n, " no ")) /* "yes/no" was never filled in */
                        return 1;
                return *ret = words[i].is_true, 0;
        }
        return 1;
}

/* ---- what a plain answer fills in */

static void capacity_read(Translation *t, const Pair *pair, D *decision) {
        Carebus__V1__Capacity *capacity = decision->capacity;
        protobuf_c_boolean has_capacity = false;

        if (!capacity)
                capacity = decision->capacity = draft_message(&t->draft, &carebus__v1__capacity__descriptor);
        if (!capacity)
                return;
        if (!capacity->text)
                capacity->text = pair->answer;
        if (is_negated(pair->question) || truth_read(pair->answer, &has_capacity) != 0)
                return;
        capacity->has_has_capacity = true;
        capacity->has_capacity = has_capacity;
}

static const struct {
        const char *word;
        const char *who;
} partners[] = {
        { "patient", "patient" },    { "family", "family" },        { "relative*", "family" },
        { "nok", "family" },         { "next of kin", "family" },   { "carer*", "carer" },
        { "attorney*", "attorney" }, { "lpa", "attorney" },         { "team", "team" },
        { "mdt", "team" },           { "multidisciplin*", "team" }, { "multi-disciplin*", "team" },
};

/* Whom a question is about; NULL where it names nobody, or more than one. */
static const char *partner_of(const char *question) {
        const char *found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(partners); i++) {
                if (!has_word(question, partners[i].word))
                        continue;
                if (found && strcmp(found, partners[i].who) != 0)
                        return NULL;
                found = partners[i].who;
        }
        return found;
}

static void discussion_read(Translation *t, const Pair *pair, D *decision) {
        const char *who = partner_of(pair->question);
        Carebus__V1__Discussion *discussion;
        protobuf_c_boolean held = false;

        if (!who || is_negated(pair->question) || HAS_ONE_OF(pair->question, "reason*", "when", "date"))
                return;
        discussion = draft_message(&t->draft, &carebus__v1__discussion__descriptor);
        if (!discussion)
                return;
        discussion->with_whom = coded_of_text(t, (char *)who);
        discussion->text = pair->answer;
        if (truth_read(pair->answer, &held) == 0) {
                discussion->has_held = true;
                discussion->held = held;
        }
        draft_append(&t->draft, &decision->n_discussions, &decision->discussions, discussion);
}

static void review_read(Translation *t, const Pair *pair, D *decision) {
        Carebus__V1__When *when;

        if (strcasecmp(pair->answer, "indefinite") == 0 || strcasecmp(pair->answer, "indefinitely") == 0) {
                decision->has_review_indefinite = true;
                decision->review_indefinite = true;
                return;
        }
        when = draft_when(&t->draft, pair->answer);
        if (when && when_is_readable(when) && !decision->review_at)
                decision->review_at = when;
}

static void reason_read(Translation *t, const Pair *pair, D *decision) {
        if (!decision->reason_text && !is_negated(pair->question) &&
            !HAS_ONE_OF(pair->question, "discuss*", "communicat*"))
                decision->reason_text = pair->answer;
}

static void endorser_read(Translation *t, const Pair *pair, D *decision) {
        Carebus__V1__Practitioner *endorser;
        protobuf_c_boolean ignored;

        if (decision->endorser || truth_read(pair->answer, &ignored) == 0 ||
            !HAS_ONE_OF(pair->question, "name", "responsible", "who", "endors*", "consultant", "consultant?"))
                return;
        endorser = draft_message(&t->draft, &carebus__v1__practitioner__descriptor);
        if (!endorser)
                return;
        endorser->name = draft_message(&t->draft, &carebus__v1__human_name__descriptor);
        if (!endorser->name)
                return;
        endorser->name->text = pair->answer;
        decision->endorser = endorser;
}

static const struct {
        const char *answer;
        Carebus__V1__Decision__Scope scope;
} scopes[] = {
        { "this admission", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "this admission only", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "current admission", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "current admission only", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "this stay", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "this stay only", CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY },
        { "all settings", CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE },
        { "all care settings", CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE },
        { "everywhere", CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE },
};

static void scope_read(Translation *t, const Pair *pair, D *decision) {
        decision->scope_text = decision->scope_text ?: pair->answer;
        for (size_t i = 0; i < ELEMENTSOF(scopes); i++)
                if (strcasecmp(scopes[i].answer, pair->answer) == 0) {
                        decision->has_scope = true;
                        decision->scope = scopes[i].scope;
                }
}

static void location_read(Translation *t, const Pair *pair, D *decision) {
        if (!decision->original_location)
                decision->original_location = pair->answer;
}

static const struct {
        const char *words[4]; /* one of them */
        void (*read)(Translation *t, const Pair *pair, D *decision);
} subjects[] = {
        { { "capacity" }, capacity_read },
        { { "discuss*", "communicat*", "mdt", "multidisciplin*" }, discussion_read },
        { { "review*" }, review_read },
        { { "reason*", "rationale" }, reason_read },
        { { "consultant", "endors*", "senior" }, endorser_read },
        { { "scope", "valid*", "applies" }, scope_read },
        { { "location of form", "location of original", "where is the form", "where is the original" }, location_read },
};

/* A question is about the first subject that it names. */
static void pair_read(Translation *t, const Carebus__V1__QuestionAnswer *answer, D *decision) {
        Pair pair = { .question = answer->question ? answer->question->text : NULL, .answer = answer->answer };

        if (!pair.question || !pair.answer)
                return;
        for (size_t i = 0; i < ELEMENTSOF(subjects); i++)
                for (size_t j = 0; j < ELEMENTSOF(subjects[i].words) && subjects[i].words[j]; j++)
                        if (has_word(pair.question, subjects[i].words[j])) {
                                subjects[i].read(t, &pair, decision);
                                return;
                        }
}

void decision_answers_read(Translation *t, D *decision, NoteList *lines) {
        answers_read(t, lines, &decision->n_answers, &decision->answers);
        for (size_t i = 0; i < decision->n_answers; i++)
                pair_read(t, decision->answers[i], decision);
        if (!decision->text)
                decision->text = notes_text(t, lines);
}
