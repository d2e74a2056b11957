//! Frames, and the reader that finds them in a stream of bytes.

use super::*;

/// Generates whole frames of every kind.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let replies = (0..Query::LIST.len()).prop_flat_map(|kind| {
        let info = &Query::LIST[kind];
        tokens(info.fields).prop_map(|tokens| {
            let query: Query = info.example.parse().unwrap();
            let reply = query.parse_reply(data(&tokens).as_bytes()).unwrap().0;
            let mut buffer = [0; MAX_FRAME];
            let len = reply.encode_frame(&mut buffer).unwrap();
            buffer[..len].to_vec()
        })
    });
    prop_oneof![6 => replies, 2 => any_request(), 1 => any_acknowledgement()]
}

fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let query = |info: &QueryInfo| Request::Query(info.example.parse().unwrap());
    let queries = Query::LIST.iter().map(query);
    let sets = SetCommand::LIST.iter().map(|info| Request::Set(info.example.parse().unwrap()));
    select(queries.chain(sets).collect::<Vec<_>>())
        .prop_map(|request| request.to_frame(Dialect::Checksum).to_vec())
}

fn any_acknowledgement() -> impl Strategy<Value = Vec<u8>> {
    select(vec![ACCEPTED, REFUSED, NOT_UNDERSTOOD]).prop_map(<[u8]>::to_vec)
}

/// Returns a reply of an energy counter. Different values of `wh` result in different checksums.
fn energy(wh: u32) -> Vec<u8> {
    let mut frame = format!("^D011{wh:08}").into_bytes();
    frame.extend(pi18_proto::checksum(&frame));
    frame.push(b'\r');
    frame
}

/// Computes the CRC without incrementing framing bytes.
fn raw_checksum(covered: &[u8]) -> [u8; 2] {
    let mut crc = 0_u16;
    for &byte in covered {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc.to_be_bytes()
}

/// Returns the frame with its stated length changed by `by`, and with a new checksum.
fn restated(frame: &[u8], by: i32) -> Vec<u8> {
    if !matches!(frame[1], b'D' | b'P' | b'S') {
        return frame.to_vec();
    }
    let stated: i32 = std::str::from_utf8(&frame[2..5]).unwrap().parse().unwrap();
    let mut restated = frame[..frame.len() - 3].to_vec();
    restated[2..5].copy_from_slice(format!("{:03}", (stated + by).max(0)).as_bytes());
    restated.extend(pi18_proto::checksum(&restated));
    restated.push(b'\r');
    restated
}

/// Returns whether a byte of the checksum was incremented.
fn is_incremented(frame: &[u8]) -> bool {
    let (covered, sum) = frame.split_at(frame.len() - 3);
    sum[..2] != raw_checksum(covered)
}

/// Returns whether a byte of the checksum has two meanings: incremented or genuine, or 01 for 00.
fn is_ambiguous(sum: &[u8]) -> bool {
    sum.iter().any(|byte| matches!(byte, 0x00 | 0x01 | 0x0A..=0x0E | 0x28 | 0x29))
}

/// Everything that a reader returns, in order.
#[derive(Debug, Default, PartialEq)]
struct Found {
    frames: Vec<Vec<u8>>,
    skipped: Vec<u8>,
    /// All bytes returned, of frames and others.
    all: Vec<u8>,
}

fn read<const N: usize>(stream: &[u8], chunks: &[usize]) -> Found {
    let mut reader = FrameReader::<N>::with_capacity();
    let mut found = Found::default();
    let mut rest = stream;
    for &chunk in chunks.iter().cycle() {
        let (mut input, later) = rest.split_at(chunk.min(rest.len()));
        while let Some(received) = reader.next(&mut input) {
            keep(&mut found, received);
        }
        assert!(input.is_empty());
        assert!(reader.pending().len() <= N);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    if let Some(received) = reader.flush() {
        keep(&mut found, received);
    }
    assert!(reader.pending().is_empty());
    found
}

fn keep(found: &mut Found, received: Received<'_>) {
    match received {
        Received::Frame { bytes, skipped, frame } => {
            assert_eq!(Frame::parse(bytes), Ok(frame));
            found.frames.push(bytes.to_vec());
            found.skipped.extend(skipped);
            found.all.extend([skipped, bytes].concat());
        }
        Received::Discarded { bytes, .. } => {
            found.skipped.extend(bytes);
            found.all.extend(bytes);
        }
    }
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|&byte| byte != 0).collect()
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(256) })]

    #[test]
    fn truncated_frame_is_refused(frame in any_frame()) {
        prop_assert!(Frame::parse(&frame).is_ok());
        for len in 0..frame.len() {
            prop_assert!(Frame::parse(&frame[..len]).is_err(), "{len}");
        }
        for more in [&b"\r"[..], b"\0", b"^"] {
            prop_assert!(Frame::parse(&[&frame[..], more].concat()).is_err());
        }
    }

    /// A 16-bit CRC detects every burst error of up to 16 bits. If a checksum byte has two meanings,
    /// about one burst error in 65536 is not detected; such frames are excluded.
    #[test]
    fn frame_with_a_burst_of_up_to_16_bits_is_refused(
        frame in any_frame(),
        burst in 1_u16..,
        at in any::<prop::sample::Index>(),
    ) {
        let mut damaged = frame.clone();
        let bit = at.index(frame.len() * 8);
        let mask = u32::from(burst) << 16 >> (bit % 8);
        for (byte, mask) in damaged[bit / 8..].iter_mut().zip(mask.to_be_bytes()) {
            *byte ^= mask;
        }
        prop_assume!(damaged != frame);
        let sum = |frame: &[u8]| frame[frame.len() - 3..frame.len() - 1].to_vec();
        prop_assume!(!is_ambiguous(&sum(&frame)) && !is_ambiguous(&sum(&damaged)));
        let kind = Frame::parse(&frame).unwrap().kind();
        match Frame::parse(&damaged) {
            Err(_) => {}
            // A damaged request may be a plausible request without a checksum, but is not a known command.
            Ok(frame) => {
                prop_assert!(!frame.has_checksum() && kind != FrameKind::Data);
                prop_assert!(Request::decode(&frame).is_err(), "{}", damaged.escape_ascii());
            }
        }
    }

    #[test]
    fn reader_finds_the_same_frames_in_any_chunks(
        frames in proptest::collection::vec((any_frame(), 0_usize..9), 1..8),
        chunks in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let mut stream = Vec::new();
        for (frame, padding) in &frames {
            stream.extend(frame);
            stream.extend(vec![0; *padding]);
        }
        let found = read::<MAX_FRAME>(&stream, &chunks);
        prop_assert_eq!(found.frames, frames.into_iter().map(|(frame, _)| frame).collect::<Vec<_>>());
        prop_assert!(found.skipped.is_empty());
    }

    #[test]
    fn junk_before_a_frame_is_reported_and_the_frame_found(
        junk in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..100),
            "[\\^(DPS0-9,\r]{0,60}".prop_map(String::into_bytes),
        ],
        frame in any_frame(),
        chunk in 1_usize..40,
    ) {
        let stream = [&junk[..], &frame].concat();
        let found = read::<MAX_FRAME>(&stream, &[chunk]);
        prop_assert_eq!(found.frames.last(), Some(&frame));
        prop_assert_eq!(without_zeros(&found.all), without_zeros(&stream));
    }

    #[test]
    fn reader_of_32_bytes_returns_every_byte(
        stream in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "[\\^(DPS0-9,\r]{0,300}".prop_map(String::into_bytes),
        ],
        chunks in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let whole = read::<32>(&stream, &[stream.len().max(1)]);
        prop_assert_eq!(&read::<32>(&stream, &chunks), &whole);
        prop_assert_eq!(without_zeros(&whole.all), without_zeros(&stream));
    }

    #[test]
    fn frame_after_junk_longer_than_the_reader_is_found(
        frame in any_request(),
        junk in "[ -'*-\\]_-~]{0,200}",
        chunk in 1_usize..40,
    ) {
        let stream = [junk.as_bytes(), &frame].concat();
        let found = read::<32>(&stream, &[chunk]);
        prop_assert_eq!(found.frames, vec![frame]);
        prop_assert_eq!(found.skipped, junk.into_bytes());
    }

    #[test]
    fn frame_with_valid_checksum_and_wrong_length_parses(frame in any_frame(), by in -3..=3) {
        let restated = restated(&frame, by);
        let found = Frame::parse(&restated);
        prop_assert!(found.is_ok(), "{found:?}: {}", restated.escape_ascii());
        prop_assert_eq!(found.unwrap().data(), Frame::parse(&frame).unwrap().data());
    }

    /// The CRC over bytes with their own CRC is zero, so the checksum of the last frame is valid for all.
    #[test]
    fn joined_frames_are_refused(
        lost in proptest::collection::vec((any_frame(), -3..=3, 0_usize..8), 1..4),
        last in any_frame(),
        chunk in 1_usize..40,
    ) {
        let mut stream = Vec::new();
        for (frame, by, padding) in &lost {
            let frame = restated(frame, *by);
            stream.extend(&frame[..frame.len() - 1]);
            stream.extend(vec![0; *padding]);
        }
        let skipped = stream.clone();
        stream.extend(&last);
        prop_assert!(Frame::parse(&stream).is_err());
        let found = read::<MAX_FRAME>(&stream, &[chunk]);
        prop_assert_eq!(found.frames, vec![last]);
        prop_assert_eq!(found.skipped, skipped);
    }
}

