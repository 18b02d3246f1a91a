#include "adapters/fhir/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/text.h"

#define BODY_MAX (16ul << 20)
#define TIMEOUT_MS 120000L
#define CONNECT_TIMEOUT_MS 10000L
/* A server that dribbles is ended long before the timeout. */
#define SLOW_BYTES_A_SECOND 100L
#define SLOW_SECONDS 30L
#define EVENTS_A_TURN 8

struct Fetch {
        CURLM *multi;
        CURL *easy; /* NULL: nothing is asked */
        struct curl_slist *headers;
        Buffer body;
        bool is_too_large;
        int pool;         /* curl's sockets */
        int64_t deadline; /* curl wants to be called then (monotonic); -1: not */
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *seen) {
        Fetch *fetch = owner;
        struct epoll_event event = { .data.fd = socket };

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                (void)epoll_ctl(fetch->pool, EPOLL_CTL_DEL, socket, NULL);
                return 0;
        }
        event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0u) |
                       (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0u);
        if (epoll_ctl(fetch->pool, seen ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) < 0)
                return -1;
        (void)curl_multi_assign(fetch->multi, socket, fetch);
        return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *owner) {
        Fetch *fetch = owner;

        (void)multi;
        fetch->deadline = milliseconds < 0 ? -1 : now() + milliseconds * USEC_PER_MSEC;
        return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *owner) {
        Fetch *fetch = owner;

        size *= n;
        fetch->is_too_large = fetch->body.size + size > BODY_MAX;
        if (fetch->is_too_large)
                return 0;
        buffer_append(&fetch->body, data, size);
        return fetch->body.error ? 0 : size;
}

int fetch_new(Fetch **ret) {
        _cleanup_(fetch_freep) Fetch *fetch = calloc(1, sizeof(*fetch));

        if (!fetch)
                return -ENOMEM;
        fetch->deadline = -1;
        fetch->pool = epoll_create1(EPOLL_CLOEXEC);
        if (fetch->pool < 0)
                return -errno;
        fetch->multi = curl_multi_init();
        if (!fetch->multi)
                return -ENOMEM;
        (void)curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
        (void)curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
        *ret = TAKE_PTR(fetch);
        return 0;
}

static void fetch_end(Fetch *fetch) {
        if (fetch->easy) {
                (void)curl_multi_remove_handle(fetch->multi, fetch->easy);
                curl_easy_cleanup(fetch->easy);
        }
        fetch->easy = NULL;
        for (struct curl_slist *item = fetch->headers; item; item = item->next)
                explicit_bzero(item->data, strlen(item->data));
        curl_slist_free_all(fetch->headers);
        fetch->headers = NULL;
}

Fetch *fetch_free(Fetch *fetch) {
        if (!fetch)
                return NULL;
        fetch_end(fetch);
        if (fetch->multi)
                (void)curl_multi_cleanup(fetch->multi);
        closep(&fetch->pool);
        buffer_deinit(&fetch->body);
        free(fetch);
        return NULL;
}

static int add_header(Fetch *fetch, const char *text) {
        struct curl_slist *list = curl_slist_append(fetch->headers, text);

        if (!list)
                return -ENOMEM;
        fetch->headers = list;
        return 0;
}

static int set_headers(Fetch *fetch, const FetchRequest *request) {
        _cleanup_(freep) char *line = NULL, *prefer = NULL;
        const char *token = request->token;
        int r = add_header(fetch, "Accept: application/fhir+json");

        if (r == 0 && request->post.data)
                r = add_header(fetch, "Content-Type: application/fhir+json; charset=utf-8");
        if (r == 0 && request->post.data)
                r = add_header(fetch, "Expect:"); /* nobody waits for a 100 */
        if (r == 0 && request->prefer)
                r = text_format(&prefer, "Prefer: %s", request->prefer);
        if (r == 0 && prefer)
                r = add_header(fetch, prefer);
        if (r < 0 || !token)
                return r;
        r = text_format(&line, "Authorization: Bearer %s", token);
        if (r == 0)
                r = add_header(fetch, line);
        if (line)
                explicit_bzero(line, strlen(line));
        return r;
}

static bool set_body(CURL *easy, const FetchRequest *request) {
        return !request->post.data ||
               (curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)request->post.data) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post.size) == CURLE_OK);
}

static bool set_identity(CURL *easy, const FetchRequest *request) {
        return !request->certificate || (curl_easy_setopt(easy, CURLOPT_SSLCERT, request->certificate) == CURLE_OK &&
                                         curl_easy_setopt(easy, CURLOPT_SSLKEY, request->key) == CURLE_OK);
}

