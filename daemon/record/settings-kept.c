#include "daemon/record/settings-kept.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "daemon/store/state-keys.h"

#define SETTINGS_MEMORY (16U << 20)

struct SettingsKept {
        Arena *arena;
        const Carebus__V1__Settings *settings; /* NULL: none are kept */
        uint64_t seq;                          /* of the entry that they are of */
        Arena *of_common;
        RecordCommon common;
        uint64_t folded; /* as of there */
        bool has_common;
};

int settings_kept_new(SettingsKept **ret) {
        _cleanup_(settings_kept_freep) SettingsKept *kept = calloc(1, sizeof(*kept));
        int r;

        if (!kept)
                return -ENOMEM;
        r = arena_new(&kept->arena, SETTINGS_MEMORY);
        if (r == 0)
                r = arena_new(&kept->of_common, SETTINGS_MEMORY);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(kept);
        return 0;
}

SettingsKept *settings_kept_free(SettingsKept *kept) {
        if (!kept)
                return NULL;
        arena_free(kept->arena);
        arena_free(kept->of_common);
        free(kept);
        return NULL;
}

/* They are written together. */
static int seq_read(StateTxn *txn, uint64_t *ret) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS_SEQ);
        Bytes value;
        int r = state_get(txn, STATE_META, state_key_all(&key), &value);

        if (r == STATE_E_NOT_FOUND)
                return RECORD_E_NOT_FOUND;
        if (r != 0)
                return r;
        if (value.size != sizeof(*ret))
                return -EBADMSG;
        *ret = load_le64(value.data);
        return 0;
}

int settings_kept_read(SettingsKept *kept, StateTxn *txn, const Carebus__V1__Settings **ret) {
        Carebus__V1__Settings *settings;
        uint64_t seq;
        int r = seq_read(txn, &seq);

        if (r == 0 && kept->settings && kept->seq == seq) {
                *ret = kept->settings;
                return 0;
        }
        kept->settings = NULL;
        kept->has_common = false;
        arena_reset(kept->arena);
        if (r == 0)
                r = settings_read(txn, kept->arena, &settings);
        if (r == 0) {
                kept->settings = settings;
                kept->seq = seq;
        }
        if (r == 0 || r == RECORD_E_NOT_FOUND)
                *ret = kept->settings;
        return r == RECORD_E_NOT_FOUND ? 0 : r;
}

int settings_kept_common(SettingsKept *kept, StateTxn *txn, const RecordCommon **ret) {
        const uint64_t folded = state_folded_seq(txn);
        const Carebus__V1__Settings *settings;
        int r = settings_kept_read(kept, txn, &settings);

        if (r == 0 && (!kept->has_common || kept->folded != folded)) {
                kept->has_common = false;
                arena_reset(kept->of_common);
                r = record_common_read(txn, settings, kept->of_common, &kept->common);
        }
        if (r != 0)
                return r;
        kept->has_common = true;
        kept->folded = folded;
        *ret = &kept->common;
        return 0;
}
