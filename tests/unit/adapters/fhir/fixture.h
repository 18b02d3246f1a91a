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

#include "adapters/fhir/translate.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "proto/validate.h"

static Profile *profile;
static FhirTranslator *translator;
static FhirResult result;
static FhirMemory *memory;

static int fixture_setup(void **state) {
        return profile_new_default(&profile);
}

static int fixture_teardown(void **state) {
        translator = fhir_translator_free(translator);
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
        translator = fhir_translator_free(translator);
        assert_int_equal(profile_load(path, &profile, &problems), 0);
        config_problems_deinit(&problems);
        unlink(path);
        rmdir(folder);
}

static inline void use_default_profile(void) {
        profile = profile_free(profile);
        translator = fhir_translator_free(translator);
        assert_int_equal(profile_new_default(&profile), 0);
}

static inline void check_event(const Carebus__V1__Event *event) {
        size_t size = protobuf_c_message_get_packed_size(&event->base);
        uint8_t *data = malloc(size + 1);
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *read;
        ValidateError error;
        Arena *arena;

        assert_non_null(data);
        assert_int_equal(protobuf_c_message_pack(&event->base, data), size);
        assert_int_equal(arena_new(&arena, 64 << 20), 0);
        if (validate_event(bytes_of(data, size), &limits, arena, &read, &error) != 0)
                fail_msg("%s: not valid at %s", event->type, error.path);
        arena_free(arena);
        free(data);
}

/* Translates, and asserts what holds for any message: the events pass the bus's own validator, and where there is none somebody says
 * why. */
static inline void translate_as(Bytes message, const char *assigned_id) {
        const Reading *reading = &result.reading;
        ReadingOptions options = {
                .source = "ehr", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };

        if (!translator)
                assert_int_equal(fhir_translator_new(&translator, &options, memory), 0);
        assert_int_equal(fhir_translate(translator, message, assigned_id, &result), 0);
        assert_true(reading->n_events > 0 || reading->problem_code || reading->ignored);
        if (reading->problem_code) {
                assert_true(reason_is_valid(reading->problem_code));
                assert_true(result.n_issues > 0);
        }
        for (size_t i = 0; i < reading->n_events; i++)
                check_event(reading->events[i]);
        for (size_t i = 0; i < result.n_issues; i++)
                assert_true(result.issues[i].severity && result.issues[i].code && result.issues[i].text);
}

static inline void translate_text(const char *text) {
        translate_as(bytes_of_text(text), NULL);
}

static inline Carebus__V1__Event *event_of(const char *type) {
        for (size_t i = 0; i < result.reading.n_events; i++)
                if (strcmp(result.reading.events[i]->type, type) == 0)
                        return result.reading.events[i];
        return NULL;
}

static inline size_t count_events(const char *type) {
        size_t n = 0;

        for (size_t i = 0; i < result.reading.n_events; i++)
                n += strcmp(result.reading.events[i]->type, type) == 0;
        return n;
}

/* Exactly one event, of this type. */
static inline Carebus__V1__Event *only_event(const char *type) {
        if (result.reading.problem_code)
                fail_msg("%s at %s", result.reading.problem_code, result.reading.problem_position ?: "?");
        assert_int_equal(result.reading.n_events, 1);
        assert_string_equal(result.reading.events[0]->type, type);
        return result.reading.events[0];
}

static inline void assert_problem(const char *code, const char *position, bool urgent) {
        assert_non_null(result.reading.problem_code);
        assert_string_equal(result.reading.problem_code, code);
        if (position)
                assert_string_equal(result.reading.problem_position, position);
        assert_int_equal(result.reading.problem_urgent, urgent);
        assert_int_equal(result.reading.n_events, 0);
}

/* Something waits for a person, and this many events beside it are in use. */
static inline void assert_problem_beside(const char *code, const char *position, size_t n_events) {
        assert_non_null(result.reading.problem_code);
        assert_string_equal(result.reading.problem_code, code);
        assert_string_equal(result.reading.problem_position, position);
        assert_int_equal(result.reading.n_events, n_events);
}

static inline FieldUse use_of(const char *path) {
        for (size_t i = 0; i < result.reading.n_fields; i++)
                if (strcmp(result.reading.fields[i].path, path) == 0)
                        return result.reading.fields[i].use;
        return _FIELD_USE_MAX;
}

static inline void assert_identifier(const Carebus__V1__Identifier *identifier, const char *system, const char *value) {
        assert_non_null(identifier);
        if (system)
                assert_string_equal(identifier->system, system);
        else
                assert_null(identifier->system);
        assert_string_equal(identifier->value, value);
}

static inline void assert_coded(const Carebus__V1__Coded *coded, const char *system, const char *code) {
        assert_non_null(coded);
        assert_non_null(coded->code);
        assert_string_equal(coded->code, code);
        if (system)
                assert_string_equal(coded->system, system);
}
