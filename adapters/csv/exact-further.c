/* Rows of the tables that programs exchange besides the templates. */
#include <string.h>

#include "adapters/csv/exact-parts.h"
#include "base/text.h"

static const char *state(const Exact *exact, const char *status) {
        return exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR ? "entered in error" : status;
}

/* In words (RB1, Ward 4, bay 2, bed 1), and its parts behind it. Words that nobody said are made of the parts, for whoever reads one
 * column: `from` and `to` of the parts say whether somebody did. */
static void put_place(Exact *exact, int first, const char *part, const Carebus__V1__Place *is) {
        const char *text = is ? is->text : NULL;

        if (!is)
                return;
        const char *const values[] = { is->organisation ? is->organisation->name : NULL, is->facility,
                                       is->point_of_care, is->room, is->bed };

        exact_part(exact, part, is->text);
        for (size_t i = 0; i < ELEMENTSOF(values) && !is->text; i++)
                if (values[i])
                        text = text ? arena_format(exact->arena, "%s, %s", text, values[i]) : values[i];
        exact->values[first + PLACE_TEXT] = text;
        for (int i = PLACE_FACILITY; i <= PLACE_BED; i++)
                exact->values[first + i] = values[i];
}

static bool transfer(Exact *exact) {
        const Carebus__V1__Encounter *stay = exact->event->encounter;
        bool is_cancelled = text_equal(exact->event->type, "encounter.transfer_cancelled");

        if (!stay->identifier || (!is_cancelled && !text_equal(exact->event->type, "encounter.transferred")))
                return false;
        exact->values[TRANSFER_STAY] = exact_own_id(exact, stay->identifier);
        exact->values[TRANSFER_AT] = exact_when(exact, stay->transferred_at ?: exact->event->occurred_at);
        put_place(exact, TRANSFER_FROM, "from_place", stay->prior_place);
        put_place(exact, TRANSFER_TO, "to_place", stay->place);
        exact_coded(exact, TRANSFER_REASON, stay->transfer_reason);
        exact->values[TRANSFER_STATUS] = is_cancelled ? "cancelled" : state(exact, NULL);
        exact_part(exact, "status", stay->status);
        part_add_coded(&exact->parts, "class", stay->class_);
        exact_part(exact, "transferred_at", exact_when(exact, stay->transferred_at));
        exact_part(exact, "admitted_at", exact_when(exact, stay->admitted_at));
        return true;
}

static void reactions(Exact *exact, const Carebus__V1__Allergy *is) {
        const char *words = NULL;

        for (size_t i = 0; i < is->n_reactions; i++) {
                const Carebus__V1__AllergyReaction *reaction = is->reactions[i];
                const char *one = exact_words(reaction->manifestation) ?: reaction->text;

                part_add_coded(&exact->parts, "reaction", reaction->manifestation);
                if (one)
                        words = words ? arena_format(exact->arena, "%s; %s", words, one) : one;
        }
        exact->values[ALLERGY_REACTION] = words;
}

static bool allergy(Exact *exact) {
        const Carebus__V1__Allergy *is = exact->event->allergy;

        exact->values[ALLERGY_ID] = exact_own_id(exact, is->identifier);
        exact_coded(exact, ALLERGY_SUBSTANCE, is->substance);
        if (!exact->values[ALLERGY_SUBSTANCE])
                exact->values[ALLERGY_SUBSTANCE] = is->text;
        exact->values[ALLERGY_CODE] = is->substance ? is->substance->code : NULL;
        exact->values[ALLERGY_CODE_SYSTEM] = is->substance ? is->substance->system : NULL;
        exact_coded(exact, ALLERGY_TYPE, is->type);
        exact_coded(exact, ALLERGY_KIND, is->kind);
        exact_coded(exact, ALLERGY_SEVERITY, is->severity);
        exact_coded(exact, ALLERGY_CRITICALITY, is->criticality);
        exact_coded(exact, ALLERGY_CERTAINTY, is->certainty);
        reactions(exact, is);
        exact->values[ALLERGY_STATUS] = state(exact, is->status);
        exact->values[ALLERGY_ONSET] = exact_when(exact, is->onset_at);
        exact->values[ALLERGY_RECORDED] = exact_when(exact, is->recorded_at);
        exact->values[ALLERGY_NONE_KNOWN] = exact_truth(is->has_none_known, is->none_known);
        exact_part(exact, "text", is->text);
        exact_part(exact, "set_id", is->set_id);
        exact_part(exact, "status", is->status);
        return exact->values[ALLERGY_SUBSTANCE] || exact->values[ALLERGY_ID] || exact->values[ALLERGY_NONE_KNOWN];
}

