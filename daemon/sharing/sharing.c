/* The one choke point: a look at a few words of bits, by one settings or by both. */
#include "daemon/sharing/sharing.h"

#include <string.h>

#include "base/text.h"
#include "daemon/sharing/choke.h"

/* What is asked, in the form of bits. */
typedef struct Question {
        const Policy *policy;
        const PolicyTeam *team;
        const PersonTeam *person;
        bool restricted;
        int kind;
        const SharingThing *thing;
        const EventType *type;
        bool is_typed; /* it says a type, known or not */
} Question;

/* What one settings says. */
typedef struct Answer {
        const char *reason; /* it is hidden */
        bool is_own;
        uint64_t rules; /* that let it */
        MaskPart body, demographics;
} Answer;

static bool is_own_of(const PolicyTeam *team, const SharingThing *thing) {
        return team->name && ((thing->team && text_equal(thing->team, team->name)) ||
                              name_is_among(team->own, team->n_own, thing->source));
}

static bool is_own(const Question *question) {
        return is_own_of(question->team, question->thing);
}

/* What the bus itself says goes by the person alone. */
static bool is_read(const Question *question) {
        return question->thing->source.size == 0 ||
               name_is_among(question->team->reads, question->team->n_reads, question->thing->source);
}

static bool rule_has_type(const PolicyRule *rule, const EventType *type) {
        for (size_t i = 0; i < rule->n_types; i++)
                if (rule->types[i] == type)
                        return true;
        return false;
}

static bool rule_has_source(const PolicyRule *rule, Bytes source) {
        for (size_t i = 0; i < rule->said->n_sources; i++)
                if (bytes_equal_text(source, rule->said->sources[i]))
                        return true;
        return false;
}

static bool rule_speaks_of(const PolicyRule *rule, const Question *question) {
        return (!rule->is_typed || (question->type && rule_has_type(rule, question->type))) &&
               (rule->said->n_sources == 0 || rule_has_source(rule, question->thing->source));
}

static bool rule_goes_by(const PolicyRule *rule, const Question *question) {
        return rule->not_needed || (rule->relationships & question->person->relationships);
}

/* Of these rules, those that `holds` for. */
typedef bool (*RuleHolds)(const PolicyRule *rule, const Question *question);
static uint64_t rules_that(const Question *question, uint64_t rules, RuleHolds holds) {
        uint64_t left = 0;

        for (; rules; rules &= rules - 1)
                if (holds(&question->policy->rules[__builtin_ctzll(rules)], question))
                        left |= rules & -rules;
        return left;
}

static bool rule_lets_objected(const PolicyRule *rule, const Question *question) {
        return rule->despite_objection || !(question->person->objected & KIND_BIT(question->kind));
}

static bool rule_lets_sensitive(const PolicyRule *rule, const Question *question) {
        return !(question->thing->sensitive & ~rule->sensitive);
}

static bool rule_lets_unconfirmed(const PolicyRule *rule, const Question *question) {
        return rule->unconfirmed || !question->thing->unconfirmed;
}

/* What else has to hold, and why it is hidden where no rule is left. */
static const struct {
        const char *reason;
        RuleHolds holds;
} conditions[] = {
        { "no-rule", rule_speaks_of },
        { "no-relationship", rule_goes_by },
        { "objection", rule_lets_objected },
        { "sensitive", rule_lets_sensitive },
        { "unconfirmed", rule_lets_unconfirmed },
};

static uint64_t rules_left(const Question *question, const char **ret_reason) {
        uint64_t rules = question->team->of_kind[question->kind];

        for (size_t i = 0; i < ELEMENTSOF(conditions); i++) {
                rules = rules_that(question, rules, conditions[i].holds);
                if (!rules) {
                        *ret_reason = conditions[i].reason;
                        return 0;
                }
        }
        *ret_reason = NULL;
        return rules;
}

/* These rules, by what they do to a restricted address; all of it where they show everything. */
static MaskPart part_of(const Question *question, int kind, uint64_t rules) {
        const Policy *policy = question->policy;
        MaskPart part = { 0 };

        for (; rules; rules &= rules - 1) {
                const PolicyRule *rule = &policy->rules[__builtin_ctzll(rules)];
                bool is_open = !question->restricted || !(policy->shieldable & KIND_BIT(kind)) ||
                               (rule->restricted_shown && (rule->relationships & question->person->relationships));

                if (is_open && (rule->whole & KIND_BIT(kind)))
                        return MASK_PART_ALL;
                *(is_open ? &part.open : &part.closed) |= rules & -rules;
        }
        return part;
}

/* What an event says of its patient beside its body: of that the classes of sensitive facts were asked already. */
static MaskPart demographics_part(const Question *question) {
        SharingThing beside = *question->thing;
        Question of_patient = *question;
        const char *reason;

        beside.sensitive = 0;
        of_patient.thing = &beside;
        of_patient.kind = question->policy->demographics;
        return part_of(&of_patient, of_patient.kind, rules_left(&of_patient, &reason));
}

