/*
 * Load of canonical events over libcarebus, as adapters hand them in: a window of submissions without a receipt, by one
 * adapter or several (a process each, each a source of its own). Closed loop, or at a fixed rate for each adapter, where
 * latency counts from when a submission was due.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bench/histogram.h"
#include "bench/messages.h"
#include "bench/tool.h"
#include "sdk/carebus.h"

#define ADAPTERS_MAX 16
#define READY_MAX UINT64_C(20000000000)
#define SILENCE_MAX UINT64_C(20000000000)

static uint64_t arg_adapters = 1, arg_window = 256, arg_seconds = 5, arg_count, arg_rate, arg_size = 1024;
static uint64_t arg_persons = 10000, arg_warm_up_ms, arg_first, arg_core = UINT64_MAX;
static const char *arg_endpoint, *arg_source = "bench", *arg_prefix = "B";

static const ToolOption options[] = {
        { "endpoint", NULL, &arg_endpoint, "the bus's intake: ipc:///run/carebus/intake" },
        { "source", NULL, &arg_source, "its name; with several adapters NAME-1, NAME-2, ... (bench)" },
        { "adapters", &arg_adapters, NULL, "how many (1)" },
        { "window", &arg_window, NULL, "submissions of an adapter without a receipt (256)" },
        { "seconds", &arg_seconds, NULL, "how long (5)" },
        { "count", &arg_count, NULL, "or how many submissions of each adapter (0: by time)" },
        { "rate", &arg_rate, NULL, "submissions a second of each adapter (0: closed loop)" },
        { "size", &arg_size, NULL, "of event and original in bytes (1024)" },
        { "persons", &arg_persons, NULL, "whom an adapter's events are about: each has its own (10000)" },
        { "warm-up-ms", &arg_warm_up_ms, NULL, "not counted, at the beginning (0)" },
        { "first", &arg_first, NULL, "number of the first (0)" },
        { "core", &arg_core, NULL, "to stay on (any)" },
        { "prefix", NULL, &arg_prefix, "of message ids: another for each run (B)" },
        { NULL, NULL, NULL, NULL },
};

/* What an adapter found; in memory that the processes share. */
typedef struct Result {
        Histogram latency;
        uint64_t n_stored, n_duplicate, n_refused, n_later, n_quarantined, n_counted, bytes, next;
        uint64_t counted_from, last_counted;
} Result;

typedef struct Adapter {
        carebus_source *source;
        EventMessages messages;
        Result *result;
        uint8_t *room;
        uint64_t began, ends, next, last, last_receipt;
        bool failed;
} Adapter;

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        Adapter *adapter = owner;
        Result *result = adapter->result;
        uint64_t now = tool_now(), due = (uint64_t)(uintptr_t)cookie;

        adapter->last_receipt = now;
        if (receipt->result == CAREBUS_STORED)
                result->n_stored++;
        else if (receipt->result == CAREBUS_DUPLICATE)
                result->n_duplicate++;
        else if (receipt->result == CAREBUS_REFUSED_LATER)
                result->n_later++;
        else
                result->n_refused++;
        if (receipt->result == CAREBUS_STORED && receipt->reason)
                result->n_quarantined++;
        if (due < result->counted_from || receipt->result != CAREBUS_STORED)
                return;
        result->n_counted++;
        result->last_counted = now;
        histogram_add(&result->latency, now - due);
}

static void on_state(void *owner, carebus_state state, const char *reason) {
        Adapter *adapter = owner;

        if (state == CAREBUS_NOT_ALLOWED) {
                adapter->failed = true;
                fprintf(stderr, "load-intake: the bus does not let us in: %s\n", reason ? reason : "no reason");
        }
}

static void submit(Adapter *adapter, uint64_t due) {
        char id[MESSAGES_PREFIX_SIZE + 16];
        size_t original_size, size = events_render(&adapter->messages, adapter->next, adapter->room, &original_size);
        carebus_event event = { .data = adapter->room, .size = size };
        carebus_submission submission = {
                .message_id = id,
                .message_time = adapter->messages.began_at * INT64_C(1000000) + (int64_t)adapter->next,
                .media_type = "text/plain",
                .original = adapter->room + size,
                .original_size = original_size,
                .events = &event,
                .n_events = 1,
        };
        int r;

        adt_control_id(arg_prefix, adapter->next, id);
        r = carebus_source_submit(adapter->source, &submission, (void *)(uintptr_t)due);
        if (r < 0)
                tool_die("cannot submit: %s", strerror(-r));
        adapter->next++;
        adapter->result->bytes += size + original_size;
}

