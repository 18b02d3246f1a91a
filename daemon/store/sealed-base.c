#include "daemon/store/sealed-base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#define KEY_FILE "base.key"
#define PUBLIC_FILE "base.pub"
#define SEAL_FILE "seal"
#define SEAL_MAX 4096
#define SEAL_TITLE "carebus-base 1\n"
#define PEM_MAX 4096

static void dirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

void sealed_base_deinit(SealedBase *base) {
        free(base->path);
        *base = SEALED_BASE_NULL;
}

/* ---- the key ----------------------------------------------------------------------------------------------------------- */

static int key_read(const char *path, SignKey **ret) {
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        int r = file_read(path, PEM_MAX, &pem);

        r = r ?: sign_key_from_pem(buffer_bytes(&pem), ret);
        if (pem.data)
                explicit_bzero(pem.data, pem.size);
        return r;
}

/* base-HEX.pub */
static int public_path(const char *folder, const uint8_t id[SIGN_KEY_ID_SIZE], char **ret) {
        char hex[2 * SIGN_KEY_ID_SIZE + 1];

        hex_encode(id, SIGN_KEY_ID_SIZE, hex);
        return text_format(ret, "%s/base-%s.pub", folder, hex);
}

/* After a restore without secret keys: what the old one sealed still holds, by its public half. */
static int public_keep(const char *folder) {
        _cleanup_(freep) char *path = NULL, *kept = NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        uint8_t id[SIGN_KEY_ID_SIZE];
        int r = text_format(&path, "%s/" PUBLIC_FILE, folder);

        r = r ?: key_read(path, &key);
        if (r == -ENOENT)
                return 0;
        r = r ?: sign_key_id(key, id);
        r = r ?: public_path(folder, id, &kept);
        if (r == 0 && rename(path, kept) < 0)
                r = -errno;
        return r;
}

static int key_make(const char *folder, const char *path, SignKey **ret) {
        _cleanup_(buffer_deinit) Buffer secret = BUFFER_NULL, public = BUFFER_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(freep) char *public_path = NULL;
        int r;

        r = folder_make(folder, 0750);
        r = r ?: public_keep(folder);
        r = r ?: sign_key_new(&key);
        r = r ?: sign_key_to_pem(key, /* secret= */ true, &secret);
        r = r ?: sign_key_to_pem(key, /* secret= */ false, &public);
        r = r ?: text_format(&public_path, "%s/" PUBLIC_FILE, folder);
        r = r ?: file_replace(public_path, public.data, public.size, 0644);
        r = r ?: file_replace(path, secret.data, secret.size, 0600);
        if (secret.data)
                explicit_bzero(secret.data, secret.size);
        if (r == 0)
                *ret = TAKE_PTR(key);
        return r;
}

int sealed_base_key(const char *folder, SignKey **ret) {
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/" KEY_FILE, folder);

        r = r ?: key_read(path, ret);
        return r == -ENOENT ? key_make(folder, path, ret) : r;
}

/* ---- the seal ---------------------------------------------------------------------------------------------------------- */

static int seal_text(const SealedBase *base, Buffer *ret) {
        char digest[65], key[65], line[256];
        int n;

        hex_encode(base->digest, sizeof(base->digest), digest);
        hex_encode(base->key, sizeof(base->key), key);
        n = snprintf(line, sizeof(line), SEAL_TITLE "seq %" PRIu64 "\nfold-version %" PRIu32 "\ndigest %s\nkey %s\n",
                     base->seq, base->fold_version, digest, key);
        buffer_append(ret, line, (size_t)n);
        return ret->error;
}

static int seal_write(const SealedBase *base, const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        _cleanup_(freep) char *path = NULL;
        uint8_t signature[SIGNATURE_SIZE];
        char hex[2 * SIGNATURE_SIZE + 1];
        int r;

        r = seal_text(base, &text);
        r = r ?: signature_make(key, buffer_bytes(&text), signature);
        r = r ?: text_format(&path, "%s/" SEAL_FILE, base->path);
        if (r < 0)
                return r;
        hex_encode(signature, sizeof(signature), hex);
        buffer_append(&text, "signature ", strlen("signature "));
        buffer_append(&text, hex, strlen(hex));
        buffer_append_byte(&text, '\n');
        return text.error ? text.error : file_replace(path, text.data, text.size, 0644);
}

