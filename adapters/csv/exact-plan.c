/* Rows of plan.csv: what was decided, wished or refused ahead of time. */
#include <string.h>

#include "adapters/csv/exact-parts.h"
#include "adapters/csv/translate-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"

typedef Carebus__V1__Event Event;

typedef struct ExactItem {
        Carebus__V1__Decision__Kind kind;
        uint32_t rank;
        const char *item;
} ExactItem;

static const ExactItem plan_items[] = {
        { CAREBUS__V1__DECISION__KIND__KIND_CPR, 0, "cpr" },
        { CAREBUS__V1__DECISION__KIND__KIND_ADRT, 0, "adrt" },
        { CAREBUS__V1__DECISION__KIND__KIND_LPA, 0, "lpa" },
        { CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION, 0, "ceiling" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE, 0, "ppc" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 2, "ppd2" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 0, "ppd1" },
};

static const char *item_of(const Carebus__V1__Decision *decision) {
        for (size_t i = 0; i < ELEMENTSOF(plan_items); i++)
                if (plan_items[i].kind == decision->kind &&
                    (plan_items[i].rank == 0 || plan_items[i].rank == decision->rank))
                        return plan_items[i].item;
        return NULL;
}

/* Two values alone are understood of CPR; anything else goes on in its words. */
static const char *decision_value(const Carebus__V1__Decision *decision) {
        const Carebus__V1__Coded *coded = decision->decision;

        if (decision->kind == CAREBUS__V1__DECISION__KIND__KIND_CPR && coded &&
            text_equal(coded->system, SYSTEM_SNOMED_CT)) {
                if (text_equal(coded->code, CODE_CPR_ATTEMPT))
                        return "attempt CPR";
                if (text_equal(coded->code, CODE_CPR_DO_NOT_ATTEMPT))
                        return "do not attempt CPR";
        }
        if (decision->place && text_equal(decision->place->system, SYSTEM_SNOMED_CT) && decision->place->code &&
            plan_place_word(decision->place->code))
                return plan_place_word(decision->place->code);
        if (decision->decision_text)
                return decision->decision_text;
        return exact_words(decision->place ? decision->place : coded);
}

static void author_values(Exact *exact, const Carebus__V1__Practitioner *author) {
        if (!author)
                return;
        exact->values[PLAN_AUTHOR] = exact_name(exact, author->name);
        exact_coded(exact, PLAN_AUTHOR_ROLE, author->role);
}

static const char *status_text(const Event *event, bool has_ended) {
        return event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR ? "entered in error"
               : has_ended                                                   ? "ended"
                                                                             : "current";
}

/* One that holds, one that no longer does, one that never did. What is neither stands as what it is: nobody takes a draft for a decision.
 * */
static const char *decision_status(const Event *event) {
        static const char *const words[] = {
                [CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED] = "superseded",
                [CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED] = "cancelled",
                [CAREBUS__V1__DECISION__STATUS__STATUS_SUSPENDED] = "suspended",
                [CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT] = "draft",
                [CAREBUS__V1__DECISION__STATUS__STATUS_RETRACTED] = "retracted",
        };
        const Carebus__V1__Decision *decision = event->decision;
        bool has_ended = decision->ended_at || decision->status == CAREBUS__V1__DECISION__STATUS__STATUS_ENDED ||
                         strstr(event->type, ".ended");

        if (event->action != CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR && decision->has_status &&
            (size_t)decision->status < ELEMENTSOF(words) && words[decision->status])
                return words[decision->status];
        if (decision->has_status && decision->status == CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR)
                return "entered in error";
        return status_text(event, has_ended);
}

/* What no column says. */
static void decision_parts(Exact *exact, const Carebus__V1__Decision *decision) {
        part_add_coded(&exact->parts, "value", decision->decision);
        part_add_coded(&exact->parts, "place", decision->place);
        exact_part(exact, "decision_text", decision->decision_text);
        exact_part(exact, "ended_at", exact_when(exact, decision->ended_at));
        exact_part(exact, "registered", exact_truth(decision->has_registered, decision->registered));
        exact_part(exact, "rank", exact_number(exact, decision->has_rank, decision->rank));
        if (decision->has_kind)
                exact_part(exact, "kind", exact_enum(&carebus__v1__decision__kind__descriptor, (int)decision->kind));
        if (decision->has_status)
                exact_part(exact, "status",
                           exact_enum(&carebus__v1__decision__status__descriptor, (int)decision->status));
        if (decision->has_scope)
                exact_part(exact, "scope", exact_enum(&carebus__v1__decision__scope__descriptor, (int)decision->scope));
        for (size_t i = 0; i < decision->n_guidance; i++)
                exact_part(exact, "guidance", decision->guidance[i]);
}

