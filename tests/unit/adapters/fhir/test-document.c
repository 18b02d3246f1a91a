/* Documents: pointers, contents, compositions. */
#include "clinical-fixture.h"

#include "base/sha256.h"

#define REFERENCE(status, rest) \
        "{\"resourceType\":\"DocumentReference\",\"id\":\"d\",\"status\":\"" status "\"," SUBJECT "," rest "}"
#define ATTACHED(data) "\"content\":[{\"attachment\":{\"contentType\":\"text/plain\",\"data\":\"" data "\"}}]"

static void assert_sha256(const Carebus__V1__Document *document, const char *text) {
        uint8_t hash[SHA256_SIZE];

        sha256(text, strlen(text), hash);
        assert_true(document->has_sha256);
        assert_int_equal(document->sha256.len, SHA256_SIZE);
        assert_memory_equal(document->sha256.data, hash, SHA256_SIZE);
        assert_int_equal(document->size, strlen(text));
}

static void test_content_is_hashed_and_stays_in_the_original(void **state) {
        translate(REFERENCE("current", ATTACHED("SGVs\\nbG8=")));
        Carebus__V1__Document *document = only_event("document.available")->document;

        assert_sha256(document, "Hello");
        assert_text(document->content_text, "Hello");
        assert_text(document->original_part, "DocumentReference.content[0].attachment.data");
        assert_false(document->has_content);
        translate(REFERENCE("current", ATTACHED("")));
        assert_int_equal(only_event("document.available")->document->size, 0);
}

static void test_what_is_not_base64_is_a_problem_with_its_path(void **state) {
        static const char *const bad[] = { "SGVsbG8", "SGVsb*8=", "SGVsbG8==", "=", "SGVs=bG8=", "S" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char json[512];

                snprintf(json, sizeof(json), REFERENCE("current", ATTACHED("%s")), bad[i]);
                translate(json);
                assert_text(result.reading.problem_code, "bad-base64");
                assert_text(result.reading.problem_position, "DocumentReference.content[0].attachment.data");
                assert_true(has_issue("value", "DocumentReference.content[0].attachment.data"));
        }
}

static void test_a_pointer_keeps_its_type_custodian_and_label(void **state) {
        translate(REFERENCE("current",
                            "\"identifier\":[{\"system\":\"urn:x\",\"value\":\"7\"}],\"docStatus\":\"final\","
                            "\"type\":" SNOMED("736373009") ",\"category\":[" SNOMED(
                                    "734163000") "],\"custodian\":{\"identifier\":{\"system\":\"https://fhir.nhs.uk/Id/"
                                                 "ods-organization-code\",\"value\":\"RA9\"}},"
                                                 "\"date\":\"2024-03-05T10:00:00Z\",\"securityLabel\":[{\"coding\":[{"
                                                 "\"code\":\"V\"}]}],\"content\":[{\"attachment\":"
                                                 "{\"contentType\":\"application/pdf\",\"url\":\"https://example.org/"
                                                 "plan.pdf\",\"size\":3654,\"title\":\"Plan\"},"
                                                 "\"format\":{\"code\":\"urn:nhs-ic:unstructured\"}}],\"context\":{"
                                                 "\"practiceSetting\":{\"text\":\"Hospice\"},"
                                                 "\"period\":{\"start\":\"2024-03-01\"},\"encounter\":[{\"reference\":"
                                                 "\"Encounter/e1\"}]}"));
        Carebus__V1__Event *event = only_event("document.available");
        Carebus__V1__Document *document = event->document;

        assert_code(document->type, SYSTEM_SNOMED_CT, "736373009");
        assert_text(event->document_id->value, "7");
        assert_text(document->custodian->identifier->value, "RA9");
        assert_text(document->url, "https://example.org/plan.pdf");
        assert_int_equal(document->size, 3654);
        assert_text(document->confidentiality->original->code, "V");
        assert_text(document->completion->code, "final");
        assert_text(document->practice_setting->text, "Hospice");
        assert_text(event->encounter_id->value, "Encounter/e1");
        assert_text(document->title, "Plan");
}

