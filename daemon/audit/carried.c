/* Sorted, said once, and packed: of some ninety bytes that a delivery takes in the audit, a few are left. */
#include "daemon/audit/carried.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/beginning.h"
#include "daemon/audit/record-look.h"
#include "proto/check.h"

#define MAGIC_BYTES (sizeof(CARRIED_MAGIC) - 1)
#define HEAD_BYTES (MAGIC_BYTES + sizeof(uint32_t)) /* then the packed message, and its SHA-256 */
#define PEEK_BYTES 128u
#define FILE_BYTES_MAX (256U << 20)
#define TEAM_BYTES 33
#define TEAMS_MAX 65536u
#define SEQ_MAX (UINT64_C(1) << 40)
#define SORT_FROM (1U << 16) /* things between two times that what was said twice is looked for */

typedef Carebus__V1__AuditCarried Carried;
typedef Carebus__V1__AuditCarriedTeam Team;

/* As they are sorted. */
typedef struct Kept {
        uint64_t seq, as_of;
        int64_t at;
        uint32_t index;
        uint16_t team;
        uint16_t kind;
} Kept;

struct Carrying {
        char (*teams)[TEAM_BYTES];
        size_t n_teams, last_team;
        Buffer kept; /* Kept */
        size_t sort_at;
        AuditLookHead head; /* of the record that is looked at */
        int64_t first_at, last_at;
        uint64_t decided;
        bool begun;
};

int carrying_new(Carrying **ret) {
        Carrying *carrying = calloc(1, sizeof(*carrying));

        if (!carrying)
                return -ENOMEM;
        carrying->sort_at = SORT_FROM;
        *ret = carrying;
        return 0;
}

Carrying *carrying_free(Carrying *carrying) {
        if (!carrying)
                return NULL;
        buffer_deinit(&carrying->kept);
        free(carrying->teams);
        free(carrying);
        return NULL;
}

/* ---- what is kept --------------------------------------------------------------------------------------------------------- */

#define COMPARE(a, b)                              \
        do {                                       \
                if ((a) != (b))                    \
                        return (a) < (b) ? -1 : 1; \
        } while (0)

static int kept_compare(const void *a, const void *b) {
        const Kept *first = a, *second = b;

        COMPARE(first->team, second->team);
        COMPARE(first->kind, second->kind);
        COMPARE(first->seq, second->seq);
        COMPARE(first->index, second->index);
        COMPARE(first->at, second->at);
        COMPARE(first->as_of, second->as_of);
        return 0;
}

static size_t n_kept(const Carrying *carrying) {
        return carrying->kept.size / sizeof(Kept);
}

static void kept_sort(Carrying *carrying) {
        Kept *list = (Kept *)(void *)carrying->kept.data;
        size_t n = 0;

        if (n_kept(carrying) == 0)
                return;
        qsort(list, n_kept(carrying), sizeof(*list), kept_compare);
        for (size_t i = 0; i < n_kept(carrying); i++)
                if (n == 0 || kept_compare(&list[n - 1], &list[i]) != 0)
                        list[n++] = list[i];
        carrying->kept.size = n * sizeof(*list);
        carrying->sort_at = MAX(2 * n, (size_t)SORT_FROM);
}

/* As the index does, a name that no team can have is passed over: false. */
static bool team_is_good(Bytes name, char ret[TEAM_BYTES]) {
        if (name.size == 0 || name.size >= TEAM_BYTES)
                return false;
        memcpy(ret, name.data, name.size);
        ret[name.size] = '\0';
        return name_is_valid(ret);
}

