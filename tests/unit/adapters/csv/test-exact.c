/*
 * The exact form of every table, there and back: an event becomes a row, and a source whose profile says `exact` makes the same event of
 * it. Events are made at random, of all fields that the form carries, with every byte value in their texts.
 */
#include "csv-fixture.h"

#include <time.h>

#include "adapters/common/draft.h"
#include "adapters/csv/exact.h"
#include "proto/types.h"

#define BUS "carebus:there"
#define OWN "carebus:hospice"

/* Types of events, and what the form carries of their bodies: a path each, ! where the row needs it, [] where there may be several. */
static const struct {
        const char *type, *paths;
} kinds[] = {
        { "patient.updated",
          "names[] birth_date sex addresses[] telecom[] language interpreter_required marital_status religion "
          "ethnic_category practice.identifier lives_alone deceased_at deceased gender restricted" },
        { "patient.registered", "names[] birth_date sex" },
        { "death.notified", "status died_at how_known place" },
        { "death.retracted", "status how_known" },
        { "referral.requested", "identifier! status from.name priority primary_condition reasons[] requested_at "
                                "received_at decided_at decision "
                                "decline_reason first_contact_at closed_at close_reason" },
        { "referral.accepted", "identifier! status=accepted decided_at decision reasons[] declined_by" },
        { "referral.changed", "identifier! status" },
        { "contact.recorded",
          "identifier! status start_at minutes mode place_kind staff_role by.name with_whom[] purpose outcome "
          "next_contact_at" },
        { "visit.missed", "identifier! status=missed start_at mode outcome" },
        { "encounter.admitted", "identifier! class status admitted_at admission_source reason discharged_at" },
        { "encounter.discharged",
          "identifier! class status admitted_at admission_source reason discharged_at! discharge_destination died" },
        { "encounter.admission_cancelled", "identifier! class status=cancelled admitted_at" },
        { "cpr_decision.recorded", "kind=CPR identifier! status decision decision_text text decided_at ended_at "
                                   "decided_by.name.text decided_by.role "
                                   "original_location review_at scope" },
        { "cpr_decision.ended", "kind=CPR identifier! status=ENDED decision decided_at ended_at" },
        { "adrt.recorded", "kind=ADRT identifier! status decision decision_text text decided_at" },
        { "lpa.recorded", "kind=LPA identifier! status decision text registered" },
        { "treatment_escalation.recorded", "kind=TREATMENT_ESCALATION identifier! status decision guidance[] text" },
        { "preference.place_of_death", "kind=PREFERRED_PLACE_OF_DEATH identifier! status place rank decision_text" },
        { "preference.place_of_care", "kind=PREFERRED_PLACE_OF_CARE identifier! status place decision_text" },
        { "anticipatory_meds.supplied",
          "identifier! status! text prescribed_at supplied_at used_at returned_at expires_at box_location box_in_home "
          "prescriber.name.text" },
        { "care_plan.item_changed", "identifier what_matters! review_at original_location" },
        { "contact_point.changed", "identifier! name kind status" },
        { "outcome.measured",
          "identifier! scale! total! measured_at! status recall_period respondent respondent_coded" },
        { "outcome.measured", "identifier scale! result! measured_at! respondent_coded" },
        { "bereavement.offered",
          "identifier! status deceased_identifiers! relationship offered_at answered_at first_contact_at closed_at" },
        { "service.published", "identifier name! status offers_text[] areas[]" },
        { "encounter.transferred",
          "identifier! class status transferred_at place.point_of_care place.room place.bed place.facility "
          "prior_place.text prior_place.room transfer_reason admitted_at" },
        { "encounter.transfer_cancelled", "identifier! status place.point_of_care" },
        { "allergy.recorded",
          "identifier! substance type kind severity reactions[].manifestation status certainty criticality onset_at "
          "recorded_at none_known text set_id" },
        { "appointment.booked",
          "identifier! placer_identifier status start_at former_start_at minutes type reason service.name "
          "place.facility place.text mode outcome cancellation_reason instructions end_at" },
        { "appointment.rescheduled", "placer_identifier! status start_at former_start_at" },
        { "document.available", "identifier! type title status written_at authors.name.text media_type sha256 size "
                                "custodian.name replaces activity_at edited_at" },
        { "document.cancelled", "identifier! status title" },
        { "patient.merged", "surviving[]! retired[]! scope reason" },
        { "patient.moved", "surviving[]! scope visit! former_visit" },
        { "patient.unlinked", "surviving! retired! scope=PERSON" },
};

