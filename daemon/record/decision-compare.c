#include "daemon/record/decision-compare.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

/* What the fold writes where a decision is there and nobody can read it. */
#define CODE_NOT_KNOWN "meaning-not-known"

typedef Carebus__V1__Coded Coded;
typedef Carebus__V1__Fact Fact;

static bool is_said(const char *text) {
        return text && text[strspn(text, " ")];
}

static bool words_same(const char *a, const char *b) {
        return is_said(a) && is_said(b) && strcasecmp(a + strspn(a, " "), b + strspn(b, " ")) == 0;
}

static bool identifiers_same(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return a && b && is_said(a->value) && text_equal(a->value, b->value) && text_equal(a->system, b->system);
}

static bool coded_is_said(const Coded *coded) {
        return coded && (is_said(coded->code) || is_said(coded->text) || is_said(coded->display) ||
                         (coded->original && (is_said(coded->original->code) || is_said(coded->original->display))));
}

static const char *coded_words(const Coded *coded) {
        return is_said(coded->text) ? coded->text : coded->display;
}

/* By shared code, else by the source's own, else by its words. */
static bool coded_same(const Coded *a, const Coded *b) {
        if (is_said(a->code) && is_said(b->code)) {
                if (!text_equal(a->code, b->code) || !text_equal(a->system, b->system))
                        return false;
                return strcmp(a->code, CODE_NOT_KNOWN) != 0 || words_same(coded_words(a), coded_words(b));
        }
        if (a->original && b->original && is_said(a->original->code) && is_said(b->original->code) &&
            text_equal(a->original->system, b->original->system))
                return text_equal(a->original->code, b->original->code);
        return words_same(coded_words(a), coded_words(b));
}

static bool coded_differ(const Coded *a, const Coded *b) {
        return coded_is_said(a) && coded_is_said(b) && !coded_same(a, b);
}

static bool texts_differ(const char *a, const char *b) {
        return is_said(a) && is_said(b) && !words_same(a, b);
}

static const char *decision_text_of(const Decision *decision) {
        return is_said(decision->decision_text) ? decision->decision_text : decision->text;
}

/* What was decided, in a code or in words. A code without a meaning says what its words say. */
static bool choice_is_said(const Decision *decision) {
        return coded_is_said(decision->decision) || is_said(decision_text_of(decision));
}

static bool choices_same(const Decision *a, const Decision *b) {
        if (coded_is_said(a->decision) && coded_is_said(b->decision))
                return coded_same(a->decision, b->decision);
        if (!coded_is_said(a->decision) && !coded_is_said(b->decision))
                return words_same(decision_text_of(a), decision_text_of(b));
        return coded_is_said(a->decision) ? words_same(coded_words(a->decision), decision_text_of(b))
                                          : words_same(decision_text_of(a), coded_words(b->decision));
}

static bool choices_differ(const Decision *a, const Decision *b) {
        return choice_is_said(a) && choice_is_said(b) && !choices_same(a, b);
}

/* For attempted resuscitation and not for it, in whatever words; one that says neither agrees with none that says something. */
static bool cpr_differ(const Decision *a, const Decision *b) {
        if (!choice_is_said(a) && !choice_is_said(b))
                return false;
        return !choice_is_said(a) || !choice_is_said(b) || !choices_same(a, b);
}

static bool guidance_differs(const Decision *a, const Decision *b) {
        if (a->n_guidance == 0 || b->n_guidance == 0)
                return false;
        if (a->n_guidance != b->n_guidance)
                return true;
        for (size_t i = 0; i < a->n_guidance; i++)
                if (!words_same(a->guidance[i], b->guidance[i]))
                        return true;
        return false;
}

static bool treatments_differ(const Decision *a, const Decision *b) {
        for (size_t i = 0; i < a->n_treatments; i++)
                for (size_t j = 0; j < b->n_treatments; j++) {
                        const Carebus__V1__TreatmentChoice *x = a->treatments[i], *y = b->treatments[j];

                        if (coded_is_said(x->treatment) && coded_is_said(y->treatment) &&
                            coded_same(x->treatment, y->treatment) && coded_differ(x->choice, y->choice))
                                return true;
                }
        return false;
}

