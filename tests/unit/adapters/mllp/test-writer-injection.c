/*
 * Whatever stands in a text of an event, the message that is made of it has the same segments, is one frame, and is read again as the same
 * text: every byte, in every text field, one at a time. By day every field has all bytes that mean something to HL7 and every eighth of the
 * others, which ones being other ones in each field; at night (CAREBUS_NIGHTLY) all of them.
 */
#include "adapters/mllp/framer.h"
#include "tests/unit/adapters/mllp/writer-fixture.h"

#define PLAIN "Q7x"
#define SLOTS_MAX 600
#define NAMES_MAX 4096

typedef struct Slot {
        char **text;
        char path[200];
} Slot;

static Slot slots[SLOTS_MAX];
static size_t n_slots;

/* What decides which message it is, and no message carries. */
static bool is_left_alone(const char *path) {
        static const char *const names[] = { "type", "trigger", "cleared", "complete", "caused_by", "replaces" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(path, names[i]) == 0)
                        return true;
        return false;
}

static void walk(ProtobufCMessage *message, const char *path);

static void walk_element(const ProtobufCFieldDescriptor *field, void *at, const char *path) {
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                walk(*(ProtobufCMessage **)at, path);
                return;
        }
        if (field->type != PROTOBUF_C_TYPE_STRING || is_left_alone(path))
                return;
        assert_true(n_slots < SLOTS_MAX);
        slots[n_slots].text = at;
        snprintf(slots[n_slots].path, sizeof(slots[n_slots].path), "%s", path);
        n_slots++;
}

static void walk(ProtobufCMessage *message, const char *path) {
        uint8_t *base = (uint8_t *)message;

        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                char below[200];

                if (field->label != PROTOBUF_C_LABEL_REPEATED) {
                        snprintf(below, sizeof(below), "%.150s%s%s", path, *path ? "." : "", field->name);
                        if ((field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) &&
                            roundtrip_is_there(field, base))
                                walk_element(field, base + field->offset, below);
                        continue;
                }
                for (size_t j = 0; j < *(size_t *)(base + field->quantifier_offset); j++) {
                        snprintf(below, sizeof(below), "%.150s%s%s[%zu]", path, *path ? "." : "", field->name, j);
                        walk_element(field, *(uint8_t **)(base + field->offset) + j * sizeof(void *), below);
                }
        }
}

/* ---- what came back */

static const char *found_text;

static void find(const ProtobufCMessage *message, const char *path) {
        size_t n = strcspn(path, ".["), index = 0;
        const ProtobufCFieldDescriptor *field;
        const uint8_t *base = (const uint8_t *)message, *at;
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
        assert_non_null(field);
        path += n;
        at = base + field->offset;
        if (*path == '[') {
                index = (size_t)atoi(path + 1);
                path = strchr(path, ']') + 1;
                if (index >= *(const size_t *)(base + field->quantifier_offset))
                        return;
                at = *(const uint8_t *const *)at + index * sizeof(void *);
        } else if (!roundtrip_is_there(field, base))
                return;
        if (*path == '.')
                find(*(const ProtobufCMessage *const *)at, path + 1);
        else
                found_text = *(const char *const *)at;
}

static const char *read_back(const Carebus__V1__Event *event, const char *path) {
        const Carebus__V1__Event *back = event_of(event->type);

        found_text = NULL;
        if (back)
                find(&back->base, path);
        return found_text;
}

/* The names of the segments, in order. */
static void names_of(char ret[NAMES_MAX]) {
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Limits limits = HL7_LIMITS_DEFAULT;
        Hl7Error error;
        char position[HL7_POSITION_SIZE];

        assert_int_equal(hl7_message_read(&message, buffer_bytes(&written), &limits, &error), 0);
        assert_false(hl7_broken_position(&message, position));
        ret[0] = 0;
        for (size_t i = 0; i < message.n_segments && strlen(ret) + 5 < NAMES_MAX; i++)
                strcat(strcat(ret, message.segments[i].name), " ");
        hl7_message_deinit(&message);
}

