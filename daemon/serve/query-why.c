/*
 * Why a team sees an event, or does not: the choke point is asked once more (sight.h), now and by the rules in force; and, told apart from
 * that, what the team was really given of it, when, as the audit has it.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-given.h"
#include "daemon/serve/sight.h"
#include "daemon/store/state-keys.h"

enum { REPLY_WHY = 29 };

#define RULES_SHOWN 64

/* The rules as the journal has them: what a verdict's number means. *ret is NULL where there are none. */
static int folded_rules(Query *query, const Carebus__V1__SharingSettings **ret) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS);
        Carebus__V1__Settings *settings;
        Bytes packed;
        int r = state_get(view_txn(query->view), STATE_META, state_key_all(&key), &packed);

        *ret = NULL;
        if (r == STATE_E_NOT_FOUND)
                return 0;
        if (r == 0)
                r = message_unpack(&carebus__v1__settings__descriptor, packed, query->arena,
                                   (ProtobufCMessage **)&settings);
        if (r == 0)
                *ret = settings->sharing;
        return error_fold(r);
}

/* ---- what the rules say now -------------------------------------------------------------------------------------------------- */

static int why_rules(Query *query, Carebus__V1__Why *why, const SightAnswer *answer, uint64_t let) {
        const Carebus__V1__SharingSettings *rules;
        int r = folded_rules(query, &rules);

        if (r < 0 || !rules)
                return r;
        if (answer->verdict.rule >= 0 && (size_t)answer->verdict.rule < rules->n_rules) {
                why->rule = rules->rules[answer->verdict.rule]->name;
                why->rule_reason = rules->rules[answer->verdict.rule]->reason;
        }
        why->other_rules = (char **)query_array(query, RULES_SHOWN);
        if (!why->other_rules)
                return -ENOMEM;
        for (size_t i = 0; i < MIN(rules->n_rules, (size_t)RULES_SHOWN); i++)
                if ((let >> i & 1) && (int)i != answer->verdict.rule && rules->rules[i]->name)
                        why->other_rules[why->n_other_rules++] = rules->rules[i]->name;
        return 0;
}

/* Classes of sensitive facts, by the names that the rules give them. */
static int why_sensitive(Query *query, Carebus__V1__Why *why, uint64_t sensitive) {
        const Carebus__V1__SharingSettings *rules;
        int r = sensitive ? folded_rules(query, &rules) : 0;

        if (r < 0 || !sensitive || !rules)
                return r;
        why->sensitive = (char **)query_array(query, RULES_SHOWN);
        if (!why->sensitive)
                return -ENOMEM;
        for (size_t i = 0; i < MIN(rules->n_sensitive, (size_t)RULES_SHOWN); i++)
                if (sensitive >> i & 1)
                        why->sensitive[why->n_sensitive++] = rules->sensitive[i]->name;
        return 0;
}

/* Which fields are left out stands in the event as the team is given it. */
static int why_redacted(Query *query, Carebus__V1__Why *why, PublishedEntry *entry, size_t index, size_t team,
                        const SightAnswer *answer) {
        PublishedBytes *bytes;
        Carebus__V1__Event *event;
        int r;

        if (answer->gives != SIGHT_PART)
                return 0;
        r = sight_bytes(query->sight, entry, index, team, answer, &bytes);
        if (r == 0)
                r = message_unpack(&carebus__v1__event__descriptor, bytes_of(bytes->data, bytes->size), query->arena,
                                   (ProtobufCMessage **)&event);
        if (r == 0) {
                why->redacted = event->redacted;
                why->n_redacted = event->n_redacted;
        }
        return error_fold(r);
}

