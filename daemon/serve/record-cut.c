#include "daemon/serve/record-cut.h"

#include "base/error.h"
#include "daemon/record/read.h"

typedef struct Team {
        const Sharing *sharing;
        size_t team;
} Team;

static bool team_sees(const void *owner, const char *source) {
        const Team *team = owner;

        return sharing_may_read(team->sharing, team->team, bytes_of_text(source));
}

int record_for_team(View *view, const Sharing *sharing, ssize_t team, const char *patient_id, Arena *arena,
                    Carebus__V1__Record **ret) {
        const Team whose = { .sharing = sharing, .team = team >= 0 ? (size_t)team : 0 };
        const RecordEyes eyes = { .sees = team_sees, .owner = &whose };
        int r;

        r = record_read_as(view_txn(view), patient_id, team >= 0 ? &eyes : NULL, arena, ret);
        return r == RECORD_E_NOT_FOUND ? r : error_fold(r);
}
