/* See the header. */
#include "proto/path.h"

#include <string.h>

#include "carebus/v1/event.pb-c.h"

const ProtobufCFieldDescriptor *event_path_field(const char *path) {
        const ProtobufCMessageDescriptor *message = &carebus__v1__event__descriptor;
        const ProtobufCFieldDescriptor *field = NULL;
        char name[64];
        do {
                size_t length = strcspn(path, ".[");
                if (!message || length == 0 || length >= sizeof(name))
                        return NULL;
                memcpy(name, path, length);
                name[length] = '\0';
                field = protobuf_c_message_descriptor_get_field_by_name(message, name);
                if (!field)
                        return NULL;
                path += length;
                if (*path == '[') {
                        size_t digits = strspn(path + 1, "0123456789");
                        if (digits == 0 || path[1 + digits] != ']' || field->label != PROTOBUF_C_LABEL_REPEATED)
                                return NULL;
                        path += digits + 2;
                }
                message = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
        } while (*path++ == '.');
        return path[-1] == '\0' ? field : NULL;
}
