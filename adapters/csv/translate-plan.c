/*
 * plan.csv: what was decided, wished or refused ahead of time. Nothing here is guessed: what can mean either is refused, and what nobody
 * can read is recorded as said.
 */
#include <ctype.h>
#include <string.h>

#include "adapters/csv/translate-rules.h"
#include "canon/vocabulary.h"

typedef enum PlanStatus { PLAN_CURRENT, PLAN_ENDED, PLAN_IN_ERROR } PlanStatus;

/* What all items have in common. */
typedef struct PlanRow {
        const struct PlanItem *item;
        PlanStatus status;
        char *value, *text;
        Carebus__V1__When *decided_at, *at;
        Carebus__V1__Identifier *identifier;
} PlanRow;

typedef void (*PlanTranslate)(RowWork *work, PlanRow *row);
typedef struct PlanItem {
        const char *name;
        PlanTranslate translate;
        const char *recorded, *ended;
        Carebus__V1__Decision__Kind kind;
        uint32_t rank;
} PlanItem;

static const char cpr_either[] =
        "yes, no and marks can mean \"attempt CPR\" as well as \"there is a DNACPR form\"; write attempt CPR or do "
        "not attempt CPR";
static const char cpr_not_signed[] =
        "the profile has a meaning for this value, but nobody has signed it (signed: by, on), so it is not "
        "used; write attempt CPR or do not attempt CPR";
static const char not_signed[] =
        "the profile has a meaning for this value, but nobody has signed it (signed: by, on), so it is not used";
static const char cpr_unread[] =
        "this is neither attempt CPR nor do not attempt CPR; a decision is recorded with these words, and its "
        "meaning as not known";
static const char cpr_read[] = "read by its meaning; to be safe, write attempt CPR or do not attempt CPR";
static const char cpr_contrary[] =
        "value and text say the contrary of one another, so that nobody knows which is meant; correct one of them";
static const char nothing_said[] = "write what was decided, or leave the row out";
static const char there_is_none[] =
        "no says that there is none; leave the row out, or write status ended where there was one";
static const char which_ended[] =
        "to end or take back an entry, decided_at must be that of the entry, so that it is known which one";

/* ---- values ---- */

static const char *const eithers[] = { "yes", "no", "y", "n",    "true",   "false",
                                       "1",   "0",  "x", "tick", "ticked", "\xe2\x9c\x93" };

static bool is_signed(const TableBinding *binding) {
        return binding->rules && binding->rules->signed_by && binding->rules->signed_on;
}

/* By the item's own map, or by that of the column. */
static const char *value_meant(const RowWork *work, const PlanRow *row, const char *said) {
        const char *meant = table_value(work->binding->rules, row->item->name, said);

        return meant ? meant : table_value(work->binding->rules, "value", said);
}

static Carebus__V1__Coded *cpr_coded(RowWork *work, CprMeaning meaning, char *said) {
        bool attempt = meaning == CPR_ATTEMPT;

        if (meaning == CPR_NOT_KNOWN)
                return draft_coded(&work->draft, NULL, NULL, NULL, said);
        return draft_coded(&work->draft, (char *)SYSTEM_SNOMED_CT,
                           (char *)(attempt ? CODE_CPR_ATTEMPT : CODE_CPR_DO_NOT_ATTEMPT),
                           (char *)(attempt ? "for attempted cardiopulmonary resuscitation"
                                            : "not for attempted cardiopulmonary resuscitation"),
                           said);
}

static bool is_template_word(const char *said) {
        return strcasecmp(said, "attempt CPR") == 0 || strcasecmp(said, "do not attempt CPR") == 0;
}

