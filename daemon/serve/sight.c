/*
 * Answers come from the choke point; this file says what to ask it about an event of the stream, and keeps what was found.
 */
#include "daemon/serve/sight.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/record/relationships.h"
#include "daemon/record/ring.h"
#include "daemon/record/settings-kept.h"
#include "daemon/serve/notice-numbers.h"
#include "daemon/serve/sight-glass.h"
#include "daemon/sharing/people.h"
#include "proto/types.h"

#define ARENA_MAX (64U << 20) /* one event, unpacked and cut */
#define LAST_ID_SIZE 48
#define PAST_SLOTS 16 /* entries of the past, of each kind */

const char SIGHT_WAITS[] = "waits", SIGHT_ECHO[] = "echo", SIGHT_TO_ANOTHER[] = "to-another-team";

/* What one mask, or one team, leaves of an event. */
struct PublishedVariant {
        const SharingMask *mask; /* NULL: of this team alone */
        size_t team;
        uint64_t head; /* it was made with the person as of here */
        uint8_t *room;
        PublishedBytes bytes;
};

struct Sight {
        View *view;
        Sharing *sharing;
        uint64_t settings_seq;
        Audit *audit;
        SharingPeople *people;
        SettingsKept *settings;
        Arena *arena;
        Publisher *publisher; /* made when it is needed */
        /* What somebody asked about, and what notices name: apart, since a notice that was asked about is read while others are looked for.
         * */
        PublishedEntry *asked[PAST_SLOTS], *named[PAST_SLOTS];
        /* Who was asked about last: mostly it is asked again for the next team. */
        char last_id[LAST_ID_SIZE]; /* "": nobody was */
        uint64_t last_head;
        const SharingPerson *last;
};

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static int read_person(void *owner, const char *patient_id, Arena *arena, Carebus__V1__PersonSharing **ret) {
        const Sight *sight = owner;

        return person_sharing_read(view_txn(sight->view), patient_id, arena, ret);
}

int sight_new(View *view, Sight **ret) {
        _cleanup_(sight_freep) Sight *sight = calloc(1, sizeof(*sight));
        int r;

        if (!sight)
                return -ENOMEM;
        sight->view = view;
        r = arena_new(&sight->arena, ARENA_MAX);
        if (r == 0)
                r = sharing_people_new(/* bytes= */ 0, read_person, sight, &sight->people);
        if (r == 0)
                r = settings_kept_new(&sight->settings);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(sight);
        return 0;
}

static void sight_forget(Sight *sight) {
        for (size_t i = 0; i < PAST_SLOTS; i++) {
                sight->asked[i] = published_entry_free(sight->asked[i]);
                sight->named[i] = published_entry_free(sight->named[i]);
        }
        sight->last_id[0] = '\0';
}

Sight *sight_free(Sight *sight) {
        if (!sight)
                return NULL;
        sight_forget(sight);
        publisher_free(sight->publisher);
        sharing_people_free(sight->people);
        settings_kept_free(sight->settings);
        arena_free(sight->arena);
        sharing_unref(sight->sharing);
        free(sight);
        return NULL;
}

void sight_set_sharing(Sight *sight, Sharing *sharing, uint64_t settings_seq) {
        sight_forget(sight);
        sharing_ref(sharing);
        sharing_unref(sight->sharing);
        sight->sharing = sharing;
        sight->settings_seq = settings_seq;
}

void sight_set_audit(Sight *sight, Audit *audit) {
        sight->audit = audit;
}

const Sharing *sight_sharing(const Sight *sight) {
        return sight->sharing;
}

View *sight_view(const Sight *sight) {
        return sight->view;
}

Audit *sight_audit(const Sight *sight) {
        return sight->audit;
}

uint64_t sight_settings_seq(const Sight *sight) {
        return sight->settings_seq;
}

int sight_settings(Sight *sight, const Carebus__V1__Settings **ret) {
        return error_fold(settings_kept_read(sight->settings, view_txn(sight->view), ret));
}

