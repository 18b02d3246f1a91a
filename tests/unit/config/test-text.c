/* What one process checked, another reads as the same, and nothing else passes for it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "fixture.h"

static void load_with_everything(Fixture *fixture) {
        char path[256];
        fixture_write(fixture, "keys/bus.pub", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n");
        fixture_write(fixture, "keys/bus.key", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n");
        fixture_write(fixture, "keys/s.pub", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n");
        fixture_path(fixture, "keys/bus.key", path);
        assert_int_equal(chmod(path, 0600), 0);
        fixture_write(fixture, "profiles/p.yaml",
                      "timezone: Europe/Dublin\nmaps: {encounter.class: {I: {system: \"urn:x\", code: IMP}}}\n");
        fixture_write(fixture, "conf.d/x.yaml", "environment: live\n");
        fixture_write(fixture, "conf.d/empty.yaml", "");
        fixture_try(fixture, "bus: b\nlisten: {intake: \"tcp://127.0.0.1:7401\"}\nteams: {t: {class: clinical}}\n"
                             "sources: {s: {team: t, adapter: x-y, profile: p}, d: {team: t, adapter: x-y}}\n");
        fixture_assert_good(fixture);
}

static void remove_all(Fixture *fixture) {
        static const char *const names[] = { "keys/bus.pub",  "keys/bus.key",      "keys/s.pub",  "profiles/p.yaml",
                                             "conf.d/x.yaml", "conf.d/empty.yaml", "carebus.yaml" };
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[256];
                fixture_path(fixture, names[i], path);
                assert_int_equal(unlink(path), 0);
        }
}

static void test_a_child_reads_the_same_without_any_file(void **state) {
        Fixture *fixture = *state;
        Buffer packed = BUFFER_NULL;
        ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        load_with_everything(fixture);
        assert_int_equal(config_text_pack(fixture->text, &packed), 0);
        remove_all(fixture);

        assert_int_equal(config_text_unpack(buffer_bytes(&packed), &text), 0);
        assert_int_equal(text->n_files, fixture->text->n_files);
        for (size_t i = 0; i < text->n_files; i++) {
                assert_string_equal(text->files[i].path, fixture->text->files[i].path);
                assert_true(bytes_equal(buffer_bytes(&text->files[i].content),
                                        buffer_bytes(&fixture->text->files[i].content)));
        }
        assert_int_equal(config_parse(text, &config, &problems), 0);
        assert_int_equal(problems.n_items, 0);
        assert_string_equal(config->bus, "b");
        assert_int_equal(config->environment, CONFIG_ENVIRONMENT_LIVE);
        assert_string_equal(config->bus_secret_key, fixture->config->bus_secret_key);
        assert_string_equal(config->sources[0].peer.key, fixture->config->sources[0].peer.key);
        assert_string_equal(config->sources[0].timezone, "Europe/Dublin");
        assert_string_equal(config->sources[0].profile->name, "p");
        assert_string_equal(
                profile_map_find(profile_find_map(config->sources[0].profile, "encounter.class"), "I")->to_code, "IMP");
        assert_string_equal(config->sources[1].profile->name, "default");
        assert_string_equal(config->keys, fixture->config->keys);
        config_problems_deinit(&problems);
        buffer_deinit(&packed);
}

static void test_a_text_that_is_wrong_is_refused_by_the_child_too(void **state) {
        Fixture *fixture = *state;
        ConfigProblems problems = { 0 };
        Config *config = NULL;
        load_with_everything(fixture);
        buffer_append_text(&fixture->text->files[0].content, "buss: x\n");
        assert_int_equal(config_parse(fixture->text, &config, &problems), CONFIG_E_INVALID);
        assert_null(config);
        assert_int_equal(problems.n_errors, 1);
        assert_int_equal(problems.items[0].line, 5);
        config_problems_deinit(&problems);
        ConfigText empty = { 0 };
        assert_int_equal(config_parse(&empty, &config, &problems), -EINVAL);
}

static void test_nothing_else_passes_for_a_packed_text(void **state) {
        Fixture *fixture = *state;
        Buffer packed = BUFFER_NULL;
        load_with_everything(fixture);
        assert_int_equal(config_text_pack(fixture->text, &packed), 0);
        ConfigText *text = NULL;
        for (size_t size = 0; size < packed.size; size++)
                assert_int_equal(config_text_unpack(bytes_of(packed.data, size), &text), -EBADMSG);
        assert_null(text);
        buffer_append_byte(&packed, 0);
        assert_int_equal(config_text_unpack(buffer_bytes(&packed), &text), -EBADMSG);
        packed.size--;
        packed.data[0] ^= 1;
        assert_int_equal(config_text_unpack(buffer_bytes(&packed), &text), -EBADMSG);
        packed.data[0] ^= 1;
        packed.data[4] ^= 1;
        assert_int_equal(config_text_unpack(buffer_bytes(&packed), &text), -EBADMSG);
        buffer_deinit(&packed);
}

/* Any bytes changed: refused, or taken as some text; never a crash (the sanitizers watch). */
static void test_damage_never_crashes(void **state) {
        Fixture *fixture = *state;
        Buffer packed = BUFFER_NULL;
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)strtoul(getenv("CAREBUS_SEED"), NULL, 10)
                                               : (unsigned)time(NULL);
        print_message("# seed %u (CAREBUS_SEED)\n", seed);
        srandom(seed);
        load_with_everything(fixture);
        assert_int_equal(config_text_pack(fixture->text, &packed), 0);
        for (int i = 0; i < 300; i++) {
                _cleanup_(config_text_freep) ConfigText *text = NULL;
                _cleanup_(config_unrefp) Config *config = NULL;
                ConfigProblems problems = { 0 };
                size_t at = (size_t)random() % packed.size;
                uint8_t kept = packed.data[at];
                packed.data[at] = (uint8_t)random();
                if (config_text_unpack(buffer_bytes(&packed), &text) == 0 && text->n_files > 0)
                        (void)config_parse(text, &config, &problems);
                config_problems_deinit(&problems);
                packed.data[at] = kept;
        }
        buffer_deinit(&packed);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_child_reads_the_same_without_any_file),
                TEST(test_a_text_that_is_wrong_is_refused_by_the_child_too),
                TEST(test_nothing_else_passes_for_a_packed_text),
                TEST(test_damage_never_crashes),
        };
        return cmocka_run_group_tests_name("config text", tests, NULL, NULL);
}
