/* Every clinical resource of the corpora that this project did not write becomes its event. */
#include "clinical-fixture.h"
#include "corpus.h"

/* What a resource of a type may become; the first word is enough. */
static const struct {
        const char *type, *events;
} wanted[] = {
        { "CarePlan", "care_plan." },
        { "Goal", "care_plan.item_changed" },
        { "Flag", "alert. cpr_decision. palliative_need." },
        { "Consent", "consent. decision. adrt. advance_statement. cpr_decision." },
        { "Observation", "observation.recorded outcome.measured symptom.reported cpr_decision." },
        { "DiagnosticReport", "observation.recorded" },
        { "QuestionnaireResponse", "observation.recorded outcome.measured care_plan. treatment_escalation." },
        { "Condition", "condition. palliative_need." },
        { "AllergyIntolerance", "allergy.recorded" },
        { "MedicationRequest", "medication. anticipatory_meds." },
        { "MedicationStatement", "medication." },
        { "MedicationAdministration", "medication.given" },
        { "MedicationDispense", "medication.changed" },
        { "DocumentReference", "document." },
        { "Composition", "document." },
        { "Communication", "contact.recorded" },
};

static size_t n_resources[ELEMENTSOF(wanted)], n_files, n_problems;

static bool is_wanted(const char *events, const char *type) {
        for (const char *word = events; *word; word += strcspn(word, " "), word += *word == ' ') {
                size_t size = strcspn(word, " ");

                if (strncmp(type, word, size) == 0 && (word[size - 1] == '.' || type[size] == '\0'))
                        return true;
        }
        return false;
}

static void seen(const char *path, const char *name, Bytes bytes) {
        size_t length = strlen(name);
        const char *type;

        if (length < 5 || strcmp(name + length - 5, ".json") != 0)
                return;
        translate_bytes(bytes);
        n_files++;
        type = result.type;
        for (size_t i = 0; type && i < ELEMENTSOF(wanted); i++) {
                bool is_there = false;

                if (strcmp(wanted[i].type, type) != 0)
                        continue;
                n_resources[i]++;
                if (result.reading.problem_code) {
                        n_problems++;
                        print_message("# %s: %s at %s\n", path, result.reading.problem_code,
                                      result.reading.problem_position ?: "-");
                        continue;
                }
                for (size_t k = 0; k < result.reading.n_events; k++)
                        is_there = is_there || is_wanted(wanted[i].events, result.reading.events[k]->type);
                if (!is_there)
                        fail_msg("%s gives no event of %s", path, wanted[i].events);
        }
}

static void test_each_clinical_resource_of_the_corpus_gives_its_event(void **state) {
        static const char *const folders[] = { "fhir/r4-examples", "fhir/uk-core", "fhir/pacio",
                                               "fhir/nhs-tie",     "fhir/nrlf",    "fhir/bars-api" };
        char folder[1024];

        corpus_folder("fhir", folder, sizeof(folder));
        if (corpus_is_missing(folder))
                skip();
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                corpus_folder(folders[i], folder, sizeof(folder));
                corpus_walk(folder, seen);
        }
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                print_message("# %s: %zu\n", wanted[i].type, n_resources[i]);
                assert_true(n_resources[i] > 0);
        }
        print_message("# %zu files, %zu with a problem\n", n_files, n_problems);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_clinical_resource_of_the_corpus_gives_its_event),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
