//! Decodes the frames of real devices and programs in `frames/frames.txt`. The snapshots contain the
//! decoded fields, so that a reader can compare them with the protocol sheet.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod frames;

use std::fmt::Write;

use frames::Capture;
use pi18_proto::{
    Dialect, Frame, FrameKind, FrameReader, FrameWarning, MAX_FRAME, Query, Received, Request,
};

/// Returns the query with this mnemonic, with an invented argument.
fn query(command: &str) -> Option<Query> {
    let info = Query::LIST.iter().find(|info| info.mnemonic == command)?;
    info.example.parse().ok()
}

/// Decodes a reply and lists its fields, one per line.
#[track_caller]
fn table(command: &str, data: &[u8]) -> String {
    let query = query(command).unwrap_or_else(|| panic!("{command} is not a query"));
    let (reply, extra) = match query.parse_reply(data) {
        Ok(reply) => reply,
        Err(error) => return format!("{error}\n"),
    };
    let mut table = String::new();
    reply.visit(&mut |info, value| writeln!(table, "{:<48} {value}", info.label).unwrap());
    for field in extra.fields() {
        writeln!(table, "{:<48} {}", "(unknown)", field.escape_ascii()).unwrap();
    }
    table
}

/// Lists the warnings of a frame, one per line.
fn warnings(frame: &Frame<'_>) -> String {
    let mut lines = String::new();
    for warning in frame.warnings() {
        writeln!(lines, "{:<48} {warning}", "(warning)").unwrap();
    }
    lines
}

fn replies() -> impl Iterator<Item = Capture> {
    frames::all().into_iter().filter(Capture::is_reply)
}

fn requests() -> impl Iterator<Item = Capture> {
    frames::all().into_iter().filter(|capture| !capture.is_reply())
}

/// Returns a well-formed frame with the given data, which was published without its frame.
fn framed(data: &str) -> Vec<u8> {
    let mut frame = format!("^D{:03}{data}", data.len() + 3).into_bytes();
    frame.extend(pi18_proto::checksum(&frame));
    frame.push(b'\r');
    frame
}

#[test]
fn frames_txt_contains_35_replies_and_21_requests() {
    assert_eq!((replies().count(), requests().count()), (35, 21));
}

#[test]
fn reply_with_valid_checksum_is_decoded() {
    for capture in replies().filter(Capture::has_valid_checksum) {
        let frame = Frame::parse(&capture.bytes).unwrap();
        assert!(frame.has_checksum(), "{}", capture.id);
        match frame.kind() {
            FrameKind::Data => {
                let table = table(capture.command, frame.data()) + &warnings(&frame);
                insta::assert_snapshot!(
                    capture.id,
                    table,
                    &capture.bytes.escape_ascii().to_string()
                );
            }
            acknowledgement => insta::assert_snapshot!(capture.id, acknowledgement),
        }
    }
}

#[test]
fn decoded_reply_encodes_to_the_same_bytes() {
    let mut differ = Vec::new();
    for capture in replies().filter(Capture::has_valid_checksum) {
        let frame = Frame::parse(&capture.bytes).unwrap();
        let (FrameKind::Data, Some(query)) = (frame.kind(), query(capture.command)) else {
            continue;
        };
        let (reply, extra) = query.parse_reply(frame.data()).unwrap();
        assert!(extra.is_empty(), "{}", capture.id);
        let mut buffer = [0; MAX_FRAME];
        let len = reply.encode_frame(&mut buffer).unwrap();
        if buffer[..len] != capture.bytes {
            differ.push(capture.id);
        }
    }
    // piri-02 has a field of two digits, for which the crate writes three. The other two state a wrong
    // length.
    assert_eq!(differ, ["piri-02", "flag-03", "piri-11"]);
}

