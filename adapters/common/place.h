#pragma once
/* Where an adapter keeps what it has to know after a restart. */
#include "config/config.h"

/* $STATE_DIRECTORY/SOURCE where systemd gives one (the first of several), or that itself where it ends in SOURCE, else
 * <state>/adapters/SOURCE; made with mode 0700 where it is not there. On the heap. 0 or a negative errno. */
int place_open(const Config *config, const char *source, char **ret);
