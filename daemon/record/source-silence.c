#include "daemon/record/source-silence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "daemon/store/state-keys.h"

#define HOUR SILENCE_HOUR
#define DAY (24 * HOUR)
#define WEEKS_AT_LEAST 3
#define WEEKS_TO_LEAVE_OUT 6 /* with so many the longest is left out */
#define DOUBLED_AT_MOST INT64_C(3)
#define LOOK_AHEAD (5 * SILENCE_HOURS)
#define META_SILENCE "silence:"
#define META_HABIT "silence-habit:"
#define NAME_SIZE 96

/* ---- lengths as bytes -------------------------------------------------------------------------------------------------------- */

/* Seconds between 1 and 2^31, to the next eighth of an octave: 1 + 8 * octave + eighth. */
static uint8_t length_byte(int64_t length) {
        const uint64_t seconds = (uint64_t)MAX(INT64_C(1), MIN(length / USEC_PER_SEC, (int64_t)INT32_MAX));
        const unsigned octave = 63U - (unsigned)__builtin_clzll(seconds);

        return (uint8_t)(1U + 8U * octave + (unsigned)((seconds << 3 >> octave) & 7U));
}

/* The upper end of what a byte stands for. */
static int64_t byte_length(uint8_t byte) {
        const unsigned octave = (byte - 1U) / 8U, eighth = (byte - 1U) % 8U;

        return (int64_t)(((((uint64_t)eighth + 9U) << octave) + 7U) >> 3) * USEC_PER_SEC;
}

/* ---- learning ------------------------------------------------------------------------------------------------------------------ */

static int64_t hour_of(int64_t at) {
        return at / HOUR;
}

static size_t place_of(int64_t hour) {
        return (size_t)(hour % SILENCE_HOURS);
}

static void habit_put(SilenceHabit *habit, int64_t hour, int64_t longest) {
        habit->longest[place_of(hour)][hour / SILENCE_HOURS % SILENCE_WEEKS] = length_byte(longest);
}

bool source_silence_heard(SourceSilence *silence, SilenceHabit *habit, int64_t at) {
        const int64_t now = hour_of(at), last = silence->last_at;
        int64_t hour = silence->hour;

        if (last == 0) {
                *silence = (SourceSilence){ .last_at = at, .hour = now };
                return true;
        }
        if (at <= last)
                return false;
        silence->last_at = at;
        if (now == hour) {
                silence->longest = MAX(silence->longest, at - last);
                return false;
        }
        habit_put(habit, hour, MAX(silence->longest, (hour + 1) * HOUR - last));
        for (hour = MAX(hour + 1, now - SILENCE_WEEKS * SILENCE_HOURS); hour < now; hour++)
                habit_put(habit, hour, (hour + 1) * HOUR - last);
        silence->hour = now;
        silence->longest = at - last;
        return true;
}

bool source_silence_was_away(SourceSilence *silence, SilenceHabit *habit, int64_t at) {
        if (silence->last_at == 0 || at <= silence->last_at)
                return false;
        silence->last_at = at;
        if (hour_of(at) == silence->hour)
                return false;
        habit_put(habit, silence->hour, silence->longest);
        silence->hour = hour_of(at);
        silence->longest = 0;
        return true;
}

/* ---- what is usual ---------------------------------------------------------------------------------------------------------- */

/* The longest of the hour and of those beside it, in one of the weeks; 0: one of them is not known. */
static uint8_t longest_about(const SilenceHabit *habit, int64_t hour, size_t week) {
        uint8_t longest = 0;

        for (int64_t beside = -1; beside <= 1; beside++) {
                const uint8_t one = habit->longest[place_of(hour + beside + SILENCE_HOURS)][week];

                if (one == 0)
                        return 0;
                longest = MAX(longest, one);
        }
        return longest;
}

