#pragma once
/* The tree behind cut.h. Inside this folder. */
#include "daemon/sharing/cut.h"

/* What is left out of a restricted address by what it says itself. */
typedef enum CutPlace {
        CUT_PLACE_ANY,       /* nothing is */
        CUT_PLACE_IN_STAY,   /* a Place of an encounter: where it says that it is the home */
        CUT_PLACE_ELSEWHERE, /* a Place of a visit, an order: unless it says that it is somewhere else */
        CUT_PLACE_TO_RING,   /* whom to ring: unless it is a practitioner or a service */
        CUT_PLACE_MEMBER,    /* of a care team: the general practitioner */
} CutPlace;

struct CutNode {
        const ProtobufCMessageDescriptor *descriptor;
        CutPlace place;
        CutNode *otherwise; /* where `place` leaves it out: what is shown all the same */
        CutNode *of[];      /* by the places of the fields in the descriptor */
};

/* What this message is looked at for, below `body`, where a restricted address is shielded. */
CutPlace cut_place_of(const ProtobufCMessageDescriptor *message, const ProtobufCMessageDescriptor *body);
bool cut_place_is_home(const CutNode *node, const ProtobufCMessage *message);
/* Whether what stands below it is about somebody's work. */
bool cut_is_at_work(const ProtobufCMessageDescriptor *message);
