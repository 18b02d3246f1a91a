#pragma once
/*
 * How long a source is usually silent, by the hour of the week, and whether it is silent now beyond its habit.
 *
 * Of every hour is kept how long, at the most, nothing had been heard at any moment of it: a few minutes at eleven in
 * the morning, nine hours at three in the night, sixty at seven on a Monday. Eight weeks are kept of each of the 168
 * hours of a week (UTC). What is usual at an hour is the longest of eight weeks but one, each with the hours beside
 * it: so one public holiday, or one failure, teaches nothing, a shift by an hour (clocks going forward) surprises
 * nobody, and a new habit is learned in two weeks. Before three weeks nothing is said.
 *
 * Hours of the week and not of the day, since what comes only on weekdays, only on Tuesdays, or as one file on a Sunday night is habit too.
 * All of it follows from the times at which entries were journaled: whole numbers, no clock. One thread an object.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/state-keys.h"

#define SILENCE_WEEKS 8
#define SILENCE_HOURS 168
#define SILENCE_HOUR (INT64_C(3600) * 1000000)

/* Three times what is usual, and ten minutes: then it is silent. By twice, who speaks once an hour by chance would be told of every other
 * week. */
#define SILENCE_TIMES 3
#define SILENCE_AT_LEAST (INT64_C(10) * 60 * 1000000)

/* One byte an hour: on a scale of eighths of an octave; 0: not known. */
typedef struct SilenceHabit {
        uint8_t longest[SILENCE_HOURS][SILENCE_WEEKS];
} SilenceHabit;

/* Times and lengths in microseconds. */
typedef struct SourceSilence {
        int64_t last_at;         /* it was heard, or the bus came back; 0: never */
        int64_t hour;            /* since 1970: the one of which `longest` is */
        int64_t longest;         /* without a word, at any moment of that hour so far */
        int64_t due_at;          /* when it is to be looked at; 0: not at all */
        int64_t silent_since_at; /* the last word before a silence that was told of; 0: none */
        int64_t spoke_at;        /* the first word behind it, until that was told of; 0: none yet */
        int64_t usual;           /* of the silence that was told of: how long it was let be */
        int64_t told_at;         /* of the newest silence */
        int64_t n_told;          /* one after the other within a day each */
} SourceSilence;

/* A word at `at`. True where an hour has ended, so that the habit is another. */
bool source_silence_heard(SourceSilence *silence, SilenceHabit *habit, int64_t at);
/* The bus itself was away until `at`: nothing is learned of that, and waiting begins anew. Returns as above. */
bool source_silence_was_away(SourceSilence *silence, SilenceHabit *habit, int64_t at);
/* How long without a word is usual in an hour (since 1970); 0: not known yet. */
int64_t source_silence_usual(const SilenceHabit *habit, int64_t hour);
/* From when on silence since the last word is more than usual, and how much is let be until then. `silent_after`, where it is not 0, goes
 * before any habit. Who was told of silence within the day before waits twice as long each time, up to eight times. 0: never. */
int64_t source_silence_due(const SourceSilence *silence, const SilenceHabit *habit, int64_t silent_after,
                           int64_t *ret_usual);

/* As the fold wrote them; of what was never heard all is 0. 0, or as state_get(). */
int source_silence_read(StateTxn *txn, const char *source, SourceSilence *ret);
int source_silence_read_habit(StateTxn *txn, const char *source, SilenceHabit *ret);

/* Where they stand in STATE_META: packed, and the habit as it is. */
#define SILENCE_NUMBERS 9
#define SILENCE_PACKED_SIZE (8 * SILENCE_NUMBERS)
StateKey source_silence_key(const char *source);
StateKey source_silence_habit_key(const char *source);
void source_silence_pack(const SourceSilence *silence, uint8_t ret[SILENCE_PACKED_SIZE]);
