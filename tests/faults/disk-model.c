/* The model of a disk: small files in memory, so everything is kept twice and nothing is clever. */
#include "tests/faults/disk-model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

typedef struct Pending {
        uint64_t offset;
        size_t size;
        const uint8_t *data;
} Pending;

typedef struct File {
        struct File *next;
        Buffer durable, current;
        Pending *pending;
        size_t n_pending;
        bool size_pending;
} File;

typedef struct Name {
        char path[192];
        File *file;
} Name;

typedef struct NameOp {
        char folder[192];
        char path[192], to[192]; /* `to`: of a rename */
        File *file;              /* NULL: the name goes */
} NameOp;

#define NAMES_MOST 256

typedef struct Names {
        Name names[NAMES_MOST];
        size_t n;
} Names;

struct Disk {
        File *files;
        Names durable, current;
        NameOp ops[NAMES_MOST];
        size_t n_ops;
};

int disk_new(Disk **ret) {
        *ret = calloc(1, sizeof(Disk));
        return *ret ? 0 : -ENOMEM;
}

Disk *disk_free(Disk *disk) {
        if (!disk)
                return NULL;
        while (disk->files) {
                File *file = disk->files;

                disk->files = file->next;
                buffer_deinit(&file->durable);
                buffer_deinit(&file->current);
                free(file->pending);
                free(file);
        }
        free(disk);
        return NULL;
}

static File *file_new(Disk *disk) {
        File *file = calloc(1, sizeof(*file));

        if (!file)
                abort();
        file->next = disk->files;
        disk->files = file;
        return file;
}

static void file_resize(Buffer *content, uint64_t size) {
        if (size > content->size) {
                size_t more = (size_t)size - content->size;
                uint8_t *room = buffer_reserve(content, more);

                if (!room)
                        abort();
                memset(room, 0, more);
                buffer_advance(content, more);
        } else
                content->size = (size_t)size;
}

static void file_put(Buffer *content, uint64_t offset, const uint8_t *data, size_t size) {
        if (offset + size > content->size)
                file_resize(content, offset + size);
        if (size > 0)
                memcpy(content->data + offset, data, size);
}

static Name *names_find(Names *names, const char *path) {
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->names[i].path, path) == 0)
                        return &names->names[i];
        return NULL;
}

static void names_set(Names *names, const char *path, File *file) {
        Name *name = names_find(names, path);

        if (!name) {
                if (names->n == NAMES_MOST)
                        abort();
                name = &names->names[names->n++];
                snprintf(name->path, sizeof(name->path), "%s", path);
        }
        name->file = file;
}

static void names_remove(Names *names, const char *path) {
        Name *name = names_find(names, path);

        if (name)
                *name = names->names[--names->n];
}

static void names_apply(Names *names, const NameOp *op) {
        if (op->to[0]) {
                names_remove(names, op->path);
                names_set(names, op->to, op->file);
        } else if (op->file)
                names_set(names, op->path, op->file);
        else
                names_remove(names, op->path);
}

static void disk_name_op(Disk *disk, const char *path, const char *to, File *file) {
        NameOp *op;
        char *slash;

        if (disk->n_ops == NAMES_MOST)
                abort();
        op = &disk->ops[disk->n_ops++];
        *op = (NameOp){ .file = file };
        snprintf(op->folder, sizeof(op->folder), "%s", path);
        slash = strrchr(op->folder, '/');
        if (slash)
                *slash = '\0';
        snprintf(op->path, sizeof(op->path), "%s", path);
        snprintf(op->to, sizeof(op->to), "%s", to ? to : "");
        names_apply(&disk->current, op);
}

static void disk_sync_folder(Disk *disk, const char *folder) {
        size_t left = 0;

        for (size_t i = 0; i < disk->n_ops; i++) {
                if (strcmp(disk->ops[i].folder, folder) == 0)
                        names_apply(&disk->durable, &disk->ops[i]);
                else
                        disk->ops[left++] = disk->ops[i];
        }
        disk->n_ops = left;
}