static uint64_t due_next(const Adapter *adapter) {
        return adapter->began + (adapter->next - arg_first) * UINT64_C(1000000000) / arg_rate;
}

static bool has_more(const Adapter *adapter, uint64_t now) {
        return adapter->next < adapter->last && now < adapter->ends;
}

static void submit_what_may(Adapter *adapter) {
        uint64_t now = tool_now();

        while (has_more(adapter, now) && carebus_source_in_flight(adapter->source) < arg_window) {
                if (arg_rate > 0 && (due_next(adapter) > now || due_next(adapter) >= adapter->ends))
                        return;
                submit(adapter, arg_rate > 0 ? due_next(adapter) : now);
        }
}

/* Until something arrives or falls due. */
static void wait_for_more(Adapter *adapter) {
        struct pollfd item = { .fd = carebus_source_fd(adapter->source), .events = POLLIN };
        int timeout = carebus_source_timeout(adapter->source);
        uint64_t limit = timeout < 0 || timeout > 100 ? 100000000 : (uint64_t)timeout * 1000000, now = tool_now();
        struct timespec wait;

        if (arg_rate > 0 && has_more(adapter, now) && carebus_source_in_flight(adapter->source) < arg_window)
                limit = due_next(adapter) > now ? MIN(limit, due_next(adapter) - now) : 0;
        wait = (struct timespec){ .tv_sec = (time_t)(limit / 1000000000u), .tv_nsec = (long)(limit % 1000000000u) };
        if (ppoll(&item, 1, &wait, NULL) < 0 && errno != EINTR)
                tool_die("cannot wait: %m");
}

static void dispatch(Adapter *adapter) {
        int r = carebus_source_dispatch(adapter->source);

        if (r < 0)
                tool_die("the library gave up: %s", strerror(-r));
        if (adapter->failed)
                exit(EXIT_NOT_ALLOWED);
}

static void wait_until_ready(Adapter *adapter) {
        uint64_t until = tool_now() + READY_MAX;

        for (dispatch(adapter); carebus_source_state(adapter->source) != CAREBUS_READY; dispatch(adapter)) {
                if (tool_now() > until)
                        tool_die("no answer from %s within 20 s: is the bus up?", arg_endpoint);
                wait_for_more(adapter);
        }
}

static void run(Adapter *adapter) {
        for (;;) {
                uint64_t now;

                submit_what_may(adapter);
                dispatch(adapter);
                now = tool_now();
                if (carebus_source_in_flight(adapter->source) == 0 && !has_more(adapter, now))
                        return;
                if (carebus_source_in_flight(adapter->source) > 0 &&
                    now > MAX(adapter->last_receipt, adapter->began) + SILENCE_MAX)
                        tool_die("no receipt for 20 s; %zu have none", carebus_source_in_flight(adapter->source));
                /* Receipts of this turn have made room: first fill it. */
                if (arg_rate == 0 && has_more(adapter, now) && carebus_source_in_flight(adapter->source) < arg_window)
                        continue;
                wait_for_more(adapter);
        }
}

