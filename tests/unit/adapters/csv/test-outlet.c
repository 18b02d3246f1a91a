/* What carebus-csv writes: no cell breaks out of itself, no list is half or has a row twice, and what came as rows goes out as the
 * same rows. */
#include "csv-fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "adapters/csv/cells.h"
#include "adapters/csv/exact.h"
#include "adapters/csv/last-known.h"
#include "adapters/csv/list.h"
#include "adapters/csv/rows.h"
#include "adapters/csv/words.h"

/* ---- cells ---- */

static void assert_reads_back(const char *const *cells, size_t n, bool for_people) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        _cleanup_(rows_freep) Rows *reading = NULL;
        CellRow row = { .out = &out, .for_people = for_people };
        Row found;

        for (size_t i = 0; i < n; i++)
                cell_add(&row, cells[i]);
        cell_end(&row);
        assert_int_equal(rows_new(buffer_bytes(&out), ',', &reading), 0);
        assert_int_equal(rows_next(reading, &found), 1);
        assert_int_equal(found.problem, ROW_WHOLE);
        assert_int_equal(found.n_cells, n);
        for (size_t i = 0; i < n; i++) {
                const char *said = (const char *)found.cells[i].data;
                bool is_defused = for_people && cells[i][0] && strchr("=+-@\t\r", cells[i][0]);

                assert_string_equal(said + is_defused, cells[i]);
                if (is_defused)
                        assert_int_equal(said[0], '\'');
        }
        assert_int_equal(rows_next(reading, &found), 0);
}

static void test_every_byte_value_comes_back_alone_and_between_others(void **state) {
        for (int first = 1; first < 256; first++)
                for (int second = 0; second < 256; second++) {
                        char value[] = { (char)first, (char)second, '\0' };
                        char inside[] = { 'a', (char)first, 'b', '\0' };
                        const char *cells[] = { "x", value, inside, "", "y" };

                        if (first == '\r' && second == '\0')
                                continue; /* a lone return at the end of a line is part of it for nobody: quoted below */
                        assert_reads_back(cells, ELEMENTSOF(cells), false);
                        assert_reads_back(cells, ELEMENTSOF(cells), true);
                }
}

static void test_what_a_spreadsheet_would_calculate_is_text_for_people_and_exact_for_programs(void **state) {
        static const char *const evil[] = {
                "=1+1", "+44 1632 960001", "-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\",\"y\")", "=1,\n",
                "\"=1"
        };

        for (size_t i = 0; i < ELEMENTSOF(evil); i++) {
                _cleanup_(buffer_deinit) Buffer people = BUFFER_NULL, exact = BUFFER_NULL;
                CellRow for_people = { .out = &people, .for_people = true }, for_programs = { .out = &exact };

                cell_add(&for_people, evil[i]);
                cell_add(&for_programs, evil[i]);
                const char *begin = (const char *)people.data + (people.data[0] == '"');
                assert_int_equal(*begin == '\'', evil[i][0] != '"');
                assert_null(memchr(exact.data, '\'', exact.size));
        }
}

/* ---- lists ---- */

typedef struct Place {
        char folder[64], path[96];
} Place;

static int place_setup(void **state) {
        static Place place;

        strcpy(place.folder, "/tmp/carebus-list-XXXXXX");
        if (!mkdtemp(place.folder))
                return -1;
        snprintf(place.path, sizeof(place.path), "%s/list.csv", place.folder);
        *state = &place;
        return 0;
}

static int place_teardown(void **state) {
        Place *place = *state;
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", place->folder);
        return system(command) == 0 ? 0 : -1;
}

static void add(List *list, uint64_t seq, uint32_t index, const char *details) {
        _cleanup_(buffer_deinit) Buffer row = BUFFER_NULL;
        CellRow cells = { .out = &row, .for_people = true };
        char id[40];

        snprintf(id, sizeof(id), "%llu.%u", (unsigned long long)seq, index);
        for (size_t i = 0; i < 5; i++)
                cell_add(&cells, "x");
        cell_add(&cells, details);
        cell_add(&cells, "x");
        cell_add(&cells, "x");
        cell_add(&cells, id);
        cell_end(&cells);
        assert_int_equal(list_add(list, seq, index, buffer_bytes(&row)), 0);
}

