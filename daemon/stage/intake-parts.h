#pragma once
/* The inside of the intake thread, for the files of daemon/stage/ that make it up. */
#include <pthread.h>

#include "base/arena.h"
#include "carebus/v1/intake.pb-c.h"
#include "daemon/store/reserve.h"
#include "daemon/control/control.h"
#include "daemon/peer/session.h"
#include "daemon/stage/coverage.h"
#include "daemon/stage/intake.h"
#include "daemon/stage/known.h"
#include "daemon/stage/receipts.h"
#include "proto/validate.h"

#define BATCH_SUBMISSIONS_MAX 1024 /* what one sync carries */
#define BATCH_BYTES_MAX (16u << 20)
#define BATCH_TURNS_MAX 4096           /* frames looked at in one round, refused ones included */
#define DRAIN_FRAMES_MAX 2048          /* taken from each door in one round */
#define SESSION_BYTES_MAX (32u << 20)  /* waiting in one session; behind it: refused as later */
#define WAITING_BYTES_MAX (256u << 20) /* in all sessions; then only sessions with nothing waiting may add */
#define SESSIONS_PER_IDENTITY_MAX 512
#define RETRY_LATER_MS 1000
#define FOLD_BEHIND_SLOW 200000 /* entries that the fold may be behind before intake goes at its pace */
#define FOLD_BEHIND_PATIENCE \
        (2 * USEC_PER_SEC) /* without any progress of the fold; then senders are refused as later */
#define SESSION_PROBE_AFTER (5 * USEC_PER_SEC)
#define SPACE_LOOK_EVERY USEC_PER_SEC
#define ASKED_MAX 64
#define COVERAGE_SAVE_EVERY (60 * USEC_PER_SEC)

/* A frame that waits for its turn. */
typedef struct Pending {
        Turn turn;
        ZFrame frame;
        Bytes submit;       /* within the frame */
        uint64_t *overflow; /* the frame came over the window: nothing but its numbers was kept */
        size_t n_overflow;
} Pending;

/* A submission on its way through the stages. */
typedef struct Item {
        Session *session;
        uint64_t number;
        Bytes bytes;
        Carebus__V1__Submission *submission;   /* in the arena */
        Carebus__V1__Problem *problem;         /* why it waits in the quarantine, the adapter's word or ours; or NULL */
        int64_t message_at;                    /* as a key: INT64_MIN where the source gave none */
        uint8_t sha256[SHA256_SIZE];           /* of the original */
        const char *requested_by;              /* who asked for it to be read again */
        Carebus__V1__EventMatching **matching; /* in the arena; of the events that say something of their person */
        size_t n_matching;
} Item;

/* Each stage lets an item through (0), answers it (ITEM_ANSWERED), or fails with a negative errno: core cannot go on. */
enum { ITEM_ANSWERED = 1 };
typedef int (*StageFunction)(Intake *intake, Item *item);
int stage_accept(Intake *intake, Item *item);
int stage_admit(Intake *intake, Item *item);
/* Why nothing is taken in at the moment, whoever sends it: a reason code; NULL: it is. */
const char *admit_refusal(const Intake *intake);
int stage_normalise(Intake *intake, Item *item);
int stage_journal(Intake *intake, Item *item);
/* What its events say of their persons, made for comparing: only of what is going to be written. */
int normalise_matching(Intake *intake, Item *item);

/* Someone asked for an entry to be read again: who, so that the entry that answers can say so. */
typedef struct Asked {
        uint64_t seq;
        char who[IDENTITY_SIZE];
} Asked;

/* A control request whose answer waits for the sync. */
typedef struct PendingControl {
        ZRoute route;
        uint32_t id;
        uint64_t seq;     /* of its entry, once appended */
        Buffer entry;     /* to append */
        int64_t until_at; /* of a grant: it is answered as one */
        char patient_id[64];
} PendingControl;

typedef enum StorageState {
        STORAGE_GOOD,
        STORAGE_FULL,    /* by statvfs: below the reserve */
        STORAGE_REFUSED, /* a write said so: a batch is tried once in a while */
} StorageState;

/* When the next tick is to be written. */
typedef struct IntakeTick {
        uint64_t seq;     /* of the newest: what it did is not known before it is folded */
        uint64_t pending; /* appended in this batch; 0: none */
        int64_t try_at;   /* monotonic: not before, since the disk was full */
        int64_t due_at;   /* what is waited for, and the times at which that was first heard */
        int64_t heard_at, heard_monotonic;
} IntakeTick;

struct Intake {
        IntakeOptions options;
        pthread_t thread;
        bool started;
        int bell;        /* main: stop */
        Ring *snapshots; /* from main */

