/* See serve-process.h. */
#include "serve-process.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/doorbell.h"
#include "base/text.h"
#include "daemon/serve/serve.h"
#include "proto/validate.h"
#include "tests/unit/open-sharing.h"

#define PATIENCE_MS 20000
#define SILENCE_MS 200
#define ARENA_MAX (64U << 20)

/* ---- core's part ---- */

static void send_config(ServeProcess *process, const char *teams, const char *sources) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        buffer_append_format(&file.content,
                             "bus: small\nenvironment: test\nstate: %s\nrun: %s\n" OPEN_SHARING
                             "teams:\n%s\nsources:\n%s\n",
                             process->bus->folder, process->run, teams, sources);
        assert_int_equal(config_text_pack(&text, &packed), 0);
        assert_int_equal(link_send(process->link, LINK_CONFIG, buffer_bytes(&packed)), 0);
        buffer_deinit(&file.content);
}

static LinkKind await_answer(ServeProcess *process) {
        struct pollfd item = { .fd = link_fd(process->link), .events = POLLIN };
        LinkKind kind;
        Bytes payload;
        int r;

        while ((r = link_receive(process->link, &kind, &payload)) == LINK_E_AGAIN)
                assert_int_equal(poll(&item, 1, PATIENCE_MS), 1);
        assert_int_equal(r, 0);
        return kind;
}

void serve_process_start(ServeProcess *process, SmallBus *bus, const char *teams, const char *sources) {
        char environment[32], live[128];
        int pair[2];

        *process = (ServeProcess){ .bus = bus, .doorbell = doorbell_new() };
        assert_true(process->doorbell >= 0);
        snprintf(process->run, sizeof(process->run), "%s/run", bus->folder);
        assert_true(mkdir(process->run, 0755) == 0 || errno == EEXIST);
        snprintf(live, sizeof(live), "%s/live", process->run);
        assert_true(mkdir(live, 0755) == 0 || errno == EEXIST);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        fflush(NULL);
        process->pid = fork();
        assert_true(process->pid >= 0);
        if (process->pid == 0) {
                close(pair[0]);
                snprintf(environment, sizeof(environment), "doorbell=%d", process->doorbell);
                setenv(LINK_FDS_ENVIRONMENT, environment, 1);
                _exit(serve_run(pair[1]));
        }
        close(pair[1]);
        assert_int_equal(link_new(pair[0], &process->link), 0);
        assert_int_equal(serve_process_configure(process, teams, sources), LINK_READY);
}

LinkKind serve_process_configure(ServeProcess *process, const char *teams, const char *sources) {
        send_config(process, teams, sources);
        return await_answer(process);
}

void serve_process_ring(ServeProcess *process) {
        doorbell_ring(process->doorbell);
}

