/*
 * Patient and RelatedPerson: who it is about, who belongs to them, who became one with whom, and whether they live.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/when.h"

#define SYSTEM_GENDER "http://hl7.org/fhir/administrative-gender"
#define CORE "http://hl7.org/fhir/StructureDefinition/"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

/* ---- related persons */

static const char *plain_code(const Carebus__V1__Coded *coded) {
        return !coded ? NULL : coded->code ? coded->code : coded->original ? coded->original->code : NULL;
}

/* Whom to ring when something happens (C of v2-0131), and who cares for them. */
static void person_set_roles(Carebus__V1__RelatedPerson *person, const Carebus__V1__Coded *coded) {
        const char *code = plain_code(coded);

        if (!code)
                return;
        if (strcmp(code, "C") == 0 || strcmp(code, "EP") == 0 || strcmp(code, "ECON") == 0)
                person->has_emergency_contact = person->emergency_contact = true;
        if (strcmp(code, "20") == 0 || strcmp(code, "184156005") == 0)
                person->has_main_carer = person->main_carer = true;
}

/* The relation is the first that is said; what else is said of it is a role. */
static void person_read_relationships(Fhir *f, JsonNode *relationships, Carebus__V1__RelatedPerson *person) {
        JSON_EACH(item, relationships) {
                Carebus__V1__Coded *coded = fhir_coded(f, item);

                person_set_roles(person, coded);
                if (!person->relationship)
                        person->relationship = coded;
                else if (!person->role)
                        person->role = coded;
        }
}

/* Patient.contact and RelatedPerson have the same members but for the number of their names and addresses. */
static void person_read(Fhir *f, JsonNode *node, Carebus__V1__RelatedPerson *person) {
        person_read_relationships(f, json_member(node, "relationship"), person);
        person->name = fhir_name(f, json_element(json_member(node, "name"), 0));
        fhir_telecom_list(f, json_member(node, "telecom"), &person->n_telecom, &person->telecom);
        JSON_EACH(address, json_member(node, "address"))
                draft_append(&f->draft, &person->n_addresses, &person->addresses, fhir_address(f, address));
        person->period = fhir_period(f, json_member(node, "period"));
        if (!person->period)
                person->period = fhir_period(f, fhir_choice(fhir_uk_extension(node, "EffectivePeriod"), "value"));
        person->set_id = fhir_text(f, fhir_choice(fhir_uk_extension(node, "ContactRank"), "value"));
        json_note_read(json_peek(node, "gender"));
        json_note_read(json_peek(node, "birthDate"));
        json_note_read(fhir_uk_extension(node, "CopyCorrespondenceIndicator"));
}

Carebus__V1__RelatedPerson *fhir_related_person_read(Fhir *f, const FhirResource *resource) {
        Carebus__V1__RelatedPerson *person = draft_message(&f->draft, &carebus__v1__related_person__descriptor);

        if (!person)
                return NULL;
        fhir_own_identifiers(f, resource, &person->n_identifiers, &person->identifiers);
        person_read(f, resource->node, person);
        return person;
}

static Carebus__V1__RelatedPerson *contact_read(Fhir *f, const FhirResource *patient, JsonNode *contact) {
        Carebus__V1__RelatedPerson *person = draft_message(&f->draft, &carebus__v1__related_person__descriptor);
        Carebus__V1__Organisation *organisation;

        if (!person)
                return NULL;
        person_read(f, contact, person);
        organisation = fhir_reference_organisation(f, patient, json_member(contact, "organization"));
        if (!person->name && organisation && organisation->name) {
                person->name = draft_message(&f->draft, &carebus__v1__human_name__descriptor);
                if (person->name)
                        person->name->text = organisation->name;
        }
        return person->name || person->n_telecom || person->relationship || person->n_addresses ? person : NULL;
}

/* ---- demographics */

static const struct {
        const char *code, *display;
} genders[] = { { "male", "Male" }, { "female", "Female" }, { "other", "Other" }, { "unknown", "Unknown" } };

