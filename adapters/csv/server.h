#pragma once
/* carebus-csv at work: one folder, one event loop, one way to the bus. */
#include "adapters/common/program.h"

typedef ProgramOptions ServerOptions;

/* Runs until SIGTERM or SIGINT. An exit code. */
int server_run(const ServerOptions *options, Config *config);
