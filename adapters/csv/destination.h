#pragma once
/*
 * carebus-csv --destination NAME: what a team may see, as files of a folder.
 *
 *   list-2026-03-05.csv               what is new, in words, a row an event; with `daily:` of the day that ends then, else of today
 *   since-last-2026-03-05-143000.csv  what is new since the last one, when somebody puts a file since-last.request there
 *   exact/people-12.0.csv             the same for programs, in the columns that carebus-csv reads; who took one removes it
 *   last-known.csv, last-known.txt    for the day on which nothing works
 *
 * An event is acknowledged when every file that it belongs to is on the disk under its name.
 */
#include "adapters/common/destination.h"

extern const DestinationProgram csv_destination;
const char *csv_destination_lacks(const ConfigDestination *destination);
