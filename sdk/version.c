#include "sdk/carebus.h"

const char *carebus_version(void) {
        return CAREBUS_VERSION;
}
