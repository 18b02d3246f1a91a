"""A notice about somebody says who it is by numbers that its receiver knows them by; the bus's own id tells nothing to another system."""

from carebus_bus import event_pb2
from carebus_readers import Feed
from test_sharing import bus, referral  # noqa: F401


def numbers(event):
    return [(one.system, one.value) for one in event.patient.identifiers]


def mistaken(message_id):
    """The referral was made by mistake: nobody had to do with anybody."""
    result = referral(message_id)
    result.events[0].action = event_pb2.ACTION_ENTERED_IN_ERROR
    return result


def until(feed, wanted):
    while (delivery := feed.take(1)[0]).event.type != wanted:
        pass
    return delivery.event


def test_who_has_nothing_to_do_with_a_person_any_more_is_told_by_the_numbers_that_it_was_given(bus):  # noqa: F811
    pas = bus.source("pas")
    with Feed(bus, "hospice", grants=True) as feed:
        feed.open().opened()
        pas.send(referral("r1"))
        until(feed, "record.granted")
        pas.send(mistaken("r2"))
        withdrawn = until(feed, "record.withdrawn")
        assert withdrawn.patient.patient_id and numbers(withdrawn) == [("carebus:pas", "N-1")]
