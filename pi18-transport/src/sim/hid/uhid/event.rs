//! The events of `/dev/uhid`: packed structures in native byte order.
//!
//! The zeros at the end of an event need not be written: the kernel adds them.
//!
//! Source: `linux/uhid.h`.

use crate::sim::{
    hid::{
        identity::HidIdentity,
        layout::{REPORT_DESCRIPTOR, field, put},
    },
    report::{REPORT_LENGTH, Report},
};

/// Length of the longest event, `UHID_CREATE2`.
pub(crate) const EVENT_LENGTH: usize = CREATE_DESCRIPTOR + 4096;

/// Offset of the type in every event.
const TYPE: usize = 0;

// Offsets in `UHID_CREATE2`.
const CREATE_NAME: usize = 4;
const CREATE_PHYS: usize = 132;
const CREATE_UNIQ: usize = 196;
const CREATE_DESCRIPTOR_SIZE: usize = 260;
const CREATE_BUS: usize = 262;
const CREATE_VENDOR: usize = 264;
const CREATE_PRODUCT: usize = 268;
const CREATE_VERSION: usize = 272;
const CREATE_DESCRIPTOR: usize = 280;

// Offsets in `UHID_INPUT2`.
const INPUT_SIZE: usize = 4;
const INPUT_DATA: usize = 6;

// Offsets in `UHID_OUTPUT`.
const OUTPUT_DATA: usize = 4;
const OUTPUT_SIZE: usize = 4100;

/// Offset of the number of a request, in the request and in its answer.
const ID: usize = 4;
/// Offset of the error in an answer.
const ANSWER_ERROR: usize = 8;

// Offsets in `UHID_SET_REPORT`.
const SET_KIND: usize = 9;
const SET_SIZE: usize = 10;
const SET_DATA: usize = 12;

// Types of events.
const DESTROY: u32 = 1;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const GET_REPORT_REPLY: u32 = 10;
const CREATE2: u32 = 11;
const INPUT2: u32 = 12;
const SET_REPORT: u32 = 13;
const SET_REPORT_REPLY: u32 = 14;

/// `UHID_OUTPUT_REPORT`
const KIND_OUTPUT: u8 = 1;

/// Release number of the adapter.
const VERSION: u32 = 2;

/// `EPIPE`, the error of a stalled request.
const STALLED: u16 = 32;

/// An event from the kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// A report that the host wrote, with or without a leading report number.
    Output(Vec<u8>),
    /// A request for a report of the device.
    Get { id: u32 },
    /// A report on the control pipe, for which the host waits for an answer. `output` is its data if it is an
    /// output report.
    Set { id: u32, output: Option<Vec<u8>> },
    /// Any other event, such as the first open and the last close of the node.
    Other,
}

impl Event {
    /// Parses an event. An unknown or truncated event is [`Other`](Self::Other).
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self::read_known(bytes).unwrap_or(Self::Other)
    }

    /// Parses an event; `None` if it is unknown or truncated.
    fn read_known(bytes: &[u8]) -> Option<Self> {
        let id = || field(bytes, ID).map(u32::from_ne_bytes);
        let data = |size, at| {
            let size = u16::from_ne_bytes(field(bytes, size)?);
            Some(bytes.get(at..)?.get(..size.into())?.to_vec())
        };
        Some(match u32::from_ne_bytes(field(bytes, TYPE)?) {
            OUTPUT => Self::Output(data(OUTPUT_SIZE, OUTPUT_DATA)?),
            GET_REPORT => Self::Get { id: id()? },
            SET_REPORT => {
                let output = *bytes.get(SET_KIND)? == KIND_OUTPUT;
                let data = data(SET_SIZE, SET_DATA)?;
                Self::Set { id: id()?, output: output.then_some(data) }
            }
            _ => return None,
        })
    }
}

/// Returns the event that plugs a device in.
pub(crate) fn create(identity: &HidIdentity) -> Vec<u8> {
    let descriptor = u16::try_from(REPORT_DESCRIPTOR.len()).unwrap_or_default();
    let mut event = event(CREATE2, CREATE_DESCRIPTOR + REPORT_DESCRIPTOR.len());
    put(&mut event, CREATE_NAME, identity.name.as_bytes());
    put(&mut event, CREATE_PHYS, identity.port.as_bytes());
    put(&mut event, CREATE_UNIQ, identity.serial.as_bytes());
    put(&mut event, CREATE_DESCRIPTOR_SIZE, &descriptor.to_ne_bytes());
    put(&mut event, CREATE_BUS, &identity.bus.to_ne_bytes());
    put(&mut event, CREATE_VENDOR, &u32::from(identity.vendor).to_ne_bytes());
    put(&mut event, CREATE_PRODUCT, &u32::from(identity.product).to_ne_bytes());
    put(&mut event, CREATE_VERSION, &VERSION.to_ne_bytes());
    put(&mut event, CREATE_DESCRIPTOR, &REPORT_DESCRIPTOR);
    event
}

/// Largest lengths of name, port and serial number: each field ends with a zero byte.
pub(crate) const MAX_TEXT_LENGTHS: [usize; 3] =
    [CREATE_PHYS - CREATE_NAME - 1, CREATE_UNIQ - CREATE_PHYS - 1, 63];