/* Its place in the list, or negative. */
static ssize_t team_get(Carrying *carrying, Bytes name) {
        char text[TEAM_BYTES];
        char(*more)[TEAM_BYTES];

        if (carrying->last_team < carrying->n_teams && bytes_equal_text(name, carrying->teams[carrying->last_team]))
                return (ssize_t)carrying->last_team;
        for (size_t i = 0; i < carrying->n_teams; i++)
                if (bytes_equal_text(name, carrying->teams[i])) {
                        carrying->last_team = i;
                        return (ssize_t)i;
                }
        if (!team_is_good(name, text))
                return -ENOENT;
        if (carrying->n_teams == TEAMS_MAX)
                return -E2BIG;
        more = reallocarray(carrying->teams, carrying->n_teams + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        carrying->teams = more;
        memcpy(more[carrying->n_teams], text, sizeof(text));
        return (ssize_t)carrying->n_teams++;
}

static int keep(Carrying *carrying, const Kept *one) {
        if (one->seq >= SEQ_MAX)
                return 0; /* no place: the index has none of it either */
        buffer_append(&carrying->kept, one, sizeof(*one));
        if (carrying->kept.error < 0)
                return carrying->kept.error;
        if (n_kept(carrying) >= carrying->sort_at)
                kept_sort(carrying);
        return 0;
}

static int item_look(const AuditLook *look, void *owner) {
        Carrying *carrying = owner;
        const bool is_said = look->item && !look->correction && look->team.size > 0;
        const ssize_t team = is_said ? team_get(carrying, look->team) : -ENOENT;
        Kept one = { .team = (uint16_t)MAX(team, (ssize_t)0) };
        int r = 0;

        if (team < 0)
                return team == -ENOENT ? 0 : (int)team;
        if (!look->record && look->seq > 0) {
                one.kind = CARRIED_GIVEN;
                one.seq = look->seq;
                one.index = look->index;
                r = keep(carrying, &one);
        }
        if (r < 0 || !audit_patient_place(look->patient_id, &one.seq, &one.index))
                return r;
        one.kind = CARRIED_TOLD;
        r = keep(carrying, &one);
        if (r < 0 || !look->record)
                return r;
        one.kind = CARRIED_RECORD;
        one.as_of = look->seq;
        one.at = carrying->head.at;
        return keep(carrying, &one);
}

int carrying_add(Carrying *carrying, Bytes packed) {
        AuditLookHead again;
        int r = audit_record_look(packed, &carrying->head, NULL, NULL);

        if (r < 0)
                return r;
        if (!carrying->begun)
                carrying->first_at = carrying->head.at;
        carrying->begun = true;
        carrying->last_at = carrying->head.at;
        carrying->decided = MAX(carrying->decided, carrying->head.decided);
        return audit_record_look(packed, &again, item_look, carrying);
}

/* ---- writing ---------------------------------------------------------------------------------------------------------------- */

void carried_name(uint64_t first, char ret[AUDIT_NAME_BYTES]) {
        snprintf(ret, AUDIT_NAME_BYTES, "%020" PRIu64 CARRIED_SUFFIX, first);
}

/* One team's kind of thing, as lists of the message. */
typedef struct Lists {
        uint64_t **seqs;
        uint32_t **indexes;
        size_t *n_seqs, *n_indexes;
} Lists;

static Lists lists_of(Team *team, CarriedKind kind) {
        const Lists lists[_CARRIED_KIND_MAX] = {
                [CARRIED_GIVEN] = { &team->given_seq, &team->given_index, &team->n_given_seq, &team->n_given_index },
                [CARRIED_TOLD] = { &team->told_seq, &team->told_index, &team->n_told_seq, &team->n_told_index },
                [CARRIED_RECORD] = { &team->record_seq, &team->record_index, &team->n_record_seq,
                                     &team->n_record_index },
        };

        return lists[kind];
}

static int lists_fill(const Carrying *carrying, const Kept *from, size_t n, Team *team) {
        const CarriedKind kind = from->kind;
        const Lists lists = lists_of(team, kind);
        uint64_t before = 0;

        *lists.seqs = calloc(n, sizeof(uint64_t));
        *lists.indexes = calloc(n, sizeof(uint32_t));
        if (kind == CARRIED_RECORD) {
                team->record_as_of = calloc(n, sizeof(uint64_t));
                team->record_at = calloc(n, sizeof(int64_t));
        }
        if (!*lists.seqs || !*lists.indexes || (kind == CARRIED_RECORD && (!team->record_as_of || !team->record_at)))
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                (*lists.seqs)[i] = from[i].seq - before;
                (*lists.indexes)[i] = from[i].index;
                before = from[i].seq;
                if (kind == CARRIED_RECORD) {
                        team->record_as_of[i] = from[i].as_of;
                        team->record_at[i] = from[i].at - carrying->first_at;
                }
        }
        *lists.n_seqs = *lists.n_indexes = n;
        if (kind == CARRIED_RECORD)
                team->n_record_as_of = team->n_record_at = n;
        return 0;
}

