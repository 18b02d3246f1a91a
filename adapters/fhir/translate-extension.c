/*
 * Extensions of UK Core. The same extension has stood under fhir.nhs.uk, fhir.hl7.org.uk and as CareConnect, with and without a release
 * in its URL; what it is called at the end has not changed, so that is what it is found by.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

static const char *const hosts[] = { "https://fhir.hl7.org.uk/", "https://fhir.nhs.uk/", "http://fhir.hl7.org.uk/",
                                     "http://fhir.nhs.uk/" };
static const char *const families[] = { "/Extension-UKCore-",  "/Extension-CareConnect-", "/Extension-CareConnect-GPC-",
                                        "/Extension-England-", "/Extension-PDS-",         "/Extension-eRS-" };

static bool is_host(const char *url) {
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++)
                if (text_starts_with(url, hosts[i]))
                        return true;
        return false;
}

/* Older releases end in -1. */
static bool is_name(const char *tail, const char *name) {
        size_t n = strlen(name);

        return strncmp(tail, name, n) == 0 &&
               (!tail[n] || (tail[n] == '-' && tail[n + 1] >= '0' && tail[n + 1] <= '9'));
}

static bool url_has_name(const char *url, const char *name) {
        if (!is_host(url))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                const char *family = strstr(url, families[i]);

                if (family && is_name(family + strlen(families[i]), name))
                        return true;
        }
        return false;
}

JsonNode *fhir_uk_extension(JsonNode *node, const char *name) {
        const JsonNode *extensions = json_peek(node, "extension");

        for (const JsonNode *item = extensions ? extensions->first : NULL; item; item = item->next) {
                const char *url = json_said(item, "url");

                if (url && url_has_name(url, name))
                        return fhir_extension(node, url);
        }
        return NULL;
}

Carebus__V1__Coded *fhir_uk_coded(Fhir *f, JsonNode *node, const char *name) {
        JsonNode *value = fhir_choice(fhir_uk_extension(node, name), "value");

        if (value && value->kind == JSON_STRING)
                return draft_coded_local(&f->draft, NULL, fhir_text(f, value), NULL);
        return value && json_peek(value, "coding") ? fhir_coded(f, value)
               : value && json_peek(value, "code") ? fhir_coding(f, value)
                                                   : fhir_coded(f, value);
}

JsonNode *fhir_uk_part(JsonNode *extension, const char *name) {
        return fhir_choice(fhir_extension(extension, name), "value");
}
