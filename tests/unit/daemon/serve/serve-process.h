#pragma once
/*
 * The serve process over a small bus, with a test in core's place: it hands over configurations, rings the doorbell, reads
 * what serve answers, and speaks to its sockets as a reader does.
 */
#include "base/arena.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/feed.pb-c.h"
#include "daemon/link.h"
#include "daemon/serve/place.h"
#include "proto/zsock.h"
#include "small-bus.h"

typedef struct ServeProcess {
        SmallBus *bus;
        char run[96];
        pid_t pid;
        Link *link;
        int doorbell;
} ServeProcess;

/* Starts it; `teams` is the YAML below `teams:` and `sources` that below `sources:`. It is ready. */
void serve_process_start(ServeProcess *process, SmallBus *bus, const char *teams, const char *sources);
/* Another configuration; gives what serve answered. */
LinkKind serve_process_configure(ServeProcess *process, const char *teams, const char *sources);
void serve_process_ring(ServeProcess *process);
void serve_process_kill(ServeProcess *process);
/* By STOP, or by closing the link; gives the exit code. */
int serve_process_stop(ServeProcess *process);
int serve_process_leave(ServeProcess *process);

/* ---- a reader ---- */

typedef struct Reader {
        ZContext *context;
        ZSocket *socket;
        Arena *arena;
} Reader;

void reader_connect(Reader *reader, const ServeProcess *process, const char *socket, ZSocketKind kind);
void reader_deinit(Reader *reader);
void reader_say(Reader *reader, Carebus__V1__FromReader *from);
void reader_open_from(Reader *reader, const char *team, const char *consumer, Carebus__V1__Open__From from, Place after,
                      uint32_t credit);
void reader_ack(Reader *reader, Place place);
void reader_credit(Reader *reader, uint32_t more);
/* The next message, in the reader's arena until the next one; NULL after `timeout_ms`. */
const Carebus__V1__ToReader *reader_next(Reader *reader, int timeout_ms);
/* The next one has to be this. */
const Carebus__V1__Opened *reader_expect_opened(Reader *reader);
const Carebus__V1__Delivery *reader_expect_delivery(Reader *reader, Place place, Place previous);
void reader_expect_refused(Reader *reader, const char *reason);
void reader_expect_ack_answer(Reader *reader, Place place);
void reader_expect_silence(Reader *reader);
const Carebus__V1__Reply *reader_ask(Reader *reader, Carebus__V1__Request *request);
/* The next of live: NULL after the time. */
const Carebus__V1__Delivery *reader_next_live(Reader *reader, char ret_topic[128], int timeout_ms);
