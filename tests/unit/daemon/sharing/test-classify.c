/* What is sensitive is found in every code, text and label, however it is written, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/sharing/fold.h"
#include "daemon/sharing/sharing.h"

enum { HIV = 1, TERMINATION = 2, LABELLED = 4 };

typedef struct Fixture {
        Config *config;
        Sharing *sharing;
} Fixture;

static int setup(void **state) {
        static const char yaml[] =
                "bus: b\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\n"
                "teams:\n  reader: {name: R, class: clinical}\nsources:\n  alpha: {team: reader, adapter: own}\n"
                "sharing:\n"
                "  rules: [{name: open, reason: a test, classes: all, kinds: all, relationships: not-needed}]\n"
                "  sensitive:\n"
                "    sexual-health:\n"
                "      codes:\n"
                "        - {system: 'http://snomed.info/sct', code: ['86406008']}\n"
                "        - {system: 'http://hl7.org/fhir/sid/icd-10', code: ['B20*', 'Z21']}\n"
                "      words: [hiv, Sexually transmitted infection]\n"
                "    termination: {codes: [{code: [O04*]}], words: [termination of pregnancy]}\n"
                "    assisted-conception: {labels: [VIP-S]}\n";
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        buffer_append_text(&file.content, yaml);
        if (config_parse(&text, &fixture->config, &problems) != 0)
                config_problems_print(&problems, stderr);
        assert_non_null(fixture->config);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        assert_int_equal(sharing_new(fixture->config, NULL, &fixture->sharing), 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        sharing_unref(fixture->sharing);
        config_unref(fixture->config);
        free(fixture);
        return 0;
}

static uint64_t class_of(const Fixture *fixture, const char *name) {
        const ConfigSharing *said = &fixture->config->sharing;

        for (size_t i = 0; i < said->n_sensitive; i++)
                if (strcmp(said->sensitive[i].name, name) == 0)
                        return UINT64_C(1) << i;
        fail_msg("no class %s", name);
        return 0;
}

/* Bodies as part of an event, packed: the same is found in it. */
static void assert_packed_is_alike(const Fixture *fixture, const ProtobufCMessage *message, uint64_t bits) {
        const ProtobufCMessageDescriptor *const of_event = &carebus__v1__event__descriptor;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        const ProtobufCMessage *packed = message->descriptor == of_event ? message : &event.base;
        uint8_t *bytes;
        uint64_t sensitive;
        bool is_bare;
        size_t size;

        if (message->descriptor == &carebus__v1__fact__descriptor)
                event.sensitivity = ((const Carebus__V1__Fact *)message)->sensitivity;
        for (unsigned i = 0; packed != message && i < of_event->n_fields; i++)
                if (of_event->fields[i].descriptor == message->descriptor &&
                    of_event->fields[i].label == PROTOBUF_C_LABEL_OPTIONAL) {
                        if (of_event->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                                event.body_case = of_event->fields[i].id;
                        *(const ProtobufCMessage **)((char *)&event + of_event->fields[i].offset) = message;
                        break;
                }
        size = protobuf_c_message_get_packed_size(packed);
        bytes = malloc(size + 1);
        assert_non_null(bytes);
        protobuf_c_message_pack(packed, bytes);
        assert_int_equal(sharing_look_at_event(fixture->sharing, bytes_of(bytes, size), &sensitive, &is_bare), 0);
        assert_int_equal(sensitive, bits);
        free(bytes);
}

static unsigned found(const Fixture *fixture, const ProtobufCMessage *message) {
        uint64_t bits = sharing_classify(fixture->sharing, message);

        assert_packed_is_alike(fixture, message, bits);
        return (bits & class_of(fixture, "sexual-health") ? HIV : 0) |
               (bits & class_of(fixture, "termination") ? TERMINATION : 0) |
               (bits & class_of(fixture, "assisted-conception") ? LABELLED : 0);
}

static unsigned in_text(const Fixture *fixture, const char *text) {
        Carebus__V1__Observation observation = CAREBUS__V1__OBSERVATION__INIT;

        observation.value_text = (char *)(uintptr_t)text;
        return found(fixture, &observation.base);
}

static unsigned in_code(const Fixture *fixture, const char *system, const char *code) {
        Carebus__V1__Condition condition = CAREBUS__V1__CONDITION__INIT;
        Carebus__V1__Coded coded = CAREBUS__V1__CODED__INIT;

        coded.system = (char *)(uintptr_t)system;
        coded.code = (char *)(uintptr_t)code;
        condition.code = &coded;
        return found(fixture, &condition.base);
}

static void test_words_are_found_however_they_are_written(void **state) {
        static const char *const positive[] = { "HIV",
                                                "hiv+",
                                                "known HIV-positive since 2009",
                                                "(hiv)",
                                                "Hív",
                                                "h\xc2\xad"
                                                "iv",
                                                "h\xe2\x80\x8b"
                                                "iv",
                                                "ＨＩＶ",
                                                "HI\xcc\x81V",
                                                "lives\nwith\tHIV." };

        for (size_t i = 0; i < ELEMENTSOF(positive); i++)
                if (in_text(*state, positive[i]) != HIV)
                        fail_msg("not found: %s", positive[i]);
        assert_int_equal(in_text(*state, "a sexually-transmitted  INFECTION"), HIV);
        assert_int_equal(in_text(*state, "Termination of\npregnancy, hiv"), TERMINATION | HIV);
}

static void test_other_words_are_not(void **state) {
        static const char *const negative[] = { "",
                                                "Archive",
                                                "shiver",
                                                "hivemind",
                                                "H.I.V",
                                                "h i v",
                                                "sexually transmitted",
                                                "transmitted infection, sexually",
                                                "termination of employment",
                                                "pregnancy of termination",
                                                "\xff\xfe\xc3",
                                                "86406008" };

        for (size_t i = 0; i < ELEMENTSOF(negative); i++)
                if (in_text(*state, negative[i]) != 0)
                        fail_msg("found: %s", negative[i]);
}

static void test_codes_are_found_in_their_system_whatever_it_is_called(void **state) {
        assert_int_equal(in_code(*state, "http://snomed.info/sct", "86406008"), HIV);
        assert_int_equal(in_code(*state, "SNM3", "86406008"), HIV);
        assert_int_equal(in_code(*state, NULL, "86406008"), HIV);
        assert_int_equal(in_code(*state, "LOCAL", "86406008"), HIV);
        assert_int_equal(in_code(*state, "http://loinc.org", "86406008"), 0);
        assert_int_equal(in_code(*state, "http://hl7.org/fhir/sid/icd-10", "B20"), HIV);
        assert_int_equal(in_code(*state, "I10", "b20.1"), HIV);
        assert_int_equal(in_code(*state, "I10", "B201"), HIV);
        assert_int_equal(in_code(*state, "http://hl7.org/fhir/sid/icd-10", "B2"), 0);
        assert_int_equal(in_code(*state, "http://hl7.org/fhir/sid/icd-10", "Z21"), HIV);
        assert_int_equal(in_code(*state, "http://hl7.org/fhir/sid/icd-10", "Z211"), 0);
        assert_int_equal(in_code(*state, "WARD", "B20"), 0);             /* a bed */
        assert_int_equal(in_code(*state, "WARD", "O04.1"), TERMINATION); /* the class says no system */
}

static void test_the_original_form_and_deep_places_are_looked_at(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Carebus__V1__Coded coded = CAREBUS__V1__CODED__INIT, *list[1] = { &coded };
        Carebus__V1__OriginalCode original = CAREBUS__V1__ORIGINAL_CODE__INIT;
        Carebus__V1__Text note = CAREBUS__V1__TEXT__INIT, *notes[1] = { &note };

        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;
        encounter.diagnoses = list;
        encounter.n_diagnoses = 1;
        coded.original = &original;
        original.system = (char *)"I10";
        original.code = (char *)"B24";
        assert_int_equal(found(*state, &event.base), 0);
        original.code = (char *)"B20X";
        assert_int_equal(found(*state, &event.base), HIV);
        original.code = NULL;
        event.notes = notes;
        event.n_notes = 1;
        note.text = (char *)"after a termination of pregnancy";
        assert_int_equal(found(*state, &event.base), TERMINATION);
}

static void test_labels_are_found_by_their_codes_alone(void **state) {
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__Sensitivity sensitivity = CAREBUS__V1__SENSITIVITY__INIT;
        Carebus__V1__Coded label = CAREBUS__V1__CODED__INIT, *labels[1] = { &label };

        fact.sensitivity = &sensitivity;
        sensitivity.labels = labels;
        sensitivity.n_labels = 1;
        label.code = (char *)"vip-s";
        assert_int_equal(found(*state, &fact.base), LABELLED);
        label.code = (char *)"VIP";
        assert_int_equal(found(*state, &fact.base), 0);
        sensitivity.original = (char *)"VIP-S";
        assert_int_equal(found(*state, &fact.base), LABELLED);
        assert_int_equal(in_text(*state, "VIP-S"), 0);
}

/* A hyphen that nobody sees behind each letter: then no two of them are read at once. */
static void test_letters_read_many_at_a_time_are_those_read_one_by_one(void **state) {
        const char *said = getenv("CAREBUS_SEED");
        unsigned seed = said ? (unsigned)strtoul(said, NULL, 10) : (unsigned)time(NULL);

        print_message("# CAREBUS_SEED=%u\n", seed);
        srandom(seed);
        for (size_t n = 0; n < 100000; n++) {
                char text[48], apart[3 * sizeof(text)];
                size_t size = (size_t)random() % sizeof(text), n_apart = 0;
                FoldReader together, one_by_one;
                uint64_t word;

                for (size_t i = 0; i < size; i++) {
                        /* Mostly letters, now and then any byte of ASCII. */
                        text[i] = (char)(random() % 8 ? "aZ09mQxk"[random() % 8] : 1 + random() % 127);
                        apart[n_apart++] = text[i];
                        memcpy(apart + n_apart, "\xC2\xAD", 2);
                        n_apart += 2;
                }
                together = fold_reader(text, size);
                one_by_one = fold_reader(apart, n_apart);
                do {
                        word = fold_next(&together);
                        assert_true(word == fold_next(&one_by_one));
                } while (word);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_are_found_however_they_are_written),
                cmocka_unit_test(test_other_words_are_not),
                cmocka_unit_test(test_codes_are_found_in_their_system_whatever_it_is_called),
                cmocka_unit_test(test_the_original_form_and_deep_places_are_looked_at),
                cmocka_unit_test(test_letters_read_many_at_a_time_are_those_read_one_by_one),
                cmocka_unit_test(test_labels_are_found_by_their_codes_alone),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
