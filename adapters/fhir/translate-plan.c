/*
 * CarePlan and Goal. An activity is an item, whether its detail stands here or in a resource that it refers to; a goal is an item as
 * well. A plan that was completed, revoked or entered in error is withdrawn: nobody is to act on it any more.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/cleanup.h"
#include "base/text.h"

static const ClinicalStatus plan_statuses[] = {
        { "draft", "draft", "care_plan.published" },
        { "active", "active", "care_plan.published" },
        { "on-hold", "on-hold", "care_plan.published" },
        { "completed", "withdrawn", "care_plan.withdrawn" },
        { "revoked", "withdrawn", "care_plan.withdrawn" },
        { "entered-in-error", "withdrawn", "care_plan.withdrawn" },
        { NULL, NULL, "care_plan.published" },
};

static const ClinicalStatus activity_statuses[] = {
        { "not-started", "planned", NULL },
        { "scheduled", "planned", NULL },
        { "draft", "planned", NULL },
        { "requested", "planned", NULL },
        { "active", "in-progress", NULL },
        { "in-progress", "in-progress", NULL },
        { "on-hold", "on-hold", NULL },
        { "completed", "done", NULL },
        { "stopped", "stopped", NULL },
        { "cancelled", "stopped", NULL },
        { "revoked", "stopped", NULL },
        { "entered-in-error", "entered-in-error", NULL },
        { NULL, NULL, NULL },
};

static const ClinicalStatus goal_statuses[] = {
        { "proposed", "planned", NULL },
        { "planned", "planned", NULL },
        { "accepted", "planned", NULL },
        { "active", "in-progress", NULL },
        { "on-hold", "on-hold", NULL },
        { "completed", "done", NULL },
        { "cancelled", "stopped", NULL },
        { "rejected", "stopped", NULL },
        { "entered-in-error", "entered-in-error", NULL },
        { NULL, NULL, NULL },
};

static Carebus__V1__CarePlanItem *item_add(Fhir *f, Carebus__V1__CarePlan *plan) {
        Carebus__V1__CarePlanItem *item = draft_message(&f->draft, &carebus__v1__care_plan_item__descriptor);
        draft_append(&f->draft, &plan->n_items, &plan->items, item);
        return item;
}

/* Who does it: the first by name, all of them in words. */
static void item_read_people(Fhir *f, const FhirResource *resource, JsonNode *actors, Carebus__V1__CarePlanItem *item) {
        JSON_EACH(actor, actors) {
                const char *type = fhir_reference_type(f, resource, actor);
                char *display = fhir_member_text(f, actor, "display");
                if (display)
                        item->who = item->who ? draft_format(&f->draft, "%s, %s", item->who, display) : display;
                if (clinical_is_service(type))
                        item->responsible_service = item->responsible_service
                                                            ?: fhir_reference_service(f, resource, actor);
                else if (!clinical_is_person(type) && !item->responsible)
                        item->responsible = fhir_reference_practitioner(f, resource, actor);
        }
}

/*
 * Goals
 */

static void target_read(Fhir *f, JsonNode *target, Carebus__V1__CarePlanItem *item) {
        const char *measure = clinical_coded_words(fhir_coded(f, json_member(target, "measure")));
        char *detail = clinical_words(f, fhir_choice(target, "detail")),
             *due = clinical_words(f, fhir_choice(target, "due"));
        item->value = clinical_join(f, item->value, detail);
        if (measure)
                item->text = clinical_join(f, item->text, measure);
        if (due)
                item->when = clinical_join(f, item->when, due);
}

