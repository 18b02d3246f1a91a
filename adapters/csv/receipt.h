#pragma once
/*
 * NAME.receipt.csv: line, status, message, for whoever wrote the file. Names lines, columns and what to write instead; never what stood in
 * a cell. Written as rows are answered, and seen only when it is whole. One thread.
 */
#include "adapters/csv/folder.h"
#include "base/cleanup.h"

typedef enum ReceiptStatus {
        RECEIPT_OK,       /* taken in */
        RECEIPT_NOTE,     /* taken in, and there is something to know */
        RECEIPT_REPEAT,   /* was taken in before, and changed nothing */
        RECEIPT_WAITS,    /* taken in, and a person at the bus has to look at it */
        RECEIPT_LEFT_OUT, /* no row of anybody */
        RECEIPT_PROBLEM,  /* not taken in */
        _RECEIPT_STATUS_MAX,
} ReceiptStatus;

typedef struct Receipt Receipt;

/* Fails where the folder cannot be written, before anything else is done with the file. */
int receipt_new(const Folder *folder, const char *file_name, const FolderFile *file, Receipt **ret);
Receipt *receipt_free(Receipt *receipt);
DEFINE_CLEANUP(Receipt *, receipt_free)
/* Of a row; `line` 0: of the file as a whole. A failure sticks, and receipt_put() says it. */
void receipt_line(Receipt *receipt, size_t line, ReceiptStatus status, const char *message);
uint64_t receipt_count(const Receipt *receipt, ReceiptStatus status);
/* Adds the sum, and shows it. 0 or a negative errno; may be tried again. */
int receipt_put(Receipt *receipt);
