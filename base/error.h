#pragma once
/*
 * Two kinds of return. Negative is an errno: fatal for the operation, passed on unchanged. Positive is a value of the
 * callee's own enum (MODULE_E_*): documented, and handled by the caller. Zero is success.
 */
#include <errno.h>

/* Turns a positive code that the caller has no case for into a fatal one. */
static inline int error_fold(int r) {
        return r > 0 ? -ENOTRECOVERABLE : r;
}

/* Exit codes of all programs: sysexits(3). */
enum {
        EXIT_DONE = 0,
        EXIT_NO = 1, /* the answer is no */
        EXIT_WRONG_USE = 64,
        EXIT_BAD_INPUT = 65,
        EXIT_UNREACHABLE = 69, /* cannot reach the daemon */
        EXIT_SOFTWARE = 70,
        EXIT_STORAGE = 74,
        EXIT_LATER = 75,
        EXIT_NOT_ALLOWED = 77,
        EXIT_CONFIGURATION = 78,
};

/* One line on stderr: "PROGRAM: sentence". For command lines only; a running daemon logs. */
void error_print(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));
