/*
 * carebusctl find: who somebody may be, for who has them on the telephone: a name, a birth date, perhaps a postcode. What is typed is about
 * a person: it is taken out of the list of processes as soon as it is read.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

#define NHS_NUMBER "https://fhir.nhs.uk/Id/nhs-number"
#define NAME_MAX_BYTES 400

typedef struct Question {
        Carebus__V1__FindRequest find;
        Carebus__V1__Identifier identifier;
        Carebus__V1__Date born;
        char name[NAME_MAX_BYTES];
        char texts[8][256]; /* of the options, as they were typed */
        size_t n_texts;
} Question;

static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                      "July",    "August",   "September", "October", "November", "December" };

/* ---- what was typed ------------------------------------------------------------------------------------------------------- */

static bool date_is_possible(const Carebus__V1__Date *date) {
        static const uint32_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return date->year >= 1850 && date->year <= 2200 &&
               (!date->has_month || (date->month >= 1 && date->month <= 12)) &&
               (!date->has_day || (date->day >= 1 && date->day <= days[date->month - 1]));
}

static void date_set(Carebus__V1__Date *date, const uint32_t *parts, size_t n, bool year_first) {
        date->has_year = true;
        date->year = parts[year_first ? 0 : n - 1];
        date->has_month = n > 1;
        date->month = n > 1 ? parts[year_first || n == 2 ? (year_first ? 1 : 0) : 1] : 0;
        date->has_day = n > 2;
        date->day = n > 2 ? parts[year_first ? 2 : 0] : 0;
}

/* 1950-02-03, 1950-02, 1950; 03/02/1950, 3.2.1950, 02/1950: the day before the month. */
static bool date_parse(const char *text, Carebus__V1__Date *ret) {
        uint32_t parts[3] = { 0 };
        size_t digits[3] = { 0 }, n = 0;
        bool year_first;

        for (; *text; text++) {
                if (*text >= '0' && *text <= '9' && digits[n] < 4) {
                        parts[n] = parts[n] * 10 + (uint32_t)(*text - '0');
                        digits[n]++;
                } else if (strchr("-/. ", *text) && n < 2 && digits[n] > 0) {
                        n++;
                } else {
                        return false;
                }
        }
        if (digits[n] == 0)
                return false;
        n++;
        year_first = digits[0] == 4;
        for (size_t i = 0; i < n; i++)
                if ((digits[i] > 2) != (i == (year_first ? 0 : n - 1)))
                        return false; /* a year has four digits, and nothing else has */
        date_set(ret, parts, n, year_first);
        return date_is_possible(ret);
}

static bool sex_parse(const char *text, const char **ret) {
        static const struct {
                const char *typed, *code;
        } words[] = {
                { "f", "female" },  { "female", "female" }, { "woman", "female" }, { "m", "male" },
                { "male", "male" }, { "man", "male" },      { "other", "other" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(words[i].typed, text) == 0) {
                        *ret = words[i].code;
                        return true;
                }
        return false;
}

/* A copy that outlives the word on the command line, which is then made unreadable to others. */
static char *take_word(Question *question, char *word) {
        const size_t size = strlen(word);
        char *kept;

        if (question->n_texts == ELEMENTSOF(question->texts) || size >= sizeof(question->texts[0]))
                return NULL;
        kept = memcpy(question->texts[question->n_texts++], word, size + 1);
        memset(word, '.', size);
        return kept;
}

static const char *set_born(Question *question, char *text) {
        carebus__v1__date__init(&question->born);
        question->find.birth_date = &question->born;
        return date_parse(text, &question->born) ? NULL
                                                 : "say the birth date as 1950-02-03 or 03/02/1950, or less of it";
}

/* SYSTEM|VALUE, or a value alone: then whoever has it. */
static const char *set_identifier(Question *question, char *text) {
        char *bar = strrchr(text, '|');

        carebus__v1__identifier__init(&question->identifier);
        question->find.identifier = &question->identifier;
        question->identifier.value = bar ? bar + 1 : text;
        if (bar) {
                *bar = '\0';
                question->identifier.system = text;
        }
        return question->identifier.value[0] ? NULL : "say which number";
}

static const char *set_postcode(Question *question, char *text) {
        question->find.postcode = text;
        return NULL;
}

static const char *set_sex(Question *question, char *text) {
        const char *code;

        if (!sex_parse(text, &code))
                return "say female, male or other";
        question->find.sex = (char *)(uintptr_t)code;
        return NULL;
}

static const char *set_phone(Question *question, char *text) {
        question->find.phone = text;
        return NULL;
}

static const char *set_team(Question *question, char *text) {
        question->find.team = text;
        return NULL;
}

static const char *set_limit(Question *question, char *text) {
        uint64_t limit;

        if (text_to_u64(text, &limit) < 0 || limit == 0 || limit > 50)
                return "say a limit from 1 to 50";
        question->find.has_limit = true;
        question->find.limit = (uint32_t)limit;
        return NULL;
}

static const struct {
        const char *option;
        const char *(*set)(Question *question, char *text); /* NULL, or what is wrong */
} options[] = {
        { "--born", set_born },   { "--identifier", set_identifier }, { "--postcode", set_postcode },
        { "--sex", set_sex },     { "--phone", set_phone },           { "--team", set_team },
        { "--limit", set_limit },
};

static const char *take_option(Question *question, const char *option, char *word) {
        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                char *text;

                if (!text_equal(options[i].option, option))
                        continue;
                text = word ? take_word(question, word) : NULL;
                return text ? options[i].set(question, text) : "an option has no value, or one that is too long";
        }
        return "unknown option";
}

