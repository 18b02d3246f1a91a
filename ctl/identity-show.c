#include "ctl/identity-show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"

#define SIDES_MAX 16
#define COLUMN 34

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Review Review;

/* All who are one with somebody whom a review names. */
typedef struct Side {
        Person *const *persons; /* who answers first */
        size_t n_persons;
} Side;

typedef struct Words {
        const char *code, *says;
} Words;

static const Words reasons[] = {
        { "below-threshold", "too little speaks for it to join them without a person" },
        { "near-rival", "another person is nearly as likely" },
        { "twin-pattern", "same birth date, family name and home, another given name: perhaps twins" },
        { "birth-date", "all but the birth date speaks for it" },
        { "event-class", "a plan, a decision or a death brought it about: that joins nobody without a person" },
        { "two-verified-numbers", "both have a traced number, and the two differ" },
        { "number-without-birth-date", "the same traced number, and a birth date that is not known of both" },
        { "number-with-another-name", "the same traced number and birth date, and names that do not agree" },
        { "asked-by-nobody", "somebody decided it without a review" },
        { "same-source", "one source has two numbers for what may be one person" },
        { "kept-apart-before", "somebody decided that they are two; much more speaks for it now" },
        { "test-number", "one of them has a number of the test range" },
        { "overwritten", "one of them waits for another review" },
        { "too-many-persons", "too many numbers would be one person" },
        { "another-name-or-birth-date", "the source says another name and birth date under the same number" },
        { "number-of-another", "the source says a traced number that another person has" },
        { "said-after-merge", "said while two were one: it may be of either" },
};

static const Words agreements[] = {
        { "exact", "the same" },
        { "close", "a slip" },
        { "similar", "similar" },
        { "former", "a former name" },
        { "part", "half of a double name" },
        { "nickname", "a form of the same name" },
        { "initial", "the initial" },
        { "middle", "a further name" },
        { "swapped", "changed about" },
        { "transposed", "two digits changed about" },
        { "digit", "one digit" },
        { "partial", "as far as known" },
        { "year", "the year alone" },
        { "two-parts", "two of three parts" },
        { "outward", "its first half" },
        { "street", "the street alone" },
        { "january", "both 1 January: often a guess" },
        { "communal", "a home of many: tells nothing" },
        { "missing", "not known of both" },
        { "differs", "DIFFERS" },
};

static const char *words_of(const Words *words, size_t n, const char *code) {
        for (size_t i = 0; code && i < n; i++)
                if (strcmp(words[i].code, code) == 0)
                        return words[i].says;
        return code ? code : "-";
}

static void print_since(int64_t since, int64_t now) {
        const int64_t minutes = (now - since) / (60 * USEC_PER_SEC);

        if (minutes < 120)
                printf("%" PRId64 " min", minutes);
        else if (minutes < 48 * 60)
                printf("%" PRId64 " h", minutes / 60);
        else
                printf("%" PRId64 " days", minutes / (24 * 60));
}

/* ---- one line a review ---- */

void identity_show_heading(void) {
        printf("%-12s %-8s %-11s %8s  %-16s %-28s %s\n", "review", "class", "state", "age", "source", "reason",
               "who waits, candidates");
}

void identity_show_line(const Review *review, int64_t now) {
        printf("%-12s %-8s %-11s %4" PRId64 " min  %-16s %-28s", review->id,
               review->overdue  ? "OVERDUE"
               : review->class_ ? review->class_
                                : "?",
               review->state ? review->state : "?", (int64_t)((now - review->opened_at) / (60 * USEC_PER_SEC)),
               review->source ? review->source : "?", review->reason ? review->reason : "?");
        for (size_t i = 0; i < review->n_patient_ids; i++)
                printf(" %s", review->patient_ids[i]);
        putchar('\n');
}

/* ---- what is said of somebody ---- */

/* Values of one field, of all words of one side, each once; cut to what a column holds. */
typedef struct Values {
        char text[160];
        size_t size;
} Values;

