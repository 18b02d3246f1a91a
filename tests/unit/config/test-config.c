/* Every key has its default, every mistake its place, and all mistakes come in one run. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/stat.h>

#include "base/error.h"
#include "fixture.h"

/* Nothing to complain about, whoever runs it. */
#define GOOD                                                                    \
        "bus: wester-care\n"                                                    \
        "teams:\n"                                                              \
        "  neurology: {class: clinical}\n"                                      \
        "  hospice: {class: voluntary, may_read: [pas, files]}\n"               \
        "sources:\n"                                                            \
        "  pas: {team: neurology, adapter: mllp, listen: \"127.0.0.1:2575\"}\n" \
        "  files: {team: hospice, adapter: csv, folder: /tmp/./}\n"

static void test_defaults_are_those_of_the_reference(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD);
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        const Config *config = fixture->config;
        char keys[256];
        fixture_path(fixture, "keys", keys);
        assert_string_equal(config->bus, "wester-care");
        assert_int_equal(config->environment, CONFIG_ENVIRONMENT_TEST);
        assert_string_equal(config->state, "/var/lib/carebus");
        assert_string_equal(config->run, "/run/carebus");
        assert_string_equal(config->timezone, "Europe/London");
        assert_string_equal(config->keys, keys);
        assert_null(config->listen_intake);
        assert_null(config->metrics);
        assert_null(config->bus_public_key);
        assert_int_equal(config->segment_bytes, 64 << 20);
        assert_int_equal(config->reserve_bytes, 256 << 20);
        assert_int_equal(config->operators[0], 0);
        assert_int_equal(config->n_operators, geteuid() == 0 ? 1 : 2);

        const ConfigSource *source = &config->sources[0];
        assert_string_equal(source->name, "pas");
        assert_int_equal(source->team, 0);
        assert_int_equal(source->max_connections, 256);
        assert_int_equal(source->max_message_bytes, 1 << 20);
        assert_int_equal(source->messages_per_second, 0);
        assert_int_equal(source->n_allow_from, 0);
        assert_string_equal(source->timezone, "Europe/London");
        assert_non_null(source->profile);
        assert_string_equal(source->profile->name, "default");
        assert_int_equal(source->peer.uid, geteuid());
        assert_null(source->peer.key);
        /* two sources of one profile share it */
        assert_ptr_equal(source->profile, config->sources[1].profile);
        assert_string_equal(config->teams[0].title, "neurology");
        assert_null(config->teams[0].organisation);
}

static void test_may_read_narrows_and_without_it_a_team_reads_every_source(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD);
        fixture_assert_good(fixture);
        const Config *config = fixture->config;
        ssize_t neurology = config_find_team(config, "neurology"), hospice = config_find_team(config, "hospice");
        ssize_t pas = config_find_source(config, "pas"), files = config_find_source(config, "files");
        assert_true(config_may_read(config, (size_t)neurology, (size_t)pas));
        assert_true(config_may_read(config, (size_t)neurology, (size_t)files));
        assert_true(config->teams[neurology].reads_all);
        assert_false(config->teams[hospice].reads_all);
        assert_true(config_may_read(config, (size_t)hospice, (size_t)pas));
        assert_true(config_may_read(config, (size_t)hospice, (size_t)files));
        assert_int_equal(config_find_team(config, "neurolog"), -ENOENT);
        assert_int_equal(config_find_source(config, ""), -ENOENT);
}

