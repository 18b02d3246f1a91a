#pragma once
/*
 * How a profile names a place in a source's own message, in one of three languages. Here only their form is known: whether there is
 * such a field is the adapter's to say (--translate). Any thread.
 *
 *   HL7     SEG-FIELD, SEG-FIELD.COMPONENT, SEG-FIELD.COMPONENT.SUBCOMPONENT; behind the segment or the field [n] takes one repetition and
 *           [PLACE=VALUE] (also !=) those that hold it: PID-3[4=RA9].1, OBX[3.1=1234]-5
 *   FHIR    the type of the resource, then elements, [n], extension('URL'), where(...), ofType(...), first() and the like
 *   column  anything else: the name of a column
 */
#include "config/profile.h"

#define PROFILE_PATH_MAX 300

bool profile_path_is_valid(const char *text);
