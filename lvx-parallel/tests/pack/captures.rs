//! Captured frames decode to their listed values, frames of other maps are named, damaged ones are refused.

use lvx_parallel::pack::{
    FrameError, Label, Live, MapError, OtherMap, PackAddress, Request, Scales,
};
use serde_json::{Value, json};

use crate::frames::{Captured, captured, with_checksum};

/// Returns the values of a pack as the file of captures lists them.
fn values(live: &Live) -> Value {
    let bits = |bits: u16, names: Vec<&str>| -> Vec<String> {
        let names = names.into_iter().map(str::to_owned);
        std::iter::once(format!("0x{bits:x}")).chain(names).collect()
    };
    let temperatures = [live.board_temperature, live.temperature_1, live.temperature_2];
    let mut values = json!({
        "voltage": live.voltage.in_unit(),
        "current_of_lp4v2": f64::from(live.current.raw()) / 100.0,
        "cells_mv": live.cell_voltages().iter().map(|cell| cell.0).collect::<Vec<_>>(),
        "cell_sum": f64::from(live.cell_sum()) / 1000.0,
        "cell_spread_mv": live.cell_spread().unwrap().0,
        "temperatures": temperatures.map(|temperature| temperature.0),
        "remaining_raw": live.remaining.raw(),
        "max_charge_current_raw": live.max_charge_current.raw(),
        "state_of_health": live.state_of_health.0,
        "state_of_charge": live.state_of_charge.0,
    });
    let later = [
        ("status", live.status.map(|status| json!(format!("0x{:x}", status.0)))),
        ("warnings", live.warnings.map(|all| json!(bits(all.0, all.names().collect())))),
        ("protections", live.protections.map(|all| json!(bits(all.0, all.names().collect())))),
        ("errors", live.errors.map(|errors| json!(errors.0))),
        ("cycles", live.cycles.map(|cycles| json!(cycles))),
        (
            "full_ah",
            live.full_capacity.map(|full| json!((f64::from(full.0) / 360_000.0).round() / 10.0)),
        ),
        ("sensors", live.sensors.map(|sensors| json!(sensors.0))),
        ("cells_in_series", live.cells_in_series.map(|cells| json!(cells))),
        ("design_ah", live.design_capacity.map(|design| json!(design.in_unit()))),
        ("balancing", live.balancing.map(|cells| json!(format!("0x{:x}", cells.0)))),
    ];
    for (key, value) in later {
        if let Some(value) = value {
            values[key] = value;
        }
    }
    values
}

#[test]
fn captured_requests_decode_to_their_values() {
    for frame in captured("request") {
        let request = Request::parse(&frame.bytes).unwrap();
        let found = json!({
            "address": request.address().get(), "start": request.start(), "count": request.count(),
        });
        assert_eq!(found, frame.values, "{}", frame.name);
        assert_eq!(request.to_bytes().as_slice(), frame.bytes, "{}", frame.name);
    }
}

#[test]
fn captured_measurements_decode_to_their_values() {
    let frames = captured("live");
    assert_eq!(frames.len(), 7);
    for frame in frames {
        let registers = frame.request().parse_reply(&frame.bytes).unwrap();
        let live = Live::from_registers(&registers, &Scales::UNKNOWN).unwrap();
        assert_eq!(values(&live), frame.values, "{}", frame.name);
        assert_eq!(live.to_registers(), registers, "{}", frame.name);
        assert_eq!(live.current.value(), None);
    }
}

#[test]
fn captured_label_decodes_to_its_values_and_selects_the_scales() {
    for frame in captured("label") {
        let registers = frame.request().parse_reply(&frame.bytes).unwrap();
        let label = Label::from_registers(&registers).unwrap();
        let found = json!({
            "model": label.model, "firmware": label.firmware, "serial": label.serial,
        });
        assert_eq!(found, frame.values, "{}", frame.name);
        assert_ne!(Scales::of(&label), Scales::UNKNOWN);
    }
}

