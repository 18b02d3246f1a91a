/* Any bytes as a profile: problems, or maps that are ordered and find what is in them. */
#include <stdint.h>

#include "config/profile-read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const Profile *profile) {
        for (size_t i = 0; i < profile->n_maps; i++) {
                const ProfileMap *map = &profile->maps[i];
                if (profile_find_map(profile, map->path) != map)
                        __builtin_trap();
                for (size_t k = 0; k < map->n_entries; k++) {
                        const ProfileMapEntry *entry = &map->entries[k];
                        if (profile_map_find(map, entry->code) != entry || !entry->to_system || !entry->to_code)
                                __builtin_trap();
                }
        }
        for (size_t i = 0; i < profile->n_authorities; i++)
                if (!profile->authorities[i].system ||
                    (!profile->authorities[i].authority && !profile->authorities[i].type))
                        __builtin_trap();
        for (size_t i = 0; i < profile->n_fields; i++)
                if (!profile->fields[i].from || !profile->fields[i].to)
                        __builtin_trap();
        for (size_t i = 0; i < profile->n_teams; i++)
                if (!profile->teams[i].team || profile_team_place(profile, i).line == 0)
                        __builtin_trap();
        for (size_t i = 0; i < profile->n_tables; i++)
                if (profile_table_find(profile, profile->tables[i].name) != &profile->tables[i])
                        __builtin_trap();
        for (size_t i = 0; i < profile->n_maps; i++)
                if (strncmp(profile->maps[i].path, "decision.", strlen("decision.")) == 0 &&
                    !profile_map_is_signed(&profile->maps[i]))
                        __builtin_trap();
        for (size_t i = 0; i < profile->n_ignore; i++)
                (void)profile_path_language(profile->ignore[i]);
        (void)profile_trigger_rule(profile, "ADT", "A01");
        if (profile_list_is_complete(profile, "decisions") || profile_list_is_complete(profile, "allergies"))
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ConfigText text = { 0 };
        ConfigProblems problems = { 0 };
        Profile *profile = NULL;
        if (size > 32768 || config_text_add(&text, "fuzz.yaml") < 0)
                return 0;
        buffer_append(&text.files[0].content, data, size);
        Report report = { .text = &text, .problems = &problems };
        int r = profile_read(&report, /* files= */ NULL, 0, "fuzz", &profile);
        if ((r == 0) != (profile != NULL) || (r > 0 && problems.n_errors == 0))
                __builtin_trap();
        if (profile)
                check(profile);
        profile_free(profile);
        config_problems_deinit(&problems);
        buffer_deinit(&text.files[0].content);
        free(text.files[0].path);
        free(text.files);
        return 0;
}
