/* How rules become a tree. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/sharing/cut-node.h"

#define PATH_SIZE 256

typedef enum Shows { SHOWS_NOTHING, SHOWS_SOME, SHOWS_ALL } Shows;

typedef struct Make {
        const Policy *policy;
        const ProtobufCMessageDescriptor *body;
        uint64_t open, closed;
        char path[PATH_SIZE];
} Make;

/* What is known at a place of the tree from what stands above it. */
typedef struct Above {
        bool is_shielded; /* inside of what a restricted address leaves out */
        bool is_at_work;
} Above;

/* Is `path` the other one, or below it? */
static bool is_within(const char *path, const char *other) {
        size_t n = strlen(other);

        return strncmp(path, other, n) == 0 && (path[n] == '\0' || path[n] == '.');
}

static bool is_within_any(const char *path, char *const *others, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_within(path, others[i]))
                        return true;
        return false;
}

static bool is_above_any(const char *path, char *const *others, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_within(others[i], path))
                        return true;
        return false;
}

static Shows rule_shows(const PolicyRule *rule, const char *path) {
        if (is_within_any(path, rule->except, rule->n_except))
                return SHOWS_NOTHING;
        if (rule->is_limited && !is_within_any(path, rule->fields, rule->n_fields))
                return is_above_any(path, rule->fields, rule->n_fields) ? SHOWS_SOME : SHOWS_NOTHING;
        return is_above_any(path, rule->except, rule->n_except) ? SHOWS_SOME : SHOWS_ALL;
}

bool cut_rule_shows_all(const PolicyRule *rule, const char *body) {
        return rule_shows(rule, body) == SHOWS_ALL;
}

static Shows rules_show(const Make *make, uint64_t rules) {
        Shows shows = SHOWS_NOTHING;

        for (; rules; rules &= rules - 1) {
                Shows one = rule_shows(&make->policy->rules[__builtin_ctzll(rules)], make->path);

                shows = MAX(shows, one);
        }
        return shows;
}

static bool type_is_shielded(const Policy *policy, const ProtobufCMessageDescriptor *type) {
        for (size_t i = 0; i < policy->n_shielded_types; i++)
                if (policy->shielded_types[i] == type)
                        return true;
        return false;
}

CutNode *cut_free(CutNode *node) {
        if (!node || node == CUT_WHOLE)
                return NULL;
        for (unsigned i = 0; i < node->descriptor->n_fields; i++)
                cut_free(node->of[i]);
        cut_free(node->otherwise);
        free(node);
        return NULL;
}
DEFINE_CLEANUP(CutNode *, cut_free)

/* A node all of whose fields are alike is none. */
static CutNode *node_settled(CutNode *node) {
        CutNode *first = node->descriptor->n_fields ? node->of[0] : CUT_WHOLE;

        if (node->place != CUT_PLACE_ANY || (first && first != CUT_WHOLE))
                return node;
        for (unsigned i = 1; i < node->descriptor->n_fields; i++)
                if (node->of[i] != first)
                        return node;
        cut_free(node);
        return first;
}

static int make_at(Make *make, const ProtobufCMessageDescriptor *message, Above above, CutNode **ret);

static int make_field(Make *make, const ProtobufCFieldDescriptor *field, Above above, CutNode **ret) {
        size_t used = strlen(make->path);
        const ProtobufCMessageDescriptor *message = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
        int size = snprintf(make->path + used, sizeof(make->path) - used, ".%s", field->name);
        int r = (size_t)size < sizeof(make->path) - used ? make_at(make, message, above, ret) : -ENAMETOOLONG;

        make->path[used] = '\0';
        return r;
}

static int make_fields(Make *make, const ProtobufCMessageDescriptor *message, Above above, CutNode **ret) {
        _cleanup_(cut_freep) CutNode *node = calloc(1, sizeof(*node) + message->n_fields * sizeof(CutNode *));

        if (!node)
                return -ENOMEM;
        node->descriptor = message;
        for (unsigned i = 0; i < message->n_fields; i++) {
                int r = make_field(make, &message->fields[i], above, &node->of[i]);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(node);
        return 0;
}

/* What is seen of it where its values say that it is the home: what the open rules show. */
static int make_otherwise(Make *make, const ProtobufCMessageDescriptor *message, CutNode **ret) {
        uint64_t closed = make->closed;
        int r;

        make->closed = 0;
        r = make_at(make, message, (Above){ 0 }, ret);
        make->closed = closed;
        return r;
}

static int make_at(Make *make, const ProtobufCMessageDescriptor *message, Above above, CutNode **ret) {
        const Policy *policy = make->policy;
        Shows open = rules_show(make, make->open), closed;
        CutNode *node = NULL;
        int r;

        above.is_at_work |= message && cut_is_at_work(message);
        above.is_shielded |= is_within_any(make->path, policy->shielded_paths, policy->n_shielded_paths) ||
                             (message && !above.is_at_work && type_is_shielded(policy, message));
        closed = above.is_shielded ? SHOWS_NOTHING : rules_show(make, make->closed);
        *ret = open == SHOWS_ALL ? CUT_WHOLE : NULL;
        if (open == SHOWS_ALL || (open == SHOWS_NOTHING && closed == SHOWS_NOTHING))
                return 0;
        if (!message) {
                *ret = closed == SHOWS_ALL ? CUT_WHOLE : NULL;
                return 0;
        }
        r = make_fields(make, message, above, &node);
        if (r < 0)
                return r;
        if (closed != SHOWS_NOTHING && !above.is_at_work)
                node->place = cut_place_of(message, make->body);
        if (node->place != CUT_PLACE_ANY && make->open)
                r = make_otherwise(make, message, &node->otherwise);
        *ret = node_settled(node);
        return r;
}

int cut_make(const Policy *policy, uint64_t open, uint64_t closed, const ProtobufCFieldDescriptor *body,
             CutNode **ret) {
        Make make = { .policy = policy, .body = body->descriptor, .open = open, .closed = closed };

        snprintf(make.path, sizeof(make.path), "%s", body->name);
        return make_at(&make, body->descriptor, (Above){ 0 }, ret);
}

static bool shields_below(const Policy *policy, const ProtobufCMessageDescriptor *message,
                          const ProtobufCMessageDescriptor *body) {
        if (cut_is_at_work(message))
                return false;
        if (type_is_shielded(policy, message) || cut_place_of(message, body) != CUT_PLACE_ANY)
                return true;
        for (unsigned i = 0; i < message->n_fields; i++)
                if (message->fields[i].type == PROTOBUF_C_TYPE_MESSAGE &&
                    shields_below(policy, message->fields[i].descriptor, body))
                        return true;
        return false;
}

bool cut_may_shield(const Policy *policy, const ProtobufCFieldDescriptor *body) {
        for (size_t i = 0; i < policy->n_shielded_paths; i++)
                if (is_within(policy->shielded_paths[i], body->name))
                        return true;
        return shields_below(policy, body->descriptor, body->descriptor);
}
