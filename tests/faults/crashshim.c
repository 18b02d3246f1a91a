/*
 * LD_PRELOAD: a program that ends on what a message says. CAREBUS_CRASH_AT names a text: whoever asks how long a text is that begins with
 * it dies at once, or, with CAREBUS_CRASH_HOW=stand, goes on no more.
 */
#include <stdlib.h>
#include <string.h>

static const char *marker;

static __attribute__((constructor)) void read_environment(void) {
        marker = getenv("CAREBUS_CRASH_AT");
}

static int begins_with_marker(const char *text) {
        size_t i = 0;

        if (!marker || !marker[0])
                return 0;
        while (marker[i] && text[i] == marker[i])
                i++;
        return !marker[i];
}

static void end(void) {
        const char *how = getenv("CAREBUS_CRASH_HOW");
        volatile int stands = how && how[0] == 's';

        while (stands)
                ;
        __builtin_trap();
}

size_t strlen(const char *text) {
        const char *at = text;

        if (begins_with_marker(text))
                end();
        while (*at)
                at++;
        return (size_t)(at - text);
}