        Snapshot *snapshot;
        uint64_t generation; /* of the snapshot; a session let in by an earlier one is looked at again */
        bool settings_due;   /* the journal's newest settings are others */
        Buffer *dictionary_due;
        Buffer *expiry_due;
        ValidateLimits limits;

        SourcePeers sources;
        Sessions *sessions;
        Turns turns;
        Arena *arena;
        Known *known;
        StateTxn *state;       /* reader */
        bool state_fresh;      /* renewed in this round */
        JournalReader *reader; /* made when it is needed first */

        Answers answers;
        int64_t batch_at;     /* received_at of its entries */
        uint64_t batch_first; /* its first number; 0: nothing was appended yet */
        size_t batch_submissions, batch_bytes;
        uint64_t settings_seq, dictionary_seq, expiry_seq; /* appended in this batch */
        IntakeTick tick;
        Buffer packed, compressed, out;

        PendingControl *controls; /* waiting for the sync */
        size_t n_controls;
        Asked asked[ASKED_MAX];
        size_t next_asked;

        StorageState storage;
        bool storage_low;       /* below the soft limit */
        Reserve *reserve;       /* made at the first look; NULL: the folder does not let */
        uint64_t free_at_first; /* for how fast it gets less */
        int64_t first_look_at;
        int64_t storage_look_at, storage_try_at; /* monotonic */
        uint64_t free_bytes, disk_bytes;         /* of the file system of `state`: for others than root, and all */
        uint64_t fold_seen;                      /* folded number, and when it last moved */
        int64_t fold_moved_at;
        bool fold_stuck;
        int64_t probed_at;
        int64_t told_at; /* main, how things stand; monotonic */
        bool failed;     /* the journal may not be written again */

        ControlQuarantine quarantine; /* as of quarantine_at, at quarantine_seq */
        ControlReviews reviews;       /* likewise */
        int64_t quarantine_at;
        uint64_t quarantine_seq;

        int64_t counted_at; /* monotonic */

        Coverage *coverage;
        int64_t coverage_saved_at; /* monotonic */
};

/* doors.c: frames in and out */
int intake_receive(Intake *intake);
/* A message to one peer, by the door that it came in by. A peer that is gone loses its session. */
int intake_send(Intake *intake, Session *session, Bytes message);
void intake_close(Intake *intake, Session *session);
/* Sessions that a new configuration does not let in any more. */
void intake_review_sessions(Intake *intake);
void intake_probe_sessions(Intake *intake, int64_t now);
void pending_free(Pending *pending);

/* batch.c */
int intake_batch(Intake *intake);
/* Answers an item, and counts it. Returns ITEM_ANSWERED or negative. */
int item_refuse(Intake *intake, Item *item, const char *reason, const char *detail);
int item_later(Intake *intake, Item *item, const char *reason, uint32_t retry_after_ms);
/* The reader's transaction as of now; renewed at most once a round. */
int intake_state(Intake *intake, StateTxn **ret);

/* tick.c: time as the fold meets it */
/* Has the time come that the fold waits for? `now`: monotonic. */
bool tick_is_due(Intake *intake, int64_t now);
int tick_append(Intake *intake);
void tick_settle(Intake *intake, bool committed);

/* fields.c: what sources' messages hold, and whether somebody reads it */
int fields_open(Intake *intake);
int fields_take(Intake *intake, const SourcePeer *source, const Carebus__V1__Coverage *coverage);
int fields_take_miss(Intake *intake, SourcePeer *source, const char *path, const char *code);
/* Writes them down now and then; `now`: monotonic, INT64_MAX at the end. What cannot be written is tried again. */
void fields_save(Intake *intake, int64_t now);

/* storage.c: room on the disk, and how far the fold is */
/* Free space below which nothing is taken in; 0: only a write that finds no room says so. */
uint64_t storage_hard_bytes(const Intake *intake);
/* The same of the soft limit: with less free, the log says so. */
uint64_t storage_soft_bytes(const Intake *intake);
void storage_look(Intake *intake, int64_t now);
void storage_full(Intake *intake, int64_t now);
void storage_written(Intake *intake);
bool fold_is_behind(Intake *intake, int64_t now);

/* decide.c: control */
int control_receive(Intake *intake);
/* Appends what was decided; after the sync, answers. */
int control_append(Intake *intake);
int control_settle(Intake *intake, bool committed);
void control_forget(Intake *intake);
const char *asked_by(const Intake *intake, uint64_t seq);

/* count.c: for whoever watches */
void intake_count(Intake *intake, int64_t now);
/* A batch is durable: so many entries. */
void intake_count_batch(Intake *intake, size_t entries);

/* status.c */
int control_status(Intake *intake, uint32_t id);
