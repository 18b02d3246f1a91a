/*
 * See ledger.h. Only the newest delivery of each table is kept: older ones decide nothing. Numbers come from the clock and go up, so that
 * one is not used again even where this file was lost.
 */
#include "adapters/csv/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define FIRST_LINE "carebus-csv deliveries 1"
#define FILE_MAX (64UL << 10)

struct Ledger {
        char *path;
        LedgerDelivery deliveries[LEDGER_TABLES_MAX];
        size_t n_deliveries;
        uint64_t last_number;
};

static void write_lines(const Ledger *ledger, Buffer *ret) {
        buffer_append_format(ret, FIRST_LINE " %" PRIu64 "\n", ledger->last_number);
        for (size_t i = 0; i < ledger->n_deliveries; i++) {
                const LedgerDelivery *delivery = &ledger->deliveries[i];
                char name[2 * LEDGER_NAME_MAX + 1];

                /* In hex: a name may hold anything, a line end too. */
                hex_encode(delivery->file, strlen(delivery->file), name);
                buffer_append_format(ret, "%s %" PRIu64 " %s %s %s\n", delivery->table, delivery->number,
                                     delivery->is_open ? "open" : "done", delivery->hash, name[0] ? name : "-");
        }
}

static void sum_of(Bytes lines, char ret[2 * SHA256_SIZE + 1]) {
        uint8_t digest[SHA256_SIZE];

        sha256(lines.data, lines.size, digest);
        hex_encode(digest, sizeof(digest), ret);
}

static int ledger_write(const Ledger *ledger) {
        _cleanup_(buffer_deinit) Buffer lines = BUFFER_NULL;
        char sum[2 * SHA256_SIZE + 1];

        write_lines(ledger, &lines);
        if (lines.error < 0)
                return lines.error;
        sum_of(buffer_bytes(&lines), sum);
        buffer_append_format(&lines, "sum %s\n", sum);
        if (lines.error < 0)
                return lines.error;
        return file_replace(ledger->path, lines.data, lines.size, 0600);
}

static int hex_value(char c) {
        const char digits[] = "0123456789abcdef", *found = c ? strchr(digits, c) : NULL;

        return found ? (int)(found - digits) : -1;
}

static bool name_decode(const char *hex, char ret[LEDGER_NAME_MAX]) {
        size_t n = strlen(hex) / 2;

        ret[0] = 0;
        if (strcmp(hex, "-") == 0)
                return true;
        if (strlen(hex) % 2 != 0 || n >= LEDGER_NAME_MAX)
                return false;
        for (size_t i = 0; i < n; i++) {
                int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                ret[i] = (char)(high * 16 + low);
        }
        ret[n] = 0;
        return true;
}

static bool read_delivery(const char *line, LedgerDelivery *ret) {
        char state[8], name[2 * LEDGER_NAME_MAX + 1];

        *ret = (LedgerDelivery){ 0 };
        if (sscanf(line, "%15s %" SCNu64 " %7s %64s %512s", ret->table, &ret->number, state, ret->hash, name) != 5)
                return false;
        ret->is_open = strcmp(state, "open") == 0;
        return strlen(ret->hash) == 2 * SHA256_SIZE && name_decode(name, ret->file);
}

/* `text` is cut into lines in place. */
static bool read_lines(Ledger *ledger, char *text) {
        char *sum = strstr(text, "\nsum "), *line, *rest = NULL, expected[2 * SHA256_SIZE + 1];

        if (!sum)
                return false;
        sum_of(bytes_of(text, (size_t)(sum + 1 - text)), expected);
        if (strncmp(sum + strlen("\nsum "), expected, 2 * SHA256_SIZE) != 0)
                return false;
        *sum = 0;
        line = strtok_r(text, "\n", &rest);
        if (!line || sscanf(line, FIRST_LINE " %" SCNu64, &ledger->last_number) != 1)
                return false;
        while ((line = strtok_r(NULL, "\n", &rest)))
                if (ledger->n_deliveries == LEDGER_TABLES_MAX ||
                    !read_delivery(line, &ledger->deliveries[ledger->n_deliveries++]))
                        return false;
        return true;
}

