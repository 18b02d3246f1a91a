/*
 * What is written is read again as the same: every event that the corpus gives, every body of the catalogue, every byte in every text.
 * What may differ: the form of a moment (R4 has no minutes without seconds), who sent it on, trigger and message number, what the bus sets
 * itself, where in a message a note stood, how R4 calls a state (original_status), further numbers of a person (the server's own id).
 */
#include "tests/unit/adapters/fhir/fixture.h"

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/said.h"
#include "adapters/fhir/write.h"
#include "proto/types.h"
#include "tests/unit/adapters/fhir/corpus.h"

static FhirWriter *writer;
static FhirTranslator *again;
static Arena *scratch;
static size_t n_written, n_extended, n_parts, n_not_said;

static int write_setup(void **state) {
        const FhirWriterOptions options = { .bus = "test", .timezone = "Europe/London" };
        ReadingOptions reading = { .source = "partner", .timezone = "Europe/London" };

        assert_int_equal(fixture_setup(state), 0);
        assert_int_equal(fhir_writer_new(&writer, &options), 0);
        reading.profile = profile;
        assert_int_equal(fhir_translator_new(&again, &reading, NULL), 0);
        assert_int_equal(arena_new(&scratch, 64 << 20), 0);
        return 0;
}

static int write_teardown(void **state) {
        writer = fhir_writer_free(writer);
        again = fhir_translator_free(again);
        scratch = arena_free(scratch);
        return fixture_teardown(state);
}

static void bundle_write(const FhirWritten *written, Buffer *out) {
        buffer_append_format(out,
                             "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":\"https://"
                             "x.invalid/%s/%s\",\"resource\":",
                             written->type, written->id);
        json_write(out, written->node, NULL);
        if (written->provenance) {
                buffer_append_format(out, "},{\"fullUrl\":\"https://x.invalid/Provenance/%s\",\"resource\":",
                                     written->provenance_id);
                json_write(out, written->provenance, NULL);
        }
        buffer_append_text(out, "}]}");
        assert_int_equal(out->error, 0);
}

static void count_extension(const JsonNode *resource) {
        const JsonNode *list = json_peek(resource, "extension");

        for (const JsonNode *item = list ? list->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "url"), SAID_URL)) {
                        n_extended++;
                        n_parts += json_peek(item, "extension")->n_children - 3;
                }
}

/* No null, no "", no empty list or object, no member twice: whatever was hidden or never said. */
static void assert_no_empty(const JsonNode *node) {
        if (node->kind == JSON_NULL || (node->kind == JSON_STRING && node->size == 0) ||
            ((node->kind == JSON_OBJECT || node->kind == JSON_ARRAY) && !node->first))
                fail_msg("empty: %s", node->name ?: "an element");
        for (const JsonNode *child = node->first; child; child = child->next)
                assert_no_empty(child);
}

static void tell_differences(const Carebus__V1__Event *event, const SaidPart *parts, size_t n, const char *json) {
        for (size_t i = 0; i < n && i < 10; i++)
                print_error("%s: %s = %s\n", event->type, parts[i].path, parts[i].text ?: "(absent)");
        fail_msg("%s: %s", event->type, json);
}

/* 0 written and read as the same; else the writer's code. */
static int round_trip(const Carebus__V1__Event *event) {
        _cleanup_(buffer_deinit) Buffer json = BUFFER_NULL;
        FhirWritten written;
        FhirResult result_again;
        SaidPart *parts = NULL;
        size_t n = 0;
        JsonNode *tree;
        JsonError error;
        int r;

        fhir_writer_reset(writer);
        arena_reset(scratch);
        r = fhir_write_event(writer, event, &written);
        if (r != 0)
                return r;
        n_written++;
        count_extension(written.node);
        bundle_write(&written, &json);
        assert_int_equal(json_read(buffer_bytes(&json), &JSON_LIMITS_DEFAULT, scratch, &tree, &error), 0);
        assert_no_empty(tree);
        assert_int_equal(fhir_translate(again, buffer_bytes(&json), NULL, &result_again), 0);
        if (result_again.reading.n_events != 1)
                fail_msg("%s: %zu events of %.*s", event->type, result_again.reading.n_events, (int)json.size,
                         (char *)json.data);
        check_event(result_again.reading.events[0]);
        assert_int_equal(said_differences(event, result_again.reading.events[0], scratch, &parts, &n), 0);
        if (n > 0) {
                buffer_append_byte(&json, 0);
                tell_differences(event, parts, n, (char *)json.data);
        }
        return 0;
}