static int wait_for_end(ServeProcess *process) {
        int status;

        process->link = link_free(process->link);
        closep(&process->doorbell);
        assert_true(waitpid(process->pid, &status, 0) == process->pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void serve_process_kill(ServeProcess *process) {
        assert_int_equal(kill(process->pid, SIGKILL), 0);
        assert_int_equal(wait_for_end(process), -SIGKILL);
}

int serve_process_stop(ServeProcess *process) {
        struct pollfd item = { .fd = link_fd(process->link), .events = POLLIN };

        assert_int_equal(link_send(process->link, LINK_STOP, BYTES_NULL), 0);
        assert_int_equal(poll(&item, 1, PATIENCE_MS), 1); /* its end of the link is closed */
        return wait_for_end(process);
}

int serve_process_leave(ServeProcess *process) {
        return wait_for_end(process);
}

/* ---- a reader ---- */

void reader_connect(Reader *reader, const ServeProcess *process, const char *socket, ZSocketKind kind) {
        char endpoint[160];

        *reader = (Reader){ .context = NULL };
        snprintf(endpoint, sizeof(endpoint), "ipc://%s/%s", process->run, socket);
        assert_int_equal(arena_new(&reader->arena, ARENA_MAX), 0);
        assert_int_equal(zcontext_new(&reader->context), 0);
        assert_int_equal(zsocket_new(reader->context, kind, NULL, &reader->socket), 0);
        if (kind == ZSOCKET_SUB)
                assert_int_equal(zsocket_subscribe(reader->socket, ""), 0);
        assert_int_equal(zsocket_connect(reader->socket, endpoint), 0);
}

void reader_deinit(Reader *reader) {
        zsocket_free(reader->socket);
        zcontext_free(reader->context);
        arena_free(reader->arena);
        *reader = (Reader){ .context = NULL };
}

static void send_packed(Reader *reader, const ProtobufCMessage *message) {
        uint8_t packed[1024];
        size_t size = protobuf_c_message_get_packed_size(message);

        assert_true(size <= sizeof(packed));
        protobuf_c_message_pack(message, packed);
        assert_int_equal(zsocket_send(reader->socket, bytes_of(packed, size)), 0);
}

void reader_say(Reader *reader, Carebus__V1__FromReader *from) {
        send_packed(reader, &from->base);
}

void reader_open_from(Reader *reader, const char *team, const char *consumer, Carebus__V1__Open__From from, Place after,
                      uint32_t credit) {
        Carebus__V1__StreamPlace place = CAREBUS__V1__STREAM_PLACE__INIT;
        Carebus__V1__Open open = CAREBUS__V1__OPEN__INIT;
        Carebus__V1__FromReader message = CAREBUS__V1__FROM_READER__INIT;

        open.has_protocol = open.has_what = open.has_from = open.has_credit = true;
        open.protocol = PROTOCOL_VERSION;
        open.team = (char *)team;
        open.consumer = (char *)consumer;
        open.from = from;
        open.credit = credit;
        place.has_seq = place.has_index = true;
        place.seq = after.seq;
        place.index = after.index;
        if (from == CAREBUS__V1__OPEN__FROM__FROM_PLACE)
                open.after = &place;
        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_OPEN;
        message.open = &open;
        reader_say(reader, &message);
}

void reader_ack(Reader *reader, Place place) {
        Carebus__V1__Ack ack = CAREBUS__V1__ACK__INIT;
        Carebus__V1__FromReader message = CAREBUS__V1__FROM_READER__INIT;

        ack.has_seq = ack.has_index = true;
        ack.seq = place.seq;
        ack.index = place.index;
        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_ACK;
        message.ack = &ack;
        reader_say(reader, &message);
}

void reader_credit(Reader *reader, uint32_t more) {
        Carebus__V1__Credit credit = CAREBUS__V1__CREDIT__INIT;
        Carebus__V1__FromReader message = CAREBUS__V1__FROM_READER__INIT;

        credit.has_more = true;
        credit.more = more;
        message.message_case = CAREBUS__V1__FROM_READER__MESSAGE_CREDIT;
        message.credit = &credit;
        reader_say(reader, &message);
}

const Carebus__V1__ToReader *reader_next(Reader *reader, int timeout_ms) {
        const ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
        const Carebus__V1__ToReader *to;
        ZPoll item = { .socket = reader->socket };
        ValidateError error;

        if (zpoll(&item, 1, timeout_ms) != 1 || zsocket_recv(reader->socket, &frame) != 0)
                return NULL;
        arena_reset(reader->arena);
        assert_int_equal(validate_to_reader(zframe_bytes(&frame), &limits, reader->arena, &to, &error), 0);
        return to;
}

const Carebus__V1__Opened *reader_expect_opened(Reader *reader) {
        const Carebus__V1__ToReader *to = reader_next(reader, PATIENCE_MS);

        assert_non_null(to);
        assert_int_equal(to->message_case, CAREBUS__V1__TO_READER__MESSAGE_OPENED);
        return to->opened;
}

const Carebus__V1__Delivery *reader_expect_delivery(Reader *reader, Place place, Place previous) {
        const Carebus__V1__ToReader *to = reader_next(reader, PATIENCE_MS);

        assert_non_null(to);
        assert_int_equal(to->message_case, CAREBUS__V1__TO_READER__MESSAGE_DELIVERY);
        assert_int_equal(to->delivery->seq, place.seq);
        assert_int_equal(to->delivery->index, place.index);
        assert_int_equal(to->delivery->prev_seq, previous.seq);
        assert_int_equal(to->delivery->prev_index, previous.index);
        return to->delivery;
}

void reader_expect_refused(Reader *reader, const char *reason) {
        const Carebus__V1__ToReader *to = reader_next(reader, PATIENCE_MS);

        assert_non_null(to);
        assert_int_equal(to->message_case, CAREBUS__V1__TO_READER__MESSAGE_REFUSED);
        assert_string_equal(to->refused->reason, reason);
}

void reader_expect_ack_answer(Reader *reader, Place place) {
        const Carebus__V1__ToReader *to = reader_next(reader, PATIENCE_MS);

        assert_non_null(to);
        assert_int_equal(to->message_case, CAREBUS__V1__TO_READER__MESSAGE_ACK_ANSWER);
        assert_int_equal(to->ack_answer->seq, place.seq);
        assert_int_equal(to->ack_answer->index, place.index);
}

void reader_expect_silence(Reader *reader) {
        assert_null(reader_next(reader, SILENCE_MS));
}

const Carebus__V1__Reply *reader_ask(Reader *reader, Carebus__V1__Request *request) {
        const ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
        const Carebus__V1__Reply *reply;
        ZPoll item = { .socket = reader->socket };
        ValidateError error;

        request->has_id = true;
        request->id = 7;
        send_packed(reader, &request->base);
        assert_int_equal(zpoll(&item, 1, PATIENCE_MS), 1);
        assert_int_equal(zsocket_recv(reader->socket, &frame), 0);
        arena_reset(reader->arena);
        assert_int_equal(validate_reply(zframe_bytes(&frame), &limits, reader->arena, &reply, &error), 0);
        assert_int_equal(reply->id, 7);
        return reply;
}

const Carebus__V1__Delivery *reader_next_live(Reader *reader, char ret_topic[128], int timeout_ms) {
        const ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        _cleanup_(zframe_deinit) ZFrame topic = ZFRAME_NULL, payload = ZFRAME_NULL;
        const Carebus__V1__Delivery *delivery;
        ZPoll item = { .socket = reader->socket };
        ValidateError error;
        Bytes text;

        if (zpoll(&item, 1, timeout_ms) != 1 || zsocket_recv_topic(reader->socket, &topic, &payload) != 0)
                return NULL;
        text = zframe_bytes(&topic);
        assert_true(text.size < 128);
        memcpy(ret_topic, text.data, text.size);
        ret_topic[text.size] = '\0';
        arena_reset(reader->arena);
        assert_int_equal(validate_delivery(zframe_bytes(&payload), &limits, reader->arena, &delivery, &error), 0);
        return delivery;
}
