#include "daemon/serve/record-cut.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/canonical.h"
#include "daemon/record/read.h"
#include "daemon/record/ring.h"
#include "proto/types.h"

typedef struct Team {
        Sight *sight;
        const Sharing *sharing;
        const SharingPerson *person;
        size_t team;
        Arena *arena;
} Team;

/* Of what is sensitive not even that it is there is to be known. */
static bool is_secret(const char *reason) {
        return text_equal(reason, "sensitive") || text_equal(reason, "never");
}

static RecordSight sight_of_verdict(const SharingVerdict *verdict) {
        switch (verdict->sight) {
        case SHARING_WHOLE:
                return RECORD_WHOLE;
        case SHARING_PART:
                return RECORD_PART;
        default:
                return is_secret(verdict->reason) ? RECORD_HIDDEN_SENSITIVE : RECORD_HIDDEN;
        }
}

static int see_fact(void *owner, const char *section, Carebus__V1__Fact *fact, bool unconfirmed, RecordSight *ret) {
        const Team *team = owner;
        const SharingThing said = { .source = bytes_of_text(fact->source), .team = fact->team };
        SharingThing thing;
        SharingVerdict verdict;

        /* Its own it sees whole, and what is sensitive in it need not be found out. */
        if (sharing_is_own(team->sharing, team->team, &said)) {
                *ret = RECORD_WHOLE;
                return 0;
        }
        thing = sharing_thing_of_fact(team->sharing, section, fact);
        thing.unconfirmed = unconfirmed;
        verdict = sharing_may_see(team->sharing, team->team, team->person, &thing);
        *ret = sight_of_verdict(&verdict);
        if (verdict.sight != SHARING_PART)
                return 0;
        return sharing_cut_fact(team->sharing, team->team, team->person, &verdict, fact, team->arena);
}

static RecordSight see_section(void *owner, const char *section) {
        const Team *team = owner;
        const SharingSight sight = sharing_section(team->sharing, team->team, team->person, section);

        return sight == SHARING_WHOLE ? RECORD_WHOLE : sight == SHARING_PART ? RECORD_PART : RECORD_HIDDEN;
}

/* It has a relationship with the person, and there is a section that the rules show it because of that. */
static bool knows_person(void *owner) {
        const Team *team = owner;
        const char *section;

        if (!sharing_relationship(team->sharing, team->team, team->person))
                return false;
        for (size_t i = 0; (section = section_at(i)); i++)
                if (sharing_section(team->sharing, team->team, team->person, section) != SHARING_HIDDEN)
                        return true;
        return false;
}

static bool reads_source(void *owner, const char *source) {
        const Team *team = owner;

        return sharing_may_read(team->sharing, team->team, bytes_of_text(source));
}

static int eyes_open(Sight *sight, size_t team, const char *patient_id, Arena *arena, Team *ret_team, RecordEyes *ret) {
        const Sharing *sharing = sight_sharing(sight);

        *ret_team = (Team){ .sight = sight, .sharing = sharing, .team = team, .arena = arena };
        *ret = (RecordEyes){ .see = see_fact,
                             .section = see_section,
                             .knows = knows_person,
                             .reads = reads_source,
                             .team = sharing_config(sharing)->teams[team].name,
                             .owner = ret_team };
        return sight_common(sight, &ret->common) ?: sight_person(sight, patient_id, &ret_team->person);
}

int record_is_known(Sight *sight, size_t team, const char *patient_id, bool *ret) {
        Team whose;
        RecordEyes eyes;
        int r = eyes_open(sight, team, patient_id, NULL, &whose, &eyes);

        if (r == 0)
                *ret = knows_person(&whose);
        return r;
}

int record_numbers_for_team(Sight *sight, size_t team, const SharingPerson *person, const char *patient_id,
                            Arena *arena, Carebus__V1__PersonIdentifier ***ret, size_t *ret_n) {
        RecordEyes eyes;
        Team whose;
        int r = eyes_open(sight, team, patient_id, arena, &whose, &eyes);

        if (person)
                whose.person = person;
        r = r ?: record_numbers_as(view_txn(sight_view(sight)), patient_id, &eyes, arena, ret, ret_n);
        return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
}

int record_for_team_canonical(Sight *sight, ssize_t team, const char *patient_id, Arena *arena,
                              Carebus__V1__Record **ret, Bytes *ret_canonical) {
        StateTxn *txn = view_txn(sight_view(sight));
        RecordEyes eyes;
        Team whose;
        int r = 0;

        if (team >= 0)
                r = eyes_open(sight, (size_t)team, patient_id, arena, &whose, &eyes);
        if (r == 0)
                r = record_read_packed(txn, patient_id, team >= 0 ? &eyes : NULL, arena, ret, ret_canonical);
        return r == RECORD_E_NOT_FOUND ? r : error_fold(r);
}

int record_for_team(Sight *sight, ssize_t team, const char *patient_id, Arena *arena, Carebus__V1__Record **ret) {
        Bytes canonical;

        return record_for_team_canonical(sight, team, patient_id, arena, ret, &canonical);
}

int record_for_team_packed(Sight *sight, ssize_t team, const char *patient_id, Arena *arena, Carebus__V1__Record **ret,
                           Bytes *ret_packed) {
        Bytes canonical, packed;
        int r = record_for_team_canonical(sight, team, patient_id, arena, ret, &canonical);

        if (r != 0)
                return r;
        packed = record_pack(*ret, canonical, arena);
        if (!packed.data)
                return -ENOMEM;
        *ret_packed = packed;
        return 0;
}

int record_for_team_with_states(Sight *sight, ssize_t team, const char *patient_id, const RecordPatience *patience,
                                Arena *arena, Carebus__V1__Record **ret) {
        RecordEyes eyes;
        Team whose;
        int r = record_for_team(sight, team, patient_id, arena, ret);

        if (r == 0 && team >= 0)
                r = eyes_open(sight, (size_t)team, patient_id, arena, &whose, &eyes);
        if (r == 0)
                r = record_states(view_txn(sight_view(sight)), *ret, team >= 0 ? &eyes : NULL, patience,
                                  clock_now_at(&clock_system), arena);
        return r == RECORD_E_NOT_FOUND ? r : error_fold(r);
}

int record_whom_to_ring(Sight *sight, size_t team, Arena *arena, Carebus__V1__ContactPoint ***ret, size_t *ret_n) {
        const Carebus__V1__Settings *settings;
        int r = sight_settings(sight, &settings);

        if (r < 0)
                return r;
        return ring_of_owners(settings, sharing_config(sight_sharing(sight))->teams[team].name, arena, ret, ret_n);
}
