#pragma once
/*
 * The language of the stories: what came in, and what must have come of it. See stories/README.md.
 */
#include "tests/scenario/world.h"

/* Of a story that can be told in more orders than this, some tests tell no more: the first, and others in equal steps. */
#define STORY_SOME_ORDERS 24

/* Runs one story, in all orders that it asks for or in some, and folds it again in transactions of other sizes. Fails the
 * running cmocka test at the first line that does not hold. */
void story_run(const char *path, bool all);
/* The same, and shows the world when the story was told, before it ends: in some orders, in all where CAREBUS_NIGHTLY is set. */
void story_run_to(const char *path, void (*told)(const World *world, void *owner), void *owner);
/* First line of the file without its "# ": what the story promises. Freed by the caller. */
char *story_promise(const char *path);
