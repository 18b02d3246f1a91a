/* Two rings, one inside the other. */
#include "daemon/peer/turns.h"

static void lane_link(TurnGroup *group, TurnLane *lane) {
        if (!group->lanes) {
                lane->next = lane->previous = lane;
                group->lanes = lane;
                return;
        }
        /* Before the one whose turn it is: last in the round. */
        lane->next = group->lanes;
        lane->previous = group->lanes->previous;
        lane->previous->next = lane;
        lane->next->previous = lane;
}

static void lane_unlink(TurnGroup *group, TurnLane *lane) {
        if (group->lanes == lane)
                group->lanes = lane->next == lane ? NULL : lane->next;
        lane->previous->next = lane->next;
        lane->next->previous = lane->previous;
        lane->next = lane->previous = NULL;
}

static void group_link(Turns *turns, TurnGroup *group) {
        if (!turns->groups) {
                group->next = group->previous = group;
                turns->groups = group;
                return;
        }
        group->next = turns->groups;
        group->previous = turns->groups->previous;
        group->previous->next = group;
        group->next->previous = group;
}

static void group_unlink(Turns *turns, TurnGroup *group) {
        if (turns->groups == group)
                turns->groups = group->next == group ? NULL : group->next;
        group->previous->next = group->next;
        group->next->previous = group->previous;
        group->next = group->previous = NULL;
}

void turns_put(Turns *turns, TurnLane *lane, Turn *item) {
        TurnGroup *group = lane->group;

        item->next = NULL;
        if (lane->tail)
                lane->tail->next = item;
        else
                lane->head = item;
        lane->tail = item;
        if (!lane->next) {
                if (!group->lanes)
                        group_link(turns, group);
                lane_link(group, lane);
        }
        lane->bytes += item->bytes;
        lane->count += item->count;
        group->count += item->count;
        turns->bytes += item->bytes;
        turns->count += item->count;
}

Turn *turns_take_from(Turns *turns, TurnLane *lane) {
        TurnGroup *group = lane->group;
        Turn *item = lane->head;

        if (!item)
                return NULL;
        lane->head = item->next;
        lane->bytes -= item->bytes;
        lane->count -= item->count;
        group->count -= item->count;
        turns->bytes -= item->bytes;
        turns->count -= item->count;
        item->next = NULL;
        if (!lane->head) {
                lane->tail = NULL;
                lane_unlink(group, lane);
                if (!group->lanes)
                        group_unlink(turns, group);
        }
        return item;
}

Turn *turns_take(Turns *turns, TurnLane **ret_lane) {
        TurnGroup *group = turns->groups;
        TurnLane *lane;

        if (!group)
                return NULL;
        lane = group->lanes;
        /* The turn passes on before the item goes, while both still stand in their rings. */
        turns->groups = group->next;
        group->lanes = lane->next;
        *ret_lane = lane;
        return turns_take_from(turns, lane);
}