static void test_everything_that_is_said_arrives(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "profiles/itk.yaml", "timezone: Europe/Dublin\n");
        fixture_write(fixture, "cert.pem", "x");
        fixture_write(fixture, "keys/bus.pub", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n");
        fixture_write(fixture, "keys/bus.key", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n");
        char path[256];
        fixture_path(fixture, "keys/bus.key", path);
        assert_int_equal(chmod(path, 0600), 0);
        fixture_path(fixture, "cert.pem", path);
        assert_int_equal(chmod(path, 0600), 0);
        fixture_try(fixture, "bus: b\n"
                             "environment: live\n"
                             "state: %s/state\n"
                             "run: %s/run\n"
                             "timezone: UTC\n"
                             "listen: {intake: \"tcp://127.0.0.1:7401\", feed: \"tcp://[::1]:7402\"}\n"
                             "metrics: 127.0.0.1:9464\n"
                             "operators: [root, 4242]\n"
                             "journal: {segment_bytes: 1 MiB, reserve_bytes: 0}\n"
                             "teams:\n"
                             "  t:\n"
                             "    name: The team\n"
                             "    organisation: RA9\n"
                             "    class: social-care\n"
                             "    contact: {hours: always, phone: \"01632 960001\"}\n"
                             "    user: 4711\n"
                             "    live: tcp://127.0.0.1:7403\n"
                             "sources:\n"
                             "  s:\n"
                             "    team: t\n"
                             "    adapter: mllp\n"
                             "    listen: \"127.0.0.1:2575\"\n"
                             "    profile: itk\n"
                             "    allow_from: [127.0.0.0/8, \"::1\"]\n"
                             "    max_connections: 7\n"
                             "    max_message_bytes: 2 MiB\n"
                             "    messages_per_second: 50\n"
                             "    tls: {certificate: %s/cert.pem, key: %s/cert.pem, client_ca: %s/cert.pem}\n");
        fixture_assert_good(fixture);
        const Config *config = fixture->config;
        assert_int_equal(config->environment, CONFIG_ENVIRONMENT_LIVE);
        assert_string_equal(config->listen_feed, "tcp://[::1]:7402");
        assert_string_equal(config->metrics, "127.0.0.1:9464");
        assert_string_equal(config->bus_public_key, config->bus_secret_key);
        assert_int_equal(strlen(config->bus_public_key), 40);
        assert_int_equal(config->n_operators, 2);
        assert_int_equal(config->operators[1], 4242);
        assert_int_equal(config->segment_bytes, 1 << 20);
        assert_int_equal(config->reserve_bytes, 0);
        const ConfigTeam *team = &config->teams[0];
        assert_string_equal(team->title, "The team");
        assert_string_equal(team->organisation, "RA9");
        assert_string_equal(team->class, "social-care");
        assert_int_equal(team->n_contacts, 1);
        assert_string_equal(team->contacts[0].hours, "always");
        assert_string_equal(team->contacts[0].phone, "01632 960001");
        assert_string_equal(team->contacts[0].kind, "in-hours");
        assert_int_equal(team->contacts[0].n_reach, 0);
        assert_string_equal(team->live, "tcp://127.0.0.1:7403");
        assert_int_equal(team->peer.uid, 4711);
        const ConfigSource *source = &config->sources[0];
        assert_int_equal(source->n_allow_from, 2);
        assert_string_equal(source->allow_from[1], "::1");
        assert_int_equal(source->max_connections, 7);
        assert_int_equal(source->max_message_bytes, 2 << 20);
        assert_int_equal(source->messages_per_second, 50);
        assert_string_equal(source->timezone, "Europe/Dublin"); /* its profile's, before the bus's */
        assert_non_null(source->tls.client_ca);

        _cleanup_(freep) char *endpoint = config_endpoint(config, "live/t"),
                              *journal = config_state_path(config, "journal");
        fixture_path(fixture, "run/live/t", path);
        assert_string_equal(endpoint + strlen("ipc://"), path);
        assert_memory_equal(endpoint, "ipc://", 6);
        fixture_path(fixture, "state/journal", path);
        assert_string_equal(journal, path);
}

/* One wrong thing at a time: one problem, at its place. */
typedef struct Mistake {
        const char *key, *value; /* put in place of a good line */
        unsigned line, column;
        const char *part, *hint;
} Mistake;

static void test_each_mistake_has_its_place_and_a_hint(void **state) {
        static const Mistake mistakes[] = {
                { "enviroment", "test", 1, 1, "unknown key 'enviroment'", "did you mean 'environment'?" },
                { "xyzzy", "1", 1, 1, "unknown key 'xyzzy'", "known here: bus, environment" },
                { "environment", "tst", 1, 14, "expected one of live, test, any, not 'tst'", "did you mean 'test'?" },
                { "environment", "[live]", 1, 14, "expected one of its words, not a list", NULL },
                { "state", "var/lib", 1, 8, "expected an absolute path, not 'var/lib'", "begins with /" },
                { "timezone", "Europe/Lodnon", 1, 11, "no time zone 'Europe/Lodnon'", "did you mean 'Europe/London'?" },
                { "timezone", "../../etc/passwd", 1, 11, "expected a time zone", NULL },
                { "timezone", "Europe", 1, 11, "no time zone 'Europe'", NULL },
                { "metrics", "localhost:9464", 1, 10, "expected an address and port", "no host names" },
                { "metrics", "127.0.0.1:0", 1, 10, "expected an address and port", "1 to 65535" },
                { "metrics", "127.0.0.1:65536", 1, 10, "expected an address and port", NULL },
                { "metrics", "127.0.0.1", 1, 10, "expected an address and port", NULL },
                { "metrics", "::1:9464", 1, 10, "expected an address and port", "brackets" },
                { "operators", "[root, nobodyhere]", 1, 19, "no user 'nobodyhere'", NULL },
                { "operators", "rooot", 1, 12, "no user 'rooot'", "did you mean 'root'?" },
                { "operators", "65534", 1, 12, "nobody", "a user of its own" },
                { "journal", "{segment_bytes: 1 KiB}", 1, 26, "1 KiB is outside 64 KiB to 1 GiB", NULL },
                { "journal", "{segment_bytes: 64 MB}", 1, 26, "expected a size, not '64 MB'", "MiB" },
                { "journal", "{segment_bytes: -1}", 1, 26, "expected a size", NULL },
                { "journal", "{segment_bytes: 99999999999 GiB}", 1, 26, "expected a size", NULL },
                { "journal", "[1]", 1, 10, "expected a mapping (key: value), not a list", NULL },
                { "keys", "~/keys", 1, 7, "expected an absolute path", NULL },
                { "listen", "{intake: \"127.0.0.1:7401\"}", 1, 18, "expected an endpoint such as tcp://", NULL },
        };
        Fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++) {
                const Mistake *mistake = &mistakes[i];
                _cleanup_(freep) char *text = NULL;
                assert_int_equal(text_format(&text, "%s: %s\n" GOOD, mistake->key, mistake->value), 0);
                fixture_try(fixture, text);
                fixture_assert_only(fixture, mistake->line, mistake->column, mistake->part, mistake->hint);
                assert_int_equal(fixture->result, CONFIG_E_INVALID);
        }
}