/* The line `name VALUE`, on the heap. */
static int seal_field(const char *text, const char *name, char **ret) {
        const size_t n = strlen(name);

        for (const char *line = text; line && *line;) {
                const char *end = strchr(line, '\n');
                if (!end)
                        return -EBADMSG;
                if (strncmp(line, name, n) == 0 && line[n] == ' ') {
                        *ret = strndup(line + n + 1, (size_t)(end - line) - n - 1);
                        return *ret ? 0 : -ENOMEM;
                }
                line = end + 1;
        }
        return -EBADMSG;
}

static int seal_number(const char *text, const char *name, uint64_t *ret) {
        _cleanup_(freep) char *value = NULL;
        int r = seal_field(text, name, &value);

        if (r < 0)
                return r;
        return text_to_u64(value, ret) < 0 ? -EBADMSG : 0;
}

static int seal_hex(const char *text, const char *name, uint8_t *ret, size_t size) {
        _cleanup_(freep) char *value = NULL;
        int r = seal_field(text, name, &value);

        if (r < 0)
                return r;
        return hex_decode(value, ret, size) == 0 ? 0 : -EBADMSG;
}

/* The text that was signed is what stands before the last line, byte by byte. */
static int seal_check(const char *folder, const char *text, const SignKey *key) {
        const char *last = strstr(text, "\nsignature ");
        _cleanup_(sign_key_freep) SignKey *former = NULL;
        _cleanup_(freep) char *path = NULL;
        uint8_t id[SIGN_KEY_ID_SIZE], own[SIGN_KEY_ID_SIZE];
        uint8_t signature[SIGNATURE_SIZE];
        int r = seal_hex(text, "signature", signature, sizeof(signature));

        if (r < 0 || !last || seal_hex(text, "key", id, sizeof(id)) < 0)
                return -EBADMSG;
        r = sign_key_id(key, own);
        if (r == 0 && memcmp(id, own, sizeof(id)) != 0) {
                r = public_path(folder, id, &path);
                r = r ?: key_read(path, &former);
                key = former;
        }
        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        return signature_holds(key, bytes_of((const uint8_t *)text, (size_t)(last + 1 - text)), signature) ? 0
                                                                                                           : -EBADMSG;
}

static int seal_read(const char *folder, const char *path, const SignKey *key, SealedBase *ret) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        _cleanup_(freep) char *file = NULL;
        uint64_t version;
        const char *seal;
        int r;

        r = text_format(&file, "%s/" SEAL_FILE, path);
        r = r ?: file_read(file, SEAL_MAX, &text);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        buffer_append_byte(&text, '\0');
        if (text.error)
                return text.error;
        seal = (const char *)text.data;
        if (strncmp(seal, SEAL_TITLE, strlen(SEAL_TITLE)) != 0)
                return -EBADMSG;
        r = seal_check(folder, seal, key);
        r = r ?: seal_number(seal, "seq", &ret->seq);
        r = r ?: seal_number(seal, "fold-version", &version);
        r = r ?: seal_hex(seal, "digest", ret->digest, sizeof(ret->digest));
        r = r ?: seal_hex(seal, "key", ret->key, sizeof(ret->key));
        if (r == 0)
                ret->fold_version = (uint32_t)version;
        return r;
}

/* ---- folders ----------------------------------------------------------------------------------------------------------- */

static void folder_remove(const char *path) {
        static const char *const files[] = { SEAL_FILE, "data.mdb", "lock.mdb" };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_(freep) char *file = NULL;
                if (text_format(&file, "%s/%s", path, files[i]) == 0)
                        (void)unlink(file);
        }
        (void)rmdir(path);
}

static bool name_is_base(const char *name) {
        return strlen(name) == 20 && strspn(name, "0123456789") == 20;
}

typedef struct Bases {
        uint64_t *seqs; /* the newest first */
        size_t n;
} Bases;

static void bases_deinit(Bases *bases) {
        free(bases->seqs);
}

static int newest_first(const void *a, const void *b) {
        const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? 1 : x > y ? -1 : 0;
}