int sight_common(Sight *sight, const RecordCommon **ret) {
        return error_fold(settings_kept_common(sight->settings, view_txn(sight->view), ret));
}

/* ---- what to ask ---------------------------------------------------------------------------------------------------------- */

const char *sight_kind(const char *type) {
        const EventType *known = event_type_find(type);

        if (!known)
                return "";
        if (known->section)
                return known->section;
        return known->from_bus ? "notices" : "services";
}

int sight_event_id(const char *event_id, Place *ret) {
        const size_t size = strcspn(event_id, ".");
        char text[24];
        uint64_t seq, index;

        if (size >= sizeof(text) || event_id[size] != '.')
                return -EINVAL;
        memcpy(text, event_id, size);
        text[size] = '\0';
        if (text_to_u64(text, &seq) < 0 || text_to_u64(event_id + size + 1, &index) < 0 || index > UINT32_MAX)
                return -EINVAL;
        *ret = (Place){ .seq = seq, .index = (uint32_t)index };
        return 0;
}

int sight_person(Sight *sight, const char *patient_id, const SharingPerson **ret) {
        const uint64_t head = view_head(sight->view);
        int r;

        if (sight->last_id[0] && head == sight->last_head && text_equal(patient_id, sight->last_id)) {
                *ret = sight->last;
                return 0;
        }
        sight->last_id[0] = '\0';
        r = sharing_people_find(sight->people, sight->sharing, head, patient_id, &sight->last);
        if (r < 0)
                return r;
        if (patient_id && strlen(patient_id) < LAST_ID_SIZE)
                memcpy(sight->last_id, patient_id, strlen(patient_id) + 1);
        sight->last_head = head;
        *ret = sight->last;
        return 0;
}

static int unpack(Sight *sight, const PublishedEvent *event, Carebus__V1__Event **ret) {
        return message_unpack(&carebus__v1__event__descriptor, bytes_of(event->bytes.data, event->bytes.size),
                              sight->arena, (ProtobufCMessage **)ret);
}

static int classify(Sight *sight, PublishedEvent *event) {
        uint64_t sensitive;
        bool is_bare;
        int r;

        if (event->classified)
                return 0;
        r = sharing_look_at_event(sight->sharing, bytes_of(event->bytes.data, event->bytes.size), &sensitive, &is_bare);
        if (r < 0)
                return r;
        event->sensitive = sensitive;
        event->is_bare = is_bare;
        event->kind = sight_kind(event->type);
        event->classified = true;
        return 0;
}

/* Whose the event is, found once while the state and the rules stand still; again where others are asked about before the answer is done
 * with, since who was asked about last is forgotten last. */
static int person_of(Sight *sight, PublishedEvent *event, const SharingPerson **ret) {
        const uint64_t head = view_head(sight->view);
        int r;

        if (event->section || event->generation != sharing_people_generation(sight->people, sight->sharing, head)) {
                event->memo = (SharingMemo){ 0 };
                event->generation = 0;
                r = sight_person(sight, event->patient_id, &event->person);
                if (r < 0)
                        return r;
                event->generation = sharing_people_generation(sight->people, sight->sharing, head);
        }
        *ret = event->person;
        return 0;
}

/* What the bus says itself nobody's source has said. */
static SharingThing thing_of(const PublishedEntry *entry, const PublishedEvent *event) {
        return (SharingThing){
                .kind = event->kind,
                .type = event->type,
                .source = event->from_bus ? BYTES_NULL : entry->source,
                .team = event->team,
                .sensitive = event->sensitive,
                .unconfirmed = event->unconfirmed,
                .is_bare = event->is_bare,
        };
}

static void answer_nothing(SightAnswer *answer, const char *reason) {
        answer->gives = SIGHT_NOTHING;
        answer->reason = reason;
}