static void test_each_mistake_in_a_source_or_team_has_its_place_and_a_hint(void **state) {
        static const Mistake mistakes[] = {
                { "  x: {team: neurolgy, adapter: csv, folder: /tmp/.}", "", 8, 13, "no team 'neurolgy'",
                  "did you mean 'neurology'?" },
                { "  x: {adapter: csv, folder: /tmp/.}", "", 8, 6, "'team' is missing", "Team that stands behind" },
                { "  x: {team: hospice, folder: /tmp/.}", "", 8, 6, "'adapter' is missing", "mllp, fhir, csv" },
                { "  x: {team: hospice, adapter: mllp}", "", 8, 31, "needs 'listen'", "127.0.0.1:2575" },
                { "  x: {team: hospice, adapter: csv}", "", 8, 31, "needs 'folder'", NULL },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/./}", "", 8, 44,
                  "source files reads this folder too", NULL },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., profile: itkk}", "", 8, 61, "no profile 'itkk'",
                  "did you mean 'itk'?" },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., profile: ../itk}", "", 8, 61,
                  "expected a file name", NULL },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., max_connections: 0}", "", 8, 69,
                  "0 is outside 1 to 10000", NULL },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., max_connections: many}", "", 8, 69,
                  "expected a whole number", NULL },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., allow_from: [10.0.0.1/8]}", "", 8, 65,
                  "expected an address or network", "zero" },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., user: nobody-here}", "", 8, 58,
                  "no user 'nobody-here'", "adduser" },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., timezone: Europe/Londn}", "", 8, 62,
                  "no time zone", "did you mean 'Europe/London'?" },
                { "  x: {team: hospice, adapter: csv, folder: /tmp/., tema: 1}", "", 8, 52,
                  "sources.x: unknown key 'tema'", "did you mean 'team'?" },
                { "  x: {team: hospice, adapter: mllp, listen: \"0.0.0.0:2575\"}", "", 8, 45,
                  "taken by sources.pas.listen (line 6)", "another port" },
                { "  X_1: {team: hospice, adapter: csv, folder: /tmp/.}", "", 8, 3, "'X_1' is no name", "1 to 32" },
                { "  x: [1]", "", 8, 6, "expected a mapping", NULL },
                { "  files: {team: hospice, adapter: csv, folder: /tmp/.}", "", 8, 3, "'files' is here twice",
                  "keep one" },
        };
        Fixture *fixture = *state;
        fixture_write(fixture, "profiles/itk.yaml", "");
        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++) {
                _cleanup_(freep) char *text = NULL;
                assert_int_equal(text_format(&text, GOOD "%s\n", mistakes[i].key), 0);
                fixture_try(fixture, text);
                fixture_assert_only(fixture, mistakes[i].line, mistakes[i].column, mistakes[i].part, mistakes[i].hint);
                assert_int_equal(fixture->result, CONFIG_E_INVALID);
        }
        fixture_try(fixture, "bus: b\nteams:\n  t: {class: clinicl, may_read: [pass, pas], organisation: ra9}\n"
                             "sources:\n  pas: {team: t, adapter: csv, folder: /tmp/./}\n");
        assert_int_equal(fixture->problems.n_errors, 3);
        assert_int_equal(fixture_problem(fixture, "no source 'pass'")->column, 34);
        assert_non_null(strstr(fixture_problem(fixture, "no source 'pass'")->hint, "did you mean 'pas'?"));
        assert_non_null(strstr(fixture_problem(fixture, "expected one of clinical")->hint, "did you mean 'clinical'?"));
        assert_int_equal(fixture_problem(fixture, "organisation code")->column, 60);
}

