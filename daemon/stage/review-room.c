/* How many joins of one source wait for a person. */
#include <errno.h>

#include "base/text.h"
#include "daemon/stage/review.h"
#include "daemon/store/state-keys.h"

#define COUNT_OPEN "reviews"
#define COUNT_LEFT_OUT "reviews_left_out"

typedef Carebus__V1__Review Review;

static bool is_counted(const Review *review) {
        return review->kind == CAREBUS__V1__REVIEW__KIND__KIND_JOIN;
}

/* Told once, and again only after there was room in between. */
static int full_tell(FoldWork *work, const Said *said, const Review *review) {
        Carebus__V1__Event *event = work_event(work, "identity.reviews_full");
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        char *event_id;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = (char *)"too-many-reviews";
        notice->source = review->source;
        notice->patient_ids = review->patient_ids;
        notice->n_patient_ids = review->n_patient_ids;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        return work_derive(work, event, review->patient_ids[0], said, &event_id);
}

int review_room(FoldWork *work, const Said *said, const Review *review, bool *ret) {
        int r = 0;

        *ret = !is_counted(review) || text_equal(review->class_, "urgent") ||
               state_count_get(work->txn, review->source, COUNT_OPEN) < REVIEWS_MAX;
        if (*ret)
                return 0;
        if (state_count_get(work->txn, review->source, COUNT_LEFT_OUT) == 0)
                r = full_tell(work, said, review);
        return r ?: state_count_add(work->txn, review->source, COUNT_LEFT_OUT, 1);
}

int review_count(FoldWork *work, const Review *review, int more) {
        uint64_t left_out;
        int r;

        if (!is_counted(review))
                return 0;
        r = state_count_add(work->txn, review->source, COUNT_OPEN, (uint64_t)(int64_t)more);
        left_out = state_count_get(work->txn, review->source, COUNT_LEFT_OUT);
        if (r || left_out == 0 || state_count_get(work->txn, review->source, COUNT_OPEN) > REVIEWS_MAX / 10 * 9)
                return r;
        return state_count_add(work->txn, review->source, COUNT_LEFT_OUT, -left_out);
}
