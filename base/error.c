/* What a command line says when it cannot. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

void error_print(const char *program, const char *format, ...) {
        _cleanup_(freep) char *sentence = NULL;
        _cleanup_(freep) char *escaped = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&sentence, format, arguments);
        va_end(arguments);
        if (n < 0) {
                sentence = NULL;
                (void)fprintf(stderr, "%s: out of memory\n", program);
                return;
        }
        /* It may quote a file or an argument: one line, nothing a terminal obeys. */
        escaped = text_escaped(bytes_of_text(sentence));
        (void)fprintf(stderr, "%s: %s\n", program, escaped ? escaped : "out of memory");
}
