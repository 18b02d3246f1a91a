#include "daemon/record/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"

const char *ring_team_of_source(const Carebus__V1__Settings *settings, Bytes source) {
        for (size_t i = 0; settings && i < settings->n_sources; i++)
                if (bytes_equal_text(source, settings->sources[i]->name))
                        return settings->sources[i]->team;
        return NULL;
}

void ring_of_team(const Carebus__V1__Settings *settings, const char *team, Carebus__V1__ContactPoint ***ret,
                  size_t *ret_n) {
        *ret = NULL;
        *ret_n = 0;
        for (size_t i = 0; team && settings && i < settings->n_teams; i++)
                if (text_equal(settings->teams[i]->name, team)) {
                        *ret = settings->teams[i]->contact_points;
                        *ret_n = settings->teams[i]->n_contact_points;
                        return;
                }
}

void ring_of_source(const Carebus__V1__Settings *settings, Bytes source, Carebus__V1__ContactPoint ***ret,
                    size_t *ret_n) {
        ring_of_team(settings, ring_team_of_source(settings, source), ret, ret_n);
}

static bool owns_a_source(const Carebus__V1__Settings *settings, const char *team) {
        for (size_t i = 0; i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->team, team))
                        return true;
        return false;
}

static int team_order(const void *a, const void *b) {
        return strcmp((*(Carebus__V1__TeamSettings *const *)a)->name, (*(Carebus__V1__TeamSettings *const *)b)->name);
}

/* A point without a name of its own is known by its team's. */
static int points_add(const Carebus__V1__TeamSettings *team, Arena *arena, Carebus__V1__ContactPoint ***ret,
                      size_t *ret_n) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < team->n_contact_points; i++) {
                Carebus__V1__ContactPoint *point = message_shallow_copy(&team->contact_points[i]->base, arena);

                if (!point)
                        return -ENOMEM;
                point->name = point->name ?: team->title ?: team->name;
                r = list_append((void ***)ret, ret_n, point, arena);
        }
        return r;
}

int ring_of_owners(const Carebus__V1__Settings *settings, const char *but, Arena *arena,
                   Carebus__V1__ContactPoint ***ret, size_t *ret_n) {
        Carebus__V1__TeamSettings **teams = NULL;
        size_t n_teams = 0;
        int r = 0;

        *ret = NULL;
        *ret_n = 0;
        for (size_t i = 0; r == 0 && settings && i < settings->n_teams; i++) {
                Carebus__V1__TeamSettings *team = settings->teams[i];

                if (team->name && team->n_contact_points > 0 && !text_equal(team->name, but) &&
                    owns_a_source(settings, team->name))
                        r = list_append((void ***)&teams, &n_teams, team, arena);
        }
        if (n_teams > 1)
                qsort(teams, n_teams, sizeof(*teams), team_order);
        for (size_t i = 0; r == 0 && i < n_teams; i++)
                r = points_add(teams[i], arena, ret, ret_n);
        return r;
}
