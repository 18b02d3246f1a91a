#pragma once
/* Spreadsheets as one of the languages: for --translate and --load. */
#include "adapters/common/reading.h"

extern const ReaderClass csv_reader;