/* As the bus gives it out: with its number and its person. */
static void as_given_out(Carebus__V1__Event *event, size_t index) {
        static char id[32], source[] = "ehr", person[] = "p7.0";
        static Carebus__V1__Subject subject;

        snprintf(id, sizeof(id), "12.%zu", index);
        event->event_id = id;
        event->source = source;
        if (!event->patient) {
                carebus__v1__subject__init(&subject);
                event->patient = &subject;
        }
        event->patient->patient_id = person;
}

/* ---- the corpus */

static void message_read(const char *path, Bytes bytes) {
        translate_as(bytes, NULL);
        for (size_t i = 0; i < result.reading.n_events; i++) {
                Carebus__V1__Event *event = result.reading.events[i];
                int r;

                as_given_out(event, i);
                r = round_trip(event);
                if (r == FHIR_WRITE_E_NOT_SAID)
                        n_not_said++;
                else if (r != 0)
                        fail_msg("%s: %s: %d", path, event->type, r);
        }
}

/* One message, or one a line, of which the first are enough. */
static void message_seen(const char *path, const char *name, Bytes bytes) {
        size_t size = strlen(name);
        bool in_lines = size > 7 && strcmp(name + size - 7, ".ndjson") == 0;

        for (size_t n = 0; in_lines && n < 150 && bytes.size > 0; n++) {
                const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
                size_t line = end ? (size_t)(end - bytes.data) : bytes.size;

                if (line > 2)
                        message_read(path, bytes_of(bytes.data, line));
                bytes = bytes_of(bytes.data + line + (end != NULL), bytes.size - line - (end != NULL));
        }
        if (!in_lines && size > 5 && strcmp(name + size - 5, ".json") == 0 && bytes.size <= 8 << 20)
                message_read(path, bytes);
}

static void test_every_event_of_the_corpus_is_read_again_as_it_was_written(void **state) {
        char folder[512];

        corpus_folder("fhir", folder, sizeof(folder));
        if (corpus_is_missing(folder))
                skip();
        n_written = n_extended = n_parts = n_not_said = 0;
        (void)corpus_walk(folder, message_seen);
        print_message("# %zu events written and read again; %zu with an extension, of %.1f parts; %zu that R4 has "
                      "nothing for\n",
                      n_written, n_extended, n_extended ? (double)n_parts / (double)n_extended : 0.0, n_not_said);
        assert_true(n_written > 1000);
        assert_int_equal(n_not_said, 0);
}

/* ---- every body of the catalogue, filled at random */

static uint64_t random_state;

static uint32_t any(uint32_t below) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(random_state >> 33) % below;
}

/* Any character at all, quotes, control characters, markup and names of members among them. */
static char *random_text(void) {
        static const char *const words[] = { "\"",
                                             "\\",
                                             "</div>",
                                             "\\u0000",
                                             "{",
                                             "}]",
                                             "|",
                                             "^~\\&",
                                             "\r\n",
                                             "\t",
                                             "=1+1",
                                             "'; --",
                                             "\x01",
                                             "\x1f",
                                             "\x7f",
                                             "\xc2\x80",
                                             "\xe2\x80\xae",
                                             "\xf0\x9f\x92\x89",
                                             "\xef\xbf\xbe",
                                             "DNACPR",
                                             "not for CPR",
                                             "resourceType",
                                             "a",
                                             "b c",
                                             " ",
                                             "0",
                                             "-1.50",
                                             "2024-02-30" };
        char *text = arena_alloc(scratch, 256);
        size_t size = 0;

        assert_non_null(text);
        for (uint32_t n = 1 + any(6); n > 0; n--) {
                const char *word = words[any(ELEMENTSOF(words))];

                memcpy(text + size, word, strlen(word));
                size += strlen(word);
        }
        text[size] = 0;
        return text;
}

static void random_fill(ProtobufCMessage *message, unsigned depth);

static void random_value(const ProtobufCFieldDescriptor *field, void *place, unsigned depth) {
        static const char *const moments[] = { "2024-05-06", "202405061122", "2024-05-06T11:22:33.5+01:00", "1999",
                                               "soon" };

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                *(const char **)place = strcmp(field->name, "text") == 0 && any(2) ? moments[any(5)] : random_text();
                break;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)place = (protobuf_c_boolean)any(2);
                break;
        case PROTOBUF_C_TYPE_ENUM: {
                const ProtobufCEnumDescriptor *values = field->descriptor;

                *(int *)place = values->values[any(values->n_values)].value;
                break;
        }
        case PROTOBUF_C_TYPE_UINT32:
                *(uint32_t *)place = any(100000);
                break;
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_INT64:
                *(uint64_t *)place = (uint64_t)any(1u << 31) * 1000000;
                break;
        case PROTOBUF_C_TYPE_MESSAGE: {
                const ProtobufCMessageDescriptor *descriptor = field->descriptor;
                ProtobufCMessage *inner = arena_alloc(scratch, descriptor->sizeof_message);

                assert_non_null(inner);
                protobuf_c_message_init(descriptor, inner);
                random_fill(inner, depth + 1);
                *(ProtobufCMessage **)place = inner;
                break;
        }
        default:
                break;
        }
}

