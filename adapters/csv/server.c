/*
 * See server.h. One file at a time, in the order in which they were written. A stop is like a crash: what was not finished is gone on
 * with at the next start.
 */
#include "adapters/csv/server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "adapters/common/in-hand.h"
#include "adapters/common/place.h"
#include "adapters/common/submit.h"
#include "adapters/csv/delivery.h"
#include "adapters/csv/receipt.h"
#include "adapters/csv/watch.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/service.h"
#include "base/text.h"
#include "sdk/carebus.h"

#define TICK USEC_PER_SEC
#define STATUS_TICKS 5
#define TICK_SOON (200 * USEC_PER_MSEC)
/* Where nothing says that a file came. */
#define SLOW_SCAN (15 * USEC_PER_SEC)
#define TRY_AGAIN (15 * USEC_PER_SEC)
#define ARENA_SIZE (32UL << 20)
#define HELD_BYTES_MAX (64u << 20)

typedef struct Server {
        const ServerOptions *options;
        Config *config, *next_config; /* taken in between two files */
        size_t source;
        char *endpoint, *place;
        carebus_source *bus;
        Zone *zone;
        InHand *hand;
        CsvReader *reader, *again; /* of files; of rows that the bus has read again */
        Ledger *ledger;
        Owners *owners;
        Folder *folder;
        Watch *watch;
        Delivery *delivery;
        Arena *arena;
        Loop *loop;
        LoopSource *bus_io, *watching, *preparing, *ticking, *going_on, *signals[PROGRAM_SIGNALS];
        int64_t scanned_at, open_at;
        bool scan_soon, was_said;
        unsigned ticks;
        uint64_t n_files, n_rows, n_problems, n_left_out;
} Server;

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static const ConfigSource *source_of(const Server *server) {
        return &server->config->sources[server->source];
}

/* ---- what the bus says ---- */

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        Server *server = owner;

        delivery_on_receipt(server->delivery, cookie, receipt);
}

static void on_state(void *owner, carebus_state state, const char *reason) {
        Server *server = owner;

        if (state == CAREBUS_READY)
                log_event(LOG_BUS_CONNECTED, log_name("SOURCE", source_of(server)->name));
        else if (state == CAREBUS_NOT_ALLOWED)
                log_event(LOG_BUS_NOT_ALLOWED, log_name("SOURCE", source_of(server)->name),
                          log_name("REASON", reason ? reason : "not-allowed"));
        else if (state == CAREBUS_CONNECTING)
                log_event(LOG_BUS_LOST, log_name("SOURCE", source_of(server)->name));
}

/* The delivery's number, behind the last colon, is when it was said. */
static int64_t message_said_at(const char *message_id) {
        const char *colon = message_id ? strrchr(message_id, ':') : NULL;
        uint64_t number;

        if (!colon || text_to_u64(colon + 1, &number) < 0 || number > INT32_MAX)
                return INT64_MIN;
        return (int64_t)number * USEC_PER_SEC;
}

/* An original is the line of column names and one row; its message id begins with the table. */
static int read_again(Server *server, const char *message_id, Bytes original, uint64_t seq) {
        const SubmitOptions options = { .retranslates = seq };
        char table[32];
        CsvFile file;
        CsvRow row;
        int r;

        snprintf(table, sizeof(table), "%.*s", (int)MIN(strcspn(message_id ? message_id : "", ":"), sizeof(table) - 1),
                 message_id ? message_id : "");
        r = csv_reader_open_table(server->again, table, original, &file);
        if (r < 0)
                return r;
        if (file.problem)
                return -EBADMSG;
        csv_reader_set_time(server->again, message_said_at(message_id));
        r = csv_reader_next(server->again, &row);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        arena_reset(server->arena);
        row.reading.message_id = message_id;
        return submit_reading(server->bus, &row.reading, &options, server->arena);
}

static void on_retranslate(void *owner, uint64_t seq, const char *message_id, const char *media_type,
                           const void *original, size_t size) {
        Server *server = owner;
        int r;

        if (!text_equal(media_type, CSV_MEDIA_TYPE))
                return;
        r = read_again(server, message_id, bytes_of(original, size), seq);
        in_hand_forget(server->hand, bytes_of(original, size)); /* the next file may say the same */
        if (r < 0)
                log_event(LOG_RETRANSLATE_FAILED, log_number("SEQ", (int64_t)seq), log_errno(r));
}

