#pragma once
/*
 * The same records through a real journal and a real fold: bench-identity --fold.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"

/* What is journaled of one record: an event, the form in which its person is compared (NULL: none), and what it is known by. */
typedef struct FoldRecord {
        Carebus__V1__Event *event;
        Carebus__V1__Matching *matching;
        Carebus__V1__Identifier *number; /* of a national health service, traced by nobody; or NULL */
} FoldRecord;

/* Each record as the registration of a person by a source of its own, so that nothing but the score can join two. `folder` is
 * empty and stays full. ret_roots[i]: the first of the records that are one with records[i]. *ret_reviews: how many joins wait
 * for a person. 0 or a negative errno. */
int fold_records(const char *folder, const FoldRecord *records, size_t n, Arena *arena, size_t *ret_roots,
                 size_t *ret_reviews);
