/* Facts and persons of a record, and what the bus says of a person, as resources. */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"
#include "proto/types.h"

/* ---- a fact, as the event that it would be today */

/* Where what a fact says of itself is another event than that which began it. */
static const struct {
        Carebus__V1__Event__BodyCase body;
        const char *status, *type;
} fact_types[] = {
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, "finished", "encounter.discharged" },
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, "planned", "encounter.admission_planned" },
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, "on-leave", "encounter.leave_started" },
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, "cancelled", "encounter.admission_cancelled" },
        { CAREBUS__V1__EVENT__BODY_ENCOUNTER, NULL, "encounter.updated" },
        { CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS, NULL, "patient.updated" },
        { CAREBUS__V1__EVENT__BODY_ALERT, "ended", "alert.cleared" },
        { CAREBUS__V1__EVENT__BODY_ALERT, NULL, "alert.raised" },
        { CAREBUS__V1__EVENT__BODY_CONDITION, "ended", "condition.resolved" },
        { CAREBUS__V1__EVENT__BODY_CARE_TEAM, "ended", "care_team.member_ended" },
        { CAREBUS__V1__EVENT__BODY_CARE_TEAM, NULL, "care_team.member_added" },
        { CAREBUS__V1__EVENT__BODY_CARE_PLAN, "ended", "care_plan.withdrawn" },
        { CAREBUS__V1__EVENT__BODY_CARE_PLAN, NULL, "care_plan.published" },
        { CAREBUS__V1__EVENT__BODY_EPISODE, "ended", "episode.closed" },
        { CAREBUS__V1__EVENT__BODY_CONTACT, "planned", "visit.planned" },
        { CAREBUS__V1__EVENT__BODY_REFERRAL, NULL, "referral.requested" },
        { CAREBUS__V1__EVENT__BODY_MEDICATION, NULL, "medication.started" },
};

static const char *decision_type(const Carebus__V1__Fact *fact) {
        bool is_over = text_equal(fact->status, "ended") || text_equal(fact->status, "superseded") ||
                       text_equal(fact->status, "entered-in-error");
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++)
                if (type->body == CAREBUS__V1__EVENT__BODY_DECISION && type->decision_kind == fact->decision->kind &&
                    (type->action == CAREBUS__V1__ACTION__ACTION_UPDATE) == is_over)
                        return type->name;
        return is_over ? "decision.ended" : "decision.recorded";
}

/* The state of the thing itself, where it has one that tells the events apart. */
static const char *state_of(const Carebus__V1__Fact *fact) {
        if (fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER)
                return fact->encounter->status;
        if (fact->value_case == CAREBUS__V1__FACT__VALUE_CONTACT)
                return fact->contact->status;
        return fact->status;
}

static const char *type_of(const Carebus__V1__Fact *fact) {
        Carebus__V1__Event__BodyCase body = (Carebus__V1__Event__BodyCase)fact->value_case;
        const EventType *type;

        if (fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION)
                return decision_type(fact);
        for (size_t i = 0; i < ELEMENTSOF(fact_types); i++)
                if (fact_types[i].body == body &&
                    (!fact_types[i].status || text_equal(fact_types[i].status, state_of(fact))))
                        return fact_types[i].type;
        for (size_t i = 0; (type = event_type_at(i)); i++)
                if (type->body == body && !type->from_bus && type->action == CAREBUS__V1__ACTION__ACTION_NEW)
                        return type->name;
        return NULL;
}

int fhir_write_fact(FhirWriter *writer, const Carebus__V1__Record *record, const char *section,
                    const Carebus__V1__Fact *fact, FhirWritten *ret) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        bool is_in_error = text_equal(fact->status, "entered-in-error");
        Carebus__V1__Fact with_binary;

        (void)section;
        if (fact->value_case == CAREBUS__V1__FACT__VALUE__NOT_SET ||
            fact->value_case == CAREBUS__V1__FACT__VALUE_NOTICE)
                return FHIR_WRITE_E_NOT_SAID;
        if (writer_offers_bytes(writer)) {
                Writer w = writer_begin(writer, &event);

                fact = write_with_binary(&w, w.bus, record->patient_id, fact, &with_binary);
                if (w.is_full)
                        return FHIR_WRITE_E_TOO_LARGE;
        }
        subject.patient_id = record->patient_id;
        subject.identifiers = record->identifiers;
        subject.n_identifiers = record->n_identifiers;
        event.patient = &subject;
        event.event_id = fact->event_id;
        event.source = fact->source;
        event.type = (char *)type_of(fact);
        event.has_action = true;
        event.action = is_in_error ? CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR : CAREBUS__V1__ACTION__ACTION_NEW;
        event.occurred_at = fact->occurred_at;
        event.recorded_at = fact->recorded_at;
        event.has_received_at = fact->has_received_at;
        event.received_at = fact->received_at;
        event.author = fact->author;
        event.encounter_id = fact->encounter_id;
        event.sensitivity = fact->sensitivity;
        event.redacted = fact->redacted;
        event.n_redacted = fact->n_redacted;
        event.body_case = (Carebus__V1__Event__BodyCase)fact->value_case;
        event.demographics = fact->demographics; /* one member of the union stands for all: they are pointers */
        return fhir_write_event(writer, &event, ret);
}

