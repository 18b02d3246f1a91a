#pragma once
/*
 * A payload without its original has no hash of its own in the chain: the decision by which the original went says what is left of it. This
 * is the proof that each such payload is what a decision says. Any thread; changes nothing.
 */
#include <stdint.h>

/* Of entries up to `limit`, which have to be proved by journal_verify() before. *ret_n: payloads without their original; *ret_seq: the
 * first of them that no decision vouches for, or another than stands there; 0: none. 0 or negative. */
int retention_prove(const char *journal_folder, uint64_t limit, uint64_t *ret_n, uint64_t *ret_seq);
