/* Rows for programs of what the templates have no table for: nobody but the bus writes them. */
#include <string.h>

#include "adapters/csv/exact-parts.h"
#include "base/text.h"

#define PERSON                                    \
        { "local_id", 0 }, { "nhs_number", 0 }, { \
                "chi_number", 0                   \
        }
enum { PERSON_END = 3 };

static const char *state(const Exact *exact, const char *status) {
        return exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR ? "entered in error" : status;
}

/* ---- transfers */

static const TableColumn transfer_columns[] = {
        PERSON,          { "stay_id", 0 }, { "transferred", 0 }, { "from_place", 0 }, { "to_place", 0 },
        { "reason", 0 }, { "status", 0 },
};
enum { TRANSFER_STAY = PERSON_END, TRANSFER_AT, TRANSFER_FROM, TRANSFER_TO, TRANSFER_REASON, TRANSFER_STATUS };

/* RB1, Ward 4, bay 2, bed 1: what is said of it. */
static const char *place(Exact *exact, const Carebus__V1__Place *is) {
        const char *text = is ? is->text : NULL;

        if (!is || text)
                return text;
        const char *const parts[] = { is->organisation ? is->organisation->name : NULL, is->facility, is->point_of_care,
                                      is->room, is->bed };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i])
                        text = text ? arena_format(exact->arena, "%s, %s", text, parts[i]) : parts[i];
        return text;
}

static bool transfer(Exact *exact) {
        const Carebus__V1__Encounter *stay = exact->event->encounter;
        bool is_cancelled = text_equal(exact->event->type, "encounter.transfer_cancelled");

        if (!stay->identifier || (!is_cancelled && !text_equal(exact->event->type, "encounter.transferred")))
                return false;
        exact->values[TRANSFER_STAY] = exact_own_id(exact, stay->identifier);
        exact->values[TRANSFER_AT] = exact_when(exact, stay->transferred_at ?: exact->event->occurred_at);
        exact->values[TRANSFER_FROM] = place(exact, stay->prior_place);
        exact->values[TRANSFER_TO] = place(exact, stay->place);
        exact->values[TRANSFER_REASON] = exact_coded(stay->transfer_reason);
        exact->values[TRANSFER_STATUS] = is_cancelled ? "cancelled" : state(exact, NULL);
        return true;
}

/* ---- allergies */

static const TableColumn allergy_columns[] = {
        PERSON,
        { "allergy_id", 0 },
        { "substance", 0 },
        { "substance_code", 0 },
        { "substance_code_system", 0 },
        { "type", 0 },
        { "kind", 0 },
        { "severity", 0 },
        { "criticality", 0 },
        { "certainty", 0 },
        { "reaction", 0 },
        { "status", 0 },
        { "onset", 0 },
        { "recorded", 0 },
        { "none_known", 0 },
};
enum {
        ALLERGY_ID = PERSON_END,
        ALLERGY_SUBSTANCE,
        ALLERGY_CODE,
        ALLERGY_CODE_SYSTEM,
        ALLERGY_TYPE,
        ALLERGY_KIND,
        ALLERGY_SEVERITY,
        ALLERGY_CRITICALITY,
        ALLERGY_CERTAINTY,
        ALLERGY_REACTION,
        ALLERGY_STATUS,
        ALLERGY_ONSET,
        ALLERGY_RECORDED,
        ALLERGY_NONE_KNOWN,
};

