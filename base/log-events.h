/*
 * The one table of what is logged: LOG_EVENT(NAME, MESSAGE_ID, syslog level, "sentence that says what it means or what to do").
 * MESSAGE_ID is 128 random bits in hex, never used twice (a test checks it). Add rows at the end of your group.
 * One line a row, however long: clang-format stays out.
 */
/* clang-format off */
/* Every program */
LOG_EVENT(STARTED, "c0ea34882c8245ad99b55d78bd66586a", 6, "started")
LOG_EVENT(STOPPED, "93a458c9e562498fbd703f7368a49d77", 6, "stopped")
LOG_EVENT(NOT_FOR_PATIENT_DATA, "6d8b1eda660a48a9bb0ff1c6f2065c0a", 4, "not for patient data: sharing rules do not exist yet, a team receives every event of the sources in its may_read list")
LOG_EVENT(FATAL, "5ce21198f6ed45c39e3c1ede58eab9c2", 2, "cannot go on")
LOG_EVENT(LINES_LEFT_OUT, "ddfc62e05ce54736a161230b96a6af42", 5, "similar log lines were left out; no message was lost by that")
LOG_EVENT(LINES_LOST, "7ce70fa0547a4f81aa4102b9774b891e", 4, "log lines were lost because whoever reads them did not; no message was lost by that")
/* Configuration */
/* Daemon: intake and journal */
LOG_EVENT(PEER_REFUSED, "3dd956731c144b28a437df0af75a3ebe", 4, "a peer was refused at the handshake: compare `user:`, `key:` and `operators:` with who it is; nothing was taken from it")
LOG_EVENT(SOURCE_CONNECTED, "fedc9ed5d28f44a894c05b5a65942aec", 6, "a source is connected")
LOG_EVENT(SOURCE_GONE, "775ee8749873495b9ce44f2e0c385c2a", 6, "a source's connection is gone")
LOG_EVENT(SOURCE_REFUSED, "7f97ba56abb44eb38e4e6a1c5f4cbda4", 4, "a source was refused: it may not speak under that name, or speaks another protocol")
LOG_EVENT(STORAGE_FULL, "3c4435d49e8740e4a73dcc9cf9e5333f", 3, "storage is full: senders are asked to try later, feeds and queries go on; free space under `state:`, all resumes by itself")
LOG_EVENT(STORAGE_RESUMED, "bdb0413633bd4f109133547e28fef9f0", 5, "storage has room again: messages are taken in")
LOG_EVENT(STORAGE_FAULT, "82a584bfd0d645d5b638f42c646fab90", 2, "the journal could not be written or synced: nothing unsynced was acknowledged; the daemon stops, look at the disk before starting it again")
LOG_EVENT(JOURNAL_CORRUPT, "1a5971ef36ff444e98a0649e576ce0e5", 2, "the journal is damaged and nothing was changed: run `carebusctl journal verify`, restore the segment from a copy, then start again")
LOG_EVENT(JOURNAL_OPENED, "b6e04642409f47c59f1f47c0ba7f59d7", 6, "the journal is open")
LOG_EVENT(STATE_BEYOND_JOURNAL, "4edbe14e4c914316863127fb941471aa", 2, "the state stands beyond the end of the journal: it is another journal or was cut; restore the journal, or move the folder `fold` away to have it built anew")
LOG_EVENT(DICTIONARY_ADDED, "ffb4abeef5d549449762e9c7c8e48f6f", 6, "a compression dictionary was made and journaled")
/* Daemon: fold and state */
LOG_EVENT(STATE_REBUILDS, "0c3db331fbc64a82ac395e7a4d89e164", 5, "the state was made by another version of the fold: it is built anew from the journal")
LOG_EVENT(FOLD_RECOVERED, "9d9527a4df934214987e28456b9b462e", 6, "the state is folded up to the end of the journal")
LOG_EVENT(FOLD_NO_SPACE, "2560752a4afa45489968825fc263b666", 3, "no room for the state: the fold waits and tries again; free space under `state:`")
LOG_EVENT(FOLD_RESUMED, "7719fc1f5c0e47829eb5a5387fc8f42f", 5, "the state has room again")
LOG_EVENT(FOLD_FAULT, "db3e56cec82b4cef8e75e4e7e536d0b7", 2, "the state could not be written: the daemon stops; if it happens again, move the folder `fold` away to have it built anew")
/* Daemon: serve */
LOG_EVENT(SERVE_STARTED, "53a584166ca54f3b81caa223ddb5cb05", 6, "the serve process is started")
LOG_EVENT(SERVE_ENDED, "06ad347d1fa042cd93332460e1d81289", 4, "the serve process ended and is started again; intake goes on")
LOG_EVENT(SERVE_READY, "aa289c5a044147a786187dec4191efde", 6, "feeds, live and queries are ready")
LOG_EVENT(RELOADED, "747c351bb7584e4e8f54a2986b97b6e9", 5, "the new configuration is in force")
LOG_EVENT(RELOAD_REFUSED, "64569199cb8e4515aac9790d7a61fddf", 3, "the new configuration is wrong and changes nothing: run `carebusctl check`")
LOG_EVENT(RELOAD_NEEDS_RESTART, "8cd20187f9e244d3971468f3ffea3af4", 3, "the new configuration changes what only a restart can change and was left aside: restart the daemon")
LOG_EVENT(SERVE_KEPT_OLD, "7e199002a0b14b3cb2d0a292685cb6e1", 3, "the serve process could not take the new configuration and goes on with the one before")
LOG_EVENT(LIVE_FELL_BEHIND, "636b4db7555e48f9ba74ed2b5c2c2e5c", 4, "live could not keep up and left entries out; feeds have them, and readers see the gap")
LOG_EVENT(FEED_OPENED, "431af11241884112a574d4341274025b", 6, "a consumer opened its feed")
LOG_EVENT(FEED_REFUSED, "3cf1b2178a1d451d84e9a2fe93ebfd0a", 4, "a feed was refused; the reason says what to correct")
LOG_EVENT(FEED_TAKEN_OVER, "10523ec6f06e4fa980f30115bfc6d247", 5, "a consumer opened its feed a second time: the older connection was ended")
LOG_EVENT(CURSORS_NOT_WRITTEN, "03b2da61e0ed4f0f9fe071016114b162", 3, "the places of the consumers could not be written: feeds go on, what is acknowledged now may be delivered again after a restart; look at the disk under `state:`")
LOG_EVENT(CURSORS_WRITTEN_AGAIN, "6849b08293114236825c22e303ae629f", 5, "the places of the consumers can be written again")
LOG_EVENT(CURSORS_DAMAGED, "164871618fb34bf28188f9d7efacc0fc", 3, "the file with the places of the consumers is damaged and was set aside: consumers that resume begin before all and see what they had again")
LOG_EVENT(QUERY_REFUSED, "956bb22512f5476b8ed84fd97c6851e4", 4, "a query was refused; the reason says why")
LOG_EVENT(SERVE_THREAD_FAILED, "5d3e01f9fb8a412e87403a232cb9479e", 2, "a thread of the serve process failed: the process ends and is started again")
LOG_EVENT(SERVE_THREAD_STUCK, "602a316ad4f44c98a421b821507b6614", 2, "a thread of the serve process has not moved for too long: the process ends and is started again")
/* Adapters */
LOG_EVENT(LISTENING, "d810146eaffe459b9d7d28ff0889a201", 6, "listening for senders")
LOG_EVENT(BUS_CONNECTED, "2a1eff1dd4604212a8b9bf9179ca7066", 6, "the bus takes messages")
LOG_EVENT(BUS_LOST, "dcf2cb5d41cd48ecbf62a866617ee5e5", 4, "the connection to the bus is lost: messages wait, senders are asked to try again after a while; nothing is acknowledged that the bus has not stored")
LOG_EVENT(BUS_NOT_ALLOWED, "f1cc7d48c6304f79a16515a6e4bc4c3f", 3, "the bus does not let this adapter speak for its source: compare `user:` and `key:` of the source with who runs the adapter")
LOG_EVENT(RETRANSLATE_FAILED, "8e93ecb28ae449c3a044bee68f4f1288", 4, "an original could not be handed to the bus again")
LOG_EVENT(PROCESSING_ID_REFUSED, "14ff67903d81427e8942f2d44da7b5e3", 4, "a message was refused and not stored: its MSH-11 does not fit the bus's `environment:`")
LOG_EVENT(RECEIVING_APPLICATION_REFUSED, "440c9cafa74244cc9e50b46a86417c85", 4, "a message was refused and not stored: it is meant for another receiver (MSH-5, `receiving_applications:` of the profile)")
LOG_EVENT(FRAME_UNUSABLE, "2053098a62294718b1e3269703f38ca0", 4, "bytes that are no whole MLLP frame were left out: look at the sender's framing and at max_message_bytes")
LOG_EVENT(SENDER_REFUSED, "8daccde7cad84123869ebc73692b7338", 4, "a connection was refused: its address is not in `allow_from:`, or max_connections is reached")
LOG_EVENT(SENDER_TLS_FAILED, "0c8258648c98405fb4a16f741e568f0f", 4, "a TLS handshake failed: compare the sender's certificate, CA and protocol version with `tls:`")
LOG_EVENT(SENDER_TIMED_OUT, "071868f0598549bab20f872d47868868", 4, "a connection was ended: it began a message or a handshake and did not finish it in time")
LOG_EVENT(ANSWER_OVERDUE, "54102842d1d645baa6aeab0012820289", 4, "the bus did not answer in time: senders were told to try again")
LOG_EVENT(COUNTS, "2c4ca7964e63421096740817b8603107", 6, "counts since the start")
/* Library (sdk) */
