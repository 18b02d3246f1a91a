/*
 * The reader: what stands where, whatever separators and line ends a sender has.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/mllp/hl7.h"

static Arena *arena;
static Hl7Message message;
static Hl7Error error;

static int setup(void **state) {
        return arena_new(&arena, 1 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        hl7_message_deinit(&message);
        return 0;
}

static int read_text(const char *text) {
        static const Hl7Limits limits = { .max_bytes = 1 << 20, .max_segments = 100, .max_fields = 1000 };

        return hl7_message_read(&message, bytes_of_text(text), &limits, &error);
}

static const char *get(const char *path) {
        Hl7Path parsed;

        assert_int_equal(hl7_path_parse(path, &parsed), 0);
        return hl7_text(&message, hl7_get(&message, &parsed), arena);
}

/* Of the n-th segment of a name: the components of a field that nobody read. */
static uint64_t unread(const char *segment, unsigned occurrence, unsigned field) {
        return hl7_unread_components(&message, hl7_field(&message, hl7_find(&message, segment, occurrence), field));
}

static const char *get_whole(const char *path) {
        Hl7Path parsed;

        assert_int_equal(hl7_path_parse(path, &parsed), 0);
        return hl7_text_whole(&message, hl7_get(&message, &parsed), arena);
}

static void assert_refused(const char *text, int code, const char *position) {
        assert_int_equal(read_text(text), code);
        assert_int_equal(error.code, code);
        assert_string_equal(error.position, position);
}

static void test_values_are_found_by_path(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|APP|FAC|||2024||ADT^A01|ID1|P|2.4\rPID|1||A1^^^X&1.2&ISO^MR~B2^^^Y||"
                                   "SMITH^JOHN^A\rPID|2||C3\r"),
                         0);
        assert_string_equal(get("MSH-3"), "APP");
        assert_string_equal(get("MSH-9.2"), "A01");
        assert_string_equal(get("PID-3"), "A1");
        assert_string_equal(get("PID-3[2].1"), "B2");
        assert_string_equal(get("PID-3.4.2"), "1.2");
        assert_string_equal(get("PID-3[2].4"), "Y");
        assert_string_equal(get("PID[2]-3"), "C3");
        assert_null(get("PID-9"));
        assert_null(get("PID-3[3].1"));
        assert_null(get("PV1-2"));
        assert_null(get("PID-5.9"));
}

static void test_the_first_repeat_that_fits_is_found(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|APP\rPID|1||A1^^^X&1.2&ISO^MR~B2^^^ra9^PI~C3^^^RA9^MR~D]4^^^Y\r"), 0);
        assert_string_equal(get("PID-3[4=RA9].1"), "B2");
        assert_string_equal(get("PID-3[4=RA9]"), "B2");
        assert_string_equal(get("PID-3[4.2=1.2].1"), "A1");
        assert_string_equal(get("PID-3[5=MR].1"), "A1");
        assert_string_equal(get("PID-3[4=Y].4"), "Y");
        assert_string_equal(get("PID-3[4=RA9][2].1"), "C3");
        assert_string_equal(get("PID-3[4=RA9][5=MR].1"), "C3");
        assert_string_equal(get("PID-3[4.2!=1.2].1"), "B2");
        assert_string_equal(get("PID-3[5=].1"), "D]4");
        assert_string_equal(get("PID-3[4=RA9]-1"), "B2");
        assert_null(get("PID-3[4=RA9][3].1"));
        assert_null(get("PID-3[4=ra].1")); /* the whole of it */
        assert_null(get("PID-3[9=RA9].1"));
        assert_null(get("PID-8[4=RA9].1"));
}

