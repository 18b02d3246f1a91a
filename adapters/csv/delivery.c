/* See delivery.h. */
#include "adapters/csv/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/submit.h"
#include "adapters/csv/receipt.h"
#include "adapters/csv/roster.h"
#include "base/clock.h"
#include "base/text.h"

#define WINDOW 2048 /* rows without an answer, or behind one without */
#define ROWS_A_TURN 256
#define ARENA_SIZE (32UL << 20)
#define PAUSE_MIN (100 * USEC_PER_MSEC)
#define PAUSE_MAX (30 * USEC_PER_SEC)
#define HASH_SHOWN 32

/* A row whose line of the receipt is not written yet. */
typedef struct Pending {
        size_t line, offset;
        bool is_waiting;
        ReceiptStatus status;
        char *message; /* NULL: nothing to say */
} Pending;

typedef enum Step { STEP_IDLE, STEP_ROWS, STEP_REWIND, STEP_FINISH } Step;

struct Delivery {
        DeliveryHost host;
        Step step;
        char name[FOLDER_NAME_SIZE];
        Buffer bytes;
        FolderFile file;
        CsvFile csv;
        bool is_in_ledger;
        LedgerDelivery ledger;
        LedgerKind kind;
        Receipt *receipt;
        Roster *roster; /* NULL: files of this table need not have everybody */
        Arena *arena;
        Pending pending[WINDOW];
        uint64_t first,
                next; /* numbers of pending rows; both only go up, also from file to file: cookies of old ones match nothing */
        uint64_t n_waiting;
        uint64_t rewind_to;
        size_t rewind_line, rewind_offset;
        int64_t pause, not_before;
        bool at_end, was_rewound;
        char repeat_text[96];
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

int delivery_new(Delivery **ret) {
        _cleanup_(delivery_freep) Delivery *delivery = calloc(1, sizeof(*delivery));
        int r;

        if (!delivery)
                return -ENOMEM;
        delivery->first = delivery->next = 1; /* a cookie of NULL is nobody's */
        r = arena_new(&delivery->arena, ARENA_SIZE);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(delivery);
        return 0;
}

static Pending *pending_at(Delivery *delivery, uint64_t number) {
        return &delivery->pending[number % WINDOW];
}

static void forget_from(Delivery *delivery, uint64_t number) {
        for (uint64_t i = number; i < delivery->next; i++) {
                Pending *pending = pending_at(delivery, i);

                free(pending->message);
                *pending = (Pending){ 0 };
        }
}

void delivery_abandon(Delivery *delivery) {
        forget_from(delivery, delivery->first);
        delivery->first = delivery->next;
        delivery->n_waiting = 0;
        delivery->receipt = receipt_free(delivery->receipt);
        delivery->roster = roster_free(delivery->roster);
        buffer_deinit(&delivery->bytes);
        delivery->step = STEP_IDLE;
}

Delivery *delivery_free(Delivery *delivery) {
        if (!delivery)
                return NULL;
        delivery_abandon(delivery);
        arena_free(delivery->arena);
        free(delivery);
        return NULL;
}

bool delivery_is_idle(const Delivery *delivery) {
        return delivery->step == STEP_IDLE;
}

const char *delivery_name(const Delivery *delivery) {
        return delivery->name;
}

int64_t delivery_pause(const Delivery *delivery) {
        return MAX(delivery->not_before - now(), (int64_t)1);
}

/* ---- the beginning ---- */

static void say_when(Delivery *delivery) {
        int64_t at = (int64_t)delivery->ledger.number * USEC_PER_SEC;
        CivilTime time = civil_from_utc(at + (delivery->host.zone ? zone_offset(delivery->host.zone, at) : 0) *
                                                     USEC_PER_SEC);

        snprintf(delivery->repeat_text, sizeof(delivery->repeat_text),
                 "already received on %04d-%02d-%02d at %02d:%02d; nothing was changed", time.year, time.month,
                 time.day, time.hour, time.minute);
}

static int begin_in_ledger(Delivery *delivery) {
        LedgerDelivery what = { 0 };
        int r;

        snprintf(what.table, sizeof(what.table), "%s", delivery->csv.table);
        snprintf(what.file, sizeof(what.file), "%s", delivery->name);
        ledger_hash(buffer_bytes(&delivery->bytes), delivery->host.profile->digest, what.hash);
        r = ledger_begin(delivery->host.ledger, &what, clock_now_at(&clock_system), &delivery->ledger, &delivery->kind);
        if (r < 0)
                return r;
        delivery->is_in_ledger = true;
        csv_reader_set_time(delivery->host.reader, (int64_t)delivery->ledger.number * USEC_PER_SEC);
        say_when(delivery);
        return 0;
}

/* It ended the adapter before it came to its rows. Who puts it in once more wants it to be tried. */
static int give_up_file(Delivery *delivery) {
        in_hand_forget(delivery->host.hand, buffer_bytes(&delivery->bytes));
        delivery->csv =
                (CsvFile){ .problem = "This file stopped the program that reads it, each time. Show it to whoever runs "
                                      "the bus, and put it in again when they say so.",
                           .problem_code = IN_HAND_CODE };
        return 0;
}

static int read_file(Delivery *delivery) {
        int r = folder_read(delivery->host.folder, delivery->name, CSV_FILE_MAX, &delivery->bytes, &delivery->file);

        if (r == -EFBIG) {
                delivery->csv = (CsvFile){ .problem = "The file is larger than 256 MB. Cut it into several files.",
                                           .problem_code = "too-large" };
                return 0;
        }
        if (r < 0)
                return r;
        if (in_hand_take(delivery->host.hand, IN_HAND_WHOLE, buffer_bytes(&delivery->bytes), /* is_again= */ false) ==
            IN_HAND_E_GIVEN_UP)
                return give_up_file(delivery);
        r = csv_reader_open(delivery->host.reader, delivery->name, buffer_bytes(&delivery->bytes),
                            /* by_columns= */ false, &delivery->csv);
        in_hand_done(delivery->host.hand, IN_HAND_WHOLE);
        return r;
}

static int begin(Delivery *delivery) {
        int r = read_file(delivery);

        if (r == 0)
                r = receipt_new(delivery->host.folder, delivery->name, &delivery->file, &delivery->receipt);
        if (r == 0 && !delivery->csv.problem)
                r = begin_in_ledger(delivery);
        if (r == 0 && delivery->csv.is_complete)
                r = roster_new(delivery->host.place, delivery->csv.table, &delivery->roster);
        if (r < 0)
                return r;
        for (size_t i = 0; i < delivery->csv.n_notes; i++)
                receipt_line(delivery->receipt, 0, RECEIPT_NOTE, delivery->csv.notes[i]);
        delivery->step = STEP_ROWS;
        if (!delivery->csv.problem)
                return 0;
        receipt_line(delivery->receipt, delivery->csv.problem_line, RECEIPT_PROBLEM, delivery->csv.problem);
        if (delivery->csv.problem_line > 0 || delivery->csv.n_rows > 0)
                receipt_line(delivery->receipt, 0, RECEIPT_PROBLEM, "Nothing of this file was taken in.");
        delivery->step = STEP_FINISH;
        return 0;
}

int delivery_begin(Delivery *delivery, const DeliveryHost *host, const char *name) {
        int r;

        delivery->host = *host;
        snprintf(delivery->name, sizeof(delivery->name), "%s", name);
        delivery->at_end = delivery->was_rewound = delivery->is_in_ledger = false;
        delivery->pause = PAUSE_MIN;
        delivery->not_before = 0;
        r = begin(delivery);
        if (r < 0)
                delivery_abandon(delivery);
        return r;
}

/* ---- rows ---- */

/* Table, file, line and delivery: the same row of the same delivery is the same message, whatever crashed in between. */
static const char *message_id(Delivery *delivery, size_t line) {
        return arena_format(delivery->arena, "%s:%.*s:%zu:%" PRIu64, delivery->csv.table, HASH_SHOWN,
                            delivery->ledger.hash, line, delivery->ledger.number);
}

/* 0: on its way; -EAGAIN: no room; a ReceiptStatus that it will never get beyond. */
static int submit_row(Delivery *delivery, CsvRow *row, uint64_t number) {
        const SubmitOptions options = { .cookie = (void *)(uintptr_t)number };
        int r;

        arena_reset(delivery->arena);
        row->reading.message_id = message_id(delivery, row->line);
        row->reading.message_time = (int64_t)delivery->ledger.number * USEC_PER_SEC;
        if (!row->reading.message_id)
                return -ENOMEM;
        r = submit_reading(delivery->host.bus, &row->reading, &options, delivery->arena);
        if (r == 0)
                submit_fields(delivery->host.bus, &row->reading);
        return r;
}

static int set_message(Pending *pending, const char *message) {
        free(pending->message);
        pending->message = message[0] ? strdup(message) : NULL;
        return message[0] && !pending->message ? -ENOMEM : 0;
}

static int push_row(Delivery *delivery, CsvRow *row) {
        static const ReceiptStatus statuses[] = {
                [CSV_TAKEN] = RECEIPT_OK, [CSV_REFUSED] = RECEIPT_PROBLEM, [CSV_LEFT_OUT] = RECEIPT_LEFT_OUT
        };
        Pending *pending = pending_at(delivery, delivery->next);
        const char *message = row->message;
        int r = row->verdict == CSV_TAKEN ? submit_row(delivery, row, delivery->next) : 0;

        if (r == -EAGAIN || r == -ENOMEM)
                return r;
        *pending = (Pending){ .line = row->line, .offset = row->offset, .status = statuses[row->verdict] };
        pending->is_waiting = row->verdict == CSV_TAKEN && r == 0;
        if (r < 0) { /* it is never going to be another */
                pending->status = RECEIPT_PROBLEM;
                message = r == -EMSGSIZE ? "the row is longer than the bus takes; make its texts shorter"
                                         : "the bus cannot take this row";
        }
        r = set_message(pending, message);
        if (r < 0)
                return r;
        if (pending->status == RECEIPT_OK && pending->message)
                pending->status = RECEIPT_NOTE;
        delivery->n_waiting += pending->is_waiting;
        delivery->next++;
        return 0;
}

/* A blank row has no line in the receipt. */
static bool has_line(const Pending *pending) {
        return pending->status != RECEIPT_LEFT_OUT || pending->message;
}

static void flush(Delivery *delivery) {
        while (delivery->first < delivery->next && !pending_at(delivery, delivery->first)->is_waiting) {
                Pending *pending = pending_at(delivery, delivery->first);

                if (has_line(pending))
                        receipt_line(delivery->receipt, pending->line, pending->status,
                                     pending->message ? pending->message : "");
                free(pending->message);
                *pending = (Pending){ 0 };
                delivery->first++;
        }
}

/* What is known of the person before would be taken for this one's. */
static int check_owner(Delivery *delivery, CsvRow *row) {
        int r;

        if (row->verdict != CSV_TAKEN || !row->key || !row->birth_date)
                return 0;
        r = owners_say(delivery->host.owners, row->key, row->birth_date, row->family_name);
        return r == OWNERS_E_ANOTHER
                       ? csv_reader_refuse(
                                 delivery->host.reader, row,
                                 "this number was somebody else's before: date of birth and family name are both "
                                 "others now. Give this person a number of their own. If it is the same person, "
                                 "send the row with one of both as it was, and then with the other")
                       : r;
}

static int do_rows(Delivery *delivery) {
        for (unsigned i = 0; i < ROWS_A_TURN; i++) {
                CsvRow row;
                int r;

                flush(delivery);
                if (delivery->next - delivery->first == WINDOW)
                        return DELIVERY_WAITS;
                r = csv_reader_next(delivery->host.reader, &row);
                if (r < 0)
                        return r;
                if (r == 0) {
                        delivery->at_end = true;
                        if (delivery->first < delivery->next)
                                return DELIVERY_WAITS;
                        delivery->step = STEP_FINISH;
                        return DELIVERY_GOES_ON;
                }
                r = delivery->roster && row.key ? roster_add(delivery->roster, row.key) : 0;
                if (r == 0)
                        r = check_owner(delivery, &row);
                if (r == 0)
                        r = push_row(delivery, &row);
                if (r == -EAGAIN) {
                        csv_reader_seek(delivery->host.reader, row.offset, row.line);
                        return DELIVERY_WAITS;
                }
                if (r < 0)
                        return r;
        }
        return DELIVERY_GOES_ON;
}

/* ---- answers ---- */

static void answer_known(Delivery *delivery, Pending *pending) {
        /* Of a delivery that goes on after a crash, what the bus knows is what went before it. */
        if (delivery->kind != LEDGER_REPEAT)
                return;
        pending->status = RECEIPT_REPEAT;
        (void)set_message(pending, delivery->repeat_text);
}

static void answer_stored(Pending *pending, const char *reason) {
        char message[256];

        if (!reason)
                return;
        pending->status = RECEIPT_WAITS;
        snprintf(message, sizeof(message), "a person at the bus has to look at this row (%.64s)", reason);
        (void)set_message(pending, message);
}

static void answer_refused(Pending *pending, const char *reason) {
        char message[256];

        pending->status = RECEIPT_PROBLEM;
        snprintf(message, sizeof(message), "the bus refused this row (%.64s); ask whoever runs the bus",
                 reason ? reason : "refused");
        (void)set_message(pending, message);
}

static void answer_later(Delivery *delivery, uint64_t number, const Pending *pending, uint32_t retry_after_ms) {
        delivery->step = STEP_REWIND;
        delivery->was_rewound = true;
        delivery->rewind_to = number;
        delivery->rewind_line = pending->line;
        delivery->rewind_offset = pending->offset;
        delivery->pause = MIN(delivery->pause * 2, PAUSE_MAX);
        delivery->not_before = now() + MAX(delivery->pause, (int64_t)retry_after_ms * USEC_PER_MSEC);
}

void delivery_on_receipt(Delivery *delivery, void *cookie, const carebus_receipt *receipt) {
        uint64_t number = (uintptr_t)cookie;
        Pending *pending;

        if (number < delivery->first || number >= delivery->next)
                return;
        pending = pending_at(delivery, number);
        if (!pending->is_waiting)
                return;
        delivery->n_waiting--;
        if (delivery->step == STEP_REWIND) /* sent again with all behind the one that was put off */
                return;
        switch (receipt->result) {
        case CAREBUS_STORED:
                delivery->pause = PAUSE_MIN;
                answer_stored(pending, receipt->reason);
                break;
        case CAREBUS_DUPLICATE:
                answer_known(delivery, pending);
                break;
        case CAREBUS_REFUSED:
                answer_refused(pending, receipt->reason);
                break;
        case CAREBUS_REFUSED_LATER:
                answer_later(delivery, number, pending, receipt->retry_after_ms);
                return;
        }
        pending->is_waiting = false;
}

static int do_rewind(Delivery *delivery) {
        if (delivery->n_waiting > 0)
                return DELIVERY_WAITS;
        if (now() < delivery->not_before)
                return DELIVERY_LATER;
        forget_from(delivery, delivery->rewind_to);
        delivery->next = delivery->rewind_to;
        delivery->at_end = false;
        csv_reader_seek(delivery->host.reader, delivery->rewind_offset, delivery->rewind_line);
        delivery->step = STEP_ROWS;
        return DELIVERY_GOES_ON;
}

/* ---- the end ---- */

static void give_end(const Delivery *delivery, DeliveryEnd *ret) {
        const Receipt *receipt = delivery->receipt;

        *ret = (DeliveryEnd){
                .table = delivery->csv.table ? delivery->csv.table : "unknown",
                .problem_code = delivery->csv.problem_code,
                .n_taken = receipt_count(receipt, RECEIPT_OK) + receipt_count(receipt, RECEIPT_NOTE),
                .n_known = receipt_count(receipt, RECEIPT_REPEAT),
                .n_waiting = receipt_count(receipt, RECEIPT_WAITS),
                .n_problems = receipt_count(receipt, RECEIPT_PROBLEM),
                .n_left_out = receipt_count(receipt, RECEIPT_LEFT_OUT),
                .n_rows = delivery->csv.n_rows,
        };
}

/* Whoever is missing from a list that should have everybody is counted: a person has to say why, and nothing is removed. */
static int count_missing(Delivery *delivery) {
        char message[256];
        uint64_t missing;
        int r = roster_missing(delivery->roster, &missing);

        if (r < 0 || missing == 0)
                return r;
        snprintf(message, sizeof(message),
                 "%" PRIu64 " of those who were in the file before this one are not in it; nothing was removed. Where "
                 "somebody left or died, "
                 "say so in a row",
                 missing);
        receipt_line(delivery->receipt, 0, RECEIPT_NOTE, message);
        return 0;
}

/* The receipt is there before the file goes; the ledger closes last. A crash between them is looked after at the next start. */
static int do_finish(Delivery *delivery, DeliveryEnd *ret_end) {
        bool is_bad;
        int r;

        give_end(delivery, ret_end);
        is_bad = delivery->csv.problem || ret_end->n_problems > 0;
        if (!is_bad && delivery->kind == LEDGER_REPEAT && delivery->is_in_ledger && ret_end->n_known > 0)
                receipt_line(delivery->receipt, 0, RECEIPT_REPEAT, delivery->repeat_text);
        r = delivery->roster && !is_bad ? count_missing(delivery) : 0;
        if (r == 0)
                r = receipt_put(delivery->receipt);
        if (r == 0 && delivery->roster && !is_bad)
                r = roster_keep(delivery->roster);
        if (r == 0)
                r = owners_keep(delivery->host.owners);
        if (r == 0)
                r = folder_move(delivery->host.folder, delivery->name, &delivery->file,
                                is_bad ? FOLDER_PROBLEM : FOLDER_DONE, clock_now_at(&clock_system));
        /* Gone, or another by now: what was read of it is with the bus all the same. */
        if (r == -ENOENT || r == -ESTALE)
                r = 0;
        if (r == 0 && delivery->is_in_ledger)
                r = ledger_end(delivery->host.ledger, delivery->ledger.table);
        delivery_abandon(delivery);
        return r;
}

int delivery_work(Delivery *delivery, DeliveryEnd *ret_end) {
        int r = 0;

        switch (delivery->step) {
        case STEP_IDLE:
                return DELIVERY_WAITS;
        case STEP_ROWS:
                r = do_rows(delivery);
                break;
        case STEP_REWIND:
                r = do_rewind(delivery);
                break;
        case STEP_FINISH:
                return do_finish(delivery, ret_end);
        }
        if (r < 0)
                delivery_abandon(delivery);
        return r;
}
