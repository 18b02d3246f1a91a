/*
 * What programs exchange besides the templates: transfers, allergies, appointments, documents and merges. Their files are written by a bus
 * (exact-further.c) or by a system, and read where the source's profile names the table.
 */
#include <errno.h>
#include <string.h>

#include "adapters/csv/translate-rules.h"
#include "base/text.h"

static const char in_error[] = "entered in error";

static bool is_in_error(const char *status) {
        static const char *const words[] = { in_error, "entered-in-error" };

        return status && WORD_FIND(words, status) >= 0;
}

/* In words, or by its parts. */
static Carebus__V1__Place *place_read(RowWork *work, int first, const char *part) {
        char *parts[PLACE_BED + 1];
        Carebus__V1__Place *place;
        bool is_said = false;

        for (int i = 0; i <= PLACE_BED; i++) {
                parts[i] = row_text(work, first + i);
                is_said = is_said || parts[i];
        }
        place = is_said ? ROW_MESSAGE(work, place) : NULL;
        if (!place)
                return NULL;
        place->text = work->has_parts ? exact_part_text(work, part, 0, 0) : parts[PLACE_TEXT];
        if (!place->text && parts[PLACE_TEXT] && !parts[PLACE_FACILITY] && !parts[PLACE_WARD] && !parts[PLACE_ROOM] &&
            !parts[PLACE_BED])
                place->text = parts[PLACE_TEXT]; /* the name of an organisation, which has no column */
        place->facility = parts[PLACE_FACILITY];
        place->point_of_care = parts[PLACE_WARD];
        place->room = parts[PLACE_ROOM];
        place->bed = parts[PLACE_BED];
        return place;
}

/* ---- transfers */

void transfers_translate(RowWork *work) {
        static const char *const cancelled[] = { "cancelled", "canceled", in_error, "entered-in-error" };
        char *status = row_text(work, TRANSFER_STATUS);
        bool is_cancelled = status && WORD_FIND(cancelled, status) >= 0;
        Carebus__V1__Event *event;
        Carebus__V1__Encounter *stay;

        if (status && !is_cancelled) {
                row_refuse(work, TRANSFER_STATUS, "write cancelled where nobody was moved, and nothing else");
                return;
        }
        event = row_event(work, is_cancelled ? "encounter.transfer_cancelled" : "encounter.transferred",
                          is_cancelled ? ROW_IN_ERROR : ROW_UPDATE);
        stay = event ? ROW_MESSAGE(work, encounter) : NULL;
        if (!stay)
                return;
        ROW_BODY(event, ENCOUNTER, encounter, stay);
        stay->identifier = event->encounter_id = row_own_identifier(work, TRANSFER_STAY);
        stay->status = work->has_parts ? exact_part_text(work, "status", 0, 0) : (char *)"in-progress";
        stay->class_ = exact_part_coded(work, "class", 0);
        event->occurred_at = row_past(work, TRANSFER_AT, NULL);
        if (work->has_parts)
                stay->transferred_at = exact_part_when(work, "transferred_at");
        else if (!is_cancelled)
                stay->transferred_at = event->occurred_at;
        stay->admitted_at = exact_part_when(work, "admitted_at");
        stay->prior_place = place_read(work, TRANSFER_FROM, "from_place");
        stay->place = place_read(work, TRANSFER_TO, "to_place");
        stay->transfer_reason = row_coded(work, TRANSFER_REASON);
}

/* ---- allergies */

static Carebus__V1__Coded *substance_read(RowWork *work) {
        char *code = row_text(work, ALLERGY_CODE), *system = row_text(work, ALLERGY_CODE_SYSTEM);
        char *said = row_text(work, ALLERGY_SUBSTANCE);

        if (work->has_parts)
                return row_coded(work, ALLERGY_SUBSTANCE);
        return code && system ? draft_coded(&work->draft, system, code, NULL, said)
                              : draft_coded_local(&work->draft, system, code ? code : said, said);
}