/* Two values are understood, and what somebody signed for. */
static Carebus__V1__Coded *cpr_read_value(RowWork *work, PlanRow *row) {
        char *said = row->value ? row->value : row->text;
        const char *meant = said ? value_meant(work, row, said) : NULL;
        CprMeaning meaning, besides;

        if (!said) {
                row_refuse(work, PLAN_VALUE, "write attempt CPR or do not attempt CPR");
                return NULL;
        }
        if (meant && !is_signed(work->binding)) {
                row_refuse(work, PLAN_VALUE, cpr_not_signed);
                return NULL;
        }
        if (!meant && WORD_FIND(eithers, said) >= 0) {
                row_refuse(work, PLAN_VALUE, cpr_either);
                return NULL;
        }
        meaning = cpr_meaning_of_text(meant ? meant : said);
        besides = row->value && row->text ? cpr_meaning_of_text(row->text) : CPR_NOT_KNOWN;
        if (meaning != CPR_NOT_KNOWN && besides != CPR_NOT_KNOWN && besides != meaning) {
                row_refuse(work, PLAN_VALUE, cpr_contrary);
                return NULL;
        }
        if (meaning == CPR_NOT_KNOWN)
                row_note(work, PLAN_VALUE, cpr_unread);
        else if (!meant && !is_template_word(said))
                row_note(work, PLAN_VALUE, cpr_read);
        return cpr_coded(work, meaning, said);
}

/* Where people wish to be: the words of the template, as codes; of a code with several words the first is written. */
static const struct {
        const char *word, *code;
} places[] = {
        { "home", "110481000000108" },
        { "own home", "110481000000108" },
        { "hospice", "108401000000102" },
        { "hospital", "109401000000108" },
        { "community hospital", "89751000000108" },
        { "care home", "710571000000101" },
        { "nursing home", "89761000000106" },
        { "residential home", "512071000000106" },
        { "usual residence", "819211000000102" },
        { "usual place of residence", "819211000000102" },
        { "no preference", "1060941000000102" },
        { "undecided", "517161000000101" },
        { "unable to express", "517111000000103" },
        { "discussion not appropriate", "517131000000106" },
        { "declined to discuss", "766391000000108" },
};

const char *plan_place_word(const char *code) {
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (strcmp(places[i].code, code) == 0)
                        return places[i].word;
        return NULL;
}

static Carebus__V1__Coded *place_of_death(RowWork *work, char *said) {
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (strcasecmp(places[i].word, said) == 0) {
                        const Concept *concept = concept_find(SYSTEM_SNOMED_CT, places[i].code);
                        return draft_coded(&work->draft, (char *)SYSTEM_SNOMED_CT, (char *)places[i].code,
                                           concept ? (char *)concept->display : NULL, said);
                }
        return draft_coded_local(&work->draft, NULL, said, said);
}

/* ---- decisions ---- */

Carebus__V1__Practitioner *row_author(RowWork *work) {
        char *author = row_text(work, PLAN_AUTHOR);
        Carebus__V1__Coded *role = row_coded(work, PLAN_AUTHOR_ROLE);
        Carebus__V1__Practitioner *practitioner = author || role ? ROW_MESSAGE(work, practitioner) : NULL;

        if (!practitioner)
                return NULL;
        practitioner->role = role;
        if (author) {
                practitioner->name = ROW_MESSAGE(work, human_name);
                if (practitioner->name)
                        practitioner->name->text = author;
        }
        return practitioner;
}

static void scope_read(RowWork *work, Carebus__V1__Decision *decision) {
        static const char *const words[] = { "this stay", "everywhere", "not said", "not known", "unknown" };
        const char *said = row_text(work, PLAN_SCOPE);
        int found = said ? WORD_FIND(words, said) : 2;

        if (found < 0) {
                row_refuse(work, PLAN_SCOPE, "write this stay, everywhere or not said");
                return;
        }
        if (found > 1)
                return;
        decision->has_scope = true;
        decision->scope = found == 0 ? CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY
                                     : CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE;
}

static void review_read(RowWork *work, Carebus__V1__Decision *decision) {
        static const char *const words[] = { "indefinite", "none", "no review", "not needed" };
        const char *said = row_text(work, PLAN_REVIEW);

        if (said && WORD_FIND(words, said) >= 0)
                decision->has_review_indefinite = decision->review_indefinite = true;
        else
                decision->review_at = row_when(work, PLAN_REVIEW, NULL);
}