static unsigned seed;
static Zone *zone;
static Arena *scratch;

static unsigned any(unsigned n) {
        return (unsigned)random() % n;
}

/* ---- values at random */

/* What the texts of an event may hold: any byte but NUL within, as the letter of that number; no blanks at the ends, which every reader
 * takes away. `byte` stands in each where it is not 0. */
static char *any_text(Draft *draft, unsigned byte) {
        static const char *const marks[] = {
                "|", ";", "\\", "=", "\"", ",", "\r\n", "'", "#", "; ", "|;=\\", "\xc5\x9e"
        };
        Buffer text = BUFFER_NULL;
        char *kept;

        buffer_append_byte(&text, (uint8_t)("=+-@aT1\\|;\"'"[any(12)]));
        for (unsigned n = any(6) + (byte != 0); n > 0; n--) {
                unsigned letter = byte ? byte : 1 + any(255);

                if (letter < 128)
                        buffer_append_byte(&text, (uint8_t)letter);
                else
                        buffer_append_format(&text, "%c%c", (int)(0xc0 | letter >> 6), (int)(0x80 | (letter & 63)));
                if (any(2))
                        buffer_append_text(&text, marks[any(ELEMENTSOF(marks))]);
        }
        buffer_append_byte(&text, (uint8_t)("z;\\|=\"'9"[any(8)]));
        kept = draft_text(draft, (const char *)text.data, text.size);
        buffer_deinit(&text);
        assert_non_null(kept);
        return kept;
}

static Carebus__V1__When *any_when(Draft *draft) {
        static const int64_t units[] = { [3] = INT64_C(86400000000), [5] = 60000000, [6] = 1000000, [7] = 1 };
        static const Carebus__V1__When__Precision precisions[] = { 3, 5, 6, 7 };
        Carebus__V1__When *when = draft_message(draft, &carebus__v1__when__descriptor);

        when->has_utc_at = when->has_precision = true;
        when->precision = precisions[any(4)];
        /* In winter, when the days of London begin with those of UTC, or within a day of summer. */
        when->utc_at = INT64_C(1768000000000000) + (int64_t)any(30) * INT64_C(86400000000) + random();
        if (when->precision != CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY && any(2))
                when->utc_at += INT64_C(180) * INT64_C(86400000000);
        when->utc_at -= when->utc_at % units[when->precision];
        return when;
}

