#pragma once
/*
 * What a team is given of an event: asked for each event and team at the moment of giving, of the choke point (daemon/sharing), with the
 * person as the state has it and the rules in force. Live, feeds, tail, redelivery, `why` and receipts ask here, so that they say the same.
 *
 * What is costly is done once: a person is read once a head of the state, an event is classified once, and what a mask leaves of it is
 * packed once and kept beside the event. One thread.
 */
#include "daemon/audit/audit.h"
#include "daemon/record/read.h"
#include "daemon/serve/place.h"
#include "daemon/serve/publish.h"
#include "daemon/sharing/sharing.h"

typedef struct Sight Sight;

/* The view is the caller's, renewed when it is asked. */
int sight_new(View *view, Sight **ret);
Sight *sight_free(Sight *sight);
DEFINE_CLEANUP(Sight *, sight_free)
/* By these rules from now on (a reference is taken); `settings_seq` is the entry that they are of. Entries that were asked about before
 * must not be asked about again: they are classified by the rules before. */
void sight_set_sharing(Sight *sight, Sharing *sharing, uint64_t settings_seq);
/* Where it stands what teams were given: who was given what is withdrawn is told so. NULL: nobody knows. */
void sight_set_audit(Sight *sight, Audit *audit);
const Sharing *sight_sharing(const Sight *sight);
View *sight_view(const Sight *sight);
Audit *sight_audit(const Sight *sight);
uint64_t sight_settings_seq(const Sight *sight);
/* What the fold goes by in the view's transaction: daemon/record/settings-kept.h. */
int sight_settings(Sight *sight, const Carebus__V1__Settings **ret);
int sight_common(Sight *sight, const RecordCommon **ret);

typedef enum SightGives {
        SIGHT_NOTHING,
        SIGHT_CORRECTION, /* it was given what this event takes back, and does not see this event: a notice in its place */
        SIGHT_PART,
        SIGHT_WHOLE,
} SightGives;

/* Reasons beside those of SharingVerdict; compared by address. */
extern const char SIGHT_WAITS[];      /* in the quarantine, or for a review */
extern const char SIGHT_ECHO[];       /* given to nobody */
extern const char SIGHT_TO_ANOTHER[]; /* a notice to another team */

typedef struct SightAnswer {
        SightGives gives;
        SharingVerdict verdict;
        const SharingPerson *person; /* good until the next question */
        const char *reason;          /* of nothing: as SharingVerdict has it, or one of these */
} SightAnswer;

/* 0 or negative. */
int sight_of(Sight *sight, PublishedEntry *entry, size_t index, size_t team, SightAnswer *ret);
/* The bytes that the team is given, for an answer that gives some. They are the entry's, until the view is renewed or it is freed. 0 or
 * negative. */
int sight_bytes(Sight *sight, PublishedEntry *entry, size_t index, size_t team, const SightAnswer *answer,
                PublishedBytes **ret);
/* The same of any event of the journal, by its place. *ret_entry (may be NULL) is the sight's until the next call. 0; VIEW_E_NOT_FOUND:
 * there is no such event; negative. */
int sight_of_event(Sight *sight, uint64_t seq, uint32_t index, size_t team, SightAnswer *ret,
                   PublishedEntry **ret_entry);
/* What takes an event back, or might. */
typedef struct SightWithdrawal {
        const char *patient_id; /* whose it is */
        const char *type;
        uint64_t sensitive; /* the classes that it is in itself */
} SightWithdrawal;
/* Was the team given this event, or a record of the person as of then? A record only counts where the rules show the team such an event of
 * anybody with whom it has to do; of one that cannot be read any more, an event as the one that takes it back. Of what is sensitive a
 * record counts where it was given under a broken glass by which the rules show such an event. 1, 0 or negative. */
int sight_was_given(Sight *sight, size_t team, const char *event_id, const SightWithdrawal *by);
/* Who a patient id is to the rules now. */
int sight_person(Sight *sight, const char *patient_id, const SharingPerson **ret);

/* What the rules call an event of this type: the section of the record that it belongs to; notices, services; "" of one that nobody
 * knows. */
const char *sight_kind(const char *type);
/* Reads "<seq>.<index>". 0 or -EINVAL. */
int sight_event_id(const char *event_id, Place *ret);

/* Of publish.c. */
void published_variants_free(PublishedEvent *event);