static Answer ask(const Question *question) {
        Answer answer = { .body = MASK_PART_ALL, .demographics = MASK_PART_ALL };

        answer.is_own = is_own(question);
        if (answer.is_own)
                return answer;
        answer.body = answer.demographics = (MaskPart){ 0 };
        if (question->kind < 0 || (question->is_typed && !question->type) || !question->team->name)
                answer.reason = "no-rule";
        else if (!is_read(question))
                answer.reason = "source-not-read";
        else if (question->thing->sensitive & question->policy->never)
                answer.reason = "never";
        else
                answer.rules = rules_left(question, &answer.reason);
        if (answer.reason)
                return answer;
        answer.body = part_of(question, question->kind, answer.rules);
        answer.demographics = !question->thing->type || question->thing->is_bare ? MASK_PART_ALL
                                                                                 : demographics_part(question);
        return answer;
}

static bool question_make(const Sharing *sharing, size_t team, const SharingPerson *person, const SharingThing *thing,
                          Question *ret) {
        const char *type = thing->type ?: thing->fact_type;

        if (team >= sharing->n_teams)
                return false;
        *ret = (Question){ .policy = sharing->policies[0],
                           .team = &sharing->policies[0]->teams[team],
                           .person = &person->teams[0][team],
                           .restricted = person->restricted,
                           .kind = kind_find(thing->kind),
                           .thing = thing,
                           .type = type ? event_type_find(type) : NULL,
                           .is_typed = type != NULL };
        return true;
}

/* The same of the other settings. */
static Question question_of_fold(const Sharing *sharing, size_t team, const SharingPerson *person,
                                 const Question *question) {
        Question other = *question;

        other.policy = sharing->policies[1];
        other.team = &other.policy->teams[team];
        other.person = &person->teams[1][team];
        return other;
}

static const Carebus__V1__Relationship *first_relationship(const SharingPerson *person, const PersonTeam *team,
                                                           uint32_t wanted) {
        uint32_t bit = team->relationships & wanted & -(team->relationships & wanted);

        return bit ? person->relationships[team->first + (uint32_t)__builtin_popcount(team->relationships & (bit - 1))]
                   : NULL;
}

static void take_rule(const Question *question, const SharingPerson *person, const Answer *answer,
                      SharingVerdict *verdict) {
        const PolicyRule *rule;

        if (answer->is_own)
                return;
        verdict->rule = __builtin_ctzll(answer->rules);
        rule = &question->policy->rules[verdict->rule];
        verdict->relationship = first_relationship(person, question->person, rule->relationships);
}

static bool is_all(MaskPart part) {
        return part.open == MASK_ALL;
}

SharingVerdict sharing_may_see(const Sharing *sharing, size_t team, const SharingPerson *person,
                               const SharingThing *thing) {
        SharingVerdict verdict = { .sight = SHARING_HIDDEN, .rule = -1, .reason = "no-rule" };
        Question question, of_fold;
        Answer answer, other = { .body = MASK_PART_ALL, .demographics = MASK_PART_ALL };
        MaskKey key;

        person = person ?: sharing->nobody;
        if (!question_make(sharing, team, person, thing, &question))
                return verdict;
        answer = ask(&question);
        if (!answer.reason && sharing->policies[1]) {
                of_fold = question_of_fold(sharing, team, person, &question);
                other = ask(&of_fold);
        }
        verdict.reason = answer.reason ?: other.reason;
        if (verdict.reason)
                return verdict;
        take_rule(&question, person, &answer, &verdict);
        verdict.sight = SHARING_WHOLE;
        if (is_all(answer.body) && is_all(answer.demographics) && is_all(other.body) && is_all(other.demographics))
                return verdict;
        verdict.sight = SHARING_PART;
        key = (MaskKey){ .body = { answer.body, other.body },
                         .demographics = { answer.demographics, other.demographics },
                         .kind = (uint64_t)question.kind };
        verdict.mask = mask_find((MaskTable *)(uintptr_t)&sharing->masks, sharing->policies, &key);
        return verdict;
}

/* By how many of the settings it is the team's own. */
static unsigned count_own(const Sharing *sharing, size_t team, const SharingThing *thing) {
        unsigned n = 0;

        for (size_t i = 0; i < 2 && sharing->policies[i]; i++)
                n += is_own_of(&sharing->policies[i]->teams[team], thing);
        return n;
}

bool sharing_is_own(const Sharing *sharing, size_t team, const SharingThing *thing) {
        return team < sharing->n_teams && count_own(sharing, team, thing) == (sharing->policies[1] ? 2 : 1);
}

/* All that an answer follows from, and may be another for the next team. */
static SharingMemo memo_of(const Sharing *sharing, size_t team, const SharingPerson *person) {
        SharingMemo memo = { .is_set = true, .group = sharing->groups[team] };

        for (size_t i = 0; i < 2 && sharing->policies[i]; i++) {
                memo.objected[i] = person->teams[i][team].objected;
                memo.relationships[i] = person->teams[i][team].relationships;
        }
        return memo;
}