static void *any_message(Draft *draft, const ProtobufCMessageDescriptor *type, unsigned byte) {
        void *message = draft_message(draft, type);

        if (type == &carebus__v1__coded__descriptor) {
                Carebus__V1__Coded *coded = message;

                coded->text = any_text(draft, byte);
                coded->system = any(2) ? any_text(draft, byte) : NULL;
                coded->code = any(2) ? any_text(draft, byte) : NULL;
                coded->display = any(2) ? any_text(draft, byte) : NULL;
                coded->original = any(2) ? draft_message(draft, &carebus__v1__original_code__descriptor) : NULL;
                if (coded->original)
                        coded->original->code = any_text(draft, byte);
        } else if (type == &carebus__v1__identifier__descriptor) {
                Carebus__V1__Identifier *identifier = message;

                identifier->system = any_text(draft, byte);
                identifier->value = any_text(draft, byte);
        } else if (type == &carebus__v1__when__descriptor)
                return any_when(draft);
        else if (type == &carebus__v1__date__descriptor) {
                Carebus__V1__Date *date = message;

                date->has_year = true;
                date->year = 1900 + any(120);
                date->has_month = any(4);
                date->month = date->has_month ? 1 + any(12) : 0;
                date->has_day = date->has_month && any(4);
                date->day = date->has_day ? 1 + any(28) : 0;
        } else if (type == &carebus__v1__human_name__descriptor) {
                Carebus__V1__HumanName *name = message;

                name->use = any(2) ? (char *)"nickname" : NULL;
                name->family = any_text(draft, byte);
                for (unsigned n = any(3); n > 0; n--)
                        draft_append(draft, &name->n_given, &name->given, any_text(draft, byte));
        } else if (type == &carebus__v1__address__descriptor) {
                Carebus__V1__Address *address = message;

                address->postal_code = any(2) ? any_text(draft, byte) : NULL;
                address->city = any_text(draft, byte);
                for (unsigned n = any(3); n > 0; n--)
                        draft_append(draft, &address->n_line, &address->line, any_text(draft, byte));
        } else if (type == &carebus__v1__telecom__descriptor) {
                ((Carebus__V1__Telecom *)message)->system = (char *)"email";
                ((Carebus__V1__Telecom *)message)->value = any_text(draft, byte);
        } else if (type == &carebus__v1__quantity__descriptor) {
                ((Carebus__V1__Quantity *)message)->value = (char *)"4.50";
                ((Carebus__V1__Quantity *)message)->original_unit = any_text(draft, byte);
        } else
                fail_msg("%s", type->name);
        return message;
}

static void set_bytes(Draft *draft, ProtobufCBinaryData *bytes) {
        bytes->len = 32;
        bytes->data = draft_alloc(draft, 32);
        for (size_t i = 0; i < 32; i++)
                bytes->data[i] = (uint8_t)random();
}

static int enum_of(const ProtobufCEnumDescriptor *type, const char *said) {
        unsigned which = 1 + any(type->n_value_names - 1);

        for (unsigned i = 0; said && i < type->n_values; i++)
                if (strstr(type->values[i].name, said) && strlen(strstr(type->values[i].name, said)) == strlen(said))
                        return type->values[i].value;
        assert_null(said);
        return type->values[which].value;
}

/* One field of a message; its path may go on into messages below. */
static void set_path(Draft *draft, ProtobufCMessage *message, const char *path, unsigned byte) {
        char name[64];
        size_t length = strcspn(path, ".[!=");
        const char *rest = path + length;
        bool is_list = rest[0] == '[';

        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        rest += is_list ? 2 : 0;
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
                                                                                                name);
        assert_non_null(field);
        char *at = (char *)message + field->offset, *quantifier = (char *)message + field->quantifier_offset;
        const char *said = strchr(rest, '=') ? strchr(rest, '=') + 1 : NULL;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                for (unsigned n = is_list ? 1 + any(3) : 1; n > 0; n--) {
                        void *element = field->type == PROTOBUF_C_TYPE_STRING ? (void *)any_text(draft, byte)
                                        : rest[0] == '.'                      ? draft_message(draft, field->descriptor)
                                                         : any_message(draft, field->descriptor, byte);

                        if (rest[0] == '.')
                                set_path(draft, element, rest + 1, byte);
                        draft_append(draft, (size_t *)quantifier, at, element);
                }
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && rest[0] == '.') {
                if (!*(ProtobufCMessage **)at)
                        *(void **)at = draft_message(draft, field->descriptor);
                set_path(draft, *(ProtobufCMessage **)at, rest + 1, byte);
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                *(void **)at = any_message(draft, field->descriptor, byte);
        else if (field->type == PROTOBUF_C_TYPE_STRING)
                *(char **)at = said ? (char *)said : any_text(draft, byte);
        else {
                *(protobuf_c_boolean *)quantifier = true;
                if (field->type == PROTOBUF_C_TYPE_BOOL)
                        *(protobuf_c_boolean *)at = any(2);
                else if (field->type == PROTOBUF_C_TYPE_UINT32)
                        *(uint32_t *)at = (uint32_t)random();
                else if (field->type == PROTOBUF_C_TYPE_UINT64)
                        *(uint64_t *)at = (uint64_t)random();
                else if (field->type == PROTOBUF_C_TYPE_ENUM)
                        *(int *)at = enum_of(field->descriptor, said);
                else
                        set_bytes(draft, (ProtobufCBinaryData *)at);
        }
}

