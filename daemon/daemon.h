#pragma once
/*
 * Core: its parts, the order in which they start and stop, and what the main thread looks after while they run. The main
 * thread runs an event loop and touches no ZeroMQ socket once the others run.
 */

/* Runs in the foreground until SIGTERM or SIGINT, or until something cannot go on. Returns the exit code. */
int daemon_run(const char *config_path);
