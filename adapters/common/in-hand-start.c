/* See in-hand.h. */
#include <errno.h>

#include "adapters/common/in-hand.h"
#include "adapters/common/place.h"
#include "base/log.h"

static void tell(const InHand *hand, const char *source) {
        const InHandFound *found = in_hand_found(hand);

        if (found->times == 0)
                return;
        if (found->times < IN_HAND_TRIES || found->is_again)
                log_event(LOG_MESSAGE_INTERRUPTED, log_name("SOURCE", source), log_number("TIMES", found->times),
                          log_number("BYTES", (int64_t)found->size));
        else
                log_event(LOG_MESSAGE_GIVEN_UP, log_name("SOURCE", source), log_name("CODE", IN_HAND_CODE),
                          log_number("TIMES", found->times), log_number("BYTES", (int64_t)found->size));
}

InHand *in_hand_start(const Config *config, const char *source) {
        _cleanup_(freep) char *folder = NULL;
        InHand *hand = NULL;
        int r = place_open(config, source, &folder);

        if (r == 0)
                r = in_hand_open(folder, &hand);
        if (r < 0) {
                log_event(LOG_IN_HAND_NOT_KEPT, log_name("SOURCE", source), log_errno(r));
                return NULL;
        }
        tell(hand, source);
        return hand;
}
