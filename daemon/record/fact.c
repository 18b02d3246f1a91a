#include "daemon/record/fact.h"

#include <errno.h>
#include <string.h>

Carebus__V1__StoredFact *fact_new(const char *key, const char *source, Arena *arena) {
        Carebus__V1__StoredFact *stored = arena_alloc(arena, sizeof(*stored));
        Carebus__V1__Fact *fact = arena_alloc(arena, sizeof(*fact));

        if (!stored || !fact)
                return NULL;
        carebus__v1__stored_fact__init(stored);
        carebus__v1__fact__init(fact);
        stored->fact = fact;
        fact->key = (char *)key;
        fact->source = (char *)source;
        return stored;
}

int fact_place(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena) {
        if (!stored->under && said->under) {
                stored->has_under = 1;
                stored->under = said->under;
        }
        if (!stored->newest)
                return 0;
        if (!stored->first)
                stored->first = stored->newest;
        if (stamp_parts_compare(said->stamp, stamp_parts(stored->first)) >= 0)
                return 0;
        stored->first = stamp_make(said->stamp, arena);
        return stored->first ? 0 : -ENOMEM;
}

void fact_place_keep(Carebus__V1__StoredFact *anew, const Carebus__V1__StoredFact *before) {
        anew->has_under = before->has_under;
        anew->under = before->under;
        anew->first = before->first;
}

int fact_remember(Carebus__V1__Fact *fact, const char *event_id, Arena *arena) {
        if (fact->n_history >= FACT_HISTORY_MAX) {
                fact->history++;
                fact->n_history--;
        }
        return list_append((void ***)&fact->history, &fact->n_history, (void *)event_id, arena);
}

/* What restricts stays until its source says another thing: a message that says nothing of it loosens nothing. */
static void sensitivity_take(Carebus__V1__Fact *fact, const Carebus__V1__Event *event) {
        if (event->sensitivity)
                fact->sensitivity = event->sensitivity;
}

int fact_say(Carebus__V1__Fact *fact, const Said *said, Arena *arena) {
        const Carebus__V1__Event *event = said->event;

        if (fact->event_id) {
                int r = fact_remember(fact, fact->event_id, arena);

                if (r < 0)
                        return r;
        }
        fact->event_id = event->event_id;
        fact->has_seq = fact->has_index = 1;
        fact->seq = said->stamp.seq;
        fact->index = said->stamp.index;
        fact->author = event->author;
        fact->occurred_at = event->occurred_at;
        fact->recorded_at = event->recorded_at;
        fact->has_received_at = event->has_received_at;
        fact->received_at = event->received_at;
        fact->source_message_id = event->source_message_id;
        fact->has_action = event->has_action;
        fact->action = event->action;
        fact->team = event->team;
        fact->has_loaded = event->has_loaded && event->loaded;
        fact->loaded = fact->has_loaded;
        fact->has_echo = fact->echo = event->echo_of != NULL;
        fact->copy_of = event->echo_of;
        sensitivity_take(fact, event);
        fact->confirmed_event_id = NULL;
        fact->has_confirmed_at = 0;
        return 0;
}

void fact_confirm(Carebus__V1__Fact *fact, const Said *said) {
        fact->confirmed_event_id = said->event->event_id;
        fact->has_confirmed_at = said->event->has_received_at;
        fact->confirmed_at = said->event->received_at;
        if (said->event->echo_of) {
                fact->has_echo = fact->echo = true;
                fact->copy_of = said->event->echo_of;
        }
        sensitivity_take(fact, said->event);
}

int fact_compare(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b) {
        int order = strcmp(a->key ?: "", b->key ?: "");

        return order ?: strcmp(a->source ?: "", b->source ?: "");
}

Carebus__V1__StoredFact *section_find(const Carebus__V1__StoredSection *section, const char *key, const char *source) {
        Carebus__V1__Fact wanted = { .key = (char *)key, .source = (char *)source };

        for (size_t i = 0; i < section->n_facts; i++)
                if (fact_compare(section->facts[i]->fact, &wanted) == 0)
                        return section->facts[i];
        return NULL;
}

int section_insert(Carebus__V1__StoredSection *section, Carebus__V1__StoredFact *stored, Arena *arena) {
        size_t i;
        int r;

        r = list_append((void ***)&section->facts, &section->n_facts, stored, arena);
        if (r < 0)
                return r;
        for (i = section->n_facts - 1; i > 0 && fact_compare(section->facts[i - 1]->fact, stored->fact) > 0; i--)
                section->facts[i] = section->facts[i - 1];
        section->facts[i] = stored;
        return 0;
}