static const char *take_name(Question *question, char *word) {
        size_t size = strlen(question->name);

        if (size + strlen(word) + 2 > sizeof(question->name))
                return "the name is too long";
        snprintf(question->name + size, sizeof(question->name) - size, "%s%s", size ? " " : "", word);
        memset(word, '.', strlen(word));
        question->find.name = question->name;
        return NULL;
}

static const char *question_take(Question *question, int argc, char **argv) {
        const char *wrong = NULL;

        carebus__v1__find_request__init(&question->find);
        for (int i = 1; i < argc && !wrong; i++) {
                if (text_starts_with(argv[i], "--")) {
                        wrong = take_option(question, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
                        i++;
                } else {
                        wrong = take_name(question, argv[i]);
                }
        }
        if (!wrong && !question->find.name && !question->find.birth_date && !question->find.identifier &&
            !question->find.postcode && !question->find.phone)
                wrong = "say a name, a birth date, a number, a postcode or a telephone number";
        return wrong;
}

/* ---- the answer --------------------------------------------------------------------------------------------------------------- */

/* What an agreement is called, and on which side it stands. */
typedef enum Side {
        AGREES,
        PARTLY,
        DIFFERS,
        NOT_KNOWN,
        N_SIDES,
} Side;

static const struct {
        const char *agreement;
        Side side;
        const char *words; /* behind the field; NULL: nothing to add */
} agreements[] = {
        { "exact", AGREES, NULL },
        { "close", AGREES, "but for a slip" },
        { "former", AGREES, "a former one" },
        { "nickname", AGREES, "another form of it" },
        { "part", AGREES, "half of a double name" },
        { "swapped", AGREES, "the other way round" },
        { "transposed", AGREES, "two digits changed places" },
        { "digit", AGREES, "but for one digit" },
        { "partial", AGREES, "as far as it is known" },
        { "similar", PARTLY, "alike" },
        { "initial", PARTLY, "the first letter" },
        { "middle", PARTLY, "a middle name" },
        { "january", PARTLY, "1 January, often put where nobody knows" },
        { "year", PARTLY, "the year" },
        { "two-parts", PARTLY, "two of day, month and year" },
        { "outward", PARTLY, "the first half" },
        { "street", PARTLY, "the street" },
        { "communal", PARTLY, "a home of many: tells nothing" },
        { "look-alike", DIFFERS, "only looks alike" },
        { "differs", DIFFERS, NULL },
        { "missing", NOT_KNOWN, NULL },
};

static const char *field_words(const char *field) {
        static const char *const names[][2] = {
                { "family", "family name" },    { "given", "first name" },
                { "birth_date", "birth date" }, { "sex", "sex" },
                { "postcode", "postcode" },     { "telecom", "telephone" },
                { "number", "number" },         { "address", "address" },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (text_equal(names[i][0], field))
                        return names[i][1];
        return field ? field : "?";
}

static void print_agreement(const char *field, const char *words, bool is_first) {
        printf("%s%s", is_first ? "" : ", ", field_words(field));
        if (words)
                printf(" (%s)", words);
}

static void print_side(const Carebus__V1__Candidate *candidate, Side side) {
        static const char *const titles[N_SIDES] = {
                [AGREES] = "agrees:", [PARTLY] = "partly:", [DIFFERS] = "DIFFERS:", [NOT_KNOWN] = "not known here:"
        };
        bool is_first = true;

        for (size_t i = 0; i < candidate->n_evidence; i++)
                for (size_t j = 0; j < ELEMENTSOF(agreements); j++) {
                        if (agreements[j].side != side ||
                            !text_equal(agreements[j].agreement, candidate->evidence[i]->agreement))
                                continue;
                        if (is_first)
                                printf("     %s ", titles[side]);
                        print_agreement(candidate->evidence[i]->field, agreements[j].words, is_first);
                        is_first = false;
                }
        if (!is_first)
                putchar('\n');
}

static void print_name(const Carebus__V1__HumanName *name) {
        if (!name || (!name->family && name->n_given == 0)) {
                fputs(name && name->text ? name->text : "(no name)", stdout);
                return;
        }
        for (size_t i = 0; i < name->n_given; i++)
                printf("%s%s", i ? " " : "", name->given[i]);
        printf("%s%s", name->n_given && name->family ? " " : "", name->family ? name->family : "");
}

static void print_birth_date(const Carebus__V1__Date *date) {
        if (!date || !date->has_year) {
                fputs(", birth date not known", stdout);
                return;
        }
        fputs(", born ", stdout);
        if (date->has_day)
                printf("%" PRIu32 " ", date->day);
        if (date->has_month && date->month >= 1 && date->month <= ELEMENTSOF(months))
                printf("%s ", months[date->month - 1]);
        printf("%" PRIu32, date->year);
}

static const char *sex_words(const Carebus__V1__Coded *sex) {
        return sex ? (sex->display ? sex->display : sex->code ? sex->code : sex->text) : NULL;
}

/* As people read it out. */
static void print_identifier(const Carebus__V1__Identifier *identifier, bool is_first) {
        const char *value = identifier->value ? identifier->value : "?";

        fputs(is_first ? "     numbers: " : ", ", stdout);
        if (text_equal(identifier->system, NHS_NUMBER) && strlen(value) == 10)
                printf("NHS number %.3s %.3s %s", value, value + 3, value + 6);
        else if (identifier->system && text_starts_with(identifier->system, "carebus:"))
                printf("%s %s", identifier->system + strlen("carebus:"), value);
        else
                printf("%s %s", identifier->system ? identifier->system : "?", value);
        if (identifier->has_status && identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED)
                fputs(" (verified)", stdout);
}

static void print_list(const char *title, char **list, size_t n) {
        for (size_t i = 0; i < n; i++)
                printf("%s%s", i ? ", " : title, list[i]);
        if (n > 0)
                putchar('\n');
}

static void print_candidate(const Carebus__V1__Candidate *candidate, size_t number) {
        const char *sex = sex_words(candidate->sex);

        printf("%3zu. ", number);
        print_name(candidate->name);
        print_birth_date(candidate->birth_date);
        printf("%s%s%s%s   %s%s\n", sex ? ", " : "", sex ? sex : "", candidate->postal_code ? ", " : "",
               candidate->postal_code ? candidate->postal_code : "", candidate->patient_id,
               candidate->dead ? "   DIED" : "");
        for (Side side = AGREES; side < N_SIDES; side++)
                print_side(candidate, side);
        for (size_t i = 0; i < candidate->n_identifiers; i++)
                print_identifier(candidate->identifiers[i], i == 0);
        if (candidate->n_identifiers > 0)
                putchar('\n');
        print_list("     known by: ", candidate->sources, candidate->n_sources);
        print_list("     in review, who this is: ", candidate->review_ids, candidate->n_review_ids);
}

/* What to do next, in a sentence. */
static const char *advice_words(const Question *question, const Carebus__V1__FindReply *found) {
        if (text_equal(found->advice, "unique"))
                return "One person fits, and nobody else comes near.";
        if (text_equal(found->advice, "none"))
                return "Nobody here fits. Ask for another spelling, a former name or a number; they may be new to "
                       "everybody.";
        if (text_equal(found->advice, "several-close"))
                return question->find.postcode ? "Several fit. Ask for the telephone number or an NHS number."
                                               : "Several fit. Ask for the postcode.";
        if (found->n_candidates > 0 && !found->more)
                return "What is known does not settle it. Ask for the full birth date, the postcode or a number.";
        return question->find.birth_date ? "Too little to go by. Ask for the name or the postcode."
                                         : "Too little to go by. Ask for the birth date.";
}

static int print_found(const Question *question, const Carebus__V1__FindReply *found) {
        for (size_t i = 0; i < found->n_candidates; i++)
                print_candidate(found->candidates[i], i + 1);
        if (found->more && found->n_candidates > 0)
                puts("     and more");
        puts(advice_words(question, found));
        return found->n_candidates > 0 ? EXIT_DONE : EXIT_NO;
}

int command_find(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        Question question = { .n_texts = 0 };
        const Carebus__V1__Reply *reply;
        const char *wrong;
        int r;

        wrong = question_take(&question, argc, argv);
        if (wrong)
                return command_wrong_use(argv[0], wrong);
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_FIND;
        request.find = &question.find;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r != 0)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_FOUND)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        if (!context->json)
                return print_found(&question, reply->found);
        r = command_print_line(json_line(&reply->found->base));
        return r == EXIT_DONE && reply->found->n_candidates == 0 ? EXIT_NO : r;
}
