/* Kinds of things and of relationships by their names. */
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/policy.h"

/* Behind the sections: what is of nobody. */
static const struct {
        const char *name;
        Carebus__V1__Event__BodyCase body;
} of_nobody[] = {
        { "services", CAREBUS__V1__EVENT__BODY_SERVICE },
        { "notices", CAREBUS__V1__EVENT__BODY_NOTICE },
};

/* From RELATION_FIRST_NAMED on. */
static const char *const relations[] = { "encounter",    "referral",    "episode",       "care-team",
                                         "practice",     "appointment", "planned-visit", "contact",
                                         "care-package", "programme",   "opened-contact" };

static size_t section_count(void) {
        size_t n = 0;

        while (section_at(n))
                n++;
        return n;
}

size_t kind_count(void) {
        return section_count() + ELEMENTSOF(of_nobody);
}

const char *kind_at(size_t kind) {
        size_t n = section_count();

        if (kind < n)
                return section_at(kind);
        return kind - n < ELEMENTSOF(of_nobody) ? of_nobody[kind - n].name : NULL;
}

/* Sections are in order of names. */
int kind_find(const char *name) {
        size_t low = 0, high = section_count(), n = high;

        while (name && low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, section_at(middle));

                if (order == 0)
                        return (int)middle;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        for (size_t i = 0; i < ELEMENTSOF(of_nobody); i++)
                if (text_equal(of_nobody[i].name, name))
                        return (int)(n + i);
        return -1;
}

const ProtobufCFieldDescriptor *kind_body(size_t kind) {
        size_t n = section_count();
        Carebus__V1__Event__BodyCase body = CAREBUS__V1__EVENT__BODY__NOT_SET;

        if (kind >= n)
                body = of_nobody[kind - n].body;
        for (size_t i = 0; body == CAREBUS__V1__EVENT__BODY__NOT_SET && event_type_at(i); i++)
                if (text_equal(event_type_at(i)->section, section_at(kind)))
                        body = event_type_at(i)->body;
        return protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor, body);
}

unsigned relation_find(const char *name) {
        if (text_equal(name, "break-glass"))
                return RELATION_BREAK_GLASS;
        for (size_t i = 0; i < ELEMENTSOF(relations); i++)
                if (text_equal(name, relations[i]))
                        return RELATION_FIRST_NAMED + (unsigned)i;
        return RELATION_OTHER;
}