static void set_body(Draft *draft, Carebus__V1__Event *event, const char *paths, unsigned byte) {
        const EventType *type = event_type_find(event->type);
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                        (unsigned)type->body);
        ProtobufCMessage *body = draft_message(draft, field->descriptor);
        char *copy = draft_text(draft, paths, strlen(paths)), *state = NULL;

        event->body_case = type->body;
        memcpy((char *)event + field->offset, &body, sizeof(body));
        for (char *path = strtok_r(copy, " ", &state); path; path = strtok_r(NULL, " ", &state))
                if (strchr(path, '!') || strchr(path, '=') || byte || any(2)) {
                        path[strcspn(path, "!")] = 0;
                        set_path(draft, body, path, byte);
                }
}

static Carebus__V1__Identifier *number(Draft *draft, const char *system, char *value) {
        return draft_identifier(draft, (char *)system, NULL, NULL, value);
}

/* What the reader says beside each body, from what stands in it. */
static void set_correlators(Draft *draft, Carebus__V1__Event *event) {
        switch (event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS:
                event->demographics->identifiers = event->patient->identifiers;
                event->demographics->n_identifiers = event->patient->n_identifiers;
                if (event->demographics->has_restricted) {
                        event->sensitivity = draft_message(draft, &carebus__v1__sensitivity__descriptor);
                        event->sensitivity->has_restricted_location = true;
                        event->sensitivity->restricted_location = event->demographics->restricted;
                }
                break;
        case CAREBUS__V1__EVENT__BODY_REFERRAL:
                event->referral_id = event->referral->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_ENCOUNTER:
                event->encounter_id = event->encounter->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_DECISION:
                event->order_id = event->decision->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_CARE_PLAN:
                event->plan_id = event->care_plan->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_APPOINTMENT:
                event->appointment_id = event->appointment->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_DOCUMENT:
                event->document_id = event->document->identifier;
                break;
        case CAREBUS__V1__EVENT__BODY_MERGE:
                if (event->merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT)
                        event->encounter_id = event->merge->visit;
                break;
        case CAREBUS__V1__EVENT__BODY_CONTACT_POINT: { /* one number to ring */
                Carebus__V1__ReachTime *reach = draft_message(draft, &carebus__v1__reach_time__descriptor);
                Carebus__V1__Telecom *telecom = draft_message(draft, &carebus__v1__telecom__descriptor);

                telecom->system = (char *)"phone";
                telecom->value = any_text(draft, 0);
                reach->has_out_of_hours = true;
                reach->out_of_hours = any(2);
                draft_append(draft, &reach->n_telecom, &reach->telecom, telecom);
                draft_append(draft, &event->contact_point->n_reach, &event->contact_point->reach, reach);
                break;
        }
        default:
                break;
        }
}

