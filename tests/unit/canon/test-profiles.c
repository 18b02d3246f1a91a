/* The profiles of the package: each loads without a complaint, and every canonical path in it is a field of the schema. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <errno.h>

#include "carebus/v1/event.pb-c.h"
#include "config/config.h"
#include "proto/path.h"

static void check_paths(const Profile *profile, const char *file) {
        for (size_t i = 0; i < profile->n_maps; i++) {
                const ProtobufCFieldDescriptor *field = event_path_field(profile->maps[i].path);
                if (strcmp(profile->maps[i].path, "unit") != 0 &&
                    (!field || field->descriptor != &carebus__v1__coded__descriptor))
                        fail_msg("%s: maps.%s is no coded field", file, profile->maps[i].path);
                assert_true(profile->maps[i].n_entries > 0);
                for (size_t k = 0; k < profile->maps[i].n_entries; k++)
                        assert_ptr_equal(profile_map_find(&profile->maps[i], profile->maps[i].entries[k].code),
                                         &profile->maps[i].entries[k]);
                assert_null(profile_map_find(&profile->maps[i], "no such code"));
                assert_ptr_equal(profile_find_map(profile, profile->maps[i].path), &profile->maps[i]);
        }
        for (size_t i = 0; i < profile->n_fields; i++)
                if (!event_path_field(profile->fields[i].to))
                        fail_msg("%s: fields.%s: no field %s", file, profile->fields[i].from, profile->fields[i].to);
        for (size_t i = 0; i < profile->n_complete_lists; i++) {
                if (!strchr(profile->complete_lists[i], '.'))
                        continue; /* a section: config/ knows them */
                const ProtobufCFieldDescriptor *field = event_path_field(profile->complete_lists[i]);
                if (!field || field->label != PROTOBUF_C_LABEL_REPEATED)
                        fail_msg("%s: complete_lists: %s is no list", file, profile->complete_lists[i]);
        }
}

static bool folder_of_profiles(char folder[512]) {
        const char *source = getenv("CAREBUS_SOURCE");
        if (!source)
                return false;
        snprintf(folder, 512, "%s/etc/profiles", source);
        return true;
}

static void test_every_profile_of_the_package_is_good(void **state) {
        char folder[512], path[1024];
        struct dirent *entry;
        size_t n = 0;
        if (!folder_of_profiles(folder)) {
                print_message("# skipped: CAREBUS_SOURCE is not set\n");
                return;
        }
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                Profile *profile = NULL;
                ConfigProblems problems = { 0 };
                snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                int r = profile_load(path, &profile, &problems);
                config_problems_print(&problems, stderr);
                assert_int_equal(r, 0);
                assert_int_equal(problems.n_items, 0);
                check_paths(profile, entry->d_name);
                profile_free(profile);
                config_problems_deinit(&problems);
                n++;
        }
        closedir(dir);
        assert_true(n >= 9);
}

static bool same(const char *a, const char *b) {
        return a ? b && strcmp(a, b) == 0 : !b;
}

static void assert_maps_equal(const ProfileMap *a, const ProfileMap *b) {
        assert_string_equal(a->path, b->path);
        assert_int_equal(a->n_entries, b->n_entries);
        assert_true(b->n_entries > 5);
        for (size_t i = 0; i < b->n_entries; i++) {
                assert_string_equal(a->entries[i].code, b->entries[i].code);
                assert_true(same(a->entries[i].to_system, b->entries[i].to_system));
                assert_true(same(a->entries[i].to_code, b->entries[i].to_code));
                assert_true(same(a->entries[i].to_display, b->entries[i].to_display));
        }
}

/* Whoever sends HL7 may say a letter where the country says a digit, and nobody must become of unknown sex by that. */
static void test_profiles_of_hl7_sources_know_every_code_of_sex_and_class(void **state) {
        static const char *const names[] = { "default", "epic-uk", "itk", "wales" };
        static const char *const sexes[] = { "F", "M", "O", "U", "A", "N", "0", "1", "2", "9" };
        static const char *const classes[] = { "I", "E", "O", "P", "R", "B", "C", "N", "U" };
        char folder[512], path[1024];
        if (!folder_of_profiles(folder)) {
                print_message("# skipped: CAREBUS_SOURCE is not set\n");
                return;
        }
        for (size_t n = 0; n < ELEMENTSOF(names); n++) {
                ConfigProblems problems = { 0 };
                Profile *profile = NULL;
                snprintf(path, sizeof(path), "%s/%s.yaml", folder, names[n]);
                assert_int_equal(profile_load(path, &profile, &problems), 0);
                const ProfileMap *sex = profile_find_map(profile, "demographics.sex");
                const ProfileMap *class = profile_find_map(profile, "encounter.class");
                assert_true(sex && class);
                for (size_t i = 0; i < ELEMENTSOF(sexes); i++)
                        assert_non_null(profile_map_find(sex, sexes[i]));
                for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                        assert_non_null(profile_map_find(class, classes[i]));
                assert_string_equal(profile_map_find(sex, "F")->to_code, "female");
                assert_string_equal(profile_map_find(sex, "1")->to_code, "male");
                assert_string_equal(profile_map_find(class, "E")->to_code, "EMER");
                profile_free(profile);
                config_problems_deinit(&problems);
        }
}

