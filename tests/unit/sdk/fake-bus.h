#pragma once
/*
 * The bus as the library meets it, by a script: a thread of its own with a ROUTER at an ipc path. What it hears is given to `hear`, in that
 * thread, which answers with fake_bus_say(). For tests alone.
 */
#include "carebus/v1/feed.pb-c.h"

typedef struct FakeBus FakeBus;
typedef void (*FakeBusHear)(FakeBus *bus, const Carebus__V1__FromReader *heard, void *owner);

FakeBus *fake_bus_new(FakeBusHear hear, void *owner);
/* Ends the thread first. */
void fake_bus_free(FakeBus *bus);
const char *fake_bus_endpoint(const FakeBus *bus);
/* To whom spoke last; within `hear`. */
void fake_bus_say(FakeBus *bus, const Carebus__V1__ToReader *said);
/* Bytes that are no message of the bus, as they are. */
void fake_bus_say_raw(FakeBus *bus, const void *data, size_t size);
/* Opened at 0.0 of a bus called `fake`, with these waiting. */
void fake_bus_open(FakeBus *bus, Carebus__V1__Parked **parked, size_t n);
/* An event of that type and patient at a place, behind the one before it. */
typedef struct FakeEvent {
        uint64_t seq;
        uint32_t index;
        uint64_t prev_seq;
        uint32_t prev_index;
        const char *type, *patient_id;
        int redelivered, so_far;
} FakeEvent;
void fake_bus_deliver(FakeBus *bus, const FakeEvent *event);
