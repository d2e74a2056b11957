//! Faults of the line that damage a reply.

use crate::sim::{chance::happens, switches::groups::LineSwitches};

/// Returns the bytes of a reply with random damage: flipped bits, lost, doubled and added bytes.
pub(crate) fn damaged(
    reply: &[u8],
    switches: &LineSwitches,
    random: &mut fastrand::Rng,
) -> Vec<u8> {
    let mut flipped = reply.to_vec();
    for index in 0..reply.len() {
        if happens(switches.flip, random) {
            let burst = random.u16(1..).to_be_bytes();
            let tail = flipped.get_mut(index..).unwrap_or_default();
            tail.iter_mut().zip(burst).for_each(|(byte, bits)| *byte ^= bits);
        }
    }
    let mut bytes = Vec::with_capacity(reply.len());
    for byte in flipped {
        if happens(switches.lose, random) {
            continue;
        }
        bytes.push(byte);
        if happens(switches.double, random) {
            bytes.push(byte);
        }
    }
    if happens(switches.junk, random) {
        let junk: Vec<u8> = (0..random.usize(1..=MAX_JUNK)).map(|_| random.u8(..)).collect();
        let at = if random.bool() { 0 } else { bytes.len() };
        bytes.splice(at..at, junk);
    }
    bytes
}

/// Largest number of random bytes before or after a reply.
const MAX_JUNK: usize = 16;
