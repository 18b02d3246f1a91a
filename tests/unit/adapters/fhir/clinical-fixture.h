#pragma once
/* A translator over a profile that the test changes, and short ways to look at the events of clinical resources. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/pack.h"
#include "adapters/fhir/translate.h"
#include "base/file.h"
#include "base/text.h"
#include "canon/normalise.h"
#include "canon/vocabulary.h"
#include "config/config.h"
#include "proto/validate.h"

#define SUBJECT "\"subject\":{\"reference\":\"Patient/p1\"}"
#define PATIENT "\"patient\":{\"reference\":\"Patient/p1\"}"
#define SNOMED(code_) "{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"" code_ "\"}]}"

static Profile *profile;
static FhirTranslator *translator;
static FhirResult result;

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
        if (profile_load(path, &profile, &problems) != 0)
                fail_msg("line %u: %s", problems.items[0].line, problems.items[0].message);
        config_problems_deinit(&problems);
        unlink(path);
        rmdir(folder);
}

/* Each event passes the bus's own validator once it is packed, and goes through normalise. */
static inline void check_events(void) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        CanonRules rules = { .profile = profile, .default_authority = "carebus:ward" };

        for (size_t i = 0; i < result.reading.n_events; i++) {
                Carebus__V1__Event *event = result.reading.events[i], *unpacked;
                size_t size = carebus__v1__event__get_packed_size(event);
                _cleanup_(freep) uint8_t *packed = malloc(size);
                _cleanup_(arena_freep) Arena *arena = NULL;
                ValidateError error;

                assert_non_null(packed);
                carebus__v1__event__pack(event, packed);
                assert_int_equal(arena_new(&arena, 64 << 20), 0);
                assert_int_equal(validate_event(bytes_of(packed, size), &limits, arena, &unpacked, &error), 0);
                assert_int_equal(canon_normalise(event, &rules, fhir_translator_arena(translator), NULL), 0);
        }
}

static inline void translate_bytes(Bytes message) {
        ReadingOptions options = {
                .source = "ward", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };

        if (!translator)
                assert_int_equal(fhir_translator_new(&translator, &options, NULL), 0);
        assert_int_equal(fhir_translate(translator, message, NULL, &result), 0);
        check_events();
        if (result.reading.problem_code)
                assert_true(reason_is_valid(result.reading.problem_code));
}

static inline void translate(const char *json) {
        translate_bytes(bytes_of_text(json));
}

static inline Carebus__V1__Event *event_of(const char *type) {
        for (size_t i = 0; i < result.reading.n_events; i++)
                if (strcmp(result.reading.events[i]->type, type) == 0)
                        return result.reading.events[i];
        return NULL;
}

/* Exactly one event, of this type. */
static inline Carebus__V1__Event *only_event(const char *type) {
        if (result.reading.problem_code)
                fail_msg("problem %s at %s", result.reading.problem_code, result.reading.problem_position ?: "-");
        assert_int_equal(result.reading.n_events, 1);
        assert_string_equal(result.reading.events[0]->type, type);
        return result.reading.events[0];
}

static inline Carebus__V1__Event *the_event(const char *type) {
        Carebus__V1__Event *event = event_of(type);

        assert_null(result.reading.problem_code);
        if (!event)
                fail_msg("no event %s", type);
        return event;
}

static inline void assert_code(const Carebus__V1__Coded *coded, const char *system, const char *code) {
        assert_non_null(coded);
        assert_non_null(coded->code);
        assert_string_equal(coded->code, code);
        assert_string_equal(coded->system, system);
}

static inline void assert_when(const Carebus__V1__When *when, const char *text) {
        assert_non_null(when);
        assert_string_equal(when->text, text);
}

static inline void assert_text(const char *text, const char *wanted) {
        assert_non_null(text);
        assert_string_equal(text, wanted);
}

static inline bool has_issue(const char *code, const char *path) {
        for (size_t i = 0; i < result.n_issues; i++)
                if (text_equal(result.issues[i].code, code) && text_equal(result.issues[i].path, path))
                        return true;
        return false;
}
