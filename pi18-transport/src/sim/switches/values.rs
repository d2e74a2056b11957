//! Readers of switch values: each returns `None` for a text of the wrong form.

use std::time::Duration;

use jiff::{SignedDuration, civil};
use pi18_proto::{Amperes, Decivolts, Edition, FaultsAndWarnings, Reply};

use super::groups::{Dialects, Grid, Pi30Answer, ShortLength};
use crate::sim::{
    calendar,
    physics::bms::BmsSwitch,
    unit::limits::{self, RatedVoltage},
};

/// Stores a value, unless it is `None`.
pub(super) fn put<T, P: From<T>>(target: &mut P, value: Option<T>) -> Option<()> {
    *target = value?.into();
    Some(())
}

/// Appends a value, unless it is `None`.
pub(super) fn add<T>(list: &mut Vec<T>, value: Option<T>) -> Option<()> {
    list.push(value?);
    Some(())
}

/// Reads `on` or `off`.
pub(super) fn on_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// Reads `normal` or `abnormal`, and returns whether it is `abnormal`.
pub(super) fn abnormal(text: &str) -> Option<bool> {
    match text {
        "normal" => Some(false),
        "abnormal" => Some(true),
        _ => None,
    }
}

/// Reads the source at the AC input.
pub(super) fn grid(text: &str) -> Option<Grid> {
    match text {
        "on" => Some(Grid::On),
        "off" => Some(Grid::Off),
        "generator" => Some(Grid::Generator),
        _ => None,
    }
}

/// Reads a number that consists of digits only; `parse` alone would accept a plus sign.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Reads a code that has two digits on the wire.
pub(super) fn code(text: &str) -> Option<u8> {
    number(text).filter(|code| *code <= 99)
}

/// Reads a code that has one digit on the wire.
pub(super) fn digit(text: &str) -> Option<u8> {
    number(text).filter(|code| *code <= 9)
}

/// Reads a number in a range, both ends included.
pub(super) fn between(text: &str, min: f64, max: f64) -> Option<f64> {
    text.parse().ok().filter(|value| (min..=max).contains(value))
}

/// Reads a chance, 0 to 1.
pub(super) fn chance(text: &str) -> Option<f64> {
    between(text, 0.0, 1.0)
}

/// Reads a percentage, and returns it as a share from 0 to 1.
pub(super) fn percent(text: &str) -> Option<f64> {
    between(text, 0.0, 100.0).map(|percent| percent / 100.0)
}

/// Reads a voltage below 100 V with at most one decimal, the resolution on the wire.
pub(super) fn volts(text: &str) -> Option<Decivolts> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let tenth = number::<u16>(tenth).filter(|_| tenth.len() == 1)?;
    let volts = number::<u16>(whole).filter(|volts| *volts <= 99)?;
    Some(Decivolts(volts * 10 + tenth))
}

/// Reads three voltages with commas between them.
pub(super) fn three_volts(text: &str) -> Option<[Decivolts; 3]> {
    let mut parts = text.split(',').map(volts);
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// Reads a current in whole amperes, three digits at most.
pub(super) fn amperes(text: &str) -> Option<Amperes> {
    number(text).filter(|amperes| *amperes <= 999).map(Amperes)
}

/// Reads a time in seconds (`2s`, `0.5s`) or milliseconds (`20ms`).
pub(super) fn time(text: &str) -> Option<Duration> {
    time_up_to(1e6, text)
}

/// Reads a time of at most `max` seconds or milliseconds.
fn time_up_to(max: f64, text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    between(number, 0.0, max).map(|number| Duration::from_secs_f64(number * unit))
}

/// Reads a time of up to 30 years, perhaps with a minus sign.
pub(super) fn signed_time(text: &str) -> Option<SignedDuration> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let time = SignedDuration::try_from(time_up_to(1e9, text)?).ok()?;
    Some(if is_negative { -time } else { time })
}

/// Reads the seconds that a clock gains in a day, an hour at most; negative if it loses them.
pub(super) fn drift(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    number::<u16>(digits)
        .filter(|seconds| *seconds <= 3600)
        .map(|seconds| sign * i32::from(seconds))
}

/// Reads the value of the switch `dialect`.
pub(super) fn dialect(text: &str) -> Option<Dialects> {
    match text {
        "crc" => Some(Dialects::Checksum),
        "no-crc" => Some(Dialects::NoChecksum),
        "any" => Some(Dialects::Any),
        _ => None,
    }
}

/// Reads the value of the switch `bms`.
pub(super) fn bms(text: &str) -> Option<BmsSwitch> {
    match text {
        "auto" => Some(BmsSwitch::Auto),
        "open" => Some(BmsSwitch::Open),
        "closed" => Some(BmsSwitch::Closed),
        _ => None,
    }
}

/// Reads a current with which the list of charge currents can end.
pub(super) fn charge_currents(text: &str) -> Option<Amperes> {
    let listed = |max: &Amperes| limits::charge_currents(*max).contains(max);
    amperes(text).filter(|max| max.0 <= limits::LARGEST_CHARGE_CURRENT).filter(listed)
}

/// Reads the value of the switch `short-length`.
pub(super) fn short_length(text: &str) -> Option<ShortLength> {
    match text {
        "off" => Some(ShortLength::Off),
        "piri" => Some(ShortLength::Piri),
        "all" => Some(ShortLength::All),
        _ => None,
    }
}

/// Reads the value of the switch `pi30`.
pub(super) fn pi30(text: &str) -> Option<Pi30Answer> {
    match text {
        "nak" => Some(Pi30Answer::Nak),
        "refuse" => Some(Pi30Answer::Refuse),
        "answer" => Some(Pi30Answer::Answer),
        _ => None,
    }
}

/// Reads the value of the switch `hosts`, and returns whether hosts share the line.
pub(super) fn hosts(text: &str) -> Option<bool> {
    match text {
        "one" => Some(false),
        "all" => Some(true),
        _ => None,
    }
}

/// Reads the year of an edition of the protocol.
pub(super) fn edition(text: &str) -> Option<Edition> {
    Edition::ALL.iter().copied().find(|edition| edition.to_string() == text)
}

/// Reads a rated battery voltage.
pub(super) fn rated(text: &str) -> Option<RatedVoltage> {
    match text {
        "12" => Some(RatedVoltage::V12),
        "24" => Some(RatedVoltage::V24),
        "48" => Some(RatedVoltage::V48),
        _ => None,
    }
}

/// Reads a date and time that a unit can show: the years 2000 to 2099.
pub(super) fn clock(text: &str) -> Option<civil::DateTime> {
    text.parse().ok().filter(calendar::is_representable)
}

/// Reads the name of a field of `FWS`, with `-` or `_` between its words.
pub(super) fn warning(text: &str) -> Option<&'static str> {
    let name = text.replace('-', "_");
    let warnings = FaultsAndWarnings::FIELDS.iter().skip(1);
    warnings.map(|info| info.name).find(|known| *known == name)
}
