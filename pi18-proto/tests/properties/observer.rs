//! The observer of a conversation.

use pi18_proto::{AnyReply, Message, Observer, Side};

use super::*;

/// What a request, its reply, and the line do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Answered,
    Refused,
    Ignored,
    ReplyDamaged,
    /// The observer sees damaged bytes, the device the right ones.
    RequestDamaged,
}

/// A request, its fate, and how many later requests are sent before its answer.
type Exchange = (Request, Fate, usize);

fn any_decoded_request() -> impl Strategy<Value = Request> {
    let request = |text: &&'static str| Request::from(text.parse::<Query>().unwrap());
    let queries: Vec<_> = Query::LIST.iter().map(|info| request(&info.example)).collect();
    let alike = ["ET", "EY2025", "EY2026", "ED20260426", "ACCT", "ACLT", "MOD", "PGS0", "PGS1"];
    let alike: Vec<_> = alike.iter().map(request).collect();
    let sets = SetCommand::LIST.iter().map(|info| info.example.parse::<SetCommand>().unwrap());
    let sets: Vec<_> = sets.map(Request::from).collect();
    prop_oneof![3 => select(alike), 2 => select(queries), 1 => select(sets)]
}

fn any_exchange() -> impl Strategy<Value = Exchange> {
    let fate = prop_oneof![
        6 => Just(Fate::Answered),
        1 => Just(Fate::Refused),
        2 => Just(Fate::Ignored),
        1 => Just(Fate::ReplyDamaged),
        1 => Just(Fate::RequestDamaged),
    ];
    (any_decoded_request(), fate, prop_oneof![4 => Just(0_usize), 1 => 1..4_usize])
}

/// Returns the answer of a device.
fn answer(request: Request, fate: Fate) -> Vec<u8> {
    match request {
        _ if fate == Fate::Refused => REFUSED.to_vec(),
        Request::Query(query) => {
            let (reply, _) = query.parse_reply(query.info().sample.as_bytes()).unwrap();
            let mut buffer = [0; MAX_FRAME];
            let len = reply.encode_frame(&mut buffer).unwrap();
            buffer[..len].to_vec()
        }
        _ => ACCEPTED.to_vec(),
    }
}

/// The bytes of a conversation in order, and the request that caused them.
fn conversation(exchanges: &[Exchange]) -> Vec<(Side, Vec<u8>, Request)> {
    let mut due: Vec<(usize, Vec<u8>, Request)> = Vec::new();
    let mut seen = Vec::new();
    for (at, &(request, fate, delay)) in exchanges.iter().enumerate() {
        let mut sent = request.to_frame(Dialect::Checksum).to_vec();
        if fate == Fate::RequestDamaged {
            sent[2] = b'x';
        }
        seen.push((Side::Host, sent, request));
        if fate != Fate::Ignored {
            let mut answer = answer(request, fate);
            if fate == Fate::ReplyDamaged {
                answer[1] = b'x';
            }
            let earliest = due.last().map_or(0, |(at, ..)| *at);
            due.push((earliest.max(at + delay), answer, request));
        }
        let ready = due.iter().filter(|(due, ..)| *due == at || at + 1 == exchanges.len());
        let ready = ready.filter(|(due, ..)| *due >= at);
        seen.extend(ready.map(|(_, bytes, request)| (Side::Device, bytes.clone(), *request)));
    }
    seen
}