static void values_add(Values *values, const char *value, bool former) {
        const char *mark = former ? " (former)" : "";
        const size_t room = sizeof(values->text) - values->size;
        int n;

        if (!value || !value[0] || strstr(values->text, value))
                return;
        n = snprintf(values->text + values->size, room, "%s%s%s", values->size ? "; " : "", value, mark);
        values->size += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void date_add(Values *values, const Carebus__V1__Date *date, bool former) {
        char text[16] = "";

        if (!date || !date->has_year)
                return;
        if (date->has_day)
                snprintf(text, sizeof(text), "%04u-%02u-%02u", date->year % 10000, date->month % 100, date->day % 100);
        else if (date->has_month)
                snprintf(text, sizeof(text), "%04u-%02u", date->year % 10000, date->month % 100);
        else
                snprintf(text, sizeof(text), "%04u", date->year % 10000);
        values_add(values, text, former);
}

static void names_add(Values *values, const Carebus__V1__Matching *matching, bool given, bool former) {
        for (size_t i = 0; i < matching->n_names; i++) {
                const Carebus__V1__MatchingName *name = matching->names[i];
                char all[96] = "";
                size_t size = 0;

                if (!given) {
                        values_add(values, name->family, former || name->former);
                        continue;
                }
                for (size_t j = 0; j < name->n_given && size < sizeof(all); j++)
                        size += (size_t)snprintf(all + size, sizeof(all) - size, "%s%s", j ? " " : "", name->given[j]);
                values_add(values, all, former || name->former);
        }
}

static void matching_add(Values *values, const Carebus__V1__Matching *matching, const char *field, bool former) {
        if (text_equal(field, "family") || text_equal(field, "given") || text_equal(field, "name"))
                names_add(values, matching, text_equal(field, "given"), former);
        else if (text_equal(field, "birth_date"))
                date_add(values, matching->birth_date, former);
        else if (text_equal(field, "sex"))
                values_add(values, matching->sex, former);
        else if (text_equal(field, "postcode") || text_equal(field, "address")) {
                for (size_t i = 0; i < matching->n_addresses; i++)
                        values_add(values,
                                   field[0] == 'p' ? matching->addresses[i]->postcode : matching->addresses[i]->line,
                                   former);
        } else if (text_equal(field, "telecom")) {
                for (size_t i = 0; i < matching->n_telecom; i++)
                        values_add(values, matching->telecom[i], former);
        } else if (text_equal(field, "birth_order") && matching->has_birth_order) {
                char text[16];

                snprintf(text, sizeof(text), "%u", matching->birth_order);
                values_add(values, text, former);
        }
}

static Values values_of(const Side *side, const char *field) {
        Values values = { .text = "" };

        for (int former = 0; former < 2; former++)
                for (size_t i = 0; i < side->n_persons; i++)
                        for (size_t j = side->persons[i]->n_traits; j > 0; j--) {
                                const Carebus__V1__Trait *trait = side->persons[i]->traits[j - 1];

                                if (trait->matching && (trait->former != 0) == former)
                                        matching_add(&values, trait->matching, field, former);
                        }
        if (!values.size)
                values.text[0] = '-';
        return values;
}

static const char *status_word(const Carebus__V1__Identifier *identifier) {
        static const char *const words[] = { "not said whether traced", "traced", "not traced", "INVALID", "TEST" };

        if (!identifier->system || strncmp(identifier->system, "carebus:", 8) == 0)
                return "local";
        return words[identifier->has_status && identifier->status >= 0 && identifier->status < 5 ? identifier->status
                                                                                                 : 0];
}

/* Whatever came over the wire is escaped: a terminal obeys some bytes. */
static void print_text(const char *text) {
        _cleanup_(freep) char *escaped = text_escaped(bytes_of(text ? text : "-", text ? strlen(text) : 1));

        fputs(escaped ? escaped : "-", stdout);
}

static void print_person(const Person *person) {
        printf("  %s%s%s\n", person->patient_id, person->merged_into ? ", one with " : "",
               person->merged_into ? person->merged_into : "");
        for (size_t i = 0; i < person->n_identifiers; i++) {
                const Carebus__V1__PersonIdentifier *kept = person->identifiers[i];

                fputs("    ", stdout);
                print_text(kept->identifier->value);
                fputs("  ", stdout);
                print_text(kept->identifier->system);
                printf("  %s;", status_word(kept->identifier));
                if (kept->n_sources == 0)
                        fputs(" no longer said", stdout);
                for (size_t j = 0; j < kept->n_sources; j++)
                        printf(" %s", kept->sources[j]);
                putchar('\n');
        }
}

/* ---- a review ---- */

static void print_column(const char *text) {
        _cleanup_(freep) char *escaped = text_escaped(bytes_of(text, strlen(text)));

        printf(" %-*.*s", COLUMN, COLUMN, escaped ? escaped : "-");
}

static void print_field(const char *field, const char *says, const char *bits, const Side *a, const Side *b) {
        printf("  %-12s", field);
        print_column(values_of(a, field).text);
        print_column(b ? values_of(b, field).text : "");
        printf(" %7s  %s\n", bits, says);
}

static void print_evidence(const Review *review, const Side *a, const Side *b) {
        static const char *const fields[] = {
                "family", "given", "birth_date", "sex", "postcode", "address", "telecom"
        };

        if (b)
                printf("  %-12s %-*.*s %-*.*s %7s\n", "", COLUMN, COLUMN, "who waits", COLUMN, COLUMN, "candidate",
                       "bits");
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const Carebus__V1__MatchEvidence *found = NULL;
                char bits[16] = "";

                for (size_t j = 0; j < review->n_evidence && !found; j++)
                        if (text_equal(review->evidence[j]->field, fields[i]))
                                found = review->evidence[j];
                if (found && found->weight_thousandths != 0)
                        snprintf(bits, sizeof(bits), "%+.1f", found->weight_thousandths / 1000.0);
                print_field(fields[i], found ? words_of(agreements, ELEMENTSOF(agreements), found->agreement) : "",
                            bits, a, b);
        }
        if (review->has_score_thousandths)
                printf("  %-12s %*s %*s %+7.1f\n", "together", COLUMN, "", COLUMN, "",
                       review->score_thousandths / 1000.0);
}

