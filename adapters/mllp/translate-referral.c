/*
 * Referrals and the answers to them: REF and RRI, I12 to I15.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define REFERRAL Carebus__V1__Referral
#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

static const FieldRow rf1_rows[] = {
        ROW_ONE(1, FIELD_CODED, REFERRAL, original_status),
        ROW_ONE(2, FIELD_CODED, REFERRAL, priority),
        ROW_ONE(3, FIELD_CODED, REFERRAL, type),
        ROW_ONE(4, FIELD_CODED, REFERRAL, disposition),
        ROW_ONE(5, FIELD_CODED, REFERRAL, category),
        ROW_ONE(6, FIELD_ENTITY, REFERRAL, identifier),
        ROW_ONE(7, FIELD_WHEN, REFERRAL, effective_at),
        ROW_ONE(8, FIELD_WHEN, REFERRAL, expires_at),
        ROW_ONE(9, FIELD_WHEN, REFERRAL, processed_at),
        ROW_LIST(10, FIELD_CODED_LIST, REFERRAL, reasons, NULL),
        ROW_ONE(14, FIELD_TEXT, REFERRAL, reason_text),
        ROW_LIST(20, FIELD_PARTICIPANT_LIST, REFERRAL, participants, "authorised"),
        ROW_ONE(24, FIELD_TEXT, REFERRAL, expectation),
};
const FieldTable table_rf1 = { "RF1", rf1_rows, ELEMENTSOF(rf1_rows) };

/* RF1-11: the first is the number that the other side gave; further ones stay what they are. */
static void external_numbers_read(Translation *t, const Hl7Segment *rf1, REFERRAL *referral) {
        Hl7Value field = hl7_field(t->message, rf1, 11), repeat;

        while (hl7_next_repeat(t->message, &field, &repeat)) {
                Carebus__V1__Identifier *number = value_entity(t, repeat);

                if (!number)
                        continue;
                if (!referral->target_identifier)
                        referral->target_identifier = number;
                else
                        draft_append(&t->draft, &referral->n_further_identifiers, &referral->further_identifiers,
                                     number);
        }
}

/* An authorisation has a number of its own, whoever pays. */
static void authorisations_read(Translation *t, REFERRAL *referral) {
        for (const Hl7Segment *aut = NULL; (aut = hl7_find_next(t->message, "AUT", aut));) {
                Carebus__V1__Identifier *number = value_entity(t, hl7_field(t->message, aut, 6));
                bool is_known = false;

                if (!number)
                        continue;
                identifier_set_apart(t, number, "AUT-6");
                for (size_t i = 0; i < referral->n_further_identifiers; i++)
                        is_known = is_known || identifiers_are_equal(referral->further_identifiers[i], number);
                if (!is_known)
                        draft_append(&t->draft, &referral->n_further_identifiers, &referral->further_identifiers,
                                     number);
        }
}

/* ---- who: PRD and CTD */

/* PLN: number, type, ... */
static Carebus__V1__Identifier *provider_number(Translation *t, Hl7Value field) {
        char *number = value_text(t, hl7_component(t->message, field, 1));
        char *type = value_text(t, hl7_component(t->message, field, 2));

        return draft_identifier(&t->draft, NULL, NULL, type, number);
}

typedef struct Provider {
        Carebus__V1__Coded *role;
        Carebus__V1__Practitioner *practitioner; /* NULL: a service, and nobody by name */
        Carebus__V1__Organisation *organisation;
        Carebus__V1__Period *period;
        size_t n_telecom;
        Carebus__V1__Telecom **telecom;
} Provider;

/* Where each thing stands in PRD and CTD. */
typedef struct ProviderRow {
        const char *segment;
        uint8_t role, name, place, telecom, number, start, end, organisation, organisation_telecom;
} ProviderRow;
static const ProviderRow provider_rows[] = {
        { "PRD", 1, 2, 4, 5, 7, 8, 9, 10, 13 },
        { "CTD", 1, 2, 4, 5, 7, 0, 0, 0, 0 },
};

