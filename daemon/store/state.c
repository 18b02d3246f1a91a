/*
 * LMDB, and nobody else includes it. What is done here for its callers: the first error of a transaction sticks, a
 * commit that failed is never followed by another, and codes are either ours or errno.
 */
#include "daemon/store/state.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/store/state-keys.h"

#define MAP_BYTES_DEFAULT (200ull << 30)
#define MAP_BYTES_LEAST (256ull << 20)
#define READERS_MOST 512
#define DIGEST_STEP 65536u
#define STATE_FILE "data.mdb" /* LMDB's own name for it */
#define STATE_FILE_NEW "data.new"

static const char *const table_names[_STATE_TABLE_MAX] = {
        [STATE_META] = "meta",
        [STATE_OUTCOME] = "outcome",
        [STATE_DEDUPE] = "dedupe",
        [STATE_IDENTIFIER] = "identifier",
        [STATE_PERSON] = "person",
        [STATE_SECTION] = "section",
        [STATE_PATIENT_SEQ] = "patient-seq",
        [STATE_SOURCE_SEQ] = "source-seq",
        [STATE_QUARANTINE] = "quarantine",
        [STATE_RESOLVED] = "resolved",
        [STATE_COUNT] = "count",
        [STATE_DICTIONARY] = "dictionary",
        [STATE_BLOCK] = "block",
        [STATE_REVIEW] = "review",
        [STATE_REVIEWED] = "reviewed",
        [STATE_DUE] = "due",
        [STATE_ASIDE] = "aside",
        [STATE_PARKED] = "parked",
        [STATE_GRANT] = "grant",
};

struct State {
        MDB_env *env;
        MDB_dbi tables[_STATE_TABLE_MAX];
        StateMode mode;
        int error; /* a commit failed: final */
};

struct StateTxn {
        State *state;
        MDB_txn *txn;    /* NULL while reset, or at an end */
        MDB_txn *asleep; /* a reader between reset and renew */
        StateMode mode;
        int error;
};

/* LMDB's own codes lie among the negative numbers and errno's among the positive. */
static int state_code(int code) {
        switch (code) {
        case MDB_SUCCESS:
                return 0;
        case MDB_NOTFOUND:
                return STATE_E_NOT_FOUND;
        case MDB_MAP_FULL:
        case ENOSPC:
        case EDQUOT:
                return STATE_E_NO_SPACE;
        case MDB_READERS_FULL:
                return STATE_E_BUSY;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
                return -EBADMSG;
        case MDB_VERSION_MISMATCH:
                return -EPROTO;
        case MDB_TXN_FULL:
        case MDB_CURSOR_FULL:
        case MDB_PAGE_FULL:
                return -E2BIG;
        case MDB_BAD_VALSIZE:
                return -EMSGSIZE;
        case MDB_BAD_TXN:
        case MDB_BAD_DBI:
        case MDB_BAD_RSLOT:
                return -EINVAL;
        default:
                return code > 0 ? -code : -EIO;
        }
}

static MDB_val to_val(Bytes bytes) {
        return (MDB_val){ .mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data };
}

static Bytes from_val(const MDB_val *val) {
        return bytes_of(val->mv_data, val->mv_size);
}

static bool starts_with(const MDB_val *key, Bytes prefix) {
        return key->mv_size >= prefix.size && (prefix.size == 0 || memcmp(key->mv_data, prefix.data, prefix.size) == 0);
}

static int state_open_env(State *state, const char *path, unsigned flags, uint64_t map_bytes) {
        int r;

        r = mdb_env_create(&state->env);
        if (r == 0)
                r = mdb_env_set_maxdbs(state->env, _STATE_TABLE_MAX);
        if (r == 0)
                r = mdb_env_set_maxreaders(state->env, READERS_MOST);
        if (r == 0)
                r = mdb_env_set_mapsize(state->env, map_bytes);
        if (r == 0)
                r = mdb_env_open(state->env, path, flags, 0640);
        if (r != 0 && state->env) {
                mdb_env_close(state->env);
                state->env = NULL;
        }
        return r;
}

static int state_open_tables(State *state) {
        unsigned flags = state->mode == STATE_WRITE ? MDB_CREATE : 0;
        MDB_txn *txn;
        int r;

        r = mdb_txn_begin(state->env, NULL, state->mode == STATE_READ ? MDB_RDONLY : 0, &txn);
        if (r != 0)
                return state_code(r);
        for (size_t i = 0; i < _STATE_TABLE_MAX; i++) {
                r = mdb_dbi_open(txn, table_names[i], flags, &state->tables[i]);
                if (r != 0) {
                        mdb_txn_abort(txn);
                        /* A reader that came before the writer's first commit. */
                        return r == MDB_NOTFOUND && state->mode == STATE_READ ? -ENOENT : state_code(r);
                }
        }
        return state_code(mdb_txn_commit(txn));
}

