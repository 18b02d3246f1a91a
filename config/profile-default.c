/* What holds where no profile is named. etc/profiles/default.yaml says the same with comments; a test compares the two. */
#include "base/text.h"
#include "config/profile-read.h"

#define NHS "system: \"https://fhir.nhs.uk/Id/nhs-number\", nhs_number: true"
#define SEX(word, display) \
        "{system: \"http://hl7.org/fhir/administrative-gender\", code: " word ", display: \"" display "\"}\n"
#define MALE SEX("male", "Male")
#define FEMALE SEX("female", "Female")
#define OTHER SEX("other", "Other")
#define UNKNOWN SEX("unknown", "Unknown")
#define ACT "{system: \"http://terminology.hl7.org/CodeSystem/v3-ActCode\", "
#define TABLE_0004 "{system: \"http://terminology.hl7.org/CodeSystem/v2-0004\", "

static const char default_profile[] = "authorities:\n"
                                      "  - {authority: NHS, " NHS "}\n"
                                      "  - {authority: NHSNBR, " NHS "}\n"
                                      "  - {authority: \"2.16.840.1.113883.2.1.4.1\", " NHS "}\n"
                                      "  - {authority: \"https://fhir.nhs.uk/Id/nhs-number\", " NHS "}\n"
                                      "  - {type: NH, " NHS "}\n"
                                      "  - {type: NHS, " NHS "}\n"
                                      "  - {authority: CHI, system: \"carebus:CHI\"}\n"
                                      "  - {type: CHI, system: \"carebus:CHI\"}\n"
                                      "  - {authority: \"H&C\", system: \"carebus:HC\"}\n"
                                      "  - {authority: HCN, system: \"carebus:HC\"}\n"
                                      "  - {type: \"H&C\", system: \"carebus:HC\"}\n"
                                      "maps:\n"
                                      "  encounter.class:\n"
                                      "    I: " ACT "code: IMP, display: \"inpatient\"}\n"
                                      "    E: " ACT "code: EMER, display: \"emergency\"}\n"
                                      "    O: " ACT "code: AMB, display: \"ambulatory\"}\n"
                                      "    P: " ACT "code: PRENC, display: \"before admission\"}\n"
                                      "    R: " TABLE_0004 "code: R, display: \"recurring patient\"}\n"
                                      "    B: " TABLE_0004 "code: B, display: \"obstetrics\"}\n"
                                      "    C: " TABLE_0004 "code: C, display: \"commercial account\"}\n"
                                      "    \"N\": " TABLE_0004 "code: \"N\", display: \"not applicable\"}\n"
                                      "    U: " TABLE_0004 "code: U, display: \"unknown\"}\n"
                                      "  demographics.sex:\n"
                                      "    M: " MALE "    F: " FEMALE "    O: " OTHER "    A: " OTHER
                                      "    \"N\": " OTHER "    U: " UNKNOWN "    \"0\": " UNKNOWN "    \"1\": " MALE
                                      "    \"2\": " FEMALE "    \"9\": " OTHER "    male: " MALE "    female: " FEMALE
                                      "    other: " OTHER "    unknown: " UNKNOWN;

int profile_new_default(Profile **ret) {
        ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        if (!text)
                return -ENOMEM;
        ssize_t file = config_text_add(text, "default (built in)");
        if (file < 0)
                return (int)file;
        buffer_append_text(&text->files[file].content, default_profile);
        if (text->files[file].content.error < 0)
                return text->files[file].content.error;
        Report report = { .text = text, .problems = &problems };
        int r = profile_read(&report, /* files= */ NULL, (size_t)file, "default", ret);
        config_problems_deinit(&problems);
        return error_fold(r);
}
