# A broken glass lets a team in for a time, tells whoever looks after the person, and is listed until somebody has looked at it
settings ward@hospital line@helpline team=hospital/clinical/RXX team=other/clinical/RYY team=helpline/helpline/HLP reasons=emergency,legal answers=helpline
send ward A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
glass ward:H1 team=other reason=emergency who=dr.x why=unconscious_in_the_street until=12:00
expect outcome 3 refused=-
expect relationships ward:H1 other break-glass
expect granted 3 other/break-glass
expect derived 3 0 break_glass.opened team=other notice.code=emergency notice.who=dr.x notice.team=- notice.until_at=1709640000000000
expect grant 3 kind=break-glass noticed=hospital ended=- reviewed_by=-
reviewed 3 who=lead why=seen
expect outcome 4 refused=still-open
clock 12:00
tick 12:00
expect relationships ward:H1 other -
expect withdrawn 5 other/break-glass
expect derived 5 0 break_glass.ended team=other
expect grant 3 ended=yes
reviewed 3 who=lead why=seen
expect grant 3 reviewed_by=lead review=seen
reviewed 3 who=lead why=seen
expect outcome 7 refused=already-reviewed
# refused, and nothing changes
glass ward:H1 team=nobody reason=emergency who=x why=because_of_it until=13:00
expect outcome 8 refused=unknown-team
glass ward:H1 team=other reason=curious who=x why=because_of_it until=13:00
expect outcome 9 refused=unknown-reason
glass ward:H1 team=other reason=legal who=x until=13:00
expect outcome 10 refused=who-and-why
glass ward:H1 team=other reason=legal who=x why=because_of_it until=2024-03-09T13:00
expect outcome 11 refused=too-long
glass ward:H1 team=other reason=legal who=x why=because_of_it until=11:00
expect outcome 12 refused=until-passed
glass p99.0 team=other reason=legal who=x why=because_of_it
expect outcome 13 refused=unknown-patient
contact ward:H1 team=other reason=pain who=x
expect outcome 14 refused=answers-no-calls
expect relationships ward:H1 other -
# ended before its time
glass ward:H1 team=other reason=legal who=x why=because_of_it until=18:00
end 15 who=x why=done
expect relationships ward:H1 other -
expect withdrawn 16 other/break-glass
expect derived 16 0 break_glass.ended
end 15 who=x why=done
expect outcome 17 refused=already-ended
end 3000 who=x why=done
expect outcome 18 refused=no-such-grant
# a call is opened by who answers calls, is no broken glass, and may say that somebody is to come
contact ward:H1 team=helpline reason=pain who=nurse visit=yes
expect until ward:H1 helpline opened-contact/2024-03-08T12:14,planned-visit/2024-03-08T12:14
expect derived 19 1 -
clock 2024-03-08T12:14
tick 2024-03-08T12:14
expect relationships ward:H1 helpline -
expect withdrawn 20 helpline/opened-contact