static Hl7Value part(const Translation *t, const Hl7Segment *segment, unsigned number) {
        return number ? hl7_field(t->message, segment, number) : HL7_VALUE_NULL;
}

static void telecom_read(Translation *t, Hl7Value field, Provider *provider) {
        Hl7Value repeat;

        while (hl7_next_repeat(t->message, &field, &repeat))
                value_telecom(t, repeat, "work", &provider->n_telecom, &provider->telecom);
}

static void provider_read(Translation *t, const Hl7Segment *segment, const ProviderRow *row, Provider *ret) {
        Carebus__V1__HumanName *name = value_name(t, hl7_repeat(t->message, part(t, segment, row->name), 1));
        Carebus__V1__Identifier *number = provider_number(t, hl7_repeat(t->message, part(t, segment, row->number), 1));
        Carebus__V1__Place *place = value_place(t, part(t, segment, row->place));

        *ret = (Provider){ .role = value_coded(t, part(t, segment, row->role)),
                           .organisation = value_organisation(t, part(t, segment, row->organisation)),
                           .period = value_period(t, part(t, segment, row->start), part(t, segment, row->end)) };
        telecom_read(t, part(t, segment, row->telecom), ret);
        telecom_read(t, part(t, segment, row->organisation_telecom), ret);
        if (!ret->organisation && place && (place->text || place->facility)) {
                ret->organisation = draft_message(&t->draft, &carebus__v1__organisation__descriptor);
                if (ret->organisation)
                        ret->organisation->name = place->text ?: place->facility;
        }
        if (name || number)
                ret->practitioner = draft_message(&t->draft, &carebus__v1__practitioner__descriptor);
        if (!ret->practitioner)
                return;
        ret->practitioner->name = name;
        ret->practitioner->identifier = number;
        ret->practitioner->role = ret->role;
        ret->practitioner->organisation = ret->organisation;
        ret->practitioner->n_telecom = ret->n_telecom;
        ret->practitioner->telecom = ret->telecom;
}

static Carebus__V1__ServiceRef *service_of(Translation *t, const Provider *provider) {
        Carebus__V1__ServiceRef *service = draft_message(&t->draft, &carebus__v1__service_ref__descriptor);

        if (!service)
                return NULL;
        service->organisation = provider->organisation;
        service->name = provider->organisation ? provider->organisation->name : NULL;
        service->practitioner = provider->practitioner;
        service->n_telecom = provider->n_telecom;
        service->telecom = provider->telecom;
        return service;
}

static const char *role_words(const Carebus__V1__Coded *role) {
        if (!role)
                return NULL;
        return role->text ?: (role->original ? role->original->code : NULL);
}

static void participant_add(Translation *t, const Provider *provider, REFERRAL *referral) {
        Carebus__V1__Participant *participant;

        if (!provider->practitioner)
                return;
        participant = draft_message(&t->draft, &carebus__v1__participant__descriptor);
        if (!participant)
                return;
        participant->role = (char *)role_words(provider->role);
        participant->practitioner = provider->practitioner;
        participant->period = provider->period;
        draft_append(&t->draft, &referral->n_participants, &referral->participants, participant);
}

/* HL7 table 0286: RP refers, RT is referred to; of several the first. Everybody else takes part. */
static void provider_take(Translation *t, const Provider *provider, REFERRAL *referral) {
        if (coded_says(provider->role, "RP") && !referral->from)
                referral->from = service_of(t, provider);
        else if (coded_says(provider->role, "RT") && !referral->to)
                referral->to = service_of(t, provider);
        else
                participant_add(t, provider, referral);
}

static void providers_read(Translation *t, REFERRAL *referral) {
        for (size_t i = 0; i < ELEMENTSOF(provider_rows); i++)
                for (const Hl7Segment *segment = NULL;
                     (segment = hl7_find_next(t->message, provider_rows[i].segment, segment));) {
                        Provider provider;

                        provider_read(t, segment, &provider_rows[i], &provider);
                        provider_take(t, &provider, referral);
                }
}

