#include "daemon/record/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/store/state-keys.h"

/* A packed message in the state. */
static int value_read(StateTxn *txn, StateTable table, const StateKey *key,
                      const ProtobufCMessageDescriptor *descriptor, Arena *arena, ProtobufCMessage **ret) {
        Bytes value;
        int r;

        if (key->error < 0)
                return RECORD_E_NOT_FOUND;
        r = state_get(txn, table, state_key_all(key), &value);
        if (r == STATE_E_NOT_FOUND)
                return RECORD_E_NOT_FOUND;
        return r ?: message_unpack(descriptor, value, arena, ret);
}

int outcome_read(StateTxn *txn, uint64_t seq, Arena *arena, Carebus__V1__Outcome **ret) {
        StateKey key = state_key_seq(seq);

        return value_read(txn, STATE_OUTCOME, &key, &carebus__v1__outcome__descriptor, arena, (ProtobufCMessage **)ret);
}

int settings_read(StateTxn *txn, Arena *arena, Carebus__V1__Settings **ret) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS);

        return value_read(txn, STATE_META, &key, &carebus__v1__settings__descriptor, arena, (ProtobufCMessage **)ret);
}

static int source_order(const void *a, const void *b) {
        return strcmp((*(Carebus__V1__RecordSource *const *)a)->name, (*(Carebus__V1__RecordSource *const *)b)->name);
}

static int sources_read(StateTxn *txn, const Carebus__V1__Settings *settings, Arena *arena, RecordCommon *common) {
        const size_t n = settings ? settings->n_sources : 0;
        Carebus__V1__RecordSource **sources = arena_alloc(arena, n * sizeof(*sources));

        if (!sources)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                Carebus__V1__RecordSource *source = message_new(&carebus__v1__record_source__descriptor, arena);
                uint64_t since;

                if (!source)
                        return -ENOMEM;
                source->name = settings->sources[i]->name;
                since = state_count_get(txn, source->name, RECORD_COUNT_HEARD_SINCE_AT);
                source->has_heard_since_at = since != 0;
                source->heard_since_at = (int64_t)since;
                source->loaded = state_count_get(txn, source->name, RECORD_COUNT_LOADED);
                source->has_loaded = source->loaded != 0;
                sources[i] = source;
        }
        if (n > 1)
                qsort(sources, n, sizeof(*sources), source_order);
        common->sources = sources;
        common->n_sources = n;
        return 0;
}

int record_common_read(StateTxn *txn, const Carebus__V1__Settings *settings, Arena *arena, RecordCommon *ret) {
        RecordCommon common = { .settings = settings };
        Carebus__V1__Outcome *outcome;
        int r = outcome_read(txn, state_folded_seq(txn), arena, &outcome);

        if (r < 0)
                return r;
        common.has_as_at = r == 0 && outcome->has_received_at;
        common.as_at = common.has_as_at ? outcome->received_at : 0;
        r = sources_read(txn, settings, arena, &common);
        if (r == 0)
                *ret = common;
        return r;
}

int quarantine_read(StateTxn *txn, uint64_t seq, Arena *arena, Carebus__V1__QuarantineItem **ret) {
        StateKey key = state_key_seq(seq);
        int r;

        r = value_read(txn, STATE_QUARANTINE, &key, &carebus__v1__quarantine_item__descriptor, arena,
                       (ProtobufCMessage **)ret);
        if (r == RECORD_E_NOT_FOUND)
                r = value_read(txn, STATE_RESOLVED, &key, &carebus__v1__quarantine_item__descriptor, arena,
                               (ProtobufCMessage **)ret);
        return r;
}

uint32_t source_seq_count(Bytes value) {
        return value.size == sizeof(uint32_t) ? load_le32(value.data) : 0;
}

int person_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Person **ret) {
        StateKey key = state_key_person(patient_id);

        return value_read(txn, STATE_PERSON, &key, &carebus__v1__person__descriptor, arena, (ProtobufCMessage **)ret);
}

/* Who is merged into somebody names who answers, never a link of a chain. */
int identity_person(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Person **ret) {
        Carebus__V1__Person *person;
        int r;

        r = person_read(txn, patient_id, arena, &person);
        if (r)
                return r;
        if (person->merged_into) {
                r = person_read(txn, person->merged_into, arena, &person);
                if (r)
                        return r < 0 ? r : -EBADMSG;
        }
        *ret = person;
        return 0;
}

int identity_resolve(StateTxn *txn, const char *patient_id, Arena *arena, char **ret) {
        Carebus__V1__Person *person;
        int r;

        r = identity_person(txn, patient_id, arena, &person);
        if (r == 0)
                *ret = person->patient_id;
        return r;
}

int identity_members(StateTxn *txn, const char *patient_id, Arena *arena, char ***ret_ids, size_t *ret_n_ids) {
        Carebus__V1__Person *person;
        char **ids;
        int r;

        r = identity_person(txn, patient_id, arena, &person);
        if (r)
                return r;
        ids = arena_alloc(arena, (person->n_former_patient_ids + 1) * sizeof(*ids));
        if (!ids)
                return -ENOMEM;
        ids[0] = person->patient_id;
        for (size_t i = 0; i < person->n_former_patient_ids; i++)
                ids[i + 1] = person->former_patient_ids[i];
        *ret_ids = ids;
        *ret_n_ids = person->n_former_patient_ids + 1;
        return 0;
}

static int id_order(const void *a, const void *b) {
        return id_compare(*(char *const *)a, *(char *const *)b);
}

int identity_find(StateTxn *txn, const char *system, const char *value, Arena *arena, char ***ret_ids,
                  size_t *ret_n_ids) {
        StateKey key = state_key_identifier(system, value);
        Carebus__V1__IdentifierHolders *holders;
        size_t n_ids = 0;
        char **ids;
        int r;

        r = value_read(txn, STATE_IDENTIFIER, &key, &carebus__v1__identifier_holders__descriptor, arena,
                       (ProtobufCMessage **)&holders);
        if (r)
                return r;
        ids = arena_alloc(arena, holders->n_patient_ids * sizeof(*ids));
        if (!ids)
                return -ENOMEM;
        for (size_t i = 0; i < holders->n_patient_ids; i++) {
                Carebus__V1__Person *holder;
                char *answering;
                bool known = false;

                r = person_read(txn, holders->patient_ids[i], arena, &holder);
                if (r == 0)
                        r = identity_resolve(txn, number_moved_to(holder, system, value) ?: holder->patient_id, arena,
                                             &answering);
                if (r)
                        return r < 0 ? r : -EBADMSG;
                for (size_t j = 0; j < n_ids && !known; j++)
                        known = strcmp(ids[j], answering) == 0;
                if (!known)
                        ids[n_ids++] = answering;
        }
        qsort(ids, n_ids, sizeof(*ids), id_order);
        *ret_ids = ids;
        *ret_n_ids = n_ids;
        return n_ids > 0 ? 0 : RECORD_E_NOT_FOUND;
}