/* Nothing but the ends of segments is a control character, so that the bytes are one frame wherever they are cut. */
static void assert_one_frame(void) {
        Buffer framed = BUFFER_NULL;
        Framer framer = FRAMER_INIT(16 << 20);
        FramerItem item;
        Bytes input;

        for (size_t i = 0; i < written.size; i++)
                if (written.data[i] < ' ' || written.data[i] == 0x7F)
                        assert_int_equal(written.data[i], '\r');
        framer_append_frame(&framed, buffer_bytes(&written));
        input = buffer_bytes(&framed);
        assert_int_equal(framer_next(&framer, &input, &item), FRAMER_MESSAGE);
        assert_true(bytes_equal(item.bytes, buffer_bytes(&written)));
        assert_int_equal(framer_next(&framer, &input, &item), FRAMER_MORE);
        framer_deinit(&framer);
        buffer_deinit(&framed);
}

static size_t put_letter(char *text, unsigned letter) {
        if (letter < 0x80) {
                text[0] = (char)letter;
                return 1;
        }
        text[0] = (char)(0xC0 | letter >> 6);
        text[1] = (char)(0x80 | (letter & 63));
        return 2;
}

/* In front, in the middle, at the end; and where `form` is 1 nothing but it, twice. */
static void nasty(unsigned letter, unsigned form, char *text) {
        char *at = text;

        at += put_letter(at, letter);
        if (form == 0)
                at = stpcpy(at, "a");
        at += put_letter(at, letter);
        if (form == 0) {
                at = stpcpy(at, "z");
                at += put_letter(at, letter);
        }
        *at = 0;
}

/* What may be taken for nothing, or for a mark, where it stands alone. */
static bool is_special(unsigned letter) {
        return letter <= ' ' || letter == 0x7F || (letter < 0x7F && strchr("\"|^~\\&.", (int)letter));
}

/* White space at the ends of a long text goes as it is read, and a line end between a question and its answers ends the question; a line
 * end in a document is a further OBX; an ampersand in an authority stands between its parts. */
static bool means_something(const Slot *slot, unsigned letter, const char *names) {
        size_t n = strlen(slot->path);

        return (letter == '\n' && strstr(names, "TXA")) ||
               ((letter == ' ' || (letter >= '\t' && letter <= '\r')) && strstr(names, "OBX")) ||
               (letter == '&' && n > 9 && strcmp(slot->path + n - 9, "authority") == 0);
}

static bool is_tried(size_t slot, unsigned letter) {
        return is_special(letter) || (letter + slot) % 8 == 0 || getenv("CAREBUS_NIGHTLY");
}

static void slot_check(const Carebus__V1__Event *event, const Slot *slot, size_t *n_exact) {
        char *saved = *slot->text, text[32], names[NAMES_MAX], plain_names[NAMES_MAX];
        bool is_exact, is_read;

        *slot->text = (char *)PLAIN;
        assert_int_equal(write_event(event), 0);
        names_of(plain_names);
        translate_bytes(buffer_bytes(&written));
        is_read = !result.problem_code;
        is_exact = is_read && text_equal(read_back(event, slot->path), PLAIN);
        *n_exact += is_exact;
        for (unsigned letter = 1; letter < 0x100; letter++)
                for (unsigned form = 0; form < 1U + is_special(letter); form++) {
                        if (!is_tried((size_t)(slot - slots), letter))
                                continue;
                        nasty(letter, form, text);
                        *slot->text = text;
                        assert_int_equal(write_event(event), 0);
                        assert_one_frame();
                        names_of(names);
                        /* A text that is a document's goes on in a further OBX behind an end of line. */
                        if (strcmp(names, plain_names) != 0 && !(letter == '\n' && strstr(plain_names, "TXA")))
                                fail_msg("%s, byte 0x%02x: %s became %s", slot->path, letter, plain_names, names);
                        if (!is_read)
                                continue;
                        translate_bytes(buffer_bytes(&written));
                        if (result.problem_code)
                                fail_msg("%s, byte 0x%02x: %s at %s", slot->path, letter, result.problem_code,
                                         result.problem_position);
                        if (is_exact && !text_equal(read_back(event, slot->path), text) &&
                            !means_something(slot, letter, plain_names))
                                fail_msg("%s, byte 0x%02x, form %u: read as %s", slot->path, letter, form,
                                         read_back(event, slot->path) ?: "nothing");
                }
        *slot->text = saved;
}