static void test_all_mistakes_come_in_one_run(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "profiles/broken.yaml", "authorities: 1\nmaps: {Encounter: {}}\n");
        fixture_write(fixture, "conf.d/50-more.yaml",
                      "journal: {reserve_bytes: x}\nsources:\n  c: {team: t, adapter: csv}\n");
        fixture_try(fixture, "environment: x\n"
                             "environment: y\n"
                             "teams:\n"
                             "  t: {class: y, user: nobodyhere}\n"
                             "sources:\n"
                             "  a: {team: u, adapter: mllp, profile: broken}\n"
                             "  b: {team: t, adapter: csv, folder: in, profile: broken}\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        static const char *const parts[] = {
                "'environment' is here twice",
                "environment: expected one of",
                "'bus' is missing",
                "teams.t.class: expected one of",
                "no user 'nobodyhere'",
                "no team 'u'",
                "needs 'listen'",
                "sources.b.folder: expected an absolute path",
                "authorities: expected a list",
                "maps: expected a canonical path",
                "sources.c: a source of adapter csv needs",
                "journal.reserve_bytes: expected a size",
        };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                fixture_problem(fixture, parts[i]);
        /* the profile that two sources name is complained about once */
        size_t n = 0;
        for (size_t i = 0; i < fixture->problems.n_items; i++)
                n += strstr(fixture->problems.items[i].message, "authorities: expected a list") != NULL;
        assert_int_equal(n, 1);
        char path[256];
        fixture_path(fixture, "conf.d/50-more.yaml", path);
        assert_string_equal(fixture_problem(fixture, "journal.reserve_bytes")->file, path);
        fixture_path(fixture, "profiles/broken.yaml", path);
        assert_string_equal(fixture_problem(fixture, "authorities")->file, path);
}

static void test_limits_in_hundredths_grow_with_the_file_system(void **state) {
        const uint64_t gib = UINT64_C(1) << 30;
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD "storage: {soft: 80%, hard: 90%, reserve: 2%, soft_bytes: 30 GiB}\n");
        fixture_assert_good(fixture);
        const Config *config = fixture->config;
        assert_int_equal(config_storage_hard(config, 100 * gib), 10 * gib);
        assert_int_equal(config_storage_hard(config, 1000 * gib), 100 * gib);
        assert_int_equal(config_storage_reserve(config, 100 * gib), 2 * gib);
        /* What comes first counts. */
        assert_int_equal(config_storage_soft(config, 100 * gib), 30 * gib);
        assert_int_equal(config_storage_soft(config, 1000 * gib), 200 * gib);
        assert_int_equal(config_storage_hard(config, gib), 256 << 20);
        assert_int_equal(config_storage_reserve(config, gib), 64 << 20);
}

