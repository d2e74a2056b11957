//! Reads and sets a unit as firmware does: without the standard library, an allocator or a clock.
//! `Unit` works with the UART of any board; `main` gives it recorded replies.
//!
//! `cargo run -p pi18-examples --example decode_in_firmware`
#![no_std]
#![expect(clippy::print_stdout, reason = "an example prints")]
extern crate std; // for `main` and its recorded replies

use pi18_proto::{
    ChargerPriority, Dialect, Frame, FrameKind, FrameReader, GeneralStatus, ParallelInstance,
    Query, Received, Reply, Request, SetCommand,
};

struct Unit<U> {
    uart: U,
    reader: FrameReader<128>,
}

impl<U: Uart> Unit<U> {
    /// Sends a request and reads its reply; `None` if it is late, refused or malformed.
    fn ask<T>(&mut self, request: Request, read: impl Fn(Frame<'_>) -> Option<T>) -> Option<T> {
        self.uart.send(&request.to_frame(Dialect::Checksum));
        let mut bytes = [0; 1];
        loop {
            let count = self.uart.receive(&mut bytes)?;
            let mut rest = bytes.get(..count)?;
            while let Some(received) = self.reader.next(&mut rest) {
                if let Received::Frame { frame, .. } = received {
                    return read(frame);
                }
            }
        }
    }
}

trait Uart {
    fn send(&mut self, bytes: &[u8]);
    /// Returns the number of bytes that arrive in time.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize>;
}

impl Uart for &[u8] {
    fn send(&mut self, _bytes: &[u8]) {}
    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        std::io::Read::read(self, buffer).ok().filter(|&count| count > 0)
    }
}

fn main() {
    let uart = &b"^D1062232,499,2232,499,1406,1376,028,549,000,000,000,010,095,060,000,000,0082,0000,1604,0000,0,2,0,1,1,1,1,0D\x12\r^1\x0B\xC2\r"[..];
    let mut unit = Unit { uart, reader: FrameReader::with_capacity() };
    let decode = |frame: Frame<'_>| GeneralStatus::decode(frame.reply_data().ok()?).ok();
    if let Some(status) = unit.ask(Query::GeneralStatus.into(), decode) {
        std::println!("battery {}, load {}", status.battery_voltage, status.active_power);
    }
    let Some(priority) = ChargerPriority::SOLAR_FIRST.known() else { return };
    let command = SetCommand::ChargerPriority { unit: ParallelInstance::MASTER, priority };
    let is_accepted = |frame: Frame<'_>| Some(frame.kind() == FrameKind::Accepted);
    std::println!("{command} accepted: {}", unit.ask(command.into(), is_accepted) == Some(true));
}
