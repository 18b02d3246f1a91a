#pragma once
/*
 * What the generators send: HL7 ADT messages, or canonical events with what they were read from. All made up; names and
 * addresses are of no place. Message n is about person n % persons, and each person goes through the kinds in order
 * (registered, admitted, transferred, ...), so that every stretch of messages has all kinds.
 */
#include <stddef.h>
#include <stdint.h>

#include "bench/template.h"

#define MESSAGES_KINDS 6
#define MESSAGES_PREFIX_SIZE 16 /* of MSH-10 and of message ids: letters and digits */

/* HL7: A28, A01, A02, A08, A03, A31. */
typedef struct AdtMessages {
        Template kinds[MESSAGES_KINDS];
        uint64_t persons;
        int64_t began_at;
        size_t max_size;
} AdtMessages;

/* `size`: of each message without its frame, about: filled up with a comment; at least 700. `prefix` begins each MSH-10. */
void adt_init(AdtMessages *messages, const char *prefix, size_t size, uint64_t persons);
void adt_deinit(AdtMessages *messages);
/* Writes message `number` to memory of at least max_size; returns its size. */
size_t adt_render(const AdtMessages *messages, uint64_t number, uint8_t *ret);
/* MSH-10 of it: prefix and ten digits. */
void adt_control_id(const char *prefix, uint64_t number, char ret[MESSAGES_PREFIX_SIZE + 16]);

#define EVENT_MOMENT_SIZE 8 /* bytes of a varint: microseconds since 1970 from 1987 to 4253 */
#define EVENT_MOMENTS_MAX 8

/* Canonical: encounter.admitted and the like, packed. */
typedef struct EventMessages {
        Template kinds[MESSAGES_KINDS];
        Template original;
        size_t moments[MESSAGES_KINDS][EVENT_MOMENTS_MAX]; /* where in the packed event a time stands */
        size_t n_moments[MESSAGES_KINDS];
        uint64_t persons, first_person; /* number of the first: sources that speak of different people */
        int64_t began_at;
        size_t max_size;
} EventMessages;

/* `size`: of event and original together, about; at least 600. */
void events_init(EventMessages *messages, size_t size, uint64_t persons);
void events_deinit(EventMessages *messages);
/* Writes the packed event, and behind it the original; returns the size of the event. */
size_t events_render(const EventMessages *messages, uint64_t number, uint8_t *ret, size_t *ret_original_size);
