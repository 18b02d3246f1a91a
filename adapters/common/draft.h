#pragma once
/*
 * The events of one message while they are being made, whatever language it was in: their memory, their list, and what was
 * wrong. Sticky: once it is full the rest is done for nothing, and looked at once at the end. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"
#include "carebus/v1/event.pb-c.h"

/* One text of an event; what is longer is not taken apart (the bus takes texts up to 256 KiB). */
#define DRAFT_TEXT_MAX (256 * 1024)
/* What the bus takes in one submission, and elements of one list. */
#define DRAFT_EVENTS_MAX 1024
#define DRAFT_LIST_MAX 1024

typedef struct Draft {
        Arena *arena;        /* borrowed; all of it lives as long as this */
        bool is_full;        /* the arena, a list or a text was at its limit */
        const char *problem; /* reason code; the first one stays */
        const char *position;
        bool is_urgent;
        Carebus__V1__Event **events;
        size_t n_events;
} Draft;

/* Cleared memory; NULL notes that it is full. */
void *draft_alloc(Draft *draft, size_t size);
/* An initialised protobuf message; NULL notes that it is full. */
void *draft_message(Draft *draft, const ProtobufCMessageDescriptor *descriptor);
/* Appends to a repeated field of pointers that this function alone lets grow; `item` NULL is passed over. `list` is the address of
 * the pointer. */
void draft_append(Draft *draft, size_t *n, void *list, void *item);
/* A copy in the arena; NULL for NULL and for what is nothing but white space, which is taken off at both ends. */
char *draft_text(Draft *draft, const char *text, size_t size);
char *draft_format(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `position` is kept by reference: static, or of the arena. */
void draft_problem(Draft *draft, const char *code, const char *position, bool urgent);
/* An event, appended. `type` is kept by reference. NULL notes that it is full. */
Carebus__V1__Event *draft_event(Draft *draft, const char *type, Carebus__V1__Action action);

/* Values out of texts that live as long as the draft; NULL where nothing was said (all that matters is NULL or ""). What the bus
 * works out itself (utc_at of a moment, system of an authority, a code by the profile's map) is left to it. */
Carebus__V1__Coded *draft_coded(Draft *draft, char *system, char *code, char *display,
                                char *text); /* of a shared system */
/* A code of the source's own: goes to `original`, and by the profile's maps to the shared one. */
Carebus__V1__Coded *draft_coded_local(Draft *draft, char *system, char *code, char *text);
Carebus__V1__When *draft_when(Draft *draft, char *text);
Carebus__V1__Date *draft_date(Draft *draft, char *text);
Carebus__V1__Identifier *draft_identifier(Draft *draft, char *system, char *authority, char *type, char *value);
Carebus__V1__Quantity *draft_quantity(Draft *draft, char *value, char *unit, char *comparator);
