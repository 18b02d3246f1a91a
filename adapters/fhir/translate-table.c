/*
 * A row a type of resource. What is not here is not read: it is listed, and where a message has nothing else, it waits in the quarantine.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"

/* clang-format off */
const FhirRow fhir_rows[] = {
        /* Of a person, or of a service. */
        { "Patient", fhir_patient, true, NULL },
        { "RelatedPerson", fhir_related_person, false, "patient" },
        { "Encounter", fhir_encounter, false, "subject" },
        { "EpisodeOfCare", fhir_episode_of_care, false, "patient" },
        { "ServiceRequest", fhir_service_request, true, "subject" },
        { "Task", fhir_task, false, "for" },
        { "Appointment", fhir_appointment, false, NULL },
        { "CareTeam", fhir_care_team, false, "subject" },
        { "HealthcareService", fhir_healthcare_service, false, NULL },
        /* What was planned, decided, found and written down. */
        { "CarePlan", fhir_care_plan, true, "subject" },
        { "Goal", fhir_goal, false, "subject" },
        { "Flag", fhir_flag, true, "subject" },
        { "Consent", fhir_consent, true, "patient" },
        { "Observation", fhir_observation, true, "subject" },
        { "DiagnosticReport", fhir_diagnostic_report, false, "subject" },
        { "QuestionnaireResponse", fhir_questionnaire_response, true, "subject" },
        { "Condition", fhir_condition, true, "subject" },
        { "AllergyIntolerance", fhir_allergy_intolerance, true, "patient" },
        { "MedicationRequest", fhir_medication_request, false, "subject" },
        { "MedicationStatement", fhir_medication_statement, false, "subject" },
        { "MedicationAdministration", fhir_medication_administration, false, "subject" },
        { "MedicationDispense", fhir_medication_dispense, false, "subject" },
        { "DocumentReference", fhir_document_reference, true, "subject" },
        { "Composition", fhir_composition, true, "subject" },
        { "Communication", fhir_communication, false, "subject" },
        { "Basic", fhir_basic, true, "subject" },
        /* Told by others that refer to them. */
        { "Practitioner", NULL, false, NULL },
        { "PractitionerRole", NULL, false, NULL },
        { "Organization", NULL, false, NULL },
        { "Location", NULL, false, NULL },
        { "Binary", NULL, true, NULL },
        { "Medication", NULL, false, NULL },
        { "Questionnaire", NULL, false, NULL },
        { "Specimen", NULL, false, NULL },
        { "Device", NULL, false, NULL },
        { "Schedule", NULL, false, NULL },
        { "Slot", NULL, false, NULL },
        /* About the message itself. */
        { "MessageHeader", NULL, false, NULL },
        { "Provenance", NULL, false, NULL },
        { "Parameters", NULL, false, NULL },
        { "SubscriptionStatus", NULL, false, NULL },
        { NULL, NULL, false, NULL },
};
/* clang-format on */
const size_t n_fhir_rows = sizeof(fhir_rows) / sizeof(fhir_rows[0]) - 1;

const FhirRow *fhir_row_find(const char *type) {
        for (size_t i = 0; type && i < n_fhir_rows; i++)
                if (strcmp(fhir_rows[i].type, type) == 0)
                        return &fhir_rows[i];
        return NULL;
}
