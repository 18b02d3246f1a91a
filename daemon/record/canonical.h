#pragma once
/*
 * The canonical bytes of a record: what everybody with the same rights must hold alike. A packed Record, fields in
 * the order of their numbers, without what follows from the whole bus and not from this person: seq, as_at, digest,
 * sources, states. Its SHA-256 is the person's digest; a team's digest is the sum of those of all records that it
 * sees, as little-endian numbers modulo 2^256. Any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/record.pb-c.h"

#define RECORD_DIGEST_SIZE 32

/* Lives in the arena. BYTES_NULL when it is full. The record itself is left as it is. */
Bytes record_canonical(const Carebus__V1__Record *record, Arena *arena);
/* The bytes of message_pack() of the whole record, of which `canonical` has most: they are record_canonical() of it, and since then nothing
 * but what they are without was set. Lives in the arena. BYTES_NULL when it is full. */
Bytes record_pack(const Carebus__V1__Record *record, Bytes canonical, Arena *arena);