static bool allergy(Exact *exact) {
        const Carebus__V1__Allergy *is = exact->event->allergy;
        const char *reactions = NULL;

        for (size_t i = 0; i < is->n_reactions; i++) {
                const char *one = exact_coded(is->reactions[i]->manifestation) ?: is->reactions[i]->text;

                if (one)
                        reactions = reactions ? arena_format(exact->arena, "%s; %s", reactions, one) : one;
        }
        exact->values[ALLERGY_ID] = exact_own_id(exact, is->identifier);
        exact->values[ALLERGY_SUBSTANCE] = exact_coded(is->substance) ?: is->text;
        exact->values[ALLERGY_CODE] = is->substance ? is->substance->code : NULL;
        exact->values[ALLERGY_CODE_SYSTEM] = is->substance ? is->substance->system : NULL;
        exact->values[ALLERGY_TYPE] = exact_coded(is->type);
        exact->values[ALLERGY_KIND] = exact_coded(is->kind);
        exact->values[ALLERGY_SEVERITY] = exact_coded(is->severity);
        exact->values[ALLERGY_CRITICALITY] = exact_coded(is->criticality);
        exact->values[ALLERGY_CERTAINTY] = exact_coded(is->certainty);
        exact->values[ALLERGY_REACTION] = reactions;
        exact->values[ALLERGY_STATUS] = state(exact, is->status);
        exact->values[ALLERGY_ONSET] = exact_when(exact, is->onset_at);
        exact->values[ALLERGY_RECORDED] = exact_when(exact, is->recorded_at);
        exact->values[ALLERGY_NONE_KNOWN] = !is->has_none_known ? NULL : is->none_known ? "yes" : "no";
        return exact->values[ALLERGY_SUBSTANCE] || exact->values[ALLERGY_ID] || exact->values[ALLERGY_NONE_KNOWN];
}

/* ---- appointments */

static const TableColumn appointment_columns[] = {
        PERSON,
        { "appointment_id", 0 },
        { "start", 0 },
        { "former_start", 0 },
        { "minutes", 0 },
        { "status", 0 },
        { "type", 0 },
        { "mode", 0 },
        { "service", 0 },
        { "place", 0 },
        { "reason", 0 },
        { "outcome", 0 },
        { "cancellation_reason", 0 },
        { "instructions", 0 },
};
enum {
        APPOINTMENT_ID = PERSON_END,
        APPOINTMENT_START,
        APPOINTMENT_FORMER,
        APPOINTMENT_MINUTES,
        APPOINTMENT_STATUS,
        APPOINTMENT_TYPE,
        APPOINTMENT_MODE,
        APPOINTMENT_SERVICE,
        APPOINTMENT_PLACE,
        APPOINTMENT_REASON,
        APPOINTMENT_OUTCOME,
        APPOINTMENT_CANCELLED,
        APPOINTMENT_INSTRUCTIONS,
};

static bool appointment(Exact *exact) {
        const Carebus__V1__Appointment *is = exact->event->appointment;

        exact->values[APPOINTMENT_ID] = exact_own_id(exact, is->identifier ?: is->placer_identifier);
        exact->values[APPOINTMENT_START] = exact_when(exact, is->start_at);
        exact->values[APPOINTMENT_FORMER] = exact_when(exact, is->former_start_at);
        exact->values[APPOINTMENT_MINUTES] = exact_number(exact, is->has_minutes, is->minutes);
        exact->values[APPOINTMENT_STATUS] = state(exact, is->status);
        exact->values[APPOINTMENT_TYPE] = exact_coded(is->type);
        exact->values[APPOINTMENT_MODE] = exact_coded(is->mode);
        exact->values[APPOINTMENT_SERVICE] = is->service ? is->service->name : NULL;
        exact->values[APPOINTMENT_PLACE] = place(exact, is->place);
        exact->values[APPOINTMENT_REASON] = exact_coded(is->reason);
        exact->values[APPOINTMENT_OUTCOME] = exact_coded(is->outcome);
        exact->values[APPOINTMENT_CANCELLED] = exact_coded(is->cancellation_reason);
        exact->values[APPOINTMENT_INSTRUCTIONS] = is->instructions;
        return exact->values[APPOINTMENT_ID] != NULL;
}

/* ---- documents: what they are; what they say is no cell of a table */

static const TableColumn document_columns[] = {
        PERSON,          { "document_id", 0 }, { "title", 0 },  { "type", 0 },       { "written", 0 },
        { "author", 0 }, { "custodian", 0 },   { "status", 0 }, { "media_type", 0 }, { "size", 0 },
        { "sha256", 0 }, { "replaces_id", 0 },
};
enum {
        DOCUMENT_ID = PERSON_END,
        DOCUMENT_TITLE,
        DOCUMENT_TYPE,
        DOCUMENT_WRITTEN,
        DOCUMENT_AUTHOR,
        DOCUMENT_CUSTODIAN,
        DOCUMENT_STATUS,
        DOCUMENT_MEDIA_TYPE,
        DOCUMENT_SIZE,
        DOCUMENT_SHA256,
        DOCUMENT_REPLACES,
};

