//! Decodes a capture: each request, and the fields of its reply.
//!
//! `lvx query GS sim:0 --capture FILE` writes a capture. Without a file, decodes a built-in one.
//!
//! `cargo run -p pi18-examples --example decode_capture -- FILE`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, fs};

use pi18_proto::{Frame, Request};
use pi18_transport::{CaptureDirection, CaptureLine, from_hex};

const CAPTURE: &str = r#"
{"time":"2026-04-26T13:05:00Z","direction":"sent","hex":"5e503030364d4f44ddbe0d"}
{"time":"2026-04-26T13:05:00Z","direction":"received","hex":"5e443030353035d99f0d"}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => fs::read_to_string(path)?,
        None => CAPTURE.to_owned(),
    };
    let mut last_request = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line: CaptureLine = serde_json::from_str(line)?;
        let bytes = from_hex(&line.hex)?;
        let frame = Frame::parse(&bytes)?;
        match (line.direction, &last_request) {
            (CaptureDirection::Sent, _) => {
                let request = Request::decode(&frame)?;
                println!("{} {request}", line.time);
                last_request = Some(request);
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
