#pragma once
/*
 * A team's system reads records as FHIR R4: GET and nothing else, with the rights of the team of the destination, asked anew each time.
 * Whoever asks shows a token and says which person looks (X-Carebus-Who): each answer is in the audit under that name.
 */
#include "adapters/fhir/asker.h"
#include "adapters/fhir/write.h"
#include "base/loop.h"

typedef struct Facade Facade;

/* Listens. All that is given outlives it. -EINVAL and the like: said on standard error. */
int facade_new(Loop *loop, const Config *config, size_t destination, FhirWriter *writer, Asker *asker, Facade **ret);
Facade *facade_free(Facade *facade);
DEFINE_CLEANUP(Facade *, facade_free)
