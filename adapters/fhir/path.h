#pragma once
/*
 * Where in a resource a field of a profile comes from: a small part of FHIRPath.
 *
 *   Patient.name.family             members, from the resource's type or from its first member on; through arrays
 *   identifier[1].value             the second of all
 *   telecom.where(system = 'phone' and use = 'home').value.first()
 *   extension('URL').value          value is value[x], whatever its type; value.ofType(CodeableConcept).text its type
 *
 * What it finds is the first text, number or truth in the order of the resource. There is no resolve(), no arithmetic and no `or`.
 */
#include <stddef.h>

#include "adapters/fhir/json.h"
#include "base/cleanup.h"

#define FHIR_PATH_STEPS_MAX 16

/* Positive returns. */
enum {
        _FHIR_PATH_E_SUCCESS,
        FHIR_PATH_E_SYNTAX, /* from ret_offset on it is none of the above */
};

typedef struct FhirPath FhirPath;

/* 0, FHIR_PATH_E_SYNTAX with ret_offset (bytes before what is wrong), or -ENOMEM. On the heap, immutable: any thread may use it. */
int fhir_path_parse(const char *text, FhirPath **ret, size_t *ret_offset);
FhirPath *fhir_path_free(FhirPath *path);
DEFINE_CLEANUP(FhirPath *, fhir_path_free)

/* The first leaf that the path leads to, or NULL: also where the path names another type of resource. Notes the reading of it and of
 * all above it. */
JsonNode *fhir_path_get(const FhirPath *path, JsonNode *resource);
/* What a leaf says: its text, "true", "false". */
const char *fhir_path_text(const JsonNode *leaf);