static bool appointment(Exact *exact) {
        const Carebus__V1__Appointment *is = exact->event->appointment;

        exact->values[APPOINTMENT_ID] = exact_own_id(exact, is->identifier ?: is->placer_identifier);
        exact->values[APPOINTMENT_START] = exact_when(exact, is->start_at);
        exact->values[APPOINTMENT_FORMER] = exact_when(exact, is->former_start_at);
        exact->values[APPOINTMENT_MINUTES] = exact_number(exact, is->has_minutes, is->minutes);
        exact->values[APPOINTMENT_STATUS] = state(exact, is->status);
        exact_coded(exact, APPOINTMENT_TYPE, is->type);
        exact_coded(exact, APPOINTMENT_MODE, is->mode);
        exact->values[APPOINTMENT_SERVICE] = is->service ? is->service->name : NULL;
        put_place(exact, APPOINTMENT_PLACE, "place", is->place);
        exact_coded(exact, APPOINTMENT_REASON, is->reason);
        exact_coded(exact, APPOINTMENT_OUTCOME, is->outcome);
        exact_coded(exact, APPOINTMENT_CANCELLED, is->cancellation_reason);
        exact->values[APPOINTMENT_INSTRUCTIONS] = is->instructions;
        exact_part(exact, "status", is->status);
        exact_part(exact, "end_at", exact_when(exact, is->end_at));
        part_add_identifier(&exact->parts, "placer_id", is->placer_identifier);
        if (is->identifier)
                exact_part(exact, "has_own_id", "yes");
        return exact->values[APPOINTMENT_ID] != NULL;
}

/* ---- documents: what they are; what they say is no cell of a table */

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
        exact_coded(exact, DOCUMENT_TYPE, is->type);
        exact->values[DOCUMENT_WRITTEN] = exact_when(exact, is->written_at);
        exact->values[DOCUMENT_AUTHOR] = author ? exact_name(exact, author->name) : NULL;
        exact->values[DOCUMENT_CUSTODIAN] = is->custodian ? is->custodian->name : NULL;
        exact->values[DOCUMENT_STATUS] = state(exact, is->status);
        exact->values[DOCUMENT_MEDIA_TYPE] = is->media_type;
        exact->values[DOCUMENT_SIZE] = is->has_size ? arena_format(exact->arena, "%llu", (unsigned long long)is->size)
                                                    : NULL;
        exact->values[DOCUMENT_SHA256] = is->has_sha256 ? hex(exact, is->sha256) : NULL;
        if (is->n_replaces > 0) {
                exact->values[DOCUMENT_REPLACES] = exact_id(is->replaces[0]);
                exact->values[DOCUMENT_REPLACES_SYSTEM] = is->replaces[0]->system;
        }
        exact_part(exact, "status", is->status);
        exact_part(exact, "activity_at", exact_when(exact, is->activity_at));
        exact_part(exact, "edited_at", exact_when(exact, is->edited_at));
        return exact->values[DOCUMENT_ID] || exact->values[DOCUMENT_TITLE];
}

/* ---- merges: the first pair of numbers, which is what a source says of two of its own; all of them in the parts */

static bool merge(Exact *exact) {
        static const char *const scopes[] = { "unknown", "person", "account", "visit", "identifiers", "number" };
        const Carebus__V1__Merge *is = exact->event->merge;
        const char *type = exact->event->type;

        if (is->n_surviving == 0 || (is->n_retired == 0 && !is->visit) || !text_starts_with(type, "patient."))
                return false;
        exact->values[MERGE_WHAT] = type + strlen("patient.");
        exact->values[MERGE_AT] = exact_when(exact, exact->event->occurred_at);
        exact->values[MERGE_SURVIVING] = exact_own_id(exact, is->surviving[0]);
        if (is->n_retired > 0) {
                exact->values[MERGE_RETIRED] = exact_id(is->retired[0]);
                exact->values[MERGE_RETIRED_SYSTEM] = is->retired[0]->system;
        }
        exact_coded(exact, MERGE_REASON, is->reason);
        if (is->has_scope && (size_t)is->scope < ELEMENTSOF(scopes))
                exact->values[MERGE_SCOPE] = scopes[is->scope];
        exact->values[MERGE_VISIT] = exact_id(is->visit);
        exact->values[MERGE_FORMER_VISIT] = exact_id(is->former_visit);
        for (size_t i = 0; i < is->n_surviving; i++)
                part_add_identifier(&exact->parts, "surviving_id", is->surviving[i]);
        for (size_t i = 0; i < is->n_retired; i++)
                part_add_identifier(&exact->parts, "retired_id", is->retired[i]);
        part_add_identifier(&exact->parts, "visit_id", is->visit);
        part_add_identifier(&exact->parts, "former_visit_id", is->former_visit);
        return exact->values[MERGE_SURVIVING] && (exact->values[MERGE_RETIRED] || exact->values[MERGE_VISIT]);
}

/* ---- all of them */

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name
static const ExactBody further[] = {
        { BODY(ENCOUNTER), "transfers", transfer, true },
        { BODY(ALLERGY), "allergies", allergy, true },
        { BODY(APPOINTMENT), "appointments", appointment, true },
        { BODY(DOCUMENT), "documents", document, true },
        { BODY(MERGE), "merges", merge, true },
};

const ExactBody *exact_further_at(size_t index) {
        return index < ELEMENTSOF(further) ? &further[index] : NULL;
}