static size_t count_rows(const char *path) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(rows_freep) Rows *reading = NULL;
        size_t n = 0;
        Row row;

        assert_int_equal(file_read(path, 1 << 20, &content), 0);
        assert_memory_equal(content.data, CELLS_BOM, 3);
        assert_int_equal(rows_new(buffer_bytes(&content), ',', &reading), 0);
        while (rows_next(reading, &row) == 1) {
                assert_int_equal(row.problem, ROW_WHOLE);
                assert_int_equal(row.n_cells, 9);
                n++;
        }
        return n - 1; /* the first line */
}

static void test_an_event_that_comes_again_is_no_second_row_whoever_wrote_the_first(void **state) {
        Place *place = *state;
        List *list = NULL;

        assert_int_equal(list_new(place->path, &list), 0);
        add(list, 7, 0, "one");
        add(list, 7, 1, "two\r\nx,x,x,x,x,x,x,x,9.0"); /* text that looks like a row */
        add(list, 7, 0, "one");
        assert_int_equal(list_write(list), 0);
        assert_int_equal(count_rows(place->path), 2);
        list = list_free(list);
        assert_int_equal(list_new(place->path, &list), 0);
        add(list, 7, 1, "two");
        add(list, 9, 0, "three");
        assert_int_equal(list_write(list), 0);
        assert_int_equal(count_rows(place->path), 3);
        list_free(list);
}

static void test_what_could_not_be_written_is_written_later_and_nothing_is_half(void **state) {
        Place *place = *state;
        List *list = NULL;

        assert_int_equal(list_new(place->path, &list), 0);
        add(list, 1, 0, "one");
        assert_int_equal(list_write(list), 0);
        add(list, 2, 0, "two");
        /* A folder is in the place of the file: nobody can rename over it. */
        assert_int_equal(unlink(place->path), 0);
        assert_int_equal(mkdir(place->path, 0700), 0);
        assert_true(list_write(list) < 0);
        assert_true(list_write(list) < 0);
        assert_int_equal(rmdir(place->path), 0);
        assert_int_equal(list_write(list), 0);
        /* who took the file away has what it held */
        assert_int_equal(count_rows(place->path), 1);
        list_free(list);
}

static void test_a_list_that_is_handed_over_begins_anew_and_an_empty_one_says_so(void **state) {
        Place *place = *state;
        List *list = NULL;
        char first[96], second[96];

        snprintf(first, sizeof(first), "%s/a.csv", place->folder);
        snprintf(second, sizeof(second), "%s/b.csv", place->folder);
        assert_int_equal(list_new(place->path, &list), 0);
        add(list, 1, 0, "one");
        assert_int_equal(list_publish(list, first), 0);
        assert_int_equal(count_rows(first), 1);
        assert_int_not_equal(access(place->path, F_OK), 0);
        add(list, 1, 0, "one"); /* it was told in the list before */
        assert_int_equal(list_publish(list, second), 0);
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        assert_int_equal(file_read(second, 1 << 16, &content), 0);
        assert_non_null(memmem(content.data, content.size, "Nothing new", 11));
        list_free(list);
}

/* ---- rows for programs ---- */

#define TABLES TABLES_MAX
#define EVENTS_MAX 64

typedef struct Told {
        char *events[EVENTS_MAX]; /* as JSON, without what the numbers of the person are called */
        size_t n_events;
        Buffer tables[TABLES]; /* the same as rows */
} Told;

static size_t index_of(const Table *table) {
        for (size_t i = 0; table_at(i); i++)
                if (table_at(i) == table)
                        return i;
        fail();
        return 0;
}

/* As normalise has them, which stands behind every adapter. */
static void name_systems(Carebus__V1__Event *event) {
        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                if (!event->patient->identifiers[i]->system)
                        event->patient->identifiers[i]->system = (char *)"carebus:hospice";
}

