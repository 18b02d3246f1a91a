#pragma once
/*
 * Values of a record in words for a person: codes by what they mean, times on the clock of the bus, names as people write them. What
 * sources said may hold anything: what a terminal would obey is escaped.
 */
#include "base/bytes.h"
#include "canon/zone.h"
#include "carebus/v1/record.pb-c.h"

#define RECORD_TEXT_WIDTH 100

/* Text from outside, in which control characters are escaped. NULL appends nothing. */
void text_append_safe(Buffer *buffer, const char *text);
/* "3 Mar 2024 14:05", as precise as it was said; its own words where nobody could read them. NULL appends nothing. */
void text_append_when(Buffer *buffer, const Carebus__V1__When *when, const Zone *zone);
/* A moment of the bus, to the day; to the minute. */
void text_append_day(Buffer *buffer, int64_t at, const Zone *zone);
void text_append_moment(Buffer *buffer, int64_t at, const Zone *zone);
void text_append_date(Buffer *buffer, const Carebus__V1__Date *date);
/* "today", "5 days ago", "8 months ago", "in 3 days". */
void text_append_age(Buffer *buffer, int64_t at, int64_t now);
void text_append_coded(Buffer *buffer, const Carebus__V1__Coded *coded);
void text_append_name(Buffer *buffer, const Carebus__V1__HumanName *name);
void text_append_identifier(Buffer *buffer, const Carebus__V1__Identifier *identifier);
/* Any message of a record in one line. */
void text_append_message(Buffer *buffer, const ProtobufCMessage *message, const Zone *zone);
/* "label value; label value" of all fields that are said, but those for which `skip` (may be NULL) says true. */
typedef bool (*TextSkip)(const char *field, const void *owner);
void text_append_fields(Buffer *buffer, const ProtobufCMessage *message, const Zone *zone, TextSkip skip,
                        const void *owner);
/* The field of a message in words; false: not said. */
bool text_append_field(Buffer *buffer, const ProtobufCMessage *message, const char *field, const Zone *zone);

/* Words wrapped at `width` characters, the first line indented by `indent`, the others by four more. */
void text_write_wrapped(Buffer *out, unsigned indent, unsigned width, Bytes text);
