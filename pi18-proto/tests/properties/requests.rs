//! Requests: to bytes and back, and what is wrong with them.

use super::*;

#[test]
fn every_request_is_read_and_written_back() {
    let accepted = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let check = |mnemonic: &str, fields: &[FieldInfo], tokens: Vec<String>, is_set| {
        let text = format!("{mnemonic}{}", tokens.join(","));
        let request = match parse_request(&text, is_set) {
            Ok(request) => request,
            Err(DecodeError::Field { field, .. }) => {
                // Ranges have gaps, and not every code has a name; it is one of its own fields.
                prop_assert!(is_set && fields.iter().any(|known| known.name == field), "{text}");
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(format!("{text}: {error}"))),
        };
        accepted.borrow_mut().insert((is_set, mnemonic.to_owned()));
        prop_assert_eq!(request.mnemonic(), mnemonic);
        prop_assert_eq!(request.to_string(), text.as_str());
        for dialect in [Dialect::Checksum, Dialect::NoChecksum] {
            let bytes = request.to_frame(dialect);
            prop_assert!(!bytes.is_empty() && bytes.len() <= RequestFrame::CAPACITY, "{text}");
            let frame = Frame::parse(&bytes).unwrap();
            prop_assert_eq!(frame.has_checksum(), dialect == Dialect::Checksum);
            prop_assert_eq!(frame.wrong_length(), None);
            prop_assert_eq!(Request::decode(&frame).unwrap(), request);
        }
        let mut shown = Vec::new();
        request.visit(&mut |field, _| shown.push(field.name));
        prop_assert!(shown.into_iter().eq(fields.iter().map(|field| field.name)));
        Ok(())
    };
    for_every_request(check);
    // Made up at random, two values that come in steps are hardly ever right together.
    for info in SetCommand::LIST {
        let values = info.example.strip_prefix(info.mnemonic).unwrap();
        let tokens =
            if values.is_empty() { vec![] } else { values.split(',').map(str::to_owned).collect() };
        check(info.mnemonic, info.fields, tokens, true).unwrap();
    }
    let all = Query::LIST.len() + SetCommand::LIST.len();
    assert_eq!(accepted.into_inner().len(), all, "each kind was built at least once");
}

#[test]
fn the_longest_requests_fit() {
    for text in ["ID20", "MCHGC9,999", "LEDC3255255255", "DAT991231235959", "MODBUS277,3,1,2"] {
        let text = if text == "ID20" { format!("ID20{}", "9".repeat(20)) } else { text.to_owned() };
        let frame = text.parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum);
        assert_eq!(frame.len(), text.len() + 8);
    }
}

#[test]
fn a_request_that_goes_on_or_ends_early_is_refused() {
    for_every_request(|mnemonic, fields, tokens, is_set| {
        let text = format!("{mnemonic}{}", tokens.join(","));
        let Ok(request) = parse_request(&text, is_set) else { return Ok(()) };
        for more in [",", ",1", "\u{1}"] {
            prop_assert!(
                parse_request(&format!("{text}{more}"), is_set).is_err(),
                "{text}{more:?}"
            );
        }
        for taken in 0..fields.len() {
            let short = format!("{mnemonic}{}", tokens[..taken].join(","));
            // It may be another, shorter command, as `GS2` without its `2` is; never this one.
            prop_assert_ne!(parse_request(&short, is_set).ok(), Some(request));
        }
        Ok(())
    });
}
