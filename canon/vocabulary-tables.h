#pragma once
/* What canon/vocabulary.c looks things up in; for nobody else. Each table ends with a row of NULL. */
#include "canon/vocabulary.h"

typedef struct VocabularyAlias {
        const char *name; /* words with single spaces, lower case */
        const char *code; /* of the concept */
} VocabularyAlias;

typedef struct VocabularyScale {
        Scale scale;
        const char *codes[2]; /* further ones that mean it, of SNOMED CT or LOINC; ends with NULL */
        const char *names[5]; /* further ones; ends with NULL */
} VocabularyScale;

extern const Concept vocabulary_concepts[];
extern const VocabularyAlias vocabulary_aliases[];
extern const VocabularyScale vocabulary_scales[];