static int team_fill(const Carrying *carrying, const Kept **from, const Kept *end, Team *team) {
        const uint16_t number = (*from)->team;
        int r = 0;

        team->team = strdup(carrying->teams[number]);
        if (!team->team)
                return -ENOMEM;
        while (r == 0 && *from < end && (*from)->team == number) {
                size_t n = 1;

                while (*from + n < end && (*from)[n].team == number && (*from)[n].kind == (*from)->kind)
                        n++;
                r = lists_fill(carrying, *from, n, team);
                *from += n;
        }
        return r;
}

static int teams_compare(const void *a, const void *b) {
        const Team *const *first = a, *const *second = b;

        return strcmp((*first)->team, (*second)->team);
}

static int message_fill(Carrying *carrying, Carried *message) {
        const Kept *at, *end;
        int r = 0;

        kept_sort(carrying);
        at = (const Kept *)(const void *)carrying->kept.data;
        end = at + n_kept(carrying);
        message->teams = calloc(carrying->n_teams + 1, sizeof(Team *));
        if (!message->teams)
                return -ENOMEM;
        while (r == 0 && at < end) {
                Team *team = calloc(1, sizeof(*team));

                if (!team)
                        return -ENOMEM;
                carebus__v1__audit_carried_team__init(team);
                message->teams[message->n_teams++] = team;
                r = team_fill(carrying, &at, end, team);
        }
        if (r == 0 && message->n_teams > 1)
                qsort(message->teams, message->n_teams, sizeof(Team *), teams_compare);
        return r;
}

static int file_make(const Carried *message, Buffer *ret, uint8_t ret_sha256[SHA256_SIZE]) {
        const size_t size = carebus__v1__audit_carried__get_packed_size(message);
        uint8_t version[sizeof(uint32_t)];
        uint8_t *room;

        store_le32(version, CARRIED_VERSION);
        buffer_append(ret, CARRIED_MAGIC, MAGIC_BYTES);
        buffer_append(ret, version, sizeof(version));
        room = buffer_reserve(ret, size);
        if (!room)
                return -ENOMEM;
        carebus__v1__audit_carried__pack(message, room);
        buffer_advance(ret, size);
        sha256(ret->data, ret->size, ret_sha256);
        buffer_append(ret, ret_sha256, SHA256_SIZE);
        return ret->error < 0 ? ret->error : ret->size > FILE_BYTES_MAX ? -EFBIG : 0;
}