static void tell(Told *told, Carebus__V1__Event *event) {
        static const char *const systems[] = { "carebus:hospice" };
        const ExactOptions options = { .systems = systems, .n_systems = 1 };
        _cleanup_(buffer_deinit) Buffer row = BUFFER_NULL;
        const Table *table;
        int r;

        name_systems(event);
        assert_true(told->n_events < EVENTS_MAX);
        forget_wording(&event->base);
        told->events[told->n_events] = json_line(&event->base);
        assert_non_null(told->events[told->n_events++]);
        r = exact_row(&options, event, &table, &row);
        assert_true(r == 0 || r == 1);
        if (r == 1)
                return;
        Buffer *out = &told->tables[index_of(table)];
        if (out->size == 0)
                exact_head(table, out);
        buffer_append_bytes(out, buffer_bytes(&row));
}

static void read_told(const char *name, Bytes csv, Told *told) {
        const ReadingOptions options = { .source = "hospice", .profile = profile, .timezone = "UTC" };
        _cleanup_(csv_reader_freep) CsvReader *own = NULL;
        CsvFile file;
        CsvRow row;

        assert_int_equal(csv_reader_new(&options, &own), 0);
        assert_int_equal(csv_reader_open(own, name, csv, /* by_columns= */ false, &file), 0);
        if (file.problem)
                fail_msg("%s: %s\n%.*s", name, file.problem, (int)csv.size, (const char *)csv.data);
        while (csv_reader_next(own, &row) > 0) {
                if (row.verdict != CSV_TAKEN)
                        fail_msg("%s line %zu: %s\n%.*s", name, row.line, row.message, (int)csv.size,
                                 (const char *)csv.data);
                for (size_t i = 0; i < row.reading.n_events; i++)
                        tell(told, row.reading.events[i]);
        }
}

static void told_deinit(Told *told) {
        for (size_t i = 0; i < told->n_events; i++)
                free(told->events[i]);
        for (size_t i = 0; i < TABLES; i++)
                buffer_deinit(&told->tables[i]);
}

/* Every event of the rows comes again when what is written of it is read. */
static void assert_round_trip(const char *name, const char *csv) {
        _cleanup_(told_deinit) Told first = { 0 }, again = { 0 };

        read_told(name, bytes_of_text(csv), &first);
        assert_true(first.n_events > 0);
        for (size_t i = 0; i < TABLES; i++) {
                char file[64];

                if (first.tables[i].size == 0)
                        continue;
                snprintf(file, sizeof(file), "%s.csv", table_at(i)->name);
                read_told(file, buffer_bytes(&first.tables[i]), &again);
        }
        for (size_t i = 0; i < first.n_events; i++) {
                bool is_there = false;

                for (size_t k = 0; k < again.n_events && !is_there; k++)
                        is_there = text_equal(first.events[i], again.events[k]);
                if (!is_there)
                        fail_msg("%s lost: %s\nhas: %s", name, first.events[i],
                                 again.n_events ? again.events[again.n_events - 1] : "nothing");
        }
}

static void test_rows_of_people_come_back_as_they_were(void **state) {
        assert_round_trip(
                "people.csv",
                "local_id,nhs_number,family_name,given_name,known_as,birth_date,sex,postcode,gp_practice_ods,"
                "ethnicity,language,interpreter,lives_alone,main_carer,carer_phone,restricted,deceased_date\n"
                "H1,9434765919,\"O'Neil, the \"\"elder\"\"\",Zoë,Zo,1952-03-14,F,KY1 2AB,Y12345,White,English,no,yes,"
                "\"=Bert\",01632 960001,yes,\n"
                "H2,,Müller,Anna,,1948-11-02,M,,,,,,,,,,2025-03-04\n");
}

