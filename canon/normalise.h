#pragma once
/*
 * One event, in the bus's own terms: stateless, and never an error of content. It walks the event by its protobuf
 * descriptors, so a body that the schema gains is normalised without code here:
 *
 *   Identifier  system by the profile's authorities, else carebus:AUTHORITY, else the default; national numbers checked and
 *               formatted (the text as said stays in `text`), status by check digit, test range and what was said of tracing
 *   Coded       by the profile's map of its canonical path, where it has one; else by canon/defaults.h
 *   Quantity    original_unit to unit by the map of PATH.unit, else by the map `unit`
 *   When, Date  from their text, in the source's zone
 *
 * Then what follows from it (canon/meaning.h: what a decision says, which scale a score is of), and whose event it is: Event.team.
 *
 * A canonical path is the name of the body and the names of its fields: encounter.class, encounter.participants.practitioner.role.
 * Demographics have one path wherever they stand (demographics.sex, also under Event.patient); envelope fields have their own
 * name (sensitivity.labels). What is there already is kept: running it twice changes nothing more.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "canon/zone.h"
#include "carebus/v1/event.pb-c.h"
#include "config/profile.h"

typedef struct CanonRules {
        const Profile *profile;
        const Zone *zone; /* the source's; NULL: UTC */
        const char *
                default_authority; /* system of an identifier that names no authority: carebus:SOURCE. NULL: the profile's */
        const char *team;  /* the source's own, for an event that no row of the profile's `teams` takes; NULL: none */
        bool test_numbers; /* a bus that is not live: numbers of the test range are people like others. Else
                                        * they get STATUS_TEST and must not identify anybody */
} CanonRules;

typedef struct CanonCounts CanonCounts;
struct CanonCounts {
        uint64_t maps_hit;
        uint64_t maps_missed;         /* a map is there for that path, the code is not in it */
        uint64_t identifiers_invalid; /* national numbers that cannot be true */
        uint64_t identifiers_test;    /* of the test range, where that is not welcome */
        uint64_t times_unreadable;    /* moments and dates */
        uint64_t meanings_unknown;    /* decisions about resuscitation that nobody can read */
        /* Each miss, for who collects them by path (may be NULL). The code is the source's: print it where a person asked
         * (--translate), never log it. */
        void (*map_missed)(void *owner, const char *path, const char *code);
        void *owner;
};

/* `event` is unpacked and may be changed in place; text that is added lives in the arena, as long as the event. `counts` may
 * be NULL. 0, or -ENOMEM when the arena is full (the event is then half normalised, and still true). */
int canon_normalise(Carebus__V1__Event *event, const CanonRules *rules, Arena *arena, CanonCounts *counts);

/* The system of an authority and type as said (either may be NULL), by the profile; NULL when the profile knows neither. */
const ProfileAuthority *canon_authority(const Profile *profile, const char *authority, const char *type);
