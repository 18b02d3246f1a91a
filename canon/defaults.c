/* See the header. Entries are in the order of their bytes, since they are searched by halves; a test holds them to it. */
#include "canon/defaults.h"

#include "base/cleanup.h"
#include "canon/vocabulary.h"

#define ACT SYSTEM_ACT_CODE
#define GENDER "http://hl7.org/fhir/administrative-gender"
#define TABLE_0004 "http://terminology.hl7.org/CodeSystem/v2-0004"
#define SOURCE "https://fhir.hl7.org.uk/CodeSystem/UKCore-SourceOfAdmissionEngland"
#define DESTINATION "https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeDestinationEngland"
#define PRIORITY SYSTEM_REQUEST_PRIORITY
#define DEATH_LOCATION "carebus:death-location-type" /* codes of the NHS data dictionary */

/* A profile's texts are its own and can be changed; these are nobody's and never are. */
#define T(text) ((char *)(text))
#define ENTRY(said, system, code, display) \
        { T(said), T(system), T(code), T(display) }

static const ProfileMapEntry sex_entries[] = {
        ENTRY("0", GENDER, "unknown", "Unknown"),    ENTRY("1", GENDER, "male", "Male"),
        ENTRY("2", GENDER, "female", "Female"),      ENTRY("9", GENDER, "other", "Other"),
        ENTRY("A", GENDER, "other", "Other"),        ENTRY("F", GENDER, "female", "Female"),
        ENTRY("M", GENDER, "male", "Male"),          ENTRY("N", GENDER, "other", "Other"),
        ENTRY("O", GENDER, "other", "Other"),        ENTRY("U", GENDER, "unknown", "Unknown"),
        ENTRY("female", GENDER, "female", "Female"), ENTRY("male", GENDER, "male", "Male"),
        ENTRY("other", GENDER, "other", "Other"),    ENTRY("unknown", GENDER, "unknown", "Unknown"),
};

static const ProfileMapEntry class_entries[] = {
        ENTRY("ACUTE", ACT, "ACUTE", "inpatient, acute"),
        ENTRY("AMB", ACT, "AMB", "ambulatory"),
        ENTRY("B", TABLE_0004, "B", "obstetrics"),
        ENTRY("C", TABLE_0004, "C", "commercial account"),
        ENTRY("E", ACT, "EMER", "emergency"),
        ENTRY("EMER", ACT, "EMER", "emergency"),
        ENTRY("FLD", ACT, "FLD", "field"),
        ENTRY("HH", ACT, "HH", "home health"),
        ENTRY("I", ACT, "IMP", "inpatient"),
        ENTRY("IMP", ACT, "IMP", "inpatient"),
        ENTRY("N", TABLE_0004, "N", "not applicable"),
        ENTRY("NONAC", ACT, "NONAC", "inpatient, not acute"),
        ENTRY("O", ACT, "AMB", "ambulatory"),
        ENTRY("OBSENC", ACT, "OBSENC", "observation"),
        ENTRY("P", ACT, "PRENC", "before admission"),
        ENTRY("PRENC", ACT, "PRENC", "before admission"),
        ENTRY("R", TABLE_0004, "R", "recurring patient"),
        ENTRY("SS", ACT, "SS", "short stay"),
        ENTRY("U", TABLE_0004, "U", "unknown"),
        ENTRY("VR", ACT, "VR", "virtual"),
        ENTRY("ambulatory", ACT, "AMB", "ambulatory"),
        ENTRY("emergency", ACT, "EMER", "emergency"),
        ENTRY("inpatient", ACT, "IMP", "inpatient"),
        ENTRY("outpatient", ACT, "AMB", "ambulatory"),
};

