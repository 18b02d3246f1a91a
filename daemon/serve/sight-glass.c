#include "daemon/serve/sight-glass.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/record/relationships.h"

#define ARENA_MAX (64U << 20) /* one person, and what the audit has of them */
#define KIND_GLASS "break-glass"

typedef Carebus__V1__Relationship Relationship;

typedef struct Looking {
        Sight *sight;
        size_t team;
        const char *team_name;
        const SharingThing *thing;
        Place place;
        Arena *arena;
        char **ids; /* all that the person ever had */
        size_t n_ids;
} Looking;

/* Is this glass, were it broken now, what shows the thing? */
static int glass_shows(const Looking *looking, const Carebus__V1__PersonSharing *person, const Relationship *glass,
                       bool *ret) {
        const Sharing *sharing = sight_sharing(looking->sight);
        Carebus__V1__PersonSharing under = *person;
        const SharingPerson *then;
        Relationship open = *glass;
        int r;

        open.has_ended = open.ended = 0;
        under.n_relationships = 1;
        under.relationships = (Relationship *[]){ &open };
        r = sharing_person(sharing, &under, looking->arena, &then);
        if (r == 0)
                *ret = sharing_may_see(sharing, looking->team, then, looking->thing).sight != SHARING_HIDDEN;
        return r;
}

static int glass_gave(Looking *looking, const Carebus__V1__PersonSharing *person, const Relationship *glass) {
        const AuditWhen when = { .from_at = glass->since_at, .until_at = glass->until_at };
        bool shows = false;
        int r = glass_shows(looking, person, glass, &shows);

        if (r || !shows)
                return r;
        return audit_gave_record(sight_audit(looking->sight), looking->team_name, (const char *const *)looking->ids,
                                 looking->n_ids, &when, looking->place.seq);
}

int sight_glass_gave(Sight *sight, size_t team, const char *patient_id, Place place, const SharingThing *thing) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        StateTxn *txn = view_txn(sight_view(sight));
        Looking looking = { .sight = sight, .team = team, .thing = thing, .place = place };
        Carebus__V1__PersonSharing *person;
        int r = arena_new(&arena, ARENA_MAX);

        if (r)
                return r;
        looking.arena = arena;
        looking.team_name = sharing_config(sight_sharing(sight))->teams[team].name;
        r = person_sharing_read(txn, patient_id, arena, &person);
        if (r == 0)
                r = identity_members(txn, person->patient_id, arena, &looking.ids, &looking.n_ids);
        if (r)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        for (size_t i = 0; r == 0 && i < person->n_relationships; i++) {
                const Relationship *one = person->relationships[i];

                if (text_equal(one->kind, KIND_GLASS) && text_equal(one->team, looking.team_name))
                        r = glass_gave(&looking, person, one);
        }
        return r;
}
