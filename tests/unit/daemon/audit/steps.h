#pragma once
/*
 * Every call by which the calling thread changes a file is a step: linked into a test, these definitions stand before libc's. What a kill
 * leaves is what the folder holds between two steps.
 */

/* Called before each step of this thread from now on, and not for what it does itself; NULL: no more. */
void steps_watch(void (*before)(void *owner), void *owner);
