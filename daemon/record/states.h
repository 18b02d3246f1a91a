#pragma once
/*
 * What each section of a record says where it says no value, and how far what it says can be relied on: none recorded by whom since
 * when, held in review, who is silent since when, who sent what nobody understood. It follows from what all sources did and from the
 * reader's clock, so it is in no digest.
 */
#include "base/arena.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/record/read.h"

/* Words of SectionState.states and SectionSource.state. */
#define SECTION_VALUE "value"
#define SECTION_NONE_RECORDED "none-recorded"
#define SECTION_HELD "held"
#define SECTION_SILENT "silent"
#define SECTION_NOT_UNDERSTOOD "not-understood"
#define SECTION_NOT_HEARD_YET "not-heard-yet"
#define SECTION_NOT_FOLLOWED "not-followed"
#define SECTION_HIDDEN "hidden"
#define SECTION_PART_HIDDEN "part-hidden"

/* Its habit says when a source is silent (source-silence.h); until that is known, a day without a word. */
#define RECORD_PATIENCE_OF_HABIT INT64_C(-1)
/* Microseconds without a word after which a source is silent; 0: it may be silent for ever. */
typedef struct RecordPatience {
        int64_t (*silent_after)(const void *owner, const char *source);
        const void *owner;
} RecordPatience;

/* Fills in `states`, one for each section of the catalogue, and of `sources` what the clock says, for the sources that the record has.
 * `now` is the reader's; `eyes` those that the record was read by. What is hidden from them says so whoever it is of and whatever there
 * is, with whom to ring, and says nowhere that there is none. 0 or negative. */
int record_states(StateTxn *txn, Carebus__V1__Record *record, const RecordEyes *eyes, const RecordPatience *patience,
                  int64_t now, Arena *arena);
