/*
 * The texts of a configuration as one piece, for a child that must not read them itself: "CBCT", version, number of files,
 * then for each file its path and its content behind their lengths. All numbers are little-endian, 32 bits.
 */
#include "base/cursor.h"
#include "base/error.h"
#include "config/config.h"

#define PACK_MAGIC 0x54434243u /* CBCT */
#define PACK_VERSION 1u
#define FILES_MAX 10000u

ConfigText *config_text_free(ConfigText *text) {
        if (!text)
                return NULL;
        for (size_t i = 0; i < text->n_files; i++) {
                if (text->files[i].content.data)
                        explicit_bzero(text->files[i].content.data, text->files[i].content.size);
                buffer_deinit(&text->files[i].content);
                free(text->files[i].path);
        }
        free(text->files);
        free(text);
        return NULL;
}

static void append_bytes(Buffer *buffer, Bytes bytes) {
        buffer_append_le32(buffer, (uint32_t)bytes.size);
        buffer_append_bytes(buffer, bytes);
}

int config_text_pack(const ConfigText *text, Buffer *ret) {
        Buffer packed = BUFFER_NULL;
        if (text->n_files > FILES_MAX)
                return -EINVAL;
        buffer_append_le32(&packed, PACK_MAGIC);
        buffer_append_le32(&packed, PACK_VERSION);
        buffer_append_le32(&packed, (uint32_t)text->n_files);
        for (size_t i = 0; i < text->n_files; i++) {
                append_bytes(&packed, bytes_of_text(text->files[i].path));
                append_bytes(&packed, buffer_bytes(&text->files[i].content));
        }
        if (packed.error < 0) {
                int r = packed.error;
                buffer_deinit(&packed);
                return r;
        }
        *ret = packed;
        return 0;
}

static int unpack_file(Cursor *cursor, ConfigFile *file) {
        Bytes path = cursor_bytes(cursor, cursor_le32(cursor));
        Bytes content = cursor_bytes(cursor, cursor_le32(cursor));
        if (cursor->error < 0 || path.size == 0 || memchr(path.data, '\0', path.size) || content.size > CONFIG_FILE_MAX)
                return -EBADMSG;
        file->path = bytes_to_text(path);
        buffer_append_bytes(&file->content, content);
        return file->path ? file->content.error : -ENOMEM;
}

int config_text_unpack(Bytes packed, ConfigText **ret) {
        Cursor cursor = CURSOR_INIT(packed);
        uint32_t magic = cursor_le32(&cursor), version = cursor_le32(&cursor), n_files = cursor_le32(&cursor);
        if (cursor.error < 0 || magic != PACK_MAGIC || version != PACK_VERSION || n_files > FILES_MAX)
                return -EBADMSG;
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        if (!text)
                return -ENOMEM;
        text->files = calloc(MAX(n_files, 1u), sizeof(*text->files));
        if (!text->files)
                return -ENOMEM;
        for (uint32_t i = 0; i < n_files; i++) {
                text->n_files = i + 1;
                int r = unpack_file(&cursor, &text->files[i]);
                if (r < 0)
                        return r;
        }
        if (cursor_left(&cursor) > 0)
                return -EBADMSG;
        *ret = TAKE_PTR(text);
        return 0;
}