/// Returns the events of a conversation as text, with the bytes in chunks of `chunk`.
fn events(seen: &[(Side, Vec<u8>)], chunk: usize) -> Vec<String> {
    let mut observer = Observer::<128>::with_capacity();
    let mut events = Vec::new();
    for (side, bytes) in seen {
        for mut rest in bytes.chunks(chunk) {
            while let Some(event) = observer.next(*side, &mut rest) {
                events.push(format!("{event:?}"));
            }
        }
    }
    for side in [Side::Host, Side::Device] {
        events.extend(observer.flush(side).map(|event| format!("{event:?}")));
    }
    events
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

    #[test]
    fn events_do_not_depend_on_chunks(
        exchanges in proptest::collection::vec(any_exchange(), 0..12),
        junk in proptest::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(),
        chunk in 1_usize..40,
    ) {
        let mut seen: Vec<_> =
            conversation(&exchanges).into_iter().map(|(side, bytes, _)| (side, bytes)).collect();
        let at = at.index(seen.len() + 1);
        seen.insert(at, (if junk.len() % 2 == 0 { Side::Host } else { Side::Device }, junk));
        prop_assert_eq!(events(&seen, chunk), events(&seen, usize::MAX));
    }

    #[test]
    fn answers_in_turn_are_paired_with_their_requests(
        requests in proptest::collection::vec((any_decoded_request(), any::<bool>()), 1..12),
    ) {
        let mut observer = Observer::new();
        for (request, refused) in requests {
            let fate = if refused { Fate::Refused } else { Fate::Answered };
            for (side, bytes, _) in conversation(&[(request, fate, 0)]) {
                let event = observer.next(side, &mut &bytes[..]).unwrap();
                let expected = match (side, request) {
                    (Side::Host, _) => event.message == Message::Request(request),
                    _ if refused => event.message == Message::Refused(Some(request)),
                    (_, Request::Set(command)) => event.message == Message::Accepted(command),
                    (_, Request::Query(query)) => matches!(
                        event.message,
                        Message::Reply(paired) if paired.query == query && paired.is_certain
                    ),
                    other => panic!("{other:?}"),
                };
                prop_assert!(expected, "{event:?}");
            }
            prop_assert_eq!(observer.waiting().count(), 0);
        }
    }

    #[test]
    fn certain_pairing_is_the_true_one(
        exchanges in proptest::collection::vec(any_exchange(), 1..=24),
    ) {
        let mut observer = Observer::new();
        for (side, bytes, truth) in conversation(&exchanges) {
            let event = observer.next(side, &mut &bytes[..]).unwrap();
            let is_right = match (side, event.message) {
                (Side::Host, message) => {
                    message == Message::Request(truth) || matches!(message, Message::Damaged(_))
                }
                (_, Message::Reply(paired)) => {
                    Request::Query(paired.query) == truth || !paired.is_certain
                }
                (_, Message::Accepted(command)) => Request::Set(command) == truth,
                (_, Message::Refused(Some(request))) => request == truth,
                (_, Message::Refused(None) | Message::Damaged(_)) => true,
                (_, Message::Ambiguous(candidates)) => {
                    let has_unknown = exchanges.iter().any(|(_, fate, _)| *fate == Fate::RequestDamaged);
                    candidates.requests().any(|request| request == truth) || has_unknown
                }
                _ => false,
            };
            prop_assert!(is_right, "{event:?} for {truth}");
        }
    }
}

/// Returns the message of the device to `reply` after `requests`.
#[track_caller]
fn after(requests: &[&str], reply: &str) -> (String, Observer) {
    let mut observer = Observer::new();
    for request in requests {
        let mut frame = &*request.parse::<Query>().unwrap().to_frame(Dialect::Checksum);
        observer.next(Side::Host, &mut frame).unwrap();
    }
    let mut buffer = [0; MAX_FRAME];
    let data = reply.as_bytes();
    let len = Frame::encode(FrameKind::Data, data, Dialect::Checksum, &mut buffer).unwrap();
    let text = match observer.next(Side::Device, &mut &buffer[..len]).unwrap().message {
        Message::Reply(paired) => {
            format!("{}{}", paired.query, if paired.is_certain { "" } else { "?" })
        }
        Message::Ambiguous(candidates) => {
            candidates.requests().map(|request| format!("{request}?")).collect::<Vec<_>>().concat()
        }
        other => format!("{other:?}").split([' ', '(']).next().unwrap().to_owned(),
    };
    (text, observer)
}

#[test]
fn reply_is_paired_by_its_form() {
    let found = |requests: &[&str], reply| after(requests, reply).0;
    assert_eq!(found(&["MOD"], "05"), "MOD");
    assert_eq!(found(&["MOD", "ET"], "00006591"), "ET");
    assert_eq!(found(&["MOD", "ET"], "05"), "MOD");
    assert_eq!(found(&["ET", "ET"], "00006591"), "ET");
    assert_eq!(found(&["ET", "EY2026"], "00006591"), "ET?EY2026?");
    assert_eq!(found(&["ED20260425", "ED20260426"], "00003537"), "ED20260425?ED20260426?");
    assert_eq!(found(&["ET"], "6591"), "ET", "a reply of unusual width to the only query");
    assert_eq!(found(&["GS", "ET"], "6591"), "ET?", "a reply of unusual width");
    assert_eq!(found(&["MOD"], "0x"), "UnreadableReply");
    assert_eq!(found(&["GS", "MOD"], "0x"), "Unasked");
    assert_eq!(found(&[], "05"), "Unasked");
}

