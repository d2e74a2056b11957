//! Sums of power and energy over all units of a bank.

use std::time::{Duration, Instant};

use pi18_proto::{GeneralStatus, SerialNumber, SignedWatts, VoltAmperes, WattHours, Watts};

/// The units of a bank with the latest values of each, for a program that reads them repeatedly and
/// shows sums.
///
/// If a unit has no recent value, the sum is a [`SumError`] with the serial number of the unit, because a
/// sum without that unit would be wrong. Units can be inserted and removed at any time; the values of the
/// other units are kept.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::{Cluster, SumError};
/// use pi18_proto::{GeneralStatus, Reply, SerialNumber};
///
/// let serials = ["96132206100410", "96132206100411"].map(|text| SerialNumber::new(text).unwrap());
/// let mut cluster = Cluster::new(serials, Duration::from_secs(10));
/// let now = Instant::now();
/// let status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes())?;
///
/// cluster.put_status(serials[0], status, now);
/// let error = cluster.totals(now).pv_power.unwrap_err();
/// assert_eq!(error, SumError::Missing(vec![serials[1]]));
/// cluster.put_status(serials[1], status, now);
/// println!("PV {}", cluster.totals(now).pv_power?);
///
/// // The second unit is switched off for repair.
/// cluster.remove(serials[1]);
/// assert_eq!(cluster.totals(now).pv_power?, status.pv1_power);
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

/// The sums of a bank. Each is an error if a unit has no recent value.
///
/// Battery power is calculated from current and voltage, because `GS` has no battery power:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::Cluster;
/// use pi18_proto::{Amperes, Decivolts, GeneralStatus, SerialNumber, SignedWatts, WattHours};
///
/// let serial = SerialNumber::new("96132206100410").unwrap();
/// let mut status = GeneralStatus::zeroed();
/// status.discharge_current = Amperes(20);
/// status.battery_voltage = Decivolts(520);
/// let mut cluster = Cluster::new([serial], Duration::from_secs(10));
/// let now = Instant::now();
/// cluster.put_status(serial, status, now);
/// cluster.put_energy(serial, WattHours(18_500), now);
/// let totals = cluster.totals(now);
/// assert_eq!(totals.battery_power, Ok(SignedWatts(-1040)));
/// assert_eq!(totals.energy?.to_string(), "18.500 kWh");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the feature `serde`, it is serialized with `null` for each sum that is an error, and the serial
/// numbers of the units that are [`missing`](Self::missing):
///
/// ```json
/// {
///   "pv_power": 1502,
///   "load_power": 900,
///   "load_apparent_power": 950,
///   "battery_power": -1040,
///   "energy": null,
///   "missing": { "status": [], "energy": ["96132206100411"] }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Power of the PV strings that `GS` reports, the first two of each unit.
    pub pv_power: Result<Watts, SumError>,
    /// Active power of all loads. Units with three phases report only the first phase in `GS`, so only
    /// that one is included.
    pub load_power: Result<Watts, SumError>,
    /// Apparent power of all loads, limited to the first phase as well.
    pub load_apparent_power: Result<VoltAmperes, SumError>,
    /// Power into the battery; negative while the battery is discharged. It is the sum over the units
    /// of battery current times battery voltage.
    pub battery_power: Result<SignedWatts, SumError>,
    /// Energy that all units have generated.
    pub energy: Result<WattHours, SumError>,
    /// The units without recent values.
    pub missing: Missing,
}

/// The units of a bank without recent values, by serial number.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use lvx_parallel::Cluster;
/// use pi18_proto::SerialNumber;
///
/// let serial = SerialNumber::new("96132206100410").unwrap();
/// let cluster = Cluster::new([serial], Duration::from_secs(10));
/// assert_eq!(cluster.totals(Instant::now()).missing.status, [serial]);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Missing {
    /// Units without recent measurements (`GS`), which all sums of power need.
    pub status: Vec<SerialNumber>,
    /// Units without a recent value of energy.
    pub energy: Vec<SerialNumber>,
}

