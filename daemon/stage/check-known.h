#pragma once
/* What a configuration may name of the contract and of the rules of matching. Any thread. */
#include "config/config.h"

/* config_check_known() with what this version knows: after config_load(), by carebusctl check, at the start and at a reload. 0,
 * CONFIG_E_INVALID, or a negative errno. */
int check_known(const Config *config, const ConfigText *text, ConfigProblems *problems);
