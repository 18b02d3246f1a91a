#include "adapters/fhir/notification-count.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define HEAD "carebus-notifications 1\n"
#define FILE_MAX (NOTIFICATIONS_KEPT * 64 + 128)

/* A number and who has it. */
typedef struct Numbered {
        uint64_t number, seq, index;
} Numbered;

struct NotificationCount {
        char *path;
        uint64_t last;
        Numbered newest[NOTIFICATIONS_KEPT]; /* by number, from `last` back; 0: none */
};

static Numbered *place_of(NotificationCount *count, uint64_t number) {
        return &count->newest[number % NOTIFICATIONS_KEPT];
}

/* Up to the next blank or line end; what is behind it. NULL: no number. */
static char *number_read(char *text, char end, uint64_t *ret) {
        char *until = text ? strchr(text, end) : NULL;

        if (!until)
                return NULL;
        *until = '\0';
        return text_to_u64(text, ret) == 0 ? until + 1 : NULL;
}

/* A line each: number, seq, index; in order. */
static int content_read(NotificationCount *count, char *text) {
        while (*text) {
                Numbered one;

                text = number_read(text, ' ', &one.number);
                text = number_read(text, ' ', &one.seq);
                text = number_read(text, '\n', &one.index);
                if (!text || one.number <= count->last)
                        return -EBADMSG;
                count->last = one.number;
                *place_of(count, one.number) = one;
        }
        return 0;
}

int notification_count_open(const char *path, NotificationCount **ret) {
        _cleanup_(notification_count_freep) NotificationCount *count = calloc(1, sizeof(*count));
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r;

        if (!count || !(count->path = strdup(path)))
                return -ENOMEM;
        r = file_read(path, FILE_MAX, &content);
        if (r == 0) {
                buffer_append_byte(&content, '\0');
                if (content.error)
                        return content.error;
                if (!text_starts_with((const char *)content.data, HEAD))
                        return -EBADMSG;
                r = content_read(count, (char *)content.data + strlen(HEAD));
        }
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = TAKE_PTR(count);
        return 0;
}

NotificationCount *notification_count_free(NotificationCount *count) {
        if (!count)
                return NULL;
        free(count->path);
        free(count);
        return NULL;
}

static void count_write(const NotificationCount *count) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        uint64_t from = count->last >= NOTIFICATIONS_KEPT ? count->last - NOTIFICATIONS_KEPT + 1 : 1;

        buffer_append_text(&out, HEAD);
        for (uint64_t number = from; number <= count->last; number++) {
                const Numbered *one = &count->newest[number % NOTIFICATIONS_KEPT];

                if (one->number == number)
                        buffer_append_format(&out, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", number, one->seq,
                                             one->index);
        }
        if (!out.error)
                (void)file_replace(count->path, out.data, out.size, 0600);
}

uint64_t notification_count_of(NotificationCount *count, uint64_t seq, uint32_t index) {
        for (size_t i = 0; i < NOTIFICATIONS_KEPT; i++)
                if (count->newest[i].number > 0 && count->newest[i].seq == seq && count->newest[i].index == index)
                        return count->newest[i].number;
        count->last++;
        *place_of(count, count->last) = (Numbered){ .number = count->last, .seq = seq, .index = index };
        count_write(count);
        return count->last;
}