static void test_rows_of_referrals_contacts_and_stays_come_back_as_they_were(void **state) {
        assert_round_trip(
                "referrals.csv",
                "local_id,referral_id,received_date,from_org,reason,priority,diagnosis,decision,decision_date,"
                "decline_reason,declined_by,first_contact_date,closed_date,close_reason\n"
                "H1,R1,2025-03-02,Surgery,pain,urgent,MND,accepted,2025-03-03,,,2025-03-05,2025-04-01,died\n"
                "H2,R2,2025-02-10,Hospital,respite,routine,,declined,2025-02-12,no bed,service,,,\n");
        assert_round_trip("contacts.csv", "local_id,contact_id,start,minutes,mode,place,staff_role,provider_org,with_"
                                          "whom,purpose,outcome,next_contact\n"
                                          "H1,C1,2025-03-05 14:30,45,home visit,home,nurse,Hospice,patient; "
                                          "carer,pain,medicines changed,2025-03-12\n"
                                          "H1,C2,2025-03-06 09:10,10,phone,,nurse,Hospice,carer,follow-up,settled,\n"
                                          "H1,C3,2025-03-07 09:10,,home visit,,,,,,planned,\n"
                                          "H1,C4,2025-03-08 09:10,,home visit,,,,,,no access,\n");
        assert_round_trip("stays.csv", "local_id,stay_id,admitted,from_place,reason,discharged,to_place,died\n"
                                       "H1,S1,2025-03-08 11:00,home,symptom control,2025-03-15 10:30,home,no\n"
                                       "H2,S2,2025-02-20,hospital,care,,,\n");
        assert_round_trip("stays.csv", "local_id,stay_id,admitted,discharged,died,status\n"
                                       "H1,S1,2025-03-08 11:00,,,cancelled\nH3,S3,2025-03-08 11:00,2025-03-09,yes,\n");
}

static void test_rows_of_plans_and_scores_come_back_as_they_were(void **state) {
        assert_round_trip(
                "plan.csv",
                "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"
                "H1,cpr,do not attempt CPR,\"said so\ntwice\",2025-03-05,Dr C,consultant,indefinite,yellow "
                "folder,current,2025-03-05,everywhere\n"
                "H2,cpr,attempt CPR,,2025-03-05,,,2026-03-05,,current,2025-03-05,this stay\n"
                "H3,cpr,do not attempt CPR,,2025-04-05,,,,,ended,2025-03-05,\n"
                "H4,cpr,do not attempt CPR,,2025-04-05,,,,,entered in error,2025-03-05,\n"
                "H1,ppd1,home,,2025-03-05,,,,,current,2025-03-05,\n"
                "H1,ppd2,hospice,,2025-03-05,,,,,current,2025-03-05,\n"
                "H1,lpa,registered,her son,2025-03-05,,,,,current,2025-03-05,\n"
                "H1,ceiling,no hospital,,2025-03-05,,,,,current,2025-03-05,\n"
                "H1,jic_box,supplied,,2025-03-05,,,2026-01-01,kitchen,current,,\n"
                "H1,what_matters,,\"her dog, and \"\"peace\"\"\",2025-03-05,,,,,current,,\n"
                "H1,contact_night,01632 960001,the nurse,2025-03-05,,,,,current,,\n");
        assert_round_trip("scores.csv", "local_id,scale,item,score,date,respondent\n"
                                        "H1,AKPS,,60,2025-03-05,staff\n"
                                        "H1,Phase of Illness,,stable,2025-03-05,staff\n"
                                        "H1,IPOS,pain,3,2025-03-05,patient\n");
}

static void test_rows_of_services_come_back_as_they_were(void **state) {
        assert_round_trip(
                "services.csv",
                "service,offers,phone,days,from,to,area,out_of_hours_phone\n"
                "Hospice at home,nursing; advice,01632 960010,Mon-Fri,09:00,17:00,\"ZZ99, ZZ98\",01632 960011\n");
}

/* ---- the last-known list ---- */