static const char *hex(Exact *exact, ProtobufCBinaryData bytes) {
        char *text = arena_alloc(exact->arena, bytes.len * 2 + 1);

        if (text)
                hex_encode(bytes.data, bytes.len, text);
        return text;
}

static bool document(Exact *exact) {
        const Carebus__V1__Document *is = exact->event->document;
        const Carebus__V1__Practitioner *author = is->n_authors > 0 ? is->authors[0] : NULL;

        exact->values[DOCUMENT_ID] = exact_own_id(exact, is->identifier);
        exact->values[DOCUMENT_TITLE] = is->title;
        exact->values[DOCUMENT_TYPE] = exact_coded(is->type);
        exact->values[DOCUMENT_WRITTEN] = exact_when(exact, is->written_at);
        exact->values[DOCUMENT_AUTHOR] = author ? exact_name(exact, author->name) : NULL;
        exact->values[DOCUMENT_CUSTODIAN] = is->custodian ? is->custodian->name : NULL;
        exact->values[DOCUMENT_STATUS] = state(exact, is->status);
        exact->values[DOCUMENT_MEDIA_TYPE] = is->media_type;
        exact->values[DOCUMENT_SIZE] = is->has_size ? arena_format(exact->arena, "%llu", (unsigned long long)is->size)
                                                    : NULL;
        exact->values[DOCUMENT_SHA256] = is->has_sha256 ? hex(exact, is->sha256) : NULL;
        exact->values[DOCUMENT_REPLACES] = is->n_replaces > 0 ? exact_id(is->replaces[0]) : NULL;
        return exact->values[DOCUMENT_ID] || exact->values[DOCUMENT_TITLE];
}

/* ---- merges: of the first pair of numbers, which is what a source says of two of its own */

static const TableColumn merge_columns[] = {
        PERSON,
        { "merge", 0 },
        { "at", 0 },
        { "surviving_id", 0 },
        { "retired_id", 0 },
        { "retired_id_system", 0 },
        { "reason", 0 },
};
enum { MERGE_WHAT = PERSON_END, MERGE_AT, MERGE_SURVIVING, MERGE_RETIRED, MERGE_RETIRED_SYSTEM, MERGE_REASON };

static bool merge(Exact *exact) {
        const Carebus__V1__Merge *is = exact->event->merge;
        const char *type = exact->event->type;

        if (is->n_surviving == 0 || is->n_retired == 0 || !text_starts_with(type, "patient."))
                return false;
        exact->values[MERGE_WHAT] = type + strlen("patient.");
        exact->values[MERGE_AT] = exact_when(exact, exact->event->occurred_at);
        exact->values[MERGE_SURVIVING] = exact_own_id(exact, is->surviving[0]);
        exact->values[MERGE_RETIRED] = exact_id(is->retired[0]);
        exact->values[MERGE_RETIRED_SYSTEM] = is->retired[0]->system;
        exact->values[MERGE_REASON] = exact_coded(is->reason);
        return exact->values[MERGE_SURVIVING] && exact->values[MERGE_RETIRED];
}

/* ---- all of them */

#define TABLE(name, columns) static const Table name##_table = { #name, columns, ELEMENTSOF(columns) }
TABLE(transfers, transfer_columns);
TABLE(allergies, allergy_columns);
TABLE(appointments, appointment_columns);
TABLE(documents, document_columns);
TABLE(merges, merge_columns);
_Static_assert(ELEMENTSOF(allergy_columns) <= TABLE_COLUMNS_MAX && ELEMENTSOF(appointment_columns) <= TABLE_COLUMNS_MAX,
               "room for all columns");

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name
static const ExactBody further[] = {
        { BODY(ENCOUNTER), "transfers", transfer, true, &transfers_table },
        { BODY(ALLERGY), "allergies", allergy, true, &allergies_table },
        { BODY(APPOINTMENT), "appointments", appointment, true, &appointments_table },
        { BODY(DOCUMENT), "documents", document, true, &documents_table },
        { BODY(MERGE), "merges", merge, true, &merges_table },
};

const ExactBody *exact_further_at(size_t index) {
        return index < ELEMENTSOF(further) ? &further[index] : NULL;
}
