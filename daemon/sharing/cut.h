#pragma once
/*
 * What of a message is to be seen, as a tree along its descriptors: made of rules once, applied to many messages. Inside this folder.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "daemon/sharing/policy.h"

/* Whole, or a node; NULL: nothing. */
typedef struct CutNode CutNode;
extern const CutNode cut_whole;
#define CUT_WHOLE ((CutNode *)(uintptr_t)&cut_whole)

/* Does it begin with a body, lead to a field, and name no element of a list? */
bool cut_path_is_known(const char *path);
/* Does the rule show all of the body of this name, but for a restricted address? */
bool cut_rule_shows_all(const PolicyRule *rule, const char *body);
/* May a restricted address leave anything out of this body? */
bool cut_may_shield(const Policy *policy, const ProtobufCFieldDescriptor *body);

/* What these rules (bits of their places) let see of this body: `closed` are those of whom a restricted address is shielded. *ret is
 * freed by cut_free(). 0 or -ENOMEM. */
int cut_make(const Policy *policy, uint64_t open, uint64_t closed, const ProtobufCFieldDescriptor *body, CutNode **ret);
CutNode *cut_free(CutNode *node);

/* Leaves out what not both trees show. False: nothing is left; then the message itself is to be left out. */
bool cut_apply(const CutNode *a, const CutNode *b, ProtobufCMessage *message);
bool cut_is_empty(const ProtobufCMessage *message);
/* What the tree has for a field of this name below it: CUT_WHOLE, a node, NULL. */
const CutNode *cut_below(const CutNode *node, const char *field);
/* Is anything shown at this path, which begins below the node? */
bool cut_shows(const CutNode *node, const char *path);
/* Each path that is left out, the outermost alone. Stops at a negative return of `take`, which it returns. */
typedef int (*CutTake)(void *owner, const char *path);
int cut_list(const CutNode *node, const char *root, CutTake take, void *owner);