static const ProfileMapEntry admission_source_entries[] = {
        ENTRY("care home", SOURCE, "85", "care home, not NHS"),
        ENTRY("home", SOURCE, "19", "usual residence"),
        ENTRY("hospice", SOURCE, "88", "hospice, not NHS"),
        ENTRY("hospital", SOURCE, "51", "other NHS hospital, general ward"),
        ENTRY("nursing home", SOURCE, "85", "care home, not NHS"),
        ENTRY("own home", SOURCE, "19", "usual residence"),
        ENTRY("residential home", SOURCE, "85", "care home, not NHS"),
        ENTRY("usual residence", SOURCE, "19", "usual residence"),
};

static const ProfileMapEntry discharge_destination_entries[] = {
        ENTRY("care home", DESTINATION, "85", "care home, not NHS"),
        ENTRY("death", DESTINATION, "79", "died or stillbirth"),
        ENTRY("deceased", DESTINATION, "79", "died or stillbirth"),
        ENTRY("died", DESTINATION, "79", "died or stillbirth"),
        ENTRY("home", DESTINATION, "19", "usual residence"),
        ENTRY("hospice", DESTINATION, "88", "hospice, not NHS"),
        ENTRY("hospital", DESTINATION, "51", "other NHS hospital, general ward"),
        ENTRY("nursing home", DESTINATION, "85", "care home, not NHS"),
        ENTRY("own home", DESTINATION, "19", "usual residence"),
        ENTRY("residential home", DESTINATION, "85", "care home, not NHS"),
        ENTRY("usual residence", DESTINATION, "19", "usual residence"),
};

static const ProfileMapEntry death_place_entries[] = {
        ENTRY("10", DEATH_LOCATION, "10", "hospital"),
        ENTRY("20", DEATH_LOCATION, "20", "private residence"),
        ENTRY("30", DEATH_LOCATION, "30", "hospice"),
        ENTRY("40", DEATH_LOCATION, "40", "care home"),
        ENTRY("50", DEATH_LOCATION, "50", "other"),
        ENTRY("care home", DEATH_LOCATION, "40", "care home"),
        ENTRY("home", DEATH_LOCATION, "20", "private residence"),
        ENTRY("hospice", DEATH_LOCATION, "30", "hospice"),
        ENTRY("hospital", DEATH_LOCATION, "10", "hospital"),
        ENTRY("nursing home", DEATH_LOCATION, "40", "care home"),
        ENTRY("own home", DEATH_LOCATION, "20", "private residence"),
        ENTRY("private residence", DEATH_LOCATION, "20", "private residence"),
        ENTRY("residential home", DEATH_LOCATION, "40", "care home"),
        ENTRY("usual residence", DEATH_LOCATION, "20", "private residence"),
};

static const ProfileMapEntry priority_entries[] = {
        ENTRY("A", PRIORITY, "asap", "as soon as possible"),
        ENTRY("R", PRIORITY, "routine", "routine"),
        ENTRY("S", PRIORITY, "stat", "at once"),
        ENTRY("asap", PRIORITY, "asap", "as soon as possible"),
        ENTRY("routine", PRIORITY, "routine", "routine"),
        ENTRY("stat", PRIORITY, "stat", "at once"),
        ENTRY("urgent", PRIORITY, "urgent", "urgent"),
};

#define MAP(path, entries) \
        { T(path), (ProfileMapEntry *)(entries), ELEMENTSOF(entries), NULL, NULL }
static const ProfileMap maps[] = {
        MAP("death.place", death_place_entries),
        MAP("demographics.gender", sex_entries),
        MAP("demographics.sex", sex_entries),
        MAP("encounter.admission_source", admission_source_entries),
        MAP("encounter.class", class_entries),
        MAP("encounter.discharge_destination", discharge_destination_entries),
        MAP("equity.gender", sex_entries),
        MAP("equity.sex", sex_entries),
        MAP("referral.priority", priority_entries),
};

const ProfileMap *default_map_find(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(maps); i++)
                if (strcmp(maps[i].path, path) == 0)
                        return &maps[i];
        return NULL;
}

const ProfileMap *default_map_at(size_t index) {
        return index < ELEMENTSOF(maps) ? &maps[index] : NULL;
}
