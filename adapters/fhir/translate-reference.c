/*
 * Where references lead: into this message, to what was sent before, or to nothing but a name.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"
#include "canon/identifier.h"

#define SYSTEM_URI "urn:ietf:rfc:3986"

/* ---- what a reference says */

typedef struct Target {
        const char *text;      /* as said */
        const char *type, *id; /* Type/id, or the end of a URL; NULL: neither */
        const char *base;      /* of an absolute URL; NULL: relative */
        const char *plain;     /* without /_history/n */
} Target;

static bool is_type_name(const char *text, size_t size) {
        if (size == 0 || size > 64 || text[0] < 'A' || text[0] > 'Z')
                return false;
        for (size_t i = 0; i < size; i++)
                if ((text[i] < 'A' || text[i] > 'Z') && (text[i] < 'a' || text[i] > 'z'))
                        return false;
        return true;
}

static bool is_id(const char *text, size_t size) {
        if (size == 0 || size > 64)
                return false;
        for (size_t i = 0; i < size; i++) {
                char c = text[i];

                if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '-' &&
                    c != '.' && c != '_')
                        return false;
        }
        return true;
}

/* The last two parts of a path: .../Patient/123. */
static void target_split(Fhir *f, const char *plain, Target *ret) {
        const char *end = plain + strlen(plain), *id = end, *type;

        while (id > plain && id[-1] != '/')
                id--;
        if (id == plain || !is_id(id, (size_t)(end - id)))
                return;
        type = id - 1;
        while (type > plain && type[-1] != '/')
                type--;
        if (!is_type_name(type, (size_t)(id - 1 - type)))
                return;
        ret->type = draft_text(&f->draft, type, (size_t)(id - 1 - type));
        ret->id = id;
        if (type > plain)
                ret->base = draft_text(&f->draft, plain, (size_t)(type - 1 - plain));
}

static Target target_read(Fhir *f, const char *text) {
        const char *history = strstr(text, "/_history/");
        Target target = { .text = text, .plain = text };

        if (history)
                target.plain = draft_text(&f->draft, text, (size_t)(history - text)) ?: text;
        if (text[0] != '#' && !text_starts_with(text, "urn:"))
                target_split(f, target.plain, &target);
        return target;
}

static const char *reference_text(JsonNode *reference) {
        const JsonNode *said = json_peek(reference, "reference");

        if (!said || said->kind != JSON_STRING || said->size == 0 || said->size > 2048)
                return NULL;
        return json_member(reference, "reference")->text;
}

/* ---- in this message */

