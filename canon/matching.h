#pragma once
/*
 * What people are told apart by, in a form made for comparing: names folded (NFKD without marks, case, apostrophes, hyphens and
 * blanks; ligatures and letters such as ß, ø, æ, ł by table), postcodes and numbers of telephones without blanks. Made once, when an
 * event is taken in, and journaled: no library's next version makes another person of somebody.
 */
#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"

/* Of the demographics that an event has, as its body or beside it. *ret NULL: it says nothing of its person. The result lives in the arena.
 * 0 or -ENOMEM. */
int matching_of_event(const Carebus__V1__Event *event, Arena *arena, Carebus__V1__Matching **ret);
/* One name, postcode, telephone as somebody typed it, folded in the same way. "" where nothing is left; NULL when the arena is full. */
char *matching_fold_name(const char *text, Arena *arena);
char *matching_fold_postcode(const char *text, Arena *arena);
char *matching_fold_phone(const char *text, Arena *arena);
/* "McAllister, Jean", "Jean Mary McAllister", "Mrs J McAllister": the readings of a name that somebody typed, the likeliest first. */
int matching_names_of_text(const char *text, Arena *arena, Carebus__V1__Matching **ret);
