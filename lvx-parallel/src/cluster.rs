//! Sums of power and energy over a bank, as long as the value of every unit is recent.

use std::time::{Duration, Instant};

use pi18_proto::{GeneralStatus, SerialNumber, SignedWatts, VoltAmperes, WattHours, Watts};

/// The units of a bank with the latest values of each, to add them up.
///
/// A sum that lacks a unit, or counts an old value, would be wrong. It is an [`Incomplete`] error that
/// names the units instead.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::Cluster;
/// use pi18_proto::{GeneralStatus, Reply, SerialNumber};
///
/// let serials = ["96132206100410", "96132206100411"].map(|text| SerialNumber::new(text).unwrap());
/// let mut cluster = Cluster::new(serials, Duration::from_secs(10));
/// let now = Instant::now();
/// let status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes())?;
///
/// cluster.put_status(serials[0], status, now);
/// assert_eq!(cluster.totals(now).pv_power.unwrap_err().missing, [serials[1]]);
/// cluster.put_status(serials[1], status, now);
/// println!("PV {}", cluster.totals(now).pv_power?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cluster {
    members: Vec<MemberValues>,
    max_age: Duration,
}

/// The latest values of one unit, each with its time.
#[derive(Clone, Copy, Debug)]
struct MemberValues {
    serial: SerialNumber,
    status: Option<(GeneralStatus, Instant)>,
    energy: Option<(WattHours, Instant)>,
}

/// The sums of a bank. Each is present only if every unit has a recent value.
///
/// A sum that is too large for its quantity is the largest value that the quantity has.
///
/// Battery power is calculated from current and voltage, because `GS` has no battery power:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::Cluster;
/// use pi18_proto::{
///     Amperes, Decivolts, GeneralStatus, Reply, SerialNumber, SignedWatts, WattHours,
/// };
///
/// let serial = SerialNumber::new("96132206100410").unwrap();
/// let status = GeneralStatus {
///     charge_current: Amperes(0),
///     discharge_current: Amperes(20),
///     battery_voltage: Decivolts(520),
///     ..GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes())?
/// };
/// let mut cluster = Cluster::new([serial], Duration::from_secs(10));
/// let now = Instant::now();
/// cluster.put_status(serial, status, now);
/// cluster.put_energy(serial, WattHours(18_500), now);
/// let totals = cluster.totals(now);
/// assert_eq!(totals.battery_power, Ok(SignedWatts(-1040)));
/// assert_eq!(totals.energy?.to_string(), "18.500 kWh");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Power that all PV strings in `GS` deliver.
    pub pv_power: Result<Watts, Incomplete>,
    /// Active power that all loads draw. Units with three phases report only the first in `GS`, so only
    /// the first is included.
    pub load_power: Result<Watts, Incomplete>,
    /// Apparent power that all loads draw, with the same limit.
    pub load_apparent_power: Result<VoltAmperes, Incomplete>,
    /// Power into the battery; negative while the battery is discharged. It is the sum over the units
    /// of battery current times battery voltage.
    pub battery_power: Result<SignedWatts, Incomplete>,
    /// Energy that all units have generated.
    pub energy: Result<WattHours, Incomplete>,
}

/// Error for a sum that lacks the recent value of some units.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::Cluster;
/// use pi18_proto::SerialNumber;
///
/// let serial = SerialNumber::new("96132206100410").unwrap();
/// let cluster = Cluster::new([serial], Duration::from_secs(10));
/// let error = cluster.totals(Instant::now()).load_power.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected a recent value from every unit, found none from 96132206100410"
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a recent value from every unit, found none from {}", list(.missing))]
#[non_exhaustive]
pub struct Incomplete {
    /// Serial numbers of the units without a recent value.
    pub missing: Vec<SerialNumber>,
}

impl Cluster {
    /// Returns a bank of these units, whose values are used for `max_age`. A serial number that occurs
    /// twice is one unit.
    pub fn new(members: impl IntoIterator<Item = SerialNumber>, max_age: Duration) -> Self {
        let mut all: Vec<MemberValues> = Vec::new();
        for serial in members {
            if all.iter().all(|member| member.serial != serial) {
                all.push(MemberValues { serial, status: None, energy: None });
            }
        }
        Self { members: all, max_age }
    }

    /// Stores the measurements of a unit. Returns `false` if the bank has no such unit.
    pub fn put_status(&mut self, member: SerialNumber, status: GeneralStatus, at: Instant) -> bool {
        self.put(member, |values| values.status = Some((status, at)))
    }

    /// Stores the energy that a unit has generated. The period is up to the caller, and must be the same
    /// for all units. Returns `false` if the bank has no such unit.
    pub fn put_energy(&mut self, member: SerialNumber, energy: WattHours, at: Instant) -> bool {
        self.put(member, |values| values.energy = Some((energy, at)))
    }

