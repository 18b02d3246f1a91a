/* The index: what of a record is put where, and the filters over the segments. */
#include "daemon/audit/index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/places.h"
#include "daemon/audit/record-look.h"

#define TEAM_BYTES 33
#define MARK "mark"
#define MARK_MAGIC "carebus-audidx\n\1"
#define MARK_MAGIC_BYTES 16
#define MARK_BYTES (MARK_MAGIC_BYTES + AUDIT_UUID_BYTES + 8 + 8 + SHA256_SIZE + 4)
#define BLOCKS_SUFFIX ".find"

/* What of a team is put where. */
enum { PUT_GIVEN, PUT_TOLD, PUT_RECORD, N_PUTS };
static const struct {
        const char *name;
        PlacesKind kind;
} put_rows[N_PUTS] = {
        [PUT_GIVEN] = { "given", PLACES_SET },
        [PUT_TOLD] = { "told", PLACES_SET },
        [PUT_RECORD] = { "record", PLACES_NUMBER },
};

typedef struct IndexTeam {
        char name[TEAM_BYTES];
        Places *places[N_PUTS];
} IndexTeam;

typedef struct IndexPut {
        Places *places;
        uint64_t seq, number;
        uint32_t index;
} IndexPut;

struct AuditIndex {
        char *folder;
        int folder_fd;
        pthread_mutex_t files; /* held while files come, go or grow, and while they are synced */
        IndexTeam **teams;
        size_t n_teams, last;
        uint64_t decided;
        /* Of the record that is prepared. */
        AuditLookHead head;
        Buffer puts; /* IndexPut */
        Buffer keys; /* uint64_t */
        uint64_t last_seq_key;
        bool blind; /* filters alone */
        /* Of the open segment. */
        Buffer blocks; /* AuditBlock */
};

int audit_index_open(const char *folder, AuditIndex **ret) {
        _cleanup_(audit_index_freep) AuditIndex *index = calloc(1, sizeof(*index));
        int r;

        if (!index)
                return -ENOMEM;
        index->folder_fd = -1;
        r = pthread_mutex_init(&index->files, NULL);
        if (r != 0) {
                free(TAKE_PTR(index));
                return -r;
        }
        index->folder = strdup(folder);
        if (!index->folder)
                return -ENOMEM;
        r = folder_make(folder, 0700);
        if (r < 0)
                return r;
        index->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (index->folder_fd < 0)
                return -errno;
        *ret = TAKE_PTR(index);
        return 0;
}

static void index_forget(AuditIndex *index) {
        for (size_t i = 0; i < index->n_teams; i++) {
                for (size_t p = 0; p < N_PUTS; p++)
                        places_free(index->teams[i]->places[p]);
                free(index->teams[i]);
        }
        free(index->teams);
        index->teams = NULL;
        index->n_teams = index->last = 0;
        index->decided = 0;
        buffer_clear(&index->puts);
        buffer_clear(&index->keys);
        buffer_clear(&index->blocks);
}

AuditIndex *audit_index_free(AuditIndex *index) {
        if (!index)
                return NULL;
        index_forget(index);
        buffer_deinit(&index->puts);
        buffer_deinit(&index->keys);
        buffer_deinit(&index->blocks);
        closep(&index->folder_fd);
        pthread_mutex_destroy(&index->files);
        free(index->folder);
        free(index);
        return NULL;
}

/* ---- the mark ------------------------------------------------------------------------------------------------------------ */

static int index_path(const AuditIndex *index, const char *name, char ret[PATH_MAX]) {
        int n = snprintf(ret, PATH_MAX, "%s/%s", index->folder, name);

        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int audit_index_mark_read(AuditIndex *index, AuditIndexMark *ret) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        char path[PATH_MAX];
        Cursor cursor;
        Bytes magic, uuid, chain;
        int r = index_path(index, MARK, path);

        if (r == 0)
                r = file_read(path, MARK_BYTES, &content);
        if (r == -EFBIG || (r == 0 && content.size != MARK_BYTES))
                return -ENOENT;
        if (r < 0)
                return r;
        cursor = CURSOR_INIT(buffer_bytes(&content));
        magic = cursor_bytes(&cursor, MARK_MAGIC_BYTES);
        uuid = cursor_bytes(&cursor, AUDIT_UUID_BYTES);
        ret->number = cursor_le64(&cursor);
        ret->decided = cursor_le64(&cursor);
        chain = cursor_bytes(&cursor, SHA256_SIZE);
        if (cursor_le32(&cursor) != crc32c(0, content.data, MARK_BYTES - sizeof(uint32_t)) ||
            memcmp(magic.data, MARK_MAGIC, MARK_MAGIC_BYTES) != 0)
                return -ENOENT;
        memcpy(ret->uuid, uuid.data, AUDIT_UUID_BYTES);
        memcpy(ret->chain, chain.data, SHA256_SIZE);
        index->decided = ret->decided;
        return 0;
}

