#include "tests/scenario/expect-sharing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *joined(char **texts, size_t n, Arena *arena) {
        char *text = NULL;

        if (n > 0)
                qsort(texts, n, sizeof(*texts), compare_texts);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
                        text = arena_format(arena, "%s%s%s", text ?: "", text ? "," : "", texts[i]);
        return text ?: (char *)"-";
}

char *sharing_kinds_text(const Carebus__V1__PersonSharing *person, const Carebus__V1__Settings *settings,
                         const char *team, bool ends, Arena *arena) {
        char **kinds = NULL;
        size_t n = 0, place = 0;

        while (place < settings->n_teams && strcmp(settings->teams[place]->name, team) != 0)
                place++;
        for (size_t i = 0; place < settings->n_teams && i < person->n_relationships; i++) {
                const Carebus__V1__Relationship *one = person->relationships[i];
                char until[CIVIL_TEXT_SIZE];

                if (one->ended || !relationship_is_of_team(one, settings, place))
                        continue;
                if (one->has_until_at)
                        civil_format(one->until_at, until);
                list_append((void ***)&kinds, &n,
                            ends && one->has_until_at ? arena_format(arena, "%s/%.16s", one->kind, until) : one->kind,
                            arena);
        }
        return joined(kinds, n, arena);
}

char *sharing_notices_text(const Carebus__V1__Outcome *outcome, const char *type, Arena *arena) {
        char **texts = NULL;
        size_t n = 0;

        for (size_t i = 0; i < outcome->n_derived; i++) {
                const Carebus__V1__Event *event = outcome->derived[i];

                if (strcmp(event->type, type) == 0)
                        list_append((void ***)&texts, &n,
                                    arena_format(arena, "%s/%s", event->notice->team, event->notice->code ?: "-"),
                                    arena);
        }
        return joined(texts, n, arena);
}

char *corrections_text(const Carebus__V1__Outcome *outcome, uint32_t index, Arena *arena) {
        char **texts = NULL;
        size_t n = 0;

        for (size_t i = 0; i < outcome->n_corrections; i++)
                for (size_t j = 0; outcome->corrections[i]->index == index && j < outcome->corrections[i]->n_withdrawn;
                     j++)
                        list_append((void ***)&texts, &n, outcome->corrections[i]->withdrawn[j], arena);
        return joined(texts, n, arena);
}

char *echo_text(const Carebus__V1__Outcome *outcome, uint32_t index) {
        for (size_t i = 0; i < outcome->n_echoes; i++)
                if (outcome->echoes[i]->index == index)
                        return outcome->echoes[i]->of;
        return (char *)"-";
}