/* Environment and tables. */
static int state_open_at(const char *path, StateMode mode, unsigned flags, uint64_t map_bytes, State **ret) {
        _cleanup_(state_freep) State *state = NULL;
        uint64_t bytes = map_bytes ? map_bytes : MAP_BYTES_DEFAULT;
        int r;

        state = calloc(1, sizeof(*state));
        if (!state)
                return -ENOMEM;
        state->mode = mode;
        for (;;) {
                r = state_open_env(state, path, flags, bytes);
                /* Address space may be bounded (ulimit -v, sanitizers): less of it will do. */
                if (r != ENOMEM || map_bytes != 0 || bytes / 2 < MAP_BYTES_LEAST)
                        break;
                bytes /= 2;
        }
        if (r != 0)
                return state_code(r);
        r = state_open_tables(state);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(state);
        return 0;
}

/* A new environment gets its name when it is whole: LMDB cannot open one whose first pages were torn by a power cut. */
static int state_create(const char *folder, uint64_t map_bytes) {
        _cleanup_(freep) char *path = NULL, *temporary = NULL, *lock = NULL;
        State *state = NULL;
        int r;

        r = text_format(&path, "%s/" STATE_FILE, folder);
        if (r == 0)
                r = text_format(&temporary, "%s/" STATE_FILE_NEW, folder);
        if (r == 0)
                r = text_format(&lock, "%s/" STATE_FILE_NEW "-lock", folder);
        if (r < 0)
                return r;
        if (access(path, F_OK) == 0)
                return 0;
        if (errno != ENOENT)
                return -errno;
        if (unlink(temporary) < 0 && errno != ENOENT)
                return -errno;
        r = state_open_at(temporary, STATE_WRITE, MDB_NOSUBDIR, map_bytes, &state);
        if (r != 0)
                return r;
        r = state_code(mdb_env_sync(state->env, 1));
        state_free(state);
        (void)unlink(lock);
        if (r != 0)
                return r;
        return rename(temporary, path) < 0 ? -errno : 0;
}

int state_open(const char *folder, StateMode mode, uint64_t map_bytes, State **ret) {
        /* Readers may end in another thread than they began in: a transaction is the caller's, not the thread's. */
        unsigned flags = MDB_NOTLS | (mode == STATE_READ ? MDB_RDONLY : 0);
        int r;

        if (mode == STATE_WRITE) {
                r = folder_make(folder, 0750);
                if (r == 0)
                        r = state_create(folder, map_bytes);
                if (r == 0)
                        r = folder_sync(folder);
                if (r != 0)
                        return r;
        }
        return state_open_at(folder, mode, flags, map_bytes, ret);
}

int state_copy(State *state, const char *folder) {
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/" STATE_FILE, folder);

        if (r == 0)
                r = folder_make(folder, 0750);
        if (r < 0)
                return r;
        r = state_code(mdb_env_copy2(state->env, folder, MDB_CP_COMPACT));
        if (r == 0)
                r = path_sync(path);
        if (r == 0)
                r = folder_sync(folder);
        if (r != 0)
                (void)unlink(path);
        return r == -ENOSPC || r == -EDQUOT ? STATE_E_NO_SPACE : r;
}

State *state_free(State *state) {
        if (!state)
                return NULL;
        if (state->env)
                mdb_env_close(state->env);
        free(state);
        return NULL;
}

int state_clear_stale_readers(State *state) {
        return state_code(mdb_reader_check(state->env, NULL));
}

int state_begin(State *state, StateMode mode, StateTxn **ret) {
        StateTxn *txn;
        int r;

        if (mode == STATE_WRITE && state->mode == STATE_READ)
                return -EROFS;
        if (mode == STATE_WRITE && state->error < 0)
                return state->error;
        txn = calloc(1, sizeof(*txn));
        if (!txn)
                return -ENOMEM;
        r = state_code(mdb_txn_begin(state->env, NULL, mode == STATE_READ ? MDB_RDONLY : 0, &txn->txn));
        if (r != 0) {
                free(txn);
                return r;
        }
        txn->state = state;
        txn->mode = mode;
        *ret = txn;
        return 0;
}

