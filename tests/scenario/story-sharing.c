#include "tests/scenario/story-sharing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/record/body.h"
#include "tests/scenario/story-event.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static Carebus__V1__SharingSettings *sharing(Carebus__V1__Settings *settings, Arena *arena) {
        if (!settings->sharing) {
                settings->sharing = MAKE(sharing_settings, arena);
                settings->sharing->has_people_all = settings->sharing->people_all = true;
        }
        return settings->sharing;
}

static void team_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        Carebus__V1__TeamSettings *team = MAKE(team_settings, arena);

        team->name = strsep(&value, "/");
        team->class_ = value ? strsep(&value, "/") : (char *)"clinical";
        team->organisation = value ? strsep(&value, "/") : NULL;
        team->title = value ? strsep(&value, "/") : NULL;
        assert_int_equal(list_append((void ***)&settings->teams, &settings->n_teams, team, arena), 0);
}

static void destination_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        Carebus__V1__DestinationSettings *destination = MAKE(destination_settings, arena);

        destination->name = value;
        assert_int_equal(list_append((void ***)&destination->sources, &destination->n_sources, value, arena), 0);
        assert_int_equal(list_append((void ***)&settings->destinations, &settings->n_destinations, destination, arena),
                         0);
}

static void reasons_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        Carebus__V1__SharingSettings *s = sharing(settings, arena);

        for (char *code; (code = strsep(&value, ","));)
                assert_int_equal(list_append((void ***)&s->break_glass_reasons, &s->n_break_glass_reasons, code, arena),
                                 0);
        s->has_break_glass_max_seconds = 1;
        s->break_glass_max_seconds = 24 * 3600;
}

static void answers_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        Carebus__V1__SharingSettings *s = sharing(settings, arena);

        for (char *class; (class = strsep(&value, ","));)
                assert_int_equal(list_append((void ***)&s->answers_calls, &s->n_answers_calls, class, arena), 0);
        s->has_opened_contact_seconds = 1;
        s->opened_contact_seconds = 72 * 3600;
}

static void days_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        Carebus__V1__SharingSettings *s = sharing(settings, arena);

        s->has_linger_discharge_seconds = s->has_linger_death_seconds = 1;
        s->linger_discharge_seconds = (uint32_t)(atoi(strsep(&value, "/")) * 86400);
        assert_non_null(value);
        s->linger_death_seconds = (uint32_t)(atoi(value) * 86400);
}

static void hours_word(Carebus__V1__Settings *settings, char *value, Arena *arena) {
        sharing(settings, arena)->has_contact_seconds = 1;
        sharing(settings, arena)->contact_seconds = (uint32_t)(atoi(value) * 3600);
}

bool story_sharing_word(Carebus__V1__Settings *settings, char *word, Arena *arena) {
        static const struct {
                const char *key;
                void (*set)(Carebus__V1__Settings *settings, char *value, Arena *arena);
        } keys[] = {
                { "team=", team_word },       { "destination=", destination_word },
                { "reasons=", reasons_word }, { "answers=", answers_word },
                { "days=", days_word },       { "hours=", hours_word },
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strncmp(word, keys[i].key, strlen(keys[i].key)) == 0) {
                        keys[i].set(settings, word + strlen(keys[i].key), arena);
                        return true;
                }
        return false;
}

static const struct {
        const char *word;
        Carebus__V1__JournalDecision__Kind kind;
} grants[] = {
        { "glass", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS },
        { "contact", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT },
        { "end", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_END_GRANT },
        { "reviewed", CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_REVIEWED },
};

bool story_is_grant(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(grants); i++)
                if (strcmp(grants[i].word, word) == 0)
                        return true;
        return false;
}

static const char *value_of(char **words, size_t n_words, const char *key) {
        const size_t n = strlen(key);

        for (size_t i = 0; i < n_words; i++)
                if (strncmp(words[i], key, n) == 0 && words[i][n] == '=')
                        return words[i] + n + 1;
        return NULL;
}

Carebus__V1__JournalDecision *story_grant(char **words, size_t n_words, const char *patient_id, Arena *arena) {
        Carebus__V1__JournalDecision *decision = MAKE(journal_decision, arena);
        const char *until = value_of(words, n_words, "until");

        assert_true(n_words >= 2);
        decision->has_kind = 1;
        for (size_t i = 0; i < ELEMENTSOF(grants); i++)
                if (strcmp(grants[i].word, words[0]) == 0)
                        decision->kind = grants[i].kind;
        if (patient_id)
                assert_int_equal(list_append((void ***)&decision->patient_ids, &decision->n_patient_ids,
                                             (void *)patient_id, arena),
                                 0);
        else {
                decision->has_grant_seq = 1;
                decision->grant_seq = strtoull(words[1], NULL, 10);
        }
        decision->team = (char *)value_of(words, n_words, "team");
        decision->reason = (char *)value_of(words, n_words, "reason");
        decision->who = (char *)"unix:0";
        decision->who_says = (char *)value_of(words, n_words, "who");
        decision->why = (char *)value_of(words, n_words, "why");
        decision->has_until_at = until != NULL;
        decision->until_at = until ? story_time(until) : 0;
        decision->has_visit = decision->visit = value_of(words, n_words, "visit") != NULL;
        return decision;
}