static bool set_options(Fetch *fetch, const FetchRequest *request) {
        CURL *easy = fetch->easy;

        return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_USERAGENT, "carebus-fhir") == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
               (!request->authority || curl_easy_setopt(easy, CURLOPT_CAINFO, request->authority) == CURLE_OK) &&
               curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                                request->timeout ? (long)request->timeout * 1000L : TIMEOUT_MS) == CURLE_OK &&
               set_body(easy, request) && set_identity(easy, request) &&
               curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_A_SECOND) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK;
}

int fetch_begin(Fetch *fetch, const FetchRequest *request) {
        int r;

        fetch_end(fetch);
        buffer_clear(&fetch->body);
        fetch->is_too_large = false;
        fetch->easy = curl_easy_init();
        r = fetch->easy ? set_headers(fetch, request) : -ENOMEM;
        if (r == 0 && !set_options(fetch, request))
                r = -EINVAL;
        if (r == 0 && curl_multi_add_handle(fetch->multi, fetch->easy) != CURLM_OK)
                r = -EIO;
        return r;
}

/* The request itself was not on the line yet: no name, no connection, no common language of TLS. */
static bool is_before_the_request(CURL *easy, CURLcode code) {
        curl_off_t sent = 0;
        long size = 0;

        (void)curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
        (void)curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &size);
        return code != CURLE_OK && sent == 0 && size == 0;
}

static void result_fill(Fetch *fetch, CURLcode code, FetchResult *ret) {
        const char *type = NULL;
        long status = 0;
        curl_off_t retry_after = 0;

        *ret = (FetchResult){ .body = buffer_bytes(&fetch->body) };
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
        ret->retry_after = retry_after;
        ret->never_left = is_before_the_request(fetch->easy, code);
        ret->is_json = type && (strncasecmp(type, "application/fhir+json", 21) == 0 ||
                                strncasecmp(type, "application/json", 16) == 0);
        if (code == CURLE_OK)
                ret->status = (unsigned)status;
        else
                ret->failure = fetch->is_too_large ? "the answer is too large" : curl_easy_strerror(code);
}

int fetch_work(Fetch *fetch, FetchResult *ret) {
        struct epoll_event events[EVENTS_A_TURN];
        int n = fetch->easy ? epoll_wait(fetch->pool, events, EVENTS_A_TURN, 0) : 0, running, left;
        const CURLMsg *message;

        if (!fetch->easy)
                return FETCH_E_WORKING;
        for (int i = 0; i < n; i++) {
                int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                           (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                           (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
                (void)curl_multi_socket_action(fetch->multi, events[i].data.fd, what, &running);
        }
        if (fetch->deadline >= 0 && fetch->deadline <= now()) {
                fetch->deadline = -1;
                (void)curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        message = curl_multi_info_read(fetch->multi, &left);
        if (!message || message->msg != CURLMSG_DONE)
                return FETCH_E_WORKING;
        result_fill(fetch, message->data.result, ret);
        fetch_end(fetch);
        return 0;
}

void fetch_cancel(Fetch *fetch) {
        fetch_end(fetch);
}

int fetch_fd(const Fetch *fetch) {
        return fetch->pool;
}

int fetch_timeout(const Fetch *fetch) {
        int64_t left = fetch->deadline - now();

        if (!fetch->easy || fetch->deadline < 0)
                return -1;
        return left <= 0 ? 0 : (int)(left / USEC_PER_MSEC) + 1;
}

/* ---- links ---- */

static bool is_same_part(CURLU *a, CURLU *b, CURLUPart part) {
        char *one = NULL, *other = NULL;
        bool is_same = curl_url_get(a, part, &one, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                       curl_url_get(b, part, &other, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(one, other) == 0;

        curl_free(one);
        curl_free(other);
        return is_same;
}

static bool has_user(CURLU *url) {
        char *user = NULL;
        bool has = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;

        curl_free(user);
        return has;
}

static void urlp(CURLU **url) {
        curl_url_cleanup(*url);
}

int fetch_follow(const char *from, const char *link, char **ret) {
        _cleanup_(urlp) CURLU *one = curl_url(), *other = curl_url();
        char *text = NULL;
        int r = FETCH_E_ELSEWHERE;

        if (!one || !other)
                return -ENOMEM;
        if (curl_url_set(one, CURLUPART_URL, from, 0) != CURLUE_OK ||
            curl_url_set(other, CURLUPART_URL, from, 0) != CURLUE_OK ||
            curl_url_set(other, CURLUPART_URL, link, 0) != CURLUE_OK)
                return FETCH_E_ELSEWHERE;
        if (!is_same_part(one, other, CURLUPART_SCHEME) || !is_same_part(one, other, CURLUPART_HOST) ||
            !is_same_part(one, other, CURLUPART_PORT) || has_user(other))
                return FETCH_E_ELSEWHERE;
        if (curl_url_get(other, CURLUPART_URL, &text, 0) == CURLUE_OK) {
                *ret = strdup(text);
                r = *ret ? 0 : -ENOMEM;
        }
        curl_free(text);
        return r;
}
