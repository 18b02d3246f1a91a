/* Encounters, whose claims are kept beside the fact: what undoes or comes late is laid at its place among all of them. */
#include <errno.h>

#include "base/text.h"
#include "daemon/record/death.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"
#include "daemon/record/relationship-facts.h"
#include "daemon/stage/activity.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/project-parts.h"
#include "daemon/stage/relationship.h"

typedef struct Claims {
        Carebus__V1__Claim **claims;
        size_t n_claims;
        size_t n_bytes;
        Arena *arena;
} Claims;

static int claim_seen(Bytes key, Bytes value, void *owner) {
        Claims *claims = owner;
        Carebus__V1__Claim *claim;
        int r;

        claims->n_bytes += value.size;
        r = message_unpack(&carebus__v1__claim__descriptor, value, claims->arena, (ProtobufCMessage **)&claim);
        return r ?: list_append((void ***)&claims->claims, &claims->n_claims, claim, claims->arena);
}

static int claim_put(FoldWork *work, const char *patient_id, const char *name, const Carebus__V1__Claim *claim,
                     Bytes packed) {
        StateKey key = key_of_claim(patient_id, name, stamp_parts(claim->stamp));

        if (!packed.data)
                return -ENOMEM;
        return key.error < 0 ? key.error : state_put(work->txn, STATE_SECTION, state_key_all(&key), packed);
}

/* The older half becomes one claim, so that an encounter that never ends does not make every late message dear. */
static int claims_lay_together(FoldWork *work, const char *patient_id, const char *name, Claims *claims) {
        size_t n_laid = claims->n_claims / 2;
        Carebus__V1__Claim *together;

        together = encounter_lay_together(claims->claims, n_laid, work->lists_whole, work->arena);
        if (!together)
                return -ENOMEM;
        for (size_t i = 0; i + 1 < n_laid; i++) {
                StateKey key = key_of_claim(patient_id, name, stamp_parts(claims->claims[i]->stamp));
                int r = state_delete(work->txn, STATE_SECTION, state_key_all(&key));

                if (r)
                        return r;
        }
        claims->claims += n_laid - 1;
        claims->n_claims -= n_laid - 1;
        claims->claims[0] = together;
        return claim_put(work, patient_id, name, together, message_pack(&together->base, work->arena));
}

/* What it undoes is withdrawn. */
static int undone_correct(FoldWork *work, const Said *said, const Claims *claims) {
        Carebus__V1__Claim **withdrawn;
        size_t at = 0, n;
        int r;

        while (at < claims->n_claims && stamp_parts_compare(stamp_parts(claims->claims[at]->stamp), said->stamp) != 0)
                at++;
        if (at == claims->n_claims)
                return 0;
        r = encounter_withdrawn(claims->claims, at, work->arena, &withdrawn, &n);
        return r ?: correction_of_claims(work, said, withdrawn, n);
}

/* What undoes, or comes late, is laid at its place among all claims. */
static int encounter_replay(FoldWork *work, const Said *said, const char *patient_id, const char *name,
                            Carebus__V1__StoredFact *stored) {
        StateKey prefix = key_of_claims(patient_id, name);
        Claims claims = { .arena = work->arena };
        int r;

        r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_seen, &claims);
        if (r == 0 && encounter_undoes(said->event))
                r = undone_correct(work, said, &claims);
        if (r == 0 && claims.n_claims > 2 &&
            (claims.n_claims > ENCOUNTER_CLAIMS_MAX || claims.n_bytes > ENCOUNTER_CLAIMS_BYTES_MAX))
                r = claims_lay_together(work, patient_id, name, &claims);
        return r ?: encounter_reduce(stored, claims.claims, claims.n_claims, work->lists_whole, work->arena);
}

/* A discharge is taken back, and with it what it said of a death: noted before anybody speaks of one, since that may come late. It says no
 * death itself: since when one is said does not go by it. */
static int project_undone_death(FoldWork *work, const Said *said, const Home *home, Changes *changes) {
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        bool changed;
        int r;

        if (!death_is_undone(said->event))
                return 0;
        r = work_section(work, home->patient_id, SECTION_DEATH, &section);
        if (r == 0)
                r = fact_of_source(work, section, work->source, &stored);
        if (r == 0)
                r = death_undo_stay(stored, said, work->arena, &changed);
        if (r)
                return r;
        work_section_touch(work, section);
        changes->contradictable = changes->contradictable || changed;
        return relationship_keep(work, said, home->patient_id, SECTION_DEATH, stored);
}

int project_encounter(FoldWork *work, const Said *said, const Home *home, Changes *changes) {
        char *key = encounter_key(said->event, work->arena),
             *name = key ? section_of_encounter(work->source, key, work->arena) : NULL;
        Carebus__V1__Claim *claim = encounter_claim(said, work->arena);
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        bool changed = true, in_order, was_there;
        int r;

        if (!name || !claim)
                return -ENOMEM;
        r = work_section(work, home->patient_id, name, &section);
        if (r == 0)
                r = fact_for(work, said, section, key, &stored);
        if (r == 0)
                r = claim_put(work, home->patient_id, name, claim, encounter_claim_packed(said, claim, work->arena));
        if (r)
                return r;
        was_there = !stored->fact->status || text_equal(stored->fact->status, "current");
        in_order = stamp_parts_compare(stamp_parts(stored->newest), said->stamp) < 0 && !encounter_undoes(said->event);
        if (in_order)
                r = encounter_add(stored, claim, work->lists_whole, work->arena, &changed);
        else
                r = encounter_replay(work, said, home->patient_id, name, stored);
        if (r)
                return r;
        told_note(changes, said, stored);
        work_section_touch(work, section);
        changes->stay = was_there != text_equal(stored->fact->status, "current");
        if (changed || relationships_go_by_time(stored->fact))
                r = relationship_keep(work, said, home->patient_id, name, stored);
        if (r)
                return r;
        r = activity_note(work, said, home->patient_id, name, &changes->presence);
        return r ?: project_undone_death(work, said, home, changes);
}
