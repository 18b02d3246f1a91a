#pragma once
/* What of a configuration the fold goes by, as the journal keeps it: Settings, whole, so that a rebuild needs no other file. */
#include "base/bytes.h"
#include "config/config.h"

/* Appends a packed Settings and the same as a packed Entry; equal configurations give equal bytes. What is not said of matching is the
 * shipped: no later version of this program folds an old journal otherwise. 0 or -ENOMEM. Any thread. */
int settings_pack(const Config *config, Buffer *ret_settings, Buffer *ret_entry);
/* The zone that holds for a source: its own, its profile's, or the bus's. */
const char *settings_source_timezone(const Config *config, const ConfigSource *source);