static void random_fill(ProtobufCMessage *message, unsigned depth) {
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                uint8_t *place = (uint8_t *)message + field->offset,
                        *quantifier = (uint8_t *)message + field->quantifier_offset;
                size_t size = field->type == PROTOBUF_C_TYPE_BOOL ? sizeof(protobuf_c_boolean)
                              : field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_ENUM ? 4
                                                                                                             : 8;
                size_t n = 1 + any(2);

                if (any(3 + depth) > 1 || field->type == PROTOBUF_C_TYPE_BYTES ||
                    field->type == PROTOBUF_C_TYPE_SINT32 || (depth > 3 && field->type == PROTOBUF_C_TYPE_MESSAGE) ||
                    strcmp(field->name, "utc_at") == 0 || strcmp(field->name, "precision") == 0)
                        continue;
                if (field->label != PROTOBUF_C_LABEL_REPEATED) {
                        random_value(field, place, depth);
                        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
                                *(protobuf_c_boolean *)quantifier = 1;
                        continue;
                }
                *(uint8_t **)place = arena_alloc(scratch, n * size);
                assert_non_null(*(uint8_t **)place);
                for (size_t k = 0; k < n; k++)
                        random_value(field, *(uint8_t **)place + k * size, depth);
                *(size_t *)quantifier = n;
        }
}

static Carebus__V1__Event *random_event(const EventType *type) {
        Carebus__V1__Event *event = arena_alloc(scratch, sizeof(*event));
        const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                       (unsigned)type->body);

        assert_non_null(event);
        carebus__v1__event__init(event);
        event->type = (char *)type->name;
        event->has_action = true;
        event->action = any(8) ? type->action : CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        event->body_case = type->body;
        random_value(body, (uint8_t *)event + body->offset, 0);
        return event;
}

/* The scratch that a round trip empties holds the event: it is packed and read for each. */
static Carebus__V1__Event *kept(const Carebus__V1__Event *event, Arena *arena) {
        size_t size = protobuf_c_message_get_packed_size(&event->base);
        uint8_t *data = malloc(size + 1);
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *read = NULL;
        ValidateError error;

        assert_non_null(data);
        assert_int_equal(protobuf_c_message_pack(&event->base, data), size);
        if (validate_event(bytes_of(data, size), &limits, arena, &read, &error) != 0)
                read = NULL; /* nothing that the bus would have taken */
        free(data);
        return read;
}

static void test_any_event_of_the_catalogue_is_read_again_as_it_was_written(void **state) {
        const char *seed = getenv("CAREBUS_SEED");
        size_t n_tried = 0, n_same = 0;
        Arena *arena;

        random_state = seed ? strtoull(seed, NULL, 10) : 5;
        print_message("# CAREBUS_SEED=%llu\n", (unsigned long long)random_state);
        assert_int_equal(arena_new(&arena, 64 << 20), 0);
        for (size_t i = 0; event_type_at(i); i++)
                for (size_t k = 0; k < 12 && !event_type_at(i)->from_bus; k++) {
                        Carebus__V1__Event *event;

                        arena_reset(scratch);
                        arena_reset(arena);
                        event = kept(random_event(event_type_at(i)), arena);
                        if (!event)
                                continue;
                        as_given_out(event, k);
                        n_tried++;
                        n_same += round_trip(event) == 0;
                }
        print_message("# %zu events, %zu read again as they were written\n", n_tried, n_same);
        assert_true(n_tried > 500);
        assert_int_equal(n_same, n_tried);
        arena_free(arena);
}

static void test_what_the_bus_says_of_itself_has_no_resource(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Notice notice = CAREBUS__V1__NOTICE__INIT;
        FhirWritten written;

        event.type = (char *)"partner.silent";
        event.body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event.notice = &notice;
        assert_int_equal(fhir_write_event(writer, &event, &written), FHIR_WRITE_E_NOT_SAID);
}

static Carebus__V1__Event condition_event(Carebus__V1__Condition *condition, Carebus__V1__Coded *code, char *text) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;

        carebus__v1__condition__init(condition);
        carebus__v1__coded__init(code);
        code->text = text;
        condition->code = code;
        event.type = (char *)"condition.recorded";
        event.has_action = true;
        event.action = CAREBUS__V1__ACTION__ACTION_NEW;
        event.body_case = CAREBUS__V1__EVENT__BODY_CONDITION;
        event.condition = condition;
        as_given_out(&event, 1);
        return event;
}

