//! Replies: round trips and errors.

use super::*;

#[test]
fn every_reply_round_trips() {
    for_every_reply(|_, query, tokens| {
        let data = data(&tokens);
        let (reply, extra) = query.parse_reply(data.as_bytes()).unwrap();
        prop_assert!(extra.is_empty());
        let written = encoded(&reply);
        prop_assert_eq!(
            written.escape_ascii().to_string(),
            data.as_bytes().escape_ascii().to_string()
        );
        prop_assert!(Query::candidates(&written).any(|candidate| candidate == query.info()));
        Ok(())
    });
}

#[test]
fn visit_shows_exactly_the_present_fields() {
    for_every_reply(|info, query, tokens| {
        let (reply, _) = query.parse_reply(data(&tokens).as_bytes()).unwrap();
        let mut shown = Vec::new();
        reply.visit(&mut |field, value| shown.push((field.name, value.to_string())));
        let fields = info.fields.iter().zip(&tokens);
        let present = fields.filter(|(field, token)| !(field.optional && token.is_empty()));
        let names: Vec<_> = present.map(|(field, _)| field.name).collect();
        prop_assert_eq!(shown.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        Ok(())
    });
}

#[test]
fn truncated_reply_is_refused_with_its_first_missing_field() {
    for_every_reply(|info, query, tokens| {
        for taken in 0..info.fields.len() {
            let data = tokens[..taken].join(",");
            let missing = info.fields[taken..].iter().find(|field| !field.optional);
            match (missing, query.parse_reply(data.as_bytes())) {
                (None, outcome) => prop_assert!(outcome.is_ok()),
                (Some(missing), Err(DecodeError::Field { message, field, at, found, .. })) => {
                    prop_assert_eq!(
                        (message, field, at),
                        (info.mnemonic, missing.name, data.len())
                    );
                    prop_assert!(found.bytes().is_empty());
                }
                (Some(missing), outcome) => {
                    prop_assert!(false, "{} is missing, found {outcome:?}", missing.name);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn malformed_field_is_named_with_its_offset() {
    for_every_reply(|info, query, tokens| {
        for (target, field) in info.fields.iter().enumerate() {
            let last = tokens[target].len();
            let bad: &[_] = match field.form {
                Form::Text(_) => &[(0, '\u{1}'), (last, '\u{7F}')],
                // The characters next to the digits in ASCII, and those that other parsers ignore.
                _ => &[(0, ' '), (0, '+'), (last, '/'), (last, ':'), (last, ' '), (last, '\0')],
            };
            for &(place, bad) in bad {
                let mut tokens = tokens.clone();
                tokens[target].insert(place, bad);
                // A list is one field with several tokens.
                let item = tokens[target][..place].rfind(',').map_or(0, |comma| comma + 1);
                let before: usize = tokens[..target].iter().map(|token| token.len() + 1).sum();
                let data = tokens.join(",");
                match query.parse_reply(data.as_bytes()) {
                    Err(DecodeError::Field { message, field: name, at, found, .. }) => {
                        let expected = (info.mnemonic, field.name, before + item);
                        prop_assert_eq!((message, name, at), expected);
                        prop_assert!(!found.bytes().is_empty());
                        prop_assert!(data.as_bytes()[at..].starts_with(found.bytes()));
                    }
                    outcome => prop_assert!(false, "{data:?} gave {outcome:?}"),
                }
            }
        }
        Ok(())
    });
}

#[test]
fn unknown_fields_are_counted_and_returned() {
    let extras = proptest::collection::vec("[ -+\\--~]{0,6}", 1..5);
    for info in Query::LIST.iter().filter(|info| !is_list(info)) {
        let query: Query = info.example.parse().unwrap();
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(32) });
        let outcome = runner.run(&(tokens(info.fields), &extras), |(tokens, more)| {
            let known = query.parse_reply(data(&tokens).as_bytes()).unwrap().0;
            let all = [&tokens[..], &more[..]].concat().join(",");
            let (reply, extra) = query.parse_reply(all.as_bytes()).unwrap();
            prop_assert_eq!(reply, known);
            prop_assert_eq!(extra.count(), more.len());
            prop_assert!(!extra.is_empty());
            prop_assert!(extra.fields().eq(more.iter().map(String::as_bytes)));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", info.mnemonic));
    }
}

#[test]
fn number_with_more_leading_zeros_is_read() {
    for_every_reply(|info, query, tokens| {
        let wider = info.fields.iter().zip(&tokens).map(|(field, token)| {
            let number = !matches!(field.form, Form::Text(_)) && !token.is_empty();
            match token.strip_prefix('-') {
                Some(digits) if number => format!("-00{digits}"),
                _ if number => format!("00{token}"),
                _ => token.clone(),
            }
        });
        let wider = data(&wider.collect::<Vec<_>>());
        let data = data(&tokens);
        let narrow = query.parse_reply(data.as_bytes()).unwrap();
        prop_assert_eq!(query.parse_reply(wider.as_bytes()).unwrap(), narrow);
        Ok(())
    });
}

proptest! {
    #[test]
    fn decoding_any_bytes_does_not_panic(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..160),
            "[0-9,. -]{0,160}".prop_map(String::into_bytes),
        ],
    ) {
        for info in Query::LIST {
            let query: Query = info.example.parse().unwrap();
            if let Ok((reply, _)) = query.parse_reply(&bytes) {
                // A reply that was decoded round-trips.
                let written = encoded(&reply);
                prop_assert_eq!(query.parse_reply(&written).unwrap().0, reply);
            }
        }
        // These calls must not panic. Their results are tested elsewhere.
        let _ = Query::decode(&bytes);
        let _ = SetCommand::decode(&bytes);
        let _ = Frame::parse(&bytes).and_then(|frame| Request::decode(&frame));
    }

    #[test]
    fn decoding_a_damaged_sample_does_not_panic(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        info in select(Query::LIST),
    ) {
        let query: Query = info.example.parse().unwrap();
        let mut bytes = info.sample.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok((reply, _)) = query.parse_reply(&bytes) {
            prop_assert_eq!(query.parse_reply(&encoded(&reply)).unwrap().0, reply);
        }
    }
}
