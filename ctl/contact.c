/* carebusctl contact open: a team that answers calls has one about this person, and sees what it needs for it for three days. */
#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "ctl/grant.h"

int command_contact(const Context *context, int argc, char **argv) {
        Carebus__V1__OpenContactRequest contact = CAREBUS__V1__OPEN_CONTACT_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        GrantPerson person = { 0 };

        if (argc < 2 || !text_equal(argv[1], "open"))
                return command_wrong_use(argv[0], "say open");
        for (int i = 2; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--team") && more)
                        contact.team = argv[++i];
                else if (text_equal(argv[i], "--caller") && more)
                        contact.caller = argv[++i];
                else if (text_equal(argv[i], "--reason") && more)
                        contact.reason = argv[++i];
                else if (text_equal(argv[i], "--who") && more)
                        contact.who = argv[++i];
                else if (text_equal(argv[i], "--visit"))
                        contact.has_visit = contact.visit = true;
                else if (!grant_person_take(&person, argv[i]))
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        if (!grant_person_is_named(&person))
                return command_wrong_use(argv[0], "say about whom: a patient id, or SYSTEM VALUE");
        if (!contact.team || !contact.caller || !contact.reason || !contact.who)
                return command_wrong_use(argv[0],
                                         "say --team TEAM --caller WHO --reason TEXT --who NAME: it is audited");
        contact.patient_id = person.patient_id;
        contact.identifier = person.patient_id ? NULL : &person.identifier;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_OPEN_CONTACT;
        request.open_contact = &contact;
        return grant_ask(context, &request, contact.team);
}
