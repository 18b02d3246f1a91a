#include "canon/reach.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

#define MINUTES_A_DAY (24 * 60)
#define DAY_USEC (MINUTES_A_DAY * 60 * USEC_PER_SEC)
enum { BANK_HOLIDAY = 8 };

/* "09:00", "9:00", "24:00"; -1 for anything else. */
static int minute_of_day(const char *text) {
        int hour = 0, minute = 0, digits = 0;

        if (!text)
                return -1;
        for (; isdigit((unsigned char)*text) && digits < 2; digits++)
                hour = hour * 10 + (*text++ - '0');
        if (digits == 0 || *text++ != ':' || !isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
                return -1;
        minute = (text[0] - '0') * 10 + (text[1] - '0');
        if (minute > 59 || hour * 60 + minute > MINUTES_A_DAY)
                return -1;
        return hour * 60 + minute;
}

/* 1 Monday to 7 Sunday; 1970-01-01 was a Thursday. */
static unsigned weekday_of(int64_t day) {
        return (unsigned)(((day + 3) % 7 + 7) % 7) + 1;
}

static bool has_day(const Carebus__V1__ReachTime *reach, unsigned weekday) {
        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] == weekday)
                        return true;
        return reach->n_days == 0;
}

static bool has_weekday(const Carebus__V1__ReachTime *reach) {
        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] < BANK_HOLIDAY)
                        return true;
        return reach->n_days == 0;
}

ReachState reach_at(const Carebus__V1__ReachTime *reach, int64_t at, const Zone *zone) {
        bool unbounded = !reach->from && !reach->until;
        int from = unbounded ? 0 : minute_of_day(reach->from), until = unbounded ? 0 : minute_of_day(reach->until), now;
        int64_t local = at + zone_offset(zone, at) * USEC_PER_SEC;
        int64_t day = local / DAY_USEC - (local % DAY_USEC < 0);

        /* Every day at any hour is nothing that anybody promised by saying no hours. */
        if ((unbounded && reach->n_days == 0) || from < 0 || until < 0 || !has_weekday(reach))
                return reach->has_out_of_hours && reach->out_of_hours ? REACH_NOT_SAID_OUT_OF_HOURS : REACH_NOT_SAID;
        now = (int)((local - day * DAY_USEC) / (60 * USEC_PER_SEC));
        if (until > from)
                return has_day(reach, weekday_of(day)) && now >= from && now < until ? REACH_OPEN : REACH_CLOSED;
        if ((has_day(reach, weekday_of(day)) && now >= from) || (has_day(reach, weekday_of(day - 1)) && now < until))
                return REACH_OPEN;
        return REACH_CLOSED;
}

static bool is_for_voice(const Carebus__V1__Telecom *telecom) {
        return telecom->value && telecom->value[0] &&
               (!telecom->system || text_equal(telecom->system, "phone") || text_equal(telecom->system, "mobile"));
}

/* The number to ring, by rank; where none is for ringing, what else there is. */
static const Carebus__V1__Telecom *telecom_first(Carebus__V1__Telecom *const *telecom, size_t n) {
        const Carebus__V1__Telecom *best = NULL;

        for (size_t i = 0; i < n; i++) {
                if (!telecom[i]->value || !telecom[i]->value[0])
                        continue;
                if (!best || is_for_voice(telecom[i]) > is_for_voice(best) ||
                    (is_for_voice(telecom[i]) == is_for_voice(best) && telecom[i]->has_rank &&
                     (!best->has_rank || telecom[i]->rank < best->rank)))
                        best = telecom[i];
        }
        return best;
}

/* Is the contact point in use at all on that day? */
static bool is_in_period(const Carebus__V1__Period *period, int64_t at) {
        if (!period)
                return true;
        if (period->start && period->start->has_utc_at && at < period->start->utc_at)
                return false;
        /* "Until the third" is until the third is over. */
        return !period->end || !period->end->has_utc_at ||
               at < period->end->utc_at +
                               (period->end->precision <= CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY ? DAY_USEC : 0);
}

bool contact_at(const Carebus__V1__Overview *overview, int64_t at, const Zone *zone, ContactAt *ret) {
        ContactAt best = { .state = REACH_CLOSED };

        for (size_t i = 0; i < overview->n_contact_points; i++) {
                const Carebus__V1__ContactPoint *point = overview->contact_points[i];

                for (size_t j = 0; is_in_period(point->period, at) && j < point->n_reach; j++) {
                        const Carebus__V1__ReachTime *reach = point->reach[j];
                        const Carebus__V1__Telecom *telecom = telecom_first(reach->telecom, reach->n_telecom);
                        ReachState state = reach_at(reach, at, zone);

                        if (!telecom || state <= best.state)
                                continue;
                        best = (ContactAt){ .point = point, .reach = reach, .telecom = telecom, .state = state };
                        if (i < overview->n_contact_origins)
                                best.origin = overview->contact_origins[i];
                }
        }
        if (best.state == REACH_CLOSED)
                return false;
        *ret = best;
        return true;
}
