//! Answers like an inverter: the device's side of the protocol, without I/O.
//!
//! Needs nothing. `pi18_transport::sim` is a whole virtual bank; this is how such a thing begins.
//!
//! ```text
//! cargo run -p pi18-examples --example fake_inverter
//! ```
//!
//! Prints three requests and what the inverter makes of them.
#![expect(clippy::print_stdout, reason = "an example prints")]

use pi18_proto::{
    AnyReply, Dialect, EncodeError, Frame, FrameReader, MAX_FRAME, Mode, ProtocolId, Query,
    REFUSED, Received, Request, SetCommand, WorkingMode,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests = [
        Request::from(Query::ProtocolId),
        Request::from("MOD".parse::<Query>()?),
        Request::from("POP1".parse::<SetCommand>()?),
    ];
    let mut reader = FrameReader::new();
    for request in requests {
        let sent = request.to_frame(Dialect::Checksum);
        let mut rest = &*sent;
        while let Some(received) = reader.next(&mut rest) {
            if let Received::Frame { frame, .. } = received {
                println!("{sent:?} -> \"{}\"", answer(&frame)?.escape_ascii());
            }
        }
    }
    Ok(())
}

/// What an inverter in hybrid mode answers that knows two questions and refuses all else.
fn answer(frame: &Frame<'_>) -> Result<Vec<u8>, EncodeError> {
    let reply: AnyReply = match Request::decode(frame) {
        Ok(Request::Query(Query::ProtocolId)) => ProtocolId::PI18.into(),
        Ok(Request::Query(Query::Mode)) => Mode { working_mode: WorkingMode::HYBRID }.into(),
        _ => return Ok(REFUSED.to_vec()),
    };
    let mut buffer = vec![0; MAX_FRAME];
    let len = reply.encode_frame(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer)
}
