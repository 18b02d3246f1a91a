#pragma once
/*
 * A message in which only digits change. Rendering a kilobyte field by field costs the generator more than the bus's own
 * work on it; copying it and writing a few digits does not.
 *
 * A run of four or more of one of these characters is a place for a number of that many digits:
 *     #  the message's number      @  the person's number      $  a number of the 999 range with its check digit (10 digits)
 *     %  how often the person was here       !  the time: yyyymmddhhmmss (14 digits)
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define TEMPLATE_PLACES_MAX 32
#define TEMPLATE_PERSONS_MAX 400000 /* as many as the 999 range has two numbers for, and some to spare */

typedef struct TemplatePlace {
        size_t offset, width;
        char kind;
} TemplatePlace;

typedef struct Template {
        Buffer text;
        TemplatePlace places[TEMPLATE_PLACES_MAX];
        size_t n_places;
} Template;

typedef struct TemplateValues {
        uint64_t message, person, visit;
        int64_t at; /* seconds since 1970 UTC */
} TemplateValues;

void template_init(Template *template, Bytes text);
void template_deinit(Template *template);
static inline size_t template_size(const Template *template) {
        return template->text.size;
}
/* Writes template_size() bytes. */
void template_render(const Template *template, const TemplateValues *values, uint8_t *ret);
/* Ten digits with a correct check digit (modulus 11): for each person another. */
uint64_t template_person_number(uint64_t person);