static bool memo_is_for(const SharingMemo *memo, const SharingMemo *wanted) {
        return memo->is_set && memo->group == wanted->group && memo->objected[0] == wanted->objected[0] &&
               memo->objected[1] == wanted->objected[1] && memo->relationships[0] == wanted->relationships[0] &&
               memo->relationships[1] == wanted->relationships[1];
}

SharingVerdict sharing_may_see_again(const Sharing *sharing, size_t team, const SharingPerson *person,
                                     const SharingThing *thing, SharingMemo *memo) {
        const PolicyRule *rules = sharing->policies[0]->rules;
        SharingMemo wanted;
        unsigned n_own;

        if (team >= sharing->n_teams)
                return sharing_may_see(sharing, team, person, thing);
        person = person ?: sharing->nobody;
        n_own = count_own(sharing, team, thing);
        if (n_own == (sharing->policies[1] ? 2 : 1))
                return (SharingVerdict){ .sight = SHARING_WHOLE, .rule = -1 };
        if (n_own > 0) /* by one of them: rare, while a change is on its way */
                return sharing_may_see(sharing, team, person, thing);
        wanted = memo_of(sharing, team, person);
        if (!memo_is_for(memo, &wanted)) {
                wanted.verdict = sharing_may_see(sharing, team, person, thing);
                *memo = wanted;
        } else if (memo->verdict.rule >= 0) /* each team goes by a relationship of its own */
                memo->verdict.relationship = first_relationship(person, &person->teams[0][team],
                                                                rules[memo->verdict.rule].relationships);
        return memo->verdict;
}

uint64_t sharing_rules_that_let(const Sharing *sharing, size_t team, const SharingPerson *person,
                                const SharingThing *thing) {
        Question question;
        Answer answer;

        person = person ?: sharing->nobody;
        if (!question_make(sharing, team, person, thing, &question))
                return 0;
        answer = ask(&question);
        return answer.reason ? 0 : answer.rules;
}

/*
 * What does not follow from one thing
 */

static bool rule_goes_by_and_objection(const PolicyRule *rule, const Question *question) {
        return rule_goes_by(rule, question) && rule_lets_objected(rule, question);
}

static SharingSight section_by_rules(const Question *question, uint64_t all_classes) {
        uint64_t rules = rules_that(question, question->team->of_kind[question->kind], rule_goes_by_and_objection);
        uint64_t unlimited = 0;

        for (uint64_t left = rules; left; left &= left - 1) {
                const PolicyRule *rule = &question->policy->rules[__builtin_ctzll(left)];
                bool sees_classes = !(question->policy->existence & KIND_BIT(question->kind)) ||
                                    !((all_classes & ~rule->sensitive) | question->policy->never);

                if (!rule->is_typed && rule->said->n_sources == 0 && sees_classes)
                        unlimited |= left & -left;
        }
        if (!rules)
                return SHARING_HIDDEN;
        return question->team->reads_all && is_all(part_of(question, question->kind, unlimited)) ? SHARING_WHOLE
                                                                                                 : SHARING_PART;
}

SharingSight sharing_section(const Sharing *sharing, size_t team, const SharingPerson *person, const char *section) {
        const SharingThing thing = { .kind = section };
        SharingSight sight, other;
        Question question, of_fold;

        person = person ?: sharing->nobody;
        if (!question_make(sharing, team, person, &thing, &question) || question.kind < 0)
                return SHARING_HIDDEN;
        sight = section_by_rules(&question, sharing->all_classes);
        if (!sharing->policies[1])
                return sight;
        of_fold = question_of_fold(sharing, team, person, &question);
        other = section_by_rules(&of_fold, sharing->all_classes);
        return MIN(sight, other);
}

const Carebus__V1__Relationship *sharing_relationship(const Sharing *sharing, size_t team,
                                                      const SharingPerson *person) {
        const Carebus__V1__Relationship *found;

        if (!person || team >= sharing->n_teams || (sharing->policies[1] && !person->teams[1][team].relationships))
                return NULL;
        found = first_relationship(person, &person->teams[0][team], RELATION_ORDINARY);
        return found ?: first_relationship(person, &person->teams[0][team], UINT32_MAX);
}

bool sharing_answers_calls(const Sharing *sharing, size_t team) {
        return team < sharing->n_teams && sharing->policies[0]->teams[team].answers_calls &&
               (!sharing->policies[1] || sharing->policies[1]->teams[team].answers_calls);
}

uint64_t sharing_classify(const Sharing *sharing, const ProtobufCMessage *message) {
        return words_find(sharing->words, message);
}

bool sharing_may_read(const Sharing *sharing, size_t team, Bytes source) {
        if (team >= sharing->n_teams)
                return false;
        for (size_t i = 0; i < 2; i++) {
                const PolicyTeam *one = sharing->policies[i] ? &sharing->policies[i]->teams[team] : NULL;

                if (one && !name_is_among(one->reads, one->n_reads, source))
                        return false;
        }
        return true;
}

const char *sharing_source_at(const Sharing *sharing, size_t team, size_t n) {
        for (size_t i = 0; team < sharing->n_teams && sharing->reads[team][i]; i++)
                if (i == n)
                        return sharing->reads[team][i];
        return NULL;
}
