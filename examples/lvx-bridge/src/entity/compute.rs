//! Values that are computed from others. A computed value is at most as fresh as the oldest of its parts.

use std::time::Duration;

use jiff::{civil, tz::TimeZone};
use pi18_proto::AnyReply;

use crate::{
    Now, Snapshot,
    alert::Alert,
    control::CommandState,
    state::{Datum, LinkState, LinkView, UnitView, Value},
};

/// Returns the power of the battery in watts, positive while it is charged.
///
/// Computed from voltage and current, whose step is a whole ampere: it is coarse.
pub(super) fn battery_power(unit: &UnitView, now: Now) -> Value {
    from_fields(
        unit,
        now,
        ["battery_voltage", "charge_current", "discharge_current"],
        "W",
        |parts| {
            let [decivolts, charge, discharge] = parts;
            let product = decivolts * (charge - discharge);
            // Rounds half away from zero, the same in both directions.
            (product + 5 * product.signum()) / 10
        },
    )
}

/// Returns the current of the battery in amperes, positive while it is charged.
pub(super) fn battery_current(unit: &UnitView, now: Now) -> Value {
    from_fields(unit, now, ["charge_current", "discharge_current"], "A", |[charge, discharge]| {
        charge - discharge
    })
}

/// Returns the power of both PV inputs in watts.
pub(super) fn pv_power(unit: &UnitView, now: Now) -> Value {
    from_fields(unit, now, ["pv1_power", "pv2_power"], "W", |[first, second]| first + second)
}

/// Returns the PV energy of the unit's counter. The era is the one that the state has found.
pub(super) fn pv_energy(unit: &UnitView, now: Now) -> Value {
    energy(unit, now, "ET", unit.energy.pv_total)
}

/// Returns the PV energy of the present day of the unit's clock.
pub(super) fn pv_energy_today(unit: &UnitView, now: Now) -> Value {
    energy(unit, now, "ED", unit.energy.pv_today)
}

/// Returns the energy that charged the battery, integrated by the bridge.
pub(super) fn charge_energy(unit: &UnitView, now: Now) -> Value {
    energy(unit, now, "GS", unit.energy.battery_charge_total)
}

/// Returns the energy that was taken from the battery, integrated by the bridge.
pub(super) fn discharge_energy(unit: &UnitView, now: Now) -> Value {
    energy(unit, now, "GS", unit.energy.battery_discharge_total)
}

/// Returns the serial number of the unit. It is the identity by which the unit is followed, so it is never stale.
pub(super) fn serial_number(unit: &UnitView, _now: Now) -> Value {
    known(Datum::Text(unit.serial.to_string()))
}

/// Returns the offset of the unit's clock from the clock of this computer, in seconds.
pub(super) fn clock_offset(unit: &UnitView, now: Now) -> Value {
    same_age(unit, now, "T", || {
        let (AnyReply::Clock(clock), at) = unit.held("T")?.reply.as_ref()? else { return None };
        let age = now.instant.saturating_duration_since(*at);
        let host = now.wall.checked_sub(age).ok()?.to_zoned(TimeZone::system()).datetime();
        let (date, time) = (clock.time.date(), clock.time);
        let unit = civil::DateTime::new(
            i16::try_from(date.month().year().get()).ok()?,
            i8::try_from(date.month().month()).ok()?,
            i8::try_from(date.day()).ok()?,
            i8::try_from(time.hour()).ok()?,
            i8::try_from(time.minute()).ok()?,
            i8::try_from(time.second()).ok()?,
            0,
        );
        Some(quantity(unit.ok()?.duration_since(host).as_secs(), 0, "s"))
    })
}

/// Returns the address of the link on which the unit was last found.
pub(super) fn link_address(unit: &UnitView, _now: Now) -> Value {
    known(Datum::Text(unit.link.address.clone()))
}

/// Returns the median time of an exchange in milliseconds; absent while the unit does not answer.
pub(super) fn link_latency(unit: &UnitView, _now: Now) -> Value {
    latency(&unit.link)
}

/// Returns the median time of an exchange on a link in milliseconds; absent while the device does not answer.
pub(super) fn latency(link: &LinkView) -> Value {
    let latency = link.latency.filter(|_| link.state == LinkState::Up);
    let latency = latency.and_then(|latency| i64::try_from(latency.as_millis()).ok());
    latency.map_or(Value::Absent, |latency| known(quantity(latency, 0, "ms")))
}

/// Returns a count of the bridge itself, which is never stale.
pub(super) fn count(count: u64) -> Value {
    known(quantity(i64::try_from(count).unwrap_or(i64::MAX), 0, ""))
}

/// Returns a sum of the bank.
pub(super) fn total(
    bank: &Snapshot,
    now: Now,
    sum: Option<i64>,
    decimals: u8,
    unit: &'static str,
) -> Value {
    sum.map_or(Value::Absent, |sum| of_bank(bank, now, quantity(sum, decimals, unit)))
}

/// Returns a value of the snapshot, which is stale if snapshots have stopped.
fn of_bank(bank: &Snapshot, now: Now, datum: Datum) -> Value {
    let age = now.instant.saturating_duration_since(bank.now.instant);
    if bank.is_overdue(now) { Value::Stale { datum, age } } else { Value::Fresh { datum, age } }
}

/// Returns an energy that the bridge counts, as old as the latest reply to a query. What a unit that does not answer
/// counts is added once it answers again.
pub(super) fn counted(bank: &Snapshot, now: Now, energy: Option<u64>, mnemonic: &str) -> Value {
    let replies = bank.units.iter().filter_map(|unit| {
        let held = unit.held(mnemonic)?;
        let (_, at) = held.reply.as_ref()?;
        Some((now.instant.saturating_duration_since(*at), held.max_age))
    });
    let energy = energy.and_then(|energy| i64::try_from(energy).ok());
    let Some((energy, (age, max_age))) = energy.zip(replies.min()) else { return Value::Absent };
    let datum = quantity(energy, 0, "Wh");
    if age <= max_age { Value::Fresh { datum, age } } else { Value::Stale { datum, age } }
}

