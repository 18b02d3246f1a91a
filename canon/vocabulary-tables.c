/* The tables behind canon/vocabulary.h. Displays are the bus's own short words: who needs the terminology's has its release. */
#include "canon/vocabulary-tables.h"

#define NONE CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN
#define CPR CAREBUS__V1__DECISION__KIND__KIND_CPR
#define ADRT CAREBUS__V1__DECISION__KIND__KIND_ADRT
#define LPA CAREBUS__V1__DECISION__KIND__KIND_LPA
#define ESCALATION CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION
#define DEATH CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH
#define CARE CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE
#define STATEMENT CAREBUS__V1__DECISION__KIND__KIND_ADVANCE_STATEMENT

/* A question: what it says stands elsewhere. */
#define ASKS(code, display, kind, event, name) \
        { code, SYSTEM_SNOMED_CT, display, kind, event, name, NULL }
/* Question and answer in one. */
#define SAYS(code, display, kind, event) \
        { code, SYSTEM_SNOMED_CT, display, kind, event, NULL, code }
/* The same in an older code: the answer is the newer one. */
#define SAID(code, display, kind, event, value) \
        { code, SYSTEM_SNOMED_CT, display, kind, event, NULL, value }
#define OWN(code, display, kind, event, name) \
        { code, SYSTEM_CAREBUS_CONCEPT, display, kind, event, name, NULL }

#define RECORDED "cpr_decision.recorded"
#define PLACE "preference.place_of_death"
#define NEED "palliative_need.identified"
#define MEASURED "outcome.measured"

