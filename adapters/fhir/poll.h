#pragma once
/*
 * A source that does not send but is asked: every so often, each type of resource for what was changed since the last time, page by
 * page. How far it is stands in the memory, and moves when the bus has stored a page; what is read twice is known by its version.
 */
#include "adapters/fhir/courier.h"

typedef struct Poll Poll;

/* The courier outlives it. 0 or a negative errno. */
int poll_new(Courier *courier, const Config *config, size_t source, Poll **ret);
Poll *poll_free(Poll *poll);
DEFINE_CLEANUP(Poll *, poll_free)

int poll_fd(const Poll *poll);
/* Goes as far as it goes without waiting. `ret_timeout`: milliseconds after which to call it again; -1: no limit. */
int poll_work(Poll *poll, int *ret_timeout);
