#pragma once
/*
 * Who may see what: the one choke point. Live, feeds, snapshots, redelivery, queries, the quarantine, delivery outwards and carebusctl ask
 * it, at the moment of delivery, with the configuration that is in force. Default is no.
 *
 * A Sharing is the rules compiled for all teams: of the configuration and of the newest settings entry that the fold has read. What a team
 * sees is what both let it see. So a denial counts at once, while a grant counts when the fold has it, and what a team sees at a sequence
 * number follows from the journal, once both are the same. A Sharing is immutable and counted; any thread.
 *
 * Whose relationships count is compiled once a person (SharingPerson), and what is sensitive about a thing once a thing (SharingThing),
 * so that asking for one team more is a look at a few words of bits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/sharing.pb-c.h"
#include "config/config.h"

/*
 * How a rule of the settings lets a team see a thing. All of it has to hold:
 *   team           its class is among `classes` ("all": any), or its name among `teams`
 *   kind           the thing's kind is among `kinds` ("all": every section, services and notices). A kind that nobody knows is let by none
 *   type           `types` names the event's type (of a fact: SharingThing.fact_type), or none. A type that nobody knows is let by none
 *   source         `sources` names it, or none
 *   relationship   the team has one of `relationships`; none named: any but break-glass, which counts where it is named alone;
 *                  not-needed: a team without one too
 *   objection      nobody objects to this team and kind, or the rule is `despite_objection`
 *   sensitive      `sensitive` names every class that the thing is in; what is in a class of `never` is let by none
 *   unconfirmed    the thing is confirmed, or the rule does not say `unconfirmed: false`
 * Of what several rules let, the fields are laid together. A broken glass is thus a rule of its own: relationships [break-glass],
 * despite_objection, and the kinds and sensitive classes that it opens to these classes of teams.
 *
 * Who is of a restricted address: of what a rule shows, the shielded types and fields are left out, but by rules with `restricted_shown`
 * whose `relationships` name one that the team has (not-needed is none). Types are left out wherever they stand, but not what belongs to
 * a practitioner, a service or a notice of the bus: that is at work. With them go a Place that is the home, or, outside encounters, says
 * not what it is; the general practitioner among a care team; of whom to ring, whoever is no practitioner and no service.
 *
 * Of an event that is seen in part, its envelope stays but: source_message_id, notes, trigger, numbers and times in the words of the
 * source, words of labels, `replaces` by message ids, what `cleared` and `complete` say of fields left out; numbers of what it belongs to
 * (encounter_id, ...) stay. What the event says of the patient beside its body goes by the fields that the rules show of kind
 * "demographics". Of a fact the same; its key, which is made of what it says, becomes the id of the first event that is known to say it.
 */
#define SHARING_RULES_MAX 64   /* a rule beyond lets nothing: the configuration refuses it */
#define SHARING_CLASSES_MAX 63 /* of sensitive facts; who is let see one beyond must be let see all of those */

typedef struct Sharing Sharing;

/* `folded` is what the fold last read of the settings; NULL when it has none yet: nobody sees anything then. Holds a
 * reference to the configuration: indexes of teams are the configuration's. */
int sharing_new(const Config *config, const Carebus__V1__Settings *folded, Sharing **ret);
Sharing *sharing_ref(Sharing *sharing);
Sharing *sharing_unref(Sharing *sharing);
DEFINE_CLEANUP(Sharing *, sharing_unref)
const Config *sharing_config(const Sharing *sharing);
/* What the answers of this Sharing follow from, as a hash of the rules and teams: another one may answer otherwise. 32 bytes. */
const uint8_t *sharing_digest(const Sharing *sharing, size_t team);

/* ---- of whom, and what ------------------------------------------------------------------------------------------------- */

/* A person as the rules look at them: which team has which kinds of relationships now, and what is flagged. */
typedef struct SharingPerson SharingPerson;

/* `person` NULL: a thing that is of nobody (a service), or of somebody of whom the bus knows nothing. Borrows from `person`. In the arena.
 * 0 or -ENOMEM. */
int sharing_person(const Sharing *sharing, const Carebus__V1__PersonSharing *person, Arena *arena,
                   const SharingPerson **ret);

/* The same person, out of the arena in which it was made. 0 or -ENOMEM. */
int sharing_person_copy(const Sharing *sharing, const SharingPerson *person, Arena *arena, const SharingPerson **ret);
/* Of nobody: what sharing_may_see() takes NULL for. Part of the Sharing. */
const SharingPerson *sharing_nobody(const Sharing *sharing);

/* A fact, an event or a notice. Texts are borrowed. */
typedef struct SharingThing {
        const char *kind;   /* section of the record; "services" and "notices" for what is of nobody */
        const char *type;   /* of the event; NULL of a fact: its kind says enough */
        Bytes source;       /* who said it */
        const char *team;   /* whose event it is; NULL: the source's own team */
        uint64_t sensitive; /* sharing_classify() */
        bool unconfirmed;   /* whose it is waits for a person */
        /* Of a fact: the event that says such a one, for rules with `types`. Of decisions by their kind (cpr_decision.recorded), of
         * contacts by their status (visit.planned), of demographics patient.updated, of a section of one type that one. NULL: no such rule
         * lets it. */
        const char *fact_type;
        bool is_bare; /* an event that says nothing of its patient but who it is: no fields of demographics matter */
} SharingThing;