#[cfg(feature = "serde")]
impl serde::Serialize for Totals {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut totals = serializer.serialize_struct("Totals", 6)?;
        totals.serialize_field("pv_power", &self.pv_power.as_ref().ok())?;
        totals.serialize_field("load_power", &self.load_power.as_ref().ok())?;
        totals.serialize_field("load_apparent_power", &self.load_apparent_power.as_ref().ok())?;
        totals.serialize_field("battery_power", &self.battery_power.as_ref().ok())?;
        totals.serialize_field("energy", &self.energy.as_ref().ok())?;
        totals.serialize_field("missing", &self.missing)?;
        totals.end()
    }
}

/// The reason why there is no sum.
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
#[non_exhaustive]
pub enum SumError {
    /// Units without a recent value, by serial number; empty for a bank without units.
    #[error("expected a recent value from every unit, found none from {}", list(.0))]
    Missing(Vec<SerialNumber>),
    /// A sum that does not fit its quantity, in the unit of that quantity.
    #[error("expected a sum that fits its quantity, found {0}")]
    TooLarge(i64),
}

impl Cluster {
    /// Returns a bank of these units, without values. Values older than `max_age` are not added up. A serial
    /// number that occurs twice counts as one unit.
    pub fn new(members: impl IntoIterator<Item = SerialNumber>, max_age: Duration) -> Self {
        let mut cluster = Self { members: Vec::new(), max_age };
        for serial in members {
            cluster.insert(serial);
        }
        cluster
    }

    /// Adds a unit without values. Returns `false`, and keeps its values, if the bank has the unit already.
    pub fn insert(&mut self, member: SerialNumber) -> bool {
        let is_new = self.members.iter().all(|values| values.serial != member);
        if is_new {
            self.members.push(MemberValues { serial: member, status: None, energy: None });
        }
        is_new
    }

    /// Removes a unit with its values. Returns `false` if the bank has no such unit.
    pub fn remove(&mut self, member: SerialNumber) -> bool {
        let before = self.members.len();
        self.members.retain(|values| values.serial != member);
        self.members.len() < before
    }

    /// Returns the serial numbers of the units, in the order in which they were added.
    #[must_use]
    pub fn members(&self) -> impl ExactSizeIterator<Item = SerialNumber> + '_ {
        self.members.iter().map(|values| values.serial)
    }

    /// Stores the measurements of a unit. Returns `false` if the bank has no such unit.
    pub fn put_status(&mut self, member: SerialNumber, status: GeneralStatus, at: Instant) -> bool {
        self.put(member, |values| values.status = Some((status, at)))
    }

    /// Stores the energy that a unit has generated, for example today or in total; the period must be the
    /// same for all units. Returns `false` if the bank has no such unit.
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
                .and_then(|sum| checked(sum, Watts)),
            load_power: status(|s| s.active_power.0.into()).and_then(|sum| checked(sum, Watts)),
            load_apparent_power: status(|s| s.apparent_power.0.into())
                .and_then(|sum| checked(sum, VoltAmperes)),
            battery_power: status(battery_power).and_then(|sum| checked(sum, SignedWatts)),
            energy: self
                .sum(now, |values| values.energy, |energy| energy.0.into())
                .and_then(|sum| checked(sum, WattHours)),
            missing: Missing {
                status: self.missing(now, |values| values.status.map(|(_, at)| at)),
                energy: self.missing(now, |values| values.energy.map(|(_, at)| at)),
            },
        }
    }

    /// Returns the units without a recent value. `at` returns the time of the latest one.
    fn missing(&self, now: Instant, at: fn(&MemberValues) -> Option<Instant>) -> Vec<SerialNumber> {
        let is_missing =
            |values: &&MemberValues| !at(values).is_some_and(|at| self.is_recent(now, at));
        self.members.iter().filter(is_missing).map(|values| values.serial).collect()
    }

    fn is_recent(&self, now: Instant, at: Instant) -> bool {
        now.saturating_duration_since(at) <= self.max_age
    }

    /// Adds up a value of all units. `part` returns the latest reading of a unit with its time, and `value`
    /// the value in it.
    fn sum<T>(
        &self,
        now: Instant,
        part: fn(&MemberValues) -> Option<(T, Instant)>,
        value: impl Fn(T) -> i64,
    ) -> Result<i64, SumError> {
        let mut missing = Vec::new();
        let mut sum = 0;
        for member in &self.members {
            match part(member) {
                Some((latest, at)) if self.is_recent(now, at) => sum += value(latest),
                _ => missing.push(member.serial),
            }
        }
        // A bank without units has no sum, not a sum of 0.
        if missing.is_empty() && !self.members.is_empty() {
            Ok(sum)
        } else {
            Err(SumError::Missing(missing))
        }
    }
}

