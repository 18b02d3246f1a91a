#pragma once
/*
 * park: what a destination cannot deliver of a person waits as an item of the quarantine, from a place on. A retry or a discard releases
 * it: serve sends all of that person again, and only when the receiver has taken that is the item done with.
 */
#include "daemon/stage/fold-parts.h"

#define PARK_CLASS "delivery"

/* Does the item wait for a destination? */
bool park_is(const Carebus__V1__QuarantineItem *item);
/* KIND_PARK: a new item, a later place of an open one, what overtook it, or that all of it was delivered. */
int park_apply(FoldWork *work, const Carebus__V1__JournalDecision *decision);
/* A retry or a discard of such an item: it, and what waits of the same person at the same consumer, goes out again. */
int park_release(FoldWork *work, const Carebus__V1__JournalDecision *decision, Carebus__V1__QuarantineItem *item);
