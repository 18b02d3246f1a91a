/* carebusctl top: what happens now, from two readings of the figures. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/figures.h"

#define EVERY_DEFAULT 2
#define EVERY_MAX 3600
#define LABEL_SIZE 64

typedef struct Top {
        FiguresPage before, now;
        double seconds; /* between the two */
} Top;

static double value_of(const FiguresPage *page, const char *name, const char *labels) {
        const Sample *sample = figures_find(page, name, labels);

        return sample ? sample->value : 0;
}

/* In a second; a counter that went back began anew. */
static double rate_of(const Top *top, const char *name, const char *labels) {
        const double now = value_of(&top->now, name, labels), before = value_of(&top->before, name, labels);

        return top->seconds > 0 ? (now >= before ? now - before : now) / top->seconds : 0;
}

static void print_head(const Top *top) {
        const FiguresPage *page = &top->now;
        const double left = value_of(page, "carebus_disk_left_seconds", "");

        printf("%s   journal %.0f (%.0f/s)   fold behind %.0f, %.1f s   disk %.0f MiB free", /* one line */
               value_of(page, "carebus_ready", "") > 0 ? "ready" : "NOT READY",
               value_of(page, "carebus_journal_seq", ""), rate_of(top, "carebus_journal_seq", ""),
               value_of(page, "carebus_fold_lag_entries", ""), value_of(page, "carebus_fold_lag_seconds", ""),
               value_of(page, "carebus_disk_free_bytes", "") / 1048576);
        if (figures_find(page, "carebus_disk_left_seconds", ""))
                printf(", %.0f h left", left / 3600);
        printf("\nwaiting: quarantine %.0f urgent, %.0f others; reviews %.0f overdue; parked %.0f\n",
               value_of(page, "carebus_quarantine_open", "class=\"urgent\""),
               value_of(page, "carebus_quarantine_open", "class=\"normal\"") +
                       value_of(page, "carebus_quarantine_open", "class=\"unhandled\""),
               value_of(page, "carebus_reviews_overdue", ""), value_of(page, "carebus_parked_deliveries", ""));
}

static void print_sources(const Top *top) {
        printf("\n%-32s %10s %12s %10s %10s %9s %11s\n", "source", "in/s", "stored", "duplicate", "in flight",
               "sessions", "unaccounted");
        for (size_t i = 0; i < top->now.n_samples; i++) {
                const Sample *sample = &top->now.samples[i];
                char name[LABEL_SIZE];

                if (strcmp(sample->name, "carebus_received_total") != 0 ||
                    !figures_label(sample->labels, "source", name, sizeof(name)))
                        continue;
                printf("%-32s %10.1f %12.0f %10.0f %10.0f %9.0f %11.0f\n", name,
                       rate_of(top, "carebus_received_total", sample->labels),
                       value_of(&top->now, "carebus_stored_total", sample->labels),
                       value_of(&top->now, "carebus_duplicate_total", sample->labels),
                       value_of(&top->now, "carebus_in_flight", sample->labels),
                       value_of(&top->now, "carebus_source_sessions", sample->labels),
                       value_of(&top->now, "carebus_unaccounted", sample->labels));
        }
}

static void print_teams(const Top *top) {
        printf("\n%-32s %-32s %10s %10s %10s %5s\n", "team", "consumer", "out/s", "behind", "oldest s", "open");
        for (size_t i = 0; i < top->now.n_samples; i++) {
                const Sample *sample = &top->now.samples[i];
                char team[LABEL_SIZE], consumer[LABEL_SIZE];

                if (!figures_label(sample->labels, "team", team, sizeof(team)))
                        continue;
                if (strcmp(sample->name, "carebus_published_total") == 0)
                        printf("%-32s %-32s %10.1f %10s %10s %5s\n", team, "(live)",
                               rate_of(top, sample->name, sample->labels), "", "", "");
                if (strcmp(sample->name, "carebus_delivered_total") == 0 &&
                    figures_label(sample->labels, "consumer", consumer, sizeof(consumer)))
                        printf("%-32s %-32s %10.1f %10.0f %10.0f %5s\n", team, consumer,
                               rate_of(top, sample->name, sample->labels),
                               value_of(&top->now, "carebus_feed_lag_entries", sample->labels),
                               value_of(&top->now, "carebus_feed_oldest_undelivered_age_seconds", sample->labels),
                               value_of(&top->now, "carebus_feed_open", sample->labels) > 0 ? "yes" : "no");
        }
}