/* DG1: the first, or the one that says that it is, is why somebody is referred. */
static void conditions_read(Translation *t, REFERRAL *referral) {
        for (const Hl7Segment *dg1 = NULL; (dg1 = hl7_find_next(t->message, "DG1", dg1));) {
                Carebus__V1__Coded *coded = value_coded(t, hl7_field(t->message, dg1, 3)), *held;
                char *words = value_text_whole(t, hl7_field(t->message, dg1, 4));

                hl7_note_ignored(hl7_field(t->message, dg1, 1));
                coded_set_system(coded, value_text(t, hl7_field(t->message, dg1, 2)));
                coded = coded ?: coded_of_text(t, words);
                if (coded && !coded->text)
                        coded->text = words;
                if (!referral->primary_condition) {
                        referral->primary_condition = coded;
                        continue;
                }
                if (coded && hl7_is(t->message, hl7_field(t->message, dg1, 15), "1") &&
                    !hl7_is(t->message, hl7_field(t->message, hl7_find(t->message, "DG1", 1), 15), "1")) {
                        held = referral->primary_condition;
                        referral->primary_condition = coded;
                        coded = held;
                }
                draft_append(&t->draft, &referral->n_conditions, &referral->conditions, coded);
        }
}

/* ---- what became of it */

/* RF1-1: HL7 table 0283, and the words that are used in its place. */
static const struct {
        const char *said;
        const char *type;
        const char *status;
} states[] = {
        { "A", "referral.accepted", "accepted" },
        { "ACCEPTED", "referral.accepted", "accepted" },
        { "R", "referral.declined", "declined" },
        { "REJECTED", "referral.declined", "declined" },
        { "DECLINED", "referral.declined", "declined" },
        { "E", "referral.closed", "closed" },
        { "EXPIRED", "referral.closed", "closed" },
        { "C", "referral.closed", "closed" },
        { "CLOSED", "referral.closed", "closed" },
        { "COMPLETED", "referral.closed", "closed" },
        { "CANCELLED", "referral.cancelled", "cancelled" },
        { "CANCELED", "referral.cancelled", "cancelled" },
        { "P", "referral.received", "received" },
        { "PENDING", "referral.received", "received" },
        { "RECEIVED", "referral.received", "received" },
        { "REDIRECTED", "referral.redirected", "redirected" },
        { "INFO-REQUESTED", "referral.info_requested", "info-requested" },
        { "IN-PROGRESS", "referral.changed", "in-progress" },
};

static size_t state_find(const Carebus__V1__Coded *said) {
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (coded_says(said, states[i].said))
                        return i;
        return SIZE_MAX;
}

/* MSA-1 of an answer that says nothing of the referral itself: the other side took the message, or would not have it. */
static bool is_rejected(Translation *t) {
        const Hl7Segment *msa = hl7_find(t->message, "MSA", 1);
        Hl7Value code = msa ? hl7_field(t->message, msa, 1) : HL7_VALUE_NULL;
        static const char *const codes[] = { "AE", "AR", "CE", "CR" };

        for (size_t i = 0; msa && i < ELEMENTSOF(codes); i++)
                if (hl7_is(t->message, code, codes[i]))
                        return true;
        return false;
}

static void decided(Translation *t, REFERRAL *referral, const char *type) {
        const Hl7Segment *msa = hl7_find(t->message, "MSA", 1);

        if (strcmp(type, "referral.accepted") != 0 && strcmp(type, "referral.declined") != 0 &&
            strcmp(type, "referral.redirected") != 0)
                return;
        if (!msa || !is_rejected(t))
                referral->decision = referral->original_status;
        referral->decided_at = referral->processed_at ?: t->sent_at;
        if (strcmp(type, "referral.declined") != 0)
                return;
        referral->decline_reason = referral->n_reasons ? referral->reasons[0] : NULL;
        referral->decline_text = referral->reason_text;
        if (!referral->decline_text && msa)
                referral->decline_text = value_text_whole(t, hl7_field(t->message, msa, 3));
}

