//! Generated logs with all kinds of lines, including damaged ones.

use fastrand::Rng;
use pi18_proto::{Dialect, Frame, FrameKind, MAX_FRAME, Query, SetCommand};
use pi18_transport::to_hex;

/// Returns lines of captures and pollers: most are valid, and most contain the command.
pub(crate) fn log(lines: usize, seed: u64) -> Vec<u8> {
    let mut random = Rng::with_seed(seed);
    let mut log = Vec::new();
    for number in 0..lines {
        let mut line = line(&mut random, number);
        line.retain(|&byte| byte != b'\n');
        log.extend(line);
        log.push(b'\n');
    }
    log
}

/// Returns valid lines of a program that polls a unit.
pub(crate) fn polled(lines: usize) -> Vec<u8> {
    let asked = ["GS", "MOD", "FWS", "PGS1", "GS", "PIRI"];
    let lines = asked.iter().cycle().take(lines).enumerate().map(|(number, command)| {
        let info = command.parse::<Query>().unwrap().info();
        let hex = to_hex(&frame(FrameKind::Data, info.sample.as_bytes()));
        format!("{{\"id\": {number}, \"command\": \"{command}\", \"hex\": \"{hex}\"}}\n")
    });
    lines.collect::<String>().into_bytes()
}

fn line(random: &mut Rng, number: usize) -> Vec<u8> {
    let info = pick(random, Query::LIST);
    let data = match random.u8(..8) {
        0 => vary(random, info.sample),
        _ => info.sample.to_owned(),
    };
    let reply = frame(FrameKind::Data, data.as_bytes());
    let valid = to_hex(&reply);
    let command = match random.u8(..8) {
        0 => info.example.to_lowercase(),
        1 => info.mnemonic.to_owned(),
        _ => info.example.to_owned(),
    };
    match random.u8(..24) {
        0..8 => format!(r#"{{"id": {number}, "command": "{command}", "hex": "{valid}"}}"#).into(),
        8 => format!("{command} {valid}").into(),
        9 => valid.into(),
        10 => format!("b'{}'", reply.escape_ascii()).into(),
        11 => {
            let query = info.example.parse::<Query>().unwrap().to_frame(Dialect::Checksum);
            capture("sent", &query)
        }
        12 | 13 => capture("received", &reply),
        14 => {
            let set = pick(random, SetCommand::LIST).example.parse::<SetCommand>().unwrap();
            let dialect = *pick(random, &[Dialect::Checksum, Dialect::NoChecksum]);
            format!("{}", set.to_frame(dialect).escape_ascii()).into()
        }
        15 => pick(random, &[r"^1\x0b\xc2\r", r"^0\x1b\xe3\r", r"(NAKss\r", r"^1\x0b\xc3\r"])
            .as_bytes()
            .to_vec(),
        16..19 => {
            let damaged = damage(random, &reply);
            format!(r#"{{"command": "{command}", "hex": "{}"}}"#, to_hex(&damaged)).into()
        }
        19 => damage(random, valid.as_bytes()),
        20 => damage(
            random,
            format!(r#"{{"id":"é","command":"{command}","hex":"{valid}"}}"#).as_bytes(),
        ),
        21 => pick(random, ODD).replace("HEX", &valid).into(),
        22 => {
            let pairs = valid.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair));
            pairs.collect::<Vec<_>>().join(*pick(random, &[" ", ":", "  "])).into()
        }
        _ => std::iter::repeat_with(|| random.u8(..)).take(40).collect(),
    }
}

/// Unusual lines, as written by other programs or by hand.
const ODD: &[&str] = &[
    "",
    "   ",
    "hello",
    "{",
    "{}",
    "[1]",
    r#"{"hex": 5}"#,
    r#"{"hex": "HEX", "hex": "5e"}"#,
    r#"{"id": null, "hex": "HEX"}"#,
    r#"{"id": -7, "hex": "HEX", "more": [1, {"a": null}]}"#,
    r#"{"id": 1e3, "command": "GS", "hex": "HEX"}"#,
    r#"{"id": -0, "hex": "HEX"}"#,
    r#"{"id": 123456789012345678901234567890, "hex": "HEX"}"#,
    r#"{"id": {"b": 1, "a": [2.50]}, "command": "MOD", "hex": "HEX"}"#,
    r#"{"id": "a\"\u00e9\n", "command": "G\u0053", "hex": "HEX"}"#,
    r#"{"id": true, "command": 5, "hex": "HEX"}"#,
    r#"{"id": 5, "command": null, "direction": "received", "hex": "HEX"}"#,
    r#"{"direction": "sideways", "hex": "HEX"} "#,
    r#"{"direction": {"sent": null}, "hex": "HEX"}"#,
    r#"{"hex": "HEX"} x"#,
    r#"{"id": "\ud800", "hex": "HEX"}"#,
    r#"{"note": "\ud800", "hex": "HEX"}"#,
    r#"{"note": 1e999, "hex": "HEX"}"#,
    r#"{"hex": "HE"}"#,
    "\u{feff}GS HEX",
    "GS\tHEX",
    "SET HEX",
    "POP HEX",
    "pgs HEX",
    "ED20261340 HEX",
    "HEX0",
    "000000",
    "5e4430303530",
    r"^D00505\xd9\x9f\r",
    r"^D00505\xd9\x9f",
    r"^D00505\xd9\x9f\r\0\0",
    r"\0\0^D00505\xd9\x9f\r",
    r"junk^D00505\xd9\x9f\rbehind",
    r"^D00505\xd9\x9f^D00518;\x03\r",
    r"^D0200,0,0,0,0,1,0,0,12\xc29\r",
    r"^D00505\xd",
    r"^D00505\q",
    r"^P005GS\r",
    r#"b"^P005GSX\x14\r""#,
];

/// Changes one field, or adds or removes one.
fn vary(random: &mut Rng, sample: &str) -> String {
    let mut fields: Vec<String> = sample.split(',').map(str::to_owned).collect();
    let at = random.usize(..fields.len());
    match random.u8(..5) {
        0 => fields.push(random.u16(..).to_string()),
        1 => drop(fields.remove(at)),
        2 => fields[at].push('x'),
        _ => {
            let width = fields[at].len();
            fields[at] = (0..width).map(|_| random.digit(10)).collect();
        }
    }
    fields.join(",")
}

fn damage(random: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.usize(..bytes.len());
    match random.u8(..5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.u8(..)),
        2 => drop(bytes.remove(at)),
        3 => bytes.extend_from_within(at..),
        _ => bytes[at] ^= 1 << random.u8(..8),
    }
    bytes
}

fn capture(direction: &str, bytes: &[u8]) -> Vec<u8> {
    let time = "2026-11-23T03:22:47.123Z";
    format!(r#"{{"time":"{time}","direction":"{direction}","hex":"{}"}}"#, to_hex(bytes)).into()
}

fn frame(kind: FrameKind, data: &[u8]) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    let len = Frame::encode(kind, data, Dialect::Checksum, &mut buffer).unwrap();
    buffer[..len].to_vec()
}

fn pick<'a, T>(random: &mut Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}
