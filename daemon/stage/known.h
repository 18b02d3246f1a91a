#pragma once
/*
 * What intake has handed to the journal and the fold has not yet shown in the state: so that a resend is known from its
 * first message on. Together with the state's own table it knows every message; the fold is what decides.
 *
 * Holds the first entry of each (source, message id, message time), as the state does, and what contradicts it under
 * dedupe_sibling_id(). One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/sha256.h"

typedef struct Known Known;

typedef struct KnownMessage {
        uint64_t seq;
        uint8_t sha256[SHA256_SIZE]; /* of the original */
} KnownMessage;

int known_new(Known **ret);
Known *known_free(Known *known);
DEFINE_CLEANUP(Known *, known_free)
bool known_find(const Known *known, const char *source, const char *message_id, int64_t message_at, KnownMessage *ret);
/* `message.seq` goes up from call to call. The key must not be there yet. */
int known_add(Known *known, const char *source, const char *message_id, int64_t message_at,
              const KnownMessage *message);
/* Forgets what the state shows now. */
void known_forget_until(Known *known, uint64_t seq);
/* Forgets what was not committed after all: this number and all behind it. */
void known_forget_from(Known *known, uint64_t seq);
size_t known_count(const Known *known);
