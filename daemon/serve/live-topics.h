#pragma once
/*
 * How much a team's readers may ask live for. libzmq keeps every prefix that a subscriber names, in some fifty bytes of memory for each of
 * its letters and for as long as the connection lasts, and has no bound of its own. A connection may name so many in its life; one that
 * names more is ended, and with it all that it named. The connections of a team together may have as much as four of them.
 *
 * A connection is known by its descriptor and the number of its socket, which the kernel does not give twice. One thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "proto/zsock.h"

#define LIVE_TOPICS_MOST 10000U             /* prefixes that a connection may name, in all its life */
#define LIVE_TOPICS_BYTES_MOST (512U << 10) /* ... and their letters */
#define LIVE_TOPICS_CONNECTIONS 4U          /* that may say so much at a time; many more that say less */
#define LIVE_TOPIC_MESSAGE_MOST 1024        /* bytes that a reader may say at once; a handshake needs half of it */

/* Positive returns. */
enum {
        _LIVE_TOPICS_E_SUCCESS,
        LIVE_TOPICS_E_MORE, /* more is waiting: come again before you sleep */
};

typedef struct LiveReader {
        int fd;
        uint64_t inode;
        size_t n_topics, n_bytes;
        bool ended;
} LiveReader;

/* Of one team: over ipc and tcp. */
typedef struct LiveTopics {
        LiveReader *readers;
        size_t n_readers;
        size_t n_topics, n_bytes; /* of all of them; those that are gone are looked for when it is too much */
} LiveTopics;

#define LIVE_TOPICS_NULL ((LiveTopics){ .readers = NULL })
void live_topics_deinit(LiveTopics *topics);
/* Hears what the subscribers of this socket say, some of it, and ends connections that say too much; adds their number to *n_ended.
 * 0, LIVE_TOPICS_E_MORE, or negative. */
int live_topics_hear(LiveTopics *topics, ZSocket *socket, size_t *n_ended);
