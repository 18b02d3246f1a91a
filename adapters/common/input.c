#include "adapters/common/input.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "proto/json.h"

#define LINES_MAX (256UL << 20)
#define ARENA_MAX (128UL << 20)

int input_read(const char *program, const char *file, size_t max, Buffer *ret) {
        int r = file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, max, ret);

        if (r >= 0)
                return EXIT_DONE;
        error_print(program, "%s cannot be read: %s", file, strerror(-r));
        return EXIT_BAD_INPUT;
}

typedef struct Lines {
        const char *program;
        Arena *arena; /* of one line */
        InputEvent use;
        void *owner;
        size_t n;
} Lines;

/* An exit code. */
static int use_line(Lines *lines, const char *line) {
        Carebus__V1__Event **events;
        size_t n;
        int r;

        lines->n++;
        if (line[strspn(line, " \t\r")] == 0)
                return EXIT_DONE;
        arena_reset(lines->arena);
        r = json_events_read(line, lines->arena, &events, &n);
        if (r == -EBADMSG) {
                error_print(lines->program, "line %zu is no line of --translate: {\"events\":[...]}", lines->n);
                return EXIT_BAD_INPUT;
        }
        for (size_t i = 0; r == 0 && i < n; i++)
                r = lines->use(lines->owner, events[i], lines->n, i + 1);
        if (r < 0)
                error_print(lines->program, "line %zu cannot be used: %s", lines->n, strerror(-r));
        return r < 0 ? EXIT_SOFTWARE : EXIT_DONE;
}

int input_events(const char *program, const char *file, InputEvent use, void *owner) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        Lines lines = { .program = program, .use = use, .owner = owner };
        int r = input_read(program, file, LINES_MAX, &content), worst = EXIT_DONE;

        if (r != EXIT_DONE)
                return r;
        text = buffer_steal_text(&content);
        if (!text || arena_new(&arena, ARENA_MAX) < 0) {
                error_print(program, "out of memory");
                return EXIT_SOFTWARE;
        }
        lines.arena = arena;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                r = use_line(&lines, line);
                worst = r ? r : worst;
        }
        return worst;
}
