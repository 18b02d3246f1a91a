/* What holds where no profile is named. etc/profiles/default.yaml says the same with comments; a test compares the two. */
#include "base/text.h"
#include "config/profile-read.h"

#define NHS "system: \"https://fhir.nhs.uk/Id/nhs-number\", nhs_number: true"

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
                                      "  - {type: \"H&C\", system: \"carebus:HC\"}\n";

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
