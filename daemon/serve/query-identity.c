/*
 * Who may be whom: the reviews that wait, and one of them, or one person, with all that is said of who they are. Operators only: what is
 * said of people goes to nobody else, and never into a log.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/held.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/query-parts.h"
#include "daemon/store/state-keys.h"

enum { REPLY_REVIEW_LIST = 26, REPLY_IDENTITY = 27 };

/* ---- list ---- */

typedef struct Listing {
        Query *query;
        const Carebus__V1__ReviewListRequest *asked;
        Carebus__V1__ReviewListReply *reply;
        size_t max;
        bool counting; /* open ones are counted, whether listed or not */
        bool full;
} Listing;

static bool is_wanted(const Listing *listing, const Carebus__V1__Review *review) {
        if (listing->asked->source && !text_equal(review->source, listing->asked->source))
                return false;
        return !listing->asked->urgent || text_equal(review->class_, "urgent");
}

static int review_seen(Bytes key, Bytes value, void *owner) {
        Listing *listing = owner;
        Arena *arena = listing->query->arena;
        const ArenaMark mark = arena_mark(arena);
        Carebus__V1__Review *review;
        int r;

        (void)key;
        r = message_unpack(&carebus__v1__review__descriptor, value, arena, (ProtobufCMessage **)&review);
        if (r < 0)
                return r;
        if (listing->counting) {
                listing->reply->open++;
                listing->reply->urgent += text_equal(review->class_, "urgent");
                listing->reply->overdue += review->overdue;
                arena_rewind(arena, mark);
                return 0;
        }
        if (!is_wanted(listing, review)) {
                arena_rewind(arena, mark);
                return 0;
        }
        if (listing->reply->n_reviews == listing->max) {
                listing->full = true;
                return 1;
        }
        review->n_evidence = 0; /* `show` has it */
        listing->reply->reviews[listing->reply->n_reviews++] = review;
        return 0;
}

static int table_list(Listing *listing, StateTable table) {
        StateKey from = STATE_KEY_NULL;
        int r;

        if (!listing->counting && listing->asked->after_id) {
                from = state_key_review(listing->asked->after_id);
                state_key_bytes(&from, bytes_of("\0", 1));
        }
        r = state_walk(view_txn(listing->query->view), table, BYTES_NULL, state_key_all(&from), review_seen, listing);
        return r > 0 ? 0 : r;
}

static int by_id(const void *a, const void *b) {
        return strcmp((*(Carebus__V1__Review *const *)a)->id, (*(Carebus__V1__Review *const *)b)->id);
}

int query_review_list(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__ReviewListRequest *asked = request->review_list;
        const size_t limit = asked->limit ? MIN(asked->limit, (uint32_t)QUERY_PAGE_ITEMS_MAX) : QUERY_PAGE_ITEMS;
        Carebus__V1__ReviewListReply reply = CAREBUS__V1__REVIEW_LIST_REPLY__INIT;
        Listing listing = { .query = query, .asked = asked, .reply = &reply, .counting = true };
        int r;

        if (asked->source && config_find_source(query->config, asked->source) < 0)
                return query_refuse(query, "unknown-source",
                                    "the configuration has no source of this name: `carebusctl status` lists them");
        r = table_list(&listing, STATE_REVIEW);
        reply.has_open = reply.has_urgent = reply.has_overdue = true;
        listing.counting = false;
        listing.max = limit;
        /* Of both tables as many as fit a page: those first in order of their ids are the page. */
        reply.reviews = (Carebus__V1__Review **)query_array(query, 2 * limit);
        if (!reply.reviews)
                return -ENOMEM;
        if (r == 0)
                r = table_list(&listing, STATE_REVIEW);
        listing.max = reply.n_reviews + limit;
        if (r == 0 && asked->all)
                r = table_list(&listing, STATE_REVIEWED);
        if (r < 0)
                return r;
        qsort(reply.reviews, reply.n_reviews, sizeof(*reply.reviews), by_id);
        if (listing.full || reply.n_reviews > limit) {
                reply.n_reviews = MIN(reply.n_reviews, limit);
                reply.next_after_id = reply.n_reviews > 0 ? reply.reviews[reply.n_reviews - 1]->id : NULL;
        }
        return query_put(out, REPLY_REVIEW_LIST, &reply.base);
}

/* ---- show ---- */

/* All who are one with somebody, who answers first. */
static int persons_add(Query *query, const char *patient_id, Carebus__V1__IdentityShowReply *reply) {
        StateTxn *txn = view_txn(query->view);
        size_t n_ids;
        char **ids;
        int r;

        r = identity_members(txn, patient_id, query->arena, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++) {
                Carebus__V1__Person *person;

                r = person_read(txn, ids[i], query->arena, &person);
                r = r ?: list_append((void ***)&reply->persons, &reply->n_persons, person, query->arena);
        }
        return r;
}

static int review_show(Query *query, const char *review_id, Carebus__V1__IdentityShowReply *reply) {
        int r;

        r = review_read(view_txn(query->view), review_id, query->arena, &reply->review);
        if (r == RECORD_E_NOT_FOUND)
                return query_refuse(query, "not-found",
                                    "there is and was no review of this id: see identity review --all");
        for (size_t i = 0; r == 0 && i < reply->review->n_patient_ids; i++)
                r = persons_add(query, reply->review->patient_ids[i], reply);
        return r;
}

/* Names, numbers, birth dates: of each of them. */
static int say_who_is_shown(Query *query, const Carebus__V1__IdentityShowReply *reply) {
        query_say_begin(query, -1, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        for (size_t i = 0; i < reply->n_persons; i++)
                disclose_found(query->say, query->sight, reply->persons[i]->patient_id);
        return query_say_end(query);
}

int query_identity_show(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__IdentityShowRequest *asked = request->identity_show;
        Carebus__V1__IdentityShowReply reply = CAREBUS__V1__IDENTITY_SHOW_REPLY__INIT;
        char **ids = (char **)&asked->patient_id;
        size_t n_ids = 1;
        int r = 0;

        if (asked->review_id) {
                r = review_show(query, asked->review_id, &reply);
                n_ids = 0;
        } else if (!asked->patient_id) {
                Ask ask = query_ask(query);

                r = query_asked(query, &ask, ask_holders(&ask, asked->identifier, &ids, &n_ids));
                if (r == 0 && n_ids == 0)
                        r = RECORD_E_NOT_FOUND;
        }
        for (size_t i = 0; r == 0 && i < n_ids; i++)
                r = persons_add(query, ids[i], &reply);
        if (r == RECORD_E_NOT_FOUND)
                return query_refuse(query, "not-found",
                                    "nobody has this id or number: look by name with `carebusctl find`");
        if (r == 0)
                r = say_who_is_shown(query, &reply);
        return r == 0 ? query_put(out, REPLY_IDENTITY, &reply.base) : r;
}
