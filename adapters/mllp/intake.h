#pragma once
/*
 * What becomes of a message that came whole: read, handed to the bus, answered by what the bus says. One object a process;
 * it is the SessionHost of every session.
 */
#include "adapters/mllp/session.h"
#include "base/cleanup.h"
#include "config/config.h"

typedef struct Intake Intake;

typedef struct IntakeCounts {
        uint64_t received, stored, quarantined, duplicate, refused, later, expired, ignored, not_fitting, too_large,
                acknowledgements;
        uint64_t answered[ACK_OUTCOMES]; /* to the sender, by outcome */
} IntakeCounts;

/* The configuration is kept by reference; `program` is what the bus's log calls us. */
int intake_new(const Config *config, size_t source, const char *program, Intake **ret);
Intake *intake_free(Intake *intake);
DEFINE_CLEANUP(Intake *, intake_free)
/* Another configuration of the same source: profile, time zone, environment. The connection to the bus stays. */
int intake_configure(Intake *intake, const Config *config, size_t source);

const SessionHost *intake_host(const Intake *intake);
/* For the loop: as carebus_source_fd() and its like. */
int intake_fd(const Intake *intake);
int intake_timeout(const Intake *intake);
int intake_dispatch(Intake *intake);
/* Tells the bus what was answered here and never reached it, and how its senders are. */
int intake_report(Intake *intake, size_t connections, int64_t certificate_ends_at);
size_t intake_in_flight(const Intake *intake);
const IntakeCounts *intake_counts(const Intake *intake);
