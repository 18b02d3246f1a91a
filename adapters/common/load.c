#include "adapters/common/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/input.h"
#include "adapters/common/submit.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"

#define FILE_MAX (1UL << 30)
#define ARENA_MAX (64UL << 20)
/* On the way at once: more would only wait in memory. */
#define WINDOW 4096
/* Without an answer for so long nobody is there: a bus that never was, and one that was there. */
#define PATIENCE_FIRST (5 * USEC_PER_SEC)
#define PATIENCE (30 * USEC_PER_SEC)

typedef struct Loader {
        const Load *load;
        carebus_source *bus;
        void *reader;
        Arena *arena;
        Progress progress;
        uint64_t n_read, n_stored, n_waiting_for_person, n_known, n_refused, n_ignored;
        bool is_not_allowed, was_ready;
        char reason[64]; /* of the first refusal */
} Loader;

static void loader_deinit(Loader *loader) {
        if (loader->reader)
                loader->load->reader->close(loader->reader);
        carebus_source_free(loader->bus);
        arena_free(loader->arena);
}

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        Loader *loader = owner;

        switch (receipt->result) {
        case CAREBUS_STORED:
                loader->n_stored++;
                loader->n_waiting_for_person += receipt->reason != NULL;
                return;
        case CAREBUS_DUPLICATE:
                loader->n_known++;
                return;
        case CAREBUS_REFUSED:
        case CAREBUS_REFUSED_LATER:
                loader->n_refused++;
                if (!loader->reason[0])
                        snprintf(loader->reason, sizeof(loader->reason), "%s",
                                 receipt->reason ? receipt->reason : "refused");
                return;
        }
}

static void on_state(void *owner, carebus_state state, const char *reason) {
        Loader *loader = owner;

        loader->is_not_allowed = state == CAREBUS_NOT_ALLOWED;
        loader->was_ready = loader->was_ready || state == CAREBUS_READY;
}

/* Until so few are on the way. 0, -ETIMEDOUT: nothing moved; -EACCES; or negative. */
static int wait_for_room(Loader *loader, size_t room) {
        int64_t moved_at = clock_monotonic(&clock_system);
        size_t before = SIZE_MAX;

        while (carebus_source_in_flight(loader->bus) > room) {
                size_t now = carebus_source_in_flight(loader->bus);
                int r;

                if (loader->is_not_allowed)
                        return -EACCES;
                if (now < before)
                        moved_at = clock_monotonic(&clock_system);
                else if (clock_monotonic(&clock_system) > moved_at + (loader->was_ready ? PATIENCE : PATIENCE_FIRST))
                        return -ETIMEDOUT;
                before = now;
                r = carebus_source_flush(loader->bus, 100);
                if (r < 0 && r != -ETIMEDOUT)
                        return r;
                progress_show(&loader->progress, loader->n_stored + loader->n_known, loader->n_read);
        }
        return 0;
}

static int load_one(void *owner, const Reading *reading) {
        Loader *loader = owner;
        const SubmitOptions options = { .history = true };
        int r;

        if (reading->ignored) {
                loader->n_ignored++;
                return 0;
        }
        loader->n_read++;
        arena_reset(loader->arena);
        r = submit_reading(loader->bus, reading, &options, loader->arena);
        if (r == -EAGAIN) {
                r = wait_for_room(loader, 0);
                if (r == 0)
                        r = submit_reading(loader->bus, reading, &options, loader->arena);
        }
        if (r == -EMSGSIZE || r == -EINVAL) { /* it says what; the rest goes on */
                loader->n_refused++;
                return 0;
        }
        if (r == 0)
                submit_fields(loader->bus, reading);
        return r < 0 ? r : wait_for_room(loader, WINDOW);
}

static int load_file(Loader *loader, const char *path) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        const char *name = strrchr(path, '/');
        int r = input_read(loader->load->reader->program, path, FILE_MAX, &file);

        if (r != EXIT_DONE)
                return r;
        r = loader->load->reader->read(loader->reader, name ? name + 1 : path, buffer_bytes(&file), load_one, loader);
        if (r == 0)
                r = wait_for_room(loader, 0);
        progress_end(&loader->progress);
        if (r == 0)
                return EXIT_DONE;
        if (r == -EACCES) {
                error_print(loader->load->reader->program, "the bus does not let this user speak for the source; run "
                                                           "it as the user that `user:` of the source names");
                return EXIT_NOT_ALLOWED;
        }
        if (r == -ETIMEDOUT) {
                error_print(loader->load->reader->program,
                            "the bus does not answer; is carebusd running? Load it again later: what "
                            "was taken is known, and is not doubled");
                return EXIT_UNREACHABLE;
        }
        error_print(loader->load->reader->program, "stopped: %s", strerror(-r));
        return EXIT_SOFTWARE;
}

static int loader_open(Loader *loader) {
        const ConfigSource *source = &loader->load->config->sources[loader->load->source];
        const ReadingOptions reading = {
                .source = source->name,
                .profile = source->profile,
                .timezone = source->timezone,
                .want_fields = true,
                .said_at = clock_now_at(&clock_system),
        };
        _cleanup_(freep) char *endpoint = config_endpoint(loader->load->config, "intake");
        const carebus_source_options options = {
                .connection = { .endpoint = endpoint },
                .source = source->name,
                .adapter = "load",
                .owner = loader,
                .on_receipt = on_receipt,
                .on_state = on_state,
        };
        int r;

        if (!endpoint)
                return -ENOMEM;
        r = arena_new(&loader->arena, ARENA_MAX);
        if (r == 0)
                r = loader->load->reader->open(&reading, &loader->reader);
        return r == 0 ? carebus_source_new(&loader->bus, &options) : r;
}

int load_run(const Load *load) {
        _cleanup_(loader_deinit) Loader loader = { .load = load, .progress = { .what = "loading" } };
        int r = loader_open(&loader), code = EXIT_DONE;

        if (r < 0) {
                error_print(load->reader->program, "cannot begin: %s", strerror(-r));
                return EXIT_SOFTWARE;
        }
        for (size_t i = 0; code == EXIT_DONE && i < load->n_files; i++)
                code = load_file(&loader, load->files[i]);
        printf("%" PRIu64 " read: %" PRIu64 " stored as history, %" PRIu64 " known already, %" PRIu64
               " wait for a person (carebusctl quarantine list), %" PRIu64 " refused%s%s%s, %" PRIu64
               " ignored by the profile\n",
               loader.n_read, loader.n_stored, loader.n_known, loader.n_waiting_for_person, loader.n_refused,
               loader.reason[0] ? " (" : "", loader.reason, loader.reason[0] ? ")" : "", loader.n_ignored);
        if (code == EXIT_DONE && (loader.n_waiting_for_person > 0 || loader.n_refused > 0 || loader.n_read == 0))
                code = EXIT_BAD_INPUT;
        return code;
}