/* The first event of a message, normalised, as the bus gives it. Its own memory. */
static Carebus__V1__Event *event_of_message(const char *message, size_t index) {
        CanonRules rules = { .profile = profile, .default_authority = "carebus:pas", .test_numbers = true };
        Carebus__V1__Event *event;
        uint8_t *packed;
        size_t size;
        Arena *arena;

        translate_text(message);
        assert_null(result.problem_code);
        assert_true(result.n_events > index);
        assert_int_equal(arena_new(&arena, 16 << 20), 0);
        assert_int_equal(canon_normalise(result.events[index], &rules, arena, NULL), 0);
        size = carebus__v1__event__get_packed_size(result.events[index]);
        packed = malloc(size);
        assert_non_null(packed);
        carebus__v1__event__pack(result.events[index], packed);
        event = carebus__v1__event__unpack(NULL, size, packed);
        assert_non_null(event);
        free(packed);
        arena_free(arena);
        return event;
}

static void message_check(const char *message, size_t index, size_t exact_at_least) {
        Carebus__V1__Event *event = event_of_message(message, index);
        size_t n_exact = 0;

        event->event_id = strdup("7.0");
        event->source = strdup("pas");
        n_slots = 0;
        walk(&event->base, "");
        for (size_t i = 0; i < n_slots; i++)
                slot_check(event, &slots[i], &n_exact);
        if (n_exact < exact_at_least)
                fail_msg("only %zu of %zu texts came back", n_exact, n_slots);
        carebus__v1__event__free_unpacked(event, NULL);
}

#define PERSON                                                                                                         \
        "PID|1||4471^^^RA9^MR~9434765919^^^NHS^NH||Price^Ann^Mary^Jr^Mrs||19500102|F|||1 High St^Flat 2^Leeds^W "      \
        "Yorks^LS1 "                                                                                                   \
        "1AA^GBR^H||0113 496 0000^PRN^PH|0113 496 0001^WPN^PH|en^English|M^Married|C22^Anglican|||||A^British|Leeds\r" \
        "PD1|||Oak Surgery^^A83005|G123^Brown^Sam^^^Dr\r"                                                              \
        "NK1|1|Price^Tom|SPO^Spouse|2 High St^^Leeds|0113 496 0002\r"

static void test_no_text_of_a_stay_becomes_anything_but_text(void **state) {
        message_check(
                "MSH|^~\\&|PAS|RA9|BUS|HERE|20240305101500||ADT^A01|M1|P|2.4\r"
                "EVN|A01|20240305101500|||U1^Jones^Al|20240305100000|RA9\r" PERSON
                "PV1|1|I|W4^R2^B1^RA9^^N^Main^3^Ward 4|21||W1^R1|C1^Green^Jo^^^Dr|C2^Black^Al|||300^Medicine|||19||||"
                "P^Private|V77^^^RA9||||||||||||||||||||||||||20240305093000\r"
                "PV2||||Chest pain\rNTE|1||Came by ambulance\r",
                0, 60);
}

static void test_no_text_of_an_observation_becomes_anything_but_text(void **state) {
        message_check(MSH_OF("ORU^R01") PERSON
                      "OBR|1|O1^PL|F1^FI|718-7^Hb^LN|||20240305\r"
                      "OBX|1|ST|718-7^Hb^LN|a|pale|g/L^gram^UCUM|120-160|L^low|||F|||20240305||G1^White^Ed|M1^hand"
                      "||||I1^LAB\rNTE|1||seen twice\r",
                      0, 30);
}

static void test_no_text_of_a_decision_becomes_anything_but_text(void **state) {
        message_check(MSH_OF("ORU^R01") PERSON
                      "OBR|1||F1^FI|1^Form^L\r"
                      "OBX|1|CWE|304251008^Resuscitation status^SCT||450476008^Not for attempted "
                      "CPR^SCT||||||F|||20240305||G1^White^Ed"
                      "|||||I1^LAB\rNTE|1||Location of form->yellow folder\rNTE|2||Reason->frail\r",
                      0, 25);
}

