#pragma once
/*
 * The command line that all adapters share: run as the adapter of a source, deliver to a destination, take files in as history, or
 * show what a file would become.
 */
#include "adapters/common/destination.h"
#include "adapters/common/reading.h"
#include "base/loop.h"
#include "config/config.h"

typedef struct ProgramOptions {
        const char *config_path; /* read again on SIGHUP */
        const char *source;      /* NULL: runs a destination, */
        const char *destination; /* this one */
        const char *program;     /* "carebus-mllp 0.1.0" */
        bool connects;           /* to others, by the internet */
} ProgramOptions;

typedef struct Program {
        const char *name;    /* carebus-mllp */
        const char *adapter; /* mllp: what `adapter:` of its sources says */
        const char *help;    /* what --help prints */
        const ReaderClass *reader;
        /* What the source lacks to be run, and what to write: a sentence's end behind "source NAME "; NULL: nothing. */
        const char *(*lacks)(const ConfigSource *source);
        /* Runs until it is told to end. An exit code. */
        int (*run)(const ProgramOptions *options, Config *config);
        /* What `--destination NAME` runs; NULL: this adapter delivers nothing. */
        const DestinationProgram *destination;
        /* As `lacks`, of a destination. */
        const char *(*destination_lacks)(const ConfigDestination *destination);
        bool source_connects, destination_connects; /* to others, by the internet */
        bool source_keeps,
                destination_keeps; /* something from one start to the next, in a folder of its own: place.h */
} Program;

/* SIGHUP: reads the configuration again and hands it to `use` with the index of the source, or of the destination. What is wrong, or
 * refused by `use` with a negative errno, is said and changes nothing. */
typedef int (*ProgramUse)(void *owner, Config *config, size_t index);
void program_reload(const ProgramOptions *options, ProgramUse use, void *owner);

/* The start is over: whoever watches is told, with a line on what it does, and what the start alone needed is given up. */
void program_started(const ProgramOptions *options, const char *status);

/* For the timer of the program's loop, every second or so: whoever watches is told that it turns, and how many lines of the log were left
 * out is said where that is due. */
void program_tick(void);

/* SIGTERM and SIGINT go to `on_stop`, SIGHUP to `on_reload`; the sources are the caller's to free. Before there are other threads: what is
 * blocked here is blocked in libzmq's and libcurl's too. 0 or a negative errno. */
#define PROGRAM_SIGNALS 3
int program_add_signals(Loop *loop, LoopSignal on_stop, LoopSignal on_reload, void *owner,
                        LoopSource *ret_sources[PROGRAM_SIGNALS]);

/* All of main(). An exit code. */
int program_main(const Program *program, int argc, char **argv);
