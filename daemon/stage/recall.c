#include "daemon/stage/recall.h"

#include <errno.h>

#define SLOTS 16384U
#define EPOCHS 16384U
#define SAID_MAX 512U /* bytes of what is said that are kept */

typedef struct Slot {
        uint8_t *said; /* NULL: free */
        size_t n_said;
        uint32_t epoch; /* of the person when it was kept */
        RecallAnswer answer;
} Slot;

/* Each thing has one place only; who comes later takes it. Two persons that share an epoch are forgotten together. */
struct Recall {
        Slot slots[SLOTS];
        uint32_t epochs[EPOCHS];
};

static size_t hash_of(const void *data, size_t size) {
        const uint8_t *bytes = data;
        uint64_t hash = 0xcbf29ce484222325u;

        for (; size >= 8; size -= 8, bytes += 8) {
                hash = (hash ^ load_le64(bytes)) * 0xff51afd7ed558ccdu;
                hash ^= hash >> 32;
        }
        for (; size > 0; size--, bytes++)
                hash = (hash ^ *bytes) * 0x100000001b3u;
        return (size_t)(hash ^ hash >> 29);
}

int recall_new(Recall **ret) {
        Recall *recall = calloc(1, sizeof(*recall));

        if (!recall)
                return -ENOMEM;
        *ret = recall;
        return 0;
}

Recall *recall_free(Recall *recall) {
        if (!recall)
                return NULL;
        recall_clear(recall);
        free(recall);
        return NULL;
}

void recall_clear(Recall *recall) {
        for (size_t i = 0; i < SLOTS; i++) {
                free(recall->slots[i].said);
                recall->slots[i].said = NULL;
        }
}

static uint32_t *epoch_of(Recall *recall, const char *patient_id) {
        return &recall->epochs[hash_of(patient_id, strlen(patient_id)) % EPOCHS];
}

const RecallAnswer *recall_find(const Recall *recall, Bytes said) {
        const Slot *slot = &recall->slots[hash_of(said.data, said.size) % SLOTS];

        if (!slot->said || !bytes_equal(bytes_of(slot->said, slot->n_said), said) ||
            slot->epoch != *epoch_of((Recall *)recall, slot->answer.patient_id))
                return NULL;
        return &slot->answer;
}

int recall_keep(Recall *recall, Bytes said, const RecallAnswer *answer) {
        Slot *slot = &recall->slots[hash_of(said.data, said.size) % SLOTS];
        uint8_t *copy;

        if (said.size == 0 || said.size > SAID_MAX)
                return 0;
        copy = malloc(said.size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, said.data, said.size);
        free(slot->said);
        *slot = (Slot){
                .said = copy, .n_said = said.size, .epoch = *epoch_of(recall, answer->patient_id), .answer = *answer
        };
        return 0;
}

void recall_forget(Recall *recall, const char *patient_id) {
        ++*epoch_of(recall, patient_id);
}
