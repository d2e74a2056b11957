//! The exact bytes of every command, which must not change by mistake.
//!
//! Do not edit a failing frozen test. A change of these bytes is wrong unless a capture proves it right.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use pi18_proto::{Dialect, Frame, FrameKind, Query, Request, SetCommand};

const QUERIES: &[(&str, &[u8])] = &[
    ("PI", b"^P005PIq\x8B\r"),
    ("GMN", b"^P006GMN\xDDW\r"),
    ("ID", b"^P005ID\x19\xCD\r"),
    ("VFW", b"^P006VFW\xF6\xE6\r"),
    ("T", b"^P004T\xDFi\r"),
    ("ET", b"^P005ETN\x91\r"),
    ("EY2026", b"^P009EY2026\xC1\x98\r"),
    ("EM202604", b"^P011EM202604\xE4\x91\r"),
    ("ED20260426", b"^P013ED20260426\x18\xE3\r"),
    ("PIRI", b"^P007PIRI\xEE8\r"),
    ("GS", b"^P005GSX\x14\r"),
    ("GS2", b"^P006GS2B0\r"),
    ("MOD", b"^P006MOD\xDD\xBE\r"),
    ("FWS", b"^P006FWS\xC5C\r"),
    ("FLAG", b"^P007FLAG\x8E\x18\r"),
    ("DI", b"^P005DI\xBE<\r"),
    ("MCHGCR", b"^P009MCHGCR\xEE\"\r"),
    ("MUCHGCR", b"^P010MUCHGCR\xB5\x8B\r"),
    ("PRI1", b"^P007PRI1}\xBC\r"),
    ("PGS1", b"^P007PGS19\x97\r"),
    ("ACCT", b"^P007ACCT\xB74\r"),
    ("ACLT", b"^P007ACLT\xA7\x0B\r"),
    ("MODBUS", b"^P009MODBUSx?\r"),
    ("LED", b"^P006LED\x05E\r"),
    ("TWIN", b"^P007TWIN\xD3\xC5\r"),
    ("BSC", b"^P006BSC\xC7v\r"),
    ("PRI6", b"^P007PRI6\x0E[\r"),
    ("PGS0", b"^P007PGS0)\xB6\r"),
    ("ED20221218", b"^P013ED20221218\xE1l\r"),
];

const SETS: &[(&str, &[u8])] = &[
    ("LON1", b"^S007LON1y\xF9\r"),
    ("PEA", b"^S006PEA\xBB`\r"),
    ("PDA", b"^S006PDA\x88Q\r"),
    ("PF", b"^S005PFN\x84\r"),
    ("MCHGC0,060", b"^S013MCHGC0,060;\x1B\r"),
    ("MCHGC1,040", b"^S013MCHGC1,040\xF7)\r"),
    ("MUCHGC0,030", b"^S014MUCHGC0,030\xEE\xDD\r"),
    ("MUCHGC0,060", b"^S014MUCHGC0,060\x11)\r"),
    ("F50", b"^S006F50,L\r"),
    ("MCHGV564,540", b"^S015MCHGV564,540\x8B\x8D\r"),
    ("V2300", b"^S008V2300u\x81\r"),
    ("POP1", b"^S007POP1\x0E\x10\r"),
    ("BUCD480,540", b"^S014BUCD480,540\xDC\xE3\r"),
    ("PCP0,1", b"^S009PCP0,1\x8F\x07\r"),
    ("PSP0", b"^S007PSP0+3\r"),
    ("PGR0", b"^S007PGR0\xD2\xF2\r"),
    ("PBT2", b"^S007PBT2\xB3\xE6\r"),
    ("POPM0,1", b"^S010POPM0,1\xC0\x02\r"),
    ("PSDV480", b"^S010PSDV480Z\xD7\r"),
    ("ID1496132206100410000000", b"^S027ID1496132206100410000000\xDE\x18\r"),
    ("CLE", b"^S006CLE[O\r"),
    ("DAT260426130500", b"^S018DAT260426130500\xA0\x95\r"),
    ("ACCT0000,2359", b"^S016ACCT0000,2359\x10?\r"),
    ("ACLT0000,2359", b"^S016ACLT0000,2359\x9B\x0C\r"),
    ("RS00", b"^S007RS00\xCDq\r"),
    ("MODBUS001,3,1,0", b"^S018MODBUS001,3,1,0\xA7)\r"),
    ("LEDE1", b"^S008LEDE1\x9E8\r"),
    ("LEDS1", b"^S008LEDS17\xED\r"),
    ("LEDM2", b"^S008LEDM2'\xF2\r"),
    ("LEDB2", b"^S008LEDB27\xCC\r"),
    ("LEDD0", b"^S008LEDD0\xBD)\r"),
    ("LEDC1000100255", b"^S017LEDC1000100255W\x14\r"),
    ("LEDC2255000000", b"^S017LEDC2255000000\x955\r"),
    ("LEDC3000255000", b"^S017LEDC3000255000\x19\\\r"),
    ("LEDCWEL1", b"^S011LEDCWEL1i\xDD\r"),
    ("PSDS010", b"^S010PSDS010\x80\xCA\r"),
    ("PSDS2020", b"^S011PSDS2020:\xC2\r"),
    ("PBCS030", b"^S010PBCS030\xDEX\r"),
    ("PBDS080", b"^S010PBDS080ev\r"),
    ("POP0", b"^S007POP0\x1D1\r"),
    ("PEJ", b"^S006PEJ\x0B\x0B\r"),
    ("PCP6,2", b"^S009PCP6,2\x0E\xC4\r"),
    ("PCP7,1", b"^S009PCP7,1\x0B\x97\r"),
    ("PSDV412", b"^S010PSDV412\xC0\x0E\r"),
    ("PSDV474", b"^S010PSDV474\x0Bm\r"),
    ("PSDV450", b"^S010PSDV450,\x8B\r"),
    ("LON0", b"^S007LON0i\xD8\r"),
    ("BUCD440,480", b"^S014BUCD440,480\xA5]\r"),
    ("MCHGV542,540", b"^S015MCHGV542,540\xCDH\r"),
    ("DAT240615123456", b"^S018DAT240615123456O8\r"),
];