static Carebus__V1__Record *record_of(const char *id, const char *family, const char *cpr, bool is_hidden) {
        static Carebus__V1__Record record;
        static Carebus__V1__Overview overview;
        static Carebus__V1__Demographics person;
        static Carebus__V1__HumanName name, *names[] = { &name };
        static Carebus__V1__CprOverview state;
        static Carebus__V1__SectionState section, *sections[] = { &section };
        static Carebus__V1__Section decisions, *all[] = { &decisions };
        static Carebus__V1__Fact fact, *facts[] = { &fact };
        static Carebus__V1__Decision decision;
        static Carebus__V1__Coded coded;
        static char *ids[] = { (char *)"9.0" }, *hidden[] = { (char *)"hidden" };

        carebus__v1__record__init(&record);
        carebus__v1__overview__init(&overview);
        carebus__v1__demographics__init(&person);
        carebus__v1__human_name__init(&name);
        carebus__v1__cpr_overview__init(&state);
        carebus__v1__section_state__init(&section);
        carebus__v1__section__init(&decisions);
        carebus__v1__fact__init(&fact);
        carebus__v1__decision__init(&decision);
        carebus__v1__coded__init(&coded);
        record.patient_id = (char *)id;
        record.overview = &overview;
        overview.demographics = &person;
        name.family = (char *)family;
        person.names = names;
        person.n_names = 1;
        section.section = (char *)"decisions";
        section.states = hidden;
        section.n_states = is_hidden;
        record.states = sections;
        record.n_states = 1;
        overview.cpr = &state;
        state.state = (char *)(cpr ? "decided" : "none-recorded");
        state.event_ids = ids;
        state.n_event_ids = cpr != NULL;
        fact.event_id = ids[0];
        fact.value_case = CAREBUS__V1__FACT__VALUE_DECISION;
        fact.decision = &decision;
        decision.decision = &coded;
        coded.display = (char *)cpr;
        decision.original_location = (char *)"=yellow folder";
        decisions.name = (char *)"decisions";
        decisions.facts = facts;
        decisions.n_facts = 1;
        record.sections = all;
        record.n_sections = 1;
        return &record;
}

#define NOW (INT64_C(1760000000) * 1000000)

static char *written(const LastKnown *known, int (*form)(const LastKnown *, int64_t, Buffer *)) {
        Buffer out = BUFFER_NULL;

        assert_int_equal(form(known, INT64_C(1760003600) * 1000000, &out), 0);
        return buffer_steal_text(&out);
}

/* Two systems, of which one may be silent. */
static void say_silent(LastKnown *known, const char *name, bool is_silent) {
        Carebus__V1__RecordSource one = CAREBUS__V1__RECORD_SOURCE__INIT, other = CAREBUS__V1__RECORD_SOURCE__INIT;
        Carebus__V1__RecordSource *sources[] = { &one, &other };
        Carebus__V1__SourcesReply reply = CAREBUS__V1__SOURCES_REPLY__INIT;

        one.name = (char *)name;
        one.has_silent_since_at = is_silent;
        other.name = (char *)"speaks";
        reply.sources = sources;
        reply.n_sources = ELEMENTSOF(sources);
        assert_int_equal(last_known_sources(known, &reply, NOW), 0);
}

static void test_a_list_of_nobody_is_written_and_says_so(void **state) {
        _cleanup_(last_known_freep) LastKnown *known = NULL;

        assert_int_equal(last_known_new("St Brigid's", NULL, &known), 0);
        _cleanup_(freep) char *csv = written(known, last_known_csv), *text = written(known, last_known_text);
        assert_has(csv, "Nobody is on it");
        assert_has(text, "Nobody is on it");
        assert_has(text, "THE BUS HAS NOT BEEN HEARD YET");
        assert_has(text, "St Brigid's");
        assert_has(text, "WHICH SYSTEMS ARE SILENT IS NOT KNOWN");
        say_silent(known, "epr", true);
        _cleanup_(freep) char *later = written(known, last_known_text);
        assert_has(later, "Silent, so that what they know is not in it: epr");
}

