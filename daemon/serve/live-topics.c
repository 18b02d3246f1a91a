/* Prefixes are counted by who names them; what a subscriber takes back is not counted out, as it may take back what it never named. */
#include "daemon/serve/live-topics.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define WORDS_AT_ONCE 256 /* then the other teams have their turn */

void live_topics_deinit(LiveTopics *topics) {
        free(topics->readers);
        *topics = LIVE_TOPICS_NULL;
}

/* 0: there is no such descriptor now. */
static uint64_t inode_of(int fd) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? (uint64_t)st.st_ino : 0;
}

static void forget(LiveTopics *topics, size_t at) {
        topics->n_topics -= topics->readers[at].n_topics;
        topics->n_bytes -= topics->readers[at].n_bytes;
        topics->readers[at] = topics->readers[--topics->n_readers];
}

/* libzmq tells nobody whose connection has ended. */
static void forget_gone(LiveTopics *topics) {
        for (size_t i = topics->n_readers; i-- > 0;)
                if (inode_of(topics->readers[i].fd) != topics->readers[i].inode)
                        forget(topics, i);
}

static bool is_power_of_two(size_t n) {
        return (n & (n - 1)) == 0;
}

static int reader_add(LiveTopics *topics, int fd, uint64_t inode, LiveReader **ret) {
        LiveReader *grown;

        if (is_power_of_two(topics->n_readers)) {
                forget_gone(topics);
                grown = reallocarray(topics->readers, topics->n_readers * 2 + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                topics->readers = grown;
        }
        *ret = &topics->readers[topics->n_readers++];
        **ret = (LiveReader){ .fd = fd, .inode = inode };
        return 0;
}

static int reader_get(LiveTopics *topics, int fd, uint64_t inode, LiveReader **ret) {
        for (size_t i = 0; i < topics->n_readers; i++) {
                if (topics->readers[i].fd != fd)
                        continue;
                if (topics->readers[i].inode == inode) {
                        *ret = &topics->readers[i];
                        return 0;
                }
                forget(topics, i);
                break;
        }
        return reader_add(topics, fd, inode, ret);
}

static bool is_too_much(const LiveTopics *topics, const LiveReader *reader) {
        return reader->n_topics > LIVE_TOPICS_MOST || reader->n_bytes > LIVE_TOPICS_BYTES_MOST ||
               topics->n_topics > LIVE_TOPICS_CONNECTIONS * LIVE_TOPICS_MOST ||
               topics->n_bytes > LIVE_TOPICS_CONNECTIONS * LIVE_TOPICS_BYTES_MOST;
}

static int take_word(LiveTopics *topics, const ZSubscription *word, size_t *n_ended) {
        const uint64_t inode = inode_of(word->fd);
        LiveReader *reader;
        int r;

        if (!word->is_new || inode == 0)
                return 0;
        r = reader_get(topics, word->fd, inode, &reader);
        if (r < 0 || reader->ended)
                return r;
        reader->n_topics++;
        reader->n_bytes += word->size;
        topics->n_topics++;
        topics->n_bytes += word->size;
        if (!is_too_much(topics, reader))
                return 0;
        /* Before somebody is ended for what others left behind; the reader at hand is there, and may have moved. */
        forget_gone(topics);
        r = reader_get(topics, word->fd, inode, &reader);
        if (r < 0 || !is_too_much(topics, reader))
                return r;
        /* libzmq reads the end of it and lets go of the connection. What it has said so far is still read, and goes with it. */
        reader->ended = shutdown(word->fd, SHUT_RDWR) == 0;
        *n_ended += reader->ended;
        return 0;
}

int live_topics_hear(LiveTopics *topics, ZSocket *socket, size_t *n_ended) {
        for (int i = 0; i < WORDS_AT_ONCE; i++) {
                ZSubscription word;
                int r = zsocket_recv_subscription(socket, &word);

                if (r == ZSOCK_E_AGAIN)
                        return 0;
                if (r == 0)
                        r = take_word(topics, &word, n_ended);
                if (r != 0)
                        return r;
        }
        return LIVE_TOPICS_E_MORE;
}
