//! Values: the displayed form of each is read back.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use pi18_proto::{
    Amperes, BatteryDirection, BatteryType, Celsius, ChargeVoltage, ChargerPriority, ChargerStatus,
    ClockSetting, Count, CutoffVoltage, Date, DateTime, DcAcDirection, Deciamperes, Decihertz,
    Decivolts, Edition, FaultCode, Flag, InputRange, Known, LedBrightness, LedData, LedEffect,
    LedSpeed, LedWelcome, LineDirection, LoadConnection, MachineType, Model, Month,
    OutputFrequency, OutputMode, OutputPriority, OutputVoltage, ParallelInstance, Percent,
    Presence, RechargeVoltage, RedischargeVoltage, RegulationState, Rgb, Seconds, SerialNumber,
    SettingsState, SignedWatts, SolarPriority, Switch, TimeOfDay, Topology, Version, VoltAmperes,
    Warning, WattHours, Watts, WorkingMode, Year,
};

use super::*;

#[track_caller]
fn assert_round_trip<T>(value: T)
where
    T: Copy + Display + FromStr + PartialEq + Debug,
    T::Err: Debug,
{
    let text = value.to_string();
    assert_eq!(text.parse::<T>().unwrap_or_else(|error| panic!("{error:?}")), value, "{text}");
}

macro_rules! codes {
    ($($name:ident),+ $(,)?) => { $(
        for number in 0..=u8::MAX {
            let code = $name(number);
            assert_round_trip(code);
            assert_eq!(number.to_string().parse(), Ok(code));
            if let Some(known) = code.known() {
                assert_round_trip(known);
                assert_eq!(code.name().unwrap().to_uppercase().parse(), Ok(known));
            } else {
                assert!(code.to_string().parse::<Known<$name>>().is_err());
            }
        }
        for text in ["", "256", "code", "code 256", "5 x", "unknown", "-1"] {
            assert!(text.parse::<$name>().is_err(), "{text}");
        }
    )+ };
}

#[test]
fn displayed_code_is_read_back() {
    codes!(
        BatteryDirection,
        BatteryType,
        ChargerPriority,
        ChargerStatus,
        DcAcDirection,
        FaultCode,
        InputRange,
        LedBrightness,
        LedData,
        LedEffect,
        LedSpeed,
        LedWelcome,
        LineDirection,
        LoadConnection,
        MachineType,
        Model,
        OutputMode,
        OutputPriority,
        Presence,
        RegulationState,
        SettingsState,
        SolarPriority,
        Switch,
        Topology,
        Warning,
        WorkingMode,
    );
    assert!("83 output settings".parse::<FaultCode>().is_err());
}

#[test]
fn displayed_choice_is_read_back() {
    Flag::ALL.iter().copied().for_each(assert_round_trip);
    Edition::ALL.iter().copied().for_each(assert_round_trip);
    [Dialect::Checksum, Dialect::NoChecksum].into_iter().for_each(assert_round_trip);
    OutputFrequency::ALL.iter().copied().for_each(assert_round_trip);
    OutputVoltage::ALL.iter().copied().for_each(assert_round_trip);
    assert_eq!("h".parse::<Flag>().ok(), None);
    assert_eq!("H".parse(), Ok(Flag::FaultRecord));
    assert_eq!("fault record".parse(), Ok(Flag::FaultRecord));
    assert!("51 Hz".parse::<OutputFrequency>().is_err());
}

#[test]
fn value_outside_its_range_is_no_text_of_it() {
    assert_eq!("56.4".parse::<ChargeVoltage>().ok(), ChargeVoltage::new(Decivolts(564)).ok());
    let error = "60 V".parse::<ChargeVoltage>().unwrap_err();
    assert_eq!(error.to_string(), "expected 24.0 to 29.2 V or 48.0 to 58.4 V, found \"60 V\"");
    assert_eq!("0".parse(), Ok(ParallelInstance::MASTER));
    assert_eq!("0".parse(), Ok(RedischargeVoltage::FULL));
    assert!("10".parse::<ParallelInstance>().is_err());
    (0..=9999)
        .map(Decivolts)
        .filter_map(|v| ChargeVoltage::new(v).ok())
        .for_each(assert_round_trip);
    (0..=9999)
        .map(Decivolts)
        .filter_map(|v| CutoffVoltage::new(v).ok())
        .for_each(assert_round_trip);
    (0..=9999)
        .map(Decivolts)
        .filter_map(|v| RechargeVoltage::new(v).ok())
        .for_each(assert_round_trip);
}