/// Returns the event that unplugs the device.
pub(crate) fn destroy() -> Vec<u8> {
    event(DESTROY, ID)
}

/// Returns the event that sends a report of the device to the host.
pub(crate) fn input(report: Report) -> Vec<u8> {
    let size = u16::try_from(REPORT_LENGTH).unwrap_or_default();
    let mut event = event(INPUT2, INPUT_DATA + REPORT_LENGTH);
    put(&mut event, INPUT_SIZE, &size.to_ne_bytes());
    put(&mut event, INPUT_DATA, &report);
    event
}

/// Returns the answer to a request for a report: the device has no such report.
pub(crate) fn refuse_get(id: u32) -> Vec<u8> {
    // An error, then a size of zero.
    answer(GET_REPORT_REPLY, id, STALLED)
}

/// Returns the answer to a report that the host has sent: accepted or refused.
pub(crate) fn answer_set(id: u32, accepted: bool) -> Vec<u8> {
    answer(SET_REPORT_REPLY, id, if accepted { 0 } else { STALLED })
}

fn answer(kind: u32, id: u32, error: u16) -> Vec<u8> {
    let mut event = event(kind, ANSWER_ERROR + 4);
    put(&mut event, ID, &id.to_ne_bytes());
    put(&mut event, ANSWER_ERROR, &error.to_ne_bytes());
    event
}

fn event(kind: u32, length: usize) -> Vec<u8> {
    let mut event = vec![0; length];
    put(&mut event, TYPE, &kind.to_ne_bytes());
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_event_describes_the_adapter() {
        let event = create(&HidIdentity::adapter("lvx-sim-1/input0"));
        assert_eq!(event.len(), 280 + 27);
        assert_eq!(event[..4], 11_u32.to_ne_bytes());
        assert_eq!(&event[4..28], b"INNO TECH USB to Serial\0");
        assert_eq!(&event[132..149], b"lvx-sim-1/input0\0");
        assert!(event[196..260].iter().all(|byte| *byte == 0), "expected no serial number");
        assert_eq!(event[260..262], 27_u16.to_ne_bytes());
        assert_eq!(event[262..264], 3_u16.to_ne_bytes());
        assert_eq!(event[264..268], 0x0665_u32.to_ne_bytes());
        assert_eq!(event[268..272], 0x5161_u32.to_ne_bytes());
        assert_eq!(event[272..276], 2_u32.to_ne_bytes());
        assert_eq!(event[276..280], [0; 4]);
        assert_eq!(event[280..], REPORT_DESCRIPTOR);
        assert_eq!(MAX_TEXT_LENGTHS, [127, 63, 63]);
        assert_eq!(EVENT_LENGTH, 4376);
    }

    #[test]
    fn input_and_destroy_events_have_the_kernel_layout() {
        let event = input(*b"^D00505\xD9");
        assert_eq!(event[..4], 12_u32.to_ne_bytes());
        assert_eq!(event[4..6], 8_u16.to_ne_bytes());
        assert_eq!(&event[6..], b"^D00505\xD9");
        assert_eq!(destroy(), 1_u32.to_ne_bytes());
    }

    #[test]
    fn output_event_is_read_and_truncated_one_ignored() {
        let mut event = event(OUTPUT, EVENT_LENGTH);
        put(&mut event, 4, b"\0^P005PIq");
        put(&mut event, 4100, &9_u16.to_ne_bytes());
        assert_eq!(Event::read(&event), Event::Output(b"\0^P005PIq".to_vec()));
        put(&mut event, 4100, &u16::MAX.to_ne_bytes());
        assert_eq!(Event::read(&event), Event::Other);
        for length in 0..4102 {
            assert_eq!(Event::read(&event[..length]), Event::Other, "{length}");
        }
    }

    #[test]
    fn get_and_set_requests_are_read_and_answered() {
        let mut request = event(GET_REPORT, EVENT_LENGTH);
        put(&mut request, 4, &7_u32.to_ne_bytes());
        assert_eq!(Event::read(&request), Event::Get { id: 7 });
        let refused = refuse_get(7);
        assert_eq!(refused[..4], 10_u32.to_ne_bytes());
        assert_eq!(refused[4..8], 7_u32.to_ne_bytes());
        assert_eq!(refused[8..10], 32_u16.to_ne_bytes());

        let mut request = event(SET_REPORT, EVENT_LENGTH);
        put(&mut request, 4, &8_u32.to_ne_bytes());
        put(&mut request, 10, &2_u16.to_ne_bytes());
        put(&mut request, 12, b"ab");
        assert_eq!(Event::read(&request), Event::Set { id: 8, output: None });
        put(&mut request, 9, &[1]);
        assert_eq!(Event::read(&request), Event::Set { id: 8, output: Some(b"ab".to_vec()) });
        assert_eq!(answer_set(8, true)[..4], 14_u32.to_ne_bytes());
        assert_eq!(answer_set(8, true)[8..10], [0, 0]);
        assert_eq!(answer_set(8, false)[8..10], 32_u16.to_ne_bytes());
    }
}
