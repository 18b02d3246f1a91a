#include "daemon/serve/ask.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/record-cut.h"
#include "daemon/store/state-keys.h"

/* Systems of numbers that are looked through where the asker names none: each source has its own. */
#define SYSTEMS_MAX 1024

int ask_refuse(Ask *ask, const char *error, const char *detail) {
        ask->error = error;
        ask->detail = detail;
        return ASK_E_REFUSED;
}

/* ---- who has a number ----------------------------------------------------------------------------------------------------- */

typedef struct Ids {
        char **items;
        size_t n;
} Ids;

static int ids_add(Ask *ask, Ids *ids, char *id) {
        for (size_t i = 0; i < ids->n; i++)
                if (strcmp(ids->items[i], id) == 0)
                        return 0;
        return list_append((void ***)&ids->items, &ids->n, id, ask->arena);
}

static int team_sees_person(Ask *ask, const char *patient_id, bool *ret) {
        Carebus__V1__Record *record;
        int r;

        *ret = true;
        if (ask->team < 0)
                return 0;
        r = record_for_team(ask->sight, ask->team, patient_id, ask->arena, &record);
        *ret = r == 0;
        return r == RECORD_E_NOT_FOUND ? 0 : r;
}

static int holders_add(Ask *ask, const char *system, const char *value, Ids *ids) {
        size_t n = 0;
        char **found;
        int r;

        r = identity_find(view_txn(ask->view), system, value, ask->arena, &found, &n);
        if (r == RECORD_E_NOT_FOUND)
                return 0;
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool sees;

                r = team_sees_person(ask, found[i], &sees);
                if (r == 0 && sees)
                        r = ids_add(ask, ids, found[i]);
        }
        return error_fold(r);
}

typedef struct FirstKey {
        Arena *arena;
        char *system;
} FirstKey;

static int first_key_seen(Bytes key, Bytes value, void *owner) {
        FirstKey *first = owner;

        first->system = arena_text(first->arena, key.data, strnlen((const char *)key.data, key.size));
        return first->system ? 1 : -ENOMEM;
}

/* From one system to the next, without reading the numbers between them. */
static int holders_anywhere(Ask *ask, const char *value, Ids *ids) {
        FirstKey first = { .arena = ask->arena };
        StateKey from = STATE_KEY_NULL;

        for (size_t i = 0; i < SYSTEMS_MAX; i++) {
                int r;

                r = state_walk(view_txn(ask->view), STATE_IDENTIFIER, BYTES_NULL, state_key_all(&from), first_key_seen,
                               &first);
                if (r == 0)
                        return 0;
                if (r == 1)
                        r = holders_add(ask, first.system, value, ids);
                if (r != 0)
                        return error_fold(r);
                from = STATE_KEY_NULL;
                state_key_text(&from, first.system);
                if (from.error < 0)
                        return from.error;
                from.data[from.size - 1] = 1; /* behind its zero byte, whatever follows */
        }
        return 0;
}

/* As people read numbers out: in groups. */
static char *without_blanks(const char *value, Arena *arena) {
        char *text = arena_text(arena, value, strlen(value));
        size_t n = 0;

        for (size_t i = 0; text && text[i]; i++)
                if (text[i] != ' ' && text[i] != '-')
                        text[n++] = text[i];
        if (text)
                text[n] = '\0';
        return text;
}

int ask_holders(Ask *ask, const Carebus__V1__Identifier *identifier, char ***ret_ids, size_t *ret_n) {
        const char *forms[] = { identifier->value, without_blanks(identifier->value, ask->arena) };
        Ids ids = {};
        int r = forms[1] ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(forms); i++) {
                if (!forms[i][0] || (i > 0 && strcmp(forms[i], forms[0]) == 0))
                        continue;
                r = identifier->system && identifier->system[0] ? holders_add(ask, identifier->system, forms[i], &ids)
                                                                : holders_anywhere(ask, forms[i], &ids);
        }
        *ret_ids = ids.items;
        *ret_n = ids.n;
        return r;
}

/* ---- a record --------------------------------------------------------------------------------------------------------------- */

int ask_not_found(Ask *ask) {
        return ask_refuse(
                ask, "not-found",
                "nobody is known under this patient id or identifier, or this team sees nothing of them: find looks by "
                "name and birth date");
}

