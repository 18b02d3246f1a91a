#include "daemon/serve/ledger-file.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/crc32c.h"
#include "base/file.h"

#define MAGIC "carebus-records\n"
#define VERSION 1
#define FILE_MAX (4ULL << 30)

void ledger_life_fork(LedgerLife *life, Place newest) {
        if (life->n_forks == LEDGER_FORKS_MAX) {
                memmove(&life->forks[0], &life->forks[1], sizeof(life->forks) - sizeof(life->forks[0]));
                life->n_forks--;
        }
        life->forks[life->n_forks++] = (LedgerFork){ .lineage = life->lineage, .place = newest };
}

int ledger_life_new_lineage(LedgerLife *life) {
        uint64_t lineage = 0;

        while (lineage == 0) /* says that it is not known */
                if (getentropy(&lineage, sizeof(lineage)) < 0)
                        return -errno;
        life->lineage = lineage;
        return 0;
}

void ledger_file_pack(const LedgerLife *life, const LedgerTable *table, Buffer *ret) {
        buffer_append_text(ret, MAGIC);
        buffer_append_le32(ret, VERSION);
        buffer_append(ret, life->rules, sizeof(life->rules));
        buffer_append_le64(ret, life->seq);
        buffer_append_le64(ret, (uint64_t)life->received_at);
        buffer_append_le64(ret, life->since);
        buffer_append_le64(ret, life->lineage);
        buffer_append_le32(ret, (uint32_t)life->n_forks);
        for (size_t i = 0; i < life->n_forks; i++) {
                buffer_append_le64(ret, life->forks[i].lineage);
                buffer_append_le64(ret, life->forks[i].place.seq);
                buffer_append_le32(ret, life->forks[i].place.index);
        }
        ledger_table_pack(table, ret);
        buffer_append_le32(ret, crc32c(0, ret->data, ret->size));
}

static int life_unpack(Cursor *cursor, LedgerLife *life) {
        Bytes rules = cursor_bytes(cursor, sizeof(life->rules));
        uint32_t n_forks;

        if (cursor->error < 0)
                return cursor->error;
        memcpy(life->rules, rules.data, sizeof(life->rules));
        life->seq = cursor_le64(cursor);
        life->received_at = (int64_t)cursor_le64(cursor);
        life->since = cursor_le64(cursor);
        life->lineage = cursor_le64(cursor);
        n_forks = cursor_le32(cursor);
        if (cursor->error < 0 || n_forks > LEDGER_FORKS_MAX)
                return -EBADMSG;
        for (life->n_forks = 0; life->n_forks < n_forks; life->n_forks++) {
                LedgerFork *fork = &life->forks[life->n_forks];
                fork->lineage = cursor_le64(cursor);
                fork->place.seq = cursor_le64(cursor);
                fork->place.index = cursor_le32(cursor);
        }
        return cursor->error;
}

int ledger_file_unpack(Bytes packed, LedgerLife *life, LedgerTable *table) {
        Cursor cursor = CURSOR_INIT(packed);
        Bytes magic;
        int r;

        if (packed.size < sizeof(uint32_t) || load_le32(packed.data + packed.size - sizeof(uint32_t)) !=
                                                      crc32c(0, packed.data, packed.size - sizeof(uint32_t)))
                return -EBADMSG;
        magic = cursor_bytes(&cursor, sizeof(MAGIC) - 1);
        if (cursor.error < 0 || !bytes_equal(magic, BYTES_LITERAL(MAGIC)) || cursor_le32(&cursor) != VERSION)
                return -EBADMSG;
        r = life_unpack(&cursor, life);
        if (r == 0)
                r = ledger_table_unpack(table, &cursor);
        if (r == 0 && (cursor.error < 0 || cursor_left(&cursor) != sizeof(uint32_t)))
                r = -EBADMSG;
        return r;
}

int ledger_file_read(const char *path, LedgerLife *life, LedgerTable *table) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r = file_read(path, FILE_MAX, &content);

        return r < 0 ? r : ledger_file_unpack(buffer_bytes(&content), life, table);
}
