#include "ctl/find-show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "ctl/command.h"
#include "ctl/record-text.h"

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

typedef struct Page {
        const Carebus__V1__FindRequest *asked;
        Buffer out, text;
        unsigned width;
} Page;

static void page_deinit(Page *page) {
        buffer_deinit(&page->out);
        buffer_deinit(&page->text);
}

static void page_write(Page *page, unsigned indent) {
        text_write_wrapped(&page->out, indent, page->width, buffer_bytes(&page->text));
        buffer_clear(&page->text);
}

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

static bool dates_equal(const Carebus__V1__Date *a, const Carebus__V1__Date *b) {
        return a->year == b->year && (!a->has_month || a->month == b->month) && (!a->has_day || a->day == b->day);
}

/* What the answer shows beside it has to make sense to who reads both. */
static const char *words_of(const Page *page, const Carebus__V1__Candidate *candidate,
                            const Carebus__V1__MatchEvidence *evidence, const char *words) {
        const bool is_exact = text_equal(evidence->agreement, "exact");

        if (text_equal(evidence->agreement, "swapped") && !text_equal(evidence->field, "birth_date") &&
            page->asked->name && !strchr(page->asked->name, ','))
                return "alike"; /* both orders are tried of a name without a comma */
        if (is_exact && text_equal(evidence->field, "birth_date") && page->asked->birth_date &&
            (!candidate->birth_date || !dates_equal(page->asked->birth_date, candidate->birth_date)))
                return "as somebody says or said; not the one above";
        return words;
}

static void show_side(Page *page, const Carebus__V1__Candidate *candidate, Side side) {
        static const char *const titles[N_SIDES] = {
                [AGREES] = "agrees: ", [PARTLY] = "partly: ", [DIFFERS] = "DIFFERS: ", [NOT_KNOWN] = "not known here: "
        };
        bool is_first = true;

        for (size_t i = 0; i < candidate->n_evidence; i++)
                for (size_t j = 0; j < ELEMENTSOF(agreements); j++) {
                        const Carebus__V1__MatchEvidence *evidence = candidate->evidence[i];
                        const char *words;

                        if (agreements[j].side != side || !text_equal(agreements[j].agreement, evidence->agreement))
                                continue;
                        words = words_of(page, candidate, evidence, agreements[j].words);
                        buffer_append_format(&page->text, "%s%s%s%s%s", is_first ? titles[side] : ", ",
                                             field_words(evidence->field), words ? " (" : "", words ?: "",
                                             words ? ")" : "");
                        is_first = false;
                }
        if (!is_first)
                page_write(page, 5);
}

static void show_who(Page *page, const Carebus__V1__Candidate *candidate, size_t number) {
        size_t began;

        buffer_append_format(&page->text, "%zu. ", number);
        began = page->text.size;
        if (candidate->name)
                text_append_name(&page->text, candidate->name);
        if (page->text.size == began)
                buffer_append_text(&page->text, "(no name)");
        if (candidate->birth_date && candidate->birth_date->has_year) {
                buffer_append_text(&page->text, ", born ");
                text_append_date(&page->text, candidate->birth_date);
        } else {
                buffer_append_text(&page->text, ", birth date not known");
        }
        if (candidate->sex) {
                buffer_append_text(&page->text, ", ");
                text_append_safe(&page->text, candidate->sex->display ?: candidate->sex->code ?: candidate->sex->text);
        }
        if (candidate->postal_code) {
                buffer_append_text(&page->text, ", ");
                text_append_safe(&page->text, candidate->postal_code);
        }
        buffer_append_format(&page->text, "%s   %s", candidate->dead ? "   DIED, or said so" : "",
                             candidate->patient_id);
        page_write(page, 1);
}

static void show_numbers(Page *page, const Carebus__V1__Candidate *candidate) {
        for (size_t i = 0; i < candidate->n_identifiers; i++) {
                buffer_append_text(&page->text, i == 0 ? "numbers: " : ", ");
                text_append_identifier(&page->text, candidate->identifiers[i]);
        }
        if (candidate->n_identifiers > 0)
                page_write(page, 5);
}

static void show_list(Page *page, const char *title, char **list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                buffer_append_text(&page->text, i ? ", " : title);
                text_append_safe(&page->text, list[i]);
        }
        if (n > 0)
                page_write(page, 5);
}