StateTxn *state_abort(StateTxn *txn) {
        if (!txn)
                return NULL;
        if (txn->txn)
                mdb_txn_abort(txn->txn);
        if (txn->asleep)
                mdb_txn_abort(txn->asleep);
        free(txn);
        return NULL;
}

static int txn_stick(StateTxn *txn, int code) {
        int r = state_code(code);

        if (r != 0 && r != STATE_E_NOT_FOUND)
                txn->error = r;
        return r;
}

/* When its very last write fails LMDB cannot know what reached the disk, and lets nobody in any more: room does not mend that. */
static bool state_has_given_up(State *state) {
        MDB_txn *txn;
        int r = mdb_txn_begin(state->env, NULL, MDB_RDONLY, &txn);

        if (r == 0)
                mdb_txn_abort(txn);
        return r == MDB_PANIC;
}

int state_commit(StateTxn *txn) {
        State *state = txn->state;
        int r = txn->error;

        if (r != 0) {
                state_abort(txn);
                return r;
        }
        errno = 0;
        r = mdb_txn_commit(TAKE_PTR(txn->txn));
        /* A short write of data pages is EIO to LMDB, though no call failed: the file system is full. Nothing was synced and no
         * meta page was written, so the transaction never was. */
        r = r == EIO && errno == 0 ? STATE_E_NO_SPACE : state_code(r);
        if (r == STATE_E_NO_SPACE && state_has_given_up(state))
                r = -EIO;
        /* LMDB, and the kernel beneath it, tell of a lost write once; the next commit would pretend. */
        if (r < 0 && txn->mode == STATE_WRITE)
                state->error = r;
        state_abort(txn);
        return r;
}

int state_renew(StateTxn *txn) {
        int r;

        if (txn->mode != STATE_READ)
                return -EINVAL;
        state_reset(txn);
        r = state_code(mdb_txn_renew(txn->asleep));
        if (r != 0)
                return r;
        txn->error = 0;
        txn->txn = TAKE_PTR(txn->asleep);
        return 0;
}

void state_reset(StateTxn *txn) {
        if (txn->mode != STATE_READ || !txn->txn)
                return;
        mdb_txn_reset(txn->txn);
        txn->asleep = TAKE_PTR(txn->txn);
}

/* Whether calls do anything: not after an error, not while a reader sleeps. */
static int txn_ready(StateTxn *txn) {
        if (txn->error != 0)
                return txn->error;
        return txn->txn ? 0 : -EINVAL;
}

int state_wipe(State *state) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r;

        r = state_begin(state, STATE_WRITE, &txn);
        if (r != 0)
                return r;
        for (size_t i = 0; i < _STATE_TABLE_MAX; i++) {
                r = txn_stick(txn, mdb_drop(txn->txn, state->tables[i], 0));
                if (r != 0)
                        return r;
        }
        return state_commit(TAKE_PTR(txn));
}

int state_get(StateTxn *txn, StateTable table, Bytes key, Bytes *ret_value) {
        MDB_val k = to_val(key), v;
        int r;

        r = txn_ready(txn);
        if (r != 0)
                return r;
        /* LMDB looks for an empty or long key without a word; nothing of the kind was ever put. */
        if (key.size == 0 || key.size > STATE_KEY_MAX)
                return STATE_E_NOT_FOUND;
        r = txn_stick(txn, mdb_get(txn->txn, txn->state->tables[table], &k, &v));
        if (r == 0)
                *ret_value = from_val(&v);
        return r;
}

int state_put(StateTxn *txn, StateTable table, Bytes key, Bytes value) {
        MDB_val k = to_val(key), v = to_val(value);
        int r;

        r = txn_ready(txn);
        if (r != 0)
                return r;
        return txn_stick(txn, mdb_put(txn->txn, txn->state->tables[table], &k, &v, 0));
}

int state_delete(StateTxn *txn, StateTable table, Bytes key) {
        MDB_val k = to_val(key);
        int r;

        r = txn_ready(txn);
        if (r != 0)
                return r;
        r = txn_stick(txn, mdb_del(txn->txn, txn->state->tables[table], &k, NULL));
        return r == STATE_E_NOT_FOUND ? 0 : r;
}

