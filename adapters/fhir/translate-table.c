/*
 * A row a type of resource. What is not here is not read: it is listed, and where a message has nothing else, it waits in the quarantine.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"

/* clang-format off */
const FhirRow fhir_rows[] = {
        /* Of a person, or of a service. */
        { "Patient", fhir_patient, true, NULL },
        { "RelatedPerson", fhir_related_person, false, "patient" },
#ifdef HAVE_FHIR_ENCOUNTER
        { "Encounter", fhir_encounter, false, "subject" },
        { "EpisodeOfCare", fhir_episode_of_care, false, "patient" },
#endif
#ifdef HAVE_FHIR_REFERRAL
        { "ServiceRequest", fhir_service_request, true, "subject" },
        { "Task", fhir_task, false, "for" },
#endif
#ifdef HAVE_FHIR_APPOINTMENT
        { "Appointment", fhir_appointment, false, NULL },
#endif
#ifdef HAVE_FHIR_TEAM
        { "CareTeam", fhir_care_team, false, "subject" },
        { "HealthcareService", fhir_healthcare_service, false, NULL },
#endif
#ifdef HAVE_FHIR_PLAN
        { "CarePlan", fhir_care_plan, true, "subject" },
        { "Goal", fhir_goal, false, "subject" },
#endif
#ifdef HAVE_FHIR_FLAG
        { "Flag", fhir_flag, true, "subject" },
#endif
#ifdef HAVE_FHIR_CONSENT
        { "Consent", fhir_consent, true, "patient" },
#endif
#ifdef HAVE_FHIR_OBSERVATION
        { "Observation", fhir_observation, true, "subject" },
#endif
#ifdef HAVE_FHIR_QUESTIONNAIRE
        { "QuestionnaireResponse", fhir_questionnaire_response, true, "subject" },
#endif
#ifdef HAVE_FHIR_CONDITION
        { "Condition", fhir_condition, false, "subject" },
        { "AllergyIntolerance", fhir_allergy_intolerance, true, "patient" },
#endif
#ifdef HAVE_FHIR_MEDICATION
        { "MedicationRequest", fhir_medication_request, false, "subject" },
        { "MedicationStatement", fhir_medication_statement, false, "subject" },
#endif
#ifdef HAVE_FHIR_DOCUMENT
        { "DocumentReference", fhir_document_reference, true, "subject" },
        { "Composition", fhir_composition, true, "subject" },
#endif
#ifdef HAVE_FHIR_COMMUNICATION
        { "Communication", fhir_communication, false, "subject" },
#endif
        /* Told by others that refer to them. */
        { "Practitioner", NULL, false, NULL },
        { "PractitionerRole", NULL, false, NULL },
        { "Organization", NULL, false, NULL },
        { "Location", NULL, false, NULL },
        { "Binary", NULL, true, NULL },
        { "Medication", NULL, false, NULL },
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