/* ---- files ---- */

static void trouble(Server *server, int r) {
        if (!server->was_said)
                log_event(LOG_FOLDER_NOT_USABLE, log_name("SOURCE", source_of(server)->name), log_errno(r));
        server->was_said = true;
}

static bool receipt_is_there(const Server *server, const char *name, const FolderFile *file) {
        char receipt[FOLDER_NAME_SIZE];
        FolderFile there;

        folder_receipt_name(name, receipt);
        return folder_look(server->folder, receipt, &there) == 0 && there.modified_at >= file->modified_at;
}

static bool is_a_table_by_its_end(const char *name) {
        const char *end = strrchr(name, '.');

        return end && (strcasecmp(end, ".csv") == 0 || strcasecmp(end, ".txt") == 0 || strcasecmp(end, ".tsv") == 0);
}

/* What somebody meant for us gets a word beside it; what only lies there gets none. */
static void say_beside(Server *server, const char *name, const FolderFile *file, const char *sentence) {
        _cleanup_(receipt_freep) Receipt *receipt = NULL;

        if (receipt_is_there(server, name, file) || receipt_new(server->folder, name, file, &receipt) < 0)
                return;
        receipt_line(receipt, 0, RECEIPT_PROBLEM, sentence);
        (void)receipt_put(receipt);
}

static void left_alone(void *owner, const char *name, const FolderFile *file, WatchLeft why) {
        static const char *const reasons[] = {
                [WATCH_LEFT_NAME] = "name",
                [WATCH_LEFT_WORKBOOK] = "workbook",
                [WATCH_LEFT_NO_FILE] = "no-file",
                [WATCH_LEFT_LONG] = "name-too-long",
        };
        Server *server = owner;

        log_event(LOG_FILE_LEFT_ALONE, log_name("SOURCE", source_of(server)->name), log_name("REASON", reasons[why]));
        if (why == WATCH_LEFT_WORKBOOK)
                say_beside(server, name, file,
                           "This is a workbook, not a CSV file, and was left where it is. Open it, choose Save As, and "
                           "take the type CSV "
                           "UTF-8 (comma delimited).");
        else if (why == WATCH_LEFT_NAME && is_a_table_by_its_end(name))
                say_beside(server, name, file,
                           "The name of this file says of no table that it is one, so it was left where it is. Name it "
                           "as its template is "
                           "named, such as people.csv or contacts-march.csv.");
}

/* For `carebusctl status` and whoever watches. */
static void report(const Server *server) {
        const uint64_t not_taken = server->n_problems + server->n_left_out;
        const carebus_traffic traffic = { .received = server->n_rows,
                                          .accepted = server->n_rows > not_taken ? server->n_rows - not_taken : 0,
                                          .rejected = server->n_problems };

        (void)carebus_source_report(server->bus, server->n_left_out, server->n_problems);
        (void)carebus_source_report_traffic(server->bus, &traffic);
}

static void file_is_done(Server *server, const DeliveryEnd *end) {
        const char *source = source_of(server)->name;

        server->n_files++;
        server->n_rows += end->n_rows;
        server->n_problems += end->n_problems;
        server->n_left_out += end->n_left_out;
        report(server);
        if (end->problem_code)
                log_event(LOG_FILE_REFUSED, log_name("SOURCE", source), log_name("TABLE", end->table),
                          log_name("REASON", end->problem_code));
        else
                log_event(LOG_FILE_TAKEN, log_name("SOURCE", source), log_name("TABLE", end->table),
                          log_number("ROWS", (int64_t)end->n_rows), log_number("TAKEN", (int64_t)end->n_taken),
                          log_number("KNOWN", (int64_t)end->n_known),
                          log_number("QUARANTINED", (int64_t)end->n_waiting),
                          log_number("PROBLEMS", (int64_t)end->n_problems));
}

static DeliveryHost delivery_host(const Server *server) {
        return (DeliveryHost){
                .folder = server->folder,
                .ledger = server->ledger,
                .reader = server->reader,
                .hand = server->hand,
                .bus = server->bus,
                .place = server->place,
                .owners = server->owners,
                .profile = source_of(server)->profile,
                .zone = server->zone,
        };
}