int64_t source_silence_usual(const SilenceHabit *habit, int64_t hour) {
        uint8_t first = 0, second = 0;
        size_t n = 0;

        for (size_t week = 0; week < SILENCE_WEEKS; week++) {
                const uint8_t one = longest_about(habit, hour, week);

                n += one > 0;
                second = MAX(second, MIN(first, one));
                first = MAX(first, one);
        }
        if (n < WEEKS_AT_LEAST)
                return 0;
        return byte_length(n < WEEKS_TO_LEAVE_OUT ? first : second);
}

int64_t source_silence_due(const SourceSilence *silence, const SilenceHabit *habit, int64_t silent_after,
                           int64_t *ret_usual) {
        const int64_t last = silence->last_at, now = hour_of(last);
        const bool again = silence->told_at > 0 && last - silence->told_at < DAY;
        const int64_t times = again ? INT64_C(1) << MIN(silence->n_told, DOUBLED_AT_MOST) : 1;

        if (last == 0)
                return 0;
        if (silent_after > 0) {
                *ret_usual = silent_after;
                return last + silent_after;
        }
        for (int64_t hour = now; hour < now + LOOK_AHEAD; hour++) {
                const int64_t usual = source_silence_usual(habit, hour);
                const int64_t at = MAX(hour * HOUR, last + (usual * SILENCE_TIMES + SILENCE_AT_LEAST) * times);

                if (usual > 0 && at < (hour + 1) * HOUR) {
                        *ret_usual = usual;
                        return at;
                }
        }
        return 0;
}

/* ---- in the state ------------------------------------------------------------------------------------------------------------- */

static StateKey key_of(const char *kind, const char *source) {
        char name[NAME_SIZE];

        (void)snprintf(name, sizeof(name), "%s%s", kind, source);
        return state_key_meta(name);
}

StateKey source_silence_key(const char *source) {
        return key_of(META_SILENCE, source);
}

StateKey source_silence_habit_key(const char *source) {
        return key_of(META_HABIT, source);
}

/* What is not there reads as nothing. */
static int read_value(StateTxn *txn, const StateKey *key, void *ret, size_t size) {
        Bytes value;
        int r = key->error < 0 ? key->error : state_get(txn, STATE_META, state_key_all(key), &value);

        memset(ret, 0, size);
        if (r == STATE_E_NOT_FOUND)
                return 0;
        if (r != 0)
                return r;
        if (value.size != size)
                return -EBADMSG;
        memcpy(ret, value.data, size);
        return 0;
}

/* In this order in the state, eight bytes each, little-endian. */
static void numbers_of(SourceSilence *silence, int64_t *ret[SILENCE_NUMBERS]) {
        int64_t *const numbers[SILENCE_NUMBERS] = {
                &silence->last_at,  &silence->hour,  &silence->longest, &silence->due_at, &silence->silent_since_at,
                &silence->spoke_at, &silence->usual, &silence->told_at, &silence->n_told,
        };

        memcpy(ret, numbers, sizeof(numbers));
}

void source_silence_pack(const SourceSilence *silence, uint8_t ret[SILENCE_PACKED_SIZE]) {
        SourceSilence copy = *silence;
        int64_t *numbers[SILENCE_NUMBERS];

        numbers_of(&copy, numbers);
        for (size_t i = 0; i < SILENCE_NUMBERS; i++)
                store_le64(ret + 8 * i, (uint64_t)*numbers[i]);
}

int source_silence_read(StateTxn *txn, const char *source, SourceSilence *ret) {
        const StateKey key = source_silence_key(source);
        uint8_t value[SILENCE_PACKED_SIZE];
        SourceSilence silence;
        int64_t *numbers[SILENCE_NUMBERS];
        int r = read_value(txn, &key, value, sizeof(value));

        if (r != 0)
                return r;
        numbers_of(&silence, numbers);
        for (size_t i = 0; i < SILENCE_NUMBERS; i++)
                *numbers[i] = (int64_t)load_le64(value + 8 * i);
        *ret = silence;
        return 0;
}

int source_silence_read_habit(StateTxn *txn, const char *source, SilenceHabit *ret) {
        const StateKey key = source_silence_habit_key(source);

        return read_value(txn, &key, ret, sizeof(*ret));
}