#[test]
fn reply_ends_the_wait_of_earlier_requests() {
    let waiting = |requests: &[&str], reply| {
        let waiting = after(requests, reply).1;
        waiting.waiting().map(|request| request.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(waiting(&["MOD", "GS", "ET", "PI"], "00006591"), "PI");
    assert_eq!(waiting(&["ET", "MOD", "ET"], "00006591"), "MOD ET");
    assert_eq!(waiting(&["ET", "EY2026"], "00006591"), "EY2026");
    assert_eq!(waiting(&["ET", "EY2026"], "x"), "ET EY2026");
    let mut observer = after(&["ET", "EY2026"], "x").1;
    observer.forget_requests();
    assert_eq!(observer.waiting().count(), 0);
}

#[test]
fn unknown_request_makes_the_next_reply_uncertain() {
    let mut observer = Observer::new();
    let mut buffer = [0; 32];
    let len = Frame::encode(FrameKind::Query, b"XYZ", Dialect::Checksum, &mut buffer).unwrap();
    let event = observer.next(Side::Host, &mut &buffer[..len]).unwrap();
    assert!(matches!(event.message, Message::UnknownRequest(_)));
    observer.next(Side::Host, &mut &*Query::Mode.to_frame(Dialect::Checksum)).unwrap();
    let mode = answer(Query::Mode.into(), Fate::Answered);
    for is_certain in [false, true] {
        let event = observer.next(Side::Device, &mut &mode[..]).unwrap();
        let Message::Reply(paired) = event.message else { panic!("{event:?}") };
        assert_eq!(
            (paired.is_certain, matches!(paired.reply, AnyReply::Mode(_))),
            (is_certain, true)
        );
    }
}

#[test]
fn frame_of_the_other_side_is_an_echo() {
    let mut observer = Observer::new();
    let request = Query::Mode.to_frame(Dialect::Checksum);
    observer.next(Side::Host, &mut &*request).unwrap();
    let event = observer.next(Side::Device, &mut &*request).unwrap();
    assert_eq!((event.message, event.bytes), (Message::Echo, &*request));
    assert_eq!(observer.waiting().count(), 1);
}

/// Gives the observer many requests before the first reply.
#[test]
fn reply_to_a_forgotten_request_is_never_certain() {
    let days: Vec<_> = (10..30).map(|day| format!("ED202604{day}")).collect();
    let days: Vec<_> = days.iter().map(String::as_str).collect();
    let (first, mut observer) = after(&days, "00003537");
    assert_eq!(first.matches('?').count(), 8);
    let energy = answer(days[0].parse::<Query>().unwrap().into(), Fate::Answered);
    for _ in 1..days.len() {
        let event = observer.next(Side::Device, &mut &energy[..]).unwrap();
        assert!(matches!(event.message, Message::Ambiguous(_)), "{event:?}");
    }
    // The reply to a later query of another form shows that the earlier ones are not answered any more.
    let mut ask = |text: &str, bytes: &[u8]| {
        let query: Query = text.parse().unwrap();
        observer.next(Side::Host, &mut &*query.to_frame(Dialect::Checksum)).unwrap();
        let event = observer.next(Side::Device, &mut &bytes[..]).unwrap();
        matches!(event.message, Message::Reply(paired) if paired.query == query && paired.is_certain)
    };
    assert!(ask("MOD", &answer(Query::Mode.into(), Fate::Answered)));
    assert!(ask("ED20260430", &energy));
}

#[test]
fn reply_after_many_equal_requests_is_certain() {
    assert_eq!(after(&["MOD"; 20], "05").0, "MOD");
    assert_eq!(after(&["MOD"; 20], "5").0, "MOD");
    assert_eq!(after(&[&["ET"][..], &["MOD"; 20]].concat(), "05").0, "MOD");
    assert_eq!(after(&[&["ET"][..], &["MOD"; 20]].concat(), "5").0, "MOD?");
    let mut requests = vec!["ET"; 9];
    requests[8] = "EY2026";
    assert_eq!(
        after(&[&["ED20260401"; 3][..], &["ED20260402"; 8]].concat(), "00003537").0,
        "ED20260402?"
    );
    assert_eq!(after(&requests, "00003537").0, "ET?EY2026?");
    assert_eq!(after(&[&["ET"][..], &["MOD"; 8]].concat(), "00003537").0, "");
}

#[test]
fn acknowledgement_of_a_forgotten_request_is_ambiguous() {
    let mut observer = Observer::new();
    let command = |text: &str| text.parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum);
    for text in ["POP0"; 3].iter().chain(&["POP1"; 8]) {
        observer.next(Side::Host, &mut &*command(text)).unwrap();
    }
    for bytes in [ACCEPTED, REFUSED] {
        let event = observer.next(Side::Device, &mut &bytes[..]).unwrap();
        assert!(matches!(event.message, Message::Ambiguous(_)), "{event:?}");
    }
    assert_eq!(observer.waiting().count(), 8);
}
