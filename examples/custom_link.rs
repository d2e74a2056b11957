//! Reads a unit over a connection that the crate does not know: a pair of channels.
//!
//! A link only moves bytes. The client finds the frames, checks them and repeats queries. At the other end of
//! the channels, a thread passes the bytes on to a virtual unit.
//!
//! `cargo run -p pi18-examples --example custom_link`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use pi18_proto::{GeneralStatus, Mode};
use pi18_transport::{Client, Error, Link, bytes::BytesMut, sim};

struct Channels(Sender<Vec<u8>>, Receiver<BytesMut>);

impl Link for Channels {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        self.0.send(bytes.to_vec()).map_err(|_| Error::gone(self.name()))
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        match self.1.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => buffer.extend(bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::gone(self.name())),
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        "channels"
    }
}

/// Answers requests as a virtual unit does, until the other end is dropped.
fn serve(requests: &Receiver<Vec<u8>>, replies: &Sender<BytesMut>) -> Result<(), Error> {
    let mut unit = sim::open("0?frozen=on")?;
    for request in requests {
        let (deadline, mut reply) = (unit.now() + Duration::from_secs(1), BytesMut::new());
        unit.send(&request, deadline)?;
        unit.receive(&mut reply, deadline)?;
        replies.send(reply).map_err(|_| Error::gone("channels"))?;
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let ((to_unit, requests), (replies, from_unit)) = (channel(), channel());
    let device = std::thread::spawn(move || serve(&requests, &replies));
    let mut unit = Client::new(Channels(to_unit, from_unit));
    println!("mode     {}", unit.read::<Mode>()?.working_mode);
    println!("battery  {}", unit.read::<GeneralStatus>()?.battery_voltage);
    drop(unit);
    device.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
