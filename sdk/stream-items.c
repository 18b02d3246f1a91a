/* What came and waits to be handed out. */
#include <errno.h>
#include <stdlib.h>

#include "proto/check.h"
#include "sdk/stream.h"

int stream_read_delivery(Bytes message, Delivered *ret) {
        WireField field;
        size_t offset = 0;
        int r;

        *ret = (Delivered){ .event = BYTES_NULL };
        while ((r = wire_field_next(message, &offset, &field)) == 0) {
                if (field.number == 1 && field.wire_type == 0)
                        ret->place.seq = field.value;
                else if (field.number == 2 && field.wire_type == 0)
                        ret->place.index = (uint32_t)field.value;
                else if (field.number == 3 && field.wire_type == 0)
                        ret->prev.seq = field.value;
                else if (field.number == 4 && field.wire_type == 0)
                        ret->prev.index = (uint32_t)field.value;
                else if (field.number == 5 && field.wire_type == 0)
                        ret->place_only = field.value != 0;
                else if (field.number == 6 && field.wire_type == 0)
                        ret->sent_before = (uint32_t)field.value;
                else if (field.number == 10 && field.wire_type == 2)
                        ret->event = field.bytes;
                else if (field.number == 13 && field.wire_type == 2)
                        ret->so_far = field.bytes;
                else if (field.number == 14 && field.wire_type == 0)
                        ret->redelivered = field.value != 0;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

static Item *item_with(Bytes first, Bytes second) {
        Item *item = malloc(sizeof(*item) + first.size + second.size);

        if (!item)
                return NULL;
        *item = (Item){ .size = first.size, .so_far_size = second.size };
        if (first.size > 0)
                memcpy(item->data, first.data, first.size);
        if (second.size > 0)
                memcpy(item->data + first.size, second.data, second.size);
        return item;
}

Item *stream_item_new(const Delivered *delivered, bool came_live) {
        Item *item = item_with(delivered->event, delivered->so_far);

        if (!item)
                return NULL;
        item->kind = CAREBUS_DELIVERY_EVENT;
        item->place = delivered->place;
        item->prev = delivered->prev;
        item->redelivered = delivered->redelivered;
        item->sent_before = delivered->sent_before;
        item->came_live = came_live;
        return item;
}

Item *stream_item_of(carebus_delivery_kind kind, Bytes payload) {
        Item *item = item_with(payload, BYTES_NULL);

        if (item)
                item->kind = kind;
        return item;
}

void stream_push(Queue *queue, Item *item) {
        item->next = NULL;
        if (queue->last)
                queue->last->next = item;
        else
                queue->first = item;
        queue->last = item;
        queue->n++;
}

Item *stream_pop(Queue *queue) {
        Item *item = queue->first;

        if (!item)
                return NULL;
        queue->first = item->next;
        if (!queue->first)
                queue->last = NULL;
        queue->n--;
        return item;
}

void stream_clear(Queue *queue) {
        for (Item *item = stream_pop(queue); item; item = stream_pop(queue))
                free(item);
}
