/*
 * Documents: what the content is, where it stands, by which hash it can be told again. It is never copied, and never silently lost.
 */
#include "groups-fixture.h"

#include "base/sha256.h"

#define TXA                                                                                                          \
        "TXA|1|DS^Discharge "                                                                                        \
        "summary^L|TX|202403051000|G1^GREEN^ANN|202403051005||202403051010|G2^WHITE^BOB~G3^GREY|||D1^DMS|D0^DMS|P1^" \
        "EPC|F1\r"
#define ENCLOSED(type, subtype, encoding, data) \
        MSH_OF("MDM^T02") PID PV1 TXA "OBX|1|ED|X^Letter^L||^" type "^" subtype "^" encoding "^" data "||||||F\r"

static const Carebus__V1__Document *document_of(const char *type) {
        return only_event(type)->document;
}

static void assert_content(const Carebus__V1__Document *document, const char *content) {
        uint8_t hash[SHA256_SIZE];

        sha256(content, strlen(content), hash);
        assert_true(document->has_sha256 && document->has_size);
        assert_int_equal(document->size, strlen(content));
        assert_int_equal(document->sha256.len, SHA256_SIZE);
        assert_memory_equal(document->sha256.data, hash, SHA256_SIZE);
}

static const struct {
        const char *trigger, *type, *status;
        int action;
        size_t n_replaces;
} triggers[] = {
        { "T01", "document.available", "current", CAREBUS__V1__ACTION__ACTION_NEW, 1 },
        { "T02", "document.available", "current", CAREBUS__V1__ACTION__ACTION_NEW, 1 },
        { "T03", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T04", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T05", "document.available", "current", CAREBUS__V1__ACTION__ACTION_NEW, 0 },
        { "T06", "document.available", "current", CAREBUS__V1__ACTION__ACTION_NEW, 0 },
        { "T07", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T08", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T09", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T10", "document.replaced", "current", CAREBUS__V1__ACTION__ACTION_UPDATE, 1 },
        { "T11", "document.cancelled", "cancelled", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, 1 },
};

static void test_each_trigger_does_what_it_says_to_the_document(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                const Carebus__V1__Document *document;
                char text[1024];

                snprintf(text, sizeof(text), "MSH|^~\\&|DMS|RA9|||20240305||MDM^%s|M1|P|2.4\r" PID PV1 TXA,
                         triggers[i].trigger);
                translate_text(text);
                document = document_of(triggers[i].type);
                assert_int_equal(result.events[0]->action, triggers[i].action);
                assert_text(document->status, triggers[i].status);
                assert_text(document->identifier->value, "D1");
                assert_text(result.events[0]->document_id->value, "D1");
                assert_int_equal(document->n_replaces, triggers[i].n_replaces);
        }
}

static void test_what_txa_says_is_the_documents(void **state) {
        const Carebus__V1__Document *document;

        translate_text(MSH_OF("MDM^T01") PID PV1
                       "TXA|1|DS^Discharge summary^L|TX|202403051000|G1^GREEN|202403051005||202403051010|"
                       "G2^WHITE~G3^GREY||| D1^DMS|D0^DMS|P1^EPC||letter.pdf|AU|R|AV||typo|G4^BLACK|||"
                       "Letter to the GP||RA9^x|300^Medicine\r");
        document = document_of("document.available");
        assert_code(document->type, "DS");
        assert_text(document->activity_at->text, "202403051000");
        assert_text(result.events[0]->occurred_at->text, "202403051000");
        assert_text(document->written_at->text, "202403051005");
        assert_text(document->edited_at->text, "202403051010");
        assert_int_equal(document->n_authors, 2);
        assert_text(document->authors[1]->name->family, "GREY");
        assert_text(result.events[0]->author->person, "G2");
        assert_text(document->replaces[0]->value, "D0");
        assert_text(result.events[0]->order_id->value, "P1");
        assert_text(document->file_name, "letter.pdf");
        assert_code(document->completion, "AU");
        assert_code(document->confidentiality, "R");
        assert_code(document->availability, "AV");
        assert_text(document->authenticator->name->family, "BLACK");
        assert_text(document->title, "Letter to the GP");
        assert_text(document->description, "typo");
        assert_text(document->custodian->name, "RA9");
        assert_code(document->practice_setting, "300");
        assert_text(result.events[0]->encounter_id->value, "V1");
}

static const struct {
        const char *availability, *status;
} availabilities[] = { { "AV", "current" }, { "OB", "superseded" }, { "CA", "cancelled" } };

