#pragma once
/* What the machine gives with nothing of the bus in the way: each of these prints a line of JSON. */
#include <stddef.h>
#include <stdint.h>

typedef struct BaselineOptions {
        const char *folder; /* on the disk in question */
        uint64_t seconds;
        uint64_t size;   /* of a message */
        uint64_t batch;  /* messages a sync, or of which one is answered */
        uint64_t window; /* messages on the way */
        uint64_t teams;
        uint64_t port;             /* 0: any */
        uint64_t sync;             /* 0: the sink answers without writing */
        uint64_t core, other_core; /* of the client and of the server */
} BaselineOptions;

/* pwrite and fdatasync, one after the other, into a file that was filled with zeros before: `batch` messages a sync. */
void baseline_sync(const BaselineOptions *options);
/* One message there and back between two processes over ipc: nothing else on the way. */
void baseline_ping_pong(const BaselineOptions *options);
/* DEALER to ROUTER with `window` on the way, answered every `batch`. */
void baseline_pipeline(const BaselineOptions *options);
/* A PUB socket for each team, as live has, and as many SUB sockets in another process. */
void baseline_fan_out(const BaselineOptions *options);
/* Takes MLLP frames, writes what arrived, syncs once for all of it, and answers: the ceiling for any MLLP server that
 * keeps the same promise. Prints its port; runs until a signal ends it. */
void baseline_sink(const BaselineOptions *options);

/* A file of that many bytes of zeros, synced and removed from its folder: its descriptor. */
int baseline_file(const char *folder, uint64_t bytes);
