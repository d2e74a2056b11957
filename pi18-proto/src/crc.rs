//! The checksum of a frame: CRC-16/XMODEM whose bytes never equal a framing byte.
//!
//! A checksum byte equal to `(`, CR or LF is incremented, so that the first CR always ends a frame.
//! The incremented values `)`, `0x0E` and `0x0B` also occur as genuine checksum bytes, so a receiver
//! cannot decrement them: it computes the checksum, increments, and compares.
//!
//! Source: PI18 2017 and 2022, "CRC"; captures `T` (raw `0D52`, sent `0E52`) and `VFW` (raw `28DD`,
//! sent `29DD`).

use crc::{CRC_16_XMODEM, Crc};

/// Returns the two checksum bytes that follow `covered`, the bytes of a frame from its first one.
///
/// ```
/// assert_eq!(pi18_proto::checksum(b"^D00518"), *b"\x3B\x03");
/// ```
#[must_use]
pub const fn checksum(covered: &[u8]) -> [u8; 2] {
    let [high, low] = crc(covered).to_be_bytes();
    [increment_framing_byte(high), increment_framing_byte(low)]
}

/// Returns whether `found` is a valid checksum of `covered`.
///
/// Some host programs also increment `00` to `01`. That is accepted, but never sent.
pub(crate) fn matches(covered: &[u8], found: [u8; 2]) -> bool {
    let expected = checksum(covered);
    expected == found || expected.map(|byte| byte.max(1)) == found
}

const fn increment_framing_byte(byte: u8) -> u8 {
    match byte {
        b'(' | b'\r' | b'\n' => byte + 1,
        _ => byte,
    }
}

#[cfg(not(feature = "crc-large"))]
const fn crc(bytes: &[u8]) -> u16 {
    /// A table of 512 bytes.
    static XMODEM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

    XMODEM.checksum(bytes)
}

#[cfg(feature = "crc-large")]
const fn crc(bytes: &[u8]) -> u16 {
    /// A table of 8 KiB, with which one step processes 16 bytes.
    static XMODEM: Crc<u16, crc::Table<16>> = Crc::<u16, crc::Table<16>>::new(&CRC_16_XMODEM);

    let Some(first) = bytes.first_chunk() else {
        return XMODEM.checksum(bytes);
    };
    // Leading zeros do not change this CRC, so they complete the first step.
    let (odd, mut steps) = bytes.as_rchunks::<16>();
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "at most 128")]
    let padding = 8 * (16 - odd.len()) as u32;
    let mut digest = XMODEM.digest();
    digest.update(&u128::from_be_bytes(*first).unbounded_shr(padding).to_be_bytes());
    while let [step, after @ ..] = steps {
        digest.update(step);
        steps = after;
    }
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_any_length_equals_the_bitwise_one() {
        let bitwise = |bytes: &[u8]| {
            bytes.iter().fold(0_u16, |crc, &byte| {
                (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                    if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
                })
            })
        };
        let bytes: std::vec::Vec<u8> = (1..=130_u8).map(|n| n.wrapping_mul(167)).collect();
        for start in 0..4 {
            for end in start..=bytes.len() {
                let bytes = &bytes[start..end];
                assert_eq!(crc(bytes), bitwise(bytes), "{} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn framing_byte_in_checksum_is_incremented() {
        assert_eq!(checksum(b"^D01720210521234743"), [0x0E, 0x52]);
        assert_eq!(checksum(b"^D02005402,08025,00000"), [0x29, 0xDD]);
        assert_eq!(checksum(b"^S007POP1"), [0x0E, 0x10]);
    }

    #[test]
    fn genuine_byte_that_equals_an_incremented_one_is_kept() {
        assert_eq!(checksum(b"^D01105580051"), [0x0B, 0x9F]);
        assert_eq!(checksum(b"^P007PGS0"), [0x29, 0xB6]);
    }

    #[test]
    fn zero_byte_matches_one_but_is_sent_as_zero() {
        let zero = (0u16..).find_map(|n| {
            let frame = std::format!("^P013ED{:08}", 20_200_101 + u32::from(n));
            let [high, low] = checksum(frame.as_bytes());
            (low == 0 && high > 1).then_some((frame, high))
        });
        let (frame, high) = zero.unwrap();
        assert!(matches(frame.as_bytes(), [high, 0]));
        assert!(matches(frame.as_bytes(), [high, 1]));
        assert!(!matches(frame.as_bytes(), [high, 2]));
    }

    #[test]
    fn checksum_never_contains_a_framing_byte() {
        for n in 0..=u16::MAX {
            let [high, low] = checksum(&n.to_be_bytes());
            assert!(![b'(', b'\r', b'\n'].contains(&high), "{n:04X}");
            assert!(![b'(', b'\r', b'\n'].contains(&low), "{n:04X}");
        }
    }
}
