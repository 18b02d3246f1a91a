#pragma once
/* How messages are written for a destination of the configuration. */
#include "adapters/mllp/writer.h"
#include "config/config.h"

typedef struct OutSettings OutSettings;

/* `config` outlives it. 0 or -ENOMEM. */
int out_settings_new(const Config *config, size_t destination, OutSettings **ret);
OutSettings *out_settings_free(OutSettings *settings);
DEFINE_CLEANUP(OutSettings *, out_settings_free)
const WriterOptions *out_settings_writing(const OutSettings *settings);