static void answer_verdict(SightAnswer *answer) {
        answer->gives = answer->verdict.sight == SHARING_WHOLE  ? SIGHT_WHOLE
                        : answer->verdict.sight == SHARING_PART ? SIGHT_PART
                                                                : SIGHT_NOTHING;
        answer->reason = answer->gives == SIGHT_NOTHING ? answer->verdict.reason : NULL;
}

/* ---- notices ---------------------------------------------------------------------------------------------------------------- */

static int past_entry(Sight *sight, PublishedEntry *slots[PAST_SLOTS], uint64_t seq, PublishedEntry **ret) {
        PublishedEntry **slot = &slots[seq % PAST_SLOTS];
        PublishedEntry *entry;
        int r = 0;

        if (*slot && (*slot)->seq == seq) {
                *ret = *slot;
                return 0;
        }
        if (!sight->publisher)
                r = publisher_new(&sight->publisher);
        if (r == 0)
                r = publisher_entry(sight->publisher, sight->view, seq, &entry);
        if (r != 0)
                return r;
        published_entry_free(*slot);
        *ret = *slot = entry;
        return 0;
}

/* Is what a notice names to be seen by who is told of it? Of what has no payload any more only the section tells. */
static int names_what_is_seen(Sight *sight, const char *event_id, size_t team, bool *ret) {
        PublishedEntry *entry;
        SightAnswer answer;
        Place place;
        int r;

        if (sight_event_id(event_id, &place) < 0)
                return 0;
        r = past_entry(sight, sight->named, place.seq, &entry);
        if (r != 0)
                return MIN(r, 0);
        if (place.index >= entry->n_events || entry->events[place.index].from_bus)
                return 0;
        r = sight_of(sight, entry, place.index, team, &answer);
        *ret = r == 0 && (answer.gives == SIGHT_PART || answer.gives == SIGHT_WHOLE || answer.reason == SIGHT_WAITS);
        return r;
}

/* Whether the team is shown anything of the section that a notice is about. Of a section whose rules name types, as that of decisions is to
 * a care home, only the events say which of it; where a notice is in a sensitive class, a rule has to name that. */
static bool sees_section(const Sight *sight, const PublishedEvent *event, size_t team, const SharingPerson *person) {
        const SharingThing section = { .kind = event->section, .sensitive = event->sensitive };
        const SharingVerdict verdict = sharing_may_see(sight->sharing, team, person, &section);

        if (verdict.sight != SHARING_HIDDEN)
                return true;
        return event->sensitive == 0 && text_equal(verdict.reason, "no-rule") &&
               sharing_section(sight->sharing, team, person, event->section) != SHARING_HIDDEN;
}

/* Beside the kind of notice, the section that it is about, and each event that it names. */
static int check_about(Sight *sight, const PublishedEvent *event, size_t team, SightAnswer *answer) {
        bool seen = true;
        int r = 0;

        if (!event->about && !sees_section(sight, event, team, answer->person)) {
                answer_nothing(answer, "no-rule");
                return 0;
        }
        for (const char *id = event->about; r == 0 && seen && id; id = published_next(id))
                r = names_what_is_seen(sight, id, team, &seen);
        if (r == 0)
                r = sight_person(sight, event->patient_id, &answer->person);
        if (r == 0 && !seen)
                answer_nothing(answer, "no-rule");
        return r;
}

/* ---- what is withdrawn --------------------------------------------------------------------------------------------------------- */

static const char *team_name(const Sight *sight, size_t team) {
        return sharing_config(sight->sharing)->teams[team].name;
}

/* Is there a rule that shows the team such a thing of anybody, were it to do with them? What is sensitive a record may well have been
 * given without. */
static bool has_rule_for(const Sight *sight, size_t team, const SharingPerson *person, const SharingThing *thing) {
        const SharingVerdict verdict = sharing_may_see(sight->sharing, team, person, thing);

        if (verdict.sight != SHARING_HIDDEN)
                return true;
        return thing->sensitive == 0 &&
               (text_equal(verdict.reason, "no-relationship") || text_equal(verdict.reason, "objection"));
}