static Carebus__V1__Event *plan_event(RowWork *work, const PlanRow *row, const char *recorded, const char *ended) {
        static const Carebus__V1__Action ends[] = { [PLAN_ENDED] = ROW_UPDATE, [PLAN_IN_ERROR] = ROW_IN_ERROR };
        bool is_current = row->status == PLAN_CURRENT;
        Carebus__V1__Event *event = row_event(work, is_current ? recorded : ended,
                                              is_current ? ROW_NEW : ends[row->status]);

        if (event)
                event->occurred_at = row->at;
        return event;
}

static Carebus__V1__Decision *decision_event(RowWork *work, PlanRow *row) {
        static const Carebus__V1__Decision__Status statuses[] = {
                [PLAN_CURRENT] = CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE,
                [PLAN_ENDED] = CAREBUS__V1__DECISION__STATUS__STATUS_ENDED,
                [PLAN_IN_ERROR] = CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR,
        };
        Carebus__V1__Event *event = plan_event(work, row, row->item->recorded, row->item->ended);
        Carebus__V1__Decision *decision = event ? ROW_MESSAGE(work, decision) : NULL;

        if (!decision)
                return NULL;
        ROW_BODY(event, DECISION, decision, decision);
        event->order_id = decision->identifier = row->identifier;
        decision->has_kind = decision->has_status = true;
        decision->kind = row->item->kind;
        decision->status = statuses[row->status];
        decision->decided_at = row->decided_at;
        decision->ended_at = row->status == PLAN_ENDED ? row->at : NULL;
        decision->decided_by = row_author(work);
        decision->original_location = row_text(work, PLAN_PLACE);
        decision->decision_text = row->value;
        decision->text = row->text;
        review_read(work, decision);
        scope_read(work, decision);
        return decision;
}

static void cpr_translate(RowWork *work, PlanRow *row) {
        bool needs_value = row->status == PLAN_CURRENT || row->value;
        Carebus__V1__Coded *coded = needs_value ? cpr_read_value(work, row) : NULL;
        Carebus__V1__Decision *decision = decision_event(work, row);

        work->is_urgent = true;
        if (decision)
                decision->decision = coded;
}

/* An advance decision, a power of attorney, a ceiling of treatment: what it says stands in its words. */
static void words_translate(RowWork *work, PlanRow *row) {
        bool is_ceiling = row->item->kind == CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION;
        static const char *const no[] = { "no", "n", "false", "0", "none" };
        static const char *const yes[] = { "yes", "y", "true", "1", "x", "in place", "registered" };
        const char *meant = row->value ? value_meant(work, row, row->value) : NULL;
        Carebus__V1__Decision *decision;

        if (meant && !is_signed(work->binding) && row->item->kind != CAREBUS__V1__DECISION__KIND__KIND_LPA)
                row_refuse(work, PLAN_VALUE, not_signed);
        if (meant)
                row->value = draft_text(&work->draft, meant, strlen(meant));
        if (row->status == PLAN_CURRENT && !row->value && !row->text)
                row_refuse(work, PLAN_VALUE, nothing_said);
        else if (row->status == PLAN_CURRENT && row->value && WORD_FIND(no, row->value) >= 0)
                row_refuse(work, PLAN_VALUE, is_ceiling ? nothing_said : there_is_none);
        else if (is_ceiling && row->value && WORD_FIND(yes, row->value) >= 0)
                row_refuse(work, PLAN_VALUE, nothing_said);
        decision = decision_event(work, row);
        if (!decision)
                return;
        if (row->value && WORD_FIND(yes, row->value) < 0)
                decision->decision = draft_coded_local(&work->draft, NULL, row->value, row->value);
        else if (row->text)
                decision->decision = draft_coded(&work->draft, NULL, NULL, NULL, row->text);
        if (is_ceiling)
                draft_append(&work->draft, &decision->n_guidance, &decision->guidance,
                             row->text ? row->text : row->value);
        if (row->item->kind == CAREBUS__V1__DECISION__KIND__KIND_LPA && row->value &&
            strcasecmp(row->value, "registered") == 0)
                decision->has_registered = decision->registered = true;
}