static void goal_read(Fhir *f, const FhirResource *resource, Carebus__V1__CarePlanItem *item) {
        JsonNode *node = resource->node, *start = fhir_choice(node, "start");
        const ClinicalStatus *status = clinical_status(goal_statuses, json_text(node, "lifecycleStatus"));
        item->identifier = fhir_own_identifier(f, resource);
        if (resource->container)
                json_note_read(json_peek(node, "subject")); /* the plan's own */
        item->goal = fhir_coded(f, json_member(node, "description"));
        item->goal_text = (char *)clinical_coded_words(item->goal);
        item->domain = clinical_first_coded(f, json_member(node, "category"));
        item->priority = fhir_coded(f, json_member(node, "priority"));
        item->status = (char *)status->status;
        item->original_status = fhir_code(f, json_member(node, "lifecycleStatus"), "http://hl7.org/fhir/goal-status");
        item->outcome = fhir_coded(f, json_member(node, "achievementStatus"));
        JSON_EACH(outcome, json_member(node, "outcomeCode"))
                item->text = clinical_join(f, item->text, clinical_coded_words(fhir_coded(f, outcome)));
        if (start && start->kind == JSON_STRING) {
                item->period = draft_message(&f->draft, &carebus__v1__period__descriptor);
                if (item->period)
                        item->period->start = fhir_when(f, start);
        } else if (start)
                item->when = clinical_words(f, start);
        JSON_EACH(target, json_member(node, "target"))
                target_read(f, target, item);
        JSON_EACH(addressed, json_member(node, "addresses"))
                item->problem_text = clinical_join(f, item->problem_text, clinical_words(f, addressed));
        item_read_people(f, resource, json_member(node, "expressedBy"), item);
        item->text = clinical_join(f, item->text, fhir_annotations(f, json_member(node, "note")));
        item->text = clinical_join(f, item->text, fhir_member_text(f, node, "statusReason"));
}

void fhir_goal(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Event *event = fhir_event(f, resource, "care_plan.item_changed",
                                               CAREBUS__V1__ACTION__ACTION_UPDATE);
        Carebus__V1__CarePlan *plan = event ? draft_message(&f->draft, &carebus__v1__care_plan__descriptor) : NULL;
        Carebus__V1__CarePlanItem *item = plan ? item_add(f, plan) : NULL;
        if (!item)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_PLAN;
        event->care_plan = plan;
        goal_read(f, resource, item);
        if (text_equal(item->status, "entered-in-error"))
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        clinical_link(f);
        if (resource->plan)
                plan->identifier = fhir_own_identifier(f, resource->plan);
        event->plan_id = plan->identifier;
        event->occurred_at = fhir_member_when(f, resource->node, "statusDate") ?: event->occurred_at;
}

/*
 * Activities
 */

static void detail_read(Fhir *f, const FhirResource *resource, JsonNode *detail, Carebus__V1__CarePlanItem *item) {
        JsonNode *scheduled = fhir_choice(detail, "scheduled");
        protobuf_c_boolean is_forbidden = false;
        item->action_coded = fhir_coded(f, json_member(detail, "code"));
        item->action = fhir_member_text(f, detail, "description") ?: (char *)clinical_coded_words(item->action_coded);
        item->item = fhir_member_text(f, detail, "kind");
        item->status = (char *)clinical_status(activity_statuses, json_text(detail, "status"))->status;
        item->original_status = fhir_code(f, json_member(detail, "status"),
                                          "http://hl7.org/fhir/care-plan-activity-status");
        item->text = (char *)clinical_coded_words(fhir_coded(f, json_member(detail, "statusReason")));
        JSON_EACH(reason, json_member(detail, "reasonCode")) {
                item->problem = item->problem ?: fhir_coded(f, reason);
                item->problem_text = clinical_join(f, item->problem_text, clinical_coded_words(item->problem));
        }
        JSON_EACH(reason, json_member(detail, "reasonReference"))
                item->problem_text = clinical_join(f, item->problem_text, clinical_words(f, reason));
        if (scheduled && clinical_says(scheduled->name, "Period"))
                item->period = fhir_period(f, scheduled);
        else if (scheduled && scheduled->kind == JSON_STRING)
                item->when = fhir_text(f, scheduled);
        else if (scheduled)
                item->when = clinical_timing(f, scheduled);
        item_read_people(f, resource, json_member(detail, "performer"), item);
        item->value = clinical_words(f, json_member(detail, "dailyAmount"))
                              ?: clinical_words(f, json_member(detail, "quantity"));
        item->text = clinical_join(f, item->text, clinical_words(f, fhir_choice(detail, "product")));
        item->text = clinical_join(f, item->text, clinical_words(f, json_member(detail, "location")));
        /* What must not be done is no item to do: said first, where nobody overlooks it. */
        if (fhir_truth(f, json_member(detail, "doNotPerform"), &is_forbidden) == 0 && is_forbidden) {
                item->action = draft_format(&f->draft, "DO NOT: %s", item->action ?: "not said");
                item->action_coded = NULL; /* a code alone would be read as a thing to do */
        }
}

