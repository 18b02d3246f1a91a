/* What a cell is taken for, and what is not guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/csv/excel.h"
#include "base/cleanup.h"

#define UNSAID PROFILE_DATES_UNSAID
#define DAY PROFILE_DATES_DAY_FIRST
#define MONTH PROFILE_DATES_MONTH_FIRST
#define YEAR PROFILE_DATES_YEAR_FIRST
#define NOTE EXCEL_E_NOTE
#define NO EXCEL_E_REFUSED

static const struct {
        const char *said;
        ProfileDates order;
        int code;
        const char *iso; /* or a part of the sentence */
} dates[] = {
        /* year first is read in any order */
        { "2026-03-04", UNSAID, 0, "2026-03-04" },
        { "2026-03-04", DAY, 0, "2026-03-04" },
        { "2026-3-4", UNSAID, 0, "2026-03-04" },
        { "2026/03/04", MONTH, 0, "2026-03-04" },
        { "20260304", UNSAID, 0, "2026-03-04" },
        { "2026-03", UNSAID, 0, "2026-03" },
        { "1952", UNSAID, 0, "1952" },
        { "2026-03-04 14:30", UNSAID, 0, "2026-03-04T14:30" },
        { "2026-03-04T14:30:05", UNSAID, 0, "2026-03-04T14:30:05" },
        { "2026-03-04T14:30:05.123Z", UNSAID, 0, "2026-03-04T14:30:05Z" },
        { "2020-10-10T17:42:31+00:00", UNSAID, 0, "2020-10-10T17:42:31+00:00" },
        /* two ways */
        { "03/04/2026", UNSAID, NO, "two ways" },
        { "03/04/2026", DAY, 0, "2026-04-03" },
        { "03/04/2026", MONTH, 0, "2026-03-04" },
        { "03/04/2026", YEAR, NO, "no such day in the order" },
        { "3.4.2026 9:05", DAY, 0, "2026-04-03T09:05" },
        { "05/05/2026", UNSAID, 0, "2026-05-05" },
        /* one way */
        { "25/12/2026", UNSAID, NOTE, "2026-12-25" },
        { "12/25/2026", UNSAID, NOTE, "2026-12-25" },
        { "25/12/2026", DAY, 0, "2026-12-25" },
        { "25/12/2026", MONTH, NO, "no such day in the order" },
        { "12/25/2026", DAY, NO, "no such day in the order" },
        { "31/02/2026", UNSAID, NO, "no such day" },
        { "29/02/2024", UNSAID, NOTE, "2024-02-29" },
        { "29/02/2026", DAY, NO, "no such day" },
        { "2026-02-30", UNSAID, NO, "no such day" },
        /* words */
        { "4 March 2026", UNSAID, 0, "2026-03-04" },
        { "04-Mar-2026", UNSAID, 0, "2026-03-04" },
        { "March 4, 2026", UNSAID, 0, "2026-03-04" },
        { "January 31, 2020", UNSAID, 0, "2020-01-31" },
        { "4th Sept 2026 2:30 pm", UNSAID, 0, "2026-09-04T14:30" },
        { "04-Mar-26", UNSAID, NO, "two digits" },
        { "4 Brumaire 2026", UNSAID, NO, "no date" },
        /* what Excel makes of it */
        { "46000", UNSAID, NO, "Excel's number" },
        { "46000.5", DAY, NO, "Excel's number" },
        { "03/04/26", DAY, NO, "two digits" },
        { "00/01/1900", UNSAID, NO, "no such day" },
        { "14:30", UNSAID, NO, "time alone" },
        { "12:00 AM", UNSAID, NO, "time alone" },
        { "2026-03-04 25:00", UNSAID, NO, "no date" },
        { "2026-03-04 12:30 AM", UNSAID, 0, "2026-03-04T00:30" },
        { "unknown", UNSAID, NO, "no date" },
        { "=TODAY()", UNSAID, NO, "no date" },
        { "-", UNSAID, NO, "no date" },
        { "1-31-2020", UNSAID, NOTE, "2020-01-31" },
        { "0204-03-04", UNSAID, NO, "no such day" },
};

static void test_dates_are_read_when_they_can_mean_one_day_only(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(dates); i++) {
                char iso[EXCEL_DATE_SIZE] = "";
                const char *sentence = NULL;
                int r = excel_date(dates[i].said, dates[i].order, iso, &sentence);

                if (r != dates[i].code)
                        fail_msg("%s (%d): %d, not %d: %s", dates[i].said, (int)dates[i].order, r, dates[i].code,
                                 sentence ? sentence : iso);
                if (r == NO && !strstr(sentence, dates[i].iso))
                        fail_msg("%s: %s", dates[i].said, sentence);
                if (r != NO)
                        assert_string_equal(iso, dates[i].iso);
                assert_true((r == 0) == (sentence == NULL));
        }
}

