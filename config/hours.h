#pragma once
/*
 * When somebody can be rung, as a subset of what opening hours are written in everywhere: "Mo-Fr 09:00-17:00; Sa,PH 10:00-12:00",
 * "24/7", "17:00-09:00" (every day, into the next), "Mo-Fr" (all day). Days are Mo Tu We Th Fr Sa Su and PH (bank holidays), or their
 * English names; a range of days may go over the weekend (Sa-Mo). Any thread.
 */
#include "base/arena.h"
#include "config/config.h"

/* 0, -EINVAL with *ret_wrong the part that was not understood (in the arena), or -ENOMEM. "24/7" is one row without days, from 00:00
 * to 00:00. */
int hours_parse(const char *text, Arena *arena, ConfigReach **ret, size_t *ret_n, const char **ret_wrong);
