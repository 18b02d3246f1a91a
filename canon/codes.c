/* See the header. Copies into the arena: the event may outlive the configuration that the map is part of. */
#include "canon/codes.h"

#include <errno.h>
#include <string.h>

static int copy_text(Arena *arena, const char *text, char **ret) {
        if (!text)
                return 0;
        char *copy = arena_text(arena, text, strlen(text));
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

/* The code of a source that said no system is its own: it is kept as such before a map puts another in its place. */
static int keep_original(Carebus__V1__Coded *coded, Arena *arena) {
        if (coded->original && coded->original->code)
                return 0;
        Carebus__V1__OriginalCode *original = coded->original;
        if (!original) {
                original = arena_alloc(arena, sizeof(*original));
                if (!original)
                        return -ENOMEM;
                carebus__v1__original_code__init(original);
                coded->original = original;
        }
        original->code = coded->code;
        if (!original->display)
                original->display = coded->display;
        coded->code = NULL;
        coded->display = NULL;
        return 0;
}

static bool is_empty(const char *text) {
        return !text || text[0] == '\0';
}

int coded_apply_map(Carebus__V1__Coded *coded, const ProfileMap *map, Arena *arena) {
        if (!is_empty(coded->system))
                return CODES_E_NOTHING;
        const char *said = coded->original && !is_empty(coded->original->code) ? coded->original->code : coded->code;
        if (is_empty(said))
                return CODES_E_NOTHING;
        int r = keep_original(coded, arena);
        if (r < 0)
                return r;
        const ProfileMapEntry *entry = profile_map_find(map, said);
        if (!entry)
                return CODES_E_MISS;
        char *system = NULL, *code = NULL, *display = NULL;
        r = copy_text(arena, entry->to_system, &system);
        if (r == 0)
                r = copy_text(arena, entry->to_code, &code);
        if (r == 0)
                r = copy_text(arena, entry->to_display, &display);
        if (r < 0)
                return r;
        coded->system = system;
        coded->code = code;
        if (display)
                coded->display = display;
        return 0;
}

int quantity_apply_map(Carebus__V1__Quantity *quantity, const ProfileMap *map, Arena *arena) {
        if (!is_empty(quantity->unit) || is_empty(quantity->original_unit))
                return CODES_E_NOTHING;
        const ProfileMapEntry *entry = profile_map_find(map, quantity->original_unit);
        if (!entry)
                return CODES_E_MISS;
        return copy_text(arena, entry->to_code, &quantity->unit);
}