static void test_bytes_alone_are_as_they_were(void **state) {
        const uint64_t huge = UINT64_C(1) << 50;
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD "storage: {soft_bytes: 3 GiB, hard_bytes: 1 GiB, reserve_bytes: 0}\n");
        fixture_assert_good(fixture);
        assert_int_equal(config_storage_soft(fixture->config, huge), UINT64_C(3) << 30);
        assert_int_equal(config_storage_hard(fixture->config, huge), UINT64_C(1) << 30);
        assert_int_equal(config_storage_reserve(fixture->config, huge), 0);
}

static void test_a_soft_limit_that_comes_too_late_is_refused_where_it_stands(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD "storage:\n  hard: 85%\n  soft: 85%\n");
        fixture_assert_only(fixture, 10, 9, "storage.soft: 85% is not less than `hard`, 85%", NULL);
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        fixture_try(fixture, GOOD "storage: {soft: 99%}\n");
        fixture_assert_good(fixture);
}

static void test_an_audit_is_kept_as_long_as_records_are(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD);
        assert_int_equal(fixture->config->retain_audit, 0);
        fixture_try(fixture, GOOD "retention: {audit: 3000d}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->config->retain_audit, UINT64_C(3000) * 86400);
        fixture_try(fixture, GOOD "retention: {audit: 2921d}\n");
        fixture_assert_only(fixture, 8, 20, "retention.audit: 2921d is outside 2922d to 36600d: who saw a record",
                            NULL);
}

static void test_mistakes_come_in_the_order_of_the_files(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "conf.d/x.yaml", "zzz: 1\n");
        fixture_try(fixture, "sources: {s: {team: tt, adapter: x-y}}\n"
                             "environment: y\n"
                             "teams: {t: {class: z, user: nobodyhere}}\n"
                             "bus: B B\n"
                             "aaa: 1\n");
        static const struct {
                unsigned line, column;
        } order[] = { { 1, 21 }, { 2, 14 }, { 3, 12 /* reads nothing */ }, { 3, 20 }, { 3, 29 }, { 4, 6 },
                      { 5, 1 },  { 1, 1 } };
        size_t at = 0;
        for (size_t i = 0; i < fixture->problems.n_items; i++) {
                const ConfigProblem *problem = &fixture->problems.items[i];
                if (problem->is_warning)
                        continue;
                while (at < ELEMENTSOF(order) &&
                       (order[at].line != problem->line || order[at].column != problem->column))
                        at++;
                if (at == ELEMENTSOF(order))
                        fail_msg("out of order:\n%s", fixture->printed);
        }
        assert_int_equal(at, ELEMENTSOF(order) - 1);
        assert_int_equal(fixture->problems.n_errors, 7);
}

static void test_later_files_win_key_by_key_and_nothing_takes_a_value_back(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "conf.d/20-b.yaml", "environment: any\nsources: {pas: {max_connections: 9}}\n");
        fixture_write(fixture, "conf.d/10-a.yaml",
                      "environment: live\nsources: {pas: {max_connections: 8, listen: \"127.0.0.1:1\"}}\n");
        fixture_write(fixture, "conf.d/30-c.yaml", "timezone:\n");
        fixture_write(fixture, "conf.d/.hidden.yaml", "bus: hidden\n");
        fixture_write(fixture, "conf.d/40-note.txt", "not: [yaml\n");
        fixture_try(fixture, "timezone: UTC\n" GOOD);
        fixture_assert_good(fixture);
        assert_string_equal(fixture->config->bus, "wester-care");
        assert_int_equal(fixture->config->environment, CONFIG_ENVIRONMENT_ANY);
        assert_int_equal(fixture->config->sources[0].max_connections, 9);
        assert_string_equal(fixture->config->sources[0].listen, "127.0.0.1:1");
        assert_string_equal(fixture->config->timezone, "Europe/London");
        fixture_problem(fixture, "for development only");
        assert_int_equal(fixture->text->n_files, 4);
}