static void test_a_document_that_replaces_and_one_that_is_wrong(void **state) {
        translate(REFERENCE(
                "current",
                "\"relatesTo\":[{\"code\":\"replaces\",\"target\":{\"reference\":\"DocumentReference/old\"}}]"));
        assert_text(only_event("document.replaced")->document->replaces[0]->value, "DocumentReference/old");
        translate(
                REFERENCE("current",
                          "\"relatesTo\":[{\"code\":\"signs\",\"target\":{\"reference\":\"DocumentReference/old\"}}]"));
        assert_int_equal(only_event("document.available")->document->n_replaces, 0);
        translate(REFERENCE("entered-in-error", "\"description\":\"x\""));
        assert_int_equal(only_event("document.cancelled")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
        translate(REFERENCE("superseded", "\"description\":\"x\""));
        assert_text(only_event("document.replaced")->document->status, "superseded");
}

static void test_a_binary_of_the_message_is_the_content(void **state) {
        translate("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"fullUrl\":\"urn:uuid:00000000-"
                  "0000-4000-8000-000000000002\","
                  "\"resource\":{\"resourceType\":\"Binary\",\"contentType\":\"application/"
                  "pdf\",\"data\":\"SGVsbG8=\"}},{\"resource\":" REFERENCE(
                          "current", "\"content\":[{\"attachment\":{\"url\":\"urn:uuid:00000000-0000-4000-8000-"
                                     "000000000002\"}}]") "}]}");
        Carebus__V1__Document *document = only_event("document.available")->document;

        assert_sha256(document, "Hello");
        assert_text(document->media_type, "application/pdf");
        assert_text(document->original_part, "Bundle.entry[0].resource.data");
}

static void test_a_form_about_resuscitation_is_a_decision_that_nobody_has_read(void **state) {
        translate(REFERENCE(
                "current",
                "\"type\":{\"text\":\"DNACPR\"},\"content\":[{\"attachment\":{\"url\":\"https://example.org/1\"}}]"));
        Carebus__V1__Event *event = the_event("cpr_decision.recorded");

        assert_int_equal(result.reading.n_events, 2);
        assert_code(event->decision->decision, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN);
        assert_text(event->decision->documents[0]->value, "DocumentReference/d");
        translate(REFERENCE("entered-in-error", "\"type\":{\"text\":\"DNACPR\"}"));
        assert_int_equal(the_event("cpr_decision.ended")->action, CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR);
}

static void test_a_composition_has_its_sections_in_words(void **state) {
        translate("{\"resourceType\":\"Composition\",\"id\":\"c\",\"identifier\":{\"system\":\"urn:x\",\"value\":\"9\"}"
                  ",\"status\":\"final\","
                  "\"type\":{\"text\":\"Discharge summary\"}," SUBJECT
                  ",\"date\":\"2021-02-12T19:00:00Z\",\"title\":\"Summary\",\"author\":[{"
                  "\"reference\":\"Practitioner/d\",\"display\":\"Dr "
                  "A\"}],\"attester\":[{\"mode\":\"legal\",\"time\":\"2021-02-13\",\"party\":{"
                  "\"reference\":\"Practitioner/e\",\"display\":\"Dr "
                  "E\"}}],\"event\":[{\"period\":{\"start\":\"2021-02-01\"}}],\"section\":[{\"title\":"
                  "\"Plan\",\"text\":{\"status\":\"generated\",\"div\":\"<div>Go<br/>home</"
                  "div>\"},\"section\":[{\"title\":\"Inner\",\"emptyReason\":"
                  "{\"text\":\"nil known\"}}]}]}");
        Carebus__V1__Event *event = only_event("document.available");

        assert_text(event->document_id->value, "9");
        assert_text(event->document->content_text, "Plan\nGo\nhome\nInner\nempty: nil known");
        assert_text(event->document->authenticator->name->text, "Dr E");
        assert_when(event->document->service_period->start, "2021-02-01");
        assert_text(event->document->original_part, "Composition");
        assert_when(event->occurred_at, "2021-02-12T19:00:00Z");
}

static void test_the_scan_in_a_consent_and_in_a_form_is_a_document(void **state) {
        const Carebus__V1__Event *event;

        translate("{\"resourceType\": \"Consent\", \"id\": \"c1\", \"status\": \"active\", " PATIENT
                  ", \"category\": [" SNOMED(
                          "450476008") "], \"sourceAttachment\": {\"contentType\": \"application/pdf\","
                                       "\"title\": \"DNACPR form\", \"data\": \"JVBERi0xLjQK\"}, \"provision\": "
                                       "{\"period\": {\"end\": \"2030-03-01\"}}}");
        event = the_event("document.available");
        assert_int_equal(event->document->size, 9);
        assert_text(event->document->title, "DNACPR form");
        /* One decision, with its paper; until when it is valid is no end of it. */
        assert_int_equal(result.reading.n_events, 2);
        event = the_event("cpr_decision.recorded");
        assert_code(event->decision->decision, SYSTEM_SNOMED_CT, "450476008");
        assert_int_equal(event->decision->n_documents, 1);
        assert_null(event->decision->ended_at);
        assert_when(event->decision->valid->end, "2030-03-01");

        translate("{\"resourceType\": \"QuestionnaireResponse\", \"id\": \"q1\", \"status\": \"completed\", " SUBJECT
                  ", \"item\": [{\"linkId\": \"1\", \"text\": \"Body map\", \"answer\": [{\"valueAttachment\": "
                  "{\"contentType\":"
                  "\"image/png\", \"data\": \"JVBERi0xLjQK\"}}]}]}");
        assert_int_equal(the_event("document.available")->document->size, 9);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_scan_in_a_consent_and_in_a_form_is_a_document),
                cmocka_unit_test(test_content_is_hashed_and_stays_in_the_original),
                cmocka_unit_test(test_what_is_not_base64_is_a_problem_with_its_path),
                cmocka_unit_test(test_a_pointer_keeps_its_type_custodian_and_label),
                cmocka_unit_test(test_a_document_that_replaces_and_one_that_is_wrong),
                cmocka_unit_test(test_a_binary_of_the_message_is_the_content),
                cmocka_unit_test(test_a_form_about_resuscitation_is_a_decision_that_nobody_has_read),
                cmocka_unit_test(test_a_composition_has_its_sections_in_words),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