/// Returns the PV energy of the present day of all units: absent if a unit has none, or the clock of one shows another
/// day, as around midnight; stale if one of them is stale.
pub(super) fn bank_energy_today(bank: &Snapshot, now: Now) -> Value {
    let days = || bank.units.iter().map(|unit| unit.held("ED").map(|held| held.query));
    if days().zip(days().skip(1)).any(|(one, other)| one != other) {
        return Value::Absent;
    }
    let (mut sum, mut oldest, mut is_fresh) = (0_i64, Duration::ZERO, !bank.units.is_empty());
    for unit in &bank.units {
        let value = pv_energy_today(unit, now);
        let Some((Datum::Quantity { steps, .. }, age)) = value.last() else { return Value::Absent };
        sum = sum.saturating_add(*steps);
        oldest = oldest.max(age);
        is_fresh &= value.fresh().is_some();
    }
    let datum = quantity(sum, 0, "Wh");
    match (bank.units.is_empty(), is_fresh) {
        (true, _) => Value::Absent,
        (false, true) => Value::Fresh { datum, age: oldest },
        (false, false) => Value::Stale { datum, age: oldest },
    }
}

/// Returns whether an alert is raised, acknowledged or not; absent before the bank was judged.
pub(super) fn problem(bank: &Snapshot, now: Now) -> Value {
    judged(bank, now, |alert| Datum::Flag(alert.is_some()))
}

/// Returns the number of alerts that are raised; absent before the bank was judged.
pub(super) fn alerts(bank: &Snapshot, now: Now) -> Value {
    let count = i64::try_from(raised(bank).count()).unwrap_or(i64::MAX);
    judged(bank, now, |_| quantity(count, 0, ""))
}

/// Returns the title of the most severe alert that is raised, or `none`; absent before the bank was judged.
pub(super) fn worst_alert(bank: &Snapshot, now: Now) -> Value {
    judged(bank, now, |alert| Datum::Text(alert.map_or_else(none, |alert| short(&alert.title))))
}

/// Returns a value that depends on the alerts, with the most severe one that is raised. Without a judgement only the
/// alerts of an earlier run are known.
fn judged(bank: &Snapshot, now: Now, datum: impl FnOnce(Option<&Alert>) -> Datum) -> Value {
    match (raised(bank).next(), &bank.findings) {
        (None, None) => Value::Absent,
        (alert, _) => of_bank(bank, now, datum(alert)),
    }
}

/// Returns why the last command was not carried out, or `none`.
pub(super) fn last_refusal(bank: &Snapshot, _now: Now) -> Value {
    let last = bank.control.results.first();
    let failed = last.filter(|command| command.state != CommandState::Proved);
    known(Datum::Text(failed.map_or_else(none, |command| {
        let why = command.why.as_deref().unwrap_or("the reason is not known");
        short(&format!("{} {}: {why}", command.key, command.to))
    })))
}

/// Alerts that are raised, the most severe first.
fn raised(bank: &Snapshot) -> impl Iterator<Item = &Alert> {
    bank.alerts.iter().filter(|alert| alert.is_raised())
}

fn none() -> String {
    "none".to_owned()
}

/// Shortens a text to the longest state that Home Assistant takes.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= MAX_STATE {
        return text.to_owned();
    }
    text.chars().take(MAX_STATE - 1).chain(['…']).collect()
}

/// Longest state of Home Assistant in characters.
const MAX_STATE: usize = 255;

/// Computes a quantity from fields of `GS`, in their steps.
fn from_fields<const N: usize>(
    unit: &UnitView,
    now: Now,
    fields: [&str; N],
    of: &'static str,
    compute: fn([i64; N]) -> i64,
) -> Value {
    same_age(unit, now, "GS", || {
        let mut parts = [0; N];
        for (part, field) in parts.iter_mut().zip(fields) {
            let value = unit.value("GS", field, now.instant);
            let (Datum::Quantity { steps, .. }, _) = value.last()? else { return None };
            *part = *steps;
        }
        Some(quantity(compute(parts), 0, of))
    })
}

/// Returns a value that belongs to the reply to a query: as fresh as the reply, or failed as the query.
fn same_age(
    unit: &UnitView,
    now: Now,
    mnemonic: &str,
    compute: impl FnOnce() -> Option<Datum>,
) -> Value {
    let Some(held) = unit.held(mnemonic) else { return Value::Absent };
    let Some((_, at)) = &held.reply else {
        return held.failure.clone().map_or(Value::Absent, Value::Failed);
    };
    let age = now.instant.saturating_duration_since(*at);
    match (age <= held.max_age, &held.failure) {
        (false, Some(gap)) => Value::Failed(gap.clone()),
        (is_fresh, _) => match compute() {
            Some(datum) if is_fresh => Value::Fresh { datum, age },
            Some(datum) => Value::Stale { datum, age },
            None => Value::Absent,
        },
    }
}

fn energy(unit: &UnitView, now: Now, mnemonic: &str, energy: Option<u64>) -> Value {
    same_age(unit, now, mnemonic, || Some(quantity(i64::try_from(energy?).ok()?, 0, "Wh")))
}

/// Returns a value that the bridge itself knows now.
pub(super) fn known(datum: Datum) -> Value {
    Value::Fresh { datum, age: Duration::ZERO }
}

pub(super) fn quantity(steps: i64, decimals: u8, unit: &'static str) -> Datum {
    Datum::Quantity { steps, decimals, unit }
}
