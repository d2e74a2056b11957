//! Finds the reply to a request among received bytes.

use crate::pack::frame::{FrameError, Registers, Request};

/// The result of a search.
pub(super) enum Found {
    /// The reply to the request.
    Reply(Registers),
    /// An exception of the pack.
    Refusal(FrameError),
    /// Other whole frames, but not the reply; the error of the last one.
    Other(FrameError),
    /// No whole frame, except the request itself.
    Nothing,
}

/// Searches for the reply to a request. Bytes before it may be noise, the echo of the request, or replies to
/// other requests and from other packs.
pub(super) fn search(request: Request, bytes: &[u8]) -> Found {
    let (echo, mut rest, mut other) = (request.to_bytes(), bytes, None);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(&echo) {
            rest = after;
            continue;
        }
        let Some((frame, after)) = whole_frame(rest) else {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        match request.parse_reply(frame) {
            Ok(registers) => return Found::Reply(registers),
            Err(refusal @ FrameError::Exception(_)) => return Found::Refusal(refusal),
            Err(error) => other = Some(error),
        }
        rest = after;
    }
    other.map_or(Found::Nothing, Found::Other)
}

/// Returns the reply or exception with a right checksum at the start of `bytes`, and the bytes after it.
fn whole_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[_, function, third, ..] = bytes else { return None };
    let len = match function {
        3 => 5 + usize::from(third),
        0x83 => 5,
        _ => return None,
    };
    let split = bytes.split_at_checked(len)?;
    Request::is_whole(split.0).then_some(split)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackAddress;

    const REQUEST: Request = Request::label(PackAddress::LP4_V2);

    /// Returns the reply to a request whose registers all have this value.
    fn reply(request: Request, word: u8) -> Vec<u8> {
        let mut bytes = vec![request.address().get(), 3, 2 * request.count()];
        bytes.extend(std::iter::repeat_n([0, word], request.count().into()).flatten());
        Request::with_checksum(&bytes)
    }

    #[test]
    fn reply_is_found_after_echo_noise_and_other_replies() {
        let other = PackAddress::new(1).unwrap();
        let before = [
            vec![],
            REQUEST.to_bytes().to_vec(),
            [REQUEST.to_bytes(), REQUEST.to_bytes()].concat(),
            vec![0xFF, 0x40, 0x03],
            vec![0x40, 0x03, 46, 0, 1],
            reply(Request::live(PackAddress::LP4_V2), 1),
            reply(Request::label(other), 2),
        ];
        for noise in before {
            let bytes = [noise, reply(REQUEST, 7), vec![1, 2]].concat();
            let Found::Reply(registers) = search(REQUEST, &bytes) else { panic!("{bytes:?}") };
            assert_eq!(registers.words(), [7; 23]);
        }
    }

    #[test]
    fn every_prefix_of_a_reply_is_no_reply() {
        let bytes = [REQUEST.to_bytes().to_vec(), reply(REQUEST, 7)].concat();
        for end in 0..bytes.len() {
            assert!(matches!(search(REQUEST, &bytes[..end]), Found::Nothing), "{end}");
        }
    }

    #[test]
    fn other_replies_and_refusals_are_reported() {
        let live = reply(Request::live(PackAddress::LP4_V2), 1);
        let Found::Other(error) = search(REQUEST, &live) else { panic!() };
        assert_eq!(error.to_string(), "byte 2: expected 46 data bytes, found 78");
        let refusal = Request::with_checksum(b"\x40\x83\x02");
        assert!(matches!(search(REQUEST, &refusal), Found::Refusal(_)));
        let of_another = Request::with_checksum(b"\x41\x83\x02");
        assert!(matches!(search(REQUEST, &of_another), Found::Other(_)));
    }
}
