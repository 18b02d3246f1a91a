#pragma once
/*
 * Which fields a message had, and what became of each: SEG-F by SEG-F. Names are made once for all messages of a source, since
 * they are the same every time.
 */
#include <stddef.h>

#include "adapters/common/reading.h"
#include "adapters/mllp/hl7.h"
#include "base/cleanup.h"
#include "config/profile.h"

/* Kinds of fields that one source may have before the rest goes uncounted: a real one has some hundreds. */
#define FIELD_NAMES_MAX 4096

typedef struct FieldNames FieldNames;

/* The profile is borrowed: its `ignore` says which fields (PID-35), components (PID-11.9) or segments (ZX1) are left by intent. One
 * thread. 0 or -ENOMEM. */
int field_names_new(FieldNames **ret, const Profile *profile);
FieldNames *field_names_free(FieldNames *names);
DEFINE_CLEANUP(FieldNames *, field_names_free)
/* Of a message that was translated: what has a value, each path once, in order. `*ret` lives until the next call. 0 or -ENOMEM. */
int field_names_list(FieldNames *names, const Hl7Message *message, const FieldSeen **ret, size_t *ret_n);
