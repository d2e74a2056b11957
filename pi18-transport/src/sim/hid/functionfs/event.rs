//! The data of the `FunctionFS` control file: descriptors that are written, events and requests that are
//! read.
//!
//! Source: `linux/usb/functionfs.h`; USB 2.0, 9.3 and 9.6; HID 1.11, 6.2.1 and 7.2.

use crate::sim::{
    hid::layout::{REPORT_DESCRIPTOR, field},
    report::REPORT_LENGTH,
};

/// Length of an event.
pub(crate) const EVENT_LENGTH: usize = 12;

// Offsets in an event.
const SETUP_TYPE: usize = 0;
const SETUP_REQUEST: usize = 1;
const SETUP_VALUE: usize = 2;
const SETUP_LENGTH: usize = 6;
const TYPE: usize = 8;

// Types of events.
const UNBIND: u8 = 1;
const ENABLE: u8 = 2;
const DISABLE: u8 = 3;
const SETUP: u8 = 4;

/// An event from the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// The host has configured the device.
    Enabled,
    /// The host has disappeared, or the gadget was unbound.
    Disabled,
    /// The host sent a request on the control pipe.
    Request(Request),
    /// Any other event, such as the suspension of the host.
    Other,
}

/// A request of the host on the control pipe. There is one variant for each way to answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Request {
    /// A request for a descriptor, of which the host accepts at most `max` bytes.
    Descriptor { bytes: &'static [u8], max: usize },
    /// An output report of the host, with its length.
    Output { length: usize },
    /// A request to set how often unchanged reports are repeated. It has no effect.
    Idle,
    /// Any other request with data to the host or without data, which is refused.
    RefusedIn,
    /// Any other request with data from the host, which is refused.
    RefusedOut,
}

impl Event {
    /// Parses an event. An unknown or truncated event is [`Other`](Self::Other).
    pub(crate) fn read(bytes: &[u8]) -> Self {
        match bytes.get(TYPE).copied() {
            Some(ENABLE) => Self::Enabled,
            Some(DISABLE | UNBIND) => Self::Disabled,
            Some(SETUP) => Request::read(bytes).map_or(Self::Other, Self::Request),
            _ => Self::Other,
        }
    }
}

impl Request {
    /// Parses the setup packet of a request.
    fn read(setup: &[u8]) -> Option<Self> {
        const TO_HOST: u8 = 0x80;
        const STANDARD_IN: u8 = 0x81;
        const CLASS_OUT: u8 = 0x21;
        const GET_DESCRIPTOR: u8 = 6;
        const SET_REPORT: u8 = 9;
        const SET_IDLE: u8 = 10;
        /// Type of descriptor or report, the upper byte of `wValue`.
        const HID: u8 = 0x21;
        const REPORTS: u8 = 0x22;
        const OUTPUT: u8 = 2;

        let kind = *setup.get(SETUP_TYPE)?;
        let request = *setup.get(SETUP_REQUEST)?;
        let [_, subject] = field(setup, SETUP_VALUE)?;
        let length = usize::from(u16::from_le_bytes(field(setup, SETUP_LENGTH)?));
        Some(match (kind, request, subject) {
            (STANDARD_IN, GET_DESCRIPTOR, HID) => {
                Self::Descriptor { bytes: &HID_DESCRIPTOR, max: length }
            }
            (STANDARD_IN, GET_DESCRIPTOR, REPORTS) => {
                Self::Descriptor { bytes: &REPORT_DESCRIPTOR, max: length }
            }
            (CLASS_OUT, SET_REPORT, OUTPUT) => Self::Output { length },
            (CLASS_OUT, SET_IDLE, _) if length == 0 => Self::Idle,
            _ if kind & TO_HOST != 0 => Self::RefusedIn,
            _ => Self::RefusedOut,
        })
    }
}

/// Returns the descriptors: one interface with one endpoint, at full and at high speed.
pub(crate) fn descriptors() -> Vec<u8> {
    const MAGIC_V2: u32 = 3;
    const FULL_AND_HIGH_SPEED: u32 = 1 | 2;
    /// Number of descriptors at each speed: interface, HID, endpoint.
    const COUNT: u32 = 3;

    let body: Vec<u8> = [INTERVAL_FULL, INTERVAL_HIGH]
        .into_iter()
        .flat_map(|interval| [&INTERFACE[..], &HID_DESCRIPTOR, &endpoint(interval)].concat())
        .collect();
    let head = 5 * size_of::<u32>();
    let length = u32::try_from(head + body.len()).unwrap_or_default();
    let head = [MAGIC_V2, length, FULL_AND_HIGH_SPEED, COUNT, COUNT].map(u32::to_le_bytes);
    [head.as_flattened(), &body].concat()
}