int audit_index_mark_write(const AuditIndex *index, const AuditIndexMark *mark) {
        uint8_t packed[MARK_BYTES], *at = packed;
        char path[PATH_MAX];
        int r = index_path(index, MARK, path);

        if (r < 0)
                return r;
        memcpy(at, MARK_MAGIC, MARK_MAGIC_BYTES);
        at += MARK_MAGIC_BYTES;
        memcpy(at, mark->uuid, AUDIT_UUID_BYTES);
        at += AUDIT_UUID_BYTES;
        store_le64(at, mark->number);
        store_le64(at + sizeof(uint64_t), mark->decided);
        at += 2 * sizeof(uint64_t);
        memcpy(at, mark->chain, SHA256_SIZE);
        at += SHA256_SIZE;
        store_le32(at, crc32c(0, packed, (size_t)(at - packed)));
        return file_replace(path, packed, sizeof(packed), 0600);
}

int audit_index_wipe(AuditIndex *index) {
        _cleanup_(closedirp) DIR *folder = NULL;
        const struct dirent *entry;

        index_forget(index);
        folder = opendir(index->folder);
        if (!folder)
                return -errno;
        while ((entry = readdir(folder)))
                if (entry->d_name[0] != '.' && unlinkat(index->folder_fd, entry->d_name, 0) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

/* ---- teams ----------------------------------------------------------------------------------------------------------------- */

static int index_team_open(const AuditIndex *index, IndexTeam *team) {
        int r = 0;

        for (size_t p = 0; r == 0 && p < N_PUTS; p++) {
                char name[TEAM_BYTES + 16];

                snprintf(name, sizeof(name), "%s.%s", team->name, put_rows[p].name);
                r = places_open(index->folder_fd, name, put_rows[p].kind, &team->places[p]);
        }
        return r;
}

static int index_team_add(AuditIndex *index, const char *name, IndexTeam **ret) {
        IndexTeam **teams = reallocarray(index->teams, index->n_teams + 1, sizeof(*teams));
        _cleanup_(freep) IndexTeam *team = calloc(1, sizeof(*team));
        int r;

        if (teams)
                index->teams = teams;
        if (!teams || !team)
                return -ENOMEM;
        snprintf(team->name, sizeof(team->name), "%s", name);
        pthread_mutex_lock(&index->files);
        r = index_team_open(index, team);
        if (r == 0)
                index->teams[index->n_teams++] = team;
        pthread_mutex_unlock(&index->files);
        if (r < 0) {
                for (size_t p = 0; p < N_PUTS; p++)
                        places_free(team->places[p]);
                return r;
        }
        *ret = TAKE_PTR(team);
        return 0;
}

static IndexTeam *index_team_find(AuditIndex *index, Bytes name) {
        if (index->last < index->n_teams && bytes_equal_text(name, index->teams[index->last]->name))
                return index->teams[index->last];
        for (size_t i = 0; i < index->n_teams; i++)
                if (bytes_equal_text(name, index->teams[i]->name)) {
                        index->last = i;
                        return index->teams[i];
                }
        return NULL;
}

/* *ret is NULL for what no team can be called. */
static int index_team_get(AuditIndex *index, Bytes name, IndexTeam **ret) {
        char text[TEAM_BYTES];

        *ret = index_team_find(index, name);
        if (*ret || name.size == 0 || name.size >= sizeof(text))
                return 0;
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
        return name_is_valid(text) ? index_team_add(index, text, ret) : 0;
}

/* ---- one record -------------------------------------------------------------------------------------------------------------- */

/* Mostly there is room: files are held only where one has to grow. */
static int index_reserve(AuditIndex *index, const IndexPut *put) {
        const uint32_t n = 1 + (uint32_t)(index->puts.size / sizeof(IndexPut));
        int r;

        if (places_have_room(put->places, put->seq, n))
                return 0;
        pthread_mutex_lock(&index->files);
        r = places_reserve(put->places, put->seq, n);
        pthread_mutex_unlock(&index->files);
        return r;
}

static int index_put(AuditIndex *index, const IndexPut *put) {
        int r = index_reserve(index, put);

        if (r < 0)
                return r;
        buffer_append(&index->puts, put, sizeof(*put));
        return index->puts.error;
}

static int index_look_item(AuditIndex *index, const AuditLook *look) {
        IndexPut put = { .number = look->seq };
        IndexTeam *team;
        int r = index_team_get(index, look->team, &team);

        if (r < 0 || !team || look->correction)
                return r;
        if (!look->record && look->seq > 0) {
                put = (IndexPut){ .places = team->places[PUT_GIVEN], .seq = look->seq, .index = look->index };
                r = index_put(index, &put);
        }
        put.number = look->seq;
        if (r < 0 || !audit_patient_place(look->patient_id, &put.seq, &put.index))
                return r;
        put.places = team->places[PUT_TOLD];
        r = index_put(index, &put);
        put.places = team->places[PUT_RECORD];
        return r == 0 && look->record ? index_put(index, &put) : r;
}

static void index_key(AuditIndex *index, uint64_t key) {
        buffer_append(&index->keys, &key, sizeof(key));
}

static int index_look(const AuditLook *look, void *owner) {
        AuditIndex *index = owner;

        if (look->seq > 0 && look->seq != index->last_seq_key) {
                index_key(index, audit_key_event(look->seq));
                index->last_seq_key = look->seq;
        }
        if (look->patient_id.size > 0)
                index_key(index, audit_key_person(look->patient_id));
        if (index->keys.error < 0)
                return index->keys.error;
        return look->item && !index->blind ? index_look_item(index, look) : 0;
}

int audit_index_prepare(AuditIndex *index, Bytes packed) {
        buffer_clear(&index->puts);
        buffer_clear(&index->keys);
        index->last_seq_key = 0;
        return audit_record_look(packed, &index->head, index_look, index);
}

static int index_block(AuditIndex *index, const AuditFrame *frame, AuditBlock **ret) {
        size_t n = index->blocks.size / sizeof(AuditBlock);
        AuditBlock *last = n > 0 ? (AuditBlock *)index->blocks.data + n - 1 : NULL;

        if (!last || last->offset / AUDIT_BLOCK_BYTES != frame->offset / AUDIT_BLOCK_BYTES) {
                AuditBlock block;

                audit_block_begin(&block, frame, index->head.at);
                buffer_append(&index->blocks, &block, sizeof(block));
                if (index->blocks.error < 0)
                        return index->blocks.error;
                last = (AuditBlock *)index->blocks.data + n;
        }
        last->n_records++;
        last->last_at = index->head.at;
        *ret = last;
        return 0;
}

int audit_index_add(AuditIndex *index, const AuditFrame *frame, bool places) {
        AuditBlock *block;
        int r = index_block(index, frame, &block);

        if (r < 0)
                return r;
        for (size_t i = 0; i < index->keys.size / sizeof(uint64_t); i++)
                audit_block_add_key(block, ((const uint64_t *)(const void *)index->keys.data)[i]);
        for (size_t i = 0; places && i < index->puts.size / sizeof(IndexPut); i++) {
                const IndexPut *put = (const IndexPut *)(const void *)index->puts.data + i;
                places_put(put->places, put->seq, put->index, put->number);
        }
        index->decided = MAX(index->decided, index->head.decided);
        return 0;
}

static int carried_seen(const CarriedThing *thing, void *owner) {
        static const size_t puts[_CARRIED_KIND_MAX] = {
                [CARRIED_GIVEN] = PUT_GIVEN, [CARRIED_TOLD] = PUT_TOLD, [CARRIED_RECORD] = PUT_RECORD
        };
        AuditIndex *index = owner;
        IndexPut put = { .seq = thing->seq, .index = thing->index, .number = thing->as_of };
        IndexTeam *team;
        int r = index_team_get(index, bytes_of_text(thing->team), &team);

        if (r < 0 || !team)
                return r;
        put.places = team->places[puts[thing->kind]];
        r = index_reserve(index, &put);
        if (r == 0)
                places_put(put.places, put.seq, put.index, put.number);
        return r;
}

int audit_index_carry(AuditIndex *index, const Carebus__V1__AuditCarried *carried) {
        buffer_clear(&index->puts);
        index->decided = MAX(index->decided, carried->decided);
        return carried_each(carried, carried_seen, index);
}

uint64_t audit_index_decided(const AuditIndex *index) {
        return index->decided;
}

int audit_index_sync(AuditIndex *index) {
        int r = 0;

        pthread_mutex_lock(&index->files);
        for (size_t i = 0; r == 0 && i < index->n_teams; i++)
                for (size_t p = 0; r == 0 && p < N_PUTS; p++)
                        r = places_sync(index->teams[i]->places[p]);
        pthread_mutex_unlock(&index->files);
        return r;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------------- */

static uint32_t block_crc(const AuditBlock *block) {
        return crc32c(0, (const uint8_t *)block + sizeof(block->crc), sizeof(*block) - sizeof(block->crc));
}

static void blocks_name(uint64_t first, char ret[AUDIT_NAME_BYTES]) {
        snprintf(ret, AUDIT_NAME_BYTES, "%020" PRIu64 BLOCKS_SUFFIX, first);
}

static int blocks_write(const AuditIndex *index, uint64_t first, Buffer *blocks) {
        AuditBlock *block = (AuditBlock *)(void *)blocks->data;
        char name[AUDIT_NAME_BYTES], path[PATH_MAX];
        int r;

        for (size_t i = 0; i < blocks->size / sizeof(*block); i++)
                block[i].crc = block_crc(&block[i]);
        blocks_name(first, name);
        r = index_path(index, name, path);
        return r < 0 ? r : file_replace(path, blocks->data, blocks->size, 0600);
}

int audit_index_close_segment(AuditIndex *index, uint64_t first) {
        int r = blocks_write(index, first, &index->blocks);

        buffer_clear(&index->blocks);
        return r;
}

void audit_index_forget_segment(const AuditIndex *index, uint64_t first) {
        char name[AUDIT_NAME_BYTES];

        blocks_name(first, name);
        (void)unlinkat(index->folder_fd, name, 0);
}

const AuditBlock *audit_index_blocks(const AuditIndex *index, size_t *ret_n) {
        *ret_n = index->blocks.size / sizeof(AuditBlock);
        return (const AuditBlock *)(const void *)index->blocks.data;
}

static bool blocks_are_whole(const Buffer *blocks) {
        const AuditBlock *block = (const AuditBlock *)(const void *)blocks->data;

        if (blocks->size == 0 || blocks->size % sizeof(*block) != 0)
                return false;
        for (size_t i = 0; i < blocks->size / sizeof(*block); i++)
                if (block[i].crc != block_crc(&block[i]))
                        return false;
        return true;
}

static int blocks_make(const char *audit_folder, uint64_t first, AuditIndex *scratch) {
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        AuditFrame frame;
        int r = audit_walk_new(audit_folder, &walk);

        if (r == 0)
                r = audit_walk_seek(walk, first);
        while (r == 0) {
                r = audit_walk_next(walk, &frame);
                if (r != 0 || frame.segment != first)
                        break;
                buffer_clear(&scratch->puts);
                buffer_clear(&scratch->keys);
                scratch->last_seq_key = 0;
                r = audit_record_look(frame.packed, &scratch->head, index_look, scratch);
                if (r == 0)
                        r = audit_index_add(scratch, &frame, false);
        }
        return r == AUDIT_E_END || r == 0 ? 0 : r < 0 ? r : -EBADMSG;
}

/* Teams are left out of it: the filters know none. */
int audit_index_read_blocks(const AuditIndex *index, const char *audit_folder, uint64_t first, AuditBlock **ret,
                            size_t *ret_n) {
        _cleanup_(buffer_deinit) Buffer blocks = BUFFER_NULL;
        char name[AUDIT_NAME_BYTES], path[PATH_MAX];
        int r;

        blocks_name(first, name);
        r = index_path(index, name, path);
        if (r == 0)
                r = file_read(path, SIZE_MAX, &blocks);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == -ENOENT || !blocks_are_whole(&blocks)) {
                AuditIndex scratch = { .blind = true };

                r = blocks_make(audit_folder, first, &scratch);
                buffer_deinit(&scratch.puts);
                buffer_deinit(&scratch.keys);
                buffer_deinit(&blocks);
                blocks = scratch.blocks;
                if (r == 0)
                        (void)blocks_write(index, first,
                                           &blocks); /* the next question is quicker; it need not succeed */
                if (r < 0)
                        return r;
        }
        *ret_n = blocks.size / sizeof(AuditBlock);
        *ret = (AuditBlock *)(void *)blocks.data;
        blocks = BUFFER_NULL;
        return 0;
}

/* ---- questions ---------------------------------------------------------------------------------------------------------------- */

/* A team that nothing was given yet since the start has its files all the same. */
static const Places *index_places(AuditIndex *index, const char *name, size_t put) {
        IndexTeam *team = NULL;

        return index_team_get(index, bytes_of_text(name), &team) == 0 && team ? team->places[put] : NULL;
}

bool audit_index_was_given(AuditIndex *index, const char *team, uint64_t seq, uint32_t event) {
        const Places *places = index_places(index, team, PUT_GIVEN);

        return places && places_get(places, seq, event) != 0;
}

static uint64_t index_person(AuditIndex *index, const char *team, const char *patient_id, size_t put) {
        const Places *places = index_places(index, team, put);
        uint32_t person;
        uint64_t seq;

        if (!places || !audit_patient_place(bytes_of_text(patient_id), &seq, &person))
                return 0;
        return places_get(places, seq, person);
}

bool audit_index_was_told_of(AuditIndex *index, const char *team, const char *patient_id) {
        return index_person(index, team, patient_id, PUT_TOLD) != 0;
}

uint64_t audit_index_record(AuditIndex *index, const char *team, const char *patient_id) {
        return index_person(index, team, patient_id, PUT_RECORD);
}