/// Computes CRC-16/XMODEM bit by bit and increments framing bytes. It follows the protocol sheet and
/// shares no code with the crate.
fn checksum(covered: &[u8]) -> [u8; 2] {
    let mut crc = 0_u16;
    for &byte in covered {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    let increment = |byte| if matches!(byte, 0x28 | 0x0D | 0x0A) { byte + 1 } else { byte };
    crc.to_be_bytes().map(increment)
}

fn frozen() -> impl Iterator<Item = (Request, &'static str, &'static [u8])> {
    let queries = QUERIES
        .iter()
        .map(|&(text, bytes)| (Request::from(text.parse::<Query>().unwrap()), text, bytes));
    let sets = SETS
        .iter()
        .map(|&(text, bytes)| (Request::from(text.parse::<SetCommand>().unwrap()), text, bytes));
    queries.chain(sets)
}

#[test]
fn command_encodes_to_its_frozen_bytes() {
    for (request, text, bytes) in frozen() {
        let frame = request.to_frame(Dialect::Checksum);
        assert_eq!(frame.escape_ascii().to_string(), bytes.escape_ascii().to_string(), "{text}");
    }
}

#[test]
fn dialect_without_checksum_omits_only_the_checksum() {
    for (request, text, bytes) in frozen() {
        let expected = [&bytes[..bytes.len() - 3], b"\r"].concat();
        assert_eq!(*request.to_frame(Dialect::NoChecksum), *expected, "{text}");
    }
}

#[test]
fn frozen_bytes_decode_to_their_command() {
    for (request, text, bytes) in frozen() {
        let frame = Frame::parse(bytes).unwrap();
        assert_eq!(frame.data(), text.as_bytes());
        assert_eq!(Request::decode(&frame), Ok(request));
        assert_eq!(request.to_string(), text);
    }
}

#[test]
fn independent_checksum_matches_frozen_bytes() {
    for (_, text, bytes) in frozen() {
        let (covered, rest) = bytes.split_at(bytes.len() - 3);
        let [high, low] = checksum(covered);
        assert_eq!(rest, [high, low, b'\r'], "{text}");
        assert_eq!(pi18_proto::checksum(covered), [high, low], "{text}");
        assert_eq!(covered[2..5], *format!("{:03}", text.len() + 3).as_bytes(), "{text}");
    }
}

#[test]
fn every_command_has_frozen_bytes() {
    let frozen: BTreeSet<_> = frozen().map(|(_, text, _)| text).collect();
    let queries = Query::LIST.iter().map(|info| info.example);
    let sets = SetCommand::LIST.iter().map(|info| info.example);
    for example in queries.chain(sets) {
        assert!(frozen.contains(example), "{example} is not frozen");
    }
}

/// A checksum byte that equals a framing byte is incremented. These requests have such a checksum.
#[test]
fn incremented_checksums_are_frozen() {
    for text in [
        "POP1",
        "PEJ",
        "PCP6,2",
        "PCP7,1",
        "MCHGC1,040",
        "MUCHGC0,060",
        "PSDV412",
        "PSDV474",
        "ACLT",
        "PRI6",
    ] {
        let (_, _, bytes) = frozen().find(|&(_, frozen, _)| frozen == text).unwrap();
        let sum = &bytes[bytes.len() - 3..bytes.len() - 1];
        let is_incremented = sum.iter().any(|byte| matches!(byte, 0x29 | 0x0E | 0x0B));
        assert!(is_incremented, "{text}: {}", sum.escape_ascii());
    }
}

/// No unit accepts a cut-off voltage of 48.5 V, so `SetCommand` cannot hold it. Its bytes nevertheless
/// form a valid frame.
#[test]
fn command_out_of_range_has_frozen_bytes_but_no_value() {
    const BYTES: &[u8] = b"^S010PSDV485\x0Br\r";
    let mut buffer = [0; 32];
    let len = Frame::encode(FrameKind::Set, b"PSDV485", Dialect::Checksum, &mut buffer).unwrap();
    assert_eq!(buffer.get(..len), Some(BYTES));
    assert_eq!(Frame::parse(BYTES).unwrap().data(), b"PSDV485");
    assert!("PSDV485".parse::<SetCommand>().is_err());
}
