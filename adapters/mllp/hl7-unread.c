/*
 * Coverage: what stood in a message and nobody asked for.
 */
#include "adapters/mllp/hl7.h"

#define COMPONENTS_MAX 61
#define READ_WHOLE_OR_LEFT (1ULL | 1ULL << 62)
#define READ_REPEATS (1ULL << 63)
/* The components that have a value in any repeat, as bits; bit 0: a repeat after the first has one. */
static uint64_t components_with_value(const Hl7Message *message, Hl7Value field) {
        Hl7Value components[COMPONENTS_MAX], repeat;
        uint64_t found = 0;
        bool first = true;

        field.field = NULL;
        while (hl7_next_repeat(message, &field, &repeat)) {
                size_t n = hl7_split_components(message, repeat, components, COMPONENTS_MAX);

                for (size_t i = 0; i < n; i++)
                        if (hl7_presence(components[i]) != HL7_ABSENT)
                                found |= (1ULL << (i + 1)) | !first;
                first = false;
        }
        return found;
}

uint64_t hl7_unread_components(const Hl7Message *message, Hl7Value field) {
        uint64_t read = field.raw.size > 0 ? field.field->read : 0, found;

        if (field.raw.size == 0 || (read & READ_WHOLE_OR_LEFT))
                return 0;
        found = components_with_value(message, field);
        return (found & ~read & ~1ULL) | ((found & 1) && !(read & READ_REPEATS));
}