static void test_no_text_of_a_document_becomes_anything_but_text(void **state) {
        message_check(MSH_OF("MDM^T02") "EVN|T02|20240305101500\r" PERSON
                                        "PV1|1|I\rTXA|1|LET^Letter|TX|20240305||20240305|||G1^White^Ed|||D1^DOCS||||"
                                        "letter.txt|AU|R|AV||||||"
                                        "|Clinic letter\rOBX|1|TX|1^text||Dear doctor||||||F\r",
                      0, 25);
}

static void test_no_text_of_an_appointment_becomes_anything_but_text(void **state) {
        message_check(MSH_OF("SIU^S12") "SCH|P1^PL|F1^FI||G7||R^Routine|CK^Check|FU^Follow "
                                        "up|30|min|^^^202403061000^202403061030||||"
                                        "|E1^Blue^Al||||E2^Red^Bo|||||Booked\r" PERSON
                                        "RGS|1\rAIS|1||SP^Speech\rAIG|2||EQ^Hoist\rAIL|3||C1^R1^^RA9\rAIP|4||G1^White^"
                                        "Ed|SLT\r",
                      0, 35);
}

static void test_no_text_of_a_referral_becomes_anything_but_text(void **state) {
        message_check(MSH_OF("REF^I12") "RF1|P^Pending|R^Routine|MED^Medical|WR^Send|O^Out|R77^PL|20240301|||SY^"
                                        "Symptoms|X9^EXT|||For "
                                        "pain\rPRD|RP^Referring|Brown^Sam^^^Dr|1 St|^^^^^^^^Oak Surgery|0113 496 "
                                        "0003|PH|G123^GMC\r"
                                        "PRD|RT^To|Lane^Kay||^^^^^^^^Hospice\r" PERSON "DG1|1||C34^Lung cancer^I10\r",
                      0, 30);
}

static void test_no_text_of_a_merge_becomes_anything_but_text(void **state) {
        Carebus__V1__Event *event;
        size_t n_exact = 0;

        event = event_of_message(MSH_OF("ADT^A40") "EVN|A40|20240305101500\r" PERSON "MRG|4400^^^RA9^MR\r", 0);
        event->merge->surviving_patient_id = strdup("p1.0");
        n_slots = 0;
        walk(&event->base, "");
        for (size_t i = 0; i < n_slots; i++)
                slot_check(event, &slots[i], &n_exact);
        assert_true(n_exact > 20);
        carebus__v1__event__free_unpacked(event, NULL);
}

static void test_no_text_of_what_hl7_has_no_message_for_becomes_anything_but_text(void **state) {
        Carebus__V1__Event *event = event_of_message(MSH_OF("ADT^A31") "EVN|A31|20240305101500\r" PERSON "PV1|1|N\r",
                                                     0);
        Carebus__V1__Contact contact = CAREBUS__V1__CONTACT__INIT;
        Carebus__V1__Coded mode = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Demographics *demographics = event->demographics;
        char *type = event->type;
        size_t n_exact = 0;

        mode.text = (char *)"phone";
        contact.mode = &mode;
        contact.summary = (char *)"rang about pain";
        contact.advice = (char *)"take two";
        event->type = (char *)"contact.recorded";
        event->body_case = CAREBUS__V1__EVENT__BODY_CONTACT;
        event->contact = &contact;
        n_slots = 0;
        walk(&event->base, "");
        for (size_t i = 0; i < n_slots; i++)
                slot_check(event, &slots[i], &n_exact);
        event->type = type;
        event->body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event->demographics = demographics;
        carebus__v1__event__free_unpacked(event, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_no_text_of_a_stay_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_an_observation_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_a_decision_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_a_document_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_an_appointment_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_a_referral_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_a_merge_becomes_anything_but_text, fixture_setup,
                                                writer_teardown),
                cmocka_unit_test_setup_teardown(test_no_text_of_what_hl7_has_no_message_for_becomes_anything_but_text,
                                                fixture_setup, writer_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