/// Returns an empty list of strings, because the strings belong to the gadget.
pub(crate) fn strings() -> Vec<u8> {
    const MAGIC: u32 = 2;
    const LENGTH: u32 = 16;

    [MAGIC, LENGTH, 0, 0].map(u32::to_le_bytes).as_flattened().to_vec()
}

/// Interface descriptor: one endpoint, class HID, no boot protocol, no name.
const INTERFACE: [u8; 9] = [9, 4, 0, 0, 1, 3, 0, 0, 0];

/// HID descriptor: HID 1.11, no country, one report descriptor of 27 bytes.
const HID_DESCRIPTOR: [u8; 9] = [9, 0x21, 0x11, 0x01, 0, 1, 0x22, 27, 0];

/// Returns the endpoint descriptor: interrupt endpoint 1 to the host, eight bytes.
const fn endpoint(interval: u8) -> [u8; 7] {
    [7, 5, 0x81, 3, 8, 0, interval]
}

/// Polling interval at full speed, ms, as on the adapter.
const INTERVAL_FULL: u8 = 12;

/// Polling interval at high speed: 8 ms, as `2^(n - 1)` times 125 µs.
const INTERVAL_HIGH: u8 = 7;

const _: () = assert!(REPORT_LENGTH == 8 && REPORT_DESCRIPTOR.len() == 27);

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the event of a setup packet.
    fn request(setup: [u8; 8]) -> Event {
        let mut event = [0; EVENT_LENGTH];
        event[..8].copy_from_slice(&setup);
        event[8] = 4;
        Event::read(&event)
    }

    #[test]
    fn descriptors_describe_adapter_with_one_endpoint() {
        let bytes = descriptors();
        assert_eq!(bytes.len(), 20 + 2 * 25);
        assert_eq!(bytes[..20], [3, 0, 0, 0, 70, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(bytes[20..29], [9, 4, 0, 0, 1, 3, 0, 0, 0]);
        assert_eq!(bytes[29..38], [9, 0x21, 0x11, 1, 0, 1, 0x22, 27, 0]);
        assert_eq!(bytes[38..45], [7, 5, 0x81, 3, 8, 0, 12]);
        assert_eq!(bytes[45..63], bytes[20..38]);
        assert_eq!(bytes[63..], [7, 5, 0x81, 3, 8, 0, 7]);
        assert_eq!(strings(), [2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn requests_to_adapter_are_read() {
        let report = request([0x81, 6, 0, 0x22, 0, 0, 0x1B, 0]);
        let bytes = &REPORT_DESCRIPTOR[..];
        assert_eq!(report, Event::Request(Request::Descriptor { bytes, max: 27 }));
        let hid = request([0x81, 6, 0, 0x21, 0, 0, 0x00, 1]);
        let bytes = &HID_DESCRIPTOR[..];
        assert_eq!(hid, Event::Request(Request::Descriptor { bytes, max: 256 }));
        let output = request([0x21, 9, 0, 2, 0, 0, 8, 0]);
        assert_eq!(output, Event::Request(Request::Output { length: 8 }));
        assert_eq!(request([0x21, 10, 0, 0, 0, 0, 0, 0]), Event::Request(Request::Idle));
    }

    #[test]
    fn other_requests_are_refused_in_their_direction() {
        // A feature report in both directions, the protocol, another type of descriptor.
        assert_eq!(request([0xA1, 1, 0, 3, 0, 0, 8, 0]), Event::Request(Request::RefusedIn));
        assert_eq!(request([0x21, 9, 0, 3, 0, 0, 8, 0]), Event::Request(Request::RefusedOut));
        assert_eq!(request([0x21, 11, 0, 0, 0, 0, 0, 0]), Event::Request(Request::RefusedOut));
        assert_eq!(request([0x81, 6, 0, 0x23, 0, 0, 8, 0]), Event::Request(Request::RefusedIn));
    }

    #[test]
    fn enable_and_disable_events_are_read() {
        let event = |kind| Event::read(&[0, 0, 0, 0, 0, 0, 0, 0, kind, 0, 0, 0]);
        assert_eq!(event(2), Event::Enabled);
        assert_eq!([event(1), event(3)], [Event::Disabled; 2]);
        assert_eq!([event(0), event(5), event(6), event(99)], [Event::Other; 4]);
        assert_eq!(Event::read(&[0; 8]), Event::Other);
    }
}