/* What is taken back, as the rules look at it. Of what has no payload any more, what takes it back tells (as `ret` has it before). An
 * entry of its own: who asks may be in the middle of one that was read before. *ret_entry has the texts. */
static int withdrawn_find(Sight *sight, Place place, PublishedEntry **ret_entry, SharingThing *ret) {
        _cleanup_(published_entry_freep) PublishedEntry *entry = NULL;
        int r = sight->publisher ? 0 : publisher_new(&sight->publisher);

        if (r == 0)
                r = publisher_entry(sight->publisher, sight->view, place.seq, &entry);
        if (r < 0)
                return r;
        if (r == 0 && place.index < entry->n_events && entry->events[place.index].bytes.size > 0) {
                r = classify(sight, &entry->events[place.index]);
                if (r < 0)
                        return r;
                *ret = thing_of(entry, &entry->events[place.index]);
        }
        *ret_entry = TAKE_PTR(entry);
        return 0;
}

int sight_was_given(Sight *sight, size_t team, const char *event_id, const SightWithdrawal *by) {
        _cleanup_(published_entry_freep) PublishedEntry *entry = NULL;
        SharingThing thing = { .kind = sight_kind(by->type), .type = by->type, .sensitive = by->sensitive };
        const SharingPerson *person;
        Place place;
        int r;

        if (!sight->audit || sight_event_id(event_id, &place) < 0)
                return 0;
        r = audit_was_given(sight->audit, team_name(sight, team), place.seq, place.index);
        if (r != 0)
                return r;
        r = audit_was_given_record(sight->audit, team_name(sight, team), by->patient_id, place.seq);
        if (r <= 0)
                return r;
        r = withdrawn_find(sight, place, &entry, &thing);
        if (r == 0)
                r = sight_person(sight, by->patient_id, &person);
        if (r < 0)
                return r;
        /* Of what is sensitive a record may well have been given without it. */
        if (by->sensitive == 0 && has_rule_for(sight, team, person, &thing))
                return 1;
        thing.sensitive |= by->sensitive;
        return thing.sensitive == 0 ? 0 : sight_glass_gave(sight, team, by->patient_id, place, &thing);
}

static SightWithdrawal withdrawal_of(const PublishedEvent *event) {
        return (SightWithdrawal){ .patient_id = event->patient_id, .type = event->type, .sensitive = event->sensitive };
}

