//! Answers requests like an inverter: the device's side of the protocol, without I/O.
//!
//! `pi18_transport::sim` is a complete virtual bank based on the same functions.
//!
//! `cargo run -p pi18-examples --example answer_queries`
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

/// Returns the reply of an inverter that supports two queries and refuses all other requests.
fn answer(frame: &Frame<'_>) -> Result<Vec<u8>, EncodeError> {
    let reply: AnyReply = match Request::decode(frame) {
        Ok(Request::Query(Query::ProtocolId)) => ProtocolId::PI18.into(),
        Ok(Request::Query(Query::Mode)) => Mode::new(WorkingMode::HYBRID).into(),
        _ => return Ok(REFUSED.to_vec()),
    };
    let mut buffer = vec![0; MAX_FRAME];
    let len = reply.encode_frame(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer)
}
