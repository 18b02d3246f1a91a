/* Which version a program runs with, whatever header it was compiled with. */
#include "sdk/carebus.h"

const char *carebus_version(void) {
        return CAREBUS_VERSION;
}
