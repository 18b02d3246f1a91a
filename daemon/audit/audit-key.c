/* The key that signs: made once, readable by the daemon alone. Its public half goes where verify finds it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/audit-parts.h"

#define KEY_FILE_MAX (64U << 10)

static int key_make(const char *path, SignKey **ret) {
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        int r = sign_key_new(&key);

        if (r == 0)
                r = sign_key_to_pem(key, /* secret= */ true, &pem);
        if (r == 0)
                r = file_replace(path, pem.data, pem.size, 0600);
        if (pem.size > 0)
                explicit_bzero(pem.data, pem.size);
        if (r == 0)
                *ret = TAKE_PTR(key);
        return r;
}

static int key_read(const char *path, SignKey **ret) {
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        int r = file_read(path, KEY_FILE_MAX, &pem);

        if (r == -ENOENT)
                return key_make(path, ret);
        if (r == 0)
                r = sign_key_from_pem(buffer_bytes(&pem), &key);
        if (pem.size > 0)
                explicit_bzero(pem.data, pem.size);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        if (!sign_key_is_secret(key))
                return -EBADMSG;
        *ret = TAKE_PTR(key);
        return 0;
}

/* Written only where it is not there: a folder that cannot be written to, and has it, is none of this function's business. */
static int public_put(const char *path, Bytes pem) {
        _cleanup_(buffer_deinit) Buffer there = BUFFER_NULL;

        if (file_read(path, KEY_FILE_MAX, &there) == 0 && bytes_equal(buffer_bytes(&there), pem))
                return 0;
        return file_replace(path, pem.data, pem.size, 0644);
}

int audit_key_load(Audit *audit, const char *path) {
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        uint8_t id[SIGN_KEY_ID_SIZE];
        char name[PATH_MAX], hex[2 * SIGN_KEY_ID_SIZE + 1];
        const char *slash = strrchr(path, '/');
        int r = key_read(path, &audit->key);

        if (r == 0)
                r = sign_key_id(audit->key, id);
        if (r == 0)
                r = sign_key_to_pem(audit->key, /* secret= */ false, &pem);
        if (r < 0)
                return r;
        hex_encode(id, sizeof(id), hex);
        if (snprintf(name, sizeof(name), "%s/" AUDIT_KEY_PREFIX "%s" AUDIT_KEY_SUFFIX, audit->folder, hex) >=
            (int)sizeof(name))
                return -ENAMETOOLONG;
        r = public_put(name, buffer_bytes(&pem));
        if (r < 0)
                return r;
        if (snprintf(name, sizeof(name), "%.*saudit.pub", slash ? (int)(slash - path) + 1 : 0, path) >=
            (int)sizeof(name))
                return -ENAMETOOLONG;
        r = public_put(name, buffer_bytes(&pem));
        /* Beside a key that lies in a folder of somebody else's, it is for whoever made the key. */
        return r == -EACCES || r == -EROFS || r == -EPERM ? 0 : r;
}
