#pragma once
/*
 * The intake thread: what a source hands in becomes durable and is answered. It owns the intake and control sockets and
 * is the only one who writes the journal, once it runs.
 *
 * A round: take what has arrived, take a batch of it by turns, append, one sync, answer. The batch is whatever arrived
 * while the sync before ran; nothing waits for a timer.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ring.h"
#include "daemon/stage/facts.h"
#include "daemon/stage/snapshot.h"
#include "daemon/store/journal.h"
#include "daemon/store/original.h"
#include "daemon/store/state.h"
#include "proto/zsock.h"

typedef struct Intake Intake;

#define INTAKE_DOORS_MAX 2 /* ipc, tcp: a socket has one way of knowing its peers */
#define INTAKE_WINDOW 1024 /* submissions of a session without a receipt */

/* All borrowed and outliving the thread, but for what is said to be taken. */
typedef struct IntakeOptions {
        const Clock *clock;
        CoreFacts *facts;
        Snapshot *snapshot;               /* taken */
        ZSocket *doors[INTAKE_DOORS_MAX]; /* taken; NULL where there is none */
        ZSocket *control;                 /* taken */
        size_t max_frame;                 /* bytes, as the doors were made with */
        const char *coverage_path;        /* file of field counts */
        Journal *journal;
        const char *journal_folder;
        State *state;
        OriginalCodec *codec; /* taken; knows the journal's dictionaries */
        int fold_bell;        /* rung after each commit */
        int refusals;         /* what is refused over the control socket is told there; -1: nobody keeps an audit */
        Ring *samples;        /* Buffer *, to the helper: originals to train on */
        Ring *dictionaries;   /* Buffer *, from the helper */
        Ring *expiries;       /* Buffer *, from retention: packed entries; NULL: none come */
} IntakeOptions;

/* Everything but the thread. Takes what is taken also when it fails. */
int intake_new(const IntakeOptions *options, Intake **ret);
int intake_start(Intake *intake);
/* From the main thread: another configuration, from the next round on. Takes the snapshot; -EAGAIN when too many wait. */
int intake_update(Intake *intake, Snapshot *snapshot);
/* facts.stop_intake is set: refuse what still comes, end. Waits at most `seconds`; -ETIMEDOUT leaves the thread as it is. */
int intake_stop(Intake *intake, int seconds);
Intake *intake_free(Intake *intake); /* after intake_stop(), or before intake_start() */
DEFINE_CLEANUP(Intake *, intake_free)