#[test]
fn pack_of_the_forum_is_shown_with_units() {
    let frames = captured("live");
    let frame = frames.iter().find(|frame| frame.name == "lp4v2-live").unwrap();
    let registers = Request::live(PackAddress::LP4_V2).parse_reply(&frame.bytes).unwrap();
    let live =
        Live::from_registers(&registers, &lvx_parallel::pack::Family::LP4_V2.scales).unwrap();
    let lines: Vec<_> =
        live.values().iter().map(|(field, value)| format!("{:30} {value}", field.label)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Returns the error of a frame that was read as the measurements of a pack.
#[track_caller]
fn refused(frame: &Captured) -> FrameError {
    let address = PackAddress::new(frame.bytes[0]).unwrap();
    Request::live(address).parse_reply(&frame.bytes).unwrap_err()
}

#[test]
fn frames_of_other_maps_are_refused_by_name() {
    for (kind, map) in [("growatt", OtherMap::Growatt), ("voltronic", OtherMap::Voltronic)] {
        for frame in captured(kind) {
            let error = refused(&frame);
            let FrameError::ByteCount { map: found, .. } = error else { panic!("{error}") };
            assert_eq!(found, Some(map), "{}", frame.name);
            assert!(error.to_string().ends_with(&format!(", as {map} has it")), "{error}");
        }
    }
    // A reply that no known map has is refused without a name.
    for frame in captured("registers") {
        assert_eq!(refused(&frame).to_string(), "byte 2: expected 78 data bytes, found 4");
    }
}

#[test]
fn replies_of_other_maps_to_their_own_requests_are_registers_and_no_measurements() {
    for kind in ["growatt", "registers"] {
        for frame in captured(kind) {
            let registers = frame.request().parse_reply(&frame.bytes).unwrap();
            assert_eq!(json!(registers.words()), frame.values, "{}", frame.name);
            let error = Live::from_registers(&registers, &Scales::UNKNOWN).unwrap_err();
            assert!(matches!(error, MapError::Registers { .. }), "{error}");
        }
    }
}

#[test]
fn summary_of_a_chain_in_a_whole_reply_is_named() {
    for frame in captured("growatt") {
        let registers = frame.request().parse_reply(&frame.bytes).unwrap();
        if registers.words().len() < 6 || registers.words()[3] > 7000 {
            continue;
        }
        let mut words = vec![0; 39];
        for (word, found) in words[19..].iter_mut().zip(registers.words()) {
            *word = *found;
        }
        let registers = lvx_parallel::pack::Registers::new(0, words);
        let error = Live::from_registers(&registers, &Scales::UNKNOWN).unwrap_err();
        assert_eq!(error, MapError::OtherMap(OtherMap::Growatt), "{}", frame.name);
    }
}

#[test]
fn damaged_capture_is_refused_by_its_checksum() {
    for frame in captured("damaged") {
        let error = frame.request().parse_reply(&frame.bytes).unwrap_err();
        assert!(matches!(error, FrameError::Checksum { at: 37, .. }), "{error}");
    }
}

#[test]
fn each_single_bit_of_damage_and_each_missing_or_added_byte_is_refused() {
    let mut bits = 0;
    for frame in captured("").iter().filter(|frame| ["live", "label"].contains(&&*frame.kind)) {
        let request = frame.request();
        for bit in 0..8 * frame.bytes.len() {
            let mut damaged = frame.bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let result = request.parse_reply(&damaged);
            assert!(result.is_err(), "{} with bit {bit} changed", frame.name);
            bits += 1;
        }
        for end in 0..frame.bytes.len() {
            let result = request.parse_reply(&frame.bytes[..end]);
            assert!(
                matches!(result, Err(FrameError::Length { .. })),
                "{}, {end} bytes",
                frame.name
            );
        }
        assert!(request.parse_reply(&[frame.bytes.as_slice(), &[0]].concat()).is_err());
    }
    assert!(bits >= 664, "{bits}");
}

#[test]
fn requests_to_write_cannot_be_read() {
    for function in (0..=u8::MAX).filter(|function| *function != 3) {
        let bytes = with_checksum(&[0x40, function, 0, 0, 0, 39]);
        assert_eq!(Request::parse(&bytes), Err(FrameError::Function { found: function }));
    }
}
