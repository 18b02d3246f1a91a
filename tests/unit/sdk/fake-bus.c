#include "tests/unit/sdk/fake-bus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "proto/zsock.h"

struct FakeBus {
        ZContext *context;
        ZSocket *socket;
        ZRoute route;
        pthread_t thread;
        atomic_bool stop;
        FakeBusHear hear;
        void *owner;
        char folder[32], endpoint[64];
};

static void must(int r, const char *what) {
        if (r == 0)
                return;
        fprintf(stderr, "fake bus: %s: %d\n", what, r);
        abort();
}

static void *run(void *owner) {
        FakeBus *bus = owner;

        while (!atomic_load(&bus->stop)) {
                ZPoll item = { .socket = bus->socket };
                _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
                Carebus__V1__FromReader *heard;
                Bytes bytes;

                if (zpoll(&item, 1, 20) <= 0 || zsocket_recv_routed(bus->socket, &bus->route, &frame) != 0)
                        continue;
                bytes = zframe_bytes(&frame);
                heard = carebus__v1__from_reader__unpack(NULL, bytes.size, bytes.data);
                if (heard)
                        bus->hear(bus, heard, bus->owner);
                carebus__v1__from_reader__free_unpacked(heard, NULL);
        }
        return NULL;
}

FakeBus *fake_bus_new(FakeBusHear hear, void *owner) {
        const ZSocketOptions options = { 0 };
        FakeBus *bus = calloc(1, sizeof(*bus));

        must(bus ? 0 : -1, "memory");
        bus->hear = hear;
        bus->owner = owner;
        snprintf(bus->folder, sizeof(bus->folder), "/tmp/fake-bus-XXXXXX");
        must(mkdtemp(bus->folder) ? 0 : -1, "folder");
        snprintf(bus->endpoint, sizeof(bus->endpoint), "ipc://%s/feed", bus->folder);
        must(zcontext_new(&bus->context), "context");
        must(zsocket_new(bus->context, ZSOCKET_ROUTER, &options, &bus->socket), "socket");
        must(zsocket_bind(bus->socket, bus->endpoint), "bind");
        must(pthread_create(&bus->thread, NULL, run, bus), "thread");
        return bus;
}

void fake_bus_free(FakeBus *bus) {
        char path[64];

        atomic_store(&bus->stop, true);
        must(pthread_join(bus->thread, NULL), "join");
        zsocket_free(bus->socket);
        zcontext_free(bus->context);
        snprintf(path, sizeof(path), "%s/feed", bus->folder);
        (void)unlink(path);
        (void)rmdir(bus->folder);
        free(bus);
}

const char *fake_bus_endpoint(const FakeBus *bus) {
        return bus->endpoint;
}

void fake_bus_say_raw(FakeBus *bus, const void *data, size_t size) {
        must(zsocket_send_routed(bus->socket, &bus->route, bytes_of(data, size)), "send");
}

void fake_bus_say(FakeBus *bus, const Carebus__V1__ToReader *said) {
        size_t size = carebus__v1__to_reader__get_packed_size(said);
        _cleanup_(freep) void *data = malloc(size + 1);

        must(data ? 0 : -1, "memory");
        carebus__v1__to_reader__pack(said, data);
        fake_bus_say_raw(bus, data, size);
}

void fake_bus_open(FakeBus *bus, Carebus__V1__Parked **parked, size_t n) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__Opened opened = CAREBUS__V1__OPENED__INIT;
        Carebus__V1__StreamPlace place = CAREBUS__V1__STREAM_PLACE__INIT;

        opened.has_protocol = opened.has_max_message_bytes = true;
        opened.protocol = 1;
        opened.max_message_bytes = 1 << 20;
        opened.bus = (char *)"fake";
        opened.place = opened.head = &place;
        opened.parked = parked;
        opened.n_parked = n;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_OPENED;
        to.opened = &opened;
        fake_bus_say(bus, &to);
}

void fake_bus_deliver(FakeBus *bus, const FakeEvent *said) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__Delivery delivery = CAREBUS__V1__DELIVERY__INIT;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;

        patient.patient_id = record.patient_id = (char *)said->patient_id;
        event.type = (char *)said->type;
        event.patient = &patient;
        delivery.has_seq = delivery.has_index = delivery.has_prev_seq = delivery.has_prev_index = true;
        delivery.seq = said->seq;
        delivery.index = said->index;
        delivery.prev_seq = said->prev_seq;
        delivery.prev_index = said->prev_index;
        delivery.has_redelivered = delivery.redelivered = said->redelivered;
        delivery.so_far = said->so_far ? &record : NULL;
        delivery.what_case = CAREBUS__V1__DELIVERY__WHAT_EVENT;
        delivery.event = &event;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_DELIVERY;
        to.delivery = &delivery;
        fake_bus_say(bus, &to);
}
