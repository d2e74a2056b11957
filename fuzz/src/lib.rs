//! What must hold for any bytes, as plain functions: libFuzzer calls them with what it makes up,
//! `cargo test` with the corpus.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a panic is what a fuzzer looks for")]

mod bank;
mod settings;

pub use bank::{rules, snapshot};
pub use settings::{journal, plan, profile};

use pi18_proto::{
    AnyReply, DecodeError, Dialect, Frame, FrameKind, FrameReader, MAX_FRAME, Query, Received,
    Request, RequestFrame, SetCommand,
};

/// A stream, the first byte of `data` its chunk size: every byte is handed out once, frames hold,
/// and the chunks make no difference.
///
/// # Panics
/// If that does not hold.
pub fn frame_reader(data: &[u8]) {
    let Some((&chunk, stream)) = data.split_first() else { return };
    check_reader::<MAX_FRAME>(stream, usize::from(chunk) + 1);
    check_reader::<64>(stream, usize::from(chunk) + 1);
}

/// The data of a reply, the first byte of `data` which query it answers: it is refused with a place
/// inside the data, or comes out the same after being written and read again.
///
/// # Panics
/// If that does not hold.
pub fn reply(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else { return };
    let query = nth_query(kind);
    match query.parse_reply(data) {
        Ok((reply, extra)) => {
            assert_eq!(extra.is_empty(), extra.count() == 0);
            check_reply(query, &reply);
        }
        Err(error) => check_place(error, query.info().mnemonic, data),
    }
}

/// The data of a request: what is understood is written back to the same value, in both dialects and
/// as text.
///
/// # Panics
/// If that does not hold.
pub fn request(data: &[u8]) {
    match Query::decode(data) {
        Ok(query) => {
            assert_eq!(query.to_string().as_bytes(), data);
            check_request(Request::Query(query));
        }
        Err(error) => check_error(error, data),
    }
    match SetCommand::decode(data) {
        Ok(command) => {
            assert_eq!(command.to_string().as_bytes(), data);
            check_request(Request::Set(command));
        }
        Err(error) => check_error(error, data),
    }
}

/// A whole frame, right or nearly: with its checksum made right it is taken, and what it says is
/// written back.
///
/// # Panics
/// If that does not hold.
pub fn round_trip(data: &[u8]) {
    if let Ok(frame) = Frame::parse(data) {
        check_frame(&frame);
    }
    let covered: Vec<u8> = data.iter().copied().filter(|&byte| byte != b'\r').collect();
    let mut sealed = covered.clone();
    sealed.extend(pi18_proto::checksum(&covered));
    sealed.push(b'\r');
    match Frame::parse(&sealed) {
        Ok(frame) => {
            // Or it is a request whose length is right only if the checksum is data.
            let is_data = frame.data().len() + 3 == covered.len();
            assert!(frame.has_checksum() || (is_data && frame.wrong_length().is_none()));
            check_frame(&frame);
        }
        // Bytes that start like a frame and have three digits of length and a right checksum are
        // refused only if they hold a frame that lost its end.
        Err(error) => {
            let starts = covered.starts_with(b"^D")
                || covered.starts_with(b"^P")
                || covered.starts_with(b"^S");
            let digits =
                covered.get(2..5).is_some_and(|length| length.iter().all(u8::is_ascii_digit));
            let joined = matches!(error, DecodeError::End { .. });
            assert!(!(starts && digits) || joined, "{error}: {}", sealed.escape_ascii());
        }
    }
}

fn nth_query(kind: u8) -> Query {
    let info = &Query::LIST[usize::from(kind) % Query::LIST.len()];
    info.example.parse().unwrap_or_else(|error| panic!("{}: {error}", info.example))
}

fn check_frame(frame: &Frame<'_>) {
    match frame.kind() {
        FrameKind::Query | FrameKind::Set => {
            if let Ok(request) = Request::decode(frame) {
                check_request(request);
            }
        }
        FrameKind::Data => {
            for info in Query::candidates(frame.data()) {
                let Ok(query) = info.example.parse::<Query>() else {
                    panic!("{} is no example", info.example)
                };
                let Ok((reply, extra)) = query.parse_reply(frame.data()) else {
                    panic!("{query} is no candidate")
                };
                assert!(extra.is_empty());
                let mut buffer = [0; MAX_FRAME];
                assert_eq!(reply.encode(&mut buffer), Ok(frame.data().len()));
                assert_eq!(&buffer[..frame.data().len()], frame.data());
                check_reply(query, &reply);
            }
        }
        _ => assert!(frame.data().is_empty()),
    }
}