static void test_the_first_segment_that_fits_is_found(void **state) {
        assert_int_equal(
                read_text("MSH|^~\\&|APP\rOBX|1|NM|K^Potassium||4.0\rOBX|2|ST|X^Y~CPR^Resus||a~b\rOBX|3|ST|CPR||c\r"),
                0);
        assert_string_equal(get("OBX[3.1=K]-5"), "4.0");
        assert_string_equal(get("OBX[3=K]-5"), "4.0");
        assert_string_equal(get("OBX[3.2=potassium]-2"), "NM");
        assert_string_equal(get("OBX[3.1=CPR]-5[2]"), "b"); /* in any repeat */
        assert_string_equal(get("OBX[1=3]-5"), "c");
        assert_string_equal(get("OBX[3=CPR][2]-5"), "c");
        assert_string_equal(get("OBX[3!=K]-5"), "a");
        assert_string_equal(get("OBX[2=ST][4=][1!=2]-5"), "c");
        assert_string_equal(get("OBX[1=1]-3-2"), "Potassium");
        assert_string_equal(get("OBX[2]-5"), "a");
        assert_null(get("OBX[3.1=Z]-5"));
        assert_null(get("OBR[3.1=CPR]-5"));
}

static void test_a_field_that_was_left_by_intent_is_told_from_one_that_was_read(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1|2|A^B||5\r"), 0);
        assert_non_null(get("MSH-3"));
        hl7_note_ignored(hl7_field(&message, hl7_find(&message, "PID", 1), 1));
        hl7_note_read(hl7_field(&message, hl7_find(&message, "PID", 1), 2));
        assert_non_null(get("PID-3[2=B]"));
        assert_true(hl7_field_is_ignored(hl7_field(&message, hl7_find(&message, "PID", 1), 1).field));
        assert_false(hl7_field_is_ignored(hl7_field(&message, hl7_find(&message, "PID", 1), 2).field));
        assert_true(hl7_field_is_read(hl7_field(&message, hl7_find(&message, "PID", 1), 2).field));
        assert_true(hl7_field_is_read(hl7_field(&message, hl7_find(&message, "PID", 1), 3).field));
        assert_false(hl7_field_is_read(hl7_field(&message, hl7_find(&message, "PID", 1), 5).field));
        assert_int_equal(unread("PID", 1, 3), 0);
        assert_int_not_equal(unread("PID", 1, 5), 0);
}

static void test_paths_that_are_none_are_refused(void **state) {
        static const char *const bad[] = { "",          "PID",          "PID-",        "PID-0",      "PID-1.",
                                           "PID-1.0",   "PID[0]-1",     "PID-1[x]",    "1PD-1",      "PID-1.2.3.4",
                                           "PID-99999", "PID 3",        "PID-3[=A]",   "PID-3[4=A",  "PID-3[4.=A]",
                                           "PID-3[4A]", "PID-3[4.0=A]", "OBX[3.1=A-5", "OBX[3.1]-5", "OBX[=A]-5" };
        Hl7Path path;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(hl7_path_parse(bad[i], &path), -EINVAL);
}

static void test_any_line_end_ends_a_segment(void **state) {
        static const char *const texts[] = {
                "MSH|^~\\&|A\rPID|1\rPV1|2\r",
                "MSH|^~\\&|A\nPID|1\nPV1|2",
                "MSH|^~\\&|A\r\nPID|1\r\nPV1|2\r\n",
                "MSH|^~\\&|A\rPID|1\n\r\nPV1|2\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_int_equal(read_text(texts[i]), 0);
                assert_int_equal(message.n_segments, 3);
                assert_string_equal(get("PID-1"), "1");
                assert_string_equal(get("PV1-1"), "2");
        }
}

static void assert_broken(const char *position) {
        char found[HL7_POSITION_SIZE] = "nowhere";

        assert_true(hl7_broken_position(&message, found));
        assert_string_equal(found, position);
}

static void assert_whole(void) {
        char found[HL7_POSITION_SIZE];

        assert_false(hl7_broken_position(&message, found));
}

static void test_a_note_over_several_lines_is_one_text(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rNTE|1||first line\nsecond^line|more\r\n\nthird\rPID|1\r"), 0);
        assert_int_equal(message.n_segments, 3);
        assert_string_equal(get_whole("NTE-3"), "first line\nsecond^line|more\r\n\nthird");
        assert_null(get("NTE-4"));
        assert_string_equal(get("PID-1"), "1");
        assert_whole();
        assert_int_equal(read_text("MSH|^~\\&|A\rOBX|1|TX|C||one\ntwo\rPID|1\r"), 0);
        assert_string_equal(get_whole("OBX-5"), "one\ntwo");
        assert_whole();
}