int carrying_write(Carrying *carrying, const char *folder, const uint8_t uuid[AUDIT_UUID_BYTES], uint64_t first,
                   uint64_t next, uint8_t ret_sha256[SHA256_SIZE]) {
        _cleanup_(carried_freep) Carried *message = calloc(1, sizeof(*message));
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        char name[AUDIT_NAME_BYTES], path[PATH_MAX];
        int r;

        if (!message)
                return -ENOMEM;
        carebus__v1__audit_carried__init(message);
        message->uuid.data = malloc(AUDIT_UUID_BYTES);
        if (!message->uuid.data)
                return -ENOMEM;
        memcpy(message->uuid.data, uuid, AUDIT_UUID_BYTES);
        message->uuid.len = AUDIT_UUID_BYTES;
        message->has_uuid = message->has_first = message->has_next = message->has_first_at = true;
        message->has_last_at = message->has_decided = true;
        message->first = first;
        message->next = next;
        message->first_at = carrying->first_at;
        message->last_at = carrying->last_at;
        message->decided = carrying->decided;
        r = message_fill(carrying, message);
        if (r == 0)
                r = file_make(message, &file, ret_sha256);
        if (r < 0)
                return r;
        carried_name(first, name);
        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        return file_replace(path, file.data, file.size, 0600);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------- */

Carried *carried_free(Carried *carried) {
        if (carried)
                carebus__v1__audit_carried__free_unpacked(carried, NULL);
        return NULL;
}

void carried_add_hash(uint8_t hash[SHA256_SIZE], const uint8_t sha256_of_file[SHA256_SIZE]) {
        uint8_t both[2 * SHA256_SIZE];

        memcpy(both, hash, SHA256_SIZE);
        memcpy(both + SHA256_SIZE, sha256_of_file, SHA256_SIZE);
        sha256(both, sizeof(both), hash);
}

static bool lists_are_good(Team *team, CarriedKind kind) {
        const Lists lists = lists_of(team, kind);
        uint64_t seq = 0;

        if (*lists.n_seqs != *lists.n_indexes)
                return false;
        for (size_t i = 0; i < *lists.n_seqs; i++) {
                if ((*lists.seqs)[i] >= SEQ_MAX - seq)
                        return false;
                seq += (*lists.seqs)[i];
        }
        return true;
}

static bool records_are_good(const Team *team, const Carried *carried) {
        if (team->n_record_as_of != team->n_record_seq || team->n_record_at != team->n_record_seq)
                return false;
        for (size_t i = 0; i < team->n_record_at; i++)
                if (team->record_at[i] < 0 || team->record_at[i] > carried->last_at - carried->first_at)
                        return false;
        return true;
}

static bool is_good(const Carried *carried, uint64_t first) {
        char name[TEAM_BYTES];

        if (carried->uuid.len != AUDIT_UUID_BYTES || carried->first != first || carried->next <= first ||
            carried->first_at < 0 || carried->last_at < carried->first_at)
                return false;
        for (size_t i = 0; i < carried->n_teams; i++) {
                Team *team = carried->teams[i];

                if (!team->team || !team_is_good(bytes_of_text(team->team), name) ||
                    (i > 0 && strcmp(carried->teams[i - 1]->team, team->team) >= 0) || !records_are_good(team, carried))
                        return false;
                for (CarriedKind kind = 0; kind < _CARRIED_KIND_MAX; kind++)
                        if (!lists_are_good(team, kind))
                                return false;
        }
        return true;
}

static int content_read(Bytes content, uint64_t first, Carried **ret, uint8_t ret_sha256[SHA256_SIZE]) {
        _cleanup_(carried_freep) Carried *carried = NULL;
        uint8_t hash[SHA256_SIZE];

        if (content.size < HEAD_BYTES || memcmp(content.data, CARRIED_MAGIC, MAGIC_BYTES) != 0)
                return AUDIT_E_DAMAGED;
        if (load_le32(content.data + MAGIC_BYTES) > CARRIED_VERSION)
                return AUDIT_E_NEWER;
        if (content.size < HEAD_BYTES + SHA256_SIZE || load_le32(content.data + MAGIC_BYTES) != CARRIED_VERSION)
                return AUDIT_E_DAMAGED;
        content.size -= SHA256_SIZE;
        sha256(content.data, content.size, hash);
        if (memcmp(hash, content.data + content.size, SHA256_SIZE) != 0)
                return AUDIT_E_DAMAGED;
        carried = carebus__v1__audit_carried__unpack(NULL, content.size - HEAD_BYTES, content.data + HEAD_BYTES);
        if (!carried || !is_good(carried, first))
                return AUDIT_E_DAMAGED;
        if (ret_sha256)
                memcpy(ret_sha256, hash, SHA256_SIZE);
        *ret = TAKE_PTR(carried);
        return 0;
}

int carried_read(int folder_fd, uint64_t first, Carried **ret, uint8_t ret_sha256[SHA256_SIZE]) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(closep) int fd = -1;
        char name[AUDIT_NAME_BYTES];
        struct stat st;
        uint8_t *room;
        ssize_t n;

        carried_name(first, name);
        fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || fstat(fd, &st) < 0)
                return errno == ENOENT ? AUDIT_E_NONE : -errno;
        if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
                return AUDIT_E_DAMAGED;
        room = buffer_reserve(&content, (size_t)st.st_size + 1);
        if (!room)
                return -ENOMEM;
        n = pread_all(fd, room, (size_t)st.st_size, 0);
        if (n < 0)
                return (int)n;
        return content_read(bytes_of(room, (size_t)n), first, ret, ret_sha256);
}