    fn put(&mut self, member: SerialNumber, put: impl FnOnce(&mut MemberValues)) -> bool {
        self.members.iter_mut().find(|values| values.serial == member).map(put).is_some()
    }

    /// Returns the sums at the time `now`.
    #[must_use]
    pub fn totals(&self, now: Instant) -> Totals {
        let status = |value: fn(&GeneralStatus) -> i64| {
            self.sum(now, |values| values.status, |status| value(&status))
        };
        Totals {
            pv_power: status(|s| i64::from(s.pv1_power.0) + i64::from(s.pv2_power.0))
                .map(|sum| Watts(saturated(sum))),
            load_power: status(|s| s.active_power.0.into()).map(|sum| Watts(saturated(sum))),
            load_apparent_power: status(|s| s.apparent_power.0.into())
                .map(|sum| VoltAmperes(saturated(sum))),
            battery_power: status(battery_power).map(|sum| {
                let limit = if sum < 0 { i32::MIN } else { i32::MAX };
                SignedWatts(sum.try_into().unwrap_or(limit))
            }),
            energy: self
                .sum(now, |values| values.energy, |energy| energy.0.into())
                .map(|sum| WattHours(saturated(sum))),
        }
    }

    fn sum<T>(
        &self,
        now: Instant,
        part: fn(&MemberValues) -> Option<(T, Instant)>,
        value: impl Fn(T) -> i64,
    ) -> Result<i64, Incomplete> {
        let mut missing = Vec::new();
        let mut sum = 0;
        for member in &self.members {
            match part(member) {
                Some((latest, at)) if now.saturating_duration_since(at) <= self.max_age => {
                    sum += value(latest);
                }
                _ => missing.push(member.serial),
            }
        }
        // A bank without units has no sum, not a sum of 0.
        if missing.is_empty() && !self.members.is_empty() {
            Ok(sum)
        } else {
            Err(Incomplete { missing })
        }
    }
}

/// Converts the sum of an unsigned quantity, limited to its largest value.
fn saturated(sum: i64) -> u32 {
    u32::try_from(sum).unwrap_or(u32::MAX)
}

/// Returns the power into the battery of one unit, W.
fn battery_power(status: &GeneralStatus) -> i64 {
    let current = i64::from(status.charge_current.0) - i64::from(status.discharge_current.0);
    current * i64::from(status.battery_voltage.0) / 10
}

fn list(serials: &[SerialNumber]) -> String {
    if serials.is_empty() {
        return "a bank without units".to_owned();
    }
    serials.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, Reply};

    use super::*;

    fn serials() -> [SerialNumber; 2] {
        ["96132206100410", "96132206100411"].map(|text| SerialNumber::new(text).unwrap())
    }

    fn status(charge: u16, discharge: u16, pv: u32) -> GeneralStatus {
        GeneralStatus {
            charge_current: Amperes(charge),
            discharge_current: Amperes(discharge),
            battery_voltage: Decivolts(520),
            pv1_power: Watts(pv),
            pv2_power: Watts(1),
            ..GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()).unwrap()
        }
    }

    #[test]
    fn totals_add_up_all_units() {
        let mut cluster = Cluster::new(serials(), Duration::from_secs(10));
        let now = Instant::now();
        assert!(cluster.put_status(serials()[0], status(10, 0, 1000), now));
        assert!(cluster.put_status(serials()[1], status(0, 30, 500), now));
        assert!(cluster.put_energy(serials()[0], WattHours(7), now));
        let totals = cluster.totals(now);
        assert_eq!(totals.pv_power, Ok(Watts(1502)));
        assert_eq!(totals.battery_power, Ok(SignedWatts(-1040)));
        assert_eq!(totals.energy, Err(Incomplete { missing: vec![serials()[1]] }));
        assert!(cluster.put_energy(serials()[1], WattHours(u32::MAX), now));
        assert_eq!(cluster.totals(now).energy, Ok(WattHours(u32::MAX)));
    }

    #[test]
    fn totals_with_missing_or_old_value_are_incomplete() {
        let mut cluster = Cluster::new(serials(), Duration::from_secs(10));
        let start = Instant::now();
        let later = start + Duration::from_secs(11);
        cluster.put_status(serials()[0], status(1, 0, 1), start);
        cluster.put_status(serials()[1], status(1, 0, 1), later);
        let incomplete = cluster.totals(later).load_power.unwrap_err();
        assert_eq!(incomplete.missing, [serials()[0]]);
        assert_eq!(
            incomplete.to_string(),
            "expected a recent value from every unit, found none from 96132206100410"
        );
        assert!(cluster.totals(start + Duration::from_secs(10)).load_power.is_ok());
        let other = SerialNumber::new("96132206100499").unwrap();
        assert!(!cluster.put_status(other, status(1, 0, 1), later));
        let empty = Cluster::new([], Duration::from_secs(1)).totals(later);
        assert!(empty.pv_power.is_err() && empty.energy.is_err());
    }
}
