/* carebusctl feed forget: the place of a reader that never comes back is given up, so that nothing is kept for it any more. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/decided.h"
#include "daemon/store/reader-places.h"

typedef struct Forgetting {
        char team[READER_NAME_SIZE], consumer[READER_NAME_SIZE];
        ReaderPlace own;
        bool found;
        uint64_t others; /* what every other reader of events has acknowledged; UINT64_MAX: there is none */
} Forgetting;

/* TEAM/READER */
static bool name_take(Forgetting *forgetting, const char *text) {
        const char *slash = strchr(text, '/');
        const size_t n = slash ? (size_t)(slash - text) : 0;

        if (!slash || forgetting->team[0] || n >= sizeof(forgetting->team) ||
            strlen(slash + 1) >= sizeof(forgetting->consumer))
                return false;
        memcpy(forgetting->team, text, n);
        snprintf(forgetting->consumer, sizeof(forgetting->consumer), "%s", slash + 1);
        return name_is_valid(forgetting->team) && name_is_valid(forgetting->consumer);
}

static int place_seen(const ReaderPlace *place, void *owner) {
        Forgetting *forgetting = owner;

        if (text_equal(place->team, forgetting->team) && text_equal(place->name, forgetting->consumer)) {
                forgetting->own = *place;
                forgetting->found = true;
        } else if (!place->records) {
                forgetting->others = MIN(forgetting->others, place->seq);
        }
        return 0;
}

static int places_read(const Config *config, Forgetting *forgetting) {
        _cleanup_(freep) char *path = config_state_path(config, "serve/cursors");
        int r = path ? reader_places_read(path, place_seen, forgetting) : -ENOMEM;

        if (r == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "cannot read the places of readers, %s: %s", path ? path : "serve/cursors",
                    r == -EBADMSG ? "they are damaged, see docs/recovery.md" : strerror(-r));
        return EXIT_STORAGE;
}

/* Serve alone knows who is connected. *ret_head: the newest entry that there is. */
static int look_whether_open(const Config *config, const Forgetting *forgetting, uint64_t *ret_head) {
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__StatusReply *status;
        int r = client_new(config, "query", &client);

        r = r ?: client_ask_status(client, &status);
        if (r != 0)
                return client_say(r, "query");
        for (size_t i = 0; i < status->n_feeds; i++) {
                const Carebus__V1__FeedStatus *feed = status->feeds[i];

                if (!text_equal(feed->team, forgetting->team) || !text_equal(feed->consumer, forgetting->consumer))
                        continue;
                *ret_head = feed->seq + feed->lag;
                if (!feed->open)
                        continue;
                error_print(PROGRAM,
                            "%s/%s is connected, so it has come back: its place was left alone; stop its program first "
                            "where it is not to read any more",
                            forgetting->team, forgetting->consumer);
                return EXIT_NO;
        }
        return EXIT_DONE;
}

/* What nobody but this reader still wanted. */
static char *held_back(const Config *config, const Forgetting *forgetting, uint64_t head) {
        const uint64_t until = MIN(forgetting->others, MAX(head, forgetting->own.seq));
        const bool held = !forgetting->own.records && until > forgetting->own.seq;
        char *text = NULL;
        int r;

        if (!held)
                r = text_format(&text, "forgotten: %s/%s, for which nothing was kept that others do not need",
                                forgetting->team, forgetting->consumer);
        else
                r = text_format(&text,
                                "forgotten: %s/%s, for which alone the %" PRIu64 " entries from %" PRIu64
                                " on were kept%s",
                                forgetting->team, forgetting->consumer, until - forgetting->own.seq,
                                forgetting->own.seq + 1,
                                config->retain_events ? "; see carebusctl retention --preview"
                                                      : ", which `retention.events` keeps for ever");
        return r < 0 ? NULL : text;
}

static int forget(const Context *context, Forgetting *forgetting, Carebus__V1__ForgetReaderRequest *asked) {
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(freep) char *done = NULL;
        uint64_t head = 0;
        int r = command_load_config(context, &config);

        if (r == EXIT_DONE)
                r = look_whether_open(config, forgetting, &head);
        if (r == EXIT_DONE)
                r = places_read(config, forgetting);
        if (r != EXIT_DONE)
                return r;
        done = held_back(config, forgetting, head);
        if (!done)
                return EXIT_SOFTWARE;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_FORGET_READER;
        request.forget_reader = asked;
        return decided_ask(context, config, &request, done);
}

int command_feed(const Context *context, int argc, char **argv) {
        Carebus__V1__ForgetReaderRequest asked = CAREBUS__V1__FORGET_READER_REQUEST__INIT;
        Forgetting forgetting = { .others = UINT64_MAX };

        if (argc < 2 || !text_equal(argv[1], "forget"))
                return command_wrong_use(argv[0], "say forget");
        for (int i = 2; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--who") && more)
                        asked.who = argv[++i];
                else if (text_equal(argv[i], "--why") && more)
                        asked.why = argv[++i];
                else if (!name_take(&forgetting, argv[i]))
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        if (!forgetting.team[0])
                return command_wrong_use(argv[0], "say which reader, as TEAM/READER: `carebusctl status` lists them");
        if (!asked.who || !asked.why)
                return command_wrong_use(argv[0],
                                         "it is kept for ever who decided this and why: say --who NAME --why TEXT");
        asked.team = forgetting.team;
        asked.consumer = forgetting.consumer;
        return forget(context, &forgetting, &asked);
}