/* How far treatment goes. Free words are compared only where nothing else of both can be. */
static bool ceilings_differ(const Decision *a, const Decision *b) {
        const struct {
                const Coded *a, *b;
        } parts[] = {
                { a->focus, b->focus },
                { a->hospital_admission, b->hospital_admission },
                { a->intensive_care, b->intensive_care },
        };
        bool compared = (choice_is_said(a) && choice_is_said(b)) ||
                        (is_said(a->priority_scale) && is_said(b->priority_scale));

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                if (coded_differ(parts[i].a, parts[i].b))
                        return true;
                compared = compared || (coded_is_said(parts[i].a) && coded_is_said(parts[i].b));
        }
        return choices_differ(a, b) || texts_differ(a->priority_scale, b->priority_scale) || treatments_differ(a, b) ||
               (!compared && guidance_differs(a, b));
}

static bool refusals_differ(const Decision *a, const Decision *b) {
        return choices_differ(a, b) ||
               (a->has_life_sustaining && b->has_life_sustaining && a->life_sustaining != b->life_sustaining);
}

static bool names_same(const Carebus__V1__HumanName *a, const Carebus__V1__HumanName *b) {
        if (!a || !b)
                return false;
        if (!is_said(a->family) || !is_said(b->family))
                return words_same(a->text, b->text);
        if (!words_same(a->family, b->family))
                return false;
        return a->n_given == 0 || b->n_given == 0 || words_same(a->given[0], b->given[0]);
}

static bool attorney_is_among(const Carebus__V1__Attorney *attorney, const Decision *decision) {
        for (size_t i = 0; i < decision->n_attorneys; i++) {
                const Carebus__V1__Attorney *other = decision->attorneys[i];

                if (attorney->person && other->person && names_same(attorney->person->name, other->person->name))
                        return true;
                if (words_same(attorney->text, other->text))
                        return true;
        }
        return false;
}

/* Other attorneys, or other powers. */
static bool powers_differ(const Decision *a, const Decision *b) {
        /* Who is not registered may decide nothing. */
        if (refusals_differ(a, b) || (a->has_registered && b->has_registered && a->registered != b->registered))
                return true;
        for (size_t i = 0; b->n_attorneys > 0 && i < a->n_attorneys; i++)
                if (!attorney_is_among(a->attorneys[i], b))
                        return true;
        for (size_t i = 0; a->n_attorneys > 0 && i < b->n_attorneys; i++)
                if (!attorney_is_among(b->attorneys[i], a))
                        return true;
        return false;
}

static bool places_differ(const Decision *a, const Decision *b) {
        if (coded_is_said(a->place) && coded_is_said(b->place))
                return !coded_same(a->place, b->place);
        if (choice_is_said(a) && choice_is_said(b))
                return !choices_same(a, b);
        if (coded_is_said(a->place) && coded_is_said(b->decision))
                return !coded_same(a->place, b->decision);
        return coded_is_said(b->place) && coded_is_said(a->decision) && !coded_same(b->place, a->decision);
}

static const struct {
        Carebus__V1__Decision__Kind kind;
        bool (*differ)(const Decision *a, const Decision *b);
} comparisons[] = {
        { KIND(CPR), cpr_differ },
        { KIND(ADRT), refusals_differ },
        { KIND(LPA), powers_differ },
        { KIND(TREATMENT_ESCALATION), ceilings_differ },
        { KIND(PREFERRED_PLACE_OF_DEATH), places_differ },
        { KIND(PREFERRED_PLACE_OF_CARE), places_differ },
};

bool decision_words_differ(const Decision *a, const Decision *b) {
        if (a->kind != b->kind || decision_rank(a) != decision_rank(b))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(comparisons); i++)
                if (comparisons[i].kind == a->kind)
                        return comparisons[i].differ(a, b);
        return false;
}

bool decision_is_silent(const Decision *decision) {
        return !choice_is_said(decision) && !coded_is_said(decision->place) && !coded_is_said(decision->focus) &&
               decision->n_attorneys == 0 && decision->n_guidance == 0;
}

