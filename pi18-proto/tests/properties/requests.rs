//! Requests: round trips and errors.

use super::*;

#[test]
fn every_request_round_trips() {
    let accepted = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let check = |mnemonic: &str, fields: &[FieldInfo], tokens: Vec<String>, is_set| {
        let text = format!("{mnemonic}{}", tokens.join(","));
        let request = match parse_request(&text, is_set) {
            Ok(request) => request,
            Err(DecodeError::Field { field, .. }) => {
                // Ranges have gaps, and not every code has a name.
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
    // Two random numbers are hardly ever both multiples of their steps; the examples are.
    for info in SetCommand::LIST {
        let values = info.example.strip_prefix(info.mnemonic).unwrap();
        let tokens =
            if values.is_empty() { vec![] } else { values.split(',').map(str::to_owned).collect() };
        check(info.mnemonic, info.fields, tokens, true).unwrap();
    }
    let all = Query::LIST.len() + SetCommand::LIST.len();
    assert_eq!(
        accepted.into_inner().len(),
        all,
        "expected every command to be built at least once"
    );
}

#[test]
fn longest_requests_fit_into_a_request_frame() {
    for text in ["ID20", "MCHGC9,999", "LEDC3255255255", "DAT991231235959", "MODBUS277,3,1,2"] {
        let text = if text == "ID20" { format!("ID20{}", "9".repeat(20)) } else { text.to_owned() };
        let frame = text.parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum);
        assert_eq!(frame.len(), text.len() + 8);
    }
}

#[test]
fn request_with_extra_or_missing_bytes_is_refused() {
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
            // The shortened text must not be read as the same request.
            prop_assert_ne!(parse_request(&short, is_set).ok(), Some(request));
        }
        Ok(())
    });
}
