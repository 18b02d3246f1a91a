#pragma once
/*
 * The codes that the bus itself understands, as tables: what a decision about resuscitation says, which scale a score is of, which
 * kind of plan, preference or register. Everything else is carried as its source said it. Sources of the codes: SCCI1580, the end of life
 * care questionnaires of NHS England, the dictionary of medicines and devices; see docs/profiles.md. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "carebus/v1/bodies.pb-c.h"
#include "carebus/v1/common.pb-c.h"

#define SYSTEM_SNOMED_CT "http://snomed.info/sct"
#define SYSTEM_DMD "https://dmd.nhs.uk"
#define SYSTEM_LOINC "http://loinc.org"
#define SYSTEM_UCUM "http://unitsofmeasure.org"
#define SYSTEM_ACT_CODE "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#define SYSTEM_CAREBUS_DECISION "carebus:decision"
#define SYSTEM_CAREBUS_CONCEPT "carebus:concept" /* where no terminology has a code */
#define SYSTEM_CAREBUS_SCALE "carebus:scale"
#define SYSTEM_CAREBUS_PLACE "carebus:place" /* where somebody wants to be cared for: home, hospice, care-home, ... */
#define SYSTEM_CAREBUS_PHASE "carebus:phase-of-illness" /* stable, unstable, deteriorating, dying, deceased */
#define SYSTEM_REQUEST_PRIORITY "http://hl7.org/fhir/request-priority"

#define CODE_CPR_ATTEMPT "450475007"               /* for attempted cardiopulmonary resuscitation */
#define CODE_CPR_DO_NOT_ATTEMPT "450476008"        /* not for attempted cardiopulmonary resuscitation */
#define CODE_MEANING_NOT_KNOWN "meaning-not-known" /* of SYSTEM_CAREBUS_DECISION */
#define DISPLAY_MEANING_NOT_KNOWN "decision recorded, meaning not known"

/* ---- decisions about resuscitation */

typedef enum CprMeaning { CPR_NOT_KNOWN, CPR_ATTEMPT, CPR_DO_NOT_ATTEMPT } CprMeaning;
/* Of a code of SNOMED CT; older codes of the same meaning included (304252001, 304253006). */
CprMeaning cpr_meaning_of_code(const char *system, const char *code);
/* Of a text that can mean only one thing, in any letters' case: "DNACPR", "do not attempt CPR", "Not for attempted cardiopulmonary
 * resuscitation", "attempt CPR". Everything else, yes and no and "full active treatment" included, is not known. */
CprMeaning cpr_meaning_of_text(const char *text);
/* Whether a code or text names the question (observable, finding, order): "Resus Status", 304251008, 365870005. */
bool cpr_is_question(const char *system, const char *code, const char *text);

/* ---- what a concept is about: an Observation's code, a Flag's, an OBX-3, an item of plan.csv */

typedef struct Concept {
        const char *code; /* SNOMED CT, or carebus's own name where there is none (system carebus:concept) */
        const char *system;
        const char *display;
        Carebus__V1__Decision__Kind decision; /* KIND_UNKNOWN: no decision */
        const char *
                event; /* type of event that it makes: outcome.measured, preference.place_of_death, ...; NULL: none of its own */
        const char *name; /* a word for it in files: akps, phase, ipos, edss, ppd1; NULL: none */
        const char *
                value; /* what the concept itself says, where it is question and answer in one: a code of the answer; or NULL */
} Concept;
/* NULL: nothing special about it. */
const Concept *concept_find(const char *system, const char *code);
const Concept *concept_find_by_name(
        const char *name);               /* letters in either case; spaces, hyphens and underscores alike */
const Concept *concept_at(size_t index); /* NULL behind the last */

/* ---- scales */

typedef struct Scale {
        const char *name; /* AKPS */
        const char *system, *code, *display;
        const char *score_code; /* SNOMED CT code of the score itself, or NULL */
        int min, max_tenths;    /* of the total, in tenths: 0 and 1000 */
        int step_tenths;
        const char *recall; /* ISO 8601, or NULL */
        const char *unit;   /* NULL: a bare number */
} Scale;
/* By a code of the scale, of its assessment or of its score, or by one of its names (AKPS, "Phase of Illness", IPOS, EDSS). NULL: none. */
const Scale *scale_find(const char *system, const char *code);
const Scale *scale_find_by_name(const char *name);
