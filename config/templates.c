/* See the header. */
#include "config/templates.h"

#include <string.h>

#include "base/cleanup.h"

#define COLUMNS(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* Who a row is about; in any table a person may also be known by the national numbers. */
#define PERSON "local_id", "nhs_number", "chi_number"

static const Template templates[] = {
        { "people", COLUMNS(PERSON, "family_name", "given_name", "known_as", "birth_date", "sex", "postcode",
                            "gp_practice_ods", "ethnicity", "language", "interpreter", "lives_alone", "main_carer",
                            "carer_phone", "restricted", "deceased_date") },
        { "contacts", COLUMNS(PERSON, "contact_id", "start", "minutes", "mode", "place", "staff_role", "provider_org",
                              "with_whom", "purpose", "outcome", "next_contact") },
        { "referrals", COLUMNS(PERSON, "referral_id", "received_date", "from_org", "reason", "priority", "diagnosis",
                               "decision", "decision_date", "decline_reason", "declined_by", "first_contact_date",
                               "closed_date", "close_reason", "requested_date") },
        { "stays",
          COLUMNS(PERSON, "stay_id", "admitted", "from_place", "reason", "discharged", "to_place", "died", "status") },
        { "plan", COLUMNS(PERSON, "item", "value", "text", "date", "author", "author_role", "review_date",
                          "document_place", "status", "decided_at", "scope", "decision_id") },
        { "scores", COLUMNS(PERSON, "scale", "item", "score", "date", "respondent") },
        { "bereaved",
          COLUMNS("bereaved_id", "deceased_local_id", "relation", "offered", "accepted", "first_contact", "closed") },
        { "services", COLUMNS("service", "offers", "phone", "days", "from", "to", "area", "out_of_hours_phone") },
        { "transfers",
          COLUMNS(PERSON, "stay_id", "transferred", "from_place", "from_facility", "from_ward", "from_room", "from_bed",
                  "to_place", "to_facility", "to_ward", "to_room", "to_bed", "reason", "status") },
        { "allergies",
          COLUMNS(PERSON, "allergy_id", "substance", "substance_code", "substance_code_system", "type", "kind",
                  "severity", "criticality", "certainty", "reaction", "status", "onset", "recorded", "none_known") },
        { "appointments", COLUMNS(PERSON, "appointment_id", "start", "former_start", "minutes", "status", "type",
                                  "mode", "service", "place", "facility", "ward", "room", "bed", "reason", "outcome",
                                  "cancellation_reason", "instructions") },
        { "documents", COLUMNS(PERSON, "document_id", "title", "type", "written", "author", "custodian", "status",
                               "media_type", "size", "sha256", "replaces_id", "replaces_id_system") },
        { "merges", COLUMNS(PERSON, "merge", "at", "surviving_id", "retired_id", "retired_id_system", "reason", "scope",
                            "visit_id", "former_visit_id") },
};

/* Those behind it are no templates: nobody fills them in by hand. */
#define TEMPLATES_MAX 8

const char *const template_plan_items[] = { "cpr",          "adrt",        "lpa",           "ppc",
                                            "ppd1",         "ppd2",        "ceiling",       "jic_box",
                                            "what_matters", "contact_day", "contact_night", NULL };

const Template *template_at(size_t index) {
        return index < ELEMENTSOF(templates) ? &templates[index] : NULL;
}

bool template_is_shipped(const Template *template) {
        return (size_t)(template - templates) < TEMPLATES_MAX;
}

const Template *template_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(templates); i++)
                if (strcmp(templates[i].name, name) == 0)
                        return &templates[i];
        return NULL;
}

static bool is_among(const char *const *words, const char *word) {
        for (; *words; words++)
                if (strcmp(*words, word) == 0)
                        return true;
        return false;
}

bool template_has_column(const Template *template, const char *column) {
        return is_among(template->columns, column);
}

bool template_needs_signature(const Template *template, const char *column) {
        static const char *const decisive[] = { "value", "cpr", "adrt", "ceiling", NULL };
        return strcmp(template->name, "plan") == 0 && is_among(decisive, column);
}
