/*
 * The one table of what is logged: LOG_EVENT(NAME, MESSAGE_ID, syslog level, "sentence that says what it means or what to do").
 * MESSAGE_ID is 128 random bits in hex, never used twice (a test checks it). Add rows at the end of your group.
 */
/* Every program */
LOG_EVENT(STARTED, "6f0c3c6f9d2b4f0c8a3b2f4f0c9e1a01", 6, "started")
LOG_EVENT(STOPPED, "6f0c3c6f9d2b4f0c8a3b2f4f0c9e1a02", 6, "stopped")
LOG_EVENT(NOT_FOR_PATIENT_DATA, "6f0c3c6f9d2b4f0c8a3b2f4f0c9e1a03", 4, "not for patient data: sharing rules do not exist yet, a team receives every event of the sources in its may_read list")
LOG_EVENT(FATAL, "6f0c3c6f9d2b4f0c8a3b2f4f0c9e1a04", 2, "cannot go on")
/* Configuration */
/* Daemon: intake and journal */
/* Daemon: fold and state */
/* Daemon: serve */
/* Adapters */
/* Library (sdk) */
