#pragma once
/* What the validators share; for the files validate*.c only. */
#include "proto/validate.h"

#define TEXT_MAX (256 * 1024) /* one string of an event: a letter's text */
#define TEXT_MAX_SMALL 512    /* one string of what is no event: names, ids, reasons */
#define CREDIT_MAX 1000000
#define LIST_LIMIT_MAX 100000

/* Limits of a message that carries events, and of one that does not. */
CheckLimits limits_for_events(size_t max_size, size_t max_bytes);
CheckLimits limits_small(void);

/* Clears the error, then check_unpack() with its answer turned into VALIDATE_E_WIRE. */
int unpack_checked(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, const CheckLimits *limits, Arena *arena,
                   void *ret_message, ValidateError *error);

/* Sets code and path, and returns the code. */
int validate_fail(ValidateError *error, int code, const char *path, ...) __attribute__((format(printf, 3, 4)));

/* The rules of an event and of the moments within any message; `prefix` is the path to it ("" for itself). */
int event_rules(const Carebus__V1__Event *event, const char *prefix, ValidateError *error);
int moments_rules(const ProtobufCMessage *message, const char *prefix, ValidateError *error);

/* 0 when the optional name is absent or good. */
int name_rule(const char *name, const char *path, ValidateError *error);
int name_required_rule(const char *name, const char *path, ValidateError *error);
int text_rule(const char *text, size_t max, const char *path, ValidateError *error);
int reason_rule(const char *reason, const char *path, ValidateError *error);
/* What is asked over the query socket and over a feed alike. */
int record_request_rules(const Carebus__V1__RecordRequest *record, ValidateError *error);
int find_request_rules(const Carebus__V1__FindRequest *find, ValidateError *error);
/* Asked by carebusctl and by a team's program: of whom, how long, with which words. Who and why are looked at where the answer says more.
 * */
int break_glass_request_rules(const Carebus__V1__BreakGlassRequest *glass, ValidateError *error);
int open_contact_request_rules(const Carebus__V1__OpenContactRequest *contact, ValidateError *error);
/* `team` and `consumer` are the bus's to fill in where a reader says it. */
int parked_rules(const Carebus__V1__Parked *parked, const char *path, ValidateError *error);
int delivery_rules(const Carebus__V1__Delivery *delivery, const char *prefix, ValidateError *error);