static void test_a_line_that_is_no_segment_is_in_no_field(void **state) {
        static const struct {
                const char *text, *position, *path, *value;
        } rows[] = {
                { "PID|1||5^^^X\rGARB\r", "PID-3", "PID-3.4", "X" },
                { "PID|1||5^^^X\n^MR|x|\r", "PID-3", "PID-3.4", "X" },
                { "PID|1||5||||F\rgarbage here|x\r", "PID-7", "PID-7", "F" },
                { "PID|1||5\rPID|2||6\rgarbage\r", "PID[2]-3", "PID[2]-3", "6" },
                { "NTE|1\rgarbage\r", "NTE-1", "NTE-1", "1" },
                { "NTE|1||text|RE\rgarbage\r", "NTE-4", "NTE-4", "RE" },
                { "OBX|1|NM|C||5\r7\r", "OBX-5", "OBX-5", "5" },
                { "OBX|1|TX|C||five\rsix|||||F\r", "OBX-5", "OBX-5", "five" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[256];

                snprintf(text, sizeof(text), "MSH|^~\\&|A\r%sPV1|1|I\r", rows[i].text);
                assert_int_equal(read_text(text), 0);
                assert_broken(rows[i].position);
                assert_string_equal(get_whole(rows[i].path), rows[i].value);
                assert_string_equal(get("PV1-2"), "I");
        }
        assert_int_equal(read_text("MSH|^~\\&|A\rgarbage|B\rPID|1\r"), 0);
        assert_broken("MSH-3");
        assert_null(get("MSH-4"));
        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1\r"), 0); /* the next one is whole again */
        assert_whole();
}

static void test_the_senders_separators_hold(void **state) {
        assert_int_equal(read_text("MSH@~*!%@APP@FAC\rPID@1@@A1~~~X%Y*B2\r"), 0);
        assert_string_equal(get("MSH-4"), "FAC");
        assert_string_equal(get("PID-3[2]"), "B2");
        assert_string_equal(get("PID-3.4.2"), "Y");
}

static void test_the_truncation_character_is_known(void **state) {
        assert_int_equal(read_text("MSH|^~\\&#|APP\rNTE|1||cut \\P\\ here\r"), 0);
        assert_int_equal(message.separators.truncation, '#');
        assert_string_equal(get("NTE-3"), "cut # here");
}

static void test_an_escaped_backslash_in_msh_2_is_understood(void **state) {
        assert_int_equal(read_text("MSH|^~\\\\&|APP\rNTE|1||a\\T\\b^c&d\r"), 0);
        assert_int_equal(message.separators.subcomponent, '&');
        assert_int_equal(message.separators.truncation, 0);
        assert_string_equal(get("NTE-3.1"), "a&b");
        assert_string_equal(get("NTE-3.2.2"), "d");
}

static void test_separators_that_are_not_named_are_not_used(void **state) {
        assert_int_equal(read_text("MSH|^~|APP\rPID|1||A\\T\\B&C~D\r"), 0);
        assert_string_equal(get("PID-3"), "A\\T\\B&C");
        assert_string_equal(get("PID-3[2]"), "D");
}

static void test_a_header_that_cannot_be_read_is_refused_with_its_place(void **state) {
        assert_refused("", HL7_E_EMPTY, "MSH");
        assert_refused(" \r\n ", HL7_E_EMPTY, "MSH");
        assert_refused("PID|1\rMSH|^~\\&|A\r", HL7_E_NO_MSH, "MSH");
        assert_refused("EVN|A01", HL7_E_NO_MSH, "MSH");
        assert_refused("MSH", HL7_E_MSH_TOO_SHORT, "MSH-1");
        assert_refused("MSH|^~", HL7_E_MSH_TOO_SHORT, "MSH-2");
        assert_refused("MSHA^~\\&A", HL7_E_SEPARATORS, "MSH-1");
        assert_refused("MSH|^^\\&|A", HL7_E_SEPARATORS, "MSH-2");
        assert_refused("MSH|^~\\&#!|A", HL7_E_SEPARATORS, "MSH-2");
        assert_refused("MSH|^ \\&|A", HL7_E_SEPARATORS, "MSH-2");
        assert_refused("MSH||A", HL7_E_SEPARATORS, "MSH-2");
}

static void test_what_stands_in_front_of_msh_is_passed_over(void **state) {
        assert_int_equal(read_text("\xEF\xBB\xBFMSH|^~\\&|A\r"), 0);
        assert_int_equal(read_text(" \r\n\x0BMSH|^~\\&|A\rPID|1\x1C\r"), 0);
        assert_string_equal(get("PID-1"), "1");
}

static void test_segment_names_in_lower_case_are_taken(void **state) {
        assert_int_equal(read_text("msh|^~\\&|A\rpid|1||X\r"), 0);
        assert_string_equal(get("PID-3"), "X");
        assert_int_equal(read_text("MSH|^~\\&|A\rpid|1||X\r"), 0); /* a word, from who writes capitals */
        assert_broken("MSH-3");
        assert_null(get("PID-3"));
}

static void test_limits_are_kept(void **state) {
        Hl7Limits limits = { .max_bytes = 40, .max_segments = 2, .max_fields = 4 };
        Bytes bytes = BYTES_LITERAL("MSH|^~\\&|A\rPID|1\rPV1|1\r");

        assert_int_equal(hl7_message_read(&message, bytes, &limits, &error), HL7_E_TOO_MANY_SEGMENTS);
        assert_string_equal(error.position, "segment 3");
        limits.max_segments = 9;
        bytes = BYTES_LITERAL("MSH|^~\\&|A\rPID|1|2|3|4|5\r");
        assert_int_equal(hl7_message_read(&message, bytes, &limits, &error), HL7_E_TOO_MANY_FIELDS);
        assert_string_equal(error.position, "segment 2");
        limits.max_bytes = 10;
        assert_int_equal(hl7_message_read(&message, bytes, &limits, &error), HL7_E_TOO_LARGE);
}

static void test_escapes_become_what_they_stand_for(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rNTE|1||\\F\\\\S\\\\T\\\\R\\\\E\\|a\\.br\\b|\\H\\loud\\N\\|\\X48C3A9\\|"
                                   "100\\E\\\r"),
                         0);
        assert_string_equal(get("NTE-3"), "|^&~\\");
        assert_string_equal(get("NTE-4"), "a\nb");
        assert_string_equal(get("NTE-5"), "loud");
        assert_string_equal(get("NTE-6"), "H\xC3\xA9");
        assert_string_equal(get("NTE-7"), "100\\");
}