/* A review is decided once; what it came to is taken back by the two persons themselves. */
static void print_undo(const Review *review, bool are_one) {
        if (review->kind == CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE || review->n_patient_ids < 2)
                return;
        printf("%s\n  carebusctl identity %s PATIENT PATIENT --who NAME --why TEXT   (two of",
               are_one ? "The first two are one person now. If that is wrong:"
                       : "The first two are two persons now. If that is wrong:",
               are_one ? "unlink" : "link");
        for (size_t i = 0; i < review->n_patient_ids; i++)
                printf(" %s", review->patient_ids[i]);
        puts(")");
}

static void print_next(const Review *review, bool are_one) {
        const char *id = review->id;

        if (!text_equal(review->state, "open")) {
                printf("\n%s by ", review->state ? review->state : "?");
                print_text(review->who_says ? review->who_says : review->who ? review->who : "itself");
                if (review->why) {
                        fputs(": ", stdout);
                        print_text(review->why);
                }
                putchar('\n');
                print_undo(review, are_one);
                return;
        }
        puts("\nWhat to do: ask both sources (what is held says whom to ring), compare with what the person or the "
             "carer says, then");
        switch (review->kind) {
        case CAREBUS__V1__REVIEW__KIND__KIND_OVERWRITE:
                printf("  carebusctl identity link %s --who NAME --why TEXT     it is still the same person's number\n"
                       "  carebusctl identity unlink %s --who NAME --why TEXT   it is another person's now\n",
                       id, id);
                break;
        case CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE:
                printf("  carebusctl identity assign %s PATIENT [EVENT...] --who NAME --why TEXT   it is that one's\n"
                       "  carebusctl identity unlink %s --who NAME --why TEXT                      all stays where it "
                       "is\n",
                       id, id);
                break;
        default:
                printf("  carebusctl identity link %s%s --who NAME --why TEXT     they are one person\n"
                       "  carebusctl identity unlink %s --who NAME --why TEXT   they are two, and stay two\n",
                       id, review->n_patient_ids > 2 ? " PATIENT" : "", id);
        }
}