#[test]
fn text_that_is_no_quantity_is_refused() {
    for text in [
        "", " ", "V", "5.", ".5", "5.46", "5 W", "5  V", "+5", "-5", "5,4", "1e3", "5 V ", "6553.6",
    ] {
        assert!(text.parse::<Decivolts>().is_err(), "{text:?}");
    }
    let accepted = [("54", 540), ("54.6", 546), ("54.60 V", 546), ("54.6V", 546), ("054.6 V", 546)];
    for (text, steps) in accepted {
        assert_eq!(text.parse(), Ok(Decivolts(steps)), "{text:?}");
    }
    assert_eq!("1.5 kWh".parse(), Ok(WattHours(1500)));
    assert!("1.5 Wh".parse::<WattHours>().is_err());
    assert!("1.5 kW".parse::<Watts>().is_err());
    assert_eq!("-40 °C".parse(), Ok(Celsius(-40)));
}

fn any_date() -> impl Strategy<Value = Date> {
    (2000_u16..=2099, 1_u8..=12, 1_u8..=31)
        .prop_filter_map("no such day", |(year, month, day)| Date::new(year, month, day).ok())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

    #[test]
    fn displayed_quantity_is_read_back(short: u16, long: u32, signed: i32, small: i16) {
        assert_round_trip(Decivolts(short));
        assert_round_trip(Deciamperes(short));
        assert_round_trip(Decihertz(short));
        assert_round_trip(Amperes(short));
        assert_round_trip(Percent(short));
        assert_round_trip(Seconds(short));
        assert_round_trip(Count(short));
        assert_round_trip(VoltAmperes(long));
        assert_round_trip(Watts(long));
        assert_round_trip(WattHours(long));
        assert_round_trip(WattHours(long % 20_000));
        assert_round_trip(SignedWatts(signed));
        assert_round_trip(Celsius(small));
    }

    #[test]
    fn displayed_time_is_read_back(date in any_date(), hour in 0_u8..24, minute in 0_u8..60, second in 0_u8..60) {
        let time = DateTime::new(date, hour, minute, second).unwrap();
        assert_round_trip(time);
        assert_round_trip(ClockSetting(time));
        assert_round_trip(date);
        assert_round_trip(date.month());
        assert_round_trip(date.month().year());
        assert_round_trip(TimeOfDay::new(hour, minute).unwrap());
    }

    #[test]
    fn displayed_text_is_read_back(serial in "[ -+\\--~]{0,20}", version in "[ -+\\--~]{1,8}", color: [u8; 3]) {
        assert_round_trip(SerialNumber::new(&serial).unwrap());
        assert_round_trip(Version::new(&version).unwrap());
        assert_round_trip(Rgb { red: color[0], green: color[1], blue: color[2] });
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), "[-+.0-9 kVWh:#a-f]{0,24}"]) {
        let _ = text.parse::<Decivolts>();
        let _ = text.parse::<SignedWatts>();
        let _ = text.parse::<WattHours>();
        let _ = text.parse::<FaultCode>();
        let _ = text.parse::<Flag>();
        let _ = text.parse::<DateTime>();
        let _ = text.parse::<Month>();
        let _ = text.parse::<Year>();
        let _ = text.parse::<Rgb>();
        let _ = text.parse::<SerialNumber>();
    }
}

#[test]
fn other_form_of_a_time_is_refused() {
    for text in ["2026-04-26", "2026-04-26T13:05:00", "2026-04-26 24:00:00", "20260426130500", ""] {
        assert!(text.parse::<DateTime>().is_err(), "{text}");
    }
    assert!("2026-4-26".parse::<Date>().is_err() && "2026-02-30".parse::<Date>().is_err());
    assert!("#0064fg".parse::<Rgb>().is_err() && "#+064ff".parse::<Rgb>().is_err());
    assert!("1,2".parse::<SerialNumber>().is_err() && "1,2".parse::<Version>().is_err());
}

/// Compiles only if these can be built in constants.
const _: (Option<SerialNumber>, Option<Known<BatteryType>>, bool) = (
    SerialNumber::new("96132206100410"),
    BatteryType::USER.known(),
    matches!((Date::new(2026, 4, 26), CutoffVoltage::new(Decivolts(480))), (Ok(_), Ok(_))),
);
