#pragma once
/*
 * Delivery into a system that speaks FHIR R4, and the facade from which it may read: carebus-fhir --destination NAME. One thread, one loop.
 *
 *   event --write.h--> resources --envelope.h--> a Bundle --fetch.h--> the receiver, whose answer verdict.h judges
 */
#include "adapters/common/destination.h"

extern const DestinationProgram fhir_destination;
/* What a destination lacks to be run; NULL: nothing. */
const char *fhir_destination_lacks(const ConfigDestination *destination);