/// Converts a sum into its quantity.
fn checked<N: TryFrom<i64>, Q>(sum: i64, quantity: fn(N) -> Q) -> Result<Q, SumError> {
    N::try_from(sum).map(quantity).map_err(|_| SumError::TooLarge(sum))
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
        let mut status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()).unwrap();
        status.charge_current = Amperes(charge);
        status.discharge_current = Amperes(discharge);
        status.battery_voltage = Decivolts(520);
        status.pv1_power = Watts(pv);
        status.pv2_power = Watts(1);
        status
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
        assert_eq!(totals.energy, Err(SumError::Missing(vec![serials()[1]])));
        assert!(cluster.put_energy(serials()[1], WattHours(5), now));
        assert_eq!(cluster.totals(now).energy, Ok(WattHours(12)));
    }

    #[test]
    fn insert_and_remove_keep_values_of_other_units() {
        let [first, second] = serials();
        let mut cluster = Cluster::new([first], Duration::from_secs(10));
        let now = Instant::now();
        cluster.put_status(first, status(10, 0, 1000), now);
        assert!(cluster.insert(second) && !cluster.insert(first));
        assert_eq!(cluster.totals(now).missing.status, [second]);
        cluster.put_status(second, status(0, 30, 500), now);
        assert_eq!(cluster.totals(now).pv_power, Ok(Watts(1502)));
        assert!(cluster.remove(first) && !cluster.remove(first));
        assert_eq!(cluster.totals(now).pv_power, Ok(Watts(501)));
        assert_eq!(cluster.members().collect::<Vec<_>>(), [second]);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn totals_in_json_have_null_and_name_missing_units() {
        let [first, second] = serials();
        let mut cluster = Cluster::new([first, second], Duration::from_secs(10));
        let now = Instant::now();
        cluster.put_status(first, status(10, 0, 1000), now);
        cluster.put_status(second, status(0, 30, 500), now);
        cluster.put_energy(first, WattHours(7), now);
        let json = serde_json::to_string(&cluster.totals(now)).unwrap();
        let totals = r#"{"pv_power":1502,"load_power":510,"load_apparent_power":886,"#;
        let rest = r#""battery_power":-1040,"energy":null,"#;
        let missing = r#""missing":{"status":[],"energy":["96132206100411"]}}"#;
        assert_eq!(json, format!("{totals}{rest}{missing}"));
    }

    #[test]
    fn sum_that_exceeds_its_quantity_is_error() {
        let mut cluster = Cluster::new(serials(), Duration::from_secs(10));
        let now = Instant::now();
        cluster.put_energy(serials()[0], WattHours(u32::MAX), now);
        cluster.put_energy(serials()[1], WattHours(0), now);
        assert_eq!(cluster.totals(now).energy, Ok(WattHours(u32::MAX)));
        cluster.put_energy(serials()[1], WattHours(1), now);
        let error = cluster.totals(now).energy.unwrap_err();
        assert_eq!(error, SumError::TooLarge(4_294_967_296));
        assert_eq!(error.to_string(), "expected a sum that fits its quantity, found 4294967296");
    }

    #[test]
    fn totals_with_missing_or_old_value_are_errors() {
        let mut cluster = Cluster::new(serials(), Duration::from_secs(10));
        let start = Instant::now();
        let later = start + Duration::from_secs(11);
        cluster.put_status(serials()[0], status(1, 0, 1), start);
        cluster.put_status(serials()[1], status(1, 0, 1), later);
        let incomplete = cluster.totals(later).load_power.unwrap_err();
        assert_eq!(incomplete, SumError::Missing(vec![serials()[0]]));
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
