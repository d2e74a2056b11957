//! Properties of the frames of battery packs.

use lvx_parallel::pack::{Family, Label, Live, PackAddress, Registers, Request, Scales};

/// Reads bytes as a request and as the reply to a request; the first byte of `data` selects the request.
///
/// A request round-trips. A reply has the asked registers, and its measurements become the same registers.
///
/// # Panics
/// If the property is violated.
pub fn pack(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else { return };
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(request.to_bytes().as_slice(), bytes);
    }
    // Most captures come from address 1 or 64.
    let address = bytes.first().and_then(|first| PackAddress::new(*first)).unwrap_or_default();
    let request = match kind % 4 {
        0 => Some(Request::live(address)),
        1 => Some(Request::counters(address)),
        2 => Some(Request::label(address)),
        _ => Request::new(address, 0, kind / 2),
    };
    let Some(request) = request else { return };
    match request.parse_reply(bytes) {
        Ok(registers) => check(request, &registers),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // The data of a frame without its checksum, which random bytes rarely have.
    let words = bytes.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word));
    let words: Vec<_> = words.take(request.count().into()).collect();
    if words.len() == usize::from(request.count()) {
        check(request, &Registers::new(request.start(), words));
    }
}

fn check(request: Request, registers: &Registers) {
    assert_eq!(registers.words().len(), usize::from(request.count()));
    assert_eq!(registers.start(), request.start());
    for scales in [Scales::UNKNOWN, Family::LP4_V2.scales] {
        match Live::from_registers(registers, &scales) {
            Ok(live) => {
                let again = live.to_registers();
                assert!(registers.words().starts_with(again.words()));
                assert_eq!(Live::from_registers(&again, &scales), Ok(live));
                assert!(live.values().iter().all(|(_, value)| !value.is_empty()));
                assert!(live.lowest_cell().is_none_or(|(cell, _)| (1..=16).contains(&cell)));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    match Label::from_registers(registers) {
        Ok(label) => assert!(!label.to_string().contains(char::is_control)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
