/* A reader that never comes back: an operator gives up its place, as the file of places has it. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/control/control.h"
#include "daemon/record/forgotten.h"
#include "daemon/stage/decide-parts.h"

typedef struct Found {
        const Carebus__V1__ForgetReaderRequest *asked;
        ReaderPlace place;
        bool found;
} Found;

static int place_seen(const ReaderPlace *place, void *owner) {
        Found *found = owner;

        if (!text_equal(place->team, found->asked->team) || !text_equal(place->name, found->asked->consumer))
                return 0;
        found->place = *place;
        found->found = true;
        return 0;
}

/* 0; 1: refused, and answered; negative. */
static int place_find(Intake *intake, const ControlCall *call, Found *found) {
        _cleanup_(freep) char *path = config_state_path(intake->snapshot->config, "serve/cursors");
        const char *reason = NULL, *detail = NULL;
        StateTxn *txn;
        int r = path ? reader_places_read(path, place_seen, found) : -ENOMEM;

        r = r ?: error_fold(intake_state(intake, &txn));
        r = r ?: found->found ? forgotten_place(txn, &found->place) : 0;
        if (r == -EBADMSG) {
                reason = "places-damaged";
                detail = "the places of readers, or the state, are damaged: see docs/recovery.md";
        } else if (r > 0) {
                reason = "already-forgotten";
                detail = "its place was given up before, and it did not come back since";
        } else if (r == 0 && !found->found) {
                reason = "no-such-reader";
                detail = "no reader of this name has acknowledged anything: `carebusctl status` lists them as TEAM and "
                         "CONSUMER";
        }
        if (!reason)
                return r;
        r = control_refuse(intake, call, reason, detail);
        return r < 0 ? r : 1;
}

int take_forget_reader(Intake *intake, const ControlCall *call) {
        const Carebus__V1__ForgetReaderRequest *asked = call->request->forget_reader;
        Carebus__V1__ReaderForgotten reader = CAREBUS__V1__READER_FORGOTTEN__INIT;
        Found found = { .asked = asked };
        int r;

        if (!control_text_is_given(asked->who) || !control_text_is_given(asked->why))
                return control_refuse(intake, call, "who-and-why",
                                      "say who gives the place up and why: --who NAME --why TEXT");
        r = place_find(intake, call, &found);
        if (r != 0)
                return MIN(r, 0);
        reader.team = asked->team;
        reader.consumer = asked->consumer;
        reader.has_seq = reader.has_index = reader.has_acked_at = reader.has_records = true;
        reader.seq = found.place.seq;
        reader.index = found.place.index;
        reader.acked_at = found.place.acked_at;
        reader.records = found.place.records;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_FORGET_READER,
                                     .who = call->identity,
                                     .who_says = asked->who,
                                     .why = asked->why,
                                     .team = asked->team,
                                     .reader = &reader,
                             });
}