const Concept vocabulary_concepts[] = {
        /* resuscitation: SCCI1580; the older pair is in the end of life questionnaire */
        ASKS("304251008", "resuscitation status", CPR, RECORDED, "cpr"),
        ASKS("365870005", "finding of resuscitation status", CPR, RECORDED, NULL),
        SAYS(CODE_CPR_ATTEMPT, "for attempted cardiopulmonary resuscitation", CPR, RECORDED),
        SAYS(CODE_CPR_DO_NOT_ATTEMPT, "not for attempted cardiopulmonary resuscitation", CPR, RECORDED),
        SAID("304252001", "for resuscitation", CPR, RECORDED, CODE_CPR_ATTEMPT),
        SAID("304253006", "not for resuscitation", CPR, RECORDED, CODE_CPR_DO_NOT_ATTEMPT),

        /* who knows of that decision, and whether it was talked about: parts of a decision, no decisions */
        SAYS("845151000000104", "not aware of the resuscitation decision", NONE, NULL),
        SAYS("975311000000109", "carer informed of the resuscitation decision", NONE, NULL),
        SAYS("975291000000108", "family informed of the resuscitation decision", NONE, NULL),
        SAYS("873341000000100", "resuscitation discussed", NONE, NULL),
        SAYS("873351000000102", "resuscitation discussed with the carer", NONE, NULL),
        SAYS("713656002", "resuscitation discussed with the family", NONE, NULL),
        SAYS("931761000000106", "discussion of resuscitation not appropriate", NONE, NULL),

        /* advance decisions, advance statements */
        SAYS("816301000000100", "has an advance decision to refuse treatment", ADRT, "adrt.recorded"),
        SAYS("816321000000109", "has an advance decision to refuse life sustaining treatment", ADRT, "adrt.recorded"),
        SAYS("820621000000107", "advance decision to refuse treatment", ADRT, "adrt.recorded"),
        SAYS("1052911000000106", "advance decision to refuse treatment, other", ADRT, "adrt.recorded"),
        SAYS("962601000000103", "advance decision to refuse treatment retracted", ADRT, "adrt.ended"),
        OWN("adrt", "advance decision to refuse treatment", ADRT, "adrt.recorded", "adrt"),
        SAYS("816281000000101", "has an advance statement", STATEMENT, "advance_statement.recorded"),
        OWN("advance-statement", "advance statement", STATEMENT, "advance_statement.recorded", "advance_statement"),

        /* powers of attorney */
        ASKS("365567004", "finding of power of attorney", LPA, "lpa.recorded", "lpa"),
        SAYS("816361000000101", "has a lasting power of attorney for personal welfare", LPA, "lpa.recorded"),
        SAYS("816381000000105", "has a lasting power of attorney with authority for life sustaining decisions", LPA,
             "lpa.recorded"),

        /* preferred place of death */
        ASKS("395091006", "preferred place of death", DEATH, PLACE, "ppd"),
        SAYS("110481000000108", "preferred place of death: home", DEATH, PLACE),
        SAYS("108401000000102", "preferred place of death: hospice", DEATH, PLACE),
        SAYS("109401000000108", "preferred place of death: hospital", DEATH, PLACE),
        SAYS("89751000000108", "preferred place of death: community hospital", DEATH, PLACE),
        SAYS("710571000000101", "preferred place of death: care home", DEATH, PLACE),
        SAYS("89761000000106", "preferred place of death: nursing home", DEATH, PLACE),
        SAYS("512071000000106", "preferred place of death: residential home", DEATH, PLACE),
        SAYS("819211000000102", "preferred place of death: usual place of residence", DEATH, PLACE),
        SAYS("931401000000103", "preferred place of death: hospice lodge", DEATH, PLACE),
        SAYS("518741000000100", "preferred place of death: learning disability unit", DEATH, PLACE),
        SAYS("518771000000106", "preferred place of death: mental health unit", DEATH, PLACE),
        SAYS("1060941000000102", "preferred place of death: no preference", DEATH, PLACE),
        SAYS("517161000000101", "preferred place of death: undecided", DEATH, PLACE),
        SAYS("517111000000103", "preferred place of death: unable to express a preference", DEATH, PLACE),
        SAYS("517131000000106", "preferred place of death: discussion not appropriate", DEATH, PLACE),
        SAYS("766391000000108", "preferred place of death: declined to discuss", DEATH, PLACE),
        OWN("preferred-place-of-death-1", "preferred place of death, first choice", DEATH, PLACE, "ppd1"),
        OWN("preferred-place-of-death-2", "preferred place of death, second choice", DEATH, PLACE, "ppd2"),
        /* no code was found for the preferred place of care */
        OWN("preferred-place-of-care", "preferred place of care", CARE, "preference.place_of_care", "ppc"),

        /* ceiling of treatment, and plans: pointer types of the record locator */
        ASKS("735324008", "treatment escalation plan", ESCALATION, "treatment_escalation.recorded", "ceiling"),
        ASKS("1382601000000107", "ReSPECT form", NONE, "care_plan.published", "respect"),
        ASKS("736253002", "mental health crisis plan", NONE, "care_plan.published", NULL),
        ASKS("887701000000100", "emergency health care plan", NONE, "care_plan.published", "emergency_plan"),
        ASKS("861421000000109", "end of life care coordination summary", NONE, "care_plan.published", NULL),
        ASKS("736373009", "end of life care plan", NONE, "care_plan.published", "end_of_life_plan"),
        ASKS("736366004", "advance care plan", NONE, "care_plan.published", "advance_care_plan"),
        ASKS("325691000000100", "contingency plan", NONE, "care_plan.published", "contingency_plan"),
        ASKS("2181441000000107", "personalised care and support plan", NONE, "care_plan.published", "care_plan"),
        ASKS("734163000", "care plan", NONE, "care_plan.published", NULL),
        SAYS("713673000", "has an end of life care plan", NONE, "care_plan.published"),
        SAYS("1095151000000107", "has an advance care plan", NONE, "care_plan.published"),
        SAYS("1025611000000105", "advance care planning offered", NONE, NULL),
        SAYS("1095091000000103", "advance care planning declined", NONE, NULL),
        SAYS("1095131000000100", "review of the advance care plan offered", NONE, NULL),
        SAYS("714975004", "unsuitable for advance care planning", NONE, NULL),
        OWN("what-matters", "what matters to me", NONE, "care_plan.item_changed", "what_matters"),
        OWN("contact-day", "whom to ring by day", NONE, "contact_point.changed", "contact_day"),
        OWN("contact-night", "whom to ring by night", NONE, "contact_point.changed", "contact_night"),

        /* registers, prognosis */
        SAYS("526631000000108", "on the end of life care register", NONE, NEED),
        SAYS("1403151000000103", "on the palliative care register", NONE, NEED),
        SAYS("414937009", "on the gold standards palliative care framework", NONE, NEED),
        SAYS("845701000000104", "gold standards framework prognostic indicator A: years", NONE, NEED),
        SAYS("845721000000108", "gold standards framework prognostic indicator B: months", NONE, NEED),
        SAYS("845751000000103", "gold standards framework prognostic indicator C: weeks", NONE, NEED),
        SAYS("845771000000107", "gold standards framework prognostic indicator D: days", NONE, NEED),
        SAYS("511401000000102", "prognosis: days", NONE, NEED),
        SAYS("955231000000109", "prognosis: weeks", NONE, NEED),
        SAYS("968211000000101", "prognosis: months", NONE, NEED),
        SAYS("1064691000000106", "prognosis: about a year", NONE, NEED),
        SAID("767503006", "prognosis: about a year", NONE, NEED, "1064691000000106"),
        SAYS("1413121000000106", "prognosis: more than a year", NONE, NEED),
        SAYS("1751111000000104", "form SR1 completed", NONE, NEED),
        SAYS("854021000000106", "ambulance service notified", NONE, NEED),

        /* anticipatory medicines */
        ASKS("376201000000102", "issue of the anticipatory medicines box", NONE, "anticipatory_meds.supplied",
             "jic_box"),
        ASKS("871021000000106", "prescription of anticipatory medicines", NONE, "anticipatory_meds.prescribed", NULL),
        SAYS("443761007", "anticipatory palliative care", NONE, NULL),

        /* consent to a shared record */
        SAYS("882921000000109", "consent given to a shared end of life record", NONE, "consent.recorded"),
        SAYS("882941000000102", "consent to a shared end of life record withdrawn", NONE, "consent.withdrawn"),
        SAYS("882961000000101", "shared end of life record in the person's best interests", NONE, "consent.recorded"),
        SAYS("883001000000106", "consent to a shared end of life record by an attorney", NONE, "consent.recorded"),
        SAYS("887031000000108", "consent to sharing information", NONE, "consent.recorded"),

        /* scales: also by canon's own table, which has their ranges */
        ASKS("901361000000101", "AKPS", NONE, MEASURED, "akps"),
        ASKS("901541000000107", "AKPS assessment", NONE, MEASURED, NULL),
        ASKS("901671000000100", "AKPS score", NONE, MEASURED, NULL),
        ASKS("761869008", "Karnofsky performance status", NONE, MEASURED, "kps"),
        ASKS("1092801000000106", "phase of illness", NONE, MEASURED, "phase"),
        ASKS("1099101000000108", "palliative care phase of illness (PCOC)", NONE, MEASURED, NULL),
        ASKS("273554001", "Kurtzke expanded disability status scale", NONE, MEASURED, "edss"),
        ASKS("1104051000000101", "NEWS2 total score", NONE, MEASURED, "news2"),
        { "89243-0", SYSTEM_LOINC, "Karnofsky performance status", NONE, MEASURED, NULL, NULL },
        { "ipos", SYSTEM_CAREBUS_SCALE, "IPOS", NONE, MEASURED, "ipos", NULL },
        { "views-on-care", SYSTEM_CAREBUS_SCALE, "Views on Care", NONE, MEASURED, "views_on_care", NULL },
        { "zarit", SYSTEM_CAREBUS_SCALE, "Zarit carer interview", NONE, MEASURED, "zarit", NULL },
        { "who-performance", SYSTEM_CAREBUS_SCALE, "WHO performance status", NONE, MEASURED, "who_performance", NULL },

        /* death: where it happened, as a finding */
        SAYS("887801000000106", "died in usual place of residence", NONE, NULL),

        /* disability and adjustment, as registers have them: for who has to make them */
        SAYS("15188001", "hearing loss", NONE, "alert.raised"),
        SAYS("397540003", "visual impairment", NONE, "alert.raised"),
        SAYS("288579009", "difficulty communicating", NONE, "alert.raised"),
        SAYS("386806002", "impaired cognition", NONE, "alert.raised"),
        { NULL, NULL, NULL, NONE, NULL, NULL, NULL },
};