static bool decision_values(Exact *exact) {
        const Carebus__V1__Decision *decision = exact->event->decision;
        bool has_ended = decision->ended_at || decision->status == CAREBUS__V1__DECISION__STATUS__STATUS_ENDED ||
                         strstr(exact->event->type, ".ended");

        exact->values[PLAN_ITEM] = item_of(decision);
        if (!exact->values[PLAN_ITEM])
                return false;
        exact->values[PLAN_VALUE] = decision_value(decision);
        exact->values[PLAN_TEXT] = decision->text;
        exact->values[PLAN_STATUS] = decision_status(exact->event);
        decision_parts(exact, decision);
        exact->values[PLAN_DECIDED] = exact_when(exact, decision->decided_at);
        exact->values[PLAN_DATE] = exact_when(exact, has_ended && decision->ended_at ? decision->ended_at
                                                                                     : exact->event->occurred_at);
        author_values(exact, decision->decided_by);
        exact->values[PLAN_REVIEW] = decision->review_indefinite ? "indefinite"
                                                                 : exact_when(exact, decision->review_at);
        exact->values[PLAN_PLACE] = decision->original_location;
        exact->values[PLAN_SCOPE] = decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY    ? "this stay"
                                    : decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE ? "everywhere"
                                                                                                        : NULL;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, decision->identifier);
        return true;
}

static bool box_values(Exact *exact) {
        const Carebus__V1__AnticipatoryMedicines *box = exact->event->anticipatory_medicines;

        exact->values[PLAN_ITEM] = "jic_box";
        exact->values[PLAN_VALUE] = box->status;
        exact->values[PLAN_TEXT] = box->text;
        exact->values[PLAN_STATUS] = status_text(exact->event, false);
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        author_values(exact, box->prescriber);
        exact->values[PLAN_REVIEW] = exact_when(exact, box->expires_at);
        exact->values[PLAN_PLACE] = box->box_location;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, box->identifier);
        exact_part(exact, "prescribed_at", exact_when(exact, box->prescribed_at));
        exact_part(exact, "supplied_at", exact_when(exact, box->supplied_at));
        exact_part(exact, "used_at", exact_when(exact, box->used_at));
        exact_part(exact, "returned_at", exact_when(exact, box->returned_at));
        exact_part(exact, "box_in_home", exact_truth(box->has_box_in_home, box->box_in_home));
        return box->status != NULL;
}

static bool what_matters_values(Exact *exact) {
        const Carebus__V1__CarePlan *plan = exact->event->care_plan;
        const Carebus__V1__CarePlanItem *item = plan->n_items == 1 ? plan->items[0] : NULL;
        bool has_ended = item && text_equal(item->status, "stopped");

        if (!plan->what_matters && !(item && text_equal(item->item, "what_matters")))
                return false;
        exact->values[PLAN_ITEM] = "what_matters";
        exact->values[PLAN_VALUE] = item ? item->value : NULL;
        exact->values[PLAN_TEXT] = item && item->text ? item->text : plan->what_matters;
        exact->values[PLAN_STATUS] = status_text(exact->event, has_ended);
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        author_values(exact, plan->n_authors > 0 ? plan->authors[0] : NULL);
        exact->values[PLAN_REVIEW] = exact_when(exact, plan->review_at);
        exact->values[PLAN_PLACE] = plan->original_location;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, item ? item->identifier : NULL);
        part_add_identifier(&exact->parts, "plan_id", plan->identifier);
        exact_part(exact, "what_matters", plan->what_matters);
        if (item) {
                const char *const values[] = { "yes", item->item, item->text, item->status };

                part_add(&exact->parts, "item", values, ELEMENTSOF(values));
        }
        return true;
}

static bool contact_point_values(Exact *exact) {
        const Carebus__V1__ContactPoint *point = exact->event->contact_point;
        const Carebus__V1__ReachTime *reach = point->n_reach > 0 ? point->reach[0] : NULL;

        if (!reach || reach->n_telecom == 0)
                return false;
        exact->values[PLAN_ITEM] = reach->out_of_hours ? "contact_night" : "contact_day";
        exact->values[PLAN_VALUE] = reach->telecom[0]->value;
        exact->values[PLAN_TEXT] = point->name;
        exact->values[PLAN_STATUS] = status_text(exact->event, text_equal(point->status, "ended"));
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, point->identifier);
        part_add_coded(&exact->parts, "kind", point->kind);
        exact_part(exact, "status", point->status);
        exact_part(exact, "out_of_hours", exact_truth(reach->has_out_of_hours, reach->out_of_hours));
        return true;
}

/* ---- all of them */

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name
static const ExactBody plan_bodies[] = {
        { BODY(DECISION), "plan", decision_values, true },
        { BODY(ANTICIPATORY_MEDICINES), "plan", box_values, true },
        { BODY(CARE_PLAN), "plan", what_matters_values, true },
        { BODY(CONTACT_POINT), "plan", contact_point_values, true },
};

const ExactBody *exact_plan_at(size_t index) {
        return index < ELEMENTSOF(plan_bodies) ? &plan_bodies[index] : NULL;
}