static void test_a_file_that_ends_in_yml_is_not_read_and_says_so(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "conf.d/x.yml", "bus: other\n");
        fixture_try(fixture, GOOD);
        fixture_assert_good(fixture);
        assert_int_equal(fixture_count(fixture, /* is_warning= */ true), 1);
        assert_non_null(strstr(fixture_problem(fixture, "not read")->hint, "x.yaml"));
}

static void test_a_missing_file_is_a_problem_and_not_an_errno(void **state) {
        Fixture *fixture = *state;
        fixture_load(fixture);
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        assert_int_equal(fixture->problems.n_items, 1);
        assert_non_null(strstr(fixture->problems.items[0].message, "cannot be read: No such file"));
        assert_non_null(strstr(fixture->problems.items[0].hint, "--config"));
}

static void test_an_empty_file_says_what_is_missing(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "# nothing\n");
        assert_int_equal(fixture->result, CONFIG_E_INVALID);
        assert_int_equal(fixture->problems.n_errors, 1);
        assert_non_null(fixture_problem(fixture, "'bus' is missing")->hint);
        fixture_problem(fixture, "no teams");
        fixture_try(fixture, "- a\n");
        assert_int_equal(fixture->problems.n_errors, 1);
        fixture_problem(fixture, "a configuration is a mapping");
}

static void test_a_file_that_is_not_yaml_brings_no_other_complaints(void **state) {
        Fixture *fixture = *state;
        fixture_write(fixture, "conf.d/a.yaml", "b: {\n");
        fixture_try(fixture, "a: [\n");
        assert_int_equal(fixture->problems.n_errors, 2);
        assert_int_equal(fixture->problems.n_items, 2);
}

static void test_metrics_are_an_address_and_no_word_is_said_of_one_that_is_good(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, "metrics: 127.0.0.1:9100\n" GOOD);
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        fixture_try(fixture, "metrics: nowhere\n" GOOD);
        assert_true(fixture->problems.n_errors > 0);
}

static void test_a_vendors_adapter_is_allowed_and_a_typo_is_hinted_at(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD "  x: {team: hospice, adapter: acme-connect}\n");
        fixture_assert_good(fixture);
        assert_int_equal(fixture->problems.n_items, 0);
        fixture_try(fixture, GOOD "  x: {team: hospice, adapter: mlpp}\n");
        fixture_assert_good(fixture);
        fixture_assert_only(fixture, 8, 31, "taken for a vendor's own", "did you mean 'mllp'?");
}

static void test_a_team_that_names_one_source_reads_no_other(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture,
                    "bus: b\nteams: {a: {class: clinical, may_read: [s]}, b: {class: clinical, may_read: []}}\n"
                    "sources: {s: {team: a, adapter: x-y}, t: {team: a, adapter: x-y}}\n");
        fixture_assert_good(fixture);
        assert_true(config_may_read(fixture->config, 0, 0));
        assert_false(config_may_read(fixture->config, 0, 1));
        assert_false(config_may_read(fixture->config, 1, 0));
}

static void test_references_keep_it_alive(void **state) {
        Fixture *fixture = *state;
        fixture_try(fixture, GOOD);
        fixture_assert_good(fixture);
        Config *again = config_ref(fixture->config);
        assert_ptr_equal(again, fixture->config);
        fixture->config = config_unref(fixture->config);
        assert_null(fixture->config);
        assert_string_equal(again->sources[0].name, "pas");
        assert_null(config_unref(again));
        assert_null(config_unref(NULL));
}

