/*
 * LMDB: a table of resources by Type/id, one of ids by (type, system, value), one of notes. Values are packed by hand and
 * checked when they are read: a record that is not one is not known.
 */
#include "adapters/fhir/memory.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <fcntl.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/text.h"

#define FORMAT "carebus-fhir-memory 2"
#define MAP_BYTES (16ull << 30)
#define MAP_BYTES_LEAST (64ull << 20)
#define FILE_NAME "memory.mdb"
#define LIST_MAX 64u /* identifiers of one resource that are remembered */
#define IDENTIFIER_MAX 4096u
#define KEY_SIZE (2 * MEMORY_NAME_MAX + 2)
#define NOTE_MAX 1024

typedef enum Table { TABLE_RESOURCE, TABLE_IDENTIFIER, TABLE_NOTE, _TABLE_MAX } Table;

struct Memory {
        MDB_env *env;
        MDB_dbi tables[_TABLE_MAX];
        MDB_txn *writing; /* NULL: nothing was put since the last commit */
        int lock;
};

static int memory_code(int code) {
        switch (code) {
        case MDB_SUCCESS:
                return 0;
        case MDB_NOTFOUND:
                return MEMORY_E_NOT_FOUND;
        case MDB_MAP_FULL:
                return -ENOSPC;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
                return -EBADMSG;
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

/* ---- open ---- */

static void env_close(Memory *memory) {
        if (memory->writing)
                mdb_txn_abort(memory->writing);
        memory->writing = NULL;
        if (memory->env)
                mdb_env_close(memory->env);
        memory->env = NULL;
}

/* LMDB takes its pages on trust: a file that is shorter than they need would be a SIGBUS later. */
static int check_size(Memory *memory, const char *path) {
        MDB_envinfo info;
        MDB_stat pages;
        struct stat file;

        if (stat(path, &file) < 0)
                return -errno;
        if (mdb_env_info(memory->env, &info) != 0 || mdb_env_stat(memory->env, &pages) != 0)
                return -EBADMSG;
        return (uint64_t)file.st_size < ((uint64_t)info.me_last_pgno + 1) * pages.ms_psize ? -EBADMSG : 0;
}

static int open_tables(Memory *memory) {
        static const struct {
                const char *name;
                unsigned flags;
        } tables[_TABLE_MAX] = {
                [TABLE_RESOURCE] = { "resource", 0 },
                [TABLE_IDENTIFIER] = { "identifier", MDB_DUPSORT },
                [TABLE_NOTE] = { "note", 0 },
        };
        MDB_val key = to_val(BYTES_LITERAL("format")), value;
        MDB_txn *txn;
        int r = mdb_txn_begin(memory->env, NULL, 0, &txn);

        for (size_t i = 0; r == 0 && i < _TABLE_MAX; i++)
                r = mdb_dbi_open(txn, tables[i].name, tables[i].flags | MDB_CREATE, &memory->tables[i]);
        if (r == 0) {
                r = mdb_get(txn, memory->tables[TABLE_NOTE], &key, &value);
                if (r == 0 && !bytes_equal(from_val(&value), BYTES_LITERAL(FORMAT)))
                        r = MDB_INCOMPATIBLE;
        }
        if (r == MDB_NOTFOUND) {
                value = to_val(BYTES_LITERAL(FORMAT));
                r = mdb_put(txn, memory->tables[TABLE_NOTE], &key, &value, 0);
        }
        if (r == 0)
                return memory_code(mdb_txn_commit(txn));
        mdb_txn_abort(txn);
        return memory_code(r);
}

static int env_open(Memory *memory, const char *path) {
        uint64_t bytes = MAP_BYTES;
        int r;

        for (;;) {
                r = mdb_env_create(&memory->env);
                if (r == 0)
                        r = mdb_env_set_maxdbs(memory->env, _TABLE_MAX);
                if (r == 0)
                        r = mdb_env_set_mapsize(memory->env, bytes);
                if (r == 0)
                        /* One process, one thread: our own lock stands for LMDB's. */
                        r = mdb_env_open(memory->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0600);
                if (r == 0)
                        break;
                env_close(memory);
                /* Address space may be bounded. */
                if (r != ENOMEM || bytes / 2 < MAP_BYTES_LEAST)
                        return memory_code(r);
                bytes /= 2;
        }
        r = check_size(memory, path);
        return r == 0 ? open_tables(memory) : r;
}

static int take_lock(const char *folder, int *ret) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -1;
        int r = text_format(&path, "%s/memory.lock", folder);

        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? MEMORY_E_TAKEN : -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

int memory_open(const char *folder, Memory **ret, bool *ret_made_anew) {
        _cleanup_(memory_freep) Memory *memory = calloc(1, sizeof(*memory));
        _cleanup_(freep) char *path = NULL;
        int r = memory ? text_format(&path, "%s/" FILE_NAME, folder) : -ENOMEM;

        if (r < 0)
                return r;
        memory->lock = -1;
        r = take_lock(folder, &memory->lock);
        if (r != 0)
                return r;
        *ret_made_anew = false;
        r = env_open(memory, path);
        if (r == -EBADMSG) {
                env_close(memory);
                if (unlink(path) < 0)
                        return -errno;
                *ret_made_anew = true;
                r = env_open(memory, path);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(memory);
        return 0;
}

Memory *memory_free(Memory *memory) {
        if (!memory)
                return NULL;
        env_close(memory);
        closep(&memory->lock);
        free(memory);
        return NULL;
}

/* ---- transactions ---- */

static int writing_begin(Memory *memory) {
        return memory->writing ? 0 : memory_code(mdb_txn_begin(memory->env, NULL, 0, &memory->writing));
}

/* What failed half way is not kept. */
static int writing_fail(Memory *memory, int r) {
        if (r < 0 && memory->writing) {
                mdb_txn_abort(memory->writing);
                memory->writing = NULL;
        }
        return r;
}

int memory_commit(Memory *memory) {
        return memory->writing ? memory_code(mdb_txn_commit(TAKE_PTR(memory->writing))) : 0;
}

typedef struct Reader {
        MDB_txn *txn;
        bool is_own;
} Reader;

static int reader_begin(Memory *memory, Reader *ret) {
        int r;

        *ret = (Reader){ .txn = memory->writing };
        if (ret->txn)
                return 0;
        r = memory_code(mdb_txn_begin(memory->env, NULL, MDB_RDONLY, &ret->txn));
        ret->is_own = r == 0;
        return r;
}

static void reader_end(Reader *reader) {
        if (reader->is_own)
                mdb_txn_abort(reader->txn);
}

/* ---- records ---- */

static void pack_text(Buffer *out, const char *text) {
        size_t size = text ? strnlen(text, MEMORY_RESOURCE_MAX) : 0;
        uint8_t length[4];

        store_le32(length, (uint32_t)size);
        buffer_append(out, length, sizeof(length));
        buffer_append(out, text, size);
}

/* Larger ones are nobody's number: they are neither kept nor found. */
static bool is_kept(const Carebus__V1__Identifier *identifier) {
        return carebus__v1__identifier__get_packed_size(identifier) <= IDENTIFIER_MAX;
}

static void pack_list(Buffer *out, Carebus__V1__Identifier *const *list, size_t n) {
        uint8_t length[4];
        uint32_t count = 0;
        size_t count_at = out->size;

        buffer_append(out, (uint8_t[4]){ 0 }, 4);
        for (size_t i = 0; i < n && count < LIST_MAX; i++) {
                size_t size = is_kept(list[i]) ? carebus__v1__identifier__get_packed_size(list[i]) : 0;
                uint8_t *place;

                if (size == 0)
                        continue;
                store_le32(length, (uint32_t)size);
                buffer_append(out, length, sizeof(length));
                place = buffer_reserve(out, size);
                if (!place)
                        return;
                (void)carebus__v1__identifier__pack(list[i], place);
                buffer_advance(out, size);
                count++;
        }
        if (!out->error)
                store_le32(out->data + count_at, count);
}

static void pack_number(Buffer *out, uint64_t number) {
        uint8_t bytes[8];

        store_le64(bytes, number);
        buffer_append(out, bytes, sizeof(bytes));
}

void memory_pack(Buffer *out, const MemoryRecord *record) {
        pack_text(out, record->type);
        pack_text(out, record->id);
        pack_text(out, record->version);
        buffer_append(out, record->content, SHA256_SIZE);
        pack_number(out, record->seq);
        buffer_append_byte(out, record->is_deleted);
        pack_list(out, record->identifiers, record->n_identifiers);
        pack_list(out, record->patient, record->n_patient);
        pack_text(out, record->resource && strlen(record->resource) <= MEMORY_RESOURCE_MAX ? record->resource : NULL);
}

static const char *unpack_text(Cursor *cursor, Arena *arena) {
        uint32_t size = cursor_le32(cursor);
        Bytes bytes = cursor_bytes(cursor, size);

        return arena_text(arena, bytes.data, bytes.size);
}

/* protobuf-c takes its memory where it is told to. */
static void *arena_take(void *arena, size_t size) {
        return arena_alloc(arena, size);
}
static void arena_leave(void *arena, void *memory) {
        (void)arena;
        (void)memory;
}

static void unpack_list(Cursor *cursor, Arena *arena, Carebus__V1__Identifier ***ret, size_t *ret_n) {
        ProtobufCAllocator allocator = { .alloc = arena_take, .free = arena_leave, .allocator_data = arena };
        uint32_t count = cursor_le32(cursor);
        Carebus__V1__Identifier **list;

        *ret_n = 0;
        if (count > LIST_MAX)
                cursor->error = -EBADMSG;
        list = cursor->error ? NULL : arena_alloc(arena, (count + 1) * sizeof(*list));
        if (!list) {
                cursor->error = -EBADMSG;
                return;
        }
        for (uint32_t i = 0; i < count; i++) {
                uint32_t size = cursor_le32(cursor);
                Bytes bytes = cursor_bytes(cursor, size);

                list[i] = cursor->error ? NULL : carebus__v1__identifier__unpack(&allocator, bytes.size, bytes.data);
                if (!list[i]) {
                        cursor->error = -EBADMSG;
                        return;
                }
        }
        *ret = list;
        *ret_n = count;
}

static int record_unpack(Cursor *cursor, Arena *arena, MemoryRecord *ret) {
        MemoryRecord record = { 0 };
        Bytes content;

        record.type = unpack_text(cursor, arena);
        record.id = unpack_text(cursor, arena);
        record.version = unpack_text(cursor, arena);
        content = cursor_bytes(cursor, SHA256_SIZE);
        record.seq = cursor_le64(cursor);
        record.is_deleted = cursor_u8(cursor) != 0;
        unpack_list(cursor, arena, &record.identifiers, &record.n_identifiers);
        unpack_list(cursor, arena, &record.patient, &record.n_patient);
        record.resource = unpack_text(cursor, arena);
        if (cursor->error || !record.type || !record.id || !record.version || !record.resource)
                return -EBADMSG;
        memcpy(record.content, content.data, SHA256_SIZE);
        *ret = record;
        return 0;
}

typedef struct Key {
        uint8_t data[KEY_SIZE];
        size_t size;
} Key;

static bool name_fits(const char *text) {
        size_t size = text ? strlen(text) : 0;
        return size > 0 && size <= MEMORY_NAME_MAX;
}

static int resource_key(const char *type, const char *id, Key *ret) {
        if (!name_fits(type) || !name_fits(id))
                return -EINVAL;
        ret->size = (size_t)snprintf((char *)ret->data, sizeof(ret->data), "%s/%s", type, id);
        return 0;
}

/* Values may be long, and need not stand in an index as they are. */
static void identifier_key(const char *type, const char *system, const char *value, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        buffer_append(&text, type, strlen(type) + 1);
        buffer_append(&text, system ? system : "", system ? strlen(system) + 1 : 1);
        buffer_append_text(&text, value ? value : "");
        sha256(text.data, text.error ? 0 : text.size, ret);
}

/* ---- reading ---- */

static int find(Memory *memory, MDB_txn *txn, const Key *key, Arena *arena, MemoryRecord *ret) {
        MDB_val name = to_val(bytes_of(key->data, key->size)), value;
        int r = memory_code(mdb_get(txn, memory->tables[TABLE_RESOURCE], &name, &value));
        Cursor cursor;

        if (r != 0)
                return r;
        cursor = CURSOR_INIT(from_val(&value));
        return record_unpack(&cursor, arena, ret) == 0 ? 0 : MEMORY_E_NOT_FOUND;
}

int memory_find(Memory *memory, const char *type, const char *id, Arena *arena, MemoryRecord *ret) {
        Reader reader;
        Key key;
        int r = resource_key(type, id, &key);

        if (r < 0)
                return MEMORY_E_NOT_FOUND;
        r = reader_begin(memory, &reader);
        if (r == 0)
                r = find(memory, reader.txn, &key, arena, ret);
        reader_end(&reader);
        return r;
}

int memory_search(Memory *memory, const char *type, const char *system, const char *value,
                  char ret_id[MEMORY_NAME_MAX + 1]) {
        uint8_t hash[SHA256_SIZE];
        MDB_cursor *cursor = NULL;
        MDB_val key, id;
        size_t n = 0;
        Reader reader;
        int r = reader_begin(memory, &reader);

        if (r != 0)
                return r;
        identifier_key(type, system, value, hash);
        key = to_val(bytes_of(hash, sizeof(hash)));
        r = memory_code(mdb_cursor_open(reader.txn, memory->tables[TABLE_IDENTIFIER], &cursor));
        if (r == 0)
                r = memory_code(mdb_cursor_get(cursor, &key, &id, MDB_SET_KEY));
        if (r == 0 && id.mv_size <= MEMORY_NAME_MAX) {
                memcpy(ret_id, id.mv_data, id.mv_size);
                ret_id[id.mv_size] = '\0';
                r = memory_code(mdb_cursor_count(cursor, &n));
        }
        mdb_cursor_close(cursor);
        reader_end(&reader);
        return r < 0 ? r : (int)MIN(n, (size_t)2);
}

/* ---- writing ---- */

static int index_change(Memory *memory, const MemoryRecord *record, bool is_put) {
        MDB_val id = to_val(bytes_of_text(record->id));

        for (size_t i = 0; i < record->n_identifiers && i < LIST_MAX; i++) {
                const Carebus__V1__Identifier *identifier = record->identifiers[i];
                uint8_t hash[SHA256_SIZE];
                MDB_val key = to_val(bytes_of(hash, sizeof(hash)));
                int r;

                if (!is_kept(identifier))
                        continue;
                identifier_key(record->type, identifier->system, identifier->value, hash);
                r = is_put ? mdb_put(memory->writing, memory->tables[TABLE_IDENTIFIER], &key, &id, MDB_NODUPDATA)
                           : mdb_del(memory->writing, memory->tables[TABLE_IDENTIFIER], &key, &id);
                if (r != 0 && r != MDB_KEYEXIST && r != MDB_NOTFOUND)
                        return memory_code(r);
        }
        return 0;
}

/* The version that the source says, else the one before or the next number. */
static void version_set(const MemoryRecord *record, const MemoryRecord *before, char ret[MEMORY_NAME_MAX + 1]) {
        uint64_t number = 0;

        if (name_fits(record->version)) {
                snprintf(ret, MEMORY_NAME_MAX + 1, "%s", record->version);
                return;
        }
        if (before && before->is_deleted == record->is_deleted &&
            memcmp(before->content, record->content, SHA256_SIZE) == 0) {
                snprintf(ret, MEMORY_NAME_MAX + 1, "%s", before->version);
                return;
        }
        if (before && text_to_u64(before->version, &number) < 0)
                number = 0;
        snprintf(ret, MEMORY_NAME_MAX + 1, "%llu", (unsigned long long)number + 1);
}

static int put(Memory *memory, const MemoryRecord *record, Arena *arena, char *ret_version) {
        _cleanup_(buffer_deinit) Buffer value = BUFFER_NULL;
        MemoryRecord before, now = *record;
        char version[MEMORY_NAME_MAX + 1];
        MDB_val name, packed;
        Key key;
        int r = resource_key(record->type, record->id, &key);
        bool is_known;

        if (r == 0)
                r = writing_begin(memory);
        if (r < 0)
                return r;
        r = find(memory, memory->writing, &key, arena, &before);
        is_known = r == 0;
        if (is_known)
                r = index_change(memory, &before, /* is_put= */ false);
        if (r < 0)
                return r;
        version_set(record, is_known ? &before : NULL, version);
        now.version = version;
        memory_pack(&value, &now);
        if (value.error)
                return value.error;
        name = to_val(bytes_of(key.data, key.size));
        packed = to_val(buffer_bytes(&value));
        r = memory_code(mdb_put(memory->writing, memory->tables[TABLE_RESOURCE], &name, &packed, 0));
        if (r == 0 && !record->is_deleted)
                r = index_change(memory, record, /* is_put= */ true);
        if (r == 0 && ret_version)
                memcpy(ret_version, version, sizeof(version));
        return r;
}

int memory_put(Memory *memory, const MemoryRecord *record, char *ret_version) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        int r = arena_new(&arena, 4 << 20);

        return r < 0 ? r : writing_fail(memory, put(memory, record, arena, ret_version));
}

int memory_put_packed(Memory *memory, Bytes *packed, uint64_t seq, Arena *arena, char *ret_version) {
        Cursor cursor = CURSOR_INIT(*packed);
        MemoryRecord record;
        int r;

        if (packed->size == 0)
                return MEMORY_E_NOT_FOUND;
        r = record_unpack(&cursor, arena, &record);
        if (r < 0)
                return r;
        packed->data += cursor.offset;
        packed->size -= cursor.offset;
        record.seq = seq;
        return writing_fail(memory, put(memory, &record, arena, ret_version));
}

int memory_note_get(Memory *memory, const char *name, Arena *arena, const char **ret) {
        MDB_val key = to_val(bytes_of_text(name)), value;
        Reader reader;
        int r = reader_begin(memory, &reader);

        if (r != 0)
                return r;
        r = memory_code(mdb_get(reader.txn, memory->tables[TABLE_NOTE], &key, &value));
        if (r == 0) {
                *ret = arena_text(arena, value.mv_data, MIN(value.mv_size, (size_t)NOTE_MAX));
                r = *ret ? 0 : -ENOMEM;
        }
        reader_end(&reader);
        return r;
}

int memory_note_put(Memory *memory, const char *name, const char *text) {
        MDB_val key = to_val(bytes_of_text(name)), value = to_val(bytes_of_text(text));
        int r = writing_begin(memory);

        if (r == 0)
                r = memory_code(mdb_put(memory->writing, memory->tables[TABLE_NOTE], &key, &value, 0));
        return writing_fail(memory, r);
}
