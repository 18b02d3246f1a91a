#include "daemon/stage/again.h"

#include <errno.h>
#include <string.h>

#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"

static int key_of(FoldWork *work, const char *patient_id, const char *source, StateKey *ret) {
        char *name = section_of_again(source, work->arena);

        if (!name)
                return -ENOMEM;
        *ret = state_key_section(patient_id, name);
        return ret->error;
}

int again_get(FoldWork *work, const char *patient_id, const char *source, Carebus__V1__SaidAgain **ret) {
        StateKey key;
        int r;

        r = key_of(work, patient_id, source, &key);
        if (r == 0)
                r = work_get(work, STATE_SECTION, &key, &carebus__v1__said_again__descriptor, (ProtobufCMessage **)ret);
        if (r != STATE_E_NOT_FOUND)
                return r;
        *ret = message_new(&carebus__v1__said_again__descriptor, work->arena);
        return *ret ? 0 : -ENOMEM;
}

int again_put(FoldWork *work, const char *patient_id, const char *source, const Carebus__V1__SaidAgain *again) {
        StateKey key;
        int r;

        r = key_of(work, patient_id, source, &key);
        return r ?: work_put(work, STATE_SECTION, &key, &again->base);
}

int again_note(FoldWork *work, const Said *said, const char *patient_id, bool *ret_noted) {
        uint8_t hash[DEMOGRAPHICS_HASH_SIZE];
        Carebus__V1__SaidAgain *again;
        int r;

        *ret_noted = false;
        r = demographics_hash(said, work->arena, hash);
        if (r < 0)
                return r == -ENODATA ? 0 : r;
        r = again_get(work, patient_id, work->source, &again);
        if (r)
                return r;
        if (!again->has_hash || again->hash.len != sizeof(hash) || memcmp(again->hash.data, hash, sizeof(hash)) != 0 ||
            stamp_parts_compare(stamp_parts(again->newest), said->stamp) >= 0)
                return 0;
        again->newest = stamp_make(said->stamp, work->arena);
        again->event_id = said->event->event_id;
        again->has_received_at = said->event->has_received_at;
        again->received_at = said->event->received_at;
        *ret_noted = true;
        return again->newest ? again_put(work, patient_id, work->source, again) : -ENOMEM;
}

int again_section(FoldWork *work, const char *patient_id, Carebus__V1__StoredSection **ret) {
        int r;

        r = work_section(work, patient_id, SECTION_DEMOGRAPHICS, ret);
        for (size_t i = 0; r == 0 && i < (*ret)->n_facts; i++) {
                Carebus__V1__StoredFact *stored = (*ret)->facts[i];
                Carebus__V1__SaidAgain *again;

                r = again_get(work, patient_id, stored->fact->source, &again);
                if (r || stamp_compare(again->first, again->newest) == 0)
                        continue;
                demographics_advance(stored, again);
                work_section_touch(work, *ret);
                r = again_put(work, patient_id, stored->fact->source, again);
        }
        return r;
}
