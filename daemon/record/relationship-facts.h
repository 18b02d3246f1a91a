#pragma once
/*
 * Who has a relationship with a person through one fact as it stands: a table of bodies says who it is, since when and until when
 * (GRAMMAR.md, "Relationships"). A function of the fact and the settings alone: neither of a clock nor of the order in which
 * anything came.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/state.pb-c.h"

/* Of one fact; further ones are left out. */
#define RELATIONSHIPS_OF_FACT_MAX 64

/* What of the settings they follow from. Microseconds. */
typedef struct RelationshipRules {
        const Carebus__V1__Settings *settings; /* NULL before the first */
        int64_t linger_discharge, linger_death, contact;
} RelationshipRules;
RelationshipRules relationship_rules(const Carebus__V1__Settings *settings);

/* May somebody have a relationship through such a fact? */
bool relationships_are_of_fact(const Carebus__V1__Fact *fact);
/* Do its relationships depend on when it was last said, even where that says nothing new? */
bool relationships_go_by_time(const Carebus__V1__Fact *fact);
/* Relationships of a fact, without `fact` and `source` each; *ret NULL where facts of its kind are nobody's relationship. What has
 * ended, was cancelled or entered in error is there, with its end. Texts are shared. 0 or -ENOMEM. */
int relationships_of_fact(const RelationshipRules *rules, const char *name, const Carebus__V1__StoredFact *stored,
                          Arena *arena, Carebus__V1__SharingFact **ret);
/* What a fact of demographics, death or consent says to sharing; *ret NULL: nothing. 0 or -ENOMEM. */
int sharing_word_of_fact(const RelationshipRules *rules, const char *name, const Carebus__V1__StoredFact *stored,
                         Arena *arena, Carebus__V1__SharingWord **ret);