/* Not deleted: somebody may want to know what happened to the disk. */
static int set_aside(Ledger *ledger) {
        _cleanup_(freep) char *aside = NULL;
        int r = text_format(&aside, "%s.damaged", ledger->path);

        ledger->n_deliveries = 0;
        ledger->last_number = 0;
        if (r < 0)
                return r;
        return rename(ledger->path, aside) < 0 ? -errno : LEDGER_E_DAMAGED;
}

void ledger_hash(Bytes file, const uint8_t profile[SHA256_SIZE], char ret[2 * SHA256_SIZE + 1]) {
        uint8_t both[2 * SHA256_SIZE], digest[SHA256_SIZE];

        sha256(file.data, file.size, both);
        memcpy(both + SHA256_SIZE, profile, SHA256_SIZE);
        sha256(both, sizeof(both), digest);
        hex_encode(digest, sizeof(digest), ret);
}

int ledger_open(const char *folder, Ledger **ret) {
        _cleanup_(ledger_freep) Ledger *ledger = calloc(1, sizeof(*ledger));
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        int r;

        if (!ledger)
                return -ENOMEM;
        r = text_format(&ledger->path, "%s/deliveries", folder);
        if (r < 0)
                return r;
        r = file_read(ledger->path, FILE_MAX, &file);
        if (r < 0 && r != -ENOENT && r != -EFBIG)
                return r;
        if (r != -ENOENT) {
                text = bytes_to_text(buffer_bytes(&file));
                if (!text)
                        return -ENOMEM;
                r = r == -EFBIG || !read_lines(ledger, text) ? set_aside(ledger) : 0;
                if (r < 0)
                        return r;
        } else
                r = 0;
        *ret = TAKE_PTR(ledger);
        return r;
}

Ledger *ledger_free(Ledger *ledger) {
        if (!ledger)
                return NULL;
        free(ledger->path);
        free(ledger);
        return NULL;
}

static LedgerDelivery *find(Ledger *ledger, const char *table) {
        for (size_t i = 0; i < ledger->n_deliveries; i++)
                if (strcmp(ledger->deliveries[i].table, table) == 0)
                        return &ledger->deliveries[i];
        return NULL;
}

int ledger_begin(Ledger *ledger, const LedgerDelivery *what, int64_t now_at, LedgerDelivery *ret,
                 LedgerKind *ret_kind) {
        LedgerDelivery *last = find(ledger, what->table), before;
        uint64_t now = now_at > 0 ? (uint64_t)(now_at / USEC_PER_SEC) : 0;
        size_t n_before = ledger->n_deliveries;
        uint64_t number_before = ledger->last_number;
        int r;

        if (last && strcmp(last->hash, what->hash) == 0) {
                *ret_kind = last->is_open ? LEDGER_RESUMED : LEDGER_REPEAT;
                *ret = *last;
                return 0;
        }
        if (!last) {
                if (ledger->n_deliveries == LEDGER_TABLES_MAX)
                        return -ENOSPC;
                last = &ledger->deliveries[ledger->n_deliveries++];
        }
        before = *last;
        *last = *what;
        ledger->last_number = MAX(ledger->last_number + 1, now);
        last->number = ledger->last_number;
        last->is_open = true;
        r = ledger_write(ledger);
        if (r < 0) { /* what is not on disk was not begun */
                *last = before;
                ledger->n_deliveries = n_before;
                ledger->last_number = number_before;
                return r;
        }
        *ret_kind = LEDGER_NEW;
        *ret = *last;
        return 0;
}

int ledger_end(Ledger *ledger, const char *table) {
        LedgerDelivery *last = find(ledger, table);
        int r;

        if (!last || !last->is_open)
                return 0;
        last->is_open = false;
        r = ledger_write(ledger);
        if (r < 0)
                last->is_open = true;
        return r;
}

const LedgerDelivery *ledger_unfinished(const Ledger *ledger) {
        for (size_t i = 0; i < ledger->n_deliveries; i++)
                if (ledger->deliveries[i].is_open)
                        return &ledger->deliveries[i];
        return NULL;
}
