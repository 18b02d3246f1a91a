/*
 * Coverage: what stood in a message and nobody asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/hl7.h"

#define COMPONENTS_MAX 61
#define READ_WHOLE_OR_LEFT (1ULL | 1ULL << 62)
#define READ_REPEATS (1ULL << 63)
/* A message with more unread places than this is no list that anybody reads. */
#define UNREAD_MAX 1000

typedef struct UnreadList {
        Arena *arena;
        const char **items;
        size_t n, n_allocated;
} UnreadList;

static int add(UnreadList *list, const char *text) {
        for (size_t i = 0; i < list->n; i++)
                if (strcmp(list->items[i], text) == 0)
                        return 0;
        if (list->n == UNREAD_MAX)
                return 0;
        if (list->n == list->n_allocated) {
                size_t n = list->n_allocated ? list->n_allocated * 2 : 32;
                const char **items = arena_alloc(list->arena, n * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                if (list->n)
                        memcpy(items, list->items, list->n * sizeof(*items));
                list->items = items;
                list->n_allocated = n;
        }
        list->items[list->n] = arena_text(list->arena, text, strlen(text));
        return list->items[list->n] ? (list->n++, 0) : -ENOMEM;
}

/* The components that have a value in any repeat, as bits; bit 0: a repeat after the first has one. */
static uint64_t components_with_value(const Hl7Message *message, Hl7Value field) {
        Hl7Value components[COMPONENTS_MAX], repeat;
        uint64_t found = 0;
        bool first = true;

        field.field = NULL;
        while (hl7_next_repeat(message, &field, &repeat)) {
                size_t n = hl7_split_components(message, repeat, components, COMPONENTS_MAX);

                for (size_t i = 0; i < n; i++)
                        if (hl7_presence(components[i]) != HL7_ABSENT)
                                found |= (1ULL << (i + 1)) | !first;
                first = false;
        }
        return found;
}

uint64_t hl7_unread_components(const Hl7Message *message, Hl7Value field) {
        uint64_t read = field.raw.size > 0 ? field.field->read : 0, found;

        if (field.raw.size == 0 || (read & READ_WHOLE_OR_LEFT))
                return 0;
        found = components_with_value(message, field);
        return (found & ~read & ~1ULL) | ((found & 1) && !(read & READ_REPEATS));
}

static int list_field(const Hl7Message *message, const Hl7Segment *segment, unsigned number, UnreadList *list) {
        Hl7Value value = hl7_field(message, segment, number);
        uint64_t unread = hl7_unread_components(message, value);
        char text[HL7_POSITION_SIZE];
        int r = 0;

        if (unread == 0)
                return 0;
        if (value.field->read == 0) { /* nobody looked at the field at all */
                snprintf(text, sizeof(text), "%s-%u", segment->name, number);
                return add(list, text);
        }
        for (unsigned i = 1; unread >> i && r == 0; i++)
                if (unread & (1ULL << i)) {
                        snprintf(text, sizeof(text), "%s-%u.%u", segment->name, number, i);
                        r = add(list, text);
                }
        if (r == 0 && (unread & 1)) {
                snprintf(text, sizeof(text), "%s-%u[2]", segment->name, number);
                r = add(list, text);
        }
        return r;
}

int hl7_list_unread(const Hl7Message *message, Arena *arena, const char ***ret, size_t *ret_n) {
        UnreadList list = { .arena = arena };

        for (size_t i = 0; i < message->n_segments; i++) {
                const Hl7Segment *segment = &message->segments[i];
                unsigned first = i == 0 ? 3 : 1;

                for (unsigned f = 0; f < segment->n_fields && list.n < UNREAD_MAX; f++) {
                        int r = list_field(message, segment, f + first, &list);

                        if (r < 0)
                                return r;
                }
        }
        *ret = list.items;
        *ret_n = list.n;
        return 0;
}