static void test_escapes_that_nobody_knows_stay_as_they_are(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rNTE|1||\\Z99\\|\\C2842\\|\\X0\\|\\XFF\\|\\X00\\|C:\\dir\\T\\x|lone \\ "
                                   "mark|\\M24\\x\\F\\\r"),
                         0);
        assert_string_equal(get("NTE-3"), "\\Z99\\");
        assert_string_equal(get("NTE-4"), "\\C2842\\");
        assert_string_equal(get("NTE-5"), "\\X0\\");
        assert_string_equal(get("NTE-6"), "\\XFF\\");
        assert_string_equal(get("NTE-7"), "\\X00\\");
        assert_string_equal(get("NTE-8"), "C:\\dir&x");
        assert_string_equal(get("NTE-9"), "lone \\ mark");
        assert_string_equal(get("NTE-10"), "\\M24\\x|");
}

static void test_an_escaped_separator_does_not_separate(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1||X||O\\S\\NEIL^A\\R\\B\r"), 0);
        assert_string_equal(get("PID-5.1"), "O^NEIL");
        assert_string_equal(get("PID-5.2"), "A~B");
}

static void test_absent_and_emptied_are_two_things(void **state) {
        Hl7Segment *pid;

        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1||\"\"| |x|\"\"y\r"), 0);
        pid = hl7_find(&message, "PID", 1);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 2)), HL7_ABSENT);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 3)), HL7_CLEARED);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 4)), HL7_ABSENT);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 5)), HL7_PRESENT);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 6)), HL7_PRESENT);
        assert_int_equal(hl7_presence(hl7_field(&message, pid, 99)), HL7_ABSENT);
        assert_null(get("PID-3"));
}