/* What an activity refers to says itself what it is; here stand its name and its number. */
static void referred_read(Fhir *f, const FhirResource *resource, JsonNode *reference, Carebus__V1__CarePlanItem *item) {
        const FhirResource *found = fhir_resolve(f, resource, reference);
        JsonNode *code = found ? json_member(found->node, "code") ?: fhir_choice(found->node, "medication") : NULL;
        item->identifier = fhir_reference_identifier(f, resource, reference);
        item->action = fhir_member_text(f, reference, "display");
        item->item = (char *)fhir_reference_type(f, resource, reference);
        if (code && code->kind == JSON_OBJECT && !json_peek(code, "reference"))
                item->action_coded = fhir_coded(f, code);
        if (!found)
                return;
        item->status = (char *)clinical_status(activity_statuses, json_text(found->node, "status"))->status;
        item->action = item->action ?: fhir_member_text(f, found->node, "description");
        item->action = item->action ?: (char *)clinical_coded_words(item->action_coded);
}

static bool is_review(const Carebus__V1__CarePlanItem *item) {
        return coded_is(item->action_coded, SYSTEM_SNOMED_CT, "425268008");
}

static void activity_read(Fhir *f, const FhirResource *resource, JsonNode *activity, Carebus__V1__CarePlan *plan) {
        JsonNode *detail = json_member(activity, "detail"), *reference = json_member(activity, "reference");
        Carebus__V1__CarePlanItem *item = item_add(f, plan);
        Carebus__V1__When *at;
        if (!item)
                return;
        if (reference)
                referred_read(f, resource, reference, item);
        if (detail)
                detail_read(f, resource, detail, item);
        JSON_EACH(outcome, json_member(activity, "outcomeCodeableConcept"))
                item->outcome = item->outcome ?: fhir_coded(f, outcome);
        JSON_EACH(outcome, json_member(activity, "outcomeReference"))
                item->text = clinical_join(f, item->text, clinical_words(f, outcome));
        item->text = clinical_join(f, item->text, fhir_annotations(f, json_member(activity, "progress")));
        if (!is_review(item))
                return;
        at = item->period ? item->period->start : draft_when(&f->draft, item->when);
        if (text_equal(item->status, "done"))
                plan->reviewed_at = at;
        else
                plan->review_at = at;
}

/*
 * CarePlan
 */

static void plan_read_team(Fhir *f, const FhirResource *resource, JsonNode *node, Carebus__V1__CarePlan *plan) {
        JSON_EACH(reference, json_member(node, "careTeam")) {
                const FhirResource *team = fhir_resolve(f, resource, reference);
                JSON_EACH(member, team && team->container ? json_member(team->node, "participant") : NULL) {
                        Carebus__V1__EscalationContact *contact =
                                draft_message(&f->draft, &carebus__v1__escalation_contact__descriptor);
                        JsonNode *person = json_member(member, "member");
                        if (!contact)
                                return;
                        contact->practitioner = fhir_reference_practitioner(f, team, person);
                        contact->name = fhir_member_text(f, person, "display");
                        contact->text = (char *)clinical_coded_words(
                                clinical_first_coded(f, json_member(member, "role")));
                        draft_append(&f->draft, &plan->n_escalation, &plan->escalation, contact);
                }
        }
}

static void plan_read_goals(Fhir *f, const FhirResource *resource, JsonNode *node, Carebus__V1__CarePlan *plan) {
        JSON_EACH(reference, json_member(node, "goal")) {
                const FhirResource *goal = fhir_resolve(f, resource, reference);
                Carebus__V1__CarePlanItem *item = item_add(f, plan);
                if (!item)
                        return;
                if (goal && text_equal(goal->type, "Goal")) {
                        goal_read(f, goal, item);
                        continue;
                }
                item->identifier = fhir_reference_identifier(f, resource, reference);
                item->goal_text = fhir_member_text(f, reference, "display");
        }
}

/* The problems that the plan is about. */
static void plan_read_problems(Fhir *f, const FhirResource *resource, JsonNode *node, Carebus__V1__CarePlan *plan) {
        JSON_EACH(reference, json_member(node, "addresses")) {
                const FhirResource *found = fhir_resolve(f, resource, reference);
                Carebus__V1__CarePlanItem *item = item_add(f, plan);
                if (!item)
                        return;
                item->identifier = fhir_reference_identifier(f, resource, reference);
                item->problem = found ? fhir_coded(f, json_member(found->node, "code")) : NULL;
                if (found && found->container) {
                        item->original_status = fhir_coded(f, json_member(found->node, "clinicalStatus"));
                        item->text = (char *)clinical_coded_words(
                                fhir_coded(f, json_member(found->node, "verificationStatus")));
                        json_note_read(json_peek(found->node, "subject"));
                }
                item->problem_text = fhir_member_text(f, reference, "display")
                                             ?: (char *)clinical_coded_words(item->problem);
        }
}

