/*
 * journal: an admitted submission becomes an entry. A resend that is known is answered without being written again; the
 * answer waits for the sync all the same, since what it repeats may be in this very batch.
 */
#include <stdio.h>

#include "base/error.h"
#include "daemon/stage/dedupe.h"
#include "daemon/stage/intake-parts.h"
#include "daemon/store/state-keys.h"

/* 0 and *ret_found; negative. */
static int find_known(Intake *intake, const Item *item, const char *id, KnownMessage *ret, bool *ret_found) {
        const char *source = item->session->source->name;
        StateDedupe stored;
        StateTxn *txn;
        int r;

        *ret_found = known_find(intake->known, source, id, item->message_at, ret);
        if (*ret_found)
                return 0;
        r = intake_state(intake, &txn);
        if (r == 0)
                r = state_dedupe_get(txn, source, id, item->message_at, &stored);
        if (r == STATE_E_NOT_FOUND)
                return 0;
        if (r != 0)
                return error_fold(r);
        ret->seq = stored.seq;
        memcpy(ret->sha256, stored.sha256, SHA256_SIZE);
        *ret_found = true;
        return 0;
}

/* As the fold will say. */
typedef struct Before {
        bool repeats;
        uint64_t seq; /* of what it repeats */
        bool contradicts;
        const char *id; /* under which it is known from now on */
        char sibling_id[DEDUPE_SIBLING_ID_SIZE];
} Before;

static int look_before(Intake *intake, const Item *item, Before *ret) {
        KnownMessage known;
        bool found;
        int r;

        *ret = (Before){ .id = item->submission->message_id };
        r = find_known(intake, item, ret->id, &known, &found);
        if (r < 0 || !found)
                return r;
        ret->contradicts = memcmp(known.sha256, item->sha256, SHA256_SIZE) != 0;
        if (ret->contradicts) {
                /* Who resends it would fill the journal with it. */
                dedupe_sibling_id(item->sha256, ret->sibling_id);
                ret->id = ret->sibling_id;
                r = find_known(intake, item, ret->id, &known, &found);
                if (r < 0 || !found)
                        return r;
        }
        ret->repeats = true;
        ret->seq = known.seq;
        return 0;
}

static int pack_original(Intake *intake, const Item *item, Carebus__V1__Original *original) {
        Bytes bytes = bytes_of(item->submission->original.data, item->submission->original.len);
        uint64_t dictionary = 0;
        int compressed = 0;
        int r = original_compress(intake->options.codec, bytes, &intake->compressed, &compressed, &dictionary);

        if (r < 0)
                return r;
        carebus__v1__original__init(original);
        original->has_data = true;
        original->data.data = compressed ? intake->compressed.data : (uint8_t *)(uintptr_t)bytes.data;
        original->data.len = compressed ? intake->compressed.size : bytes.size;
        original->has_size = true;
        original->size = (uint32_t)bytes.size;
        original->has_sha256 = true;
        original->sha256.data = (uint8_t *)(uintptr_t)item->sha256;
        original->sha256.len = SHA256_SIZE;
        original->has_compressed = compressed != 0;
        original->compressed = compressed != 0;
        original->has_dictionary = compressed && dictionary != 0;
        original->dictionary = dictionary;
        return 0;
}

static int pack_item(Intake *intake, const Item *item) {
        Carebus__V1__Submission *submission = item->submission;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission stored = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__Original original;
        uint8_t *room;
        size_t size;

        if (submission->has_original) {
                int r = pack_original(intake, item, &original);
                if (r < 0)
                        return r;
                stored.original = &original;
        }
        stored.source = item->session->source->name;
        stored.sender = item->session->identity;
        stored.message_id = submission->message_id;
        stored.message_time = submission->message_time;
        stored.media_type = submission->media_type;
        stored.n_events = submission->n_events;
        stored.events = submission->events;
        stored.n_matching = item->n_matching;
        stored.matching = item->matching;
        stored.problem = item->problem;
        stored.has_retranslates = submission->has_retranslates;
        stored.retranslates = submission->retranslates;
        stored.trigger = submission->trigger;
        stored.has_history = submission->has_history && submission->history;
        stored.history = stored.has_history;
        stored.requested_by = (char *)(uintptr_t)item->requested_by;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &stored;
        buffer_clear(&intake->packed);
        size = carebus__v1__entry__get_packed_size(&entry);
        room = buffer_reserve(&intake->packed, size);
        if (!room)
                return -ENOMEM;
        buffer_advance(&intake->packed, carebus__v1__entry__pack(&entry, room));
        return 0;
}

/* Until there is a dictionary, originals go to the helper to make one of. It may be busy: then this one is not needed. */
static void offer_sample(Intake *intake, const Item *item) {
        Buffer *sample;

        if (!intake->options.samples || intake->dictionary_due || original_codec_newest(intake->options.codec) != 0 ||
            item->submission->original.len == 0)
                return;
        sample = calloc(1, sizeof(*sample));
        if (!sample)
                return;
        buffer_append(sample, item->submission->original.data, item->submission->original.len);
        if (sample->error || !ring_push(intake->options.samples, sample)) {
                buffer_deinit(sample);
                free(sample);
        }
}

static int answer(Intake *intake, Item *item, AnswerKind kind, uint64_t seq, const char *reason) {
        Answer given = {
                .session = item->session,
                .number = item->number,
                .kind = kind,
                .unsynced = intake->batch_first != 0 && seq >= intake->batch_first,
                .seq = seq,
        };
        int r;

        snprintf(given.reason, sizeof(given.reason), "%s", reason ? reason : "");
        r = answers_add(&intake->answers, given);
        return r < 0 ? r : ITEM_ANSWERED;
}

int stage_journal(Intake *intake, Item *item) {
        const char *reason = item->problem ? item->problem->code : NULL;
        const bool again = item->submission->has_retranslates;
        Before before;
        uint64_t seq;
        int r;

        if (!again) {
                r = look_before(intake, item, &before);
                if (r < 0)
                        return r;
                if (before.repeats)
                        return answer(intake, item, ANSWER_DUPLICATE, before.seq, NULL);
                if (before.contradicts)
                        reason = REASON_SAME_ID_OTHER_BYTES;
        }
        r = normalise_matching(intake, item);
        if (r == 0)
                r = pack_item(intake, item);
        if (r == 0)
                r = journal_append(intake->options.journal, intake->batch_at, buffer_bytes(&intake->packed), &seq);
        if (r != 0)
                return error_fold(r);
        if (intake->batch_first == 0)
                intake->batch_first = seq;
        intake->batch_submissions++;
        intake->batch_bytes += intake->packed.size;
        if (!again) {
                KnownMessage message = { .seq = seq };
                memcpy(message.sha256, item->sha256, SHA256_SIZE);
                r = known_add(intake->known, item->session->source->name, before.id, item->message_at, &message);
                if (r < 0)
                        return r;
        }
        offer_sample(intake, item);
        return answer(intake, item, ANSWER_STORED, seq, reason);
}