static Carebus__V1__Event *any_event(Draft *draft, size_t kind, unsigned byte) {
        Carebus__V1__Event *event = draft_message(draft, &carebus__v1__event__descriptor);
        const EventType *type = event_type_find(kinds[kind].type);
        bool has_person = type->body != CAREBUS__V1__EVENT__BODY_SERVICE;
        Carebus__V1__Identifier **numbers = NULL;
        size_t n = 0;

        assert_non_null(type);
        event->type = (char *)type->name;
        event->has_action = true;
        event->action = any(4) ? type->action : CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        event->event_id = draft_format(draft, "%u.%u", any(1000000), any(10));
        event->occurred_at = any(4) ? any_when(draft) : NULL;
        event->recorded_at = any(4) ? any_when(draft) : NULL;
        draft_append(draft, &n, &numbers, number(draft, OWN, any_text(draft, byte)));
        if (type->body != CAREBUS__V1__EVENT__BODY_BEREAVEMENT) {
                if (any(2))
                        draft_append(draft, &n, &numbers,
                                     number(draft, "https://fhir.nhs.uk/Id/nhs-number", (char *)"9434765919"));
                for (unsigned more = any(3); more > 0; more--)
                        draft_append(draft, &n, &numbers,
                                     any_message(draft, &carebus__v1__identifier__descriptor, byte));
        }
        if (has_person) {
                event->patient = draft_message(draft, &carebus__v1__subject__descriptor);
                event->patient->identifiers = numbers;
                event->patient->n_identifiers = n;
        }
        set_body(draft, event, kinds[kind].paths, byte);
        set_correlators(draft, event);
        return event;
}

/* ---- there and back */

static void use_exact(void) {
        Buffer yaml = BUFFER_NULL;

        buffer_append_text(&yaml, "tables:\n");
        for (size_t i = 0; table_at(i); i++)
                buffer_append_format(&yaml, "  %s: {exact: true}\n", table_at(i)->name);
        char *text = buffer_steal_text(&yaml);
        use_profile(text);
        free(text);
}

/* What the envelope of the other side is about: which bus, and which words led to a number. */
static char *json_of(Carebus__V1__Event *event) {
        char *line;

        forget_wording(&event->base);
        event->event_id = event->trigger = NULL;
        event->carried_id = NULL;
        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                event->patient->identifiers[i]->authority = NULL;
        line = json_line(&event->base);
        assert_non_null(line);
        return line;
}

static void assert_comes_back(Carebus__V1__Event *event) {
        static const char *const systems[] = { OWN };
        const ExactOptions options = { .systems = systems, .n_systems = 1, .bus_system = BUS, .zone = zone };
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL, row = BUFFER_NULL, again = BUFFER_NULL;
        char name[64], *carried, *said, *told;
        const Table *table, *other;
        CsvFile opened;
        CsvRow read;

        if (exact_row(&options, event, &table, &row) != 0)
                fail_msg("%s has no row (CAREBUS_SEED=%u)", event->type, seed);
        exact_head(table, &file);
        buffer_append_bytes(&file, buffer_bytes(&row));
        snprintf(name, sizeof(name), "%s-1.0.csv", table->name);
        assert_int_equal(csv_reader_open(reader, name, buffer_bytes(&file), false, &opened), 0);
        if (opened.problem || opened.n_rows != 1)
                fail_msg("%s: %s, %zu rows (CAREBUS_SEED=%u)", event->type, opened.problem, opened.n_rows, seed);
        assert_int_equal(opened.n_notes, 0); /* no column is strange */
        assert_int_equal(csv_reader_next(reader, &read), 1);
        if (read.verdict != CSV_TAKEN || read.reading.n_events != 1)
                fail_msg("%s: '%s', %zu events (CAREBUS_SEED=%u)\n%.*s", event->type, read.message,
                         read.reading.n_events, seed, (int)file.size, (const char *)file.data);
        Carebus__V1__Event *back = read.reading.events[0];
        /* Which event of which bus it is, comes with it; and what is read is written as the same row again. */
        assert_non_null(back->carried_id);
        assert_string_equal(back->carried_id->system, BUS);
        assert_string_equal(back->carried_id->value, event->event_id);
        carried = back->carried_id->value;
        back->event_id = carried;
        assert_int_equal(exact_row(&options, back, &other, &again), 0);
        assert_ptr_equal(other, table);
        if (again.size != row.size || memcmp(again.data, row.data, row.size) != 0)
                fail_msg("%s (CAREBUS_SEED=%u):\n%.*s%.*s", event->type, seed, (int)row.size, (const char *)row.data,
                         (int)again.size, (const char *)again.data);
        told = json_of(back);
        said = json_of(event);
        if (strcmp(said, told) != 0)
                fail_msg("(CAREBUS_SEED=%u)\n%s\n%s\n%.*s", seed, said, told, (int)file.size, (const char *)file.data);
        free(said);
        free(told);
}