/* Further words for a question; the first word of each concept stands in its row. */
const VocabularyAlias vocabulary_aliases[] = {
        { "cpr decision", "304251008" },
        { "cpr status", "304251008" },
        { "dnacpr", "304251008" },
        { "resus status", "304251008" },
        { "resuscitation status", "304251008" },
        { "advance decision to refuse treatment", "adrt" },
        { "lasting power of attorney", "365567004" },
        { "power of attorney", "365567004" },
        { "preferred place of death", "395091006" },
        { "preferred place of death 1", "preferred-place-of-death-1" },
        { "preferred place of death 2", "preferred-place-of-death-2" },
        { "preferred place of care", "preferred-place-of-care" },
        { "treatment escalation", "735324008" },
        { "treatment escalation plan", "735324008" },
        { "ceiling of care", "735324008" },
        { "ceiling of treatment", "735324008" },
        { "anticipatory medicines", "376201000000102" },
        { "just in case box", "376201000000102" },
        { "what matters to me", "what-matters" },
        { NULL, NULL },
};

const VocabularyScale vocabulary_scales[] = {
        { { "AKPS", SYSTEM_SNOMED_CT, "901361000000101", "Australia-modified Karnofsky Performance Status",
            "901671000000100", 0, 1000, 100, NULL, NULL },
          { "901541000000107" },
          { "australia modified karnofsky performance status", "australia modified karnofsky performance scale",
            "australian modified karnofsky performance status", "akps score" } },
        { { "KPS", SYSTEM_SNOMED_CT, "761869008", "Karnofsky performance status", "761869008", 0, 1000, 100, NULL,
            NULL },
          { "89243-0" },
          { "karnofsky", "karnofsky performance status", "karnofsky performance score" } },
        { { "Phase of Illness", SYSTEM_SNOMED_CT, "1092801000000106", "phase of illness", NULL, 0, 0, 0, NULL, NULL },
          { "1099101000000108" },
          { "phase", "palliative phase", "palliative care phase", "palliative care phase of illness" } },
        { { "IPOS", SYSTEM_CAREBUS_SCALE, "ipos", "Integrated Palliative care Outcome Scale", NULL, 0, 680, 10, NULL,
            NULL },
          { NULL },
          { "integrated palliative care outcome scale", "integrated palliative outcome scale", "oacc:ipos" } },
        { { "EDSS", SYSTEM_SNOMED_CT, "273554001", "Kurtzke expanded disability status scale", NULL, 0, 100, 5, NULL,
            NULL },
          { NULL },
          { "expanded disability status scale", "kurtzke", "kurtzke expanded disability status scale",
            "kurtzke multiple sclerosis rating scale" } },
        { { "NEWS2", SYSTEM_SNOMED_CT, "1104051000000101", "National Early Warning Score 2, total", "1104051000000101",
            0, 200, 10, NULL, NULL },
          { NULL },
          { "national early warning score 2", "news 2 score" } },
        { { "Views on Care", SYSTEM_CAREBUS_SCALE, "views-on-care", "Views on Care", NULL, 0, 0, 0, NULL, NULL },
          { NULL },
          { "voc" } },
        { { "Zarit", SYSTEM_CAREBUS_SCALE, "zarit", "Zarit carer interview", NULL, 0, 0, 0, NULL, NULL },
          { NULL },
          { "zarit burden interview", "carer zarit", "zbi 6" } },
        { { "WHO performance", SYSTEM_CAREBUS_SCALE, "who-performance", "WHO performance status", NULL, 0, 40, 10, NULL,
            NULL },
          { NULL },
          { "who performance status", "ecog", "ecog performance status" } },
        { { NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL }, { NULL }, { NULL } },
};