static void file_write(File *file, uint64_t offset, const uint8_t *data, size_t size) {
        Pending *grown = reallocarray(file->pending, file->n_pending + 1, sizeof(*grown));

        if (!grown)
                abort();
        file->pending = grown;
        file->pending[file->n_pending++] = (Pending){ .offset = offset, .size = size, .data = data };
        if (offset + size > file->current.size)
                file->size_pending = true;
        file_put(&file->current, offset, data, size);
}

static void file_sync(File *file) {
        buffer_clear(&file->durable);
        buffer_append(&file->durable, file->current.data, file->current.size);
        if (file->durable.error < 0)
                abort();
        file->n_pending = 0;
        file->size_pending = false;
}

int disk_apply(Disk *disk, const OpHead *op, const char *path_bytes, const uint8_t *data) {
        char path[192], to[192];
        Name *name;

        snprintf(path, sizeof(path), "%.*s", (int)op->path_bytes, path_bytes);
        if (op->kind == OP_CREATE) {
                disk_name_op(disk, path, NULL, file_new(disk));
                return 0;
        }
        if (op->kind == OP_SYNC_FOLDER) {
                disk_sync_folder(disk, path);
                return 0;
        }
        if (op->kind == OP_ACK)
                return 0;
        name = names_find(&disk->current, path);
        if (!name)
                return -EBADMSG;
        switch (op->kind) {
        case OP_WRITE:
                file_write(name->file, op->offset, data, op->data_bytes);
                return 0;
        case OP_SYNC:
                file_sync(name->file);
                return 0;
        case OP_SIZE:
                file_resize(&name->file->current, op->offset);
                name->file->size_pending = true;
                return 0;
        case OP_RENAME:
                snprintf(to, sizeof(to), "%.*s", (int)op->data_bytes, (const char *)data);
                disk_name_op(disk, path, to, name->file);
                return 0;
        case OP_UNLINK:
                disk_name_op(disk, path, NULL, NULL);
                return 0;
        default:
                return -EBADMSG;
        }
}

bool disk_is_pending(const Disk *disk) {
        if (disk->n_ops > 0)
                return true;
        for (const File *file = disk->files; file; file = file->next)
                if (file->n_pending > 0 || file->size_pending)
                        return true;
        return false;
}

static bool block_is_pending(const File *file, uint64_t block, size_t unit) {
        for (size_t i = 0; i < file->n_pending; i++)
                if (file->pending[i].offset < (block + 1) * unit &&
                    block * unit < file->pending[i].offset + file->pending[i].size)
                        return true;
        return false;
}

size_t disk_pending_blocks(const Disk *disk) {
        size_t n = 0;

        for (const File *file = disk->files; file; file = file->next)
                for (uint64_t block = 0; file->n_pending > 0 && block * DISK_BLOCK < file->current.size; block++)
                        n += block_is_pending(file, block, DISK_BLOCK);
        return n;
}

static uint64_t next_random(uint64_t *x) {
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        return *x >> 11;
}

/* A sector as it was at some moment since the last sync: some of the writes to it, from the first on. */
static void tear_sector(const File *file, uint64_t sector, uint64_t *random, Buffer *content) {
        uint64_t from = sector * DISK_SECTOR, to = from + DISK_SECTOR;
        size_t touching = 0, moment;

        for (size_t i = 0; i < file->n_pending; i++)
                touching += file->pending[i].offset < to && from < file->pending[i].offset + file->pending[i].size;
        if (touching == 0)
                return;
        moment = (size_t)(next_random(random) % (touching + 1));
        for (size_t i = 0; i < file->n_pending && moment > 0; i++) {
                const Pending *p = &file->pending[i];
                uint64_t begin = MAX(p->offset, from), end = MIN(p->offset + p->size, to);

                if (begin >= end)
                        continue;
                moment--;
                /* Not beyond the size that the file turned out to have. */
                end = MIN(end, (uint64_t)content->size);
                if (begin < end)
                        memcpy(content->data + begin, p->data + (begin - p->offset), (size_t)(end - begin));
        }
}