#[test]
fn joined_frames_with_incremented_checksum_are_refused() {
    let incremented: Vec<_> =
        (0..20_000).map(energy).filter(|frame| is_incremented(frame)).collect();
    assert!(incremented.len() > 300, "{}", incremented.len());
    let plain = energy(6591);
    assert!(!is_incremented(&plain));
    for frame in &incremented {
        for (first, second) in [(frame, &plain), (&plain, frame), (frame, frame)] {
            let joined = [&first[..first.len() - 1], &second[..]].concat();
            assert!(Frame::parse(&joined).is_err(), "{}", joined.escape_ascii());
            let found = read::<MAX_FRAME>(&joined, &[8]);
            assert_eq!(found.frames, std::slice::from_ref(second));
        }
    }
}

/// A frame whose stated length is one too small and whose checksum ends in `00` looks like two joined
/// frames. About one in 256 of the frames in this test is such a frame.
#[test]
fn frame_with_length_one_too_small_parses_with_any_checksum() {
    let mut ambiguous = 0;
    for number in 0..20_000 {
        let frame = restated(&energy(number), -1);
        let stated_end = frame.len() - 2;
        let (covered, sum) = frame[..stated_end].split_last_chunk::<2>().unwrap();
        ambiguous += usize::from(pi18_proto::checksum(covered) == *sum);
        let found = Frame::parse(&frame).map(|frame| frame.data().to_vec());
        assert_eq!(found, Ok(frame[5..13].to_vec()), "{}", frame.escape_ascii());
    }
    assert!((50..=110).contains(&ambiguous), "{ambiguous} of 20000 look like two frames");
}

#[test]
fn reader_size_is_capacity_and_four_words() {
    assert!(size_of::<FrameReader<32>>() <= 32 + 4 * size_of::<usize>());
    assert!(size_of::<FrameReader>() <= MAX_FRAME + 4 * size_of::<usize>());
}