static void test_the_list_says_who_what_is_decided_where_the_form_is_and_how_old_it_is(void **state) {
        _cleanup_(last_known_freep) LastKnown *known = NULL;

        assert_int_equal(last_known_new("Ward", NULL, &known), 0);
        assert_int_equal(last_known_take(known, record_of("p2.0", "Young", "not for attempted CPR", false), NOW), 1);
        assert_int_equal(last_known_take(known, record_of("p2.0", "Young", "not for attempted CPR", false), NOW), 0);
        assert_int_equal(last_known_take(known, record_of("p1.0", "Old", NULL, false), NOW), 1);
        assert_int_equal(last_known_take(known, record_of("p3.0", "Hid\nName: X", NULL, true), NOW), 1);
        say_silent(known, "epr", true);
        last_known_heard(known, NOW);
        last_known_away(known);
        _cleanup_(freep) char *csv = written(known, last_known_csv), *text = written(known, last_known_text);
        assert_has(text, "not for attempted CPR");
        assert_has(text, "=yellow folder");
        assert_has(csv, "'=yellow folder");
        assert_has(text, "none recorded. That is not a decision");
        assert_has(text, "not shown to your team: ring");
        assert_has(text, "Silent, so that what they know is not in it: epr (as of 2025-10-09 08:53");
        assert_has(text, "THE BUS IS AWAY since then, 1 h 00 min");
        assert_has(text, "Name: Hid Name: X\r\n");
        assert_true(strstr(text, "Name: Old") < strstr(text, "Name: Young"));
        say_silent(known, "epr", false);
        _cleanup_(freep) char *later = written(known, last_known_text);
        assert_has(later, "No system is known to be silent (as of 2025-10-09 08:53");
        assert_true(last_known_drop(known, "p3.0"));
        assert_false(last_known_drop(known, "p3.0"));
        last_known_begin(known);
        assert_int_equal(last_known_take(known, record_of("p1.0", "Old", NULL, false), NOW), 0);
        assert_true(last_known_end(known));
        assert_int_equal(last_known_count(known), 1);
}

/* ---- words ---- */

static void test_a_body_is_said_in_words_without_numbers_and_what_is_absent_is_not_said(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Decision decision = CAREBUS__V1__DECISION__INIT;
        Carebus__V1__Coded coded = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Identifier id = CAREBUS__V1__IDENTIFIER__INIT;
        _cleanup_(buffer_deinit) Buffer words = BUFFER_NULL, type = BUFFER_NULL;

        coded.display = (char *)"not for attempted CPR";
        id.value = (char *)"SECRET-NUMBER";
        decision.identifier = &id;
        decision.decision = &coded;
        decision.original_location = (char *)"yellow folder";
        decision.has_status = true;
        decision.status = CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR;
        event.body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event.decision = &decision;
        words_of_body(&event, NULL, &words);
        buffer_append_byte(&words, 0);
        assert_string_equal(
                (char *)words.data,
                "decision: not for attempted CPR; original location: yellow folder; status: entered in error");
        words_of_type("encounter.leave_started", &type);
        buffer_append_byte(&type, 0);
        assert_string_equal((char *)type.data, "Encounter: leave started");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte_value_comes_back_alone_and_between_others),
                cmocka_unit_test(test_what_a_spreadsheet_would_calculate_is_text_for_people_and_exact_for_programs),
                cmocka_unit_test_setup_teardown(test_an_event_that_comes_again_is_no_second_row_whoever_wrote_the_first,
                                                place_setup, place_teardown),
                cmocka_unit_test_setup_teardown(test_what_could_not_be_written_is_written_later_and_nothing_is_half,
                                                place_setup, place_teardown),
                cmocka_unit_test_setup_teardown(test_a_list_that_is_handed_over_begins_anew_and_an_empty_one_says_so,
                                                place_setup, place_teardown),
                cmocka_unit_test(test_rows_of_people_come_back_as_they_were),
                cmocka_unit_test(test_rows_of_referrals_contacts_and_stays_come_back_as_they_were),
                cmocka_unit_test(test_rows_of_plans_and_scores_come_back_as_they_were),
                cmocka_unit_test(test_rows_of_services_come_back_as_they_were),
                cmocka_unit_test(test_a_list_of_nobody_is_written_and_says_so),
                cmocka_unit_test(test_the_list_says_who_what_is_decided_where_the_form_is_and_how_old_it_is),
                cmocka_unit_test(test_a_body_is_said_in_words_without_numbers_and_what_is_absent_is_not_said),
        };
        return cmocka_run_group_tests_name("csv outlet", tests, fixture_setup, fixture_teardown);
}
