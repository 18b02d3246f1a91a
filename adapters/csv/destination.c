#include "adapters/csv/destination.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/csv/outlet.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#define TICK USEC_PER_SEC
#define TICK_SOON (200 * USEC_PER_MSEC)
/* Shorter than the shortest `timeout:`, which would count as a failure. */
#define WAIT_MAX (700 * USEC_PER_MSEC)
#define FOLDER_MODE 0750
#define FILE_MODE 0640
#define REQUEST "since-last.request"
/* Lists that nobody reads yet. */
#define OWN_FOLDER ".carebus"

static int path_of(const Outlet *outlet, char **ret, const char *name) {
        return text_format(ret, "%s/%s", outlet->is->folder, name);
}

static CivilTime local_now(const Outlet *outlet) {
        int64_t at = clock_now_at(&clock_system);

        return civil_from_utc(at + zone_offset(outlet->zone, at) * USEC_PER_SEC);
}

static void day_text(const CivilTime *time, char ret[16]) {
        snprintf(ret, 16, "%04d-%02d-%02d", time->year % 10000, time->month % 100, time->day % 100);
}

/* Said once until something was written again. */
static void tell_failure(Outlet *outlet, int error) {
        if (error == 0 || outlet->failure_is_told)
                return;
        log_event(LOG_FOLDER_NOT_USABLE, log_name("DESTINATION", outlet->is->name), log_errno(error));
        outlet->failure_is_told = true;
}

/* ---- the files ---- */

static int write_sheet(const Outlet *outlet, Sheet *sheet) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!sheet->table)
                return 0;
        r = text_format(&path, "%s/exact/%s", outlet->is->folder, sheet->name);
        if (r == 0)
                r = file_replace(path, sheet->rows.data, sheet->rows.size, FILE_MODE);
        if (r < 0)
                return r;
        buffer_deinit(&sheet->rows);
        *sheet = (Sheet){ 0 };
        return 0;
}

/* file_replace() writes beside: what a crash left there is nobody's. */
static bool is_leftover(const char *name) {
        size_t size = strlen(name);
        const char *dot = size > 11 ? name + size - 7 : NULL;

        return dot && dot[0] == '.' && (strncmp(dot - 4, ".csv", 4) == 0 || strncmp(dot - 4, ".txt", 4) == 0) &&
               strspn(dot + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == 6;
}

static void clear_leftovers(const char *path) {
        _cleanup_(closedirp) DIR *folder = opendir(path);
        struct dirent *entry;

        while (folder && (entry = readdir(folder)))
                if (is_leftover(entry->d_name))
                        (void)unlinkat(dirfd(folder), entry->d_name, 0);
}

/* Lists begin when the folder can be read: before that nothing is known of what stands there. */
static int lists_open(Outlet *outlet) {
        _cleanup_(freep) char *list = NULL, *since_last = NULL, *own = NULL, *exact = NULL;
        CivilTime time = local_now(outlet);
        int r;

        /* What is not mounted must not be made here: it would hide what is. */
        if (access(outlet->is->folder, W_OK | X_OK) < 0)
                return -errno;
        r = path_of(outlet, &own, OWN_FOLDER);
        if (r == 0)
                r = folder_make(own, FOLDER_MODE);
        if (r == 0 && outlet_has_exact(outlet))
                r = path_of(outlet, &exact, "exact") ?: folder_make(exact, FOLDER_MODE);
        if (r < 0)
                return r;
        if (!outlet->has_folders) {
                clear_leftovers(outlet->is->folder);
                clear_leftovers(own);
                if (exact)
                        clear_leftovers(exact);
        }
        outlet->has_folders = true;
        if (!outlet_has_people(outlet))
                return 0;
        outlet->today[0] = '\0';
        if (outlet->is->daily) {
                r = path_of(outlet, &list, OWN_FOLDER "/list.csv");
        } else {
                day_text(&time, outlet->today);
                r = text_format(&list, "%s/list-%s.csv", outlet->is->folder, outlet->today);
        }
        if (r == 0)
                r = path_of(outlet, &since_last, OWN_FOLDER "/since-last.csv");
        if (r == 0 && !outlet->list)
                r = list_new(list, &outlet->list);
        if (r == 0 && !outlet->since_last)
                r = list_new(since_last, &outlet->since_last);
        return r;
}

static bool lists_are_open(const Outlet *outlet) {
        return outlet->has_folders && (!outlet_has_people(outlet) || (outlet->list && outlet->since_last));
}

static int write_all_files(Outlet *outlet) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < TABLES_MAX; i++)
                r = write_sheet(outlet, &outlet->sheets[i]);
        if (r == 0 && outlet->list)
                r = list_write(outlet->list);
        if (r == 0 && outlet->since_last)
                r = list_write(outlet->since_last);
        if (r == 0)
                outlet->failure_is_told = false;
        tell_failure(outlet, r);
        return r;
}

