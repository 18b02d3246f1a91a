/* Rows of plan.csv in the exact form: what no column of that table says stands in `parts`. */
#include <string.h>

#include "adapters/csv/translate-rules.h"
#include "base/text.h"
#include "proto/types.h"

static const char no_plan_type[] = "event_type names nothing that this table has a row for; have the file made again";

static void decision_review(RowWork *work, Carebus__V1__Decision *decision) {
        const char *said = row_text(work, PLAN_REVIEW);

        if (said && strcmp(said, "indefinite") == 0)
                decision->has_review_indefinite = decision->review_indefinite = true;
        else
                decision->review_at = row_when(work, PLAN_REVIEW, NULL);
}

static void decision_enums(RowWork *work, Carebus__V1__Decision *decision) {
        int value;

        if (exact_part_enum(work, "kind", &carebus__v1__decision__kind__descriptor, &value)) {
                decision->has_kind = true;
                decision->kind = (Carebus__V1__Decision__Kind)value;
        }
        if (exact_part_enum(work, "status", &carebus__v1__decision__status__descriptor, &value)) {
                decision->has_status = true;
                decision->status = (Carebus__V1__Decision__Status)value;
        }
        if (exact_part_enum(work, "scope", &carebus__v1__decision__scope__descriptor, &value)) {
                decision->has_scope = true;
                decision->scope = (Carebus__V1__Decision__Scope)value;
        }
}

static void decision_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__Decision *decision = ROW_MESSAGE(work, decision);
        const char *rank = exact_part_text(work, "rank", 0, 0);
        uint64_t number;
        char *guidance;

        work->is_urgent = true;
        if (!decision)
                return;
        ROW_BODY(event, DECISION, decision, decision);
        event->order_id = decision->identifier = row_own_identifier(work, PLAN_DECISION_ID);
        decision_enums(work, decision);
        decision->decision = exact_part_coded(work, "value", 0);
        decision->place = exact_part_coded(work, "place", 0);
        decision->decision_text = exact_part_text(work, "decision_text", 0, 0);
        decision->text = row_text(work, PLAN_TEXT);
        decision->decided_at = row_when(work, PLAN_DECIDED, NULL);
        decision->ended_at = exact_part_when(work, "ended_at");
        decision->decided_by = row_author(work);
        decision->original_location = row_text(work, PLAN_PLACE);
        decision_review(work, decision);
        decision->has_registered = exact_part_truth(work, "registered", &decision->registered);
        if (rank && text_to_u64(rank, &number) == 0 && number <= UINT32_MAX) {
                decision->has_rank = true;
                decision->rank = (uint32_t)number;
        }
        for (size_t i = 0; (guidance = exact_part_text(work, "guidance", i, 0)); i++)
                draft_append(&work->draft, &decision->n_guidance, &decision->guidance, guidance);
}

static void box_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__AnticipatoryMedicines *box = ROW_MESSAGE(work, anticipatory_medicines);

        if (!box)
                return;
        ROW_BODY(event, ANTICIPATORY_MEDICINES, anticipatory_medicines, box);
        box->identifier = row_own_identifier(work, PLAN_DECISION_ID);
        box->status = row_text(work, PLAN_VALUE);
        box->text = row_text(work, PLAN_TEXT);
        box->prescribed_at = exact_part_when(work, "prescribed_at");
        box->supplied_at = exact_part_when(work, "supplied_at");
        box->used_at = exact_part_when(work, "used_at");
        box->returned_at = exact_part_when(work, "returned_at");
        box->expires_at = row_when(work, PLAN_REVIEW, NULL);
        box->box_location = row_text(work, PLAN_PLACE);
        box->has_box_in_home = exact_part_truth(work, "box_in_home", &box->box_in_home);
        box->prescriber = row_author(work);
}

static void what_matters_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__CarePlan *plan = ROW_MESSAGE(work, care_plan);
        Carebus__V1__CarePlanItem *item;

        if (!plan)
                return;
        ROW_BODY(event, CARE_PLAN, care_plan, plan);
        plan->identifier = event->plan_id = exact_part_identifier(work, "plan_id", 0);
        plan->what_matters = exact_part_text(work, "what_matters", 0, 0);
        plan->review_at = row_when(work, PLAN_REVIEW, NULL);
        plan->original_location = row_text(work, PLAN_PLACE);
        draft_append(&work->draft, &plan->n_authors, &plan->authors, row_author(work));
        item = exact_part_text(work, "item", 0, 0) ? ROW_MESSAGE(work, care_plan_item) : NULL;
        if (!item)
                return;
        item->identifier = row_own_identifier(work, PLAN_DECISION_ID);
        item->item = exact_part_text(work, "item", 0, 1);
        item->text = exact_part_text(work, "item", 0, 2);
        item->status = exact_part_text(work, "item", 0, 3);
        item->value = row_text(work, PLAN_VALUE);
        draft_append(&work->draft, &plan->n_items, &plan->items, item);
}

static void contact_point_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__ContactPoint *point = ROW_MESSAGE(work, contact_point);
        Carebus__V1__ReachTime *reach = point ? ROW_MESSAGE(work, reach_time) : NULL;

        if (!reach)
                return;
        ROW_BODY(event, CONTACT_POINT, contact_point, point);
        point->identifier = row_own_identifier(work, PLAN_DECISION_ID);
        point->name = row_text(work, PLAN_TEXT);
        point->kind = exact_part_coded(work, "kind", 0);
        point->status = exact_part_text(work, "status", 0, 0);
        reach->has_out_of_hours = exact_part_truth(work, "out_of_hours", &reach->out_of_hours);
        draft_append(&work->draft, &reach->n_telecom, &reach->telecom, row_phone(work, PLAN_VALUE));
        draft_append(&work->draft, &point->n_reach, &point->reach, reach);
}

void plan_exact(RowWork *work) {
        static const struct {
                Carebus__V1__Event__BodyCase body;
                void (*translate)(RowWork *work, Carebus__V1__Event *event);
        } bodies[] = {
                { CAREBUS__V1__EVENT__BODY_DECISION, decision_exact },
                { CAREBUS__V1__EVENT__BODY_ANTICIPATORY_MEDICINES, box_exact },
                { CAREBUS__V1__EVENT__BODY_CARE_PLAN, what_matters_exact },
                { CAREBUS__V1__EVENT__BODY_CONTACT_POINT, contact_point_exact },
        };
        const EventType *type = event_type_find(work->exact[EXACT_TYPE]);
        Carebus__V1__Event *event;

        work->is_urgent = true; /* whatever is the matter with it, it may be a decision */
        for (size_t i = 0; type && i < ELEMENTSOF(bodies); i++) {
                if (bodies[i].body != type->body)
                        continue;
                event = row_event(work, type->name, type->action);
                work->is_urgent = false;
                if (event)
                        bodies[i].translate(work, event);
                return;
        }
        row_refuse(work, -1, no_plan_type);
}
