#pragma once
/*
 * A second fence, from inside: what a service manager grants is narrowed to what this process has to do, and what was taken over by a
 * crafted message finds no file, no program and no network to go on with. Two halves, since each is due at another time:
 *
 *   Landlock (files)       before the first thread of its own: threads that are there already would stay outside
 *   seccomp (system calls) after the start, for all threads at once
 *
 * Both last for the life of the process and of all that it starts, and can only be narrowed further. Nothing here logs.
 */
#include <stdbool.h>

#include "base/cleanup.h"

typedef struct Sandbox Sandbox;

/* Positive returns: it goes on without. */
enum {
        _SANDBOX_E_SUCCESS,
        SANDBOX_E_KERNEL,    /* this kernel lacks it, or it is switched off */
        SANDBOX_E_SANITIZER, /* a sanitizer's runtime needs more than any program may */
};
/* Why it goes on without, as a reason code; NULL for 0 and less. */
const char *sandbox_reason(int code);

typedef enum SandboxAccess {
        SANDBOX_READ,
        SANDBOX_UPDATE, /* reads, and writes files that are there */
        SANDBOX_WRITE,  /* all but running programs: makes, removes and moves within it */
        SANDBOX_RUN,    /* a program file: reads and runs it */
} SandboxAccess;

/*
 * What may be reached begins with what libc itself opens late: libraries, time zones, names of users and hosts, and the files that
 * are mapped already. 0, SANDBOX_E_KERNEL, SANDBOX_E_SANITIZER or a negative errno; with all but 0 *ret is NULL, which the functions
 * below take and do nothing with.
 */
int sandbox_new(Sandbox **ret);
Sandbox *sandbox_free(Sandbox *sandbox);
DEFINE_CLEANUP(Sandbox *, sandbox_free)
/* A file, or a folder and all below it. `path` NULL, or nothing there: 0. What is mounted later on the folder itself is not below it. */
int sandbox_allow(Sandbox *sandbox, const char *path, SandboxAccess access);
/* The folder that `path` lies in, or the nearest above it that is there, but never the root: for what may come, go, or be mounted later. */
int sandbox_allow_around(Sandbox *sandbox, const char *path, SandboxAccess access);
/* This very program can be started again, and no other. */
int sandbox_allow_itself(Sandbox *sandbox);
/* Whether this kernel's Landlock knows of connections. */
bool sandbox_can_stop_connections(void);
/* Before anything else is allowed: connections to others by TCP stay possible; without it Landlock ends them where the kernel can. */
void sandbox_allow_connect(Sandbox *sandbox);
/* The calling thread, and whatever it starts from now on. Gives up gaining rights by running a program (no_new_privs). */
int sandbox_enter(Sandbox *sandbox);

typedef enum SandboxCalls {
        SANDBOX_PROGRAMS = 1 << 0, /* starts programs */
        SANDBOX_INTERNET = 1 << 1, /* makes sockets of IPv4 and IPv6; unix sockets are always possible */
} SandboxCalls;
/* All threads: what is not on the list fails with EPERM, and executable memory cannot be made. 0, SANDBOX_E_KERNEL,
 * SANDBOX_E_SANITIZER or a negative errno. */
int sandbox_limit_calls(unsigned allowed);