static void reactions_read(RowWork *work, Carebus__V1__Allergy *allergy) {
        Carebus__V1__Coded **words = NULL;
        size_t n = 0;

        row_coded_list(work, ALLERGY_REACTION, "", &n, &words);
        for (size_t i = 0; i < n; i++) {
                Carebus__V1__AllergyReaction *reaction = ROW_MESSAGE(work, allergy_reaction);

                if (reaction)
                        reaction->manifestation = words[i];
                draft_append(&work->draft, &allergy->n_reactions, &allergy->reactions, reaction);
        }
}

void allergies_translate(RowWork *work) {
        Carebus__V1__Event *event = row_event(work, "allergy.recorded", ROW_NEW);
        Carebus__V1__Allergy *allergy = event ? ROW_MESSAGE(work, allergy) : NULL;
        char *status = row_text(work, ALLERGY_STATUS);
        bool truth;

        work->is_urgent = true;
        if (!allergy)
                return;
        ROW_BODY(event, ALLERGY, allergy, allergy);
        allergy->identifier = row_own_identifier(work, ALLERGY_ID);
        allergy->substance = substance_read(work);
        allergy->text = exact_part_text(work, "text", 0, 0);
        allergy->set_id = exact_part_text(work, "set_id", 0, 0);
        allergy->type = row_coded(work, ALLERGY_TYPE);
        allergy->kind = row_coded(work, ALLERGY_KIND);
        allergy->severity = row_coded(work, ALLERGY_SEVERITY);
        allergy->criticality = row_coded(work, ALLERGY_CRITICALITY);
        allergy->certainty = row_coded(work, ALLERGY_CERTAINTY);
        reactions_read(work, allergy);
        allergy->status = work->has_parts       ? exact_part_text(work, "status", 0, 0)
                          : is_in_error(status) ? (char *)"entered-in-error"
                                                : status;
        if (is_in_error(status))
                event->action = ROW_IN_ERROR;
        allergy->onset_at = row_when(work, ALLERGY_ONSET, NULL);
        event->occurred_at = allergy->recorded_at = row_past(work, ALLERGY_RECORDED, NULL);
        if (row_truth(work, ALLERGY_NONE_KNOWN, &truth)) {
                allergy->has_none_known = true;
                allergy->none_known = truth;
        }
        if (!allergy->substance && !allergy->text && !allergy->identifier && !allergy->has_none_known)
                row_refuse(work, ALLERGY_SUBSTANCE, "write the substance, or none_known yes where there is none");
}

/* ---- appointments */

static const struct {
        const char *status, *type;
        Carebus__V1__Action action;
} appointment_kinds[] = {
        { "proposed", "appointment.booked", ROW_NEW },
        { "booked", "appointment.booked", ROW_NEW },
        { "arrived", "appointment.arrived", ROW_UPDATE },
        { "attended", "appointment.attended", ROW_UPDATE },
        { "did-not-attend", "appointment.did_not_attend", ROW_UPDATE },
        { "cancelled", "appointment.cancelled", ROW_UPDATE },
        { "deleted", "appointment.deleted", ROW_IN_ERROR },
        { in_error, "appointment.deleted", ROW_IN_ERROR },
};

static size_t appointment_kind(const char *status) {
        for (size_t i = 0; i < ELEMENTSOF(appointment_kinds); i++)
                if (strcasecmp(appointment_kinds[i].status, status ? status : "booked") == 0)
                        return i;
        return ELEMENTSOF(appointment_kinds);
}

