/*
 * carebusctl find: who somebody may be, for who has them on the telephone: a name, a birth date, perhaps a postcode. What is typed is about
 * a person: it is taken out of the list of processes as soon as it is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/find-show.h"
#include "proto/json.h"

#define NAME_MAX_BYTES 400

typedef struct Question {
        Carebus__V1__FindRequest find;
        Carebus__V1__Identifier identifier;
        Carebus__V1__Date born;
        char name[NAME_MAX_BYTES];
        char digits[32];    /* of a number that was typed in groups */
        char texts[8][256]; /* of the options, as they were typed */
        size_t n_texts;
} Question;

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

/* "Feb", "february": 2; 0: no month. */
static uint32_t month_of(const char *word, size_t size) {
        static const char *const months[] = { "january", "february", "march",     "april",   "may",      "june",
                                              "july",    "august",   "september", "october", "november", "december" };

        for (uint32_t i = 0; size >= 3 && i < ELEMENTSOF(months); i++)
                if (size <= strlen(months[i]) && strncasecmp(months[i], word, size) == 0)
                        return i + 1;
        return 0;
}

typedef struct DateParts {
        uint32_t parts[3];
        size_t digits[3]; /* 2 of a month's name */
        size_t n;
} DateParts;

/* Numbers and names of months, with - / . or blanks between them. */
static bool date_split(const char *text, DateParts *ret) {
        while (*text) {
                const size_t n_letters = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
                const size_t n_digits = strspn(text, "0123456789");
                const uint32_t month = month_of(text, n_letters);

                if (ret->n == ELEMENTSOF(ret->parts) || n_digits > 4 || (n_digits == 0 && month == 0))
                        return false;
                ret->parts[ret->n] = n_digits > 0 ? (uint32_t)strtoul(text, NULL, 10) : month;
                ret->digits[ret->n++] = n_digits > 0 ? n_digits : 2;
                text += n_digits + n_letters * (n_digits == 0);
                text += strspn(text, "-/. ");
        }
        return ret->n > 0;
}

/*
 * 1950-02-03, 1950-02, 1950; 03/02/1950, 3.2.1950, 02/1950, 3 Feb 1950: the day before the month. Of a year of two digits the
 * century follows only where the other one has not come yet. NULL, or what is wrong.
 */
static const char *date_parse(const char *text, uint32_t year_now, Carebus__V1__Date *ret) {
        static const char form[] = "say the birth date as 1950-02-03 or 03/02/1950, or less of it";
        DateParts split = { .n = 0 };
        bool year_first;
        size_t at_year;

        if (!date_split(text, &split))
                return form;
        year_first = split.digits[0] == 4;
        at_year = year_first ? 0 : split.n - 1;
        if (split.n == 3 && !year_first && split.digits[2] == 2) {
                if (split.parts[2] <= year_now % 100)
                        return "which century? say the year with four digits, as in 03/02/1912";
                split.parts[2] += year_now - year_now % 100 - 100;
                split.digits[2] = 4;
        }
        for (size_t i = 0; i < split.n; i++)
                if ((split.digits[i] > 2) != (i == at_year))
                        return form; /* a year has four digits, and nothing else has */
        date_set(ret, split.parts, split.n, year_first);
        return date_is_possible(ret) ? NULL : "there is no such day; the day stands before the month, as in 03/02/1950";
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
        const CivilTime now = civil_from_utc(clock_now_at(&clock_system));

        if (question->find.birth_date)
                return "say one birth date";
        carebus__v1__date__init(&question->born);
        question->find.birth_date = &question->born;
        return date_parse(text, (uint32_t)now.year, &question->born);
}

/* SYSTEM|VALUE, or a value alone: then whoever has it. */
static const char *set_identifier(Question *question, char *text) {
        char *bar = strrchr(text, '|');

        if (question->find.identifier)
                return "say one number";
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

static bool is_all_of(const char *word, const char *characters) {
        return word[0] && word[strspn(word, characters)] == '\0';
}

static size_t count_digits(const char *word) {
        size_t n = 0;

        for (; *word; word++)
                n += *word >= '0' && *word <= '9';
        return n;
}

/* A number in one word or in several: 9434765919, 943 476 5919. */
static const char *take_number(Question *question, char *word) {
        size_t size = strlen(question->digits);

        for (const char *at = word; *at; at++) {
                if (*at < '0' || *at > '9')
                        continue;
                if (size + 1 >= sizeof(question->digits))
                        return "no number is as long as that";
                question->digits[size++] = *at;
        }
        memset(word, '.', strlen(word));
        return NULL;
}

/* What has no option before it: a date and a number are known by their looks. */
static const char *take_bare(Question *question, char *word) {
        const size_t n_digits = count_digits(word);
        char *text;

        if (word[0] == '-')
                return "unknown option";
        if (n_digits == 0)
                return take_name(question, word);
        if (is_all_of(word, "0123456789") ? n_digits != 4 || question->digits[0]
                                          : n_digits > 8 && is_all_of(word, "0123456789- "))
                return take_number(question, word);
        if (!is_all_of(word, "0123456789-/."))
                return "no name has digits: say --postcode, --identifier or --born before it";
        text = take_word(question, word);
        return text ? set_born(question, text) : "too many words";
}

static const char *question_take(Question *question, int argc, char **argv) {
        const char *wrong = NULL;

        carebus__v1__find_request__init(&question->find);
        for (int i = 1; i < argc && !wrong; i++) {
                if (text_starts_with(argv[i], "--")) {
                        wrong = take_option(question, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
                        i++;
                } else {
                        wrong = take_bare(question, argv[i]);
                }
        }
        if (!wrong && question->digits[0])
                wrong = set_identifier(question, question->digits);
        if (!wrong && !question->find.name && !question->find.birth_date && !question->find.identifier &&
            !question->find.postcode && !question->find.phone)
                wrong = "say a name, a birth date, a number, a postcode or a telephone number";
        return wrong;
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
                return find_show(&question.find, reply->found);
        r = command_print_line(json_line(&reply->found->base));
        return r == EXIT_DONE && reply->found->n_candidates == 0 ? EXIT_NO : r;
}