static void place_translate(RowWork *work, PlanRow *row) {
        bool is_death = row->item->kind == CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH;
        const char *meant = row->value ? value_meant(work, row, row->value) : NULL;
        Carebus__V1__Decision *decision;
        char *said;

        if (meant)
                row->value = draft_text(&work->draft, meant, strlen(meant));
        said = row->value ? row->value : row->text;
        if (!said && row->status == PLAN_CURRENT)
                row_refuse(work, PLAN_VALUE,
                           "write the place, like home, hospice, hospital or care home, or leave the row out");
        decision = decision_event(work, row);
        if (!decision)
                return;
        decision->has_rank = row->item->rank > 0;
        decision->rank = row->item->rank;
        if (!said)
                return;
        decision->place = is_death ? place_of_death(work, said) : draft_coded_local(&work->draft, NULL, said, said);
}

/* ---- the rest of a plan ---- */

static void box_translate(RowWork *work, PlanRow *row) {
        static const char *const words[] = { "prescribed", "supplied", "in place", "in the home",
                                             "yes",        "used",     "returned", "removed" };
        static const struct {
                const char *type, *status;
                size_t offset;
        } steps[] = {
                { "anticipatory_meds.prescribed", "prescribed",
                  offsetof(Carebus__V1__AnticipatoryMedicines, prescribed_at) },
                { "anticipatory_meds.supplied", "supplied", offsetof(Carebus__V1__AnticipatoryMedicines, supplied_at) },
                { "anticipatory_meds.used", "used", offsetof(Carebus__V1__AnticipatoryMedicines, used_at) },
                { "anticipatory_meds.returned", "returned", offsetof(Carebus__V1__AnticipatoryMedicines, returned_at) },
        };
        static const int step_of[] = { 0, 1, 1, 1, 1, 2, 3, 3 };
        const char *meant = row->value ? value_meant(work, row, row->value) : NULL;
        int found = row->value ? WORD_FIND(words, meant ? meant : row->value) : -1, step;
        Carebus__V1__AnticipatoryMedicines *box;
        Carebus__V1__Event *event;

        if (found < 0 && row->status == PLAN_CURRENT) {
                row_refuse(work, PLAN_VALUE, "write prescribed, supplied, used or returned, or leave the row out");
                return;
        }
        step = row->status == PLAN_ENDED || found < 0 ? 3 : step_of[found];
        event = row_event(work, steps[step].type,
                          row->status == PLAN_IN_ERROR ? ROW_IN_ERROR
                          : step == 0                  ? ROW_NEW
                                                       : ROW_UPDATE);
        box = event ? ROW_MESSAGE(work, anticipatory_medicines) : NULL;
        if (!box)
                return;
        ROW_BODY(event, ANTICIPATORY_MEDICINES, anticipatory_medicines, box);
        event->occurred_at = row->at;
        box->identifier = row->identifier;
        box->status = (char *)steps[step].status;
        memcpy((char *)box + steps[step].offset, &row->at, sizeof(row->at));
        box->box_location = row_text(work, PLAN_PLACE);
        box->has_box_in_home = step == 1 || step == 3;
        box->box_in_home = step == 1;
        box->expires_at = row_when(work, PLAN_REVIEW, NULL);
        if (step == 0)
                box->prescriber = row_author(work);
        box->text = row->text;
}

