#pragma once
/*
 * carebus-fhir at work: a listener, or a server that is asked, or both; one event loop, one way to the bus.
 */
#include "adapters/common/program.h"

/* Runs until SIGTERM or SIGINT. An exit code. */
int server_run(const ProgramOptions *options, Config *config);
