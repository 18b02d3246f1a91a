#pragma once
/* What carebusctl doctor finds: for the files doctor*.c. */
#include <stdbool.h>
#include <stddef.h>

#include "carebus/v1/control.pb-c.h"
#include "config/config.h"

typedef enum DoctorVerdict {
        DOCTOR_GOOD,
        DOCTOR_NOTE, /* worth knowing; the exit code stays */
        DOCTOR_WRONG,
} DoctorVerdict;

typedef struct Doctor {
        const Config *config;
        bool json;
        bool unreachable; /* the bus does not answer */
        size_t n_wrong, n_notes;
} Doctor;

/* A finding, printed at once: `part` a word for scripts, what is the matter, and what to do next (NULL where nothing is to be done). No
 * content and no ids of people in it. */
void doctor_say(Doctor *doctor, DoctorVerdict verdict, const char *part, const char *next, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

/* doctor-bus.c: core and serve as they answer; the way of a message. */
void doctor_look_at_bus(Doctor *doctor, bool with_probe);
/* doctor-host.c: what is around them. */
void doctor_look_at_host(Doctor *doctor);
/* doctor-adapters.c: folders and units of adapters, and whether the figures answer at their address; after the bus. */
void doctor_look_at_adapters(Doctor *doctor);
bool doctor_runs_under_systemd(void);
/* What to do where the adapter of a source or destination (`whose`) is not connected; `adapter` may be NULL. On the heap; 0 or -ENOMEM. */
int doctor_start_adapter(const char *adapter, const char *name, const char *whose, char **ret);