static int begin_file(Server *server, const char *name) {
        const DeliveryHost host = delivery_host(server);
        int r = delivery_begin(server->delivery, &host, name);

        if (r == -ENOMEM)
                return r;
        if (r == 0) {
                server->was_said = false;
                return loop_timer_set(server->going_on, 0);
        }
        if (r != -EBUSY && r != -ENOENT)
                trouble(server, r);
        watch_put_off(server->watch, name, now() + (r == -EBUSY ? TICK : TRY_AGAIN));
        return 0;
}

/* What was begun before a crash comes first: its rows are known by its number. Where its file is no longer here, it was done. */
static int resume_file(Server *server) {
        const LedgerDelivery *open = ledger_unfinished(server->ledger);
        _cleanup_(buffer_deinit) Buffer bytes = BUFFER_NULL;
        char hash[2 * SHA256_SIZE + 1];
        FolderFile file;
        int r;

        if (!open)
                return 0;
        r = folder_read(server->folder, open->file, CSV_FILE_MAX, &bytes, &file);
        if (r == -ENOMEM)
                return r;
        ledger_hash(buffer_bytes(&bytes), source_of(server)->profile->digest, hash);
        if (r == 0 && strcmp(hash, open->hash) == 0)
                return begin_file(server, open->file);
        if (r < 0 && r != -ENOENT && r != -EBUSY) { /* nobody knows yet what is there */
                trouble(server, r);
                return 1;
        }
        return ledger_end(server->ledger, open->table);
}

