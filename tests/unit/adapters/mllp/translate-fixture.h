#pragma once
/* A translator over a profile that the test changes, and short ways to look at what came out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/mllp/translate.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "proto/validate.h"

#define MSH_OF(trigger) "MSH|^~\\&|PAS|RA9|BUS|HERE|20240305101500||" trigger "|M1|P|2.4\r"

static Profile *profile;
static Translator *translator;
static TranslateResult result;
static Reading reading;

static int fixture_setup(void **state) {
        return profile_new_default(&profile);
}

static int fixture_teardown(void **state) {
        translator = translator_free(translator);
        profile = profile_free(profile);
        return 0;
}

/* The test's own profile, as an administrator writes it. */
static inline void use_profile(const char *yaml) {
        char folder[] = "/tmp/carebus-profile-XXXXXX", path[64];
        ConfigProblems problems = { 0 };

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/own.yaml", folder);
        assert_int_equal(file_replace(path, yaml, strlen(yaml), 0600), 0);
        profile = profile_free(profile);
        translator = translator_free(translator);
        assert_int_equal(profile_load(path, &profile, &problems), 0);
        config_problems_deinit(&problems);
        unlink(path);
        rmdir(folder);
}

/* Translates, and asserts what holds for any message: the events pass the bus's own validator. */
static inline void translate_bytes(Bytes message) {
        TranslateOptions options = {
                .source = "pas", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Bytes *packed;

        if (!translator)
                assert_int_equal(translator_new(&translator, &options), 0);
        assert_int_equal(translate_message(translator, message, &result), 0);
        assert_int_equal(translate_reading(translator, &result, message, &reading), 0);
        assert_int_equal(reading_pack(&reading, translator_arena(translator), &packed), 0);
        for (size_t i = 0; i < result.n_events; i++) {
                Carebus__V1__Event *event;
                ValidateError error;
                Arena *arena;

                assert_int_equal(arena_new(&arena, 16 << 20), 0);
                assert_int_equal(validate_event(packed[i], &limits, arena, &event, &error), 0);
                arena_free(arena);
        }
        if (result.problem_code)
                assert_true(reason_is_valid(result.problem_code));
}

static inline void translate_text(const char *text) {
        translate_bytes(bytes_of_text(text));
}

static inline Carebus__V1__Event *event_of(const char *type) {
        for (size_t i = 0; i < result.n_events; i++)
                if (strcmp(result.events[i]->type, type) == 0)
                        return result.events[i];
        return NULL;
}

static inline void assert_problem(const char *code, const char *position) {
        assert_non_null(result.problem_code);
        assert_string_equal(result.problem_code, code);
        if (position)
                assert_string_equal(result.problem_position, position);
        assert_int_equal(result.n_events, 0);
}

/* Exactly one event, of this type. */
static inline Carebus__V1__Event *only_event(const char *type) {
        assert_null(result.problem_code);
        assert_int_equal(result.n_events, 1);
        assert_string_equal(result.events[0]->type, type);
        return result.events[0];
}

static inline bool has_cleared(const Carebus__V1__Event *event, const char *path) {
        for (size_t i = 0; i < event->n_cleared; i++)
                if (strcmp(event->cleared[i], path) == 0)
                        return true;
        return false;
}

static inline bool is_unmapped(const char *name) {
        for (size_t i = 0; i < reading.n_fields; i++)
                if (reading.fields[i].use == FIELD_UNKNOWN && strcmp(reading.fields[i].path, name) == 0)
                        return true;
        return false;
}
