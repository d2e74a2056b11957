//! Properties for any bytes and any registers.

use lvx_parallel::pack::{Family, Label, Live, MapError, PackAddress, Registers, Request, Scales};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::frames::{reply, with_checksum};

fn request() -> impl Strategy<Value = Request> {
    let any = (1..=247_u8, any::<u16>(), 1..=125_u8).prop_filter_map("last register", |any| {
        Request::new(PackAddress::new(any.0)?, any.1, any.2)
    });
    let pack = Just(PackAddress::LP4_V2);
    prop_oneof![any, pack.prop_map(Request::live), pack.prop_map(Request::label)]
}

/// Returns the registers of a reply that ends after a field.
fn registers() -> impl Strategy<Value = Registers> {
    let ends: Vec<usize> =
        Live::FIELDS.iter().map(|field| usize::from(field.first + field.count)).collect();
    let ends: Vec<_> = ends.into_iter().filter(|end| *end >= 25).collect();
    (select(ends), vec(any::<u16>(), 39)).prop_map(|(end, mut words)| {
        words.truncate(end);
        Registers::new(0, words)
    })
}

fn scales() -> impl Strategy<Value = Scales> {
    select(vec![Scales::UNKNOWN, Family::LP4_V2.scales, Family::VISION_48100.scales])
}

proptest! {
    #[test]
    fn request_is_read_back(request in request()) {
        prop_assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
        prop_assert!(request.reply_len() <= Request::MAX_REPLY);
    }

    #[test]
    fn no_bytes_panic(request in request(), bytes in vec(any::<u8>(), 0..300), is_framed: bool) {
        let bytes = if is_framed { with_checksum(&bytes) } else { bytes };
        let _ = Request::parse(&bytes);
        match request.parse_reply(&bytes) {
            Ok(registers) => {
                prop_assert_eq!(reply(request.address(), registers.words()), bytes);
                let _ = Live::from_registers(&registers, &Scales::UNKNOWN);
                let _ = Label::from_registers(&registers);
            }
            Err(error) => prop_assert!(error.to_string().contains("expected ")),
        }
    }

    #[test]
    fn no_header_with_any_data_panics(
        request in request(),
        count: u8,
        data in vec(any::<u8>(), 0..260),
    ) {
        let mut bytes = vec![request.address().get(), 3, count];
        bytes.extend(data);
        if let Err(error) = request.parse_reply(&with_checksum(&bytes)) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn registers_in_a_frame_are_read_back(
        address in 1..=247_u8,
        words in vec(any::<u16>(), 1..=125),
    ) {
        let address = PackAddress::new(address).unwrap();
        let request = Request::new(address, 7, words.len().try_into().unwrap()).unwrap();
        let registers = request.parse_reply(&reply(address, &words)).unwrap();
        prop_assert_eq!(registers.get(7), words.first().copied());
        prop_assert_eq!(registers, Registers::new(7, words));
    }

    #[test]
    fn measurements_become_the_same_registers_and_measurements(
        registers in registers(),
        scales in scales(),
    ) {
        match Live::from_registers(&registers, &scales) {
            Ok(live) => {
                let again = live.to_registers();
                prop_assert_eq!(&again, &registers);
                prop_assert_eq!(Live::from_registers(&again, &scales), Ok(live));
                prop_assert!(live.cell_voltages().len() <= 16);
                prop_assert!(live.values().iter().all(|(_, value)| !value.is_empty()));
            }
            Err(error) => {
                let is_missing = matches!(error, MapError::Registers { .. });
                prop_assert!(!is_missing);
            }
        }
    }

    #[test]
    fn label_of_any_registers_is_short_and_printable(words in vec(any::<u16>(), 23)) {
        let label = Label::from_registers(&Registers::new(105, words)).unwrap();
        let text = format!("{}{}{}", label.model, label.firmware, label.serial);
        prop_assert!(text.chars().count() <= 46);
        prop_assert!(!text.contains(char::is_control));
    }
}
