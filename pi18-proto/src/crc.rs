//! The checksum of a frame: CRC-16/XMODEM, then each byte that would look like framing is bumped.
//!
//! A checksum byte equal to `(`, CR or LF is sent one higher, so that a CR ends a frame and nothing
//! else does. Genuine `)`, `0x0E` and `0x0B` occur too, so the step cannot be undone by looking at a
//! byte: compute, bump, compare.
//!
//! Source: PI18 2017 and 2022, "CRC"; captures `T` (raw `0D52`, sent `0E52`) and `VFW` (raw `28DD`,
//! sent `29DD`).

use crc::{CRC_16_XMODEM, Crc, Table};

/// The two checksum bytes that a sender puts after `covered`, everything from the `^` on.
///
/// ```
/// assert_eq!(pi18_proto::checksum(b"^D00518"), *b"\x3B\x03");
/// ```
#[must_use]
pub const fn checksum(covered: &[u8]) -> [u8; 2] {
    // Zeros before the first byte change nothing, so the odd bytes are made a whole step.
    let (odd, steps) = covered.split_at(covered.len() % STEP);
    let mut first = [0; STEP];
    first.split_at_mut(STEP - odd.len()).1.copy_from_slice(odd);
    let mut digest = XMODEM.digest();
    digest.update(&first);
    digest.update(steps);
    let [high, low] = digest.finalize().to_be_bytes();
    [bump(high), bump(low)]
}

/// Bytes that the table takes at a time.
const STEP: usize = 16;

/// Whether `found` vouches for `covered`.
///
/// Some host programs also bump `00` to `01`; that is accepted and never sent.
pub(crate) fn vouches(covered: &[u8], found: [u8; 2]) -> bool {
    let wanted = checksum(covered);
    wanted == found || wanted.map(|byte| byte.max(1)) == found
}

const fn bump(byte: u8) -> u8 {
    match byte {
        b'(' | b'\r' | b'\n' => byte + 1,
        _ => byte,
    }
}

/// Sixteen bytes a step; the table takes 8 KiB of read-only memory.
static XMODEM: Crc<u16, Table<STEP>> = Crc::<u16, Table<STEP>>::new(&CRC_16_XMODEM);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bumps_the_bytes_that_look_like_framing() {
        assert_eq!(checksum(b"^D01720210521234743"), [0x0E, 0x52]);
        assert_eq!(checksum(b"^D02005402,08025,00000"), [0x29, 0xDD]);
        assert_eq!(checksum(b"^S007POP1"), [0x0E, 0x10]);
    }

    #[test]
    fn keeps_bytes_that_only_look_bumped() {
        assert_eq!(checksum(b"^D01105580051"), [0x0B, 0x9F]);
        assert_eq!(checksum(b"^P007PGS0"), [0x29, 0xB6]);
    }

    #[test]
    fn accepts_a_zero_byte_sent_as_one_and_never_sends_it() {
        let zero = (0u16..).find_map(|n| {
            let frame = std::format!("^P013ED{:08}", 20_200_101 + u32::from(n));
            let [high, low] = checksum(frame.as_bytes());
            (low == 0 && high > 1).then_some((frame, high))
        });
        let (frame, high) = zero.unwrap();
        assert!(vouches(frame.as_bytes(), [high, 0]));
        assert!(vouches(frame.as_bytes(), [high, 1]));
        assert!(!vouches(frame.as_bytes(), [high, 2]));
    }

    #[test]
    fn never_yields_a_byte_that_ends_a_frame() {
        for n in 0..=u16::MAX {
            let [high, low] = checksum(&n.to_be_bytes());
            assert!(![b'(', b'\r', b'\n'].contains(&high), "{n:04X}");
            assert!(![b'(', b'\r', b'\n'].contains(&low), "{n:04X}");
        }
    }
}
