#pragma once
/* What the tests of the store share: a folder to throw away, records whose content follows from their number, files cut open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "daemon/store/journal.h"

/* cmocka's setup and teardown: *state becomes the path of an empty folder, removed afterwards with all in it. */
int folder_setup(void **state);
int folder_teardown(void **state);
const char *folder_path(const char *folder, const char *name); /* one of four static buffers */
void folder_copy(const char *from, const char *to);
void folder_empty(const char *folder);

/* A record's content: up to a few hundred bytes that follow from its number. */
Bytes payload_of(uint64_t seq, Buffer *buffer);
int64_t received_at_of(uint64_t seq);

Journal *open_journal(const char *folder, uint64_t segment_bytes, uint64_t state_seq);
/* Appends and commits `n` records in batches of `batch`. */
void write_records(Journal *journal, uint64_t n, uint64_t batch);
/* Reads all from `from` to `to` and checks each. */
void expect_records(const char *folder, uint64_t from, uint64_t to);
void expect_verified(const char *folder, uint64_t last_seq);

/* Bytes of a file, changed from outside. */
void file_flip(const char *folder, const char *name, uint64_t offset, unsigned bit);
void file_fill(const char *folder, const char *name, uint64_t offset, uint64_t size, uint8_t byte);
uint64_t file_size(const char *folder, const char *name);
bool file_exists(const char *folder, const char *name);

/* Where the batch lies that holds a number. */
JournalPlace place_of(const char *folder, uint64_t seq);
const char *segment_file(uint64_t first_seq); /* static buffer */
