/* Making the rules of the configuration and of the fold one. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/choke.h"
#include "daemon/sharing/sharing-pack.h"
#include "daemon/sharing/sharing.h"
#include "proto/check.h"

/* Rules, classes with their codes, and teams; far beyond what the file of a configuration holds. */
#define ARENA_BYTES ((size_t)1 << 30)

/* Ours: who gave them may free them. */
static int copy_settings(const Carebus__V1__Settings *said, Arena *arena, Carebus__V1__Settings **ret) {
        ProtobufCAllocator allocator = check_allocator(arena);
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        uint8_t *room = buffer_reserve(&packed, carebus__v1__settings__get_packed_size(said));

        if (!room)
                return -ENOMEM;
        *ret = carebus__v1__settings__unpack(&allocator, carebus__v1__settings__pack(said, room), room);
        return *ret ? 0 : -ENOMEM;
}

static int add_classes(PolicyClasses *classes, const Carebus__V1__SharingSettings *said, Arena *arena) {
        const char **names;

        if (!said)
                return 0;
        names = arena_alloc(arena, (classes->n + said->n_sensitive + 1) * sizeof(*names));
        if (!names)
                return -ENOMEM;
        if (classes->n > 0)
                memcpy(names, classes->names, classes->n * sizeof(*names));
        classes->names = names;
        for (size_t i = 0; i < said->n_sensitive; i++) {
                bool is_there = false;

                for (size_t k = 0; k < classes->n; k++)
                        is_there |= text_equal(names[k], said->sensitive[i]->name);
                if (!is_there && said->sensitive[i]->name)
                        names[classes->n++] = said->sensitive[i]->name;
        }
        return 0;
}

/* Of two teams' reading what both read. */
static int fill_reads(Sharing *sharing, size_t team) {
        const PolicyTeam *own = &sharing->policies[0]->teams[team];
        size_t n = 0;

        sharing->reads[team] = arena_alloc(sharing->arena, (own->n_reads + 1) * sizeof(char *));
        if (!sharing->reads[team])
                return -ENOMEM;
        for (size_t i = 0; i < own->n_reads; i++)
                if (sharing_may_read(sharing, team, bytes_of_text(own->reads[i])))
                        sharing->reads[team][n++] = own->reads[i];
        sharing->reads[team][n] = NULL;
        return 0;
}

static int fill_digest(Sharing *sharing, size_t team, bool *ret_differs) {
        _cleanup_(buffer_deinit) Buffer both = BUFFER_NULL;
        size_t first;

        policy_describe(sharing->policies[0], team, &both);
        first = both.size;
        policy_describe(sharing->policies[1], team, &both);
        if (both.error)
                return both.error;
        *ret_differs = 2 * first != both.size || memcmp(both.data, both.data + first, first) != 0;
        sha256(both.data, both.size, sharing->digests[team]);
        return 0;
}

/* Where both say the same of every team, one of them is asked. */
static int fill_teams(Sharing *sharing) {
        bool differ = !sharing->policies[0]->said != !sharing->policies[1]->said;
        int r = 0;

        sharing->reads = arena_alloc(sharing->arena, (sharing->n_teams + 1) * sizeof(*sharing->reads));
        sharing->digests = arena_alloc(sharing->arena, (sharing->n_teams + 1) * sizeof(*sharing->digests));
        if (!sharing->reads || !sharing->digests)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < sharing->n_teams; i++) {
                bool differs = true;

                r = fill_digest(sharing, i, &differs);
                differ |= differs;
                if (r == 0)
                        r = fill_reads(sharing, i);
        }
        if (!differ)
                sharing->policies[1] = NULL;
        return r;
}

static bool is_alike(const PolicyTeam *a, const PolicyTeam *b) {
        if (!a->name != !b->name || a->reads_all != b->reads_all || a->n_reads != b->n_reads ||
            memcmp(a->of_kind, b->of_kind, sizeof(a->of_kind)) != 0)
                return false;
        for (size_t i = 0; i < a->n_reads; i++)
                if (!text_equal(a->reads[i], b->reads[i]))
                        return false;
        return true;
}

static bool teams_are_alike(const Sharing *sharing, size_t a, size_t b) {
        for (size_t i = 0; i < 2; i++) {
                const Policy *policy = sharing->policies[i];

                if (policy && !is_alike(&policy->teams[a], &policy->teams[b]))
                        return false;
        }
        return true;
}