static const Side *side_of(const Side *sides, size_t n_sides, const char *patient_id) {
        for (size_t i = 0; i < n_sides; i++)
                for (size_t j = 0; j < sides[i].n_persons; j++)
                        if (text_equal(sides[i].persons[j]->patient_id, patient_id))
                                return &sides[i];
        return NULL;
}

static void print_review(const Review *review, const Side *sides, size_t n_sides, int64_t now) {
        const Side *a = review->n_patient_ids > 0 ? side_of(sides, n_sides, review->patient_ids[0]) : NULL;
        const Side *b = review->n_patient_ids > 1 ? side_of(sides, n_sides, review->patient_ids[1]) : NULL;

        printf("review %s, %s, %s since ", review->id,
               review->overdue  ? "OVERDUE"
               : review->class_ ? review->class_
                                : "?",
               review->state ? review->state : "?");
        print_since(review->opened_at, now);
        printf(", from %s\n%s\n", review->source ? review->source : "?",
               words_of(reasons, ELEMENTSOF(reasons), review->reason));
        if (review->n_event_ids > 0) {
                printf("waiting:");
                for (size_t i = 0; i < review->n_event_ids; i++)
                        printf(" %s", review->event_ids[i]);
                putchar('\n');
        }
        putchar('\n');
        if (a)
                print_evidence(review, a, b == a ? NULL : b);
        putchar('\n');
}

static const char *kind_word(const Carebus__V1__Tie *tie) {
        static const char *const words[] = { "tied",     "merged by a source", "linked by a source", "by number",
                                             "by score", "decided to be one",  "decided to be two" };

        return tie->kind < ELEMENTSOF(words) ? words[tie->kind] : "tied";
}

static void print_ties(const Person *person) {
        for (size_t i = 0; i < person->n_ties; i++)
                printf("    %s with %s%s%s\n", kind_word(person->ties[i]), person->ties[i]->patient_id,
                       person->ties[i]->undone ? ", taken back" : "",
                       person->ties[i]->suspended ? ", suspended until a review is decided" : "");
        for (size_t i = 0; i < person->n_review_ids; i++)
                printf("    in review %s: carebusctl identity show %s\n", person->review_ids[i], person->review_ids[i]);
}

/* Who answers begins a side. Two whom a review names and who are one by now come twice, and are shown once. */
static size_t sides_make(const Carebus__V1__IdentityShowReply *reply, Side sides[SIDES_MAX]) {
        size_t n = 0;
        bool again = false;

        for (size_t i = 0; i < reply->n_persons; i++) {
                const bool begins = n == 0 || (!reply->persons[i]->merged_into && n < SIDES_MAX);

                if (begins)
                        again = side_of(sides, n, reply->persons[i]->patient_id) != NULL;
                if (again)
                        continue;
                if (begins)
                        sides[n++] = (Side){ .persons = &reply->persons[i] };
                sides[n - 1].n_persons++;
        }
        return n;
}

static bool first_two_are_one(const Review *review, const Side *sides, size_t n) {
        return review->n_patient_ids > 1 &&
               side_of(sides, n, review->patient_ids[0]) == side_of(sides, n, review->patient_ids[1]);
}

int identity_show(const Carebus__V1__IdentityShowReply *reply, int64_t now) {
        Side sides[SIDES_MAX] = { 0 };
        const size_t n = sides_make(reply, sides);

        if (reply->review)
                print_review(reply->review, sides, n, now);
        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < sides[i].n_persons; j++) {
                        print_person(sides[i].persons[j]);
                        print_ties(sides[i].persons[j]);
                }
                if (!reply->review)
                        print_evidence(&(Review)CAREBUS__V1__REVIEW__INIT, &sides[i], NULL);
                putchar('\n');
        }
        if (reply->review)
                print_next(reply->review, first_two_are_one(reply->review, sides, n));
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_STORAGE;
}
