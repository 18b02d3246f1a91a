/* Who and where. A reference says number and name; what is more is a resource contained beside it. */
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"

/* A resource of that type that is to be contained in the one that is being written. */
static JsonNode *contained_new(Writer *w, const char *type) {
        JsonNode *node = tree_object(w);

        tree_put_text(w, node, "resourceType", type);
        return node;
}

/* Puts it there and leads to it; NULL where it says nothing but its type. */
static JsonNode *contained_reference(Writer *w, JsonNode *contained) {
        JsonNode *node = contained && contained->first != contained->last ? tree_object(w) : NULL;
        char *id = node ? arena_format(w->arena, "#c%u", ++w->n_contained) : NULL;

        if (!id || !w->resource)
                return NULL;
        tree_put_text(w, contained, "id", id + 1);
        tree_put(w, w->resource, "contained[]", contained);
        tree_put_text(w, node, "reference", id);
        return node;
}

JsonNode *write_reference(Writer *w, const char *type, const Carebus__V1__Identifier *identifier, const char *display) {
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "identifier", write_identifier(w, identifier));
        tree_put_text(w, node, "display", display);
        if (!tree_or_null(node))
                return NULL;
        tree_put_text(w, node, "type", type);
        return node;
}

static bool is_no_more_than_text(const Carebus__V1__HumanName *name) {
        return !name || (name->text && !name->family && !name->n_given && !name->n_prefix && !name->n_suffix &&
                         !name->use && !name->period);
}

static JsonNode *person_of(Writer *w, const Carebus__V1__Practitioner *practitioner) {
        JsonNode *node;

        if (is_no_more_than_text(practitioner->name) && practitioner->n_telecom == 0)
                return write_reference(w, "Practitioner", practitioner->identifier,
                                       practitioner->name ? practitioner->name->text : NULL);
        if (!practitioner->identifier && !practitioner->name)
                return NULL;
        node = contained_new(w, "Practitioner");
        tree_put(w, node, "identifier[]", write_identifier(w, practitioner->identifier));
        tree_put(w, node, "name[]", write_name(w, practitioner->name));
        for (size_t i = 0; i < practitioner->n_telecom; i++)
                tree_put(w, node, "telecom[]", write_telecom(w, practitioner->telecom[i]));
        return contained_reference(w, node);
}

JsonNode *write_practitioner(Writer *w, const Carebus__V1__Practitioner *practitioner) {
        JsonNode *person, *node;

        if (!practitioner)
                return NULL;
        person = person_of(w, practitioner);
        if (!practitioner->role && !practitioner->organisation)
                return person;
        node = contained_new(w, "PractitionerRole");
        tree_put(w, node, "practitioner", person);
        tree_put(w, node, "organization", write_organisation(w, practitioner->organisation));
        tree_put(w, node, "code[]", write_coded(w, practitioner->role));
        return contained_reference(w, node);
}

JsonNode *write_organisation(Writer *w, const Carebus__V1__Organisation *organisation) {
        return organisation ? write_reference(w, "Organization", organisation->identifier, organisation->name) : NULL;
}

JsonNode *write_service(Writer *w, const Carebus__V1__ServiceRef *service, const char *type) {
        bool is_organisation = strcmp(type, "Organization") == 0;
        JsonNode *node;

        if (!service)
                return NULL;
        if (service->practitioner)
                return write_practitioner(w, service->practitioner);
        if (service->organisation && !service->identifier && !service->name && !service->type)
                return write_organisation(w, service->organisation);
        if (!service->organisation && !service->type && !service->n_telecom)
                return write_reference(w, type, service->identifier, service->name);
        node = contained_new(w, type);
        tree_put(w, node, "identifier[]", write_identifier(w, service->identifier));
        tree_put_text(w, node, "name", service->name);
        if (strcmp(type, "CareTeam") != 0)
                tree_put(w, node, "type[]", write_coded(w, service->type));
        for (size_t i = 0; i < service->n_telecom; i++)
                tree_put(w, node, "telecom[]", write_telecom(w, service->telecom[i]));
        tree_put(w, node,
                 is_organisation                 ? "partOf"
                 : strcmp(type, "CareTeam") == 0 ? "managingOrganization[]"
                                                 : "providedBy",
                 write_organisation(w, service->organisation));
        return contained_reference(w, node);
}