static void test_times_of_the_day_are_read(void **state) {
        static const char *const said[] = { "9:00", "09:00:00", "5:30 PM", "17:30" }, *const meant[] = {
                "09:00", "09:00", "17:30", "17:30"
        };
        static const char *const refused[] = { "9", "25:00", "0.375", "nine", "09:60", "" };
        char time[EXCEL_DATE_SIZE];
        const char *sentence;

        for (size_t i = 0; i < ELEMENTSOF(said); i++) {
                assert_int_equal(excel_time(said[i], time, &sentence), 0);
                assert_string_equal(time, meant[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                assert_int_equal(excel_time(refused[i], time, &sentence), NO);
}

static void test_numbers_that_excel_shortened_are_known(void **state) {
        static const char *const yes[] = { "9.43E+09", "1E+10", "4.47701E+11", "9,43E+09", "9.43e+09" };
        static const char *const no[] = { "9434765919", "E123", "1E5", "2E-3", "12E+", "A9.43E+09", "9.43E+09x", "" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                assert_true(excel_is_scientific(yes[i]));
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                assert_false(excel_is_scientific(no[i]));
}

static void test_a_number_kept_as_a_formula_is_unwrapped_and_other_formulas_stay(void **state) {
        char wrapped[] = "=\"0101\"", other[] = "=1+1", *found;
        const char *sentence;

        assert_int_equal(excel_identifier(wrapped, &found, &sentence), NOTE);
        assert_string_equal(found, "0101");
        assert_int_equal(excel_identifier(other, &found, &sentence), 0);
        assert_string_equal(found, "=1+1");
}

static void test_a_lost_zero_comes_back_only_where_the_check_digit_agrees(void **state) {
        const char *sentence;
        char chi[11];

        assert_int_equal(excel_chi("101011237", chi, &sentence), NOTE);
        assert_string_equal(chi, "0101011237");
        assert_int_equal(excel_chi("101011238", chi, &sentence), NO);
        assert_int_equal(excel_chi("0101011237", chi, &sentence), 0);
        assert_string_equal(chi, "");
        assert_int_equal(excel_chi("ABC", chi, &sentence), 0);
}

static void test_a_telephone_number_gets_its_zero_back(void **state) {
        const char *sentence;
        char phone[64];

        assert_int_equal(excel_phone("1632960001", phone, sizeof(phone), &sentence), NOTE);
        assert_string_equal(phone, "01632960001");
        assert_int_equal(excel_phone("7700 900123", phone, sizeof(phone), &sentence), NOTE);
        assert_string_equal(phone, "07700 900123");
        assert_int_equal(excel_phone("01632 960001", phone, sizeof(phone), &sentence), 0);
        assert_string_equal(phone, "01632 960001");
        assert_int_equal(excel_phone("+44 1632 960001", phone, sizeof(phone), &sentence), 0);
        assert_string_equal(phone, "+44 1632 960001");
        assert_int_equal(excel_phone("111", phone, sizeof(phone), &sentence), 0);
        assert_int_equal(excel_phone("4.47701E+11", phone, sizeof(phone), &sentence), NO);
}

static void test_yes_and_no_are_words_and_everything_else_is_asked_for(void **state) {
        const char *sentence;
        bool is_true, is_said;

        assert_int_equal(excel_truth("YES", &is_true, &is_said, &sentence), 0);
        assert_true(is_true && is_said);
        assert_int_equal(excel_truth("n", &is_true, &is_said, &sentence), 0);
        assert_true(!is_true && is_said);
        assert_int_equal(excel_truth("Unknown", &is_true, &is_said, &sentence), 0);
        assert_false(is_said);
        assert_int_equal(excel_truth("maybe", &is_true, &is_said, &sentence), NO);
}

static void test_decimals_and_totals(void **state) {
        assert_true(excel_is_decimal("60") && excel_is_decimal("4.5"));
        assert_false(excel_is_decimal("4.") || excel_is_decimal(".5") || excel_is_decimal("-1") ||
                     excel_is_decimal("1e3") || excel_is_decimal(""));
        assert_true(excel_is_total("Total") && excel_is_total("TOTAL: 7") && excel_is_total("Count 12") &&
                    excel_is_total("End of report"));
        assert_false(excel_is_total("Totally") || excel_is_total("H1") || excel_is_total("Countess Example"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dates_are_read_when_they_can_mean_one_day_only),
                cmocka_unit_test(test_times_of_the_day_are_read),
                cmocka_unit_test(test_numbers_that_excel_shortened_are_known),
                cmocka_unit_test(test_a_number_kept_as_a_formula_is_unwrapped_and_other_formulas_stay),
                cmocka_unit_test(test_a_lost_zero_comes_back_only_where_the_check_digit_agrees),
                cmocka_unit_test(test_a_telephone_number_gets_its_zero_back),
                cmocka_unit_test(test_yes_and_no_are_words_and_everything_else_is_asked_for),
                cmocka_unit_test(test_decimals_and_totals),
        };

        return cmocka_run_group_tests_name("csv excel", tests, NULL, NULL);
}