/* ---- the language ---- */

static int render(void *owner, const DestinationItem *item, Buffer *ret) {
        (void)owner;
        (void)item;
        buffer_append_byte(ret, ' '); /* rows are made when they are taken: a message is no file */
        return ret->error;
}

/* Taken up in memory; acknowledged when level() has written it. */
static int take_item(Outlet *outlet, DestinationItem *item) {
        int r = lists_are_open(outlet) ? 0 : lists_open(outlet);

        tell_failure(outlet, r);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return destination_settle(outlet->engine, item, DESTINATION_NOT_CONNECTED, "folder");
        r = outlet_take(outlet, item);
        return r < 0 ? r : destination_settle(outlet->engine, item, DESTINATION_DELIVERED, NULL);
}

/* Records come beside the events, and may be a moment behind. */
static int send_item(void *owner, DestinationItem *item) {
        Outlet *outlet = owner;

        if (outlet_knows(outlet, item) || outlet->n_waiting == WAITING_MAX)
                return take_item(outlet, item);
        item->cookie = (void *)(uintptr_t)(clock_monotonic(&clock_system) + WAIT_MAX);
        outlet->waiting[outlet->n_waiting++] = item;
        return 0;
}

static void cancel(void *owner, DestinationItem *item) {
        Outlet *outlet = owner;
        size_t n = 0;

        for (size_t i = 0; i < outlet->n_waiting; i++)
                if (outlet->waiting[i] != item)
                        outlet->waiting[n++] = outlet->waiting[i];
        outlet->n_waiting = n;
}

/* Who is on the list by now goes; so does who has waited long enough: somebody of whom the team sees no name. */
static int take_waiting(Outlet *outlet) {
        int64_t at = clock_monotonic(&clock_system);
        int r = 0;

        for (size_t i = 0; r == 0 && i < outlet->n_waiting;) {
                DestinationItem *item = outlet->waiting[i];

                if (!outlet_knows(outlet, item) && at < (int64_t)(uintptr_t)item->cookie) {
                        i++;
                        continue;
                }
                cancel(outlet, item);
                r = take_item(outlet, item);
        }
        return r;
}

static bool level(void *owner, uint64_t seq, uint32_t index) {
        (void)seq;
        (void)index;
        return write_all_files(owner) == 0;
}

/* ---- lists by the hour, and when somebody asks ---- */

/* A name that is free: a second list of one day has its time behind. */
static int free_name(const Outlet *outlet, const char *stem, const CivilTime *time, bool always_timed, char **ret) {
        char day[16];
        int r;

        day_text(time, day);
        if (!always_timed) {
                r = text_format(ret, "%s/%s-%s.csv", outlet->is->folder, stem, day);
                if (r < 0 || access(*ret, F_OK) < 0)
                        return r;
                free(*ret);
        }
        return text_format(ret, "%s/%s-%s-%02d%02d%02d.csv", outlet->is->folder, stem, day, time->hour, time->minute,
                           time->second);
}

static int publish_daily(Outlet *outlet, const CivilTime *time) {
        _cleanup_(freep) char *path = NULL;
        char day[16], hour[8];
        int r;

        day_text(time, day);
        snprintf(hour, sizeof(hour), "%02d:%02d", time->hour % 100, time->minute % 100);
        if (!outlet->is->daily || !outlet->list || strcmp(hour, outlet->is->daily) < 0 ||
            strcmp(outlet->published, day) == 0)
                return 0;
        r = text_format(&path, "%s/list-%s.csv", outlet->is->folder, day);
        /* Written before this start: what came since waits for tomorrow. */
        if (r == 0 && access(path, F_OK) < 0)
                r = list_publish(outlet->list, path);
        if (r == 0)
                memcpy(outlet->published, day, sizeof(day));
        return r;
}