/* What an event or a fact is, classified. Of a type without a section: "services" or "notices" by its body, "" of a type that nobody
 * knows. */
SharingThing sharing_thing_of_event(const Sharing *sharing, const Carebus__V1__Event *event);
/* What of that takes a look at all of an event: of its packed bytes, which is what is kept of it. 0 or -EBADMSG. */
int sharing_look_at_event(const Sharing *sharing, Bytes packed, uint64_t *ret_sensitive, bool *ret_is_bare);
SharingThing sharing_thing_of_fact(const Sharing *sharing, const char *section, const Carebus__V1__Fact *fact);

/* Which of the classes of sensitive facts this is in: every code, in shared and original form, and every text is looked at, by descriptor.
 * One bit a class; they mean something to this Sharing alone. `message` is an Event or a Fact (labels included), or a body. Asked once and
 * kept: it is the only costly question. */
uint64_t sharing_classify(const Sharing *sharing, const ProtobufCMessage *message);

/* ---- the answer ----------------------------------------------------------------------------------------------------------- */

typedef enum SharingSight {
        SHARING_HIDDEN,
        SHARING_PART, /* some fields are left out: sharing_cut_event() or sharing_cut_fact() before anything is given */
        SHARING_WHOLE,
} SharingSight;

typedef struct SharingMask SharingMask; /* which fields; constant, part of the Sharing */

typedef struct SharingVerdict {
        SharingSight sight;
        int rule; /* place in the settings' rules; -1: its own word, or none let it */
        /* Hidden: source-not-read, never, no-rule, no-relationship, objection, sensitive, unconfirmed, the first that left no rule. Else
         * NULL. */
        const char *reason;
        const Carebus__V1__Relationship *relationship; /* that the rule went by, or NULL */
        const SharingMask *mask;                       /* PART: what is to be seen. Equal pointers cut equally */
} SharingVerdict;

/* The choke point. A team sees what its own sources said, and what is its own event, whole, whoever it is of; all else by a rule of its
 * class, while it has a relationship that the rule goes by. */
SharingVerdict sharing_may_see(const Sharing *sharing, size_t team, const SharingPerson *person,
                               const SharingThing *thing);
/* The same, for whoever asks of one thing and one person for team after team: teams whose rules and sources are alike and who have alike
 * relationships with the person get the answer that the one before them got, found once. A memo is of one Sharing, person and thing: {0}
 * begins it, for any other of these too. What is the team's own is found each time. */
typedef struct SharingMemo {
        bool is_set;
        size_t group; /* of teams that are alike */
        uint64_t objected[2];
        uint32_t relationships[2];
        SharingVerdict verdict;
} SharingMemo;
SharingVerdict sharing_may_see_again(const Sharing *sharing, size_t team, const SharingPerson *person,
                                     const SharingThing *thing, SharingMemo *memo);
/* Is it the team's own, by all settings in force? Then it sees it whole: neither kind nor classes are looked at, and the thing need not
 * have them. */
bool sharing_is_own(const Sharing *sharing, size_t team, const SharingThing *thing);
/* All rules that let it, as bits of their places, for `why`. */
uint64_t sharing_rules_that_let(const Sharing *sharing, size_t team, const SharingPerson *person,
                                const SharingThing *thing);
/* What the team is shown of a section of this person's record, whatever there is: the marker that must not tell. It follows from the rules
 * and from what the team knows of itself (its relationships, an objection, a restricted address). WHOLE: nothing is ever left out, but of
 * the classes of sensitive facts; in the sections of `existence`, these count too, and it is PART to who is not let see all of them, thus
 * to everybody where there is a class of `never`. */
SharingSight sharing_section(const Sharing *sharing, size_t team, const SharingPerson *person, const char *section);
/* Does the team have any relationship with this person now? NULL: none. */
const Carebus__V1__Relationship *sharing_relationship(const Sharing *sharing, size_t team, const SharingPerson *person);
/* May this team search with three details and open contacts? */
bool sharing_answers_calls(const Sharing *sharing, size_t team);

/* Leaves out, in place, what the verdict does not show: of the body by its kind's fields, of the patient's demographics and numbers by the
 * fields of demographics, of everything what the restricted address shields. What is left out is absent, never empty, and `redacted` names
 * the rule's paths, whether there was anything or not. A WHOLE one is left as it is. Allocates in the arena. 0 or -ENOMEM. */
int sharing_cut_event(const Sharing *sharing, size_t team, const SharingPerson *person, const SharingVerdict *verdict,
                      Carebus__V1__Event *event, Arena *arena);
int sharing_cut_fact(const Sharing *sharing, size_t team, const SharingPerson *person, const SharingVerdict *verdict,
                     Carebus__V1__Fact *fact, Arena *arena);

/* ---- by sources alone: what stands until every asker goes through sharing_may_see() ------------------------------------------- */

/* May this team read this source at all (`may_read`; without it, every source)? A source that nobody knows is read by nobody. */
bool sharing_may_read(const Sharing *sharing, size_t team, Bytes source);
/* The sources that a team reads, in order of their names. NULL behind the last. */
const char *sharing_source_at(const Sharing *sharing, size_t team, size_t n);