static void show_candidate(Page *page, const Carebus__V1__Candidate *candidate, size_t number) {
        show_who(page, candidate, number);
        for (Side side = AGREES; side < N_SIDES; side++)
                show_side(page, candidate, side);
        show_numbers(page, candidate);
        show_list(page, "known by: ", candidate->sources, candidate->n_sources);
        for (size_t i = 0; i < candidate->n_review_ids; i++) {
                buffer_append_format(&page->text, "who this is waits in a review: carebusctl identity show %s",
                                     candidate->review_ids[i]);
                page_write(page, 5);
        }
}

/* "Ask for the postcode, the telephone number or a number.": what was not said yet. */
static void append_what_to_ask(Page *page) {
        const Carebus__V1__FindRequest *asked = page->asked;
        const struct {
                const char *words;
                bool is_said;
        } details[] = {
                { "the whole name", asked->name && strpbrk(asked->name, " ,") },
                { "the full birth date", asked->birth_date && asked->birth_date->has_day },
                { "the postcode", asked->postcode != NULL },
                { "the telephone number", asked->phone != NULL },
                { "an NHS or CHI number", asked->identifier != NULL },
        };
        const char *wanted[ELEMENTSOF(details)];
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(details) && n < 3; i++)
                if (!details[i].is_said)
                        wanted[n++] = details[i].words;
        buffer_append_text(&page->text, n > 0 ? " Ask for " : " Ask for a former name or address.");
        for (size_t i = 0; i < n; i++)
                buffer_append_format(&page->text, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", wanted[i]);
        buffer_append_text(&page->text, n > 0 ? "." : "");
}

/* A slip in a number of one of the health services is heard at once. */
static bool has_wrong_digit(const Carebus__V1__FindRequest *asked) {
        char digits[NATIONAL_NUMBER_SIZE + 1];

        return asked->identifier &&
               national_number_read(NATIONAL_NUMBER_NHS, asked->identifier->value, digits) == IDENTIFIER_E_CHECK_DIGIT;
}

static const char *nobody_words(const Carebus__V1__FindRequest *asked, const char *advice) {
        if (has_wrong_digit(asked))
                return "Nobody here has this number, and it can be no NHS, CHI or H&C number: a digit of it is wrong. "
                       "Have "
                       "it read again.";
        if (asked->identifier)
                return "Nobody here has this number. They may be known without it.";
        if (text_equal(advice, "none"))
                return "Nobody here fits. They may be known by another spelling or a former name, or be new to "
                       "everybody.";
        return "Too little to find somebody by, or to say that nobody is known.";
}

/* What to do next. */
static void show_advice(Page *page, const Carebus__V1__FindReply *found) {
        const Carebus__V1__Candidate *first = found->n_candidates > 0 ? found->candidates[0] : NULL;

        if (!first) {
                buffer_append_text(&page->text, nobody_words(page->asked, found->advice));
                append_what_to_ask(page);
        } else if (text_equal(found->advice, "unique")) {
                buffer_append_format(&page->text, "One person fits, and nobody else comes near: carebusctl record %s",
                                     first->patient_id);
        } else {
                buffer_append_text(&page->text, text_equal(found->advice, "several-close")
                                                        ? "Several fit."
                                                        : "What is known does not settle it.");
                append_what_to_ask(page);
                buffer_append_format(&page->text, " The record of the first: carebusctl record %s", first->patient_id);
        }
        page_write(page, 0);
}

int find_show(const Carebus__V1__FindRequest *asked, const Carebus__V1__FindReply *found) {
        _cleanup_(page_deinit) Page page = { .asked = asked, .width = command_width() };

        for (size_t i = 0; i < found->n_candidates; i++)
                show_candidate(&page, found->candidates[i], i + 1);
        if (found->more && found->n_candidates > 0) {
                buffer_append_text(&page.text, "and more");
                page_write(&page, 5);
        }
        show_advice(&page, found);
        if (page.out.error < 0 || page.text.error < 0) {
                error_print(PROGRAM, "memory is out");
                return EXIT_SOFTWARE;
        }
        fwrite(page.out.data, 1, page.out.size, stdout);
        return found->n_candidates > 0 ? EXIT_DONE : EXIT_NO;
}
