/* See figures.h. */
#include "ctl/figures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ctl/client.h"

#define ANSWER_WITHIN_S 10
#define PAGE_MAX (16u << 20)

static int figures_connect(const Config *config, int *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const struct timeval patience = { .tv_sec = ANSWER_WITHIN_S };
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -1;
        int r = text_format(&path, "%s/metrics", config->run);

        if (r < 0)
                return r;
        if (strlen(path) >= sizeof(address.sun_path))
                return CLIENT_E_UNREACHABLE;
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return CLIENT_E_UNREACHABLE;
        *ret = TAKE_FD(fd);
        return 0;
}

static int read_all(int fd, Buffer *answer) {
        uint8_t piece[16384];

        for (;;) {
                ssize_t n = recv(fd, piece, sizeof(piece), 0);

                if (n == 0)
                        return answer->error;
                if (n < 0)
                        return CLIENT_E_UNREACHABLE;
                buffer_append(answer, piece, (size_t)n);
                if (answer->error || answer->size > PAGE_MAX)
                        return CLIENT_E_BAD_REPLY;
        }
}

int figures_fetch_words(const Config *config, const char *path, char **ret, bool *ret_good) {
        _cleanup_(buffer_deinit) Buffer answer = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        char request[128];
        char *body;
        int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: carebus\r\n\r\n", path);
        int r = figures_connect(config, &fd);

        if (r == 0 && send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
                r = CLIENT_E_UNREACHABLE;
        if (r == 0)
                r = read_all(fd, &answer);
        if (r != 0)
                return r;
        text = buffer_steal_text(&answer);
        body = text ? strstr(text, "\r\n\r\n") : NULL;
        if (!body || !text_starts_with(text, "HTTP/1.1 "))
                return text ? CLIENT_E_BAD_REPLY : -ENOMEM;
        *ret_good = text_starts_with(text, "HTTP/1.1 200");
        *ret = strdup(body + 4);
        return *ret ? 0 : -ENOMEM;
}

/* Digits, a point, digits: as the bus writes them, whatever the locale. */
static double number_read(const char *text) {
        const bool negative = *text == '-';
        double value = 0, unit = 1;

        for (text += negative; *text >= '0' && *text <= '9'; text++)
                value = value * 10 + (*text - '0');
        if (*text == '.')
                for (text++; *text >= '0' && *text <= '9'; text++)
                        value += (*text - '0') * (unit /= 10);
        return negative ? -value : value;
}

/* name{labels} value, taken apart where it stands; false for what is no sample. */
static bool sample_read(char *line, Sample *ret) {
        char *brace = strchr(line, '{'), *end = strrchr(line, ' ');

        if (line[0] == '#' || !end)
                return false;
        *end = '\0';
        *ret = (Sample){ .name = line, .labels = "", .value = number_read(end + 1) };
        if (brace && brace < end && end[-1] == '}') {
                *brace = '\0';
                ret->labels = brace + 1;
                end[-1] = '\0';
        }
        return true;
}

int figures_fetch(const Config *config, FiguresPage *ret) {
        FiguresPage page = FIGURES_PAGE_NULL;
        size_t room = 0;
        bool good;
        char *rest, *line;
        int r = figures_fetch_words(config, "/metrics", &page.text, &good);

        if (r != 0)
                return r;
        rest = page.text;
        while ((line = strsep(&rest, "\n"))) {
                if (page.n_samples == room) {
                        Sample *more;

                        room = room ? room * 2 : 512;
                        more = reallocarray(page.samples, room, sizeof(*more));
                        if (!more) {
                                figures_page_deinit(&page);
                                return -ENOMEM;
                        }
                        page.samples = more;
                }
                page.n_samples += sample_read(line, &page.samples[page.n_samples]);
        }
        *ret = page;
        return good ? 0 : CLIENT_E_BAD_REPLY;
}

void figures_page_deinit(FiguresPage *page) {
        free(page->text);
        free(page->samples);
        *page = FIGURES_PAGE_NULL;
}

const Sample *figures_find(const FiguresPage *page, const char *name, const char *labels) {
        for (size_t i = 0; i < page->n_samples; i++)
                if (strcmp(page->samples[i].name, name) == 0 && strcmp(page->samples[i].labels, labels) == 0)
                        return &page->samples[i];
        return NULL;
}

bool figures_label(const char *labels, const char *name, char *ret, size_t size) {
        const size_t n = strlen(name);

        /* Names of the configuration: no quotes in them, and no label's name ends another's. */
        for (const char *at = labels; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
                if (strncmp(at, name, n) == 0 && at[n] == '=' && at[n + 1] == '"') {
                        snprintf(ret, size, "%.*s", (int)strcspn(at + n + 2, "\""), at + n + 2);
                        return true;
                }
        return false;
}
