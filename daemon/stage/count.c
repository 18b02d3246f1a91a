/*
 * What intake counts, for whoever watches (daemon/figures): written down together now and then, so that the counts of a source balance, and
 * never while a message is at work. The messages themselves pay for no more than an addition.
 */
#include <stdio.h>

#include "daemon/stage/intake-parts.h"

#define COUNT_EVERY (50 * USEC_PER_MSEC)

static void count_source(const SourcePeer *peer, SourceFigures *figures) {
        const uint64_t values[_SOURCE_FIGURE_MAX] = {
                [SOURCE_RECEIVED] = peer->arrived,
                [SOURCE_STORED] = peer->stored,
                [SOURCE_DUPLICATE] = peer->duplicate,
                [SOURCE_REFUSED] = peer->refused_ours,
                [SOURCE_LATER] = peer->later,
                [SOURCE_UNANSWERED] = peer->unanswered,
                [SOURCE_IN_FLIGHT] = peer->group.count,
                [SOURCE_SESSIONS] = peer->n_sessions,
                [SOURCE_HEARD_AT] = (uint64_t)peer->heard_at,
                [SOURCE_MAP_MISSES] = peer->map_misses,
                [SOURCE_ADAPTER_IGNORED] = peer->ignored_there,
                [SOURCE_ADAPTER_REFUSED] = peer->refused_there,
                [SOURCE_ADAPTER_RECEIVED] = peer->traffic.received,
                [SOURCE_ADAPTER_ACCEPTED] = peer->traffic.accepted,
                [SOURCE_ADAPTER_FAILED] = peer->traffic.failed,
                [SOURCE_ADAPTER_REJECTED] = peer->traffic.rejected,
                [SOURCE_ADAPTER_CONNECTIONS] = peer->traffic.connections,
                [SOURCE_ADAPTER_WAITING] = peer->traffic.waiting,
                [SOURCE_ADAPTER_CERTIFICATE] = peer->traffic.certificate_ends_at,
        };
        SourceCounts counts = { .name = "" };

        _Static_assert(SOURCE_NAME_SIZE <= FIGURES_NAME_SIZE, "a name has to fit");
        snprintf(counts.name, sizeof(counts.name), "%s", peer->name);
        memcpy(counts.values, values, sizeof(values));
        source_figures_write(figures, &counts);
}

void intake_count(Intake *intake, int64_t now) {
        CoreFigures *figures = intake->options.facts->figures;

        if (!figures || (intake->counted_at != 0 && now - intake->counted_at < COUNT_EVERY && intake->turns.count > 0))
                return;
        intake->counted_at = now;
        figure_set(&figures->committed_seq, journal_committed(intake->options.journal));
        figure_set(&figures->storage_full, intake->storage != STORAGE_GOOD);
        figure_set(&figures->fold_stuck, intake->fold_stuck);
        figure_set(&figures->free_bytes, intake->free_bytes);
        figure_set(&figures->reserve_bytes, storage_hard_bytes(intake));
        figure_set(&figures->journal_bytes, journal_bytes(intake->options.journal));
        figure_set(&figures->n_sources, intake->sources.n_items);
        for (size_t i = 0; i < intake->sources.n_items && i < FIGURES_SOURCES_MAX; i++)
                count_source(intake->sources.items[i], &figures->sources[i]);
}

void intake_count_batch(Intake *intake, size_t entries) {
        CoreFigures *figures = intake->options.facts->figures;

        if (!figures)
                return;
        histogram_observe(&figures->batch, &figures_batch_bounds, entries);
        histogram_observe(&figures->sync, &figures_sync_bounds, (uint64_t)journal_sync_time(intake->options.journal));
}