/* ---- a person */

/* What all sources together say; a death by whoever says it most formally. */
int fhir_write_person(FhirWriter *writer, const Carebus__V1__Record *record, FhirWritten *ret) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics person = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Sensitivity sensitivity = CAREBUS__V1__SENSITIVITY__INIT;
        const Carebus__V1__Overview *overview = record->overview;

        if (overview && overview->demographics)
                person = *overview->demographics;
        person.identifiers = record->identifiers;
        person.n_identifiers = record->n_identifiers;
        if (overview && overview->death) {
                person.has_deceased = person.deceased = true;
                for (size_t i = 0; i < record->n_sections; i++)
                        for (size_t k = 0; k < record->sections[i]->n_facts && !person.deceased_at; k++)
                                if (record->sections[i]->facts[k]->value_case == CAREBUS__V1__FACT__VALUE_DEATH)
                                        person.deceased_at = record->sections[i]->facts[k]->death->died_at;
        }
        subject.patient_id = record->patient_id;
        event.patient = &subject;
        event.type = (char *)"patient.updated";
        event.has_action = true;
        event.action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event.demographics = &person;
        if (overview && overview->has_restricted && overview->restricted) {
                sensitivity.has_restricted_location = sensitivity.restricted_location = true;
                event.sensitivity = &sensitivity;
        }
        for (size_t i = 0; i < record->n_states; i++) { /* hidden is a property of the rules, whatever there is */
                const Carebus__V1__SectionState *state = record->states[i];
                static char *const paths[] = { (char *)"demographics" };

                for (size_t k = 0; k < state->n_states && text_equal(state->section, "demographics"); k++)
                        if (text_starts_with(state->states[k], "hidden") ||
                            text_starts_with(state->states[k], "part-hidden")) {
                                event.redacted = (char **)paths;
                                event.n_redacted = 1;
                        }
        }
        return fhir_write_event(writer, &event, ret);
}

/* ---- what the bus says of a person */

/* In words that are the same for everybody: nothing of what was withdrawn is in them. */
static const char *notice_words(Writer *w, const Carebus__V1__Event *event) {
        static const struct {
                const char *type, *words;
        } rows[] = {
                { "record.corrected",
                  "Something that you were given about this person is withdrawn. Look it up, and ring" },
                { "record.withdrawn",
                  "Your copy of this person's record is not kept up from now on. If you need it, ring" },
                { "decision.review_passed", "The date by which a decision was to be looked at again has passed. Ring" },
        };
        const Carebus__V1__Notice *notice = event->notice;
        const char *words = NULL, *whom = NULL;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (text_equal(rows[i].type, event->type))
                        words = rows[i].words;
        for (size_t i = 0; words && i < notice->n_whom_to_ring && !w->is_full; i++) {
                const Carebus__V1__ContactPoint *point = notice->whom_to_ring[i];
                const Carebus__V1__ReachTime *reach = point->n_reach ? point->reach[0] : NULL;
                const char *number = reach && reach->n_telecom ? reach->telecom[0]->value : NULL;

                whom = arena_format(w->arena, "%s%s%s%s%s", whom ? whom : "", whom ? "; " : "",
                                    point->name ?: "the owner", number ? " " : "", number ?: "");
        }
        return words ? arena_format(w->arena, "%s %s.", words, whom ?: "whoever gave it to you") : NULL;
}

int fhir_write_notice(FhirWriter *writer, const Carebus__V1__Event *event, FhirWritten *ret) {
        Writer w = writer_begin(writer, event);
        const char *words = event->body_case == CAREBUS__V1__EVENT__BODY_NOTICE && event->notice
                                    ? notice_words(&w, event)
                                    : NULL;
        FhirWritten written = { 0 };
        JsonNode *resource;
        int r;

        if (!words)
                return FHIR_WRITE_E_NOT_SAID;
        resource = write_frame(&w, "Communication", arena_format(w.arena, "Communication|%s", event->event_id ?: ""),
                               &written);
        tree_put_text(&w, resource, "status", "completed");
        tree_put_text(&w, resource, "category[0].coding[0].system", "carebus:event-type");
        tree_put_text(&w, resource, "category[0].coding[0].code", event->type);
        tree_put(&w, resource, "subject", write_subject(&w));
        for (size_t i = 0; i < event->notice->n_event_ids; i++) {
                JsonNode *about = tree_object(&w);

                tree_put_text(&w, about, "identifier.system", arena_format(w.arena, "carebus:%s", w.bus));
                tree_put_text(&w, about, "identifier.value", event->notice->event_ids[i]);
                tree_put(&w, resource, "about[]", about);
        }
        tree_put(&w, resource, "sent",
                 write_instant(&w, event->occurred_at)
                         ?: event->has_received_at ? write_moment(&w, event->received_at)
                                                   : NULL);
        tree_put_text(&w, resource, "payload[0].contentString", words);
        r = writer_end(&w);
        if (r == 0)
                *ret = written;
        return r;
}