static Carebus__V1__Coded *gender_read(Fhir *f, JsonNode *node) {
        Carebus__V1__Coded *coded = fhir_code(f, node, SYSTEM_GENDER);

        for (size_t i = 0; coded && i < ELEMENTSOF(genders); i++)
                if (strcmp(coded->code, genders[i].code) == 0) {
                        coded->display = (char *)genders[i].display;
                        return coded;
                }
        if (!coded)
                return NULL;
        coded->system = coded->code = NULL; /* a code of the source's own, for the profile's map */
        coded->original->system = NULL;
        coded->text = coded->original->code;
        return coded;
}

static bool is_organisation(Fhir *f, const FhirResource *patient, JsonNode *reference) {
        const char *type = fhir_reference_type(f, patient, reference);
        const char *system = json_said(json_peek(reference, "identifier"), "system");

        return text_equal(type, "Organization") || (!type && system && strstr(system, "ods-"));
}

static void practice_read(Fhir *f, const FhirResource *patient, Carebus__V1__Demographics *demographics) {
        JSON_EACH(reference, json_member(patient->node, "generalPractitioner")) {
                if (is_organisation(f, patient, reference)) {
                        if (!demographics->practice)
                                demographics->practice = fhir_reference_organisation(f, patient, reference);
                        continue;
                }
                if (demographics->general_practitioner)
                        continue;
                demographics->general_practitioner = fhir_reference_practitioner(f, patient, reference);
                if (demographics->general_practitioner && !demographics->practice)
                        demographics->practice = demographics->general_practitioner->organisation;
        }
}

/* The preferred language, else the first. */
static void languages_read(Fhir *f, JsonNode *patient, Carebus__V1__Demographics *demographics) {
        JsonNode *nhs = fhir_uk_extension(patient, "NHSCommunication");
        bool is_preferred = false;

        JSON_EACH(item, json_member(patient, "communication")) {
                Carebus__V1__Coded *language = fhir_coded(f, json_member(item, "language"));
                protobuf_c_boolean preferred = false;

                fhir_truth(f, json_member(item, "preferred"), &preferred);
                if (language && (!demographics->language || (preferred && !is_preferred))) {
                        demographics->language = language;
                        is_preferred = preferred;
                }
        }
        if (!demographics->language)
                demographics->language = fhir_coded(f, fhir_uk_part(nhs, "language"));
        demographics->has_interpreter_required =
                fhir_truth(f, fhir_uk_part(nhs, "interpreterRequired"), &demographics->interpreter_required) == 0 ||
                fhir_truth(f, fhir_choice(fhir_extension(patient, CORE "patient-interpreterRequired"), "value"),
                           &demographics->interpreter_required) == 0;
}

static void preferences_read(Fhir *f, JsonNode *patient, Carebus__V1__Demographics *demographics) {
        JsonNode *preference = fhir_uk_extension(patient, "ContactPreference");
        Carebus__V1__Coded *method = fhir_coded(f, fhir_uk_part(preference, "PreferredContactMethod"));
        Carebus__V1__Coded *format = fhir_coded(f, fhir_uk_part(preference, "PreferredWrittenCommunicationFormat"));

        draft_append(&f->draft, &demographics->n_communication_needs, &demographics->communication_needs, method);
        draft_append(&f->draft, &demographics->n_communication_needs, &demographics->communication_needs, format);
        demographics->has_interpreter_required =
                demographics->has_interpreter_required ||
                fhir_truth(f, fhir_choice(fhir_uk_extension(patient, "InterpreterRequired"), "value"),
                           &demographics->interpreter_required) == 0;
}

static Carebus__V1__Coded *birth_place_read(Fhir *f, JsonNode *patient) {
        JsonNode *value = fhir_choice(fhir_extension(patient, CORE "patient-birthPlace"), "value");
        const Carebus__V1__Address *address = fhir_address(f, value);

        if (!address)
                return NULL;
        return draft_coded(&f->draft, NULL, NULL, NULL,
                           address->text ?: address->city ?: address->n_line ? address->line[0] : address->country);
}

static Carebus__V1__Coded *coded_or(Carebus__V1__Coded *first, Carebus__V1__Coded *second) {
        return first ?: second;
}

