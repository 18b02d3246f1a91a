#pragma once
/* Words of a story that are about sharing: teams and rules of the settings, and what is granted for a time. */
#include <stdbool.h>

#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"

/* team=NAME/CLASS[/ODS[/TITLE]], destination=SOURCE, reasons=CODE,..., answers=CLASS,..., days=DISCHARGE/DEATH, hours=CONTACT.
 * False: it is about something else. */
bool story_sharing_word(Carebus__V1__Settings *settings, char *word, Arena *arena);
/* glass, contact (of a patient), end, reviewed (SEQ of the decision). */
bool story_is_grant(const char *word);
Carebus__V1__JournalDecision *story_grant(char **words, size_t n_words, const char *patient_id, Arena *arena);