static void what_matters_translate(RowWork *work, PlanRow *row) {
        Carebus__V1__Event *event = plan_event(work, row, "care_plan.item_changed", "care_plan.item_changed");
        Carebus__V1__CarePlan *plan = event ? ROW_MESSAGE(work, care_plan) : NULL;
        Carebus__V1__CarePlanItem *item = plan ? ROW_MESSAGE(work, care_plan_item) : NULL;
        char *said = row->text ? row->text : row->value;

        if (!said && row->status == PLAN_CURRENT)
                row_refuse(work, PLAN_TEXT, "write what matters to the person into text, or leave the row out");
        if (!item)
                return;
        if (row->status == PLAN_CURRENT)
                event->action = ROW_UPDATE;
        ROW_BODY(event, CARE_PLAN, care_plan, plan);
        plan->identifier = event->plan_id = draft_identifier(&work->draft, NULL, NULL, NULL,
                                                             draft_format(&work->draft, "plan/%s",
                                                                          row_text(work, PERSON_LOCAL_ID) ?: ""));
        plan->what_matters = row->status == PLAN_CURRENT ? said : NULL;
        plan->review_at = row_when(work, PLAN_REVIEW, NULL);
        plan->original_location = row_text(work, PLAN_PLACE);
        draft_append(&work->draft, &plan->n_authors, &plan->authors, row_author(work));
        item->identifier = row->identifier;
        item->item = (char *)row->item->name;
        item->value = row->value;
        item->text = row->text;
        item->status = (char *)(row->status == PLAN_IN_ERROR ? "entered-in-error"
                                : row->status == PLAN_ENDED  ? "stopped"
                                                             : NULL);
        draft_append(&work->draft, &plan->n_items, &plan->items, item);
}

static void contact_translate(RowWork *work, PlanRow *row) {
        bool is_night = strcmp(row->item->name, "contact_night") == 0;
        Carebus__V1__Event *event = plan_event(work, row, "contact_point.changed", "contact_point.changed");
        Carebus__V1__ContactPoint *point = event ? ROW_MESSAGE(work, contact_point) : NULL;
        Carebus__V1__ReachTime *reach = point ? ROW_MESSAGE(work, reach_time) : NULL;

        if (!row->value && row->status == PLAN_CURRENT)
                row_refuse(work, PLAN_VALUE, "write the telephone number into value, and who answers into text");
        if (!reach)
                return;
        if (row->status == PLAN_CURRENT)
                event->action = ROW_UPDATE;
        ROW_BODY(event, CONTACT_POINT, contact_point, point);
        point->identifier = row->identifier;
        point->name = row->text;
        point->kind = draft_coded(&work->draft, NULL, NULL, NULL, (char *)(is_night ? "out of hours" : "in hours"));
        point->status = (char *)(row->status == PLAN_CURRENT ? "active" : "ended");
        reach->has_out_of_hours = true;
        reach->out_of_hours = is_night;
        draft_append(&work->draft, &reach->n_telecom, &reach->telecom, row_phone(work, PLAN_VALUE));
        draft_append(&work->draft, &point->n_reach, &point->reach, reach);
}

/* ---- the row ---- */

static const PlanItem items[] = {
        { "cpr", cpr_translate, "cpr_decision.recorded", "cpr_decision.ended", CAREBUS__V1__DECISION__KIND__KIND_CPR,
          0 },
        { "adrt", words_translate, "adrt.recorded", "adrt.ended", CAREBUS__V1__DECISION__KIND__KIND_ADRT, 0 },
        { "lpa", words_translate, "lpa.recorded", "lpa.ended", CAREBUS__V1__DECISION__KIND__KIND_LPA, 0 },
        { "ppc", place_translate, "preference.place_of_care", "preference.place_of_care",
          CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE, 0 },
        { "ppd1", place_translate, "preference.place_of_death", "preference.place_of_death",
          CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 1 },
        { "ppd2", place_translate, "preference.place_of_death", "preference.place_of_death",
          CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 2 },
        { "ceiling", words_translate, "treatment_escalation.recorded", "treatment_escalation.ended",
          CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION, 0 },
        { "jic_box", box_translate, NULL, NULL, 0, 0 },
        { "what_matters", what_matters_translate, NULL, NULL, 0, 0 },
        { "contact_day", contact_translate, NULL, NULL, 0, 0 },
        { "contact_night", contact_translate, NULL, NULL, 0, 0 },
};

static const PlanItem *item_read(RowWork *work) {
        char *said = row_text(work, PLAN_ITEM);
        const char *meant = said ? table_value(work->binding->rules, "item", said) : NULL;

        for (size_t i = 0; said && i < ELEMENTSOF(items); i++)
                if (strcasecmp(items[i].name, meant ? meant : said) == 0)
                        return &items[i];
        row_refuse(work, PLAN_ITEM,
                   "write one of cpr, adrt, lpa, ppc, ppd1, ppd2, ceiling, jic_box, what_matters, contact_day, "
                   "contact_night");
        return NULL;
}

