#pragma once
/* carebus-csv at work: one folder, one event loop, one way to the bus. */
#include <stddef.h>

#include "config/config.h"

typedef struct ServerOptions {
        const char *config_path; /* read again on SIGHUP */
        const char *source;
        const char *program; /* "carebus-csv 0.1.0" */
} ServerOptions;

/* Runs until SIGTERM or SIGINT. An exit code. */
int server_run(const ServerOptions *options, Config *config);
