/*
 * Who may see what: the rules in force; or of one person, who has to do with them, and what each team is shown of each section, by which
 * rules. For operators; it is about rules and relationships and has nothing of what is said of anybody.
 */
#include <errno.h>
#include <string.h>

#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/record/relationships.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/query-parts.h"
#include "proto/types.h"

enum { REPLY_SHARING = 33 };

typedef struct Showing {
        Query *query;
        const SharingPerson *person;
        const Carebus__V1__SharingSettings *rules;
        Carebus__V1__SharingShowReply *reply;
} Showing;

static int rules_name(const Showing *showing, uint64_t let, Carebus__V1__KindSight *kind) {
        for (size_t i = 0; i < showing->rules->n_rules && i < 64; i++)
                if (let >> i & 1) {
                        int r = list_append((void ***)&kind->rules, &kind->n_rules, showing->rules->rules[i]->name,
                                            showing->query->arena);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int kind_show(const Showing *showing, size_t team, const char *section, Carebus__V1__TeamSight *sight) {
        static const char *const words[] = {
                [SHARING_HIDDEN] = "hidden", [SHARING_PART] = "part", [SHARING_WHOLE] = "whole"
        };
        const Query *query = showing->query;
        const SharingThing thing = { .kind = section };
        const SharingVerdict verdict = sharing_may_see(query->sharing, team, showing->person, &thing);
        Carebus__V1__KindSight *kind = message_new(&carebus__v1__kind_sight__descriptor, query->arena);
        int r;

        if (!kind)
                return -ENOMEM;
        kind->kind = (char *)section;
        kind->sight = (char *)words[sharing_section(query->sharing, team, showing->person, section)];
        kind->reason = (char *)verdict.reason;
        r = rules_name(showing, sharing_rules_that_let(query->sharing, team, showing->person, &thing), kind);
        return r < 0 ? r : list_append((void ***)&sight->kinds, &sight->n_kinds, kind, query->arena);
}

static int team_show(const Showing *showing, size_t team) {
        Carebus__V1__TeamSight *sight = message_new(&carebus__v1__team_sight__descriptor, showing->query->arena);
        const char *section;
        int r = 0;

        if (!sight)
                return -ENOMEM;
        sight->team = showing->query->config->teams[team].name;
        for (size_t i = 0; r == 0 && (section = section_at(i)); i++)
                r = kind_show(showing, team, section, sight);
        return r < 0 ? r
                     : list_append((void ***)&showing->reply->teams, &showing->reply->n_teams, sight,
                                   showing->query->arena);
}

static int person_show(Showing *showing, const char *patient_id, ssize_t team) {
        Query *query = showing->query;
        int r;

        r = person_sharing_read(view_txn(query->view), patient_id, query->arena, &showing->reply->person);
        if (r == RECORD_E_NOT_FOUND)
                return query_refuse(query, "not-found",
                                    "nobody has this id or number: look by name with `carebusctl find`");
        if (r == 0)
                r = sight_person(query->sight, patient_id, &showing->person);
        for (size_t i = 0; r == 0 && i < query->config->n_teams; i++)
                if (team < 0 || (size_t)team == i)
                        r = team_show(showing, i);
        if (r != 0)
                return r;
        /* Whoever asks learns that this person is known, and who has to do with them. */
        query_say_begin(query, -1, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY);
        disclose_found(query->say, query->sight, patient_id);
        return query_say_end(query);
}

static int find_person(Query *query, const Carebus__V1__SharingShowRequest *asked, const char **ret) {
        Ask ask = query_ask(query);
        size_t n = 0;
        char **ids;
        int r;

        *ret = asked->patient_id;
        if (asked->patient_id || !asked->identifier)
                return 0;
        r = query_asked(query, &ask, ask_holders(&ask, asked->identifier, &ids, &n));
        if (r != 0)
                return r;
        if (n != 1)
                return query_refuse(query, n ? "ambiguous" : "not-found",
                                    n ? "several people have it, and nobody has joined them: ask by patient id"
                                      : "nobody has this number: look by name with `carebusctl find`");
        *ret = ids[0];
        return 0;
}

int query_sharing_show(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__SharingShowRequest *asked = request->sharing_show;
        Carebus__V1__SharingShowReply reply = CAREBUS__V1__SHARING_SHOW_REPLY__INIT;
        Showing showing = { .query = query, .reply = &reply };
        Carebus__V1__Settings *settings = NULL;
        const char *patient_id;
        ssize_t team;
        int r;

        r = query_team(query, asked->team, &team);
        if (r == 0)
                r = find_person(query, asked, &patient_id);
        if (r == 0)
                r = settings_read(view_txn(query->view), query->arena, &settings);
        if (r == RECORD_E_NOT_FOUND || (r == 0 && settings && !settings->sharing))
                return query_refuse(query, "not-ready", "the bus has read no rules yet: try again in a moment");
        if (r != 0)
                return r;
        showing.rules = settings->sharing;
        if (patient_id)
                r = person_show(&showing, patient_id, team);
        else
                reply.rules = settings->sharing;
        return r == 0 ? query_put(out, REPLY_SHARING, &reply.base) : r;
}
