#pragma once
/* When a certificate ends. */
#include <stdint.h>

/* Of the first certificate in a PEM file: its last moment, microseconds since 1970. -EINVAL for what is no certificate, or an errno of
 * reading. */
int certificate_read_end(const char *path, int64_t *ret);
/* The same for whoever only shows it: 0 where there is none (`path` may be NULL) or nobody can say. */
int64_t certificate_end_or_zero(const char *path);
