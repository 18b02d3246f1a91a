#include "bench/template.h"

#include <errno.h>

#include "base/clock.h"
#include "bench/tool.h"

#define RUN_MIN 4

static size_t run_length(Bytes text, size_t from) {
        size_t end = from + 1;

        while (end < text.size && text.data[end] == text.data[from])
                end++;
        return end - from;
}

void template_init(Template *template, Bytes text) {
        *template = (Template){ 0 };
        buffer_append_bytes(&template->text, text);
        if (template->text.error)
                tool_die("no memory for a template");
        for (size_t i = 0; i < text.size;) {
                size_t length = run_length(text, i);

                if (length >= RUN_MIN && memchr("#@$%!", text.data[i], 5)) {
                        if (template->n_places == TEMPLATE_PLACES_MAX)
                                tool_die("a template has more than %d places", TEMPLATE_PLACES_MAX);
                        template->places[template->n_places++] =
                                (TemplatePlace){ .offset = i, .width = length, .kind = (char)text.data[i] };
                }
                i += length;
        }
}

void template_deinit(Template *template) {
        buffer_deinit(&template->text);
}

/* -1 where modulus 11 leaves ten, for which there is no digit. */
static int check_digit(uint64_t nine) {
        unsigned sum = 0;

        for (unsigned weight = 2; weight <= 10; weight++) {
                sum += (unsigned)(nine % 10) * weight;
                nine /= 10;
        }
        sum = (11 - sum % 11) % 11;
        return sum == 10 ? -1 : (int)sum;
}

uint64_t template_person_number(uint64_t person) {
        uint64_t nine = 999000000 + 2 * (person % TEMPLATE_PERSONS_MAX);
        int digit = check_digit(nine);

        /* Neighbours differ in their last digit, so at most one of the two has no check digit. */
        if (digit < 0)
                digit = check_digit(++nine);
        return nine * 10 + (uint64_t)digit;
}

static void write_digits(uint8_t *at, size_t width, uint64_t number) {
        while (width > 0) {
                at[--width] = (uint8_t)('0' + number % 10);
                number /= 10;
        }
}

static uint64_t time_digits(int64_t at) {
        CivilTime civil = civil_from_utc(at * USEC_PER_SEC);
        uint64_t date = (uint64_t)civil.year * 10000 + (uint64_t)civil.month * 100 + (uint64_t)civil.day;

        return date * 1000000 + (uint64_t)civil.hour * 10000 + (uint64_t)civil.minute * 100 + (uint64_t)civil.second;
}

void template_render(const Template *template, const TemplateValues *values, uint8_t *ret) {
        uint64_t time = time_digits(values->at);

        memcpy(ret, template->text.data, template->text.size);
        for (size_t i = 0; i < template->n_places; i++) {
                const TemplatePlace *place = &template->places[i];
                uint64_t number = values->message;

                if (place->kind == '@')
                        number = values->person;
                else if (place->kind == '$')
                        number = template_person_number(values->person);
                else if (place->kind == '%')
                        number = values->visit;
                else if (place->kind == '!')
                        number = time;
                write_digits(ret + place->offset, place->width, number);
        }
}
