#pragma once
/*
 * A person on one document: Bundle of type document, in the manner of the International Patient Summary. Each section of the record is
 * a section of it, and says what it is where it has nothing: hidden, not known, held and none recorded never look alike.
 */
#include "adapters/fhir/write.h"

/* Appends the Bundle. `identifier`: of this document; `timestamp`: instant. 0, a code of write.h, or negative. */
int summary_write(FhirWriter *writer, const Carebus__V1__Record *record, const char *identifier, const char *timestamp,
                  Buffer *out);
/* Of $everything: each fact that R4 has something for, the person first, into `list`, which has room for `room`; *ret_n: how many
 * there are in it. `since` (microseconds): the person, and what may have changed from then on; INT64_MIN: all. 0 or negative. */
int everything_write(FhirWriter *writer, const Carebus__V1__Record *record, int64_t since, FhirWritten *list,
                     size_t room, size_t *ret_n);
/* Appends an OperationOutcome: an issue for each section that does not show everything that there may be, with the state and the words of
 * the summary. Severity `warning` where something may be there (suppressed, incomplete), `information` for none recorded. 0 or negative. */
int states_write(FhirWriter *writer, const Carebus__V1__Record *record, Buffer *out);
