#pragma once
/* How often each field of a source's messages was seen, and what became of it: counted until it is sent. Not part of the interface. */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "sdk/carebus.h"

#define COVERAGE_PATHS_MAX 4096
#define COVERAGE_PATH_SIZE_MAX 120

typedef struct Coverage Coverage;

int coverage_new(Coverage **ret);
Coverage *coverage_free(Coverage *coverage);
DEFINE_CLEANUP(Coverage *, coverage_free)
/* -EINVAL as carebus_source_cover(); -ENOMEM. */
int coverage_add(Coverage *coverage, const char *path, carebus_field_use use);
bool coverage_has_news(const Coverage *coverage);
/* Fields of a carebus.v1.Coverage, no more than fit a frame; what is in it counts as sent only with coverage_sent(). */
void coverage_encode(Coverage *coverage, Buffer *body);
void coverage_sent(Coverage *coverage);