/* Each byte by itself, between two letters: valid UTF-8 comes back as it was, all else is refused, and the frame stands. */
static void test_every_byte_comes_back_or_is_refused(void **state) {
        for (unsigned byte = 1; byte < 256; byte++) {
                char text[] = { 'a', (char)byte, 'b', 0 };
                Carebus__V1__Condition condition;
                Carebus__V1__Coded code;
                Carebus__V1__Event event = condition_event(&condition, &code, text);

                assert_int_equal(round_trip(&event), byte < 0x80 ? 0 : FHIR_WRITE_E_TEXT);
        }
}

static void test_what_is_hidden_is_masked_where_r4_asks_for_it(void **state) {
        Carebus__V1__Condition condition;
        Carebus__V1__Coded code;
        Carebus__V1__Event event = condition_event(&condition, &code, (char *)"x");
        char *paths[] = { (char *)"observation.code" };
        Carebus__V1__Observation observation = CAREBUS__V1__OBSERVATION__INIT;
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        FhirWritten written;

        event.type = (char *)"observation.recorded";
        event.body_case = CAREBUS__V1__EVENT__BODY_OBSERVATION;
        event.observation = &observation;
        event.n_redacted = 1;
        event.redacted = paths;
        assert_int_equal(fhir_write_event(writer, &event, &written), 0);
        assert_no_empty(written.node);
        json_write(&out, written.node, NULL);
        buffer_append_byte(&out, 0);
        assert_non_null(strstr(
                (char *)out.data,
                "\"code\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","
                "\"valueCode\":\"masked\"}]}"));
        assert_non_null(strstr((char *)out.data, "REDACTED"));
}

/* The same fact has the same id, whatever is said of it; another one another. */
static void test_a_fact_keeps_its_id(void **state) {
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Condition condition;
        Carebus__V1__Coded code;
        Carebus__V1__Event event = condition_event(&condition, &code, (char *)"x");
        FhirWritten one, two, three;

        number.system = (char *)"carebus:ehr";
        number.value = (char *)"77";
        condition.identifier = &number;
        assert_int_equal(fhir_write_event(writer, &event, &one), 0);
        event.event_id = (char *)"99.0";
        event.type = (char *)"condition.resolved";
        assert_int_equal(fhir_write_event(writer, &event, &two), 0);
        assert_string_equal(one.id, two.id);
        number.value = (char *)"78";
        assert_int_equal(fhir_write_event(writer, &event, &three), 0);
        assert_string_not_equal(one.id, three.id);
}

/* Somebody who changes an element says something else: the extension counts no more. */
static void test_a_resource_that_was_changed_is_read_by_its_elements_alone(void **state) {
        Carebus__V1__Condition condition;
        Carebus__V1__Coded code;
        Carebus__V1__Event event = condition_event(&condition, &code, (char *)"old words");
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        FhirResult changed;
        FhirWritten written;
        char *at;

        condition.has_patient_aware = condition.patient_aware = true;
        assert_int_equal(fhir_write_event(writer, &event, &written), 0);
        json_write(&out, written.node, NULL);
        buffer_append_byte(&out, 0);
        assert_int_equal(fhir_translate(again, bytes_of(out.data, out.size - 1), NULL, &changed), 0);
        assert_true(changed.reading.events[0]->condition->has_patient_aware);
        at = strstr((char *)out.data, "old words");
        assert_non_null(at);
        memcpy(at, "new", 3);
        assert_int_equal(fhir_translate(again, bytes_of(out.data, out.size - 1), NULL, &changed), 0);
        assert_string_equal(changed.reading.events[0]->condition->code->text, "new words");
        assert_false(changed.reading.events[0]->condition->has_patient_aware);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_every_event_of_the_corpus_is_read_again_as_it_was_written,
                                                write_setup, write_teardown),
                cmocka_unit_test_setup_teardown(test_any_event_of_the_catalogue_is_read_again_as_it_was_written,
                                                write_setup, write_teardown),
                cmocka_unit_test_setup_teardown(test_what_the_bus_says_of_itself_has_no_resource, write_setup,
                                                write_teardown),
                cmocka_unit_test_setup_teardown(test_every_byte_comes_back_or_is_refused, write_setup, write_teardown),
                cmocka_unit_test_setup_teardown(test_what_is_hidden_is_masked_where_r4_asks_for_it, write_setup,
                                                write_teardown),
                cmocka_unit_test_setup_teardown(test_a_fact_keeps_its_id, write_setup, write_teardown),
                cmocka_unit_test_setup_teardown(test_a_resource_that_was_changed_is_read_by_its_elements_alone,
                                                write_setup, write_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