static int exact_setup(void **state) {
        int r = fixture_setup(state);

        if (r == 0)
                r = zone_new("Europe/London", &zone);
        return r == 0 ? arena_new(&scratch, 1 << 20) : r;
}

static int exact_teardown(void **state) {
        zone = zone_free(zone);
        scratch = arena_free(scratch);
        return fixture_teardown(state);
}

static void begin_random(void) {
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
        print_message("# CAREBUS_SEED=%u\n", seed);
        srandom(seed);
        use_exact();
        const ReadingOptions reading = { .source = "mail", .profile = profile, .timezone = "Europe/London" };
        assert_int_equal(csv_reader_new(&reading, &reader), 0);
}

static void try_kind(size_t kind, unsigned byte) {
        Draft draft = { .arena = scratch };

        arena_reset(scratch);
        Carebus__V1__Event *event = any_event(&draft, kind, byte);

        assert_false(draft.is_full);
        assert_comes_back(event);
}

static void test_what_is_written_is_read_as_the_same_event_whatever_it_says(void **state) {
        unsigned times = getenv("CAREBUS_NIGHTLY") ? 400 : 25;

        begin_random();
        for (size_t kind = 0; kind < ELEMENTSOF(kinds); kind++)
                for (unsigned i = 0; i < times; i++)
                        try_kind(kind, 0);
}

static void test_every_byte_value_comes_back_in_every_text_of_every_table(void **state) {
        begin_random();
        for (size_t kind = 0; kind < ELEMENTSOF(kinds); kind++)
                for (unsigned byte = 1; byte < 256; byte += getenv("CAREBUS_NIGHTLY") ? 1 : 1 + any(3))
                        try_kind(kind, byte);
}

/* A table that no kind of event of this test is written to would not be looked at. */
static void test_each_table_is_tried(void **state) {
        bool is_tried[TABLES_MAX] = { false };
        static const char *const systems[] = { OWN };
        const ExactOptions options = { .systems = systems, .n_systems = 1 };

        begin_random();
        for (size_t kind = 0; kind < ELEMENTSOF(kinds); kind++) {
                Draft draft = { 0 };
                Buffer row = BUFFER_NULL;
                const Table *table;

                assert_int_equal(arena_new(&draft.arena, 1 << 20), 0);
                assert_int_equal(exact_row(&options, any_event(&draft, kind, 'a'), &table, &row), 0);
                for (size_t i = 0; table_at(i); i++)
                        is_tried[i] = is_tried[i] || table_at(i) == table;
                buffer_deinit(&row);
                arena_free(draft.arena);
        }
        for (size_t i = 0; table_at(i); i++)
                if (!is_tried[i])
                        fail_msg("%s", table_at(i)->name);
}

/* ---- what is not so */

#define HEAD                                                                                                        \
        "local_id,nhs_number,chi_number,item,value,text,date,author,author_role,review_date,document_place,status," \
        "decided_at,scope,decision_id,local_id_system,id_system,bus_event,event_type,event_action,occurred_at,"     \
        "recorded_at,parts\n"

