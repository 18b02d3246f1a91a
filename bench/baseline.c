/* Which baseline, and the one of the disk. */
#include "bench/baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/histogram.h"
#include "bench/tool.h"

#define FILE_BYTES (UINT64_C(64) << 20)

int baseline_file(const char *folder, uint64_t bytes) {
        static uint8_t zeros[1 << 20];
        _cleanup_(freep) char *path = NULL;
        int fd;

        if (text_format(&path, "%s/baseline-XXXXXX", folder) < 0)
                tool_die("no memory");
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
                tool_die("cannot make a file in %s: %m", folder);
        unlink(path);
        for (uint64_t done = 0; done < bytes; done += sizeof(zeros))
                if (pwrite_all(fd, zeros, sizeof(zeros), (off_t)done) < 0)
                        tool_die("cannot fill a file in %s: %m", folder);
        if (fdatasync(fd) < 0)
                tool_die("cannot sync a file in %s: %m", folder);
        return fd;
}

void baseline_sync(const BaselineOptions *options) {
        _cleanup_(closep) int fd = baseline_file(options->folder, FILE_BYTES);
        _cleanup_(freep) uint8_t *data = malloc(options->size * options->batch);
        uint64_t offset = 0, step = options->size * options->batch, began = tool_now(), now = began, n = 0;
        static Histogram latency;

        if (!data || step > FILE_BYTES)
                tool_die("a batch of %" PRIu64 " bytes is too large", step);
        tool_pin(options->core);
        memset(data, 'x', step);
        histogram_init(&latency);
        while (now < began + options->seconds * 1000000000u) {
                uint64_t before = now;

                data[0]++;
                if (offset + step > FILE_BYTES)
                        offset = 0;
                if (pwrite_all(fd, data, step, (off_t)offset) < 0 || fdatasync(fd) < 0)
                        tool_die("cannot write: %m");
                offset += step;
                n++;
                now = tool_now();
                histogram_add(&latency, now - before);
        }
        printf("{\"per_second\":%.1f,\"syncs_per_second\":%.1f,\"latency\":",
               tool_per_second(n * options->batch, now - began), tool_per_second(n, now - began));
        histogram_print_json(&latency, stdout);
        puts("}");
}

int main(int argc, char **argv) {
        BaselineOptions values = { .folder = ".",
                                   .seconds = 2,
                                   .size = 1024,
                                   .batch = 1,
                                   .window = 1,
                                   .teams = 16,
                                   .sync = 1,
                                   .core = UINT64_MAX,
                                   .other_core = UINT64_MAX };
        const char *what = NULL;
        const ToolOption options[] = {
                { "what", NULL, &what, "sync, ping-pong, pipeline, fan-out or sink" },
                { "folder", NULL, &values.folder, "where the file lies: on the disk of the bus's state (.)" },
                { "seconds", &values.seconds, NULL, "how long (2)" },
                { "size", &values.size, NULL, "of a message in bytes (1024)" },
                { "batch", &values.batch, NULL, "messages a sync, or an answer (1)" },
                { "window", &values.window, NULL, "pipeline: messages on the way (1)" },
                { "teams", &values.teams, NULL, "fan-out: how many (16)" },
                { "port", &values.port, NULL, "sink: 0 for any, which it prints (0)" },
                { "sync", &values.sync, NULL, "sink: 0 answers without writing (1)" },
                { "core", &values.core, NULL, "to stay on (any)" },
                { "other-core", &values.other_core, NULL, "for the process at the other end (any)" },
                { NULL, NULL, NULL, NULL },
        };
        static const struct {
                const char *name;
                void (*run)(const BaselineOptions *options);
        } baselines[] = {
                { "sync", baseline_sync },       { "ping-pong", baseline_ping_pong }, { "pipeline", baseline_pipeline },
                { "fan-out", baseline_fan_out }, { "sink", baseline_sink },
        };

        tool_parse_options(argc, argv, "what the machine gives with nothing of the bus in the way", options);
        if (values.size == 0 || values.batch == 0 || values.window == 0 || values.teams == 0)
                tool_die("size, batch, window and teams are at least 1");
        for (size_t i = 0; i < ELEMENTSOF(baselines); i++)
                if (text_equal(what, baselines[i].name)) {
                        baselines[i].run(&values);
                        return EXIT_DONE;
                }
        tool_die("say --what: sync, ping-pong, pipeline, fan-out or sink");
}
