//! Decodes a capture: every question and its answer, field by field.
//!
//! Needs a file that `lvx query GS sim:0 --capture FILE` wrote; without one it shows a made-up one.
//!
//! ```text
//! cargo run -p pi18-examples --example decode_capture -- FILE
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, fs};

use pi18_proto::{Frame, Request};
use pi18_transport::{CaptureDirection, CaptureLine, from_hex};

const MADE_UP: &str = r#"
{"time":"2026-04-26T13:05:00Z","direction":"sent","hex":"5e503030364d4f44ddbe0d"}
{"time":"2026-04-26T13:05:00Z","direction":"received","hex":"5e443030353035d99f0d"}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => fs::read_to_string(path)?,
        None => MADE_UP.to_owned(),
    };
    let mut asked = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line: CaptureLine = serde_json::from_str(line)?;
        let bytes = from_hex(&line.hex)?;
        let frame = Frame::parse(&bytes)?;
        match (line.direction, &asked) {
            (CaptureDirection::Sent, _) => {
                let request = Request::decode(&frame)?;
                println!("{} {request}", line.time);
                asked = Some(request);
            }
            (CaptureDirection::Received, Some(Request::Query(query))) => {
                let (reply, _extra) = query.parse_reply(frame.data())?;
                reply.visit(&mut |field, value| println!("    {}: {value}", field.label));
            }
            (CaptureDirection::Received, _) => println!("    {}", frame.kind()),
        }
    }
    Ok(())
}