static int why_now(Query *query, Carebus__V1__Why *why, Place place, size_t team) {
        static const char *const sights[] = { [SIGHT_NOTHING] = "hidden",
                                              [SIGHT_CORRECTION] = "hidden",
                                              [SIGHT_PART] = "part",
                                              [SIGHT_WHOLE] = "whole" };
        PublishedEntry *entry;
        PublishedEvent *event;
        SightAnswer answer;
        SharingThing thing;
        int r = sight_of_event(query->sight, place.seq, place.index, team, &answer, &entry);

        if (r == VIEW_E_NOT_FOUND)
                return query_refuse(
                        query, "not-found",
                        "there is no such event: it is SEQ.INDEX as tail and trace show it, or SOURCE MESSAGE-ID");
        if (r != 0)
                return error_fold(r);
        event = &entry->events[place.index];
        why->type = (char *)event->type;
        why->sight = (char *)sights[answer.gives];
        why->reason = (char *)(answer.gives == SIGHT_PART || answer.gives == SIGHT_WHOLE ? NULL : answer.reason);
        why->relationship = (Carebus__V1__Relationship *)(uintptr_t)answer.verdict.relationship;
        if (why->reason == NULL && answer.verdict.rule < 0)
                why->rule = (char *)"own";
        if (event->patient_id && event->patient_id[0])
                r = identity_resolve(view_txn(query->view), event->patient_id, query->arena, &why->patient_id);
        if (r != 0 && r != RECORD_E_NOT_FOUND)
                return r;
        thing = (SharingThing){ .kind = sight_kind(event->type),
                                .type = event->type,
                                .source = entry->source,
                                .team = event->team,
                                .sensitive = event->sensitive,
                                .unconfirmed = event->unconfirmed };
        r = why_rules(query, why, &answer, sharing_rules_that_let(query->sharing, team, answer.person, &thing));
        if (r == 0)
                r = why_sensitive(query, why, event->sensitive);
        return r == 0 ? why_redacted(query, why, entry, place.index, team, &answer) : r;
}

/* ---- what happened --------------------------------------------------------------------------------------------------------------- */

static int why_delivery(Query *query, Carebus__V1__Why *why, const Given *given) {
        Carebus__V1__WhyDelivery *delivery = arena_alloc(query->arena, sizeof(*delivery));
        int64_t at;

        if (!delivery)
                return -ENOMEM;
        carebus__v1__why_delivery__init(delivery);
        delivery->consumer = (char *)given_consumer(given);
        delivery->has_sent_at = delivery->has_audit = true;
        delivery->sent_at = given->sent_at;
        delivery->audit = given->audit;
        delivery->has_digest = given->digest.size > 0;
        delivery->digest = (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)given->digest.data,
                                                  .len = given->digest.size };
        delivery->has_corrected = delivery->corrected = given->correction;
        if (given_acknowledged(query, given, &at)) {
                delivery->has_acknowledged_at = true;
                delivery->acknowledged_at = at;
        }
        why->deliveries[why->n_deliveries++] = delivery;
        return 0;
}

static int why_happened(Query *query, Carebus__V1__Why *why, Place place) {
        GivenList list;
        int r = given_of_entries(query, &place.seq, 1, &list);

        if (r < 0)
                return r;
        why->deliveries = (Carebus__V1__WhyDelivery **)query_array(query, list.n);
        if (!why->deliveries)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < list.n; i++)
                if (place_compare(list.items[i].place, place) == 0 && text_equal(list.items[i].team, why->team))
                        r = why_delivery(query, why, &list.items[i]);
        if (r == 0 && why->n_deliveries == 0 &&
            audit_was_given(query->worker->audit, why->team, place.seq, place.index)) {
                why->has_given_before = true;
                why->given_before = audit_status(query->worker->audit).removed_until_at;
        }
        return r;
}

/* Whoever asks learns that this person is known, and who has to do with them. */
static int why_say(Query *query, const Carebus__V1__Why *why, Place place) {
        const AuditItem item = { .patient_id = bytes_of_text(why->patient_id), .place = place, .rule = -1 };

        query_say_begin(query, -1, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        audit_say_item(query->say, &item);
        return query_say_end(query);
}

int query_why(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__WhyRequest *asked = request->why;
        Carebus__V1__Why why = CAREBUS__V1__WHY__INIT;
        ssize_t team = -1;
        Place place;
        int r = query_team(query, asked->team, &team);

        if (r == 0 && sight_event_id(asked->event_id, &place) < 0)
                r = query_refuse(query, "not-found", "an event is SEQ.INDEX as tail and trace show it");
        if (r != 0)
                return r;
        why.event_id = asked->event_id;
        why.team = asked->team;
        r = why_now(query, &why, place, (size_t)team);
        if (r == 0)
                r = why_happened(query, &why, place);
        if (r == 0)
                r = why_say(query, &why, place);
        return r == 0 ? query_put(out, REPLY_WHY, &why.base) : r;
}