void appointments_translate(RowWork *work) {
        char *status = row_text(work, APPOINTMENT_STATUS), *service = row_text(work, APPOINTMENT_SERVICE);
        size_t kind = work->has_parts ? 0 : appointment_kind(status);
        Carebus__V1__Appointment *appointment;
        Carebus__V1__Event *event;

        if (kind == ELEMENTSOF(appointment_kinds)) {
                row_refuse(work, APPOINTMENT_STATUS,
                           "write booked, arrived, attended, did-not-attend, cancelled or deleted, or have `values:` "
                           "set in the profile");
                return;
        }
        event = row_event(work, appointment_kinds[kind].type, appointment_kinds[kind].action);
        appointment = event ? ROW_MESSAGE(work, appointment) : NULL;
        if (!appointment)
                return;
        ROW_BODY(event, APPOINTMENT, appointment, appointment);
        appointment->placer_identifier = exact_part_identifier(work, "placer_id", 0);
        if (!appointment->placer_identifier || exact_part_text(work, "has_own_id", 0, 0))
                appointment->identifier = event->appointment_id = row_own_identifier(work, APPOINTMENT_ID);
        appointment->status = work->has_parts ? exact_part_text(work, "status", 0, 0)
                                              : (char *)appointment_kinds[kind].status;
        event->occurred_at = appointment->start_at = row_when(work, APPOINTMENT_START, NULL);
        appointment->end_at = exact_part_when(work, "end_at");
        appointment->former_start_at = row_when(work, APPOINTMENT_FORMER, NULL);
        appointment->has_minutes = row_whole_number(work, APPOINTMENT_MINUTES, &appointment->minutes);
        appointment->type = row_coded(work, APPOINTMENT_TYPE);
        appointment->mode = row_coded(work, APPOINTMENT_MODE);
        appointment->service = service ? ROW_MESSAGE(work, service_ref) : NULL;
        if (appointment->service)
                appointment->service->name = service;
        appointment->place = place_read(work, APPOINTMENT_PLACE, "place");
        appointment->reason = row_coded(work, APPOINTMENT_REASON);
        appointment->outcome = row_coded(work, APPOINTMENT_OUTCOME);
        appointment->cancellation_reason = row_coded(work, APPOINTMENT_CANCELLED);
        appointment->instructions = row_text(work, APPOINTMENT_INSTRUCTIONS);
}

/* ---- documents: that there is one. What it says is in no cell. */

static void content_read(RowWork *work, Carebus__V1__Document *document) {
        char *size = row_text(work, DOCUMENT_SIZE), *sha256 = row_text(work, DOCUMENT_SHA256);

        document->media_type = row_text(work, DOCUMENT_MEDIA_TYPE);
        if (size && text_to_u64(size, &document->size) == 0)
                document->has_size = true;
        else if (size)
                row_refuse(work, DOCUMENT_SIZE, "write a whole number of bytes, or leave the cell empty");
        if (!sha256)
                return;
        document->sha256.len = strlen(sha256) / 2;
        document->sha256.data = draft_alloc(&work->draft, document->sha256.len + 1);
        document->has_sha256 = document->sha256.data != NULL;
        if (document->has_sha256 && (strlen(sha256) != 64 || hex_decode(sha256, document->sha256.data, 32) < 0))
                row_refuse(work, DOCUMENT_SHA256,
                           "write the 64 hexadecimal digits of SHA-256, or leave the cell empty");
}

static void people_of_document(RowWork *work, Carebus__V1__Document *document) {
        char *author = row_text(work, DOCUMENT_AUTHOR), *custodian = row_text(work, DOCUMENT_CUSTODIAN);
        Carebus__V1__Practitioner *practitioner = author ? ROW_MESSAGE(work, practitioner) : NULL;

        if (practitioner)
                practitioner->name = ROW_MESSAGE(work, human_name);
        if (practitioner && practitioner->name)
                practitioner->name->text = author;
        draft_append(&work->draft, &document->n_authors, &document->authors, practitioner);
        document->custodian = custodian ? ROW_MESSAGE(work, organisation) : NULL;
        if (document->custodian)
                document->custodian->name = custodian;
}