static void print_threads(const Top *top) {
        printf("\nthreads, seconds since they last went round:");
        for (size_t i = 0; i < top->now.n_samples; i++) {
                const Sample *sample = &top->now.samples[i];
                char process[LABEL_SIZE], thread[LABEL_SIZE];

                if (strcmp(sample->name, "carebus_thread_progress_age_seconds") == 0 &&
                    figures_label(sample->labels, "process", process, sizeof(process)) &&
                    figures_label(sample->labels, "thread", thread, sizeof(thread)))
                        printf("  %s/%s %.1f", process, thread, sample->value);
        }
        putchar('\n');
}

/* As JSON text: quotes and backslashes of labels are escaped already, by the same rules. */
static void print_json_labels(const char *labels) {
        fputs(",\"labels\":{", stdout);
        for (const char *at = labels; *at;) {
                const size_t name = strcspn(at, "=");
                const size_t value = strcspn(at + name + 2, "\"");

                printf("%s\"%.*s\":\"%.*s\"", at == labels ? "" : ",", (int)name, at, (int)value, at + name + 2);
                at += name + 2 + value + 1;
                at += *at == ',';
        }
        putchar('}');
}

static bool is_counted(const char *name) {
        const size_t n = strlen(name);

        return n > 6 && (strcmp(name + n - 6, "_total") == 0 || strcmp(name + n - 6, "_count") == 0);
}

static void print_json(const Top *top) {
        char at[CIVIL_TEXT_SIZE];

        civil_format(clock_now_at(&clock_system), at);
        printf("{\"at\":\"%s\",\"seconds\":%.3f,\"figures\":[", at, top->seconds);
        for (size_t i = 0; i < top->now.n_samples; i++) {
                const Sample *sample = &top->now.samples[i];

                printf("%s{\"name\":\"%s\"", i == 0 ? "" : ",", sample->name);
                if (sample->labels[0])
                        print_json_labels(sample->labels);
                printf(",\"value\":%.17g", sample->value);
                if (is_counted(sample->name))
                        printf(",\"rate\":%.3f", rate_of(top, sample->name, sample->labels));
                putchar('}');
        }
        puts("]}");
}

static void print_page(const Top *top, bool is_screen) {
        if (is_screen)
                fputs("\033[H\033[J", stdout);
        print_head(top);
        print_sources(top);
        print_teams(top);
        print_threads(top);
}

static void wait_for_next(unsigned seconds) {
        const struct timespec pause = { .tv_sec = (time_t)seconds };

        fflush(stdout);
        (void)nanosleep(&pause, NULL);
}

static void top_deinit(Top *top) {
        figures_page_deinit(&top->before);
        figures_page_deinit(&top->now);
}

/* Takes a reading; the one before is what rates are of. */
static int top_read(Top *top, const Config *config, int64_t *read_at) {
        const int64_t now = clock_monotonic(&clock_system);
        FiguresPage page;
        int r = figures_fetch(config, &page);

        if (r != 0)
                return r;
        figures_page_deinit(&top->before);
        top->before = top->now;
        top->now = page;
        top->seconds = (double)(now - *read_at) / USEC_PER_SEC;
        *read_at = now;
        return 0;
}

static int top_run(const Context *context, const Config *config, bool once, unsigned every) {
        _cleanup_(top_deinit) Top top = { .seconds = 0 };
        const bool is_screen = !once && !context->json && isatty(STDOUT_FILENO) != 0;
        int64_t read_at = 0;
        int r = top_read(&top, config, &read_at);

        while (r == 0) {
                wait_for_next(once ? 1 : every);
                r = top_read(&top, config, &read_at);
                if (r != 0)
                        break;
                if (context->json)
                        print_json(&top);
                else
                        print_page(&top, is_screen);
                if (once || fflush(stdout) != 0)
                        return EXIT_DONE;
        }
        return client_say(r, "metrics");
}

int command_top(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        bool once = !isatty(STDOUT_FILENO) && !context->json;
        uint64_t every = EVERY_DEFAULT;
        int r;

        for (int i = 1; i < argc; i++) {
                if (text_equal(argv[i], "--once"))
                        once = true;
                else if (text_equal(argv[i], "--every") && i + 1 < argc) {
                        if (text_to_u64(argv[++i], &every) < 0 || every == 0 || every > EVERY_MAX)
                                return command_wrong_use(argv[0], "--every takes seconds, 1 to 3600");
                } else
                        return command_wrong_use(argv[0], "top takes --once and --every SECONDS");
        }
        r = command_load_config(context, &config);
        return r != 0 ? r : top_run(context, config, once, (unsigned)every);
}
