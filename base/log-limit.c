#include "base/log-limit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static uint64_t hash_of(const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
        return hash;
}

/* Rested ones go first, then whoever was quiet for longest. What was left out of that one is still told, with the event's own. */
static LogBucket *slot_to_use(LogLimits *limits) {
        LogBucket *oldest = NULL;

        for (size_t i = 0; i < LOG_PEERS_MAX; i++) {
                LogBucket *bucket = &limits->peers[i];

                if (!bucket->used)
                        return bucket;
                if (!oldest || (bucket->n_left_out > 0) < (oldest->n_left_out > 0) ||
                    ((bucket->n_left_out > 0) == (oldest->n_left_out > 0) && bucket->used_at < oldest->used_at))
                        oldest = bucket;
        }
        return oldest;
}

static void count_left_out(LogBucket *bucket, int64_t n, int64_t now) {
        if (bucket->n_left_out == 0)
                bucket->left_since = now;
        bucket->n_left_out += n;
}

static LogBucket *peer_bucket(LogLimits *limits, LogEvent event, const char *text, int64_t now) {
        const uint64_t who = hash_of(text);
        LogBucket *bucket;
        size_t size;

        for (size_t i = 0; i < LOG_PEERS_MAX; i++) {
                bucket = &limits->peers[i];
                if (bucket->used && bucket->event == event && bucket->who == who)
                        return bucket;
        }
        bucket = slot_to_use(limits);
        if (bucket->used && bucket->n_left_out > 0)
                count_left_out(&limits->events[bucket->event], bucket->n_left_out, now);
        *bucket = (LogBucket){ .used = true, .event = event, .who = who, .filled_at = INT64_MIN };
        size = utf8_valid_prefix(text, strnlen(text, sizeof(bucket->text) - 1));
        memcpy(bucket->text, text, size);
        return bucket;
}

static bool is_full(const LogBucket *bucket, int64_t now, int64_t burst, int64_t every) {
        return bucket->filled_at < now - burst * every;
}

static bool has_token(LogBucket *bucket, int64_t now, int64_t burst, int64_t every) {
        if (is_full(bucket, now, burst, every))
                bucket->filled_at = now - burst * every;
        return bucket->filled_at + every <= now;
}

bool log_limits_take(LogLimits *limits, LogEvent event, const char *text, int64_t now) {
        LogBucket *all = &limits->events[event], *peer = peer_bucket(limits, event, text, now);

        if (!all->used)
                *all = (LogBucket){ .used = true, .event = event, .filled_at = INT64_MIN };
        peer->used_at = now;
        if (!has_token(peer, now, LOG_PEER_BURST, LOG_PEER_EVERY)) {
                count_left_out(peer, 1, now);
                return false;
        }
        if (!has_token(all, now, LOG_EVENT_BURST, LOG_EVENT_EVERY)) {
                count_left_out(all, 1, now);
                return false;
        }
        peer->filled_at += LOG_PEER_EVERY;
        all->filled_at += LOG_EVENT_EVERY;
        return true;
}

static bool is_to_be_told(const LogBucket *bucket, int64_t now, bool at_end, int64_t burst, int64_t every) {
        return bucket->n_left_out > 0 &&
               (at_end || is_full(bucket, now, burst, every) || now - bucket->left_since >= LOG_TELL_EVERY);
}

bool log_limits_untold(LogLimits *limits, int64_t now, bool at_end, LogBucket *ret) {
        LogBucket *found = NULL;

        for (size_t i = 0; !found && i < LOG_PEERS_MAX; i++)
                if (is_to_be_told(&limits->peers[i], now, at_end, LOG_PEER_BURST, LOG_PEER_EVERY))
                        found = &limits->peers[i];
        for (size_t i = 0; !found && i < _LOG_EVENT_MAX; i++)
                if (is_to_be_told(&limits->events[i], now, at_end, LOG_EVENT_BURST, LOG_EVENT_EVERY))
                        found = &limits->events[i];
        if (!found)
                return false;
        *ret = *found;
        found->n_left_out = 0;
        return true;
}