/* The example of the package, as it is installed. */
static void test_the_example_is_good(void **state) {
        const char *source = getenv("CAREBUS_SOURCE");
        char path[512];
        ConfigProblems problems = { 0 };
        Config *config = NULL;
        if (!source) {
                print_message("# skipped: CAREBUS_SOURCE is not set\n");
                return;
        }
        snprintf(path, sizeof(path), "%s/etc/carebus.yaml", source);
        int r = config_load(path, &config, NULL, &problems);
        config_problems_print(&problems, stderr);
        assert_int_equal(r, 0);
        /* this machine has no such hospice: that alone may be missing */
        for (size_t i = 0; i < problems.n_items; i++)
                assert_non_null(strstr(problems.items[i].message, "sources.hospice-files.folder: "));
        assert_int_equal(config->n_sources, 3);
        assert_string_equal(config->sources[0].profile->name, "itk");
        assert_true(config->sources[0].profile->n_maps > 3);
        config_unref(config);
        config_problems_deinit(&problems);
}

static void test_the_folder_of_keys_is_found_whatever_else_is_wrong(void **state) {
        Fixture *fixture = *state;
        char path[256], expected[256];
        char *folder = NULL;
        fixture_write(fixture, "carebus.yaml", "keys: /etc/keys\nbuss: [1]\nlisten: {intake: x}\n");
        fixture_path(fixture, "carebus.yaml", path);
        assert_int_equal(config_keys_folder(path, &folder), 0);
        assert_string_equal(folder, "/etc/keys");
        free(folder);
        fixture_write(fixture, "carebus.yaml", "keys: [\n");
        assert_int_equal(config_keys_folder(path, &folder), 0);
        fixture_path(fixture, "keys", expected);
        assert_string_equal(folder, expected);
        free(folder);
}

static void test_a_shipped_profile_holds_where_nothing_is_installed(void **state) {
        static const char text[] = "bus: b\n"
                                   "teams:\n"
                                   "  t: {class: clinical}\n"
                                   "sources:\n"
                                   "  pas: {team: t, adapter: own, profile: itk}\n"
                                   "  west: {team: t, adapter: own, profile: wales}\n";
        Fixture *fixture = *state;

        fixture_try(fixture, text);
        fixture_assert_good(fixture);
        assert_string_equal(fixture->config->sources[0].profile->name, "itk");
        assert_true(fixture->config->sources[0].profile->n_maps > 3);
        assert_string_equal(fixture->config->sources[1].profile->name, "wales");

        /* one beside the configuration comes first */
        fixture_write(fixture, "profiles/itk.yaml", "timezone: Europe/Dublin\n");
        fixture_try(fixture, text);
        fixture_assert_good(fixture);
        assert_string_equal(fixture->config->sources[0].profile->timezone, "Europe/Dublin");
        assert_int_equal(fixture->config->sources[0].profile->n_maps, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_shipped_profile_holds_where_nothing_is_installed),
                TEST(test_defaults_are_those_of_the_reference),
                TEST(test_may_read_narrows_and_without_it_a_team_reads_every_source),
                TEST(test_everything_that_is_said_arrives),
                TEST(test_each_mistake_has_its_place_and_a_hint),
                TEST(test_each_mistake_in_a_source_or_team_has_its_place_and_a_hint),
                TEST(test_all_mistakes_come_in_one_run),
                TEST(test_limits_in_hundredths_grow_with_the_file_system),
                TEST(test_bytes_alone_are_as_they_were),
                TEST(test_a_soft_limit_that_comes_too_late_is_refused_where_it_stands),
                TEST(test_an_audit_is_kept_as_long_as_records_are),
                TEST(test_mistakes_come_in_the_order_of_the_files),
                TEST(test_later_files_win_key_by_key_and_nothing_takes_a_value_back),
                TEST(test_a_file_that_ends_in_yml_is_not_read_and_says_so),
                TEST(test_a_missing_file_is_a_problem_and_not_an_errno),
                TEST(test_an_empty_file_says_what_is_missing),
                TEST(test_a_file_that_is_not_yaml_brings_no_other_complaints),
                TEST(test_metrics_are_an_address_and_no_word_is_said_of_one_that_is_good),
                TEST(test_a_vendors_adapter_is_allowed_and_a_typo_is_hinted_at),
                TEST(test_a_team_that_names_one_source_reads_no_other),
                TEST(test_references_keep_it_alive),
                TEST(test_the_example_is_good),
                TEST(test_the_folder_of_keys_is_found_whatever_else_is_wrong),
        };
        return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