static int next_file(Server *server) {
        const char *name;
        int r;

        if (!server->folder || !delivery_is_idle(server->delivery))
                return 0;
        r = resume_file(server);
        if (r != 0 || !delivery_is_idle(server->delivery))
                return r < 0 && r != -ENOMEM ? (trouble(server, r), 0) : MIN(r, 0);
        while (delivery_is_idle(server->delivery) && (name = watch_next(server->watch))) {
                char copy[FOLDER_NAME_SIZE];

                snprintf(copy, sizeof(copy), "%s", name);
                r = begin_file(server, copy);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- configuration ---- */

static int use_config(Server *server, Config *config, size_t source) {
        const ConfigSource *said = &config->sources[source];
        const ReadingOptions options = {
                .source = said->name, .profile = said->profile, .timezone = said->timezone, .want_fields = true
        };
        _cleanup_(csv_reader_freep) CsvReader *reader = NULL, *again = NULL;
        _cleanup_(zone_freep) Zone *zone = NULL;
        int r = csv_reader_new(&options, &reader);

        if (r == 0)
                r = csv_reader_new(&options, &again);
        if (r == 0 && zone_new(said->timezone, &zone) == -ENOMEM)
                r = -ENOMEM;
        if (r < 0)
                return r;
        csv_reader_set_hand(reader, server->hand, /* is_again= */ false);
        csv_reader_set_hand(again, server->hand, /* is_again= */ true);
        csv_reader_free(server->reader);
        csv_reader_free(server->again);
        zone_free(server->zone);
        server->reader = TAKE_PTR(reader);
        server->again = TAKE_PTR(again);
        server->zone = TAKE_PTR(zone);
        /* The watch looks into the profile, which goes with the configuration. */
        server->watching = loop_source_free(server->watching);
        server->watch = watch_free(server->watch);
        server->folder = folder_free(server->folder);
        server->open_at = 0;
        config_unref(server->config);
        server->config = config_ref(config);
        server->source = source;
        return 0;
}

static int take_next_config(Server *server) {
        _cleanup_(config_unrefp) Config *config = NULL;
        ssize_t source;

        if (!server->next_config || !delivery_is_idle(server->delivery))
                return 0;
        config = TAKE_PTR(server->next_config);
        source = config_find_source(config, server->options->source);
        return source < 0 ? 0 : use_config(server, config, (size_t)source);
}

static int on_watch(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Server *server = owner;

        if (watch_heed(server->watch) && !server->scan_soon) {
                server->scan_soon = true;
                return loop_timer_set(server->ticking, TICK_SOON);
        }
        return 0;
}

/* A network folder may come late, or come again as another one. */
static bool folder_is_another(const Server *server) {
        struct stat by_path, by_fd;

        return server->folder &&
               (stat(source_of(server)->folder, &by_path) < 0 || fstat(folder_fd(server->folder), &by_fd) < 0 ||
                by_path.st_ino != by_fd.st_ino || by_path.st_dev != by_fd.st_dev);
}

static int open_folder(Server *server) {
        const WatchHost host = { .owner = server, .left_alone = left_alone };
        const ConfigSource *source = source_of(server);
        int r;

        if (delivery_is_idle(server->delivery) && folder_is_another(server)) {
                server->watching = loop_source_free(server->watching);
                server->watch = watch_free(server->watch);
                server->folder = folder_free(server->folder);
        }
        if (server->folder || now() < server->open_at)
                return 0;
        server->open_at = now() + TRY_AGAIN;
        r = folder_open(source->folder, &server->folder);
        if (r == 0)
                r = watch_new(source->folder, server->folder, source->profile, &host, &server->watch);
        if (r == 0 && watch_fd(server->watch) >= 0)
                r = loop_add_io(server->loop, watch_fd(server->watch), EPOLLIN, on_watch, server, &server->watching);
        if (r == 0) {
                server->scan_soon = true;
                server->was_said = false;
                log_event(LOG_FOLDER_WATCHED, log_name("SOURCE", source->name), log_name("FOLDER", source->folder));
                return 0;
        }
        server->watch = watch_free(server->watch);
        server->folder = folder_free(server->folder);
        if (r == -ENOMEM)
                return r;
        trouble(server, r);
        return 0;
}

/* ---- the loop's callbacks ---- */

static int scan(Server *server) {
        int r;

        if (!server->folder)
                return 0;
        server->scan_soon = false;
        server->scanned_at = now();
        r = watch_scan(server->watch, now(), clock_now_at(&clock_system));
        if (r < 0 && r != -ENOMEM) {
                trouble(server, r);
                return 0;
        }
        return r;
}

static int on_tick(LoopSource *source, void *owner) {
        Server *server = owner;
        int r;

        program_tick();
        if (server->ticks++ % STATUS_TICKS == 0)
                service_status("%s%llu files, %llu rows, %llu problems",
                               server->folder ? "" : "the folder cannot be used, see the log; ",
                               (unsigned long long)server->n_files, (unsigned long long)server->n_rows,
                               (unsigned long long)server->n_problems);
        r = take_next_config(server);
        if (r == 0)
                r = open_folder(server);
        if (r == 0 && server->folder && delivery_is_idle(server->delivery) &&
            (server->scan_soon || watch_is_waiting(server->watch) || now() - server->scanned_at >= SLOW_SCAN))
                r = scan(server);
        if (r == 0)
                r = next_file(server);
        return r < 0 ? r : loop_timer_set(source, TICK);
}

static int work(Server *server) {
        DeliveryEnd end;
        int r;

        if (delivery_is_idle(server->delivery))
                return 0;
        r = delivery_work(server->delivery, &end);
        if (r == DELIVERY_GOES_ON)
                return loop_timer_set(server->going_on, 0);
        if (r == DELIVERY_LATER)
                return loop_timer_set(server->going_on, delivery_pause(server->delivery));
        if (r == DELIVERY_WAITS)
                return 0;
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                trouble(server, r);
                watch_put_off(server->watch, delivery_name(server->delivery), now() + TRY_AGAIN);
                return 0;
        }
        file_is_done(server, &end);
        watch_put_off(server->watch, delivery_name(server->delivery), 0);
        server->scan_soon = server->scan_soon || !watch_next(server->watch);
        return loop_timer_set(server->ticking, 0);
}

static int on_go_on(LoopSource *source, void *owner) {
        return work(owner);
}

static int on_bus(LoopSource *source, int fd, uint32_t revents, void *owner) {
        return 0; /* on_prepare() does it: the descriptor's edge may also have gone by with a send */
}

static int on_prepare(LoopSource *source, void *owner) {
        Server *server = owner;
        size_t before = carebus_source_in_flight(server->bus);
        int r = carebus_source_dispatch(server->bus);

        /* Answers came: rows may be flushed, and others may go out. */
        if (r == 0 && carebus_source_in_flight(server->bus) < before)
                r = work(server);
        return r;
}

/* In force with the next file: one that is under way is read to its end by the rules that it began with. */
static int use_next(void *owner, Config *config, size_t source) {
        Server *server = owner;

        if (!config->sources[source].folder)
                return -EINVAL;
        config_unref(server->next_config);
        server->next_config = config_ref(config);
        return 0;
}

static int on_reload(LoopSource *loop_source, int signal, void *owner) {
        Server *server = owner;

        program_reload(server->options, use_next, server);
        return loop_timer_set(server->ticking, 0);
}

static int on_stop(LoopSource *loop_source, int signal, void *owner) {
        Server *server = owner;

        service_stopping();
        loop_exit(server->loop, EXIT_DONE);
        return 0;
}

/* ---- start and end ---- */

static int open_ledger(Server *server, const Config *config, const char *source) {
        int r = place_open(config, source, &server->place);

        if (r == 0)
                r = owners_open(server->place, &server->owners);
        if (r == 0)
                r = ledger_open(server->place, &server->ledger);
        if (r == LEDGER_E_DAMAGED)
                log_event(LOG_LEDGER_DAMAGED, log_name("SOURCE", source), log_name("FOLDER", server->place));
        return MIN(r, 0);
}

static int open_bus(Server *server) {
        carebus_source_options options = {
                .source = source_of(server)->name,
                .adapter = server->options->program,
                .max_held_bytes = HELD_BYTES_MAX,
                .owner = server,
                .on_receipt = on_receipt,
                .on_state = on_state,
                .on_retranslate = on_retranslate,
        };

        server->endpoint = config_endpoint(server->config, "intake");
        if (!server->endpoint)
                return -ENOMEM;
        options.connection.endpoint = server->endpoint;
        return carebus_source_new(&server->bus, &options);
}

static int add_sources(Server *server) {
        Loop *loop = server->loop;
        int r = loop_add_io(loop, carebus_source_fd(server->bus), EPOLLIN, on_bus, server, &server->bus_io);

        if (r == 0)
                r = loop_add_prepare(loop, on_prepare, server, &server->preparing);
        if (r == 0)
                r = loop_add_timer(loop, 0, on_tick, server, &server->ticking);
        if (r == 0)
                r = loop_add_timer(loop, TICK, on_go_on, server, &server->going_on);
        return r;
}

static int server_start(Server *server, Config *config, size_t source) {
        int r = loop_new(&server->loop);

        if (r == 0)
                r = program_add_signals(server->loop, on_stop, on_reload, server, server->signals);
        if (r == 0)
                r = delivery_new(&server->delivery);
        if (r == 0)
                r = arena_new(&server->arena, ARENA_SIZE);
        /* What was given up waits where it is: the file comes again by itself, and its row under its own number. */
        server->hand = r == 0 ? in_hand_start(config, config->sources[source].name) : NULL;
        if (r == 0)
                r = use_config(server, config, source);
        if (r == 0)
                r = open_ledger(server, config, source_of(server)->name);
        if (r == 0)
                r = open_bus(server);
        return r == 0 ? add_sources(server) : r;
}

static void server_deinit(Server *server) {
        LoopSource **sources[] = { &server->bus_io,   &server->watching,   &server->preparing,  &server->ticking,
                                   &server->going_on, &server->signals[0], &server->signals[1], &server->signals[2] };

        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                *sources[i] = loop_source_free(*sources[i]);
        server->loop = loop_free(server->loop);
        delivery_free(server->delivery);
        carebus_source_free(server->bus);
        watch_free(server->watch);
        folder_free(server->folder);
        ledger_free(server->ledger);
        owners_free(server->owners);
        csv_reader_free(server->reader);
        csv_reader_free(server->again);
        in_hand_free(server->hand);
        zone_free(server->zone);
        arena_free(server->arena);
        free(server->endpoint);
        free(server->place);
        config_unref(server->next_config);
        config_unref(server->config);
}

int server_run(const ServerOptions *options, Config *config) {
        _cleanup_(server_deinit) Server server = { .options = options };
        ssize_t source = config_find_source(config, options->source);
        int r;

        if (source < 0)
                return EXIT_CONFIGURATION;
        r = server_start(&server, config, (size_t)source);
        if (r < 0) {
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
                return r == -EACCES || r == -ENOSPC || r == -EROFS ? EXIT_LATER : EXIT_SOFTWARE;
        }
        program_started(options, "watching");
        r = loop_run(server.loop);
        if (r < 0)
                log_event(LOG_FATAL, log_name("SOURCE", options->source), log_errno(r));
        log_event(LOG_COUNTS, log_name("SOURCE", options->source), log_number("FILES", (int64_t)server.n_files),
                  log_number("ROWS", (int64_t)server.n_rows), log_number("PROBLEMS", (int64_t)server.n_problems));
        log_event(LOG_STOPPED, log_name("SOURCE", options->source));
        return r < 0 ? EXIT_SOFTWARE : r;
}