/* One adapter, from connecting to its last receipt. `go` is closed by the parent once all are ready. */
static void run_adapter(Result *result, uint64_t number, int ready, int go) {
        Adapter adapter = { .result = result, .next = arg_first };
        char name[64], byte = 'r';
        carebus_source_options source = { .connection = { .endpoint = arg_endpoint },
                                          .source = name,
                                          .adapter = "load-intake",
                                          .max_held_bytes = (arg_window + 1) * (arg_size + 4096),
                                          .owner = &adapter,
                                          .on_receipt = on_receipt,
                                          .on_state = on_state };
        int r;

        snprintf(name, sizeof(name), arg_adapters > 1 ? "%.32s-%" PRIu64 : "%.32s", arg_source, number + 1);
        events_init(&adapter.messages, arg_size, arg_persons);
        adapter.messages.first_person = number * arg_persons;
        adapter.room = malloc(adapter.messages.max_size);
        if (!adapter.room)
                tool_die("no memory");
        r = carebus_source_new(&adapter.source, &source);
        if (r < 0)
                tool_die("cannot use %s as %s: %s", arg_endpoint, name, strerror(-r));
        wait_until_ready(&adapter);
        if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) < 0)
                tool_die("the other adapters are gone");
        adapter.began = tool_now();
        result->counted_from = adapter.began + arg_warm_up_ms * 1000000;
        adapter.last = arg_count > 0 ? arg_first + arg_count : UINT64_MAX;
        adapter.ends = arg_count > 0 ? UINT64_MAX : result->counted_from + arg_seconds * 1000000000;
        run(&adapter);
        result->next = adapter.next;
        carebus_source_free(adapter.source);
        events_deinit(&adapter.messages);
        free(adapter.room);
}

static void start_adapters(Result *results) {
        int ready[2], go[2];

        if (pipe(ready) < 0 || pipe(go) < 0)
                tool_die("cannot make a pipe: %m");
        for (uint64_t i = 0; i < arg_adapters; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        tool_die("cannot start an adapter: %m");
                if (pid == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        close(go[1]);
                        run_adapter(&results[i], i, ready[1], go[0]);
                        exit(EXIT_DONE);
                }
        }
        close(ready[1]);
        for (uint64_t i = 0; i < arg_adapters; i++) {
                char byte;

                if (read(ready[0], &byte, 1) != 1)
                        tool_die("not all adapters became ready");
        }
        close(go[1]);
        for (uint64_t i = 0; i < arg_adapters; i++) {
                int status = 0;

                if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DONE)
                        tool_die("an adapter came to an end before its time");
        }
}

static int print_result(const Result *results) {
        static Result all;
        uint64_t began = UINT64_MAX;

        histogram_init(&all.latency);
        for (uint64_t i = 0; i < arg_adapters; i++) {
                histogram_merge(&all.latency, &results[i].latency);
                all.n_stored += results[i].n_stored;
                all.n_duplicate += results[i].n_duplicate;
                all.n_refused += results[i].n_refused;
                all.n_later += results[i].n_later;
                all.n_quarantined += results[i].n_quarantined;
                all.n_counted += results[i].n_counted;
                all.bytes += results[i].bytes;
                all.next = MAX(all.next, results[i].next);
                all.last_counted = MAX(all.last_counted, results[i].last_counted);
                began = MIN(began, results[i].counted_from);
        }
        uint64_t n = all.n_stored + all.n_duplicate + all.n_refused + all.n_later;
        uint64_t took = all.last_counted > began ? all.last_counted - began : 0;
        printf("{\"events\":%" PRIu64 ",\"seconds\":%.3f,\"per_second\":%.1f,\"stored\":%" PRIu64
               ",\"duplicate\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"later\":%" PRIu64 ",\"quarantined\":%" PRIu64
               ",\"bytes_each\":%.1f,\"next\":%" PRIu64 ",\"latency\":",
               all.n_counted, (double)took / 1e9, tool_per_second(all.n_counted, took), all.n_stored, all.n_duplicate,
               all.n_refused, all.n_later, all.n_quarantined, n > 0 ? (double)all.bytes / (double)n : 0, all.next);
        histogram_print_json(&all.latency, stdout);
        puts("}");
        return all.n_refused > 0 ? EXIT_NO : EXIT_DONE;
}

int main(int argc, char **argv) {
        Result *results;

        tool_parse_options(argc, argv, "canonical events over libcarebus, and how long their receipts took", options);
        if (!arg_endpoint)
                tool_die("say --endpoint: where the bus takes in");
        if (arg_adapters == 0 || arg_adapters > ADAPTERS_MAX || arg_window == 0)
                tool_die("there have to be between 1 and %d adapters, with a window of at least one", ADAPTERS_MAX);
        tool_pin(arg_core);
        results = mmap(NULL, sizeof(Result) * ADAPTERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (results == MAP_FAILED)
                tool_die("no memory");
        for (uint64_t i = 0; i < arg_adapters; i++)
                histogram_init(&results[i].latency);
        start_adapters(results);
        return print_result(results);
}