/* First of the resources of `list` that is not smaller. */
static size_t find_first(FhirResource *const *list, size_t n, const FhirResource *key,
                         int (*compare)(const FhirResource *a, const FhirResource *b)) {
        size_t low = 0, high = n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare(list[middle], key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int compare_texts(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "");
}

int fhir_compare_url(const FhirResource *a, const FhirResource *b) {
        return compare_texts(a->full_url, b->full_url);
}

int fhir_compare_type(const FhirResource *a, const FhirResource *b) {
        int order = compare_texts(a->type, b->type);

        return order != 0 ? order : compare_texts(a->id, b->id);
}

static FhirResource *find_contained(Fhir *f, const FhirResource *from, const char *id) {
        const FhirResource *container = from->container ?: from;

        if (id[0] == '\0')
                return &f->resources[container - f->resources];
        for (size_t i = (size_t)(container - f->resources) + 1;
             i < f->n_resources && f->resources[i].container == container; i++)
                if (text_equal(f->resources[i].id, id))
                        return &f->resources[i];
        return NULL;
}

/* The value of its identifier of that system; NULL: none. */
static const char *number_of(const FhirResource *resource, const char *system) {
        const JsonNode *list = json_peek(resource->node, "identifier");

        for (const JsonNode *item = list ? list->first : NULL; item; item = item->next)
                if (text_equal(json_said(item, "system"), system))
                        return json_said(item, "value");
        return NULL;
}

/* 944 930 5552 is 9449305552. */
static bool is_same_number(const char *a, const char *b) {
        while (*a || *b) {
                if (*a == ' ' || *a == '-')
                        a++;
                else if (*b == ' ' || *b == '-')
                        b++;
                else if (*a++ != *b++)
                        return false;
        }
        return true;
}

/* Two Patients under one name are two people where their NHS numbers differ: then the name is nobody's, and nothing is guessed. */
static bool is_another_person(const FhirResource *a, const FhirResource *b) {
        const char *number, *other;

        if (!text_equal(a->type, "Patient") || !text_equal(b->type, "Patient"))
                return false;
        number = number_of(a, SYSTEM_NHS_NUMBER);
        other = number_of(b, SYSTEM_NHS_NUMBER);
        return number && other && !is_same_number(number, other);
}

static FhirResource *find_by_url(Fhir *f, const char *url) {
        FhirResource key = { .full_url = url };
        size_t at = find_first(f->by_url, f->n_resources, &key, fhir_compare_url);
        FhirResource *found = at < f->n_resources && text_equal(f->by_url[at]->full_url, url) ? f->by_url[at] : NULL;

        for (size_t i = at + 1; found && i < f->n_resources && text_equal(f->by_url[i]->full_url, url); i++)
                if (is_another_person(found, f->by_url[i]))
                        return NULL;
        return found;
}

static FhirResource *find_by_type(Fhir *f, const char *type, const char *id) {
        FhirResource key = { .type = type, .id = id }, *found = NULL;

        for (size_t at = find_first(f->by_type, f->n_resources, &key, fhir_compare_type);
             at < f->n_resources && fhir_compare_type(f->by_type[at], &key) == 0; at++)
                if (!f->by_type[at]->container) { /* an id of a contained one is known to its container alone */
                        if (found && is_another_person(found, f->by_type[at]))
                                return NULL;
                        found = found ?: f->by_type[at];
                        if (!text_equal(type, "Patient"))
                                break;
                }
        return found;
}

static size_t base_size(const FhirResource *resource) {
        size_t tail = resource->type && resource->id ? strlen(resource->type) + strlen(resource->id) + 2 : 0;
        size_t size = resource->full_url ? strlen(resource->full_url) : 0;

        return tail && size > tail ? size - tail : 0;
}

/* An absolute URL leads to the server that the message itself is from. */
static bool is_own_base(const Fhir *f, const FhirResource *from, const char *base) {
        size_t size = base_size(from->container ?: from);

        if (!base)
                return true;
        if (size > 0)
                return strlen(base) == size && strncmp(base, (from->container ?: from)->full_url, size) == 0;
        for (size_t i = 0; i < f->n_resources && i < 8; i++) { /* of one bundle the first speak for all */
                size = base_size(&f->resources[i]);
                if (size > 0 && strlen(base) == size && strncmp(base, f->resources[i].full_url, size) == 0)
                        return true;
        }
        return false;
}

static FhirResource *resolve_target(Fhir *f, const FhirResource *from, const Target *target) {
        FhirResource *found;

        if (target->text[0] == '#')
                return find_contained(f, from, target->text + 1);
        found = find_by_url(f, target->plain);
        if (!found && target->type && is_own_base(f, from, target->base))
                found = find_by_type(f, target->type, target->id);
        return found;
}

/* Some write urn:uuid:X only in fullUrl and Type/X, or the bare X, in references. */
static FhirResource *resolve_loosely(Fhir *f, const Target *target) {
        const char *id = target->id && !target->base ? target->id : target->type ? NULL : target->plain;
        char *url = id && strlen(id) == 36 ? draft_format(&f->draft, "urn:uuid:%s", id) : NULL;
        FhirResource *found = url ? find_by_url(f, url) : NULL;

        return found && (!target->type || text_equal(found->type, target->type)) ? found : NULL;
}

FhirResource *fhir_resolve(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const char *text = reference_text(reference);
        FhirResource *found;
        Target target;

        json_note_seen(reference);
        if (!text)
                return NULL;
        target = target_read(f, text);
        found = resolve_target(f, from, &target) ?: resolve_loosely(f, &target);
        if (found && found->is_refused) {
                /* What may not be used is as if it were not here; an order for a medicine is none without the medicine. */
                if (f->current && text_equal(found->type, "Medication"))
                        f->current->is_broken = true;
                return NULL;
        }
        if (found)
                found->is_used = true;
        return found;
}

/* ---- identifiers */

Carebus__V1__Identifier *fhir_logical_identifier(Fhir *f, const char *type, const char *id) {
        if (!type || !id)
                return NULL;
        return draft_identifier(&f->draft, draft_format(&f->draft, "carebus:%s", f->options->source), NULL,
                                (char *)type, draft_format(&f->draft, "%s/%s", type, id));
}

/* An id that lives longer than its message: not of a contained resource, nor behind a placeholder. What is created keeps the id that it
 * comes with, or the one that the server gave it (prepare.h). */
static bool has_lasting_id(const FhirResource *resource) {
        return resource->type && resource->id && !resource->container &&
               !(resource->full_url && text_starts_with(resource->full_url, "urn:"));
}

static bool known_find(Fhir *f, const char *type, const char *id, FhirKnown *ret) {
        *ret = (FhirKnown){ 0 };
        return f->memory && f->memory->find && type && id &&
               f->memory->find(f->memory->owner, type, id, f->draft.arena, ret) == 0;
}

void fhir_own_identifiers(Fhir *f, const FhirResource *resource, size_t *n, Carebus__V1__Identifier ***list) {
        FhirKnown known;

        fhir_identifier_list(f, json_member(resource->node, "identifier"), n, list);
        if (*n == 0 && resource->is_deleted && known_find(f, resource->type, resource->id, &known))
                for (size_t i = 0; i < known.n_identifiers; i++)
                        fhir_identifier_add(f, n, list, known.identifiers[i]);
        if (has_lasting_id(resource))
                fhir_identifier_add(f, n, list, fhir_logical_identifier(f, resource->type, resource->id));
        else if (*n == 0 && resource->full_url && text_starts_with(resource->full_url, "urn:"))
                draft_append(&f->draft, n, list,
                             draft_identifier(&f->draft, (char *)SYSTEM_URI, NULL, (char *)resource->type,
                                              (char *)resource->full_url));
}

Carebus__V1__Identifier *fhir_own_identifier(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Identifier **list = NULL;
        size_t n = 0;

        fhir_own_identifiers(f, resource, &n, &list);
        return n > 0 ? list[0] : NULL;
}

/* What leads out of the message, by what came before and by its name. */
static void outside_identifiers(Fhir *f, const FhirResource *from, const Target *target, size_t *n,
                                Carebus__V1__Identifier ***list, bool of_patient) {
        FhirKnown known;

        if (!target->type) {
                if (text_starts_with(target->text, "urn:"))
                        draft_append(&f->draft, n, list,
                                     draft_identifier(&f->draft, (char *)SYSTEM_URI, NULL, NULL, (char *)target->text));
                return;
        }
        if (!is_own_base(f, from, target->base)) { /* another server's: its number is no number of this one */
                draft_append(&f->draft, n, list,
                             draft_identifier(&f->draft, (char *)target->base, NULL, (char *)target->type,
                                              draft_format(&f->draft, "%s/%s", target->type, target->id)));
                return;
        }
        if (known_find(f, target->type, target->id, &known)) {
                size_t n_known = of_patient && known.n_patient ? known.n_patient : known.n_identifiers;
                Carebus__V1__Identifier **said = of_patient && known.n_patient ? known.patient : known.identifiers;

                for (size_t i = 0; i < n_known; i++)
                        fhir_identifier_add(f, n, list, said[i]);
        }
        fhir_identifier_add(f, n, list, fhir_logical_identifier(f, target->type, target->id));
}

/* Everything that names what the reference leads to. */
void fhir_reference_identifiers(Fhir *f, const FhirResource *from, JsonNode *reference, size_t *n,
                                Carebus__V1__Identifier ***list) {
        const FhirResource *found = fhir_resolve(f, from, reference);
        const char *text = reference_text(reference);
        Target target;

        json_note_read(json_peek(reference, "type"));
        if (found)
                fhir_own_identifiers(f, found, n, list);
        fhir_identifier_add(f, n, list, fhir_identifier(f, json_member(reference, "identifier")));
        if (found || !text || text[0] == '#')
                return;
        target = target_read(f, text);
        outside_identifiers(f, from, &target, n, list, /* of_patient= */ false);
}

Carebus__V1__Identifier *fhir_reference_identifier(Fhir *f, const FhirResource *from, JsonNode *reference) {
        Carebus__V1__Identifier **list = NULL;
        size_t n = 0;

        if (!reference)
                return NULL;
        json_note_read(json_peek(reference, "display"));
        fhir_reference_identifiers(f, from, reference, &n, &list);
        return n > 0 ? list[0] : NULL;
}

/* ---- people, organisations, places */

static char *reference_display(Fhir *f, JsonNode *reference) {
        return fhir_member_text(f, reference, "display");
}

Carebus__V1__Organisation *fhir_reference_organisation(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        Carebus__V1__Identifier *identifier;
        Carebus__V1__Organisation *organisation;
        char *name;

        if (!reference)
                return NULL;
        name = found ? fhir_member_text(f, found->node, "name") : NULL;
        name = name ?: reference_display(f, reference);
        identifier = fhir_reference_identifier(f, from, reference);
        organisation = name || identifier ? draft_message(&f->draft, &carebus__v1__organisation__descriptor) : NULL;
        if (organisation) {
                organisation->identifier = identifier;
                organisation->name = name;
        }
        return organisation;
}

static Carebus__V1__HumanName *name_of_text(Fhir *f, char *text) {
        Carebus__V1__HumanName *name = text ? draft_message(&f->draft, &carebus__v1__human_name__descriptor) : NULL;

        if (name)
                name->text = text;
        return name;
}

static void practitioner_read_role(Fhir *f, const FhirResource *role, Carebus__V1__Practitioner *practitioner) {
        practitioner->role = fhir_coded(f, json_element(json_member(role->node, "code"), 0));
        practitioner->organisation = fhir_reference_organisation(f, role, json_member(role->node, "organization"));
        fhir_telecom_list(f, json_member(role->node, "telecom"), &practitioner->n_telecom, &practitioner->telecom);
}

/* A Practitioner, a PractitionerRole with its Practitioner, or no more than a display. */
Carebus__V1__Practitioner *fhir_reference_practitioner(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL, *role = NULL;
        JsonNode *person_reference = reference;
        Carebus__V1__Practitioner *practitioner;

        practitioner = reference ? draft_message(&f->draft, &carebus__v1__practitioner__descriptor) : NULL;
        if (!practitioner)
                return NULL;
        if (found && text_equal(found->type, "PractitionerRole")) {
                role = found;
                practitioner_read_role(f, role, practitioner);
                if (json_peek(role->node, "practitioner")) {
                        person_reference = json_member(role->node, "practitioner");
                        found = fhir_resolve(f, role, person_reference);
                }
        }
        if (found && text_equal(found->type, "Organization"))
                practitioner->organisation = fhir_reference_organisation(f, from, reference);
        else {
                practitioner->identifier = fhir_reference_identifier(f, role ?: from, person_reference);
                if (found && found != role) {
                        practitioner->name = fhir_name(f, json_element(json_member(found->node, "name"), 0));
                        fhir_telecom_list(f, json_member(found->node, "telecom"), &practitioner->n_telecom,
                                          &practitioner->telecom);
                }
        }
        if (!practitioner->name && !practitioner->organisation)
                practitioner->name = name_of_text(f, reference_display(f, person_reference)
                                                             ?: reference_display(f, reference));
        return practitioner->identifier || practitioner->name || practitioner->organisation || practitioner->role
                       ? practitioner
                       : NULL;
}

const char *fhir_reference_type(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        const char *said, *text;

        if (!reference)
                return NULL;
        if (found)
                return found->type;
        said = json_text(reference, "type");
        text = reference_text(reference);
        if (said || !text)
                return said;
        return target_read(f, text).type;
}

static void service_read_resource(Fhir *f, const FhirResource *found, Carebus__V1__ServiceRef *service) {
        static const char *const owners[] = { "providedBy", "managingOrganization", "organization", "partOf" };

        service->name = fhir_member_text(f, found->node, "name");
        service->type = fhir_coded(f, json_element(json_member(found->node, "type"), 0));
        fhir_telecom_list(f, json_member(found->node, "telecom"), &service->n_telecom, &service->telecom);
        for (size_t i = 0; i < ELEMENTSOF(owners) && !service->organisation; i++)
                service->organisation =
                        fhir_reference_organisation(f, found, json_element(json_member(found->node, owners[i]), 0));
}

/* A HealthcareService, CareTeam or Organization; or somebody who is asked in person. */
Carebus__V1__ServiceRef *fhir_reference_service(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const char *type = fhir_reference_type(f, from, reference);
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        Carebus__V1__ServiceRef *service;

        service = reference ? draft_message(&f->draft, &carebus__v1__service_ref__descriptor) : NULL;
        if (!service)
                return NULL;
        if (text_equal(type, "Practitioner") || text_equal(type, "PractitionerRole")) {
                service->practitioner = fhir_reference_practitioner(f, from, reference);
                service->organisation = service->practitioner ? service->practitioner->organisation : NULL;
        } else if (text_equal(type, "Organization")) {
                service->organisation = fhir_reference_organisation(f, from, reference);
        } else {
                service->identifier = fhir_reference_identifier(f, from, reference);
                if (found)
                        service_read_resource(f, found, service);
        }
        if (!service->name && !service->practitioner)
                service->name = reference_display(f, reference);
        return service->identifier || service->name || service->practitioner || service->organisation ? service : NULL;
}

/* The kinds of a place that the bus has names for, by what a Location says it physically is. */
static void place_set_part(Carebus__V1__Place *place, const char *kind, char *name) {
        if (text_equal(kind, "bd"))
                place->bed = name;
        else if (text_equal(kind, "ro"))
                place->room = name;
        else if (text_equal(kind, "bu"))
                place->building = name;
        else if (text_equal(kind, "lvl"))
                place->floor = name;
        else if (text_equal(kind, "si"))
                place->facility = name;
        else
                place->point_of_care = name;
}

static void place_read_location(Fhir *f, const FhirResource *location, Carebus__V1__Place *place, size_t depth) {
        JsonNode *physical = json_element(json_member(json_member(location->node, "physicalType"), "coding"), 0);
        JsonNode *above = json_member(location->node, "partOf");
        const FhirResource *parent = above && depth > 0 ? fhir_resolve(f, location, above) : NULL;
        char *kind = fhir_member_text(f, physical, "code");

        if (parent)
                place_read_location(f, parent, place, depth - 1);
        place_set_part(place, kind, fhir_member_text(f, location->node, "name"));
        if (text_equal(kind, "ho"))
                place->kind = (char *)"home";
        if (!place->organisation)
                place->organisation = fhir_reference_organisation(f, location,
                                                                  json_member(location->node, "managingOrganization"));
}

Carebus__V1__Place *fhir_reference_place(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        Carebus__V1__Place *place = reference ? draft_message(&f->draft, &carebus__v1__place__descriptor) : NULL;

        if (!place)
                return NULL;
        if (found)
                place_read_location(f, found, place, 4);
        place->text = reference_display(f, reference);
        if (!found) { /* nothing is known of it but its name */
                const Carebus__V1__Identifier *identifier = fhir_reference_identifier(f, from, reference);
                bool is_site = identifier && identifier->system && strstr(identifier->system, "ods-");

                if (is_site)
                        place->facility = identifier->value;
                else if (identifier && !place->text)
                        place->text = identifier->value;
        }
        return place->text || place->point_of_care || place->bed || place->room || place->building || place->floor ||
                               place->facility || place->organisation
                       ? place
                       : NULL;
}

Carebus__V1__RelatedPerson *fhir_reference_person(Fhir *f, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        Carebus__V1__RelatedPerson *person;

        if (!reference)
                return NULL;
        if (found && text_equal(found->type, "RelatedPerson"))
                return fhir_related_person_read(f, found);
        person = draft_message(&f->draft, &carebus__v1__related_person__descriptor);
        if (!person)
                return NULL;
        fhir_reference_identifiers(f, from, reference, &person->n_identifiers, &person->identifiers);
        person->name = found ? fhir_name(f, json_element(json_member(found->node, "name"), 0)) : NULL;
        if (!person->name)
                person->name = name_of_text(f, reference_display(f, reference));
        return person->name || person->n_identifiers ? person : NULL;
}

/* ---- the patient */

static void patient_of_resource(Fhir *f, Carebus__V1__Subject *subject, const FhirResource *found) {
        fhir_own_identifiers(f, found, &subject->n_identifiers, &subject->identifiers);
        /* A Patient that is an entry of its own has its own event; a contained one says here what it says at all. */
        if (found->container && text_equal(found->type, "Patient"))
                subject->demographics = fhir_demographics(f, found);
}

/* The reference says one NHS number, what it leads to another: one of them is wrong, and nobody knows which. */
static bool names_two_people(JsonNode *reference, const FhirResource *found) {
        const JsonNode *identifier = json_peek(reference, "identifier"),
                       *list = found ? json_peek(found->node, "identifier") : NULL;
        const char *said = text_equal(json_said(identifier, "system"), SYSTEM_NHS_NUMBER)
                                   ? json_said(identifier, "value")
                                   : NULL;

        if (!said || !found || !number_of(found, SYSTEM_NHS_NUMBER))
                return false;
        for (const JsonNode *item = list ? list->first : NULL; item; item = item->next)
                if (json_said(item, "value") && is_same_number(json_said(item, "value"), said))
                        return false;
        return true;
}

void fhir_set_patient(Fhir *f, Carebus__V1__Event *event, const FhirResource *from, JsonNode *reference) {
        const FhirResource *found = reference ? fhir_resolve(f, from, reference) : NULL;
        const char *text = reference_text(reference), *type = fhir_reference_type(f, from, reference);
        Carebus__V1__Subject *subject;

        if (!event || !reference || (type && strcmp(type, "Patient") != 0)) /* a group, a device: nobody's record */
                return;
        if (names_two_people(reference, found)) {
                fhir_problem(f, "two-patients", reference, /* urgent= */ true);
                return;
        }
        subject = draft_message(&f->draft, &carebus__v1__subject__descriptor);
        if (!subject)
                return;
        json_note_read(json_peek(reference, "display"));
        json_note_read(json_peek(reference, "type"));
        if (found)
                patient_of_resource(f, subject, found);
        fhir_identifier_add(f, &subject->n_identifiers, &subject->identifiers,
                            fhir_identifier(f, json_member(reference, "identifier")));
        if (found) {
                event->patient = subject;
                return;
        }
        /* A placeholder that stands for nobody in this message is nobody's name. */
        if (text && text[0] != '#' && !text_starts_with(text, "urn:")) {
                Target target = target_read(f, text);

                outside_identifiers(f, from, &target, &subject->n_identifiers, &subject->identifiers,
                                    /* of_patient= */ true);
        }
        event->patient = subject;
}