static void extensions_read(Fhir *f, JsonNode *patient, Carebus__V1__Demographics *demographics) {
        static const char *const left_out[] = { "NominatedPharmacy", "PreferredDispenserOrganization",
                                                "MedicalApplianceSupplier" };

        demographics->ethnic_category = coded_or(fhir_uk_coded(f, patient, "EthnicCategory"), NULL);
        demographics->religion =
                coded_or(fhir_coded(f, fhir_choice(fhir_extension(patient, CORE "patient-religion"), "value")),
                         fhir_uk_coded(f, patient, "ReligiousAffiliation"));
        demographics->nationality = fhir_coded(f, fhir_uk_part(fhir_extension(patient, CORE "patient-nationality"),
                                                               "code"));
        demographics->birth_place = birth_place_read(f, patient);
        draft_append(&f->draft, &demographics->n_identity_reliability, &demographics->identity_reliability,
                     fhir_uk_coded(f, patient, "NHSNumberUnavailableReason"));
        languages_read(f, patient, demographics);
        preferences_read(f, patient, demographics);
        for (size_t i = 0; i < ELEMENTSOF(left_out); i++) /* where they get their medicines: no fact of this bus */
                json_note_read(fhir_uk_extension(patient, left_out[i]));
}

static void birth_read(Fhir *f, JsonNode *patient, Carebus__V1__Demographics *demographics) {
        JsonNode *multiple = fhir_choice(patient, "multipleBirth");
        JsonNode *time = fhir_extension(json_peek(patient, "_birthDate"), CORE "patient-birthTime");

        demographics->birth_date = fhir_date(f, json_member(patient, "birthDate"));
        if (!demographics->birth_date)
                demographics->birth_date = fhir_date(f, fhir_choice(time, "value"));
        json_note_read(time);
        if (multiple && multiple->kind == JSON_NUMBER) {
                demographics->has_birth_order = fhir_number(f, multiple, &demographics->birth_order) == 0;
                demographics->has_multiple_birth = demographics->multiple_birth = true;
        } else
                demographics->has_multiple_birth = fhir_truth(f, multiple, &demographics->multiple_birth) == 0;
}

static void death_state_read(Fhir *f, JsonNode *patient, Carebus__V1__Demographics *demographics) {
        JsonNode *deceased = fhir_choice(patient, "deceased");

        if (!deceased)
                return;
        if (deceased->kind == JSON_STRING && strcmp(deceased->name, "deceasedDateTime") == 0) {
                demographics->deceased_at = fhir_when(f, deceased);
                demographics->has_deceased = demographics->deceased = true;
        } else
                demographics->has_deceased = fhir_truth(f, deceased, &demographics->deceased) == 0;
}

/* Of its NHS number the status stands at the number itself: 01 to 08. */
static bool is_restricted(const FhirResource *patient) {
        const JsonNode *security = json_peek(json_peek(patient->node, "meta"), "security");

        for (const JsonNode *item = security ? security->first : NULL; item; item = item->next) {
                const char *code = json_said(item, "code");

                if (text_equal(code, "R") || text_equal(code, "V") || text_equal(code, "REDACTED"))
                        return true;
        }
        return false;
}

static void related_persons_read(Fhir *f, const FhirResource *patient, Carebus__V1__Demographics *demographics) {
        JSON_EACH(contact, json_member(patient->node, "contact"))
                draft_append(&f->draft, &demographics->n_related_persons, &demographics->related_persons,
                             contact_read(f, patient, contact));
}

Carebus__V1__Demographics *fhir_demographics(Fhir *f, const FhirResource *patient) {
        Carebus__V1__Demographics *demographics = draft_message(&f->draft, &carebus__v1__demographics__descriptor);
        JsonNode *node = patient->node;

        if (!demographics)
                return NULL;
        fhir_own_identifiers(f, patient, &demographics->n_identifiers, &demographics->identifiers);
        JSON_EACH(name, json_member(node, "name"))
                draft_append(&f->draft, &demographics->n_names, &demographics->names, fhir_name(f, name));
        JSON_EACH(address, json_member(node, "address"))
                draft_append(&f->draft, &demographics->n_addresses, &demographics->addresses, fhir_address(f, address));
        fhir_telecom_list(f, json_member(node, "telecom"), &demographics->n_telecom, &demographics->telecom);
        demographics->sex = gender_read(f, json_member(node, "gender"));
        demographics->marital_status = fhir_coded(f, json_member(node, "maritalStatus"));
        birth_read(f, node, demographics);
        death_state_read(f, node, demographics);
        practice_read(f, patient, demographics);
        extensions_read(f, node, demographics);
        related_persons_read(f, patient, demographics);
        json_note_read(json_peek(node, "managingOrganization"));
        json_note_read(json_peek(node, "active"));
        if (is_restricted(patient))
                demographics->has_restricted = demographics->restricted = true;
        fhir_set_profile_demographics(f, demographics, patient);
        return demographics;
}