static int bases_list(const char *folder, Bases *ret) {
        _cleanup_(dirp) DIR *dir = opendir(folder);
        const struct dirent *entry;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((entry = readdir(dir))) {
                uint64_t *grown;

                if (!name_is_base(entry->d_name))
                        continue;
                grown = reallocarray(ret->seqs, ret->n + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                ret->seqs = grown;
                if (text_to_u64(entry->d_name, &grown[ret->n]) == 0)
                        ret->n++;
        }
        if (ret->n > 0)
                qsort(ret->seqs, ret->n, sizeof(*ret->seqs), newest_first);
        return 0;
}

/* ---- making one -------------------------------------------------------------------------------------------------------- */

/* Number and digest of the copy itself: the state has gone on meanwhile. */
static int copy_look(const char *path, SealedBase *base) {
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r;

        r = state_open(path, STATE_WRITE, 0, &state);
        r = r ?: state_begin(state, STATE_READ, &txn);
        if (r)
                return error_fold(r);
        base->seq = state_folded_seq(txn);
        return error_fold(state_digest(txn, base->digest));
}

int sealed_base_make(State *state, const char *folder, uint32_t fold_version, const SignKey *key, SealedBase *ret) {
        _cleanup_(sealed_base_deinit) SealedBase base = { .fold_version = fold_version };
        _cleanup_(freep) char *named = NULL;
        int r;

        r = text_format(&base.path, "%s/new.tmp", folder);
        r = r ?: folder_make(folder, 0750);
        if (r < 0)
                return r;
        folder_remove(base.path);
        r = sign_key_id(key, base.key);
        r = r ?: state_copy(state, base.path);
        r = r ?: copy_look(base.path, &base);
        r = r ?: seal_write(&base, key);
        r = r ?: text_format(&named, "%s/%020" PRIu64, folder, base.seq);
        if (r == 0) {
                folder_remove(named); /* one of the same number says the same */
                r = rename(base.path, named) < 0 ? -errno : folder_sync(folder);
        }
        if (r != 0) {
                folder_remove(base.path);
                return r == -ENOSPC || r == -EDQUOT ? STATE_E_NO_SPACE : r;
        }
        free(base.path);
        base.path = TAKE_PTR(named);
        *ret = base;
        base = SEALED_BASE_NULL;
        return 0;
}

int sealed_base_find(const char *folder, const SignKey *key, uint64_t limit, SealedBase *ret) {
        _cleanup_(bases_deinit) Bases bases = { 0 };
        int r = bases_list(folder, &bases);

        for (size_t i = 0; r == 0 && i < bases.n; i++) {
                _cleanup_(sealed_base_deinit) SealedBase base = SEALED_BASE_NULL;

                if (limit > 0 && bases.seqs[i] > limit)
                        continue;
                r = text_format(&base.path, "%s/%020" PRIu64, folder, bases.seqs[i]);
                r = r ?: seal_read(folder, base.path, key, &base);
                if (r < 0)
                        return r == -ENOENT ? -EBADMSG : r;
                if (base.seq != bases.seqs[i])
                        return -EBADMSG;
                *ret = base;
                base = SEALED_BASE_NULL;
                return 0;
        }
        return r < 0 ? r : -ENOENT;
}

static int file_copy(const char *from, const char *to) {
        _cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1;
        struct stat st;

        if (in < 0)
                return -errno;
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (out < 0 || fstat(in, &st) < 0)
                return -errno;
        for (off_t left = st.st_size; left > 0;) {
                ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)left, 0);
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                left -= n;
        }
        return fsync(out) < 0 ? -errno : 0;
}

int sealed_base_copy(const SealedBase *base, const char *folder) {
        SealedBase copied = SEALED_BASE_NULL;
        _cleanup_(freep) char *from = NULL, *to = NULL;
        int r;

        r = text_format(&from, "%s/data.mdb", base->path);
        r = r ?: text_format(&to, "%s/data.mdb", folder);
        r = r ?: folder_make(folder, 0750);
        r = r ?: file_copy(from, to);
        r = r ?: folder_sync(folder);
        r = r ?: copy_look(folder, &copied);
        if (r < 0)
                return r;
        return copied.seq == base->seq && memcmp(copied.digest, base->digest, sizeof(copied.digest)) == 0 ? 0
                                                                                                          : -EBADMSG;
}

int sealed_base_prune(const char *folder, unsigned keep) {
        _cleanup_(bases_deinit) Bases bases = { 0 };
        _cleanup_(freep) char *half = NULL;
        int r = bases_list(folder, &bases);

        if (r == 0 && text_format(&half, "%s/new.tmp", folder) == 0)
                folder_remove(half);
        for (size_t i = keep; r == 0 && i < bases.n; i++) {
                _cleanup_(freep) char *path = NULL;

                r = text_format(&path, "%s/%020" PRIu64, folder, bases.seqs[i]);
                if (r == 0)
                        folder_remove(path);
        }
        return r < 0 ? r : bases.n > keep ? folder_sync(folder) : 0;
}
