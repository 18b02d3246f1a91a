/*
 * The smallest replica: keeps each record of its team in a file of a folder, and says at each point of agreement whether the bus agrees.
 * Ends after N points of agreement, or after ten idle seconds.
 *
 *   records FEED TEAM CONSUMER FOLDER N        records ipc:///run/carebus/feed hospice replica /srv/records 1
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carebus.h"

static const char *path_of(const char *folder, const char *name) {
        static char path[4096];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return path;
}

/* Written beside and renamed, so that a crash leaves the one before. */
static int keep(const char *folder, const carebus_record *record) {
        char beside[4096];
        FILE *file;
        int done;

        snprintf(beside, sizeof(beside), "%s/.new", folder);
        file = fopen(beside, "w");
        if (!file)
                return -errno;
        done = fwrite(record->record, 1, record->record_size, file) == record->record_size;
        done = fclose(file) == 0 && done;
        return done && rename(beside, path_of(folder, record->patient_id)) == 0 ? 0 : -EIO;
}

/* Nothing of before counts. */
static int begin_afresh(const char *folder) {
        DIR *dir = opendir(folder);
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] == 'p')
                        unlink(path_of(folder, entry->d_name));
        closedir(dir);
        printf("from the beginning\n");
        return 0;
}

static int take(const char *folder, const carebus_record *record) {
        switch (record->kind) {
        case CAREBUS_RECORD:
                printf("%llu.%u %s\n", (unsigned long long)record->seq, record->index, record->patient_id);
                return keep(folder, record);
        case CAREBUS_RECORD_GONE:
                printf("%llu.%u %s gone: %s %s\n", (unsigned long long)record->seq, record->index, record->patient_id,
                       record->reason, record->answered_by ? record->answered_by : "");
                return unlink(path_of(folder, record->patient_id)) == 0 || errno == ENOENT ? 0 : -errno;
        case CAREBUS_RECORDS_AFRESH:
                return begin_afresh(folder);
        default:
                printf("%llu.%u %s: %llu persons\n", (unsigned long long)record->seq, record->index,
                       record->equal ? "equal" : "DIFFERS", (unsigned long long)record->persons);
                return 0;
        }
}

int main(int argc, char **argv) {
        if (argc != 6)
                return fprintf(stderr, "records: say FEED TEAM CONSUMER FOLDER N\n"), 64;

        char digests[4096];
        snprintf(digests, sizeof(digests), "%s/.digests", argv[4]);
        carebus_records_options options = {
                .feed = { .endpoint = argv[1] }, .team = argv[2], .consumer = argv[3], .digests_path = digests
        };
        carebus_records *records;
        if (carebus_records_new(&records, &options) < 0)
                return fprintf(stderr, "records: not a usable endpoint, name or folder\n"), 64;

        setvbuf(stdout, NULL, _IOLBF, 0);
        carebus_record record;
        int r = 1;
        for (long left = atol(argv[5]); left > 0 && (r = carebus_records_next(records, &record, 10000)) > 0;) {
                r = take(argv[4], &record);
                if (r < 0)
                        break;
                /* What is acknowledged is not asked for again; so do it after the work. */
                carebus_records_ack(records, record.seq, record.index);
                left -= record.kind == CAREBUS_AGREEMENT;
                r = 1;
        }
        if (r == -EACCES)
                fprintf(stderr, "records: refused: %s\n", carebus_records_reason(records));
        /* One more turn, so that the last acknowledgement leaves. */
        if (r > 0)
                carebus_records_next(records, &record, 100);
        carebus_records_free(records);
        return r < 0 ? 77 : 0;
}
