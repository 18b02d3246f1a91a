/*
 * A table with one slot for each sequence number modulo its size. What lies near the head keeps its slots; a reader far
 * behind borrows some and goes on. The hand walks round and frees when there is too much.
 */
#include "daemon/serve/recent.h"

#include <errno.h>

#include "base/error.h"

#define SLOTS 4096
#define MEMORY_MAX (4U << 20)
#define AHEAD_ENTRIES 64
#define AHEAD_MEMORY (256U << 10)

struct Recent {
        View *view;
        Publisher *publisher;
        size_t memory;
        size_t hand;
        uint64_t made;
        PublishedEntry *slots[SLOTS];
};

int recent_new(View *view, Recent **ret) {
        _cleanup_(recent_freep) Recent *recent = calloc(1, sizeof(*recent));
        int r;

        if (!recent)
                return -ENOMEM;
        recent->view = view;
        r = publisher_new(&recent->publisher);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(recent);
        return 0;
}

Recent *recent_free(Recent *recent) {
        if (!recent)
                return NULL;
        for (size_t i = 0; i < SLOTS; i++)
                published_entry_free(recent->slots[i]);
        publisher_free(recent->publisher);
        free(recent);
        return NULL;
}

static void recent_drop(Recent *recent, size_t slot) {
        if (!recent->slots[slot])
                return;
        recent->memory -= recent->slots[slot]->memory;
        published_entry_free(recent->slots[slot]);
        recent->slots[slot] = NULL;
}

/* `keep` is the slot of the entry that the caller is about to get. */
static int recent_make(Recent *recent, uint64_t seq, size_t keep) {
        const size_t slot = seq % SLOTS;
        PublishedEntry *entry;
        int r;

        r = publisher_entry(recent->publisher, recent->view, seq, &entry);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* the state stands at a number and lacks what is below it */
        recent_drop(recent, slot);
        recent->slots[slot] = entry;
        recent->memory += entry->memory;
        recent->made++;
        for (size_t n = 0; n < SLOTS && recent->memory > MEMORY_MAX; n++) {
                if (recent->hand != slot && recent->hand != keep)
                        recent_drop(recent, recent->hand);
                recent->hand = (recent->hand + 1) % SLOTS;
        }
        return 0;
}

int recent_get(Recent *recent, uint64_t seq, PublishedEntry **ret) {
        PublishedEntry *entry = recent->slots[seq % SLOTS];

        if (!entry || entry->seq != seq) {
                size_t memory = 0;

                for (uint64_t next = seq; next < seq + AHEAD_ENTRIES && next <= view_head(recent->view); next++) {
                        int r;

                        entry = recent->slots[next % SLOTS];
                        if (next > seq && entry && entry->seq == next)
                                break;
                        r = recent_make(recent, next, seq % SLOTS);
                        if (r < 0)
                                return r;
                        memory += recent->slots[next % SLOTS]->memory;
                        if (memory > AHEAD_MEMORY)
                                break;
                }
                entry = recent->slots[seq % SLOTS];
        }
        if (!entry || entry->seq != seq)
                return -EBADMSG; /* asked for beyond the head */
        *ret = entry;
        return 0;
}

void recent_forget(Recent *recent) {
        for (size_t i = 0; i < SLOTS; i++)
                recent_drop(recent, i);
}

uint64_t recent_made(const Recent *recent) {
        return recent->made;
}