static void test_a_nul_does_not_cut_a_text(void **state) {
        static const char text[] = "MSH|^~\\&|A\rNTE|1||ab\0cd\r";
        Hl7Limits limits = HL7_LIMITS_DEFAULT;

        assert_int_equal(hl7_message_read(&message, bytes_of(text, sizeof(text) - 1), &limits, &error), 0);
        assert_string_equal(get("NTE-3"), "ab?cd");
}

static void test_what_nobody_read_is_told_by_its_components(void **state) {
        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1||X^^^Y~Z||S^J^^Dr\rNK1|1|a\rNK1|2|b\r"), 0);
        get("MSH-3");
        get("PID-1");
        get("PID-3.1");
        get("PID-5.1");
        get("NK1-1");
        get("NK1[2]-1");
        assert_int_equal(unread("PID", 1, 1), 0);
        assert_int_equal(unread("PID", 1, 3), 1U << 4 | 1U); /* and the second repeat */
        assert_int_equal(unread("PID", 1, 5), 1U << 2 | 1U << 4);
        assert_int_equal(unread("NK1", 1, 1), 0);
        assert_int_equal(unread("NK1", 2, 2), 1U << 1);
}

static void test_repeats_are_walked(void **state) {
        Hl7Value rest, repeat;
        unsigned n = 0;

        assert_int_equal(read_text("MSH|^~\\&|A\rPID|1||X~~Z~\r"), 0);
        rest = hl7_field(&message, hl7_find(&message, "PID", 1), 3);
        assert_int_equal(hl7_count_repeats(&message, rest), 4);
        while (hl7_next_repeat(&message, &rest, &repeat))
                n++;
        assert_int_equal(n, 4);
        rest = hl7_field(&message, hl7_find(&message, "PID", 1), 2);
        assert_false(hl7_next_repeat(&message, &rest, &repeat));
}

static void test_the_header_is_read_of_whatever_bytes_follow(void **state) {
        static const char text[] = "MSH|^~\\&|A\xE9|B\rPID|\xFF\x00|";
        Hl7Header header;

        assert_int_equal(hl7_header_read(bytes_of(text, sizeof(text) - 1), &header, &error), 0);
        assert_int_equal(header.n_fields, 4);
        assert_true(bytes_equal_text(header.fields[3], "A\xE9"));
        assert_true(bytes_equal_text(header.fields[4], "B"));
        assert_int_equal(header.fields[10].size, 0);
}

static void test_a_part_of_a_header_is_a_header(void **state) {
        Hl7Header header;

        assert_int_equal(hl7_header_read(BYTES_LITERAL("MSH|^~\\&|"), &header, &error), 0);
        assert_int_equal(header.n_fields, 3);
        assert_int_equal(header.fields[3].size, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_values_are_found_by_path, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_first_repeat_that_fits_is_found, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_first_segment_that_fits_is_found, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_field_that_was_left_by_intent_is_told_from_one_that_was_read,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_paths_that_are_none_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_any_line_end_ends_a_segment, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_note_over_several_lines_is_one_text, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_line_that_is_no_segment_is_in_no_field, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_senders_separators_hold, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_truncation_character_is_known, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_escaped_backslash_in_msh_2_is_understood, setup, teardown),
                cmocka_unit_test_setup_teardown(test_separators_that_are_not_named_are_not_used, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_header_that_cannot_be_read_is_refused_with_its_place, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_what_stands_in_front_of_msh_is_passed_over, setup, teardown),
                cmocka_unit_test_setup_teardown(test_segment_names_in_lower_case_are_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limits_are_kept, setup, teardown),
                cmocka_unit_test_setup_teardown(test_escapes_become_what_they_stand_for, setup, teardown),
                cmocka_unit_test_setup_teardown(test_escapes_that_nobody_knows_stay_as_they_are, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_escaped_separator_does_not_separate, setup, teardown),
                cmocka_unit_test_setup_teardown(test_absent_and_emptied_are_two_things, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_nul_does_not_cut_a_text, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_nobody_read_is_told_by_its_components, setup, teardown),
                cmocka_unit_test_setup_teardown(test_repeats_are_walked, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_header_is_read_of_whatever_bytes_follow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_part_of_a_header_is_a_header, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
