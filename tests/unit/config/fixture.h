#pragma once
/* A folder of its own for each test, files in it, and what loading them says. Include after the headers that cmocka needs. */
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"

typedef struct Fixture {
        char folder[64];
        ConfigProblems problems;
        Config *config;
        ConfigText *text;
        int result;
        char *printed;
} Fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Paths are relative to the folder; folders on the way are made. %s stands for the folder itself in `content`. */
void fixture_write(Fixture *fixture, const char *name, const char *content);
void fixture_path(const Fixture *fixture, const char *name, char path[256]);
/* Loads FOLDER/carebus.yaml; what was loaded before is given back. */
void fixture_load(Fixture *fixture);
/* fixture_write() of carebus.yaml and fixture_load(). */
void fixture_try(Fixture *fixture, const char *content);
/* The problem that has `part` in its message, or the test fails and shows all. */
const ConfigProblem *fixture_problem(Fixture *fixture, const char *part);
/* The one and only problem: at this place, with `part` in the message and `hint` (may be NULL) in the hint. */
void fixture_assert_only(Fixture *fixture, unsigned line, unsigned column, const char *part, const char *hint);
void fixture_assert_good(Fixture *fixture);
size_t fixture_count(const Fixture *fixture, bool is_warning);
