/*
 * Every figure that the bus shows, once: FIGURE(ID, kind, name, unit, labels, help). A counter's samples end in
 * _total, those of an info in _info. The help says what it is and what to do about it; docs/metrics.md says the same,
 * and a test holds them together. Labels are names out of the configuration and words of this program: never a
 * person, never an id.
 */
/* clang-format off */
/* what comes in */
FIGURE(RECEIVED, COUNTER, "carebus_received", "", "source",
       "Messages that a source's adapters handed in, counted as they arrive. A source that stands still: look at its "
       "adapter and at what feeds it.")
FIGURE(STORED, COUNTER, "carebus_stored", "", "source",
       "Messages answered as stored, counted behind the sync. Nothing to do: this is what the bus is for.")
FIGURE(DUPLICATE, COUNTER, "carebus_duplicate", "", "source",
       "Messages that were stored before and answered without being written again. Many: the source resends; look whether "
       "its answers reach it.")
FIGURE(REFUSED, COUNTER, "carebus_refused", "", "source,kind",
       "Messages answered as refused: for-good (wrong), later (no room, over quota, stopping), unanswered (the sender went "
       "before its turn and sends again). for-good: read the adapter's log; later: look at the disk and the fold.")
FIGURE(IN_FLIGHT, GAUGE, "carebus_in_flight", "", "source",
       "Messages that arrived and wait for their turn. Large for long: the disk is slow or the fold is behind.")
FIGURE(UNACCOUNTED, GAUGE, "carebus_unaccounted", "", "source",
       "Received less stored, duplicate, refused and in flight. It must be 0: anything else is a defect of the bus; keep "
       "the journal and the log and report it.")
FIGURE(QUARANTINED, COUNTER, "carebus_quarantined", "", "source",
       "Messages of a source that could not be used and wait for a person, since the journal began. Rising: `carebusctl "
       "quarantine list`.")
FIGURE(SOURCE_SESSIONS, GAUGE, "carebus_source_sessions", "", "source",
       "Connections of a source's adapters to the bus. 0: the adapter is not running or may not speak for the source; "
       "`systemctl status`, `carebusctl doctor`.")
FIGURE(SOURCE_HEARD, GAUGE, "carebus_source_last_heard_timestamp_seconds", "seconds", "source",
       "When anything was last heard of a source, since the start of the bus. Long ago: look at its adapter and at what "
       "feeds it.")
FIGURE(SOURCE_SILENT, GAUGE, "carebus_source_silent", "", "source",
       "1 while a source is silent for longer than its own habit at this hour, or than `silent_after:`. Look at its adapter "
       "and at what feeds it.")
FIGURE(MAP_MISSES, COUNTER, "carebus_map_misses", "", "source",
       "Codes of a source that its map does not have; they were kept as said. Rising: `carebusctl coverage SOURCE`, then "
       "complete the profile's map.")
FIGURE(SOURCES_LEFT_OUT, GAUGE, "carebus_sources_left_out", "", "",
       "Sources of the configuration that are too many to be shown here. They work as the others do; `carebusctl status` "
       "lists them.")
/* what adapters say of themselves */
FIGURE(ADAPTER_RECEIVED, COUNTER, "carebus_adapter_received", "", "source",
       "Messages, requests or rows that a source's adapters took from its system. Rising while carebus_received stands "
       "still: the adapter does not reach the bus.")
FIGURE(ADAPTER_ANSWERS, COUNTER, "carebus_adapter_answers", "", "source,answer",
       "What a source's adapters answered: accept (AA, 2xx, row used), error (AE, 5xx: to be sent again), reject (AR, 4xx, "
       "row given back). error or reject rising: read the adapter's log.")
FIGURE(ADAPTER_CONNECTIONS, GAUGE, "carebus_adapter_connections", "", "source",
       "Connections that a source's system holds open to its adapters. 0 where there should be some: the sender is down or "
       "cannot reach the port.")
