#include "tests/scenario/page.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ctl/record-show.h"
#include "daemon/record/states.h"
#include "tests/scenario/story-event.h"

typedef struct Page {
        RecordShow show;
        int64_t silent_after;
} Page;

static int64_t silent_after(const void *owner, const char *source) {
        (void)source;
        return *(const int64_t *)owner;
}

static void words_read(Page *page, char **words, size_t n_words) {
        bool at = false;

        for (size_t i = 0; i < n_words; i++) {
                char *value = strchr(words[i], '=');

                assert_non_null(value);
                *value++ = '\0';
                if (strcmp(words[i], "at") == 0) {
                        page->show.at = story_time(value);
                        at = true;
                } else if (strcmp(words[i], "now") == 0)
                        page->show.now = story_time(value);
                else if (strcmp(words[i], "section") == 0)
                        page->show.section = value;
                else if (strcmp(words[i], "silent") == 0)
                        page->silent_after = atoll(value) * 60 * USEC_PER_SEC;
                else
                        fail_msg("a page has no %s", words[i]);
        }
        if (!at)
                page->show.at = page->show.now;
}

static char *file_read(const char *path) {
        FILE *file = fopen(path, "re");
        char *text = calloc(1, 1 << 20);

        if (file) {
                assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
                fclose(file);
        }
        return text;
}

static void page_compare(const char *where, const char *path, const char *is) {
        char *wanted;

        if (getenv("CAREBUS_WRITE_PAGES")) {
                FILE *file = fopen(path, "we");

                assert_non_null(file);
                fputs(is, file);
                fclose(file);
                return;
        }
        wanted = file_read(path);
        if (strcmp(wanted, is) != 0)
                fail_msg("%s\n  the page is not as %s\n--- wanted\n%s--- is\n%s", where, path, wanted, is);
        free(wanted);
}

static void lines_are_short(const char *text) {
        for (const char *end; *text; text = end + (*end == '\n')) {
                size_t width = 0;

                end = strchrnul(text, '\n');
                for (const char *at = text; at < end; at++)
                        width += (*at & 0xc0) != 0x80;
                assert_true(width <= 100 || !memchr(text + 8, ' ', (size_t)(end - text - 8)));
        }
}

void page_expect(World *world, StateTxn *txn, const char *where, const char *patient_id, char **words, size_t n_words) {
        Page page = { .show = { .now = world->entries[world->n_entries - 1].received_at, .asked = patient_id } };
        const RecordPatience patience = { .silent_after = silent_after, .owner = &page.silent_after };
        Carebus__V1__Record *record;
        Buffer out = BUFFER_NULL;
        const char *slash;
        char *path, *text;
        Zone *zone;

        assert_true(n_words > 0);
        words_read(&page, words + 1, n_words - 1);
        assert_int_equal(zone_new("Europe/London", &zone), 0);
        assert_int_equal(record_read(txn, patient_id, world->arena, &record), 0);
        assert_int_equal(record_states(txn, record, /* eyes= */ NULL, &patience, page.show.now, world->arena), 0);
        page.show.record = record;
        page.show.zone = zone;
        record_show(&page.show, &out);
        assert_int_equal(out.error, 0);
        text = buffer_steal_text(&out);
        lines_are_short(text);
        slash = memrchr(where, '/', strcspn(where, ":"));
        assert_non_null(slash);
        path = arena_format(world->arena, "%.*s/pages/%s", (int)(slash - where), where, words[0]);
        page_compare(where, path, text);
        free(text);
        zone_free(zone);
}