static void test_what_is_no_row_of_a_bus_comes_back_with_what_to_do(void **state) {
        static const struct {
                const char *row, *message;
        } wrong[] = {
                { "H1,,,cpr,,,,,,,,,,,D1,,,,cpr_decision.recorded,new,,,value=a|b;c\n", "`parts` is not what" },
                { "H1,,,cpr,,,,,,,,,,,D1,,,,cpr_decision.recorded,new,,,value=1|2|3|4|5|6|7|8|9|10|11\n",
                  "`parts` is not" },
                { "H1,,,cpr,,,,,,,,,,,D1,,,,cpr_decision.invented,new,,,\n", "event_type" },
                { "H1,,,cpr,,,,,,,,,,,D1,,,,patient.merged,new,,,\n", "event_type" },
                { "H1,,,cpr,,,,,,,,,,,D1,,,,record.granted,new,,,\n", "event_type" },
                { "H1,,,cpr,,,,,,,,,,,D1,,,,cpr_decision.recorded,perhaps,,,\n", "event_action" },
                { ",,,cpr,,,,,,,,,,,D1,,,,cpr_decision.recorded,new,,,\n", "must be filled in" },
        };

        use_exact();
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char file[1024];

                snprintf(file, sizeof(file), "%s%s", HEAD, wrong[i].row);
                read_text("plan-1.0.csv", file);
                assert_int_equal(n_rows, 1);
                assert_refused(0, wrong[i].message);
        }
}

/* Whoever's profile does not say `exact` hands in numbers of its own, whatever a column says: nobody passes for another source by a file.
 * */
static void test_without_the_profiles_word_numbers_are_those_of_who_hands_them_in(void **state) {
        reader = csv_reader_free(reader);
        profile = profile_free(profile);
        assert_int_equal(profile_new_default(&profile), 0);
        read_text("plan.csv",
                  HEAD "H1,,,cpr,do not attempt CPR,,2025-03-05,,,,,current,2025-03-05,,,carebus:pas,carebus:pas,"
                       "carebus:there#1.0,lpa.recorded,new,,,\n");
        assert_taken(0, "cpr_decision.recorded");
        assert_has_not(rows[0].json, "carebus:");
        assert_false(csv_file.n_notes);
}

/* A draft is no decision yet, and what was taken back none any more: no reader of the column `status` may take it for one. */
static void test_no_decision_that_does_not_hold_is_written_as_current(void **state) {
        static const struct {
                Carebus__V1__Decision__Status status;
                const char *word;
        } held[] = {
                { CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE, ",current," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT, ",draft," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_SUSPENDED, ",suspended," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED, ",superseded," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED, ",cancelled," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_RETRACTED, ",retracted," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_ENDED, ",ended," },
                { CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR, ",entered in error," },
        };
        static const char *const systems[] = { OWN };
        const ExactOptions options = { .systems = systems, .n_systems = 1 };

        srandom(1);
        for (size_t i = 0; i < ELEMENTSOF(held); i++) {
                Draft draft = { 0 };
                Buffer row = BUFFER_NULL;
                const Table *table;
                size_t kind = 0;

                while (strcmp(kinds[kind].type, "cpr_decision.recorded") != 0)
                        kind++;
                assert_int_equal(arena_new(&draft.arena, 1 << 20), 0);
                Carebus__V1__Event *event = any_event(&draft, kind, 'a');
                event->action = CAREBUS__V1__ACTION__ACTION_NEW;
                event->decision->ended_at = NULL;
                event->decision->has_status = true;
                event->decision->status = held[i].status;
                assert_int_equal(exact_row(&options, event, &table, &row), 0);
                buffer_append_byte(&row, 0);
                assert_has((const char *)row.data, held[i].word);
                assert_int_equal(strstr((const char *)row.data, ",current,") != NULL, i == 0);
                buffer_deinit(&row);
                arena_free(draft.arena);
        }
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, exact_setup, exact_teardown)
        const struct CMUnitTest tests[] = {
                T(test_what_is_written_is_read_as_the_same_event_whatever_it_says),
                T(test_every_byte_value_comes_back_in_every_text_of_every_table),
                T(test_each_table_is_tried),
                T(test_what_is_no_row_of_a_bus_comes_back_with_what_to_do),
                T(test_without_the_profiles_word_numbers_are_those_of_who_hands_them_in),
                T(test_no_decision_that_does_not_hold_is_written_as_current),
        };

        return cmocka_run_group_tests_name("csv exact", tests, NULL, NULL);
}