FIGURE(ADAPTER_WAITING, GAUGE, "carebus_adapter_waiting", "", "source",
       "Messages that a source's adapters hold until the bus has stored them. Large for long: look at carebus_storage_full "
       "and carebus_fold_lag_entries.")
FIGURE(ADAPTER_IGNORED, COUNTER, "carebus_adapter_ignored", "", "source",
       "Messages that a source's adapters answered and left out because the profile says so. Unexpected: look at `ignore:` "
       "in the profile.")
FIGURE(ADAPTER_REFUSED, COUNTER, "carebus_adapter_refused", "", "source",
       "Messages that a source's adapters refused by themselves: of another environment, too large. Any: read the adapter's log.")
FIGURE(CERTIFICATE, GAUGE, "carebus_adapter_certificate_expiry_timestamp_seconds", "seconds", "source",
       "When the certificate of the listener of a source's adapter ends. Renew it a month before; the adapter takes the new one at "
       "a reload.")
/* journal and disk */
FIGURE(JOURNAL_SEQ, GAUGE, "carebus_journal_seq", "", "",
       "Number of the newest durable entry of the journal. It never goes back: if it does, an older journal was put in place.")
FIGURE(JOURNAL_BYTES, GAUGE, "carebus_journal_bytes", "bytes", "",
       "Size of the journal's segments. Growing faster than planned: look at carebus_received, and at `retention:`.")
FIGURE(SYNC, HISTOGRAM, "carebus_fdatasync_seconds", "seconds", "",
       "How long the disk takes to make a batch durable; every receipt waits for one. Slow: look for other load on the "
       "disk, or for a disk that fails.")
FIGURE(BATCH, HISTOGRAM, "carebus_batch_entries", "", "",
       "How many entries one sync carries. It grows by itself under load; nothing to do.")
FIGURE(DISK_FREE, GAUGE, "carebus_disk_free_bytes", "bytes", "",
       "Free bytes of the file system of the journal. Falling towards carebus_disk_reserve_bytes: make room before it is "
       "reached.")
FIGURE(DISK_RESERVE, GAUGE, "carebus_disk_reserve_bytes", "bytes", "",
       "Free bytes below which nothing more is taken in (storage.hard_bytes, else journal.reserve_bytes).")
FIGURE(DISK_LEFT, GAUGE, "carebus_disk_left_seconds", "seconds", "",
       "How long until the reserve is reached, at the pace of the last six hours; not shown while the disk does not fill. "
       "Under a day: make room or grow the file system.")
FIGURE(STORAGE_FULL, GAUGE, "carebus_storage_full", "", "",
       "1 while senders are told to come later because there is no room. Free space under `state:`; it resumes by itself.")
/* fold */
FIGURE(FOLD_SEQ, GAUGE, "carebus_fold_seq", "", "",
       "Number up to which entries are in the shared records.")
FIGURE(FOLD_LAG, GAUGE, "carebus_fold_lag_entries", "", "",
       "Durable entries that are not in the shared records yet. Growing: the machine is too slow for what comes, or the "
       "state has no room.")
FIGURE(FOLD_LAG_TIME, GAUGE, "carebus_fold_lag_seconds", "seconds", "",
       "How long the oldest of them has waited. Teams do not see what is newer: treat more than a minute as a fault.")
FIGURE(FOLD_WAITS, GAUGE, "carebus_fold_waits", "", "",
       "1 while the shared records cannot be written for want of room. Free space under `state:`; it resumes by itself.")
/* what goes out */
FIGURE(DELIVERED, COUNTER, "carebus_delivered", "", "team,consumer",
       "Deliveries sent to a consumer's feed, repeated ones included, since serve started.")
FIGURE(PUBLISHED, COUNTER, "carebus_published", "", "team",
       "Events sent to a team's live stream, since serve started. Whoever missed some reads them from a feed.")
FIGURE(FEED_OPEN, GAUGE, "carebus_feed_open", "", "team,consumer",
       "1 while a consumer's feed is open. 0 for long: the team's program or destination is down; what it misses waits for it.")
