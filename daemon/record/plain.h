#pragma once
/*
 * Facts of all sections but demographics, encounters, death and merges: one table says of each body what makes it this fact, what its
 * events make of it, and which of its lists are said in part. A fact keeps its claims with it, and is made anew out of all of them, in
 * the order in which they were said, whenever one comes: so that it does not matter when which one came, and what was
 * entered in error gives back what stood before.
 *
 * Everything lives in the caller's arena, and shares parts of the events. Any thread.
 */
#include "daemon/record/fact.h"

/* More claims than this, or more bytes of them, are laid together, the older half into one. Of what is only said again and again the
 * first and the last are kept, beyond PLAIN_REPEATS_MAX. */
#define PLAIN_CLAIMS_MAX 64
/* Facts whose place one says that it takes: of more than these the others stay. */
#define PLAIN_REPLACES_MAX 16
#define PLAIN_REPEATS_MAX 12
#define PLAIN_BYTES_MAX (512U * 1024U)
/* Longer texts of documents stay in their entries, as all content of documents does; a fact has their hash and size. */
#define PLAIN_CONTENT_TEXT_MAX 4096

/* Reasons why a fact that was said to be so is not any more. */
#define END_REASON_LIST "not-in-a-complete-list"
#define END_REASON_REPLACED "replaced"

/* A body and how its facts are told apart. */
typedef struct PlainRow {
        Carebus__V1__Event__BodyCase body;
        const char *name;       /* of the body in Event: care_team */
        const char *correlator; /* field of Event that identifies it; NULL: none does */
        const char *ids[3];     /* fields of the body that identify it, the first that is said */
        const char *natural
                [6]; /* else these together: fields, or the first of several that is said ("code|text"); @: of the event */
        const char *status;      /* field of the body that says where it stands: words, or Decision.Status */
        const char *partial[5];  /* lists of which a message may say a part: what it has nothing of stays */
        const char *replaces;    /* field with the ids of those whose place it takes */
        const char *always_said; /* key where nothing else tells: there is one of it a source */
        bool slot;               /* what is said at different times under one key are different statements */
        bool numbered;           /* without an id, the same twice in one message are two */
        bool ends_explicitly;    /* never by missing in a list */
} PlainRow;

/* NULL: not a fact of this kind. */
const PlainRow *plain_row(const Carebus__V1__Event *event);
const PlainRow *plain_row_of_fact(const Carebus__V1__Fact *fact);
/* The section of the record that a path of Event.complete states whole: "conditions", "care_team.members". NULL: none. */
const char *plain_section_of_list(const Carebus__V1__Event *event, const char *path);
/* Does a section's list say which of its facts are over? */
bool plain_section_has_lists(const char *section);

/* What makes it this fact. *ret_named: it has an id; else it is told by what it says. NULL when the arena is full. */
char *plain_key(const PlainRow *row, const Carebus__V1__Event *event, Arena *arena, bool *ret_named);

/* A claim as it is kept. NULL when the arena is full. */
Carebus__V1__Claim *plain_claim(const PlainRow *row, const Said *said, Arena *arena);
/* All claims of a fact, whole, in the order of their stamps. 0 or -ENOMEM. */
int plain_claims(const Carebus__V1__StoredFact *stored, Arena *arena, Carebus__V1__Claim ***ret, size_t *ret_n);
/* The claim at its place among the others. 0 or -ENOMEM. */
int plain_claims_insert(Carebus__V1__Claim ***claims, size_t *n_claims, Carebus__V1__Claim *claim, Arena *arena);
/* Makes the fact out of all its claims, and keeps them with it. 0 or -ENOMEM. */
int plain_reduce(const PlainRow *row, Carebus__V1__StoredFact *stored, Carebus__V1__Claim **claims, size_t n_claims,
                 bool lists_whole, Arena *arena);
/* Was it said in the message with this number? */
bool plain_said_in(const Carebus__V1__StoredFact *stored, uint64_t seq);

/* Keys of the facts whose place it takes, or once took. 0 or -ENOMEM. */
int plain_replaced_keys(const PlainRow *row, Carebus__V1__Claim *const *claims, size_t n_claims, Arena *arena,
                        char ***ret_keys, size_t *ret_n_keys);
/* The newest claim that says to take the place of that fact; *ret NULL: none does, or it was all a mistake. 0 or -ENOMEM. */
int plain_replaces(const PlainRow *row, const Carebus__V1__StoredFact *stored, Carebus__V1__Claim *const *claims,
                   size_t n_claims, const char *key, Arena *arena, const Carebus__V1__Claim **ret);
/* What a decision says, to be compared with another; NULL where it says nothing. */
const char *plain_decision_says(const Carebus__V1__Decision *decision, Arena *arena);
/* What an allergy is to, in one text: a code, else words. "" where it does not say; NULL when the arena is full. */
const char *plain_allergy_substance(const Carebus__V1__Allergy *allergy, Arena *arena);
