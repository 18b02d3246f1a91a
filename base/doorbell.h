#pragma once
/* An eventfd: rung by anyone (thread- and fork-safe), cleared by the one who sleeps on it. */
#include "base/cleanup.h"

int doorbell_new(void); /* the descriptor (non-blocking, close-on-exec), or negative errno */
void doorbell_ring(int fd);
void doorbell_clear(int fd);