fn check_reply(query: Query, reply: &AnyReply) {
    let mut buffer = [0; MAX_FRAME];
    let Ok(len) = reply.encode_frame(&mut buffer) else { panic!("{reply:?} does not fit") };
    let frame = Frame::parse(&buffer[..len])
        .unwrap_or_else(|error| panic!("{error}: {}", buffer[..len].escape_ascii()));
    assert_eq!(frame.warnings().count(), 0);
    let (again, extra) = query
        .parse_reply(frame.data())
        .unwrap_or_else(|error| panic!("{error}: {}", frame.data().escape_ascii()));
    assert_eq!(&again, reply);
    assert!(extra.is_empty());
    // A buffer that is exactly long enough is; one byte less is not.
    assert_eq!(reply.encode_frame(&mut buffer[..len]), Ok(len));
    assert!(reply.encode_frame(&mut buffer[..len - 1]).is_err());
    let mut shown = 0;
    reply.visit(&mut |_, value| shown += usize::from(!format!("{value}").is_empty()));
    assert!(shown <= query.info().fields.len());
}

fn check_request(request: Request) {
    let text = request.to_string();
    for dialect in [Dialect::Checksum, Dialect::NoChecksum] {
        let bytes = request.to_frame(dialect);
        assert!(!bytes.is_empty() && bytes.len() <= RequestFrame::CAPACITY);
        let frame = Frame::parse(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
        assert_eq!(frame.data(), text.as_bytes());
        assert_eq!(frame.wrong_length(), None);
        assert_eq!(Request::decode(&frame), Ok(request));
    }
    let again = match request {
        Request::Query(_) => text.parse().map(Request::Query),
        Request::Set(_) => text.parse().map(Request::Set),
    };
    assert_eq!(again, Ok(request));
}

fn check_error(error: DecodeError, data: &[u8]) {
    match error {
        DecodeError::Field { message, .. } | DecodeError::Trailing { message, .. } => {
            check_place(error, message, data);
            assert!(data.starts_with(message.as_bytes()));
        }
        DecodeError::Width { message, found, .. } => {
            assert!(data.starts_with(message.as_bytes()) && data.starts_with(found.bytes()));
        }
        DecodeError::UnknownCommand { found, .. } => assert!(data.starts_with(found.bytes())),
        other => panic!("{other} for {}", data.escape_ascii()),
    }
}

/// The place that an error names holds what it says it holds.
fn check_place(error: DecodeError, mnemonic: &str, data: &[u8]) {
    let (DecodeError::Field { message, at, found, .. }
    | DecodeError::Trailing { message, at, found, .. }) = error
    else {
        panic!("{error} for {}", data.escape_ascii())
    };
    assert_eq!(message, mnemonic);
    assert!(data[at..].starts_with(found.bytes()), "{error}: {}", data.escape_ascii());
    assert!(!error.to_string().is_empty());
}

fn check_reader<const N: usize>(stream: &[u8], chunk: usize) {
    let whole = read::<N>(stream, stream.len().max(1));
    assert_eq!(read::<N>(stream, chunk), whole);
    let out: Vec<u8> = whole.iter().flatten().copied().collect();
    // Zeros between frames are padding; nothing else may go missing.
    let kept = |bytes: &[u8]| bytes.iter().copied().filter(|&byte| byte != 0).collect::<Vec<_>>();
    assert_eq!(kept(&out), kept(stream));
    assert!(out.len() <= stream.len());
}

fn read<const N: usize>(stream: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::<N>::with_capacity();
    let mut out = Vec::new();
    for mut rest in stream.chunks(chunk) {
        while let Some(received) = reader.next(&mut rest) {
            out.extend(pieces(received));
        }
        assert!(rest.is_empty() && reader.pending().len() <= N);
    }
    if let Some(received) = reader.flush() {
        out.extend(pieces(received));
    }
    assert!(reader.pending().is_empty());
    out
}

fn pieces(received: Received<'_>) -> Vec<Vec<u8>> {
    match received {
        Received::Frame { frame, bytes, skipped } => {
            assert_eq!(Frame::parse(bytes), Ok(frame));
            assert!(bytes.ends_with(b"\r"));
            vec![skipped.to_vec(), bytes.to_vec()]
        }
        Received::Discarded { bytes, error } => {
            assert!(!bytes.is_empty() && !error.to_string().is_empty());
            vec![bytes.to_vec()]
        }
    }
}