void documents_translate(RowWork *work) {
        static const struct {
                const char *status, *type;
                Carebus__V1__Action action;
        } kinds[] = {
                { "current", "document.available", ROW_NEW },
                { "superseded", "document.replaced", ROW_UPDATE },
                { "cancelled", "document.cancelled", ROW_IN_ERROR },
                { "entered-in-error", "document.cancelled", ROW_IN_ERROR },
                { in_error, "document.cancelled", ROW_IN_ERROR },
        };
        char *status = row_text(work, DOCUMENT_STATUS);
        Carebus__V1__Document *document;
        Carebus__V1__Event *event;
        size_t kind = 0;

        while (status && kind < ELEMENTSOF(kinds) && strcasecmp(kinds[kind].status, status) != 0)
                kind++;
        if (kind == ELEMENTSOF(kinds) && !work->has_parts) {
                row_refuse(work, DOCUMENT_STATUS, "write current, superseded, cancelled or entered in error");
                return;
        }
        if (work->has_parts)
                kind = 0;
        event = row_event(work, kinds[kind].type, kinds[kind].action);
        document = event ? ROW_MESSAGE(work, document) : NULL;
        if (!document)
                return;
        ROW_BODY(event, DOCUMENT, document, document);
        document->identifier = event->document_id = row_own_identifier(work, DOCUMENT_ID);
        document->title = row_text(work, DOCUMENT_TITLE);
        document->type = row_coded(work, DOCUMENT_TYPE);
        event->occurred_at = document->written_at = row_past(work, DOCUMENT_WRITTEN, NULL);
        document->status = work->has_parts       ? exact_part_text(work, "status", 0, 0)
                           : is_in_error(status) ? (char *)"entered-in-error"
                                                 : (char *)kinds[kind].status;
        document->activity_at = exact_part_when(work, "activity_at");
        document->edited_at = exact_part_when(work, "edited_at");
        content_read(work, document);
        people_of_document(work, document);
        draft_append(&work->draft, &document->n_replaces, &document->replaces,
                     draft_identifier(&work->draft, row_text(work, DOCUMENT_REPLACES_SYSTEM), NULL, NULL,
                                      row_number_text(work, DOCUMENT_REPLACES)));
        if (!document->identifier && !document->title)
                row_refuse(work, DOCUMENT_ID, "write the number of the document, or its title");
}

/* ---- merges */

static void numbers_read(RowWork *work, const char *name, Carebus__V1__Identifier *first, size_t *n,
                         Carebus__V1__Identifier ***list) {
        Carebus__V1__Identifier *number = exact_part_identifier(work, name, 0);

        if (!number)
                draft_append(&work->draft, n, list, first);
        for (size_t i = 1; number; number = exact_part_identifier(work, name, i++))
                draft_append(&work->draft, n, list, number);
}

static Carebus__V1__Identifier *visit_read(RowWork *work, const char *name, int column) {
        Carebus__V1__Identifier *visit = exact_part_identifier(work, name, 0);

        return visit ? visit : row_identifier(work, column);
}

static void merge_scope(RowWork *work, Carebus__V1__Merge *merge) {
        static const char *const words[] = { "unknown", "person", "account", "visit", "identifiers", "number" };
        const char *said = row_text(work, MERGE_SCOPE);
        int found = said ? WORD_FIND(words, said) : -1;

        if (said && found < 0)
                row_refuse(work, MERGE_SCOPE, "write person, account, visit, identifiers or number");
        if (!said && !work->has_parts)
                found = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        merge->has_scope = found >= 0;
        merge->scope = (Carebus__V1__Merge__Scope)MAX(found, 0);
}

void merges_translate(RowWork *work) {
        static const char *const words[] = { "merged", "unmerged", "linked", "unlinked", "moved" };
        static const char *const types[] = { "patient.merged", "patient.unmerged", "patient.linked", "patient.unlinked",
                                             "patient.moved" };
        const char *said = row_text(work, MERGE_WHAT);
        int found = said ? WORD_FIND(words, said) : -1;
        Carebus__V1__Merge *merge;
        Carebus__V1__Event *event;

        work->is_urgent = true;
        if (found < 0) {
                row_refuse(work, MERGE_WHAT, "write merged, unmerged, linked, unlinked or moved");
                return;
        }
        event = row_event(work, types[found], ROW_NEW);
        merge = event ? ROW_MESSAGE(work, merge) : NULL;
        if (!merge)
                return;
        ROW_BODY(event, MERGE, merge, merge);
        event->occurred_at = row_past(work, MERGE_AT, NULL);
        numbers_read(work, "surviving_id", row_own_identifier(work, MERGE_SURVIVING), &merge->n_surviving,
                     &merge->surviving);
        numbers_read(work, "retired_id",
                     draft_identifier(&work->draft, row_text(work, MERGE_RETIRED_SYSTEM), NULL, NULL,
                                      row_number_text(work, MERGE_RETIRED)),
                     &merge->n_retired, &merge->retired);
        merge_scope(work, merge);
        merge->reason = row_coded(work, MERGE_REASON);
        merge->visit = visit_read(work, "visit_id", MERGE_VISIT);
        merge->former_visit = visit_read(work, "former_visit_id", MERGE_FORMER_VISIT);
        if (merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT)
                event->encounter_id = merge->visit;
}