/* The message's numbers stand before its lists. */
int carried_peek(int folder_fd, uint64_t first, CarriedSpan *ret) {
        enum { CARRIED_NEXT = 3, CARRIED_FIRST_AT = 4, CARRIED_LAST_AT = 5, CARRIED_TEAMS = 7 };
        _cleanup_(closep) int fd = -1;
        uint8_t head[PEEK_BYTES];
        char name[AUDIT_NAME_BYTES];
        size_t offset = HEAD_BYTES;
        WireField field;
        ssize_t n;

        carried_name(first, name);
        fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? AUDIT_E_NONE : -errno;
        n = pread_all(fd, head, sizeof(head), 0);
        if (n < 0)
                return (int)n;
        *ret = (CarriedSpan){ .next = 0 };
        while ((size_t)n > offset && wire_field_next(bytes_of(head, (size_t)n), &offset, &field) == 0 &&
               field.number < CARRIED_TEAMS) {
                if (field.number == CARRIED_NEXT)
                        ret->next = field.value;
                else if (field.number == CARRIED_FIRST_AT)
                        ret->first_at = (int64_t)field.value;
                else if (field.number == CARRIED_LAST_AT)
                        ret->last_at = (int64_t)field.value;
        }
        return ret->next > first ? 0 : AUDIT_E_DAMAGED;
}

static int team_each(const Team *team, const Carried *carried, CarriedKind kind, CarriedSeen seen, void *owner) {
        const Lists lists = lists_of((Team *)(uintptr_t)team, kind);
        CarriedThing thing = { .team = team->team, .kind = kind };
        int r = 0;

        for (size_t i = 0; r == 0 && i < *lists.n_seqs; i++) {
                thing.seq += (*lists.seqs)[i];
                thing.index = (*lists.indexes)[i];
                if (kind == CARRIED_RECORD) {
                        thing.as_of = team->record_as_of[i];
                        thing.at = carried->first_at + team->record_at[i];
                }
                r = seen(&thing, owner);
        }
        return r;
}

int carried_each(const Carried *carried, CarriedSeen seen, void *owner) {
        int r = 0;

        for (size_t i = 0; i < carried->n_teams; i++)
                for (CarriedKind kind = 0; r == 0 && kind < _CARRIED_KIND_MAX; kind++)
                        r = team_each(carried->teams[i], carried, kind, seen, owner);
        return r;
}

int carried_walk(int folder_fd, const AuditBeginning *beginning, CarriedFileSeen seen, void *owner,
                 uint64_t *ret_first) {
        uint8_t hash[SHA256_SIZE] = { 0 };

        *ret_first = 1;
        while (*ret_first <= beginning->number) {
                _cleanup_(carried_freep) Carried *carried = NULL;
                uint8_t own[SHA256_SIZE];
                int r = carried_read(folder_fd, *ret_first, &carried, own);

                if (r != 0)
                        return r == AUDIT_E_NONE ? AUDIT_E_DAMAGED : r;
                carried_add_hash(hash, own);
                r = seen ? seen(carried, owner) : 0;
                if (r != 0)
                        return r;
                *ret_first = carried->next;
        }
        if (*ret_first == beginning->number + 1 && memcmp(hash, beginning->carried, SHA256_SIZE) == 0)
                return 0;
        *ret_first = 0;
        return AUDIT_E_DAMAGED;
}