FIGURE(FEED_LAG, GAUGE, "carebus_feed_lag_entries", "", "team,consumer",
       "Entries of the journal from the first that the consumer still has to acknowledge up to the newest; 0 when it has "
       "all that its team may see.")
FIGURE(FEED_AGE, GAUGE, "carebus_feed_oldest_undelivered_age_seconds", "seconds", "team,consumer",
       "Age of the first event that the consumer still has to acknowledge; 0 when there is none. Growing: look at the "
       "team's program, then `carebusctl status`.")
/* what waits for a person */
FIGURE(QUARANTINE_OPEN, GAUGE, "carebus_quarantine_open", "", "class",
       "Items that wait in the quarantine: urgent (may touch a decision, death, merge or allergy), normal, unhandled, "
       "delivery. urgent: look at once, `carebusctl quarantine list`.")
FIGURE(QUARANTINE_AGE, GAUGE, "carebus_quarantine_oldest_age_seconds", "seconds", "",
       "Age of the oldest open item of the quarantine.")
FIGURE(PARKED, GAUGE, "carebus_parked_deliveries", "", "",
       "Deliveries that a receiving system would not take and that wait, each with all that follows for that person. Any: "
       "`carebusctl quarantine list`.")
FIGURE(REVIEWS, GAUGE, "carebus_reviews_open", "", "class",
       "Reviews of who is whom that wait for a person: urgent (a plan, a decision or a death is among it), normal. "
       "`carebusctl identity review`.")
FIGURE(REVIEWS_OVERDUE, GAUGE, "carebus_reviews_overdue", "", "",
       "Urgent reviews that wait longer than matching.urgent_after. Any: decide now, `carebusctl identity review --urgent`.")
FIGURE(REVIEWS_AGE, GAUGE, "carebus_reviews_oldest_age_seconds", "seconds", "",
       "Age of the oldest open review.")
/* audit */
FIGURE(AUDIT_RECORDS, COUNTER, "carebus_audit_records", "", "",
       "Records of the audit, since it began.")
FIGURE(AUDIT_REMOVED, COUNTER, "carebus_audit_removed_records", "", "",
       "Records of the audit that were kept as long as `retention.audit` says, and removed, since it began.")
FIGURE(AUDIT_UNSYNCED, GAUGE, "carebus_audit_unsynced_records", "", "",
       "Records of the audit that are written and not synced yet; a power cut now would lose them.")
FIGURE(AUDIT_UNSYNCED_TIME, GAUGE, "carebus_audit_unsynced_age_seconds", "seconds", "",
       "How long there have been such records without a sync; it is done every second. More than a minute: the disk does "
       "not keep up.")
FIGURE(AUDIT_STOPPED, GAUGE, "carebus_audit_stopped", "", "",
       "1 while the audit cannot be written: nothing is given out until it can. Free space under `state:`, or read the log "
       "of carebusd.")
/* the bus itself */
FIGURE(READY, GAUGE, "carebus_ready", "", "",
       "1 when /readyz says so. 0: ask /readyz which part it is.")
FIGURE(THREAD_AGE, GAUGE, "carebus_thread_progress_age_seconds", "seconds", "process,thread",
       "How long ago a thread last went round; under six seconds for all, whatever the load. Above a minute it is stuck and "
       "is ended; read the log.")
FIGURE(SERVE_RESTARTS, COUNTER, "carebus_serve_restarts", "", "",
       "How often serve ended and was started again. Any: read the log of carebusd; nothing was lost, readers connected again.")
FIGURE(LOG_SUPPRESSED, COUNTER, "carebus_log_lines_suppressed", "", "process",
       "Similar log lines that were left out; lines, not messages. Rising: some peer repeats a mistake; the log says which.")
FIGURE(START_TIME, GAUGE, "carebus_start_timestamp_seconds", "seconds", "process",
       "When core and serve started.")
FIGURE(BUILD, INFO, "carebus_build", "", "version,bus,environment",
       "Version, name and environment of this bus.")
/* clang-format on */
