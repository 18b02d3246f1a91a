#include "daemon/serve/disclose.h"

void disclose_event(AuditSay *say, const Sight *sight, const PublishedEvent *event, Place place, PublishedBytes *bytes,
                    const SightAnswer *answer) {
        const AuditItem item = {
                .patient_id = bytes_of_text(event->patient_id),
                .place = place,
                .digest = published_digest(bytes),
                .rule = answer->verdict.rule,
                .settings = sight_settings_seq(sight),
                .relationship = answer->verdict.relationship ? answer->verdict.relationship->kind : NULL,
                .part = answer->gives == SIGHT_PART,
                .correction = answer->gives == SIGHT_CORRECTION,
        };

        audit_say_item(say, &item);
}

int disclose_relationship(Sight *sight, ssize_t team, const char *patient_id, const char **ret) {
        const Carebus__V1__Relationship *relationship = NULL;
        const SharingPerson *person;
        int r = 0;

        if (team >= 0 && patient_id)
                r = sight_person(sight, patient_id, &person);
        if (r == 0 && team >= 0 && patient_id)
                relationship = sharing_relationship(sight_sharing(sight), (size_t)team, person);
        *ret = relationship ? relationship->kind : NULL;
        return MIN(r, 0);
}

int disclose_record(AuditSay *say, Sight *sight, ssize_t team, const Carebus__V1__Record *record) {
        AuditItem item = {
                .patient_id = bytes_of_text(record->patient_id),
                .place = { .seq = record->seq },
                .digest = record->digest.data,
                .rule = -1, /* each of its facts went by a rule of its own */
                .settings = sight_settings_seq(sight),
                .part = false,
                .record = true,
        };
        int r = disclose_relationship(sight, team, record->patient_id, &item.relationship);

        if (r == 0)
                audit_say_item(say, &item);
        return r;
}

void disclose_found(AuditSay *say, const Sight *sight, const char *patient_id) {
        const AuditItem item = {
                .patient_id = bytes_of_text(patient_id),
                .place = { .seq = view_head(sight_view(sight)) },
                .rule = -1,
                .settings = sight_settings_seq(sight),
                .part = true,
        };

        audit_say_item(say, &item);
}