int state_walk(StateTxn *txn, StateTable table, Bytes prefix, Bytes from, StateWalk walk, void *owner) {
        MDB_cursor *cursor;
        MDB_val key, value;
        Bytes begin = prefix;
        int r;

        r = txn_ready(txn);
        if (r != 0)
                return r;
        if (from.size > 0) {
                size_t common = MIN(prefix.size, from.size);
                int order = common > 0 ? memcmp(from.data, prefix.data, common) : 0;

                /* Below the prefix: begin at the prefix. */
                if (order > 0 || (order == 0 && from.size >= prefix.size))
                        begin = from;
        }
        r = txn_stick(txn, mdb_cursor_open(txn->txn, txn->state->tables[table], &cursor));
        if (r != 0)
                return r;
        key = to_val(begin);
        r = mdb_cursor_get(cursor, &key, &value, begin.size > 0 ? MDB_SET_RANGE : MDB_FIRST);
        while (r == 0 && starts_with(&key, prefix)) {
                int stop = walk(from_val(&key), from_val(&value), owner);

                if (stop != 0) {
                        mdb_cursor_close(cursor);
                        return stop;
                }
                r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
        r = txn_stick(txn, r);
        return r == STATE_E_NOT_FOUND ? 0 : r;
}

int state_last_below(StateTxn *txn, StateTable table, Bytes prefix, Bytes before, Bytes *ret_key, Bytes *ret_value) {
        MDB_val key = to_val(before), value;
        MDB_cursor *cursor;
        int r;

        r = txn_ready(txn);
        if (r != 0)
                return r;
        r = txn_stick(txn, mdb_cursor_open(txn->txn, txn->state->tables[table], &cursor));
        if (r != 0)
                return r;
        r = before.size > 0 ? mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) : MDB_NOTFOUND;
        if (before.size > 0)
                r = mdb_cursor_get(cursor, &key, &value, r == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
        mdb_cursor_close(cursor);
        r = txn_stick(txn, r);
        if (r != 0)
                return r;
        if (!starts_with(&key, prefix))
                return STATE_E_NOT_FOUND;
        *ret_key = from_val(&key);
        *ret_value = from_val(&value);
        return 0;
}

uint64_t state_folded_seq(StateTxn *txn) {
        StateKey key = state_key_meta("folded_seq");
        Bytes value;

        if (state_get(txn, STATE_META, state_key_all(&key), &value) != 0 || value.size != sizeof(uint64_t))
                return 0;
        return load_le64(value.data);
}

int state_set_folded_seq(StateTxn *txn, uint64_t seq) {
        StateKey key = state_key_meta("folded_seq");
        uint8_t value[sizeof(uint64_t)];

        store_le64(value, seq);
        return state_put(txn, STATE_META, state_key_all(&key), bytes_of(value, sizeof(value)));
}

typedef struct Digest {
        Sha256 *sha;
        Buffer pending; /* small pieces are hashed in large ones */
        bool meta;
} Digest;

static bool is_bookkeeping(Bytes key) {
        static const char *const names[] = { "folded_seq", "fold_version", "bus", "chain" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                StateKey name = state_key_meta(names[i]);

                if (bytes_equal(key, state_key_all(&name)))
                        return true;
        }
        return false;
}

static void digest_flush(Digest *digest) {
        sha256_add(digest->sha, digest->pending.data, digest->pending.size);
        buffer_clear(&digest->pending);
}

static int digest_entry(Bytes key, Bytes value, void *owner) {
        Digest *digest = owner;
        uint8_t sizes[8];

        if (digest->meta && is_bookkeeping(key))
                return 0;
        store_le32(sizes, (uint32_t)key.size);
        store_le32(sizes + 4, (uint32_t)value.size);
        buffer_append(&digest->pending, sizes, sizeof(sizes));
        buffer_append_bytes(&digest->pending, key);
        buffer_append_bytes(&digest->pending, value);
        if (digest->pending.error < 0)
                return digest->pending.error;
        if (digest->pending.size >= DIGEST_STEP)
                digest_flush(digest);
        return 0;
}

int state_digest(StateTxn *txn, uint8_t ret[32]) {
        _cleanup_(sha256_freep) Sha256 *sha = NULL;
        _cleanup_(buffer_deinit) Buffer pending = BUFFER_NULL;
        Digest digest = { 0 };
        int r;

        r = sha256_new(&sha);
        if (r < 0)
                return r;
        digest.sha = sha;
        for (StateTable table = 0; table < _STATE_TABLE_MAX && r == 0; table++) {
                const uint8_t number = (uint8_t)table;

                digest.meta = table == STATE_META;
                buffer_append_byte(&digest.pending, number);
                r = state_walk(txn, table, BYTES_NULL, BYTES_NULL, digest_entry, &digest);
                if (r == 0)
                        digest_flush(&digest);
        }
        pending = digest.pending;
        if (r == 0)
                sha256_end(sha, ret);
        return r;
}