static void plan_read_people(Fhir *f, const FhirResource *resource, JsonNode *node, Carebus__V1__CarePlan *plan) {
        static const char *const lists[] = { "author", "contributor" };
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                JSON_EACH(actor, json_member(node, lists[i])) {
                        const char *type = fhir_reference_type(f, resource, actor);
                        if (text_equal(type, "RelatedPerson"))
                                draft_append(&f->draft, &plan->n_involved, &plan->involved,
                                             fhir_reference_person(f, resource, actor));
                        else if (!clinical_is_person(type))
                                draft_append(&f->draft, &plan->n_authors, &plan->authors,
                                             clinical_professional(f, resource, actor));
                }
}

static void plan_read_links(Fhir *f, const FhirResource *resource, JsonNode *node, Carebus__V1__CarePlan *plan) {
        JSON_EACH(reference, json_member(node, "replaces"))
                draft_append(&f->draft, &plan->n_replaces, &plan->replaces,
                             fhir_reference_identifier(f, resource, reference));
        JSON_EACH(reference, json_member(node, "supportingInfo")) {
                const char *type = fhir_reference_type(f, resource, reference);
                if (text_equal(type, "DocumentReference") || text_equal(type, "Composition"))
                        draft_append(&f->draft, &plan->n_documents, &plan->documents,
                                     fhir_reference_identifier(f, resource, reference));
                else
                        plan->summary = clinical_join(f, plan->summary, clinical_words(f, reference));
        }
}

static void plan_read(Fhir *f, const FhirResource *resource, Carebus__V1__CarePlan *plan) {
        JsonNode *node = resource->node, *narrative = json_member(node, "text");
        const char *kind = json_text(narrative, "status");
        plan->identifier = fhir_own_identifier(f, resource);
        plan->version = fhir_text(f, json_peek(json_peek(node, "meta"), "versionId"));
        plan->title = fhir_member_text(f, node, "title");
        plan->summary = fhir_member_text(f, node, "description");
        plan->period = fhir_period(f, json_member(node, "period"));
        plan->published_at = fhir_member_when(f, node, "created") ?: (plan->period ? plan->period->start : NULL);
        JSON_EACH(item, json_member(node, "category")) {
                Carebus__V1__Coded *category = clinical_mapped(f, item, "care_plan.type");
                const Concept *concept = clinical_concept(category, NULL, 0);
                if (concept && concept->event && !plan->type)
                        plan->type = category;
                else
                        plan->category = plan->category ?: category;
        }
        plan->type = plan->type ?: plan->category;
        plan_read_people(f, resource, node, plan);
        plan_read_problems(f, resource, node, plan);
        plan_read_goals(f, resource, node, plan);
        JSON_EACH(activity, json_member(node, "activity"))
                activity_read(f, resource, activity, plan);
        plan_read_team(f, resource, node, plan);
        plan_read_links(f, resource, node, plan);
        plan->summary = clinical_join(f, plan->summary, fhir_annotations(f, json_member(node, "note")));
        /* Words that stand nowhere else. */
        if (!plan->summary && (plan->n_items == 0 || text_equal(kind, "additional")))
                plan->summary = clinical_narrative(f, narrative);
}

void fhir_care_plan(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        const ClinicalStatus *status = clinical_status(plan_statuses, json_text(node, "status"));
        const char *type = fhir_is_in_error(resource) ? "care_plan.withdrawn" : status->event;
        bool is_over = strcmp(type, "care_plan.withdrawn") == 0;
        Carebus__V1__Event *event = fhir_event(
                f, resource, type, is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__CarePlan *plan = event ? draft_message(&f->draft, &carebus__v1__care_plan__descriptor) : NULL;
        if (!plan)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_PLAN;
        event->care_plan = plan;
        plan_read(f, resource, plan);
        event->plan_id = plan->identifier;
        plan->status = (char *)status->status;
        plan->original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/request-status");
        fhir_member_text(f, node, "intent");
        if (is_over) {
                plan->withdrawn_at = plan->period ? plan->period->end : NULL;
                event->occurred_at = plan->withdrawn_at ?: event->occurred_at;
                return;
        }
        if (plan->reviewed_at) {
                event->type = (char *)"care_plan.reviewed";
                event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
                plan->status = (char *)"reviewed";
        }
        event->occurred_at = plan->reviewed_at ?: plan->published_at ?: event->occurred_at;
}