static int check_withdrawn(Sight *sight, const PublishedEvent *event, size_t team, SightAnswer *answer) {
        const SightWithdrawal by = withdrawal_of(event);

        for (const char *id = event->withdraws; id; id = published_next(id)) {
                int r = sight_was_given(sight, team, id, &by);

                if (r < 0)
                        return r;
                if (r > 0) {
                        answer->gives = SIGHT_CORRECTION;
                        return 0;
                }
        }
        return 0;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------------ */

/* The choke point. Of a team's own nothing has to be found out first, but where it is a notice about a section, which is asked about
 * too. */
static int ask(Sight *sight, const PublishedEntry *entry, PublishedEvent *event, size_t team, SightAnswer *answer) {
        SharingThing thing = thing_of(entry, event);
        int r;

        if (event->section || !sharing_is_own(sight->sharing, team, &thing)) {
                r = classify(sight, event);
                if (r < 0)
                        return r;
                thing = thing_of(entry, event);
        }
        answer->verdict = sharing_may_see_again(sight->sharing, team, answer->person, &thing, &event->memo);
        return 0;
}

int sight_of(Sight *sight, PublishedEntry *entry, size_t index, size_t team, SightAnswer *ret) {
        PublishedEvent *event = &entry->events[index];
        int r;

        *ret = (SightAnswer){ .verdict = { .rule = -1 } };
        if (event->bytes.size == 0 || event->echo) {
                answer_nothing(ret, event->echo ? SIGHT_ECHO : SIGHT_WAITS);
                return 0;
        }
        r = person_of(sight, event, &ret->person);
        if (r < 0)
                return r;
        if (event->only) {
                if (!text_equal(event->only, team_name(sight, team)))
                        answer_nothing(ret, SIGHT_TO_ANOTHER);
                else
                        ret->gives = SIGHT_WHOLE;
                return 0;
        }
        r = ask(sight, entry, event, team, ret);
        if (r < 0)
                return r;
        answer_verdict(ret);
        if (ret->gives != SIGHT_NOTHING && event->section)
                return check_about(sight, event, team, ret);
        return ret->gives == SIGHT_NOTHING && event->withdraws ? check_withdrawn(sight, event, team, ret) : 0;
}

int sight_of_event(Sight *sight, uint64_t seq, uint32_t index, size_t team, SightAnswer *ret,
                   PublishedEntry **ret_entry) {
        PublishedEntry *entry;
        int r;

        r = past_entry(sight, sight->asked, seq, &entry);
        if (r != 0)
                return r;
        if (index >= entry->n_events)
                return VIEW_E_NOT_FOUND;
        r = sight_of(sight, entry, index, team, ret);
        /* Who asks may want to know why, and of a team's own nothing was looked at. */
        if (r == 0 && ret->gives == SIGHT_WHOLE && !entry->events[index].only)
                r = classify(sight, &entry->events[index]);
        if (r == 0 && ret_entry)
                *ret_entry = entry;
        return r;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------------------------ */

static void variant_deinit(PublishedVariant *variant) {
        free(variant->room);
}

void published_variants_free(PublishedEvent *event) {
        for (size_t i = 0; i < event->n_variants; i++)
                variant_deinit(&event->variants[i]);
        free(event->variants);
        event->variants = NULL;
        event->n_variants = 0;
}

static PublishedVariant *variant_find(PublishedEvent *event, const SharingMask *mask, size_t team, uint64_t head) {
        for (size_t i = 0; i < event->n_variants; i++) {
                PublishedVariant *variant = &event->variants[i];

                if (variant->head == head && variant->mask == mask && (mask || variant->team == team))
                        return variant;
        }
        return NULL;
}

/* Of an older head the person may have been another to the rules: those go first. As many as there are teams stay. */
static int variant_add(PublishedEvent *event, const PublishedVariant *wanted, const Carebus__V1__Event *cut,
                       PublishedVariant **ret) {
        const size_t size = carebus__v1__event__get_packed_size(cut);
        PublishedVariant *variants;
        uint8_t *data;
        int r;

        if (event->n_variants > 0 && event->variants[0].head != wanted->head)
                published_variants_free(event);
        variants = reallocarray(event->variants, event->n_variants + 1, sizeof(*variants));
        if (!variants)
                return -ENOMEM;
        event->variants = variants;
        variants[event->n_variants] = *wanted;
        r = publish_make_room(size, &variants[event->n_variants].room, &data);
        if (r < 0)
                return r;
        carebus__v1__event__pack(cut, data);
        variants[event->n_variants].bytes = (PublishedBytes){ .data = data, .size = size };
        *ret = &variants[event->n_variants++];
        return 0;
}

/* Persons beside the one that a notice is of are named to who knows them. */
static int cut_others(Sight *sight, size_t team, Carebus__V1__Event *event) {
        Carebus__V1__Notice *notice = event->body_case == CAREBUS__V1__EVENT__BODY_NOTICE ? event->notice : NULL;
        size_t n = 0;

        for (size_t i = 0; notice && i < notice->n_patient_ids; i++) {
                const SharingPerson *person; /* a thousand of them may be named: who the answer is about has to stay */
                int r = sharing_people_glance(sight->people, sight->sharing, view_head(sight->view),
                                              notice->patient_ids[i], &person);

                if (r < 0)
                        return r;
                if (sharing_relationship(sight->sharing, team, person))
                        notice->patient_ids[n++] = notice->patient_ids[i];
        }
        if (!notice || n == notice->n_patient_ids)
                return 0;
        notice->n_patient_ids = n;
        return list_append((void ***)&event->redacted, &event->n_redacted, (char *)"notice.patient_ids", sight->arena);
}

/* In the place of what is not shown: which of what the team was given does not stand, of which section, whom to ring. */
static int make_correction(Sight *sight, const PublishedEntry *entry, const PublishedEvent *withdrawing, size_t team,
                           Carebus__V1__Event *event) {
        Carebus__V1__Event *corrected = message_new(&carebus__v1__event__descriptor, sight->arena);
        Carebus__V1__Subject *subject = message_new(&carebus__v1__subject__descriptor, sight->arena);
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, sight->arena);
        const SightWithdrawal by = withdrawal_of(withdrawing);
        const Carebus__V1__Settings *settings;
        int r = 0;

        if (!corrected || !subject || !notice)
                return -ENOMEM;
        corrected->event_id = event->event_id;
        corrected->type = (char *)"record.corrected";
        corrected->has_action = 1;
        corrected->action = CAREBUS__V1__ACTION__ACTION_NEW;
        corrected->has_received_at = event->has_received_at;
        corrected->received_at = event->received_at;
        subject->patient_id = (char *)withdrawing->patient_id;
        corrected->patient = subject;
        corrected->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        corrected->notice = notice;
        notice->code = (char *)withdrawing->type;
        notice->section = (char *)sight_kind(withdrawing->type);
        for (const char *id = withdrawing->withdraws; r == 0 && id; id = published_next(id)) {
                r = sight_was_given(sight, team, id, &by);
                if (r > 0)
                        r = list_append((void ***)&notice->event_ids, &notice->n_event_ids, (char *)id, sight->arena);
        }
        if (r == 0)
                r = sight_settings(sight, &settings);
        if (r == 0)
                ring_of_source(settings, entry->source, &notice->whom_to_ring, &notice->n_whom_to_ring);
        *event = *corrected;
        return r;
}

static bool needs_numbers(const PublishedEvent *event, const SightAnswer *answer) {
        return answer->gives == SIGHT_CORRECTION || notice_numbers_needed(event);
}

static int make_variant(Sight *sight, PublishedEntry *entry, size_t index, size_t team, const SightAnswer *answer,
                        const PublishedVariant *wanted, PublishedVariant **ret) {
        PublishedEvent *published = &entry->events[index];
        const ArenaMark mark = arena_mark(sight->arena);
        Carebus__V1__Event *event;
        int r;

        r = unpack(sight, published, &event);
        if (r == 0 && answer->gives == SIGHT_CORRECTION)
                r = make_correction(sight, entry, published, team, event);
        else if (r == 0) {
                if (answer->gives == SIGHT_PART)
                        r = sharing_cut_event(sight->sharing, team, answer->person, &answer->verdict, event,
                                              sight->arena);
                if (r == 0 && published->names_others)
                        r = cut_others(sight, team, event);
        }
        if (r == 0 && needs_numbers(published, answer))
                r = notice_numbers_add(sight, team, answer->person, event, sight->arena);
        if (r == 0)
                r = variant_add(published, wanted, event, ret);
        arena_rewind(sight->arena, mark);
        return r;
}

int sight_bytes(Sight *sight, PublishedEntry *entry, size_t index, size_t team, const SightAnswer *answer,
                PublishedBytes **ret) {
        PublishedEvent *event = &entry->events[index];
        const bool of_team = event->names_others || needs_numbers(event, answer);
        const PublishedVariant wanted = { .mask = of_team ? NULL : answer->verdict.mask,
                                          .team = team,
                                          .head = view_head(sight->view) };
        PublishedVariant *variant;
        int r = 0;

        if (answer->gives == SIGHT_WHOLE && !of_team) {
                *ret = &event->bytes;
                return 0;
        }
        variant = variant_find(event, wanted.mask, team, wanted.head);
        if (!variant)
                r = make_variant(sight, entry, index, team, answer, &wanted, &variant);
        if (r == 0)
                *ret = &variant->bytes;
        return r;
}
