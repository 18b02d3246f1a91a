#pragma once
/* One event of a story, out of its words. */
#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"

/* HH:MM of the stories' day, or written out. */
int64_t story_time(const char *text);
Carebus__V1__When *story_when(const char *text, Arena *arena);
/* `words` begin with the type. Fails the running test at what it does not know. */
Carebus__V1__Event *story_event(const char *source, int64_t received_at, char **words, size_t n_words, Arena *arena);
