#pragma once
/*
 * Ownership by attribute: a local owner frees what it holds when it leaves its scope, unless it was handed over.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _pure_ __attribute__((pure))

/* Hands over what a pointer holds: the caller's variable becomes NULL. */
#define TAKE_PTR(p)                         \
        ({                                  \
                __typeof__(p) _taken = (p); \
                (p) = NULL;                 \
                _taken;                     \
        })
#define TAKE_FD(fd)                \
        ({                         \
                int _taken = (fd); \
                (fd) = -1;         \
                _taken;            \
        })

/* DEFINE_CLEANUP(Thing *, thing_free) makes thing_freep() for _cleanup_; the destructor takes NULL and returns NULL. */
#define DEFINE_CLEANUP(type, func)                           \
        static inline _unused_ void func##p(type *pointer) { \
                if (*pointer)                                \
                        func(*pointer);                      \
        }

static inline void freep(void *pointer) {
        free(*(void **)pointer);
}
static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}
static inline void fclosep(FILE **file) {
        if (*file)
                fclose(*file);
}
static inline void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
