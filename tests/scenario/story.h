#pragma once
/*
 * The language of the stories: what came in, and what must have come of it. See stories/README.md.
 */
#include "tests/scenario/world.h"

/* Runs one story, in every order that it asks for, and folds it again in transactions of other sizes. Fails the running
 * cmocka test at the first line that does not hold. */
void story_run(const char *path);
/* The same, and shows the world when the story was told, before it ends: in every order. */
void story_run_to(const char *path, void (*told)(const World *world, void *owner), void *owner);
/* First line of the file without its "# ": what the story promises. Freed by the caller. */
char *story_promise(const char *path);
