/* Where somebody lives, who is near to them and who their practice is, as far as a message says so in its values and not in its fields. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/sharing/cut-node.h"

CutPlace cut_place_of(const ProtobufCMessageDescriptor *message, const ProtobufCMessageDescriptor *body) {
        if (message == &carebus__v1__place__descriptor)
                return body == &carebus__v1__encounter__descriptor ? CUT_PLACE_IN_STAY : CUT_PLACE_ELSEWHERE;
        if (message == &carebus__v1__escalation_contact__descriptor ||
            message == &carebus__v1__contact_point__descriptor)
                return CUT_PLACE_TO_RING;
        return message == &carebus__v1__care_team_member__descriptor ? CUT_PLACE_MEMBER : CUT_PLACE_ANY;
}

bool cut_is_at_work(const ProtobufCMessageDescriptor *message) {
        static const ProtobufCMessageDescriptor *const at_work[] = {
                &carebus__v1__practitioner__descriptor,
                &carebus__v1__service_ref__descriptor,
                &carebus__v1__service__descriptor,
                &carebus__v1__notice__descriptor,
        };

        for (size_t i = 0; i < ELEMENTSOF(at_work); i++)
                if (at_work[i] == message)
                        return true;
        return false;
}

static bool is_one_of(const char *text, const char *const *words) {
        for (; text && *words; words++)
                if (strcasecmp(text, *words) == 0)
                        return true;
        return false;
}

static bool kind_is_home(const char *kind) {
        static const char *const homes[] = {
                "h",         "home",      "patient's home", "own home",         "private residence",
                "residence", "care home", "nursing home",   "residential home", NULL
        };

        return is_one_of(kind, homes);
}

static bool kind_is_elsewhere(const char *kind) {
        static const char *const elsewhere[] = { "hospital", "hospice",       "clinic", "ward", "department", "surgery",
                                                 "n",        "health centre", "c",      "d",    NULL };

        return is_one_of(kind, elsewhere);
}

static bool is_general_practitioner(const Carebus__V1__CareTeamMember *member) {
        static const char *const roles[] = { "general practitioner",
                                             "general medical practitioner",
                                             "gp",
                                             "pp",
                                             "family doctor",
                                             "primary care provider",
                                             "registered gp",
                                             "registered practice",
                                             "practice",
                                             "62247001",
                                             "446050000",
                                             "59058001",
                                             NULL };
        const Carebus__V1__Coded *role = member->role ?: member->practitioner ? member->practitioner->role : NULL;

        if (member->identifier && is_one_of(member->identifier->value, roles))
                return true;
        if (member->identifier && text_equal(member->identifier->value, "general-practitioner"))
                return true;
        if (!role)
                return false;
        return is_one_of(role->code, roles) || is_one_of(role->display, roles) || is_one_of(role->text, roles) ||
               (role->original &&
                (is_one_of(role->original->code, roles) || is_one_of(role->original->display, roles)));
}

bool cut_place_is_home(const CutNode *node, const ProtobufCMessage *message) {
        const Carebus__V1__EscalationContact *escalation = (const Carebus__V1__EscalationContact *)message;
        const Carebus__V1__ContactPoint *point = (const Carebus__V1__ContactPoint *)message;

        switch (node->place) {
        case CUT_PLACE_IN_STAY:
                return kind_is_home(((const Carebus__V1__Place *)message)->kind);
        case CUT_PLACE_ELSEWHERE:
                return !kind_is_elsewhere(((const Carebus__V1__Place *)message)->kind);
        case CUT_PLACE_TO_RING:
                if (node->descriptor == &carebus__v1__contact_point__descriptor)
                        return point->person || !(point->practitioner || point->service);
                return escalation->person || !(escalation->practitioner || escalation->service);
        case CUT_PLACE_MEMBER:
                return is_general_practitioner((const Carebus__V1__CareTeamMember *)message);
        default:
                return false;
        }
}