bool decision_scopes_differ(const Decision *a, const Decision *b) {
        return a->has_scope && b->has_scope && a->scope && b->scope && a->scope != b->scope;
}

unsigned decision_rank(const Decision *decision) {
        if (decision->kind != KIND(PREFERRED_PLACE_OF_DEATH) && decision->kind != KIND(PREFERRED_PLACE_OF_CARE))
                return 0;
        return decision->has_rank && decision->rank > 0 ? decision->rank : 1;
}

bool decision_moment(const Fact *fact, Moment *ret) {
        const Decision *decision = fact->decision;

        if (moment_of_when(decision->decided_at, ret) || moment_of_when(decision->endorsed_at, ret))
                return true;
        if (fact->has_first_said_at)
                *ret = (Moment){ .from = fact->first_said_at, .until = fact->first_said_at + 1 };
        else if (!moment_of_when(fact->recorded_at, ret))
                *ret = (Moment){ .from = fact->received_at, .until = fact->received_at + 1 };
        return false;
}

bool decisions_share_order(const Decision *a, const Decision *b) {
        return identifiers_same(a->identifier, b->identifier);
}

bool decisions_share_number(const Decision *a, const Decision *b) {
        return decisions_share_order(a, b) || identifiers_same(a->form_identifier, b->form_identifier);
}

/* Numbers are compared where one authority gave both; else the names are all there is. */
static bool practitioners_same(const Carebus__V1__Practitioner *a, const Carebus__V1__Practitioner *b) {
        if (!a || !b)
                return false;
        if (a->identifier && b->identifier && is_said(a->identifier->value) && is_said(b->identifier->value) &&
            text_equal(a->identifier->system, b->identifier->system))
                return text_equal(a->identifier->value, b->identifier->value);
        return names_same(a->name, b->name);
}

bool decisions_are_one(const Fact *a, const Fact *b) {
        const Decision *x = a->decision, *y = b->decision;
        Moment when_x, when_y;

        if (x->kind != y->kind || decision_rank(x) != decision_rank(y))
                return false;
        if (decisions_share_number(x, y))
                return true;
        /* One form with one number is not a form with another. */
        if (x->form_identifier && y->form_identifier && is_said(x->form_identifier->value) &&
            is_said(y->form_identifier->value))
                return false;
        return practitioners_same(x->decided_by, y->decided_by) && moment_of_when(x->decided_at, &when_x) &&
               moment_of_when(y->decided_at, &when_y) && moments_overlap(when_x, when_y) &&
               !coded_differ(x->form_type, y->form_type);
}

bool decision_replaces(const Decision *a, const Decision *b) {
        for (size_t i = 0; a->kind == b->kind && i < a->n_replaces; i++)
                if (identifiers_same(a->replaces[i], b->identifier) ||
                    identifiers_same(a->replaces[i], b->form_identifier))
                        return true;
        return false;
}

static bool organisation_is(const Carebus__V1__Author *author, const Carebus__V1__Organisation *organisation) {
        if (!organisation)
                return false;
        if (organisation->identifier && is_said(organisation->identifier->value) && is_said(author->organisation))
                return text_equal(organisation->identifier->value, author->organisation);
        return words_same(organisation->name, author->organisation_name);
}

static bool person_is(const Carebus__V1__Author *author, const Carebus__V1__Practitioner *practitioner) {
        if (!practitioner)
                return false;
        if (practitioner->identifier && is_said(practitioner->identifier->value) && is_said(author->person))
                return text_equal(practitioner->identifier->value, author->person);
        return practitioner->name && words_same(practitioner->name->text, author->person_name);
}

bool decision_ended_by_authority(const Fact *ended, const Fact *decision) {
        const Carebus__V1__Author *by = ended->author;
        const Decision *d = decision->decision;

        if (!by)
                return false;
        if (person_is(by, d->decided_by) || person_is(by, d->endorser) ||
            (d->decided_by && organisation_is(by, d->decided_by->organisation)) ||
            (d->endorser && organisation_is(by, d->endorser->organisation)))
                return true;
        return decision->author && is_said(by->organisation) &&
               text_equal(by->organisation, decision->author->organisation);
}