/* Without an hour each day has its list, which grows. */
static int begin_day(Outlet *outlet, const CivilTime *time) {
        char day[16];
        int r;

        day_text(time, day);
        if (outlet->is->daily || !outlet->list || strcmp(outlet->today, day) == 0)
                return 0;
        r = list_write(outlet->list);
        if (r < 0)
                return r;
        outlet->list = list_free(outlet->list);
        return lists_open(outlet);
}

static int answer_request(Outlet *outlet, const CivilTime *time) {
        _cleanup_(freep) char *request = NULL, *path = NULL;
        int r = path_of(outlet, &request, REQUEST);

        if (r < 0 || !outlet->since_last || access(request, F_OK) < 0)
                return r;
        r = free_name(outlet, "since-last", time, /* always_timed= */ true, &path);
        if (r == 0)
                r = list_publish(outlet->since_last, path);
        if (r == 0 && unlink(request) < 0 && errno != ENOENT)
                r = -errno;
        return r;
}

static int on_tick(LoopSource *source, void *owner) {
        Outlet *outlet = owner;
        CivilTime time = local_now(outlet);
        int r = lists_are_open(outlet) ? 0 : lists_open(outlet);

        if (r == 0)
                r = publish_daily(outlet, &time);
        if (r == 0)
                r = begin_day(outlet, &time);
        if (r == 0)
                r = answer_request(outlet, &time);
        tell_failure(outlet, r);
        if (r != -ENOMEM)
                r = take_waiting(outlet);
        return r < 0 ? r : loop_timer_set(source, outlet->n_waiting > 0 ? TICK_SOON : TICK);
}

/* ---- its life ---- */

static int take_systems(Outlet *outlet) {
        outlet->systems = calloc(outlet->is->n_sources + 1, sizeof(*outlet->systems));
        if (!outlet->systems)
                return -ENOMEM;
        for (size_t i = 0; i < outlet->is->n_sources; i++) {
                int r = text_format(&outlet->systems[i], "carebus:%s",
                                    outlet->config->sources[outlet->is->sources[i]].name);

                if (r < 0)
                        return r;
                outlet->exact.n_systems++;
        }
        outlet->exact.systems = (const char *const *)outlet->systems;
        if (text_format(&outlet->bus_system, "carebus:%s", outlet->config->bus) < 0)
                return -ENOMEM;
        outlet->exact.bus_system = outlet->bus_system;
        outlet->exact.zone = outlet->zone;
        return 0;
}

static void stop(void *owner) {
        Outlet *outlet = owner;

        if (!outlet)
                return;
        /* Last of all what is taken up: what cannot be written now comes again. */
        destination_free(outlet->engine);
        known_watch_stop(outlet);
        loop_source_free(outlet->tick);
        for (size_t i = 0; i < TABLES_MAX; i++)
                buffer_deinit(&outlet->sheets[i].rows);
        list_free(outlet->list);
        list_free(outlet->since_last);
        for (size_t i = 0; outlet->systems && outlet->systems[i]; i++)
                free(outlet->systems[i]);
        free(outlet->systems);
        free(outlet->bus_system);
        zone_free(outlet->zone);
        free(outlet);
}

static int start(Loop *loop, const Config *config, size_t destination, void **ret) {
        static const DestinationLanguage language = {
                .render = render, .send = send_item, .cancel = cancel, .level = level
        };
        Outlet *outlet = calloc(1, sizeof(*outlet));
        DestinationLanguage own = language;
        int r;

        if (!outlet)
                return -ENOMEM;
        outlet->loop = loop;
        outlet->config = config;
        outlet->is = &config->destinations[destination];
        own.owner = outlet;
        r = zone_new(outlet->is->timezone, &outlet->zone);
        if (r > 0)
                r = -ENOENT; /* the configuration was checked on this machine */
        if (r == 0)
                r = take_systems(outlet);
        if (r == 0)
                r = known_watch_start(outlet);
        if (r == 0)
                r = loop_add_timer(loop, 0, on_tick, outlet, &outlet->tick);
        if (r == 0)
                r = destination_new(loop, config, destination, &own, &outlet->engine);
        if (r < 0) {
                stop(outlet);
                return r;
        }
        *ret = outlet;
        return 0;
}

const DestinationProgram csv_destination = { .start = start, .stop = stop };

const char *csv_destination_lacks(const ConfigDestination *destination) {
        return destination->folder
                       ? NULL
                       : "has no `folder:`; name the one that its files are put into, such as /srv/hospice/out";
}