static void test_a_document_that_is_no_longer_available_says_so(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(availabilities); i++) {
                char text[512];

                snprintf(text, sizeof(text), "%sTXA|1|DS||||||||||D1|||||||%s\r", MSH_OF("MDM^T03") PID,
                         availabilities[i].availability);
                translate_text(text);
                assert_text(document_of("document.replaced")->status, availabilities[i].status);
        }
}

static const struct {
        const char *type, *subtype, *encoding, *data;
        const char *media_type, *content;
} contents[] = {
        { "AP", "PDF", "Base64", "JVBERi0xLjQ=", "application/pdf", "%PDF-1.4" },
        { "application", "pdf", "BASE64", "JVBERi0xLjQ", "application/pdf", "%PDF-1.4" },
        { "AP", "PDF", "Base64", "JVBE\\X0D0A\\Ri0x\\.br\\LjQ=", "application/pdf", "%PDF-1.4" },
        { "IM", "JPG", "B64", "QUJD", "image/jpeg", "ABC" },
        { "IM", "TIFF", "Base64", "QQ==", "image/tiff", "A" },
        { "", "PDF", "Base64", "QUI=", "application/pdf", "AB" },
        { "PDF", "", "Base64", "QUI=", "application/pdf", "AB" },
        { "application/pdf", "", "Base64", "QUI=", "application/pdf", "AB" },
        { "TEXT", "HTML", "A", "<b>a \\T\\ b</b>", "text/html", "<b>a & b</b>" },
        { "TX", "PLAIN", "", "plain", "text/plain", "plain" },
        { "AP", "RTF", "Hex", "7B5c72 7466", "application/rtf", "{\\rtf" },
        { "X", "Y", "Base64", "QUI=", NULL, "AB" },
};

static void test_content_is_hashed_as_it_is_when_decoded(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
                const Carebus__V1__Document *document;
                char text[1024];

                snprintf(text, sizeof(text), "%sOBX|1|ED|X||S^%s^%s^%s^%s\r", MSH_OF("MDM^T02") PID TXA,
                         contents[i].type, contents[i].subtype, contents[i].encoding, contents[i].data);
                translate_text(text);
                document = document_of("document.available");
                assert_text(document->media_type, contents[i].media_type);
                assert_content(document, contents[i].content);
                assert_text(document->original_part, "OBX-5");
                assert_false(document->has_content);
        }
}

static const struct {
        const char *encoding, *data, *problem, *position;
} bad_contents[] = {
        { "Base64", "QUJ*", "bad-base64", "OBX[2]-5.5 character 4" },
        { "Base64", "Q", "bad-base64", "OBX[2]-5.5 character 2" },
        { "Base64", "QUI=QUI=", "bad-base64", "OBX[2]-5.5 character 5" },
        { "Base64", "Q===", "bad-base64", "OBX[2]-5.5 character 2" },
        { "Base64", "QQ=", "bad-base64", "OBX[2]-5.5 character 4" },
        { "Base64", "<Base64 encoded>", "bad-base64", "OBX[2]-5.5 character 1" },
        { "Hex", "4G", "bad-hex", "OBX[2]-5.5 character 2" },
        { "Hex", "414", "bad-hex", "OBX[2]-5.5 character 4" },
        { "uuencode", "x", "unknown-encoding", "OBX[2]-5.4" },
};

static void test_content_that_cannot_be_decoded_is_a_problem_with_its_place(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_contents); i++) {
                char text[1024];

                snprintf(text, sizeof(text), "%sOBX|1|NM|W^Weight^L||60\rOBX|2|ED|X||S^AP^PDF^%s^%s\r",
                         MSH_OF("MDM^T02") PID TXA, bad_contents[i].encoding, bad_contents[i].data);
                translate_text(text);
                assert_text(result.problem_code, bad_contents[i].problem);
                assert_text(result.problem_position, bad_contents[i].position);
                /* The events wait beside it: whoever looks may let them go on. */
                assert_int_equal(result.n_events, 2);
                assert_false(result.events[0]->document->has_sha256);
        }
}

static void test_an_order_does_not_get_lost_by_its_broken_attachment(void **state) {
        translate_text(MSH_OF("OML^O21") PID
                       "ORC|NW|P1\rOBR|1|P1||X^Test^L\rOBX|1|ED|L^Form^L||S^AP^PDF^Base64^JVB...\r");
        assert_text(result.problem_code, "bad-base64");
        assert_int_equal(result.n_events, 2);
        assert_text(result.events[0]->type, "order.placed");
        assert_text(result.events[1]->type, "document.available");
}