static bool status_read(RowWork *work, PlanStatus *ret) {
        static const char *const words[] = { "current",          "active",          "ended",
                                             "cancelled",        "superseded",      "retracted",
                                             "entered in error", "entered-in-error" };
        static const PlanStatus meant[] = { PLAN_CURRENT, PLAN_CURRENT, PLAN_ENDED,    PLAN_ENDED,
                                            PLAN_ENDED,   PLAN_ENDED,   PLAN_IN_ERROR, PLAN_IN_ERROR };
        const char *said = row_text(work, PLAN_STATUS);
        int found = said ? WORD_FIND(words, said) : 0;

        if (found < 0) {
                row_refuse(work, PLAN_STATUS, "write current, ended or entered in error; empty means current");
                return false;
        }
        *ret = meant[found];
        return true;
}

/* The source's own number of the decision where it has one, else one that the same decision always gets again. */
static char *plan_key(RowWork *work, const PlanRow *row, const char *day) {
        char *given = row_number_text(work, PLAN_DECISION_ID);

        if (given)
                return given;
        if (row->item->translate == contact_translate || row->item->translate == box_translate) /* one each */
                day = NULL;
        return draft_format(&work->draft, "plan/%s/%s%s%s", row_text(work, PERSON_LOCAL_ID) ?: "", row->item->name,
                            day ? "/" : "", day ? day : "");
}

/* Two rows of one entry that differ: the second would take the place of the first, whichever of both is meant. */
static void said_once(RowWork *work, const PlanRow *row, const char *day) {
        work->thing = draft_format(&work->draft, "%s|%s", row->identifier ? row->identifier->value : "", day);
        work->said = draft_format(&work->draft, "%s|%s|%s", row->value ?: "", row->text ?: "",
                                  row_text(work, PLAN_SCOPE) ?: "");
        for (char *at = work->said; at && *at; at++)
                *at = (char)tolower((unsigned char)*at);
}

void plan_translate(RowWork *work) {
        char decided_day[ROW_DAY_SIZE] = "", day[ROW_DAY_SIZE] = "";
        PlanRow row = { .item = item_read(work),
                        .value = row_text(work, PLAN_VALUE),
                        .text = row_text(work, PLAN_TEXT) };
        bool is_decision = row.item && row.item->recorded;
        Carebus__V1__When *date;

        if (work->has_parts && work->exact[EXACT_TYPE]) {
                plan_exact(work);
                return;
        }
        work->is_urgent = is_decision || !row.item;
        if (!status_read(work, &row.status) || !row.item)
                return;
        row.decided_at = row_past(work, PLAN_DECIDED, decided_day);
        date = row_past(work, PLAN_DATE, day);
        if (row.status != PLAN_CURRENT && is_decision && !row.decided_at && !row_text(work, PLAN_DECISION_ID)) {
                row_refuse(work, PLAN_DECIDED, which_ended);
                return;
        }
        /* Of an entry that ends, `date` is when it ended; of one that begins without decided_at, when it was decided. */
        row.at = row.status == PLAN_CURRENT && row.decided_at ? row.decided_at : date;
        if (row.status == PLAN_CURRENT && !row.decided_at) {
                row.decided_at = date;
                memcpy(decided_day, day, sizeof(day));
        }
        row.identifier = draft_identifier(&work->draft, NULL, NULL, NULL,
                                          plan_key(work, &row, decided_day[0] ? decided_day : NULL));
        row.item->translate(work, &row);
        work->order_at = row.at;
        if (row.decided_at && (!row.at || row.decided_at->utc_at > row.at->utc_at))
                work->order_at = row.decided_at;
        work->order_rank = row.status;
        if (row.status == PLAN_CURRENT && row.item->translate != box_translate) /* a box has one row for each step */
                said_once(work, &row, decided_day);
}