static int find_one(Ask *ask, const Carebus__V1__RecordRequest *asked, const char **ret) {
        size_t n = 0;
        char **ids, *detail;
        int r;

        if (asked->patient_id) {
                *ret = asked->patient_id;
                return 0;
        }
        r = ask_holders(ask, asked->identifier, &ids, &n);
        if (r < 0)
                return r;
        if (n == 0)
                return ask_not_found(ask);
        if (n == 1) {
                *ret = ids[0];
                return 0;
        }
        detail = arena_format(ask->arena, "several people have it, and nobody has joined them: ask for");
        for (size_t i = 0; detail && i < n; i++)
                detail = arena_format(ask->arena, "%s %s", detail, ids[i]);
        return detail ? ask_refuse(ask, "ambiguous", detail) : -ENOMEM;
}

int ask_record(Ask *ask, const Carebus__V1__RecordRequest *asked, Carebus__V1__Record **ret) {
        const RecordPatience patience = ask_patience(ask);
        Carebus__V1__Record *record;
        const char *patient_id = NULL;
        int r;

        r = find_one(ask, asked, &patient_id);
        if (r == 0)
                r = record_for_team_with_states(ask->sight, ask->team, patient_id, &patience, ask->arena, &record);
        if (r == RECORD_E_NOT_FOUND)
                return ask_not_found(ask);
        if (r == 0)
                r = disclose_record(ask->say, ask->sight, ask->team, record);
        if (r == 0)
                *ret = record;
        return r;
}

/* ---- over a feed ------------------------------------------------------------------------------------------------------------ */

/* The question may name the team again, but no other. */
static int same_team(Ask *ask, const char *name) {
        if (!name || (ask->team >= 0 && text_equal(ask->config->teams[ask->team].name, name)))
                return 0;
        return ask_refuse(ask, "not-allowed", "a team asks for itself: leave `team` of the question out");
}

static int answer_record(Ask *ask, const Carebus__V1__TeamRequest *request, Carebus__V1__TeamAnswer *answer) {
        int r = same_team(ask, request->record->team);

        if (r == 0)
                r = ask_record(ask, request->record, &answer->record);
        if (r == 0)
                answer->answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_RECORD;
        return r;
}

static int answer_find(Ask *ask, const Carebus__V1__TeamRequest *request, Carebus__V1__TeamAnswer *answer) {
        int r = same_team(ask, request->find->team);

        if (r == 0)
                r = ask_find(ask, request->find, &answer->found);
        if (r == 0)
                answer->answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_FOUND;
        return r;
}

static int answer_events(Ask *ask, const Carebus__V1__TeamRequest *request, Carebus__V1__TeamAnswer *answer) {
        int r = ask_events(ask, request->events, &answer->events);

        if (r == 0)
                answer->answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_EVENTS;
        return r;
}

static int answer_sources(Ask *ask, Carebus__V1__TeamAnswer *answer) {
        int r = ask_sources(ask, &answer->sources);

        if (r == 0)
                answer->answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_SOURCES;
        return r;
}

int ask_answer(Ask *ask, const Carebus__V1__TeamRequest *request, Carebus__V1__TeamAnswer **ret) {
        Carebus__V1__TeamAnswer *answer = arena_alloc(ask->arena, sizeof(*answer));
        int r;

        if (!answer)
                return -ENOMEM;
        carebus__v1__team_answer__init(answer);
        answer->has_id = request->has_id;
        answer->id = request->id;
        if (ask->team < 0)
                r = ask_refuse(ask, "unknown-team",
                               "the configuration has no team of this name: `carebusctl status` lists them");
        else if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_RECORD)
                r = answer_record(ask, request, answer);
        else if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_FIND)
                r = answer_find(ask, request, answer);
        else if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS)
                r = answer_events(ask, request, answer);
        else if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_SOURCES)
                r = answer_sources(ask, answer);
        else
                r = ask_refuse(ask, "unknown-command", "a newer carebusd may know it");
        if (r == ASK_E_REFUSED) {
                answer->error = (char *)ask->error;
                answer->detail = (char *)ask->detail;
                r = 0;
        }
        if (r == 0)
                *ret = answer;
        return r;
}
