/* See the header. Copies into the arena: the event may outlive the configuration that the map is part of. */
#include "canon/codes.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static int copy_text(Arena *arena, const char *text, char **ret) {
        if (!text)
                return 0;
        char *copy = arena_text(arena, text, strlen(text));
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

static bool is_empty(const char *text) {
        return !text || text[0] == '\0';
}

static bool is_same(const char *a, const char *b) {
        return a ? b && strcmp(a, b) == 0 : !b;
}

/* What is there as a code is kept as such before another takes its place. */
static int keep_original(Carebus__V1__Coded *coded, Arena *arena) {
        Carebus__V1__OriginalCode *original = coded->original;
        if (original && original->code)
                return 0;
        if (!original) {
                original = arena_alloc(arena, sizeof(*original));
                if (!original)
                        return -ENOMEM;
                carebus__v1__original_code__init(original);
                coded->original = original;
        }
        if (!original->system)
                original->system = coded->system;
        original->code = coded->code;
        if (!original->display)
                original->display = coded->display;
        coded->system = NULL;
        coded->code = NULL;
        coded->display = NULL;
        return 0;
}

int coded_settle(Carebus__V1__Coded *coded, const char *system, const char *code, const char *display, Arena *arena) {
        char *new_system = NULL, *new_code = NULL, *new_display = NULL;
        bool is_there = is_same(coded->system, system) && is_same(coded->code, code);
        if (is_there && (is_empty(display) || is_same(coded->display, display)))
                return 0;
        int r = is_there || is_empty(coded->code) ? 0 : keep_original(coded, arena);
        if (r == 0)
                r = copy_text(arena, system, &new_system);
        if (r == 0)
                r = copy_text(arena, code, &new_code);
        if (r == 0)
                r = copy_text(arena, display, &new_display);
        if (r < 0)
                return r;
        if (!is_empty(coded->display) && is_empty(coded->text) && !is_same(coded->display, display))
                coded->text = coded->display;
        coded->system = new_system;
        coded->code = new_code;
        if (new_display)
                coded->display = new_display;
        return 0;
}

/* Words say it as well where no code does: what a code is called, and what a person wrote. */
static const ProfileMapEntry *find_entry(const Carebus__V1__Coded *coded, const ProfileMap *map) {
        const char *said[] = { coded->original ? coded->original->code : NULL, coded->code,
                               coded->original ? coded->original->display : NULL, coded->display, coded->text };
        const ProfileMapEntry *entry = NULL;
        for (size_t i = 0; !entry && i < ELEMENTSOF(said); i++)
                if (!is_empty(said[i]) && (i < 2 || profile_code_is_word(said[i])))
                        entry = profile_map_find(map, said[i]);
        return entry;
}

/* One name for one code, whoever sends it. */
static int name_shared(Carebus__V1__Coded *coded, const ProfileMap *map, Arena *arena) {
        for (size_t i = 0; !is_empty(coded->code) && i < map->n_entries; i++) {
                const ProfileMapEntry *entry = &map->entries[i];
                if (!is_same(entry->to_code, coded->code) || !is_same(entry->to_system, coded->system))
                        continue;
                int r = coded_settle(coded, coded->system, coded->code, entry->to_display, arena);
                return r < 0 ? r : CODES_E_NOTHING;
        }
        return CODES_E_NOTHING;
}

int coded_apply_map(Carebus__V1__Coded *coded, const ProfileMap *map, Arena *arena) {
        if (!is_empty(coded->system))
                return name_shared(coded, map, arena);
        const ProfileMapEntry *entry = find_entry(coded, map);
        bool has_code = (coded->original && !is_empty(coded->original->code)) || !is_empty(coded->code);
        int r = has_code ? keep_original(coded, arena) : 0;
        if (r < 0)
                return r;
        if (!entry)
                return has_code ? CODES_E_MISS : CODES_E_NOTHING;
        return coded_settle(coded, entry->to_system, entry->to_code, entry->to_display, arena);
}

int quantity_apply_map(Carebus__V1__Quantity *quantity, const ProfileMap *map, Arena *arena) {
        if (!is_empty(quantity->unit) || is_empty(quantity->original_unit))
                return CODES_E_NOTHING;
        const ProfileMapEntry *entry = profile_map_find(map, quantity->original_unit);
        if (!entry)
                return CODES_E_MISS;
        return copy_text(arena, entry->to_code, &quantity->unit);
}
