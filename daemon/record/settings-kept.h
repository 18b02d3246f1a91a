#pragma once
/*
 * The settings that the fold goes by, unpacked once: they hold tables of names, and whoever asks for something of them with each delivery
 * would unpack them all each time. What is kept is known by the number of its entry. Beside them stands what else all records of one
 * transaction have in common, known by how far that has folded. One thread.
 */
#include "daemon/record/read.h"

typedef struct SettingsKept SettingsKept;

int settings_kept_new(SettingsKept **ret);
SettingsKept *settings_kept_free(SettingsKept *kept);
DEFINE_CLEANUP(SettingsKept *, settings_kept_free)

/* What all records of this transaction have in common. It holds until a call with another transaction. 0 or negative. */
int settings_kept_common(SettingsKept *kept, StateTxn *txn, const RecordCommon **ret);
/* As settings_read(), of this transaction; NULL before the first. They are not to be written to, and hold until a call with a transaction
 * that has others. 0 or negative. */
int settings_kept_read(SettingsKept *kept, StateTxn *txn, const Carebus__V1__Settings **ret);
