#pragma once
/*
 * Questions about people with the rights of a destination's team, over the feed. One thread; an answer is waited for, so for as little as
 * it takes: the bus is on this machine, or near.
 */
#include "base/arena.h"
#include "base/cleanup.h"
#include "carebus/v1/ask.pb-c.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "config/config.h"

typedef struct Asker Asker;

/* Who asks, for the audit. NULL: the destination itself. */
typedef struct AskerFor {
        const char *who;     /* the person, as the caller's system knows them */
        const char *system;  /* of the caller */
        const char *purpose; /* direct-care */
} AskerFor;

/* Positive returns. */
enum {
        _ASKER_E_SUCCESS,
        ASKER_E_NOBODY,  /* there is nobody, or this team does not see them: the same */
        ASKER_E_NOT_NOW, /* the bus does not answer */
        ASKER_E_REFUSED, /* the team may not ask, or not so */
};

int asker_new(const Config *config, size_t destination, Asker **ret);
Asker *asker_free(Asker *asker);
DEFINE_CLEANUP(Asker *, asker_free)

/* 0 with the record, until the next question; a code above, or negative. */
int asker_record(Asker *asker, const char *patient_id, const Carebus__V1__Record **ret);
int asker_ask(Asker *asker, const AskerFor *asked_for, const Carebus__V1__RecordRequest *request,
              const Carebus__V1__Record **ret);
/* One event of somebody, whole, as the team may see it now; in `arena`. What an event brought and the record does not keep is there: the
 * bytes of a document. `event_id`: as a fact names it. A record that was given stays as it is. Returns as above. */
int asker_event(Asker *asker, const AskerFor *asked_for, const char *patient_id, const char *event_id, Arena *arena,
                const Carebus__V1__Event **ret);