/* What the choke point looks at of a team, but for its name and what is its own. */
static int fill_groups(Sharing *sharing) {
        sharing->groups = arena_alloc(sharing->arena, (sharing->n_teams + 1) * sizeof(*sharing->groups));
        if (!sharing->groups)
                return -ENOMEM;
        for (size_t i = 0; i < sharing->n_teams; i++) {
                size_t first = 0;

                while (first < i && (sharing->groups[first] != first || !teams_are_alike(sharing, first, i)))
                        first++;
                sharing->groups[i] = first;
        }
        return 0;
}

static int fill(Sharing *sharing, const Carebus__V1__Settings *folded) {
        Carebus__V1__SharingSettings *said[2] = { NULL, NULL };
        Carebus__V1__Settings *settings = NULL;
        PolicyClasses classes = { 0 };
        Policy *policies[2] = { NULL, NULL };
        Words *words = NULL;
        int r = sharing_pack(sharing->config, sharing->arena, &said[0]);

        if (r == 0 && folded)
                r = copy_settings(folded, sharing->arena, &settings);
        said[1] = settings ? settings->sharing : NULL;
        for (size_t i = 0; r == 0 && i < 2; i++)
                r = add_classes(&classes, said[i], sharing->arena);
        if (r == 0)
                r = words_new((const Carebus__V1__SharingSettings *const *)said, &classes, sharing->arena, &words);
        if (r == 0)
                r = policy_of_config(sharing->config, &classes, said[0], sharing->arena, &policies[0]);
        if (r == 0)
                r = policy_of_settings(sharing->config, &classes, settings, sharing->arena, &policies[1]);
        for (size_t i = 0; i < classes.n; i++)
                sharing->all_classes |= class_bit(i);
        for (size_t i = 0; i < 2; i++)
                sharing->policies[i] = policies[i];
        sharing->words = words;
        return r;
}

static void fill_types(Sharing *sharing) {
        unsigned n[POLICY_KINDS_MAX] = { 0 };
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                const int kind = type->section ? kind_find(type->section) : -1;

                if (kind >= 0)
                        sharing->only_types[kind] = n[kind]++ == 0 ? type->name : NULL;
        }
}

int sharing_new(const Config *config, const Carebus__V1__Settings *folded, Sharing **ret) {
        _cleanup_(sharing_unrefp) Sharing *sharing = calloc(1, sizeof(*sharing));
        int r;

        if (!sharing)
                return -ENOMEM;
        atomic_init(&sharing->references, 1);
        sharing->config = config_ref(config);
        sharing->n_teams = config->n_teams;
        r = arena_new(&sharing->arena, ARENA_BYTES);
        if (r == 0)
                r = mask_table_init(&sharing->masks);
        if (r == 0)
                r = fill(sharing, folded);
        if (r == 0)
                r = fill_teams(sharing);
        if (r == 0)
                r = fill_groups(sharing);
        if (r == 0)
                r = person_make(sharing->policies, NULL, sharing->arena, &sharing->nobody);
        if (r < 0)
                return r;
        fill_types(sharing);
        *ret = TAKE_PTR(sharing);
        return 0;
}

Sharing *sharing_ref(Sharing *sharing) {
        if (sharing)
                atomic_fetch_add_explicit(&sharing->references, 1, memory_order_relaxed);
        return sharing;
}

Sharing *sharing_unref(Sharing *sharing) {
        if (!sharing || atomic_fetch_sub_explicit(&sharing->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        mask_table_deinit(&sharing->masks);
        config_unref(sharing->config);
        arena_free(sharing->arena);
        free(sharing);
        return NULL;
}

const Config *sharing_config(const Sharing *sharing) {
        return sharing->config;
}

const uint8_t *sharing_digest(const Sharing *sharing, size_t team) {
        return team < sharing->n_teams ? sharing->digests[team] : NULL;
}

int sharing_person(const Sharing *sharing, const Carebus__V1__PersonSharing *person, Arena *arena,
                   const SharingPerson **ret) {
        return person_make(sharing->policies, person, arena, ret);
}

int sharing_person_copy(const Sharing *sharing, const SharingPerson *person, Arena *arena, const SharingPerson **ret) {
        return person_copy(sharing->policies, person, arena, ret);
}

const SharingPerson *sharing_nobody(const Sharing *sharing) {
        return sharing->nobody;
}