static void file_after(const File *file, DiskPolicy policy, uint64_t *choice, Buffer *content) {
        buffer_clear(content);
        if (policy == DISK_KEPT) {
                buffer_append(content, file->current.data, file->current.size);
                return;
        }
        buffer_append(content, file->durable.data, file->durable.size);
        if (policy == DISK_LOST)
                return;
        if (file->size_pending && (policy == DISK_SUBSET || next_random(choice) % 2))
                file_resize(content, file->current.size);
        if (policy == DISK_TORN) {
                for (uint64_t sector = 0; file->n_pending > 0 && sector * DISK_SECTOR < content->size; sector++)
                        tear_sector(file, sector, choice, content);
                return;
        }
        for (uint64_t block = 0; file->n_pending > 0 && block * DISK_BLOCK < file->current.size; block++) {
                size_t at = (size_t)block * DISK_BLOCK;

                if (!block_is_pending(file, block, DISK_BLOCK))
                        continue;
                if (*choice & 1)
                        memcpy(content->data + at, file->current.data + at,
                               MIN((size_t)DISK_BLOCK, file->current.size - at));
                *choice >>= 1;
        }
}

static int empty_folder(const char *folder) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        const struct dirent *entry;

        if (!dir)
                return mkdir(folder, 0700) < 0 ? -errno : 0;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
                        return -errno;
        return 0;
}

static int write_file(const char *folder, const char *name, const Buffer *content) {
        _cleanup_(closep) int fd = -1;
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return write_all(fd, content->data, content->size);
}

int disk_write(const Disk *disk, DiskPolicy policy, uint64_t choice, const char *folder) {
        static const char *const subfolders[] = { "journal", "state" };
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) Names *names = malloc(sizeof(*names));
        uint64_t random = choice * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
        uint64_t *chosen = policy == DISK_SUBSET ? &choice : &random;
        size_t ops = policy == DISK_LOST ? 0 : disk->n_ops;
        char path[512];
        int r = 0;

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(subfolders) && r == 0; i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, subfolders[i]);
                r = empty_folder(path);
        }
        *names = disk->durable;
        if (policy == DISK_TORN)
                ops = (size_t)(next_random(&random) % (disk->n_ops + 1));
        for (size_t i = 0; i < ops; i++)
                names_apply(names, &disk->ops[i]);
        /* In the order of the files, so that a choice means the same blocks each time. */
        for (const File *file = disk->files; file && r == 0; file = file->next) {
                file_after(file, policy, chosen, &content);
                for (size_t i = 0; i < names->n && r == 0; i++)
                        if (names->names[i].file == file)
                                r = write_file(folder, names->names[i].path, &content);
        }
        return r;
}

int disk_load(Disk *disk, const char *folder) {
        static const char *const subfolders[] = { "journal", "state" };

        for (size_t i = 0; i < ELEMENTSOF(subfolders); i++) {
                char path[512], name[192];
                const struct dirent *entry;
                _cleanup_(closedirp) DIR *dir = NULL;

                snprintf(path, sizeof(path), "%s/%s", folder, subfolders[i]);
                dir = opendir(path);
                while (dir && (entry = readdir(dir))) {
                        File *file;
                        int r;

                        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lock.mdb") == 0)
                                continue;
                        file = file_new(disk);
                        snprintf(path, sizeof(path), "%s/%s/%.100s", folder, subfolders[i], entry->d_name);
                        r = file_read(path, SIZE_MAX, &file->current);
                        if (r < 0)
                                return r;
                        file_sync(file);
                        snprintf(name, sizeof(name), "%s/%.100s", subfolders[i], entry->d_name);
                        names_set(&disk->durable, name, file);
                        names_set(&disk->current, name, file);
                }
        }
        return 0;
}
