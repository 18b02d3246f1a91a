#pragma once
/*
 * One file's way to the bus: read, known or new by the ledger, row by row with an answer for each, a receipt, and then done/ or problem/.
 * One at a time. A crash anywhere leaves either a file that is begun again, with rows that the bus knows by their ids, or one that is done.
 * One thread.
 */
#include "adapters/csv/folder.h"
#include "adapters/csv/ledger.h"
#include "adapters/csv/owners.h"
#include "adapters/csv/translate.h"
#include "canon/zone.h"
#include "sdk/carebus.h"

typedef struct DeliveryHost {
        const Folder *folder;
        Ledger *ledger;
        CsvReader *reader;
        InHand *hand;
        carebus_source *bus;
        const char *place; /* of place_open() */
        Owners *owners;
        const Profile *profile;
        const Zone *zone; /* of the dates in receipts; NULL: UTC */
} DeliveryHost;

typedef struct DeliveryEnd {
        const char *table; /* static; "unknown" where not even that is known */
        const char *problem_code;
        uint64_t n_rows, n_taken, n_known, n_waiting, n_problems, n_left_out;
} DeliveryEnd;

typedef struct Delivery Delivery;

int delivery_new(Delivery **ret);
Delivery *delivery_free(Delivery *delivery);
DEFINE_CLEANUP(Delivery *, delivery_free)

/* Begins with a file. 0; -EBUSY it changes still; -ENOENT, -ELOOP and so on as folder_read(); or what made the receipt or the ledger
 * impossible: nothing has happened then. What `host` points to is borrowed until delivery_is_idle(). */
int delivery_begin(Delivery *delivery, const DeliveryHost *host, const char *name);
bool delivery_is_idle(const Delivery *delivery);
const char *delivery_name(const Delivery *delivery);

/* Positive returns of delivery_work(). */
enum {
        DELIVERY_WAITS = 1, /* for receipts, or for the bus to want more */
        DELIVERY_GOES_ON,   /* there is more to do: call it again soon */
        DELIVERY_LATER,     /* the bus said not now: call it again after delivery_pause() microseconds */
};
/* Does some of it. 0: it is done, and *ret_end says how; the delivery is idle. Negative: the receipt or the move failed; it is idle too,
 * the file is where it was, and can be begun again. */
int delivery_work(Delivery *delivery, DeliveryEnd *ret_end);
int64_t delivery_pause(const Delivery *delivery);
/* `cookie` is what delivery_work() submitted with; others are passed over. */
void delivery_on_receipt(Delivery *delivery, void *cookie, const carebus_receipt *receipt);
/* Leaves it as after a crash. Receipts that still come are passed over. */
void delivery_abandon(Delivery *delivery);
