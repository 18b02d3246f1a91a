#pragma once
/*
 * What becomes of a request: who may ask, what is asked, what of it goes to the bus, and, when the bus has answered, what the client
 * is told. It is the ListenerHost of every listener of the process.
 */
#include "adapters/fhir/courier.h"
#include "adapters/fhir/listener.h"
#include "adapters/fhir/token.h"

typedef struct Desk Desk;

/* The courier outlives the desk. `program` is what /metadata says that we are, with its version. */
int desk_new(Courier *courier, const Config *config, size_t source, const char *program, Desk **ret);
Desk *desk_free(Desk *desk); /* after the listeners */
DEFINE_CLEANUP(Desk *, desk_free)
/* Another configuration of the same source. Takes the tokens over (NULL: none are asked for). */
int desk_configure(Desk *desk, const Config *config, size_t source, Tokens *tokens);

const ListenerHost *desk_host(const Desk *desk);
/* Tells everybody who has waited since before `before` (monotonic) to come again; how many they were. */
size_t desk_expire(Desk *desk, int64_t before);
size_t desk_waiting(const Desk *desk);
