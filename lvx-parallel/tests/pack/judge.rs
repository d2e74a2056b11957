//! The crate `rmodbus` reads the same frames.
//!
//! It is right about the checksum, the address and the function, and agrees there. It is wrong, and does not
//! count, in these cases:
//!
//! | frame | `rmodbus` | this crate |
//! |---|---|---|
//! | more or fewer registers than the request asked for | accepts it | refuses it |
//! | a byte count that is not the number of data bytes | accepts it from half the number on | refuses it |
//! | an odd number of data bytes | accepts it, drops the last | refuses it |
//! | no data bytes | panics | refuses it |

use std::panic::{AssertUnwindSafe, catch_unwind};

use lvx_parallel::pack::{FrameError, PackAddress, Request};
use proptest::{collection::vec, prelude::*};
use rmodbus::{ModbusProto, client::ModbusRequest};

use crate::frames::{captured, reply, with_checksum};

/// Returns the request of the judge and its bytes.
fn judge(request: Request) -> (ModbusRequest, Vec<u8>) {
    let mut judge = ModbusRequest::new(request.address().get(), ModbusProto::Rtu);
    let mut bytes = Vec::new();
    judge.generate_get_holdings(request.start(), request.count().into(), &mut bytes).unwrap();
    (judge, bytes)
}

/// Returns the registers that the judge reads; `None` if it refuses the frame or panics.
fn judged(request: Request, bytes: &[u8]) -> Option<Vec<u16>> {
    let (judge, _) = judge(request);
    let mut words = Vec::new();
    let is_accepted = judge.parse_ok(bytes).is_ok();
    if !is_accepted {
        return None;
    }
    let parsed = catch_unwind(AssertUnwindSafe(|| judge.parse_u16(bytes, &mut words)));
    parsed.ok()?.ok().map(|()| words)
}

/// Checks that this crate and the judge agree, except where the judge is wrong.
#[track_caller]
fn check(request: Request, bytes: &[u8]) {
    let theirs = judged(request, bytes);
    match (request.parse_reply(bytes), theirs) {
        (Ok(ours), theirs) => assert_eq!(theirs.as_deref(), Some(ours.words())),
        (Err(_), None)
        | (Err(FrameError::ByteCount { .. } | FrameError::Length { .. }), Some(_)) => {}
        (Err(error), Some(words)) => panic!("{error}, but the judge reads {words:?}"),
    }
}

#[test]
fn judge_sends_the_same_requests() {
    for frame in captured("request") {
        let request = Request::parse(&frame.bytes).unwrap();
        assert_eq!(judge(request).1, frame.bytes, "{}", frame.name);
    }
    let pack = PackAddress::LP4_V2;
    for request in [Request::live(pack), Request::counters(pack), Request::label(pack)] {
        assert_eq!(judge(request).1, request.to_bytes());
    }
}

#[test]
fn judge_agrees_on_captures_and_their_damage() {
    for frame in captured("") {
        let address = PackAddress::new(frame.bytes[0]).unwrap();
        for request in [frame.request(), Request::live(address), Request::label(address)] {
            check(request, &frame.bytes);
            for bit in 0..8 * frame.bytes.len() {
                let mut damaged = frame.bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                check(request, &damaged);
            }
        }
    }
}

#[test]
fn judge_is_wrong_in_the_listed_cases() {
    let request = Request::new(PackAddress::LP4_V2, 0, 2).unwrap();
    let frame = |bytes: &[u8]| with_checksum(&[&[0x40, 3], bytes].concat());
    let accepted = [
        ("fewer registers", frame(&[2, 0, 1]), vec![1]),
        ("more registers", frame(&[6, 0, 1, 0, 2, 0, 3]), vec![1, 2]),
        ("a byte count above the data", frame(&[200, 0, 1, 0, 2]), vec![1, 2]),
        ("a byte count of half the data", frame(&[2, 0, 1, 0, 2]), vec![1, 2]),
        ("an odd number of data bytes", frame(&[3, 0, 1, 0]), vec![1]),
    ];
    for (case, bytes, words) in accepted {
        assert_eq!(judged(request, &bytes), Some(words), "{case}");
        assert!(request.parse_reply(&bytes).is_err(), "{case}");
    }
    let empty = frame(&[0]);
    assert!(judge(request).0.parse_ok(&empty).is_ok());
    let panics = catch_unwind(|| {
        let _ = judge(request).0.parse_u16(&empty, &mut Vec::new());
    });
    assert!(panics.is_err());
    assert!(request.parse_reply(&empty).is_err());
}

proptest! {
    #[test]
    fn judge_agrees_on_any_reply(
        words in vec(any::<u16>(), 1..=125),
        asked in 1..=125_u8,
        is_exact: bool,
        at in any::<prop::sample::Index>(),
        change: u8,
    ) {
        let pack = PackAddress::LP4_V2;
        let count = if is_exact { words.len().try_into().unwrap() } else { asked };
        let request = Request::new(pack, 0, count).unwrap();
        let mut bytes = reply(pack, &words);
        check(request, &bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        check(request, &bytes);
        // The same change with a right checksum.
        bytes.truncate(bytes.len() - 2);
        check(request, &with_checksum(&bytes));
    }
}
