#pragma once
/* `carebus-mllp --destination NAME`: what a team's feed has, as HL7 v2 into its own system. */
#include "adapters/common/destination.h"

extern const DestinationProgram mllp_destination;
/* What a destination lacks for it: a sentence's end; NULL: nothing. */
const char *mllp_destination_lacks(const ConfigDestination *destination);
