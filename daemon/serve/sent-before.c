#include "daemon/serve/sent-before.h"

#include <string.h>

static void take_out(SentBefore *sent, size_t index, size_t n) {
        memmove(&sent->steps[index], &sent->steps[index + n], (sent->n_steps - index - n) * sizeof(sent->steps[0]));
        sent->n_steps -= n;
}

void sent_before_acknowledged(SentBefore *sent, Place place) {
        size_t n = 0;

        if (place_compare(place, sent->from) <= 0)
                return;
        sent->from = place;
        while (n < sent->n_steps && place_compare(sent->steps[n].until, place) <= 0)
                n++;
        if (n > 0)
                take_out(sent, 0, n);
}

void sent_before_begin(SentBefore *sent, Place place) {
        if (place_compare(place, sent->from) < 0)
                *sent = (SentBefore){ .from = place };
        else
                sent_before_acknowledged(sent, place);
}

uint32_t sent_before_times(const SentBefore *sent, Place place) {
        if (place_compare(place, sent->from) <= 0)
                return 0;
        for (size_t i = 0; i < sent->n_steps; i++)
                if (place_compare(place, sent->steps[i].until) <= 0)
                        return sent->steps[i].times;
        return 0;
}

void sent_before_end(SentBefore *sent, Place place) {
        size_t i = 0;

        if (place_compare(place, sent->from) <= 0)
                return;
        for (; i < sent->n_steps && place_compare(sent->steps[i].until, place) <= 0; i++)
                sent->steps[i].times += sent->steps[i].times < UINT32_MAX;
        if (i > 0 && place_compare(sent->steps[i - 1].until, place) == 0)
                return;
        memmove(&sent->steps[i + 1], &sent->steps[i], (sent->n_steps - i) * sizeof(sent->steps[0]));
        sent->steps[i] = (SentBeforeStep){ .until = place,
                                           .times = i < sent->n_steps ? sent->steps[i + 1].times + 1 : 1 };
        sent->n_steps++;
        /* The last but one goes into the last, which says fewer. */
        if (sent->n_steps > SENT_BEFORE_STEPS)
                take_out(sent, sent->n_steps - 2, 1);
}