#[test]
fn reply_with_wrong_checksum_or_without_end_is_refused() {
    let mut refusals = String::new();
    for capture in replies().filter(|capture| !capture.has_valid_checksum()) {
        let error = Frame::parse(&capture.bytes).unwrap_err();
        writeln!(refusals, "{:<8} {}\n         {error}", capture.id, capture.bytes.escape_ascii())
            .unwrap();
    }
    insta::assert_snapshot!(refusals);
}

#[test]
fn wrong_length_with_valid_checksum_is_a_warning() {
    for capture in replies().filter(Capture::has_valid_checksum) {
        let frame = Frame::parse(&capture.bytes).unwrap();
        let wrong = matches!(frame.wrong_length(), Some(FrameWarning::WrongLength { .. }));
        assert_eq!(wrong, capture.sums.starts_with("length wrong"), "{}", capture.id);
    }
}

#[test]
fn stream_of_all_captures_yields_every_valid_frame() {
    let mut reader = FrameReader::new();
    let mut found = Vec::new();
    let captures: Vec<_> = replies().filter(|capture| !capture.is_cut_off()).collect();
    for capture in &captures {
        let mut rest = &capture.bytes[..];
        while let Some(received) = reader.next(&mut rest) {
            if let Received::Frame { bytes, skipped, .. } = received {
                assert!(skipped.is_empty(), "{}", capture.id);
                found.push(bytes.to_vec());
            }
        }
    }
    let expected: Vec<_> = captures
        .into_iter()
        .filter(Capture::has_valid_checksum)
        .map(|capture| capture.bytes)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn requests_are_decoded() {
    let mut table = String::new();
    for capture in requests() {
        writeln!(table, "{:<8} {}", capture.id, capture.bytes.escape_ascii()).unwrap();
        let decoded =
            Frame::parse(&capture.bytes).and_then(|frame| Ok((Request::decode(&frame)?, frame)));
        match decoded {
            Ok((request, frame)) => {
                writeln!(table, "         {request}").unwrap();
                for warning in frame.warnings() {
                    writeln!(table, "         ({warning})").unwrap();
                }
            }
            Err(error) => writeln!(table, "         {error}").unwrap(),
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn well_formed_request_encodes_to_the_bytes_of_other_programs() {
    let mut written = 0;
    for capture in requests() {
        let dialect = match capture.sums {
            "length right, checksum right" => Dialect::Checksum,
            "length right, checksum missing" => Dialect::NoChecksum,
            _ => continue,
        };
        let frame = Frame::parse(&capture.bytes).unwrap();
        let Ok(request) = Request::decode(&frame) else {
            assert_eq!(capture.id, "ey-02", "only EY without its year is refused");
            continue;
        };
        assert_eq!(*request.to_frame(dialect), *capture.bytes, "{}", capture.id);
        written += 1;
    }
    assert_eq!(written, 17);
}

/// Observed on LVX6048s: the reply to `PRI` and `PGS` without a unit number is arbitrary memory content
/// in a well-formed frame. The exact bytes are not known; these are invented from the reports.
#[test]
fn garbage_in_well_formed_frame_is_decoded_or_refused() {
    let mut text = String::new();
    for (command, data) in [
        ("PRI", "1,00,02  .               ,0,000,000,0"),
        ("PRI", "1,00,02  .  ,,,,"),
        ("PRI", "1,,02  .               ,0,000,000,0"),
        (
            "PGS",
            "1,6,00,2387,171,2387,499,0716,0165,01232,00505,012,004,518,000,337,031,036,1137,0000,\
             2088,0000,2,0,1,1,2,1,037",
        ),
        ("PGS", "1,6,00,2387,17.1,2387,499"),
        ("PGS", "1,300,00,2387,171"),
    ] {
        let bytes = framed(data);
        let frame = Frame::parse(&bytes).expect("the frame is well-formed");
        writeln!(text, "{command}: {data}\n{}", table(command, frame.data())).unwrap();
    }
    insta::assert_snapshot!(text);
}
