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

/* How many section_at() has: asked with every event. A test counts them. */
#define N_SECTIONS ((size_t)29)

size_t kind_count(void) {
        return N_SECTIONS + ELEMENTSOF(of_nobody);
}

const char *kind_at(size_t kind) {
        if (kind < N_SECTIONS)
                return section_at(kind);
        return kind - N_SECTIONS < ELEMENTSOF(of_nobody) ? of_nobody[kind - N_SECTIONS].name : NULL;
}

/* Sections are in order of names. */
int kind_find(const char *name) {
        size_t low = 0, high = N_SECTIONS;

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
                        return (int)(N_SECTIONS + i);
        return -1;
}

const ProtobufCFieldDescriptor *kind_body(size_t kind) {
        Carebus__V1__Event__BodyCase body = CAREBUS__V1__EVENT__BODY__NOT_SET;

        if (kind >= N_SECTIONS)
                body = of_nobody[kind - N_SECTIONS].body;
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