/* ---- events of a Patient */

static Carebus__V1__Event *patient_event(Fhir *f, const FhirResource *patient, const char *type,
                                         Carebus__V1__Action action, const Carebus__V1__Demographics *demographics) {
        Carebus__V1__Event *event = fhir_event(f, patient, type, action);
        Carebus__V1__Subject *subject = event ? draft_message(&f->draft, &carebus__v1__subject__descriptor) : NULL;

        if (!subject)
                return NULL;
        subject->n_identifiers = demographics->n_identifiers;
        subject->identifiers = demographics->identifiers;
        event->patient = subject;
        f->resources[patient - f->resources].patient = demographics->identifiers;
        f->resources[patient - f->resources].n_patient = demographics->n_identifiers;
        return event;
}

/* A message cannot say whether a Patient is new but by how it came: created, or by an event of registration. */
static bool is_registration(const Fhir *f, const FhirResource *patient) {
        return text_equal(patient->method, "POST") || (f->trigger && strcasestr(f->trigger, "regist"));
}

static void demographics_event(Fhir *f, const FhirResource *patient, Carebus__V1__Demographics *demographics) {
        bool is_new = is_registration(f, patient);
        Carebus__V1__Event *event = patient_event(f, patient, is_new ? "patient.registered" : "patient.updated",
                                                  is_new ? NEW : UPDATE, demographics);

        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event->demographics = demographics;
}

/* Status of UK Core: 1 a clinician or a relative said it, 2 a registrar did, U it was wrong. */
static Carebus__V1__Death__Status death_status(const Carebus__V1__Coded *coded) {
        if (coded_is(coded, NULL, "2"))
                return CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        return coded_is(coded, NULL, "U") ? CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED
                                          : CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL;
}

static void death_event(Fhir *f, const FhirResource *patient, const Carebus__V1__Demographics *demographics) {
        JsonNode *notification = fhir_uk_extension(patient->node, "DeathNotificationStatus");
        Carebus__V1__Coded *said = fhir_coded(f, fhir_uk_part(notification, "deathNotificationStatus"));
        Carebus__V1__When *since = fhir_when(f, fhir_uk_part(notification, "systemEffectiveDate"));
        Carebus__V1__Death__Status status = death_status(said);
        bool is_removed = status == CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;
        Carebus__V1__Event *event;
        Carebus__V1__Death *death;
        Moment moment;

        if (!said && !(demographics->has_deceased && demographics->deceased))
                return;
        event = patient_event(f, patient, is_removed ? "death.retracted" : "death.notified",
                              is_removed ? CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR : NEW, demographics);
        death = event ? draft_message(&f->draft, &carebus__v1__death__descriptor) : NULL;
        if (!death)
                return;
        death->has_status = true;
        death->status = status;
        death->original_status = said;
        death->died_at = is_removed ? NULL : demographics->deceased_at;
        death->how_known = (char *)(said ? "notification" : "Patient.deceased");
        event->body_case = CAREBUS__V1__EVENT__BODY_DEATH;
        event->death = death;
        if (death->died_at && death->died_at->text && moment_read(death->died_at->text, f->zone, &moment) == 0)
                event->occurred_at = death->died_at;
        else if (since)
                event->occurred_at = since;
}

/* ---- links */

static const struct {
        const char *link, *type;
        bool other_survives;
} links[] = {
        { "replaced-by", "patient.merged", true },
        { "replaces", "patient.merged", false },
        { "seealso", "patient.linked", false },
        { "refer", "patient.linked", false },
};

