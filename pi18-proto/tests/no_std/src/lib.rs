//! Proves that `pi18-proto` needs neither std nor an allocator: this library links without them.
//!
//! If the crate used std, its panic handler would collide with the one below. If it used alloc, the
//! linker would miss an allocator.

#![no_std]

use core::panic::PanicInfo;

use pi18_proto::{
    Dialect, FrameReader, GeneralStatus, MAX_FRAME, Query, Received, Reply, SetCommand,
};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Reads frames from a stream, decodes and encodes replies, and encodes requests. The result depends
/// on each step, so that none is optimized away.
pub extern "C" fn exercise(first: u8) -> u32 {
    let mut reader = FrameReader::<128>::with_capacity();
    let stream = [first, b'D', b'0', b'0', b'5', b'0', b'5', 0xD9, 0x9F, b'\r'];
    let mut rest = &stream[..];
    let mut sum = 0_u32;
    while let Some(received) = reader.next(&mut rest) {
        if let Received::Frame { frame, .. } = received
            && let Ok((reply, extra)) = Query::Mode.parse_reply(frame.data())
        {
            let mut buffer = [0; MAX_FRAME];
            sum += u32::try_from(extra.count()).unwrap_or(0);
            sum += reply.encode_frame(&mut buffer).map_or(0, |_| u32::from(buffer[5]));
        }
    }
    if let Ok(status) = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()) {
        sum += u32::from(status.battery_voltage.0);
    }
    if let Ok(command) = "POP1".parse::<SetCommand>() {
        sum += command.to_frame(Dialect::Checksum).iter().copied().map(u32::from).sum::<u32>();
    }
    sum
}

/// Keeps [`exercise`] and the functions that it calls in the library.
#[used]
static EXERCISE: extern "C" fn(u8) -> u32 = exercise;
