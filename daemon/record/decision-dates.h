#pragma once
/* Dates of decisions, and the codes that tell how one stands. Any thread. */
#include <stdbool.h>
#include <stdint.h>

#include "carebus/v1/record.pb-c.h"

#define DECISION_STANDS "stands"
#define DECISION_STAY_ENDED "stay-ended-confirm"
/* What has to be known beside the word on resuscitation: nobody has confirmed whose it is; another waits in a review; an advance decision
 * to refuse treatment stands. */
#define DECISION_NOTE_WHICH_PERSON "which-person"
#define DECISION_NOTE_HELD "held"
#define DECISION_NOTE_REFUSAL "refusal-recorded"

/* Is the whole of what was said certainly over? */
bool decision_date_passed(const Carebus__V1__When *when, int64_t as_at);
/* The same of its review date, unless somebody has looked at it since. */
bool decision_review_passed(const Carebus__V1__Decision *decision, int64_t as_at);
