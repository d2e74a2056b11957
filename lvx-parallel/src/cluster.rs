//! What a bank gives and takes as a whole, as long as every member's word is fresh.

use std::time::{Duration, Instant};

use pi18_proto::{GeneralStatus, SerialNumber, SignedWatts, VoltAmperes, WattHours, Watts};

/// The members of a bank with what each last said, for sums that are whole or not there.
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
    members: Vec<Word>,
    max_age: Duration,
}

/// What one member last said.
#[derive(Clone, Copy, Debug)]
struct Word {
    serial: SerialNumber,
    status: Option<(GeneralStatus, Instant)>,
    energy: Option<(WattHours, Instant)>,
}

/// The sums of a bank. Each is present only if every member has a fresh value.
///
/// A sum that is too large for its quantity is the largest value that the quantity has.
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

/// Members without a fresh word, so that there is no sum.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a fresh word of every member, found none of {}", list(.missing))]
#[non_exhaustive]
pub struct Incomplete {
    /// Their serial numbers.
    pub missing: Vec<SerialNumber>,
}

impl Cluster {
    /// A bank of these members, whose words are fresh for `max_age`.
    pub fn new(members: impl IntoIterator<Item = SerialNumber>, max_age: Duration) -> Self {
        let mut all: Vec<Word> = Vec::new();
        for serial in members {
            if all.iter().all(|word| word.serial != serial) {
                all.push(Word { serial, status: None, energy: None });
            }
        }
        Self { members: all, max_age }
    }

    /// Takes what a member measured at a moment; `false` if it is none.
    pub fn put_status(&mut self, member: SerialNumber, status: GeneralStatus, at: Instant) -> bool {
        self.put(member, |word| word.status = Some((status, at)))
    }

    /// Takes what a member has generated, of any one period that all are asked for; `false` if it is
    /// none.
    pub fn put_energy(&mut self, member: SerialNumber, energy: WattHours, at: Instant) -> bool {
        self.put(member, |word| word.energy = Some((energy, at)))
    }

    fn put(&mut self, member: SerialNumber, put: impl FnOnce(&mut Word)) -> bool {
        self.members.iter_mut().find(|word| word.serial == member).map(put).is_some()
    }

    /// The sums as of `now`.
    #[must_use]
    pub fn totals(&self, now: Instant) -> Totals {
        let status = |value: fn(&GeneralStatus) -> i64| {
            self.sum(now, |word| word.status, |status| value(&status))
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
                .sum(now, |word| word.energy, |energy| energy.0.into())
                .map(|sum| WattHours(saturated(sum))),
        }
    }

    fn sum<T>(
        &self,
        now: Instant,
        part: fn(&Word) -> Option<(T, Instant)>,
        value: impl Fn(T) -> i64,
    ) -> Result<i64, Incomplete> {
        let mut missing = Vec::new();
        let mut sum = 0;
        for word in &self.members {
            match part(word) {
                Some((said, at)) if now.saturating_duration_since(at) <= self.max_age => {
                    sum += value(said);
                }
                _ => missing.push(word.serial),
            }
        }
        // Nobody's sum is not nothing.
        if missing.is_empty() && !self.members.is_empty() {
            Ok(sum)
        } else {
            Err(Incomplete { missing })
        }
    }
}

/// A sum of unsigned quantities, limited to what a quantity holds.
fn saturated(sum: i64) -> u32 {
    u32::try_from(sum).unwrap_or(u32::MAX)
}

fn battery_power(status: &GeneralStatus) -> i64 {
    let current = i64::from(status.charge_current.0) - i64::from(status.discharge_current.0);
    current * i64::from(status.battery_voltage.0) / 10
}

fn list(serials: &[SerialNumber]) -> String {
    if serials.is_empty() {
        return "a bank without members".to_owned();
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
    fn sums_are_of_all_members() {
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
    fn there_is_no_sum_with_a_member_missing_or_its_word_old() {
        let mut cluster = Cluster::new(serials(), Duration::from_secs(10));
        let start = Instant::now();
        let later = start + Duration::from_secs(11);
        cluster.put_status(serials()[0], status(1, 0, 1), start);
        cluster.put_status(serials()[1], status(1, 0, 1), later);
        let incomplete = cluster.totals(later).load_power.unwrap_err();
        assert_eq!(incomplete.missing, [serials()[0]]);
        assert_eq!(
            incomplete.to_string(),
            "expected a fresh word of every member, found none of 96132206100410"
        );
        assert!(cluster.totals(start + Duration::from_secs(10)).load_power.is_ok());
        let other = SerialNumber::new("96132206100499").unwrap();
        assert!(!cluster.put_status(other, status(1, 0, 1), later));
        let nobody = Cluster::new([], Duration::from_secs(1)).totals(later);
        assert!(nobody.pv_power.is_err() && nobody.energy.is_err());
    }
}