/* Requests do what their trigger says; answers, and messages about the state, what RF1-1 says. */
static const char *type_of(Translation *t, const TriggerRow *row, REFERRAL *referral) {
        size_t state = state_find(referral->original_status);
        bool by_state = strcmp(row->type, "referral.changed") == 0 || strcmp(row->code, "RRI") == 0;

        /* Who could not take the message did not take on the referral, though RF1 comes back as it was sent. */
        if (strcmp(row->code, "RRI") == 0 && strcmp(row->event, "I14") != 0 && is_rejected(t) &&
            (state == SIZE_MAX || CODE_IS_ONE_OF(states[state].status, "accepted", "received", "in-progress"))) {
                referral->status = (char *)"declined";
                return "referral.declined";
        }
        referral->status = (char *)row->status;
        if (strcmp(row->event, "I14") == 0 || (!by_state && strcmp(row->event, "I12") == 0))
                return row->type;
        if (state != SIZE_MAX && !(strcmp(row->event, "I13") == 0 && strcmp(row->code, "REF") == 0)) {
                referral->status = (char *)states[state].status;
                return states[state].type;
        }
        return row->type;
}

static bool is_expired(const Carebus__V1__Coded *status) {
        return coded_says(status, "E") || coded_says(status, "EXPIRED");
}

static void times_set(Translation *t, REFERRAL *referral, const char *type) {
        Carebus__V1__When *when = when_first((Carebus__V1__When *const[]){ referral->processed_at,
                                                                           referral->effective_at, t->occurred_at,
                                                                           t->sent_at },
                                             4);

        if (strcmp(type, "referral.requested") == 0)
                referral->requested_at = when;
        else if (strcmp(type, "referral.received") == 0)
                referral->received_at = referral->processed_at ?: t->sent_at;
        else if (strcmp(type, "referral.closed") == 0)
                referral->closed_at = (is_expired(referral->original_status) ? referral->expires_at : NULL)
                                              ?: (referral->processed_at ?: t->sent_at);
}

static Carebus__V1__When *moment_of(const REFERRAL *referral, const Carebus__V1__Event *event) {
        return when_first((Carebus__V1__When *const[]){ referral->requested_at, referral->decided_at,
                                                        referral->received_at, referral->closed_at,
                                                        event->occurred_at },
                          5);
}

static REFERRAL *referral_read(Translation *t, ClearedList *cleared) {
        REFERRAL *referral = draft_message(&t->draft, &carebus__v1__referral__descriptor);
        const Hl7Segment *rf1 = hl7_find(t->message, "RF1", 1);

        if (!referral)
                return NULL;
        if (rf1) {
                fields_apply(t, rf1, rf1_rows, ELEMENTSOF(rf1_rows), referral, "referral", cleared);
                external_numbers_read(t, rf1, referral);
        }
        authorisations_read(t, referral);
        providers_read(t, referral);
        conditions_read(t, referral);
        return referral;
}

/* OBR and OBX of a referral are what was found before. */
static void findings_read(Translation *t, Patient *patient) {
        OrderGroup group;

        loose_observations_read(t, patient);
        for (const Hl7Segment *from = patient->span.first; order_next(patient->span, from, &group) && !t->draft.problem;
             from = group.span.end)
                observations_read(t, patient, &group);
}

void referral_translate(Translation *t, const TriggerRow *row) {
        ClearedList cleared = { 0 };
        NoteList notes = { 0 };
        Carebus__V1__Event *event;
        REFERRAL *referral;
        Patient patient;
        const char *type;

        if (patient_open(t, &patient) < 0)
                return;
        referral = referral_read(t, &cleared);
        if (!referral)
                return;
        type = type_of(t, row, referral);
        times_set(t, referral, type);
        decided(t, referral, type);
        event = patient_event(t, &patient, type, strcmp(type, "referral.requested") == 0 ? NEW : UPDATE);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        event->referral = referral;
        event->referral_id = referral->identifier ?: referral->target_identifier;
        event->occurred_at = moment_of(referral, event);
        event_set_author(t, event, referral->from ? referral->from->practitioner : NULL,
                         referral->from ? referral->from->name : NULL);
        event_set_cleared(t, event, &cleared);
        event_end(t, event, &notes);
        findings_read(t, &patient);
        patient_end(t, &patient);
}
