/* Work in small pieces, at leisure. */
#include "daemon/stage/helper.h"

#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/bytes.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/store/original.h"

#define SAMPLES_WAITING 256
#define IDLE_MS 500
#define PIECE_MS 8 /* between pieces of a segment: a disk that zero-fills at full speed makes syncs wait */
#define NICER_BY 10

struct Helper {
        HelperOptions options;
        pthread_t thread;
        bool started;
        int bell; /* main: stop */
        Ring *samples;
        Ring *dictionaries;
        OriginalTrainer *trainer; /* NULL: none is wanted */
};

static void release_buffer(void *item) {
        buffer_deinit(item);
        free(item);
}

int helper_new(const HelperOptions *options, Helper **ret) {
        _cleanup_(helper_freep) Helper *helper = calloc(1, sizeof(*helper));
        int r;

        if (!helper)
                return -ENOMEM;
        helper->options = *options;
        helper->bell = doorbell_new();
        r = helper->bell < 0 ? helper->bell : ring_new(&helper->samples, SAMPLES_WAITING);
        if (r == 0)
                r = ring_new(&helper->dictionaries, 2);
        if (r == 0 && options->wants_samples)
                r = original_trainer_new(&helper->trainer);
        if (r < 0)
                return r;
        ring_set_free(helper->samples, release_buffer);
        ring_set_free(helper->dictionaries, release_buffer);
        *ret = TAKE_PTR(helper);
        return 0;
}

Ring *helper_samples(Helper *helper) {
        return helper->trainer ? helper->samples : NULL;
}

Ring *helper_dictionaries(Helper *helper) {
        return helper->dictionaries;
}

/* A dictionary is a gain, not a promise: what fails here is left out. */
static void helper_train(Helper *helper, Buffer *sample) {
        Buffer *dictionary;
        int r;

        if (!helper->trainer)
                return;
        dictionary = calloc(1, sizeof(*dictionary));
        if (!dictionary)
                return;
        r = original_trainer_add(helper->trainer, buffer_bytes(sample), dictionary);
        if (r > 0) {
                free(dictionary);
                return;
        }
        if (r < 0 || !ring_push(helper->dictionaries, dictionary))
                release_buffer(dictionary);
        helper->trainer = original_trainer_free(helper->trainer);
}

static void *helper_run(void *owner) {
        Helper *helper = owner;
        CoreFacts *facts = helper->options.facts;
        const id_t tid = (id_t)syscall(SYS_gettid);
        bool more = true;

        /* Of this thread only, on Linux. */
        (void)setpriority(PRIO_PROCESS, tid, getpriority(PRIO_PROCESS, tid) + NICER_BY);
        while (!atomic_load(&facts->stop_helper)) {
                struct pollfd polls[] = { { .fd = ring_fd(helper->samples), .events = POLLIN },
                                          { .fd = helper->bell, .events = POLLIN } };
                Buffer *sample;
                int r;

                (void)poll(polls, ELEMENTSOF(polls), more ? PIECE_MS : IDLE_MS);
                ring_clear(helper->samples);
                while ((sample = ring_pop(helper->samples))) {
                        helper_train(helper, sample);
                        release_buffer(sample);
                }
                r = journal_prepare_step(helper->options.journal);
                /* Without room a segment grows as it is written; the writer says when that fails too. */
                more = r == 1;
                atomic_fetch_add(&facts->helper_rounds, 1);
                figures_moved(facts->figures, FIGURES_HELPER);
        }
        return NULL;
}

int helper_start(Helper *helper) {
        int r = pthread_create(&helper->thread, NULL, helper_run, helper);

        if (r != 0)
                return -r;
        pthread_setname_np(helper->thread, "helper");
        helper->started = true;
        return 0;
}

void helper_stop(Helper *helper) {
        if (!helper || !helper->started)
                return;
        doorbell_ring(helper->bell);
        pthread_join(helper->thread, NULL);
        helper->started = false;
}

Helper *helper_free(Helper *helper) {
        if (!helper)
                return NULL;
        ring_free(helper->samples);
        ring_free(helper->dictionaries);
        original_trainer_free(helper->trainer);
        closep(&helper->bell);
        free(helper);
        return NULL;
}