static void merge_fill(Fhir *f, const FhirResource *patient, JsonNode *other, bool other_survives,
                       const Carebus__V1__Demographics *demographics, Carebus__V1__Merge *merge) {
        merge->has_scope = true;
        merge->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        for (size_t i = 0; i < demographics->n_identifiers; i++) {
                if (other_survives)
                        draft_append(&f->draft, &merge->n_retired, &merge->retired, demographics->identifiers[i]);
                else
                        draft_append(&f->draft, &merge->n_surviving, &merge->surviving, demographics->identifiers[i]);
        }
        if (other_survives)
                fhir_reference_identifiers(f, patient, other, &merge->n_surviving, &merge->surviving);
        else
                fhir_reference_identifiers(f, patient, other, &merge->n_retired, &merge->retired);
}

static void link_event(Fhir *f, const FhirResource *patient, JsonNode *link,
                       const Carebus__V1__Demographics *demographics) {
        const char *said = fhir_member_text(f, link, "type");
        JsonNode *other = json_member(link, "other");
        Carebus__V1__Merge *merge;
        Carebus__V1__Event *event;
        size_t row = 0;

        while (row < ELEMENTSOF(links) && !text_equal(said, links[row].link))
                row++;
        if (text_equal(fhir_reference_type(f, patient, other), "RelatedPerson"))
                return; /* the same person, as somebody's relative: no record of a patient */
        merge = row < ELEMENTSOF(links) ? draft_message(&f->draft, &carebus__v1__merge__descriptor) : NULL;
        if (merge)
                merge_fill(f, patient, other, links[row].other_survives, demographics, merge);
        if (!merge || merge->n_surviving == 0 || merge->n_retired == 0 || fhir_resolve(f, patient, other) == patient) {
                fhir_problem(f, "no-linked-patient", link, /* urgent= */ true);
                return;
        }
        event = patient_event(f, patient, links[row].type, NEW, demographics);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = merge;
        event->patient->n_identifiers = merge->n_surviving;
        event->patient->identifiers = merge->surviving;
}

/* The sex at birth is no administrative fact: it is kept where equality is looked after. */
static void equity_event(Fhir *f, const FhirResource *patient, const Carebus__V1__Demographics *demographics) {
        Carebus__V1__Coded *birth_sex = fhir_uk_coded(f, patient->node, "BirthSex");
        Carebus__V1__Coded *residence = fhir_uk_coded(f, patient->node, "ResidentialStatus");
        Carebus__V1__Event *event = NULL;
        Carebus__V1__Equity *equity;

        if (birth_sex || residence)
                event = patient_event(f, patient, "equity.recorded", NEW, demographics);
        equity = event ? draft_message(&f->draft, &carebus__v1__equity__descriptor) : NULL;
        if (!equity)
                return;
        equity->sex = birth_sex;
        equity->gender = demographics->sex;
        equity->ethnic_category = demographics->ethnic_category;
        equity->immigration_status = residence;
        event->body_case = CAREBUS__V1__EVENT__BODY_EQUITY;
        event->equity = equity;
}

void fhir_patient(Fhir *f, const FhirResource *patient) {
        Carebus__V1__Demographics *demographics = fhir_demographics(f, patient);

        if (!demographics)
                return;
        demographics_event(f, patient, demographics);
        JSON_EACH(link, json_member(patient->node, "link"))
                link_event(f, patient, link, demographics);
        death_event(f, patient, demographics);
        equity_event(f, patient, demographics);
}

/* Somebody of theirs: a word about the person whose they are. */
void fhir_related_person(Fhir *f, const FhirResource *resource) {
        Carebus__V1__RelatedPerson *person;
        Carebus__V1__Demographics *demographics;
        Carebus__V1__Event *event = fhir_event(f, resource, "patient.updated", UPDATE);

        person = event ? fhir_related_person_read(f, resource) : NULL;
        demographics = person ? draft_message(&f->draft, &carebus__v1__demographics__descriptor) : NULL;
        if (!demographics)
                return;
        json_note_read(json_peek(resource->node, "active"));
        draft_append(&f->draft, &demographics->n_related_persons, &demographics->related_persons, person);
        event->body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event->demographics = demographics;
}