/* A signature belongs to whoever runs the bus: a shipped one would be nobody's. */
static void test_no_shipped_profile_answers_for_what_a_decision_means(void **state) {
        static const char *const names[] = { "carebus-exact",   "default", "document-only", "epic-uk",
                                             "hospice-minimum", "itk",     "pds",           "systmone-extract",
                                             "uk-core",         "wales" };
        char folder[512], path[1024];
        if (!folder_of_profiles(folder)) {
                print_message("# skipped: CAREBUS_SOURCE is not set\n");
                return;
        }
        for (size_t n = 0; n < ELEMENTSOF(names); n++) {
                ConfigProblems problems = { 0 };
                Profile *profile = NULL;
                snprintf(path, sizeof(path), "%s/%s.yaml", folder, names[n]);
                assert_int_equal(profile_load(path, &profile, &problems), 0);
                for (size_t i = 0; i < profile->n_maps; i++)
                        assert_null(profile->maps[i].signed_by);
                for (size_t i = 0; i < profile->n_tables; i++)
                        assert_null(profile->tables[i].signed_by);
                profile_free(profile);
                config_problems_deinit(&problems);
        }
}

static void test_the_built_in_profile_is_the_file_of_that_name(void **state) {
        char folder[512], path[1024];
        Profile *built_in = NULL, *file = NULL;
        ConfigProblems problems = { 0 };
        if (!folder_of_profiles(folder)) {
                print_message("# skipped: CAREBUS_SOURCE is not set\n");
                return;
        }
        snprintf(path, sizeof(path), "%s/default.yaml", folder);
        assert_int_equal(profile_new_default(&built_in), 0);
        assert_int_equal(profile_load(path, &file, &problems), 0);
        assert_string_equal(built_in->name, "default");
        assert_string_equal(file->name, "default");
        assert_int_equal(built_in->n_authorities, file->n_authorities);
        assert_true(file->n_authorities > 5);
        for (size_t i = 0; i < file->n_authorities; i++) {
                const ProfileAuthority *a = &built_in->authorities[i], *b = &file->authorities[i];
                assert_true(same(a->authority, b->authority) && same(a->type, b->type) && same(a->system, b->system));
                assert_int_equal(a->is_nhs_number, b->is_nhs_number);
                assert_int_equal(a->traced, b->traced);
        }
        assert_true(file->n_maps >= 2);
        assert_int_equal(built_in->n_maps, file->n_maps);
        for (size_t i = 0; i < file->n_maps; i++)
                assert_maps_equal(&built_in->maps[i], &file->maps[i]);
        assert_int_equal(file->n_fields + file->n_triggers + file->n_complete_lists, 0);
        assert_int_equal(built_in->n_fields + built_in->n_triggers + built_in->n_complete_lists, 0);
        assert_null(file->timezone);
        assert_null(built_in->timezone);
        profile_free(built_in);
        profile_free(file);
        config_problems_deinit(&problems);
}

static void test_a_path_leads_to_a_field_or_nowhere(void **state) {
        static const char *const wrong[] = { "",
                                             ".",
                                             "encounter.",
                                             ".class",
                                             "encounter..class",
                                             "encounter.clas",
                                             "encounter.class.code.x",
                                             "encounter.class[1]",
                                             "demographics.names[]",
                                             "demographics.names[x]",
                                             "demographics.names[1",
                                             "demographics.names[1]family" };
        assert_string_equal(event_path_field("encounter.class")->name, "class");
        assert_string_equal(event_path_field("demographics.names[2].family")->name, "family");
        assert_string_equal(event_path_field("demographics.names[2]")->name, "names");
        assert_string_equal(event_path_field("patient.demographics.names.given")->name, "given");
        assert_string_equal(event_path_field("sensitivity")->name, "sensitivity");
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (event_path_field(wrong[i]))
                        fail_msg("'%s'", wrong[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_path_leads_to_a_field_or_nowhere),
                cmocka_unit_test(test_every_profile_of_the_package_is_good),
                cmocka_unit_test(test_profiles_of_hl7_sources_know_every_code_of_sex_and_class),
                cmocka_unit_test(test_no_shipped_profile_answers_for_what_a_decision_means),
                cmocka_unit_test(test_the_built_in_profile_is_the_file_of_that_name),
        };
        return cmocka_run_group_tests_name("canon profiles", tests, NULL, NULL);
}