/* From the outside to the inside: each part is a Location in the one before. */
JsonNode *write_place(Writer *w, const Carebus__V1__Place *place) {
        const struct {
                const char *kind, *name;
        } parts[] = { { "si", place ? place->facility : NULL }, { "bu", place ? place->building : NULL },
                      { "lvl", place ? place->floor : NULL },   { "wa", place ? place->point_of_care : NULL },
                      { "ro", place ? place->room : NULL },     { "bd", place ? place->bed : NULL } };
        JsonNode *inner = NULL, *outermost = NULL;

        if (!place)
                return NULL;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
                JsonNode *node;

                if (!parts[i].name || !parts[i].name[0])
                        continue;
                node = contained_new(w, "Location");
                tree_put_text(w, node, "name", parts[i].name);
                tree_put_text(w, node, "physicalType.coding[0].system",
                              "http://terminology.hl7.org/CodeSystem/location-physical-type");
                tree_put_text(w, node, "physicalType.coding[0].code", parts[i].kind);
                tree_put(w, node, "partOf", inner);
                outermost = outermost ?: node;
                inner = contained_reference(w, node);
        }
        if (place->organisation && outermost)
                tree_put(w, outermost, "managingOrganization", write_organisation(w, place->organisation));
        else if (place->organisation) {
                JsonNode *node = contained_new(w, "Location");

                tree_put(w, node, "managingOrganization", write_organisation(w, place->organisation));
                inner = contained_reference(w, node);
        }
        if (!inner)
                return write_reference(w, "Location", NULL, place->text ?: place->kind);
        tree_put_text(w, inner, "display", place->text);
        return inner;
}

/* ---- people of theirs */

static void person_put(Writer *w, const Carebus__V1__RelatedPerson *person, bool is_contact, JsonNode *node) {
        tree_put(w, node, "relationship[]", write_coded(w, person->relationship));
        tree_put(w, node, "relationship[]", write_coded(w, person->role));
        tree_put(w, node, is_contact ? "name" : "name[]", write_name(w, person->name));
        for (size_t i = 0; i < person->n_telecom; i++)
                tree_put(w, node, "telecom[]", write_telecom(w, person->telecom[i]));
        for (size_t i = 0; i < person->n_addresses && (!is_contact || i == 0); i++)
                tree_put(w, node, is_contact ? "address" : "address[]", write_address(w, person->addresses[i]));
        tree_put(w, node, "period", write_period(w, person->period));
}

JsonNode *write_contact(Writer *w, const Carebus__V1__RelatedPerson *person) {
        JsonNode *node = person ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        person_put(w, person, /* is_contact= */ true, node);
        return tree_or_null(node);
}

JsonNode *write_person(Writer *w, const Carebus__V1__RelatedPerson *person) {
        JsonNode *node;

        if (!person)
                return NULL;
        node = contained_new(w, "RelatedPerson");
        for (size_t i = 0; i < person->n_identifiers; i++)
                tree_put(w, node, "identifier[]", write_identifier(w, person->identifiers[i]));
        tree_put(w, node, "patient", write_subject(w));
        person_put(w, person, /* is_contact= */ false, node);
        return contained_reference(w, node);
}

/* Patient/ID, and the numbers that the event has: who keeps the person under another id finds them by these. */
JsonNode *write_subject(Writer *w) {
        const Carebus__V1__Subject *subject = w->event ? w->event->patient : NULL;
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put_text(w, node, "reference", w->patient_reference);
        if (subject && subject->n_identifiers > 0)
                tree_put(w, node, "identifier", write_identifier(w, subject->identifiers[0]));
        return tree_or_null(node);
}
