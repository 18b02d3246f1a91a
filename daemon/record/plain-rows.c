/* Which facts there are, and what tells them apart. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/plain.h"
#include "proto/types.h"

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name

static const PlainRow rows[] = {
        { .body = BODY(REFERRAL),
          .name = "referral",
          .correlator = "referral_id",
          .ids = { "identifier", "target_identifier" },
          .natural = { "kind", "requested_at|received_at|effective_at|processed_at", "from", "to", "type" },
          .status = "status" },
        { .body = BODY(APPOINTMENT),
          .name = "appointment",
          .correlator = "appointment_id",
          .ids = { "identifier", "placer_identifier" },
          .natural = { "start_at", "service|specialty", "type", "place" },
          .status = "status" },
        { .body = BODY(CONTACT),
          .name = "contact",
          .ids = { "identifier" },
          .natural = { "start_at|planned_at", "kind|consultation_type", "mode", "by|participants" },
          .status = "status" },
        { .body = BODY(CARE_TEAM),
          .name = "care_team",
          .ids = { "identifier" },
          .natural = { "name", "organisation" },
          .status = "status",
          .partial = { "members" } },
        { .body = BODY(CARE_PLAN),
          .name = "care_plan",
          .correlator = "plan_id",
          .ids = { "identifier" },
          .natural = { "type|title", "category" },
          .status = "status",
          .partial = { "items" },
          .replaces = "replaces" },
        { .body = BODY(DECISION),
          .name = "decision",
          .correlator = "order_id",
          .ids = { "identifier" },
          .natural = { "decided_at", "decided_by|@author", "rank", "decision|decision_text|text",
                       "place|place_organisation", "focus|summary|circumstances|attorneys" },
          .status = "status",
          .partial = { "discussions", "awareness", "signatures", "documents" },
          .replaces = "replaces",
          .ends_explicitly = true },
        { .body = BODY(MEASURE),
          .name = "measure",
          .ids = { "identifier" },
          .natural = { "scale", "measured_at|@occurred_at", "respondent|respondent_coded" },
          .status = "status" },
        { .body = BODY(OBSERVATION),
          .name = "observation",
          .ids = { "identifier" },
          .natural = { "code|text", "observed_at|observed_period|@occurred_at", "order|report", "sub_id" },
          .status = "status",
          .numbered = true },
        { .body = BODY(CONDITION),
          .name = "condition",
          .ids = { "identifier" },
          .natural = { "code|text|further_codes" },
          .status = "status" },
        { .body = BODY(ALLERGY),
          .name = "allergy",
          .ids = { "identifier" },
          .natural = { "none_known", "substance|text" },
          .status = "status",
          .ends_explicitly = true },
        { .body = BODY(MEDICATION),
          .name = "medication",
          .correlator = "order_id",
          .ids = { "identifier", "filler_identifier" },
          .natural = { "drug|text|ingredients" },
          .status = "status",
          .replaces = "replaces" },
        { .body = BODY(ALERT),
          .name = "alert",
          .ids = { "identifier" },
          .natural = { "kind", "code|text" },
          .status = "status",
          .ends_explicitly = true },
        { .body = BODY(DOCUMENT),
          .name = "document",
          .correlator = "document_id",
          .ids = { "identifier" },
          .natural = { "type", "written_at|activity_at|edited_at", "title|file_name|url|description" },
          .status = "status",
          .replaces = "replaces" },
        { .body = BODY(CONSENT),
          .name = "consent",
          .natural = { "kind", "scope|scope_text" },
          .always_said = "consent",
          .slot = true,
          .ends_explicitly = true },
        { .body = BODY(BEREAVEMENT),
          .name = "bereavement",
          .ids = { "identifier" },
          .natural = { "bereaved_identifiers|bereaved_name", "deceased_identifiers" },
          .status = "status" },
        { .body = BODY(EPISODE),
          .name = "episode",
          .correlator = "episode_id",
          .ids = { "identifier" },
          .natural = { "opened_at", "service|type" },
          .status = "status" },
        { .body = BODY(PALLIATIVE_NEED),
          .name = "palliative_need",
          .ids = { "identifier" },
          .natural = { "register" },
          .status = "status",
          .always_said = "need",
          .slot = true },
        { .body = BODY(CARE_PACKAGE),
          .name = "care_package",
          .ids = { "identifier" },
          .natural = { "type", "provider" },
          .status = "status" },
        { .body = BODY(MEETING),
          .name = "meeting",
          .ids = { "identifier" },
          .natural = { "kind", "held_at|@occurred_at" },
          .status = "status" },
        { .body = BODY(PROGRAMME),
          .name = "programme",
          .ids = { "identifier" },
          .natural = { "programme|name" },
          .status = "status",
          .partial = { "measures" } },
        { .body = BODY(ANTICIPATORY_MEDICINES),
          .name = "anticipatory_medicines",
          .correlator = "order_id",
          .ids = { "identifier" },
          .status = "status",
          .always_said = "box",
          .slot = true },
        { .body = BODY(PLACE_OF_DEATH_COMPARISON),
          .name = "place_of_death_comparison",
          .always_said = "comparison",
          .slot = true },
        { .body = BODY(ORDER),
          .name = "order",
          .correlator = "order_id",
          .ids = { "identifier", "filler_identifier" },
          .natural = { "code|code_text", "ordered_at|start_at" },
          .status = "status" },
        { .body = BODY(EQUITY), .name = "equity", .always_said = "equity", .slot = true },
        { .body = BODY(CONTACT_POINT),
          .name = "contact_point",
          .ids = { "identifier" },
          .natural = { "kind", "name|service|practitioner|person" },
          .status = "status",
          .always_said = "contact",
          .slot = true },
};

static const PlainRow *row_find(unsigned body) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].body == body)
                        return &rows[i];
        return NULL;
}

const PlainRow *plain_row(const Carebus__V1__Event *event) {
        const EventType *type = event_type_find(event->type);

        /* Where the correlators say enough, the body may be left out. */
        if (!type || !type->section ||
            (event->body_case != type->body && event->body_case != CAREBUS__V1__EVENT__BODY__NOT_SET))
                return NULL;
        return row_find(type->body);
}

const PlainRow *plain_row_of_fact(const Carebus__V1__Fact *fact) {
        return row_find(fact->value_case);
}

static const PlainRow *row_of_section(const char *section) {
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++)
                if (text_equal(type->section, section))
                        return row_find(type->body);
        return NULL;
}

bool plain_section_has_lists(const char *section) {
        const PlainRow *row = row_of_section(section);

        return row && !row->ends_explicitly;
}

const char *plain_section_of_list(const Carebus__V1__Event *event, const char *path) {
        const char *section;

        if (event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                return NULL;
        /* Who came stands among all others; who left, or leads now, is told alone. */
        if (strcmp(path, "care_team.members") == 0 && strcmp(event->type, "care_team.member_added") == 0)
                path = "care-team";
        for (size_t i = 0; (section = section_at(i)); i++) {
                size_t j = 0;

                while (section[j] && (path[j] == section[j] || (path[j] == '_' && section[j] == '-')))
                        j++;
                if (!section[j] && !path[j])
                        return plain_section_has_lists(section) ? section : NULL;
        }
        return NULL;
}