static void test_lines_of_text_are_the_document(void **state) {
        const Carebus__V1__Document *document;

        translate_text(MSH_OF("MDM^T02") PID TXA
                       "OBX|1|TX|N^Note^L|1|Dear colleague\rOBX|2|TX|N^Note^L|1|thank you\rOBX|3|FT|S^"
                       "Signature^L|1|A. Green\r");
        document = document_of("document.available");
        assert_text(document->content_text, "Dear colleague\nthank you\nA. Green");
        assert_text(document->media_type, "text/plain");
        assert_text(document->original_part, "OBX-5");
        assert_content(document, "Dear colleague\nthank you\nA. Green");
}

static void test_a_finding_beside_the_document_is_an_observation(void **state) {
        translate_text(MSH_OF("MDM^T02") PID TXA "OBX|1|NM|W^Weight^L||60|kg\rOBX|2|ED|X||S^AP^PDF^Base64^QUJD\r");
        assert_events("document.available observation.recorded");
        assert_text(result.events[0]->document->original_part, "OBX[2]-5");
        assert_quantity(result.events[1]->observation->value, "60 kg");
}

static void test_every_rendition_of_a_document_is_told(void **state) {
        translate_text(MSH_OF("MDM^T02") PID TXA
                       "OBX|1|ED|X||S^AP^PDF^Base64^QUJD\rOBX|2|ED|X||S^AP^RTF^Base64^QUI=\rOBX|3|RP|X||https://"
                       "dms.test/1^DMS^AP^PDF\r");
        assert_events("document.available document.available document.available");
        assert_text(result.events[0]->document->identifier->value, "D1");
        assert_content(result.events[0]->document, "ABC");
        assert_text(result.events[1]->document->identifier->value, "D1/OBX[2]");
        assert_content(result.events[1]->document, "AB");
        assert_text(result.events[2]->document->url, "https://dms.test/1");
        assert_false(result.events[2]->document->has_sha256);
}

static void test_a_document_within_a_result_is_a_document(void **state) {
        translate_text(MSH_OF("ORU^R01") PID
                       "OBR|1|P1^EPC|F1^LAB|X^Imaging^L\rOBX|1|ED|R^Report^L||S^AP^PDF^Base64^QUJD||||||F|||"
                       "20240305||G1^GREEN\rNTE|1||scanned\r");
        const Carebus__V1__Document *document = document_of("document.available");

        assert_content(document, "ABC");
        assert_text(document->identifier->value, "F1");
        assert_text(document->title, "Report");
        assert_text(document->written_at->text, "20240305");
        assert_text(document->authors[0]->name->family, "GREEN");
        assert_text(document->description, "scanned");
        assert_text(result.events[0]->order_id->value, "P1");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|ED|R^Report^L||S^AP^PDF^Base64^QUJD||||||W\r");
        assert_text(document_of("document.cancelled")->status, "entered-in-error");
        translate_text(MSH_OF("ORU^R01") PID "OBR|1\rOBX|1|ED|R^Report^L||S^AP^PDF^Base64^QUJD||||||C\r");
        document_of("document.replaced");
}

static void test_a_large_document_costs_no_copy_of_it(void **state) {
        size_t n = 3 << 20;
        char *text = malloc(n + 1024), *at = text;

        assert_non_null(text);
        at += sprintf(at, "%s", MSH_OF("MDM^T02") PID TXA "OBX|1|ED|X||S^AP^PDF^Base64^");
        memset(at, 'A', n);
        strcpy(at + n, "\r");
        translate_text(text);
        assert_int_equal(document_of("document.available")->size, n / 4 * 3);
        free(text);
}

static void test_a_message_about_no_document_is_a_problem(void **state) {
        translate_text(MSH_OF("MDM^T02") PID "OBX|1|TX|X||text\r");
        assert_problem("no-document", "TXA");
        translate_text(MSH_OF("MDM^T11") PID "TXA|1|DS\r");
        assert_problem("no-identifier", "TXA-12");
        translate_text(MSH_OF("MDM^T02") TXA);
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("MDM^T02") PID PID TXA);
        assert_problem("several-patients", "PID[2]");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_does_what_it_says_to_the_document),
                TEST(test_what_txa_says_is_the_documents),
                TEST(test_a_document_that_is_no_longer_available_says_so),
                TEST(test_content_is_hashed_as_it_is_when_decoded),
                TEST(test_content_that_cannot_be_decoded_is_a_problem_with_its_place),
                TEST(test_an_order_does_not_get_lost_by_its_broken_attachment),
                TEST(test_lines_of_text_are_the_document),
                TEST(test_a_finding_beside_the_document_is_an_observation),
                TEST(test_every_rendition_of_a_document_is_told),
                TEST(test_a_document_within_a_result_is_a_document),
                TEST(test_a_large_document_costs_no_copy_of_it),
                TEST(test_a_message_about_no_document_is_a_problem),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
