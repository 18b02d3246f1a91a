#include "daemon/record/echoes.h"

#include <string.h>

#include "base/text.h"

typedef Carebus__V1__Fact Fact;

static bool was_said_by(const Fact *fact, const char *event_id) {
        if (text_equal(fact->event_id, event_id) || text_equal(fact->confirmed_event_id, event_id))
                return true;
        for (size_t i = 0; i < fact->n_history; i++)
                if (strcmp(fact->history[i], event_id) == 0)
                        return true;
        return false;
}

static const Fact *original_of(const Carebus__V1__Section *section, const Fact *echo) {
        for (size_t i = 0; i < section->n_facts; i++)
                if (section->facts[i] != echo && !section->facts[i]->echo &&
                    was_said_by(section->facts[i], echo->copy_of))
                        return section->facts[i];
        return NULL;
}

static bool is_withdrawn(const Fact *fact) {
        return text_equal(fact->status, "entered-in-error") || text_equal(fact->status, "cancelled");
}

void echoes_follow(Carebus__V1__Section *const *sections, size_t n_sections) {
        for (size_t i = 0; i < n_sections; i++)
                for (size_t j = 0; j < sections[i]->n_facts; j++) {
                        Fact *echo = sections[i]->facts[j];
                        const Fact *original = echo->has_echo && echo->echo && echo->copy_of
                                                       ? original_of(sections[i], echo)
                                                       : NULL;

                        if (!original || !is_withdrawn(original) || is_withdrawn(echo))
                                continue;
                        echo->status = original->status;
                        echo->end_reason = (char *)END_REASON_ORIGINAL;
                        echo->ended_by_event_id = original->event_id;
                }
}
