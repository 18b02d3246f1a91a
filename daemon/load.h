#pragma once
/* The configuration as the daemon needs it: what check, start and reload all do. Main thread. */
#include "config/config.h"

/* config_load(), and after it what only the daemon can tell: whom its own user stands for, and whether what is named is known. Returns
 * as config_load() does. */
int daemon_load_config(const char *path, Config **ret, ConfigText **ret_text, ConfigProblems *ret_problems);
