/* See receipt.h. */
#include "adapters/csv/receipt.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

#define WRITE_SIZE (64UL << 10)

static const char *const words[_RECEIPT_STATUS_MAX] = {
        [RECEIPT_OK] = "ok",       [RECEIPT_NOTE] = "note",         [RECEIPT_REPEAT] = "repeat",
        [RECEIPT_WAITS] = "waits", [RECEIPT_LEFT_OUT] = "left out", [RECEIPT_PROBLEM] = "problem",
};

struct Receipt {
        const Folder *folder;
        char name[FOLDER_NAME_SIZE];
        int fd, error;
        Buffer text; /* not written yet */
        uint64_t counts[_RECEIPT_STATUS_MAX];
        bool has_sum;
};

int receipt_new(const Folder *folder, const char *file_name, const FolderFile *file, Receipt **ret) {
        _cleanup_(receipt_freep) Receipt *receipt = calloc(1, sizeof(*receipt));
        int r;

        if (!receipt)
                return -ENOMEM;
        receipt->folder = folder;
        receipt->fd = -1;
        folder_receipt_name(file_name, receipt->name);
        r = folder_new_file(folder, receipt->name, file, &receipt->fd);
        if (r < 0)
                return r;
        buffer_append_text(&receipt->text, "line,status,message\r\n");
        *ret = TAKE_PTR(receipt);
        return 0;
}

Receipt *receipt_free(Receipt *receipt) {
        if (!receipt)
                return NULL;
        closep(&receipt->fd);
        buffer_deinit(&receipt->text);
        free(receipt);
        return NULL;
}

static void flush(Receipt *receipt) {
        if (receipt->error == 0)
                receipt->error = receipt->text.error;
        if (receipt->error == 0)
                receipt->error = write_all(receipt->fd, receipt->text.data, receipt->text.size);
        buffer_clear(&receipt->text);
}

static void append_quoted(Buffer *text, const char *cell) {
        buffer_append_byte(text, '"');
        for (; *cell; cell++) {
                if (*cell == '"')
                        buffer_append_byte(text, '"');
                buffer_append_byte(text, (uint8_t)*cell);
        }
        buffer_append_byte(text, '"');
}

static void append_line(Receipt *receipt, size_t line, const char *status, const char *message) {
        if (line > 0)
                buffer_append_format(&receipt->text, "%zu", line);
        buffer_append_format(&receipt->text, ",%s,", status);
        append_quoted(&receipt->text, message);
        buffer_append_text(&receipt->text, "\r\n");
        if (receipt->text.size >= WRITE_SIZE)
                flush(receipt);
}

void receipt_line(Receipt *receipt, size_t line, ReceiptStatus status, const char *message) {
        receipt->counts[status] += line > 0;
        append_line(receipt, line, words[status], message);
}

uint64_t receipt_count(const Receipt *receipt, ReceiptStatus status) {
        return receipt->counts[status];
}

static void append_sum(Receipt *receipt) {
        const uint64_t *n = receipt->counts;
        char sum[256];

        snprintf(sum, sizeof(sum),
                 "%" PRIu64 " rows taken in, %" PRIu64 " received before, %" PRIu64 " not taken in, %" PRIu64
                 " left out%s",
                 n[RECEIPT_OK] + n[RECEIPT_NOTE] + n[RECEIPT_WAITS], n[RECEIPT_REPEAT], n[RECEIPT_PROBLEM],
                 n[RECEIPT_LEFT_OUT],
                 n[RECEIPT_PROBLEM] > 0
                         ? "; correct the rows that have a problem and send the file again: what was taken in is known"
                           " and is not doubled"
                         : "");
        append_line(receipt, 0, "sum", sum);
}

int receipt_put(Receipt *receipt) {
        if (!receipt->has_sum)
                append_sum(receipt);
        receipt->has_sum = true;
        flush(receipt);
        return receipt->error < 0 ? receipt->error : folder_put_file(receipt->folder, receipt->name, receipt->fd);
}
