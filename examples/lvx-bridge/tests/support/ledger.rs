//! Checks energies: counters never fall within an era, and eras begin only with a reset.

use std::{collections::BTreeMap, time::Duration};

use lvx_bridge::Snapshot;

/// What was shown of the energies of all units, over all runs of the bridge.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    units: BTreeMap<usize, Shown>,
    /// For each unit, the number of resets that it really had.
    pub(crate) resets: BTreeMap<usize, u32>,
    /// Greatest energy that a battery can have been charged or discharged with until now, in watt-seconds.
    pub(crate) limits: BTreeMap<usize, [f64; 2]>,
    /// PV energy that the counters of all units have really counted, in watt-hours.
    pub(crate) produced: u64,
    /// The last value of the counter of each unit.
    counters: BTreeMap<usize, u64>,
    /// What was shown of the bank: PV energy, and energy into and out of the battery.
    bank: [u64; 3],
    pub(crate) eras: u64,
    /// Number of energies that were compared.
    pub(crate) compared: u64,
}

#[derive(Debug, Default)]
struct Shown {
    era: u32,
    pv_total: u64,
    battery: [u64; 2],
    /// Time at which `pv_total` was new.
    read: Duration,
    /// Time of the last reset of the unit.
    reset: Option<Duration>,
    /// Whether the bridge was restarted since, and the disk may have had an older `pv_total`. If the unit is reset, and
    /// counts beyond that, nothing can tell.
    may_be_lost: bool,
    /// Time since which an era was not reported by a finding.
    unreported: Option<Duration>,
}

impl Ledger {
    /// Counts a reset of a unit.
    pub(crate) fn reset(&mut self, unit: usize, now: Duration) {
        self.units.entry(unit).or_default().reset = Some(now);
        *self.resets.entry(unit).or_default() += 1;
    }

    /// Takes the present counter of a unit.
    pub(crate) fn count(&mut self, unit: usize, total: u64) {
        let before = self.counters.insert(unit, total).unwrap_or(total);
        // After a reset, it counts from zero.
        self.produced += total.checked_sub(before).unwrap_or(total);
    }

    /// Returns the era that is shown of a unit.
    pub(crate) fn era(&self, unit: usize) -> u32 {
        self.units.get(&unit).map_or(0, |shown| shown.era)
    }

    /// Takes a restart. Findings do not survive it, also that of an era which was only just saved. The disk is not full
    /// since `saved_since`; what was read after that may not be there yet.
    pub(crate) fn restart(&mut self, saved_since: Option<Duration>, now: Duration) {
        for shown in self.units.values_mut() {
            shown.unreported = None;
            shown.may_be_lost |= saved_since.is_none_or(|at| now <= at.max(shown.read) + MAX_SAVE);
        }
    }

    /// Checks the energies of a snapshot.
    #[track_caller]
    pub(crate) fn see(&mut self, snapshot: &Snapshot, now: Duration) {
        for (unit, view) in snapshot.units.iter().enumerate() {
            let shown = self.units.entry(unit).or_default();
            let energy = &view.energy;
            assert!(energy.era >= shown.era, "unit {unit}: era {} after {}", energy.era, shown.era);
            if energy.era > shown.era {
                let resets = self.resets.get(&unit).copied().unwrap_or_default();
                assert!(energy.era <= resets, "unit {unit}: era {} of {resets}", energy.era);
                self.eras += 1;
                shown.unreported.get_or_insert(now);
                (shown.era, shown.pv_total) = (energy.era, 0);
            }
            let is_reported = snapshot.findings.iter().flatten().any(|finding| {
                let mut values = finding.values.iter();
                finding.rule == "energy-era"
                    && values.any(|value| value.serial_number == Some(view.serial))
            });
            if is_reported {
                shown.unreported = None;
            }
            let is_late = |since| now > since + MAX_REPORT;
            assert!(!shown.unreported.is_some_and(is_late), "unit {unit}: the reset is reported");
            if let Some(total) = energy.pv_total {
                let was_reset = shown.reset.is_some_and(|at| at + MAX_DELAY >= shown.read);
                assert!(
                    total >= shown.pv_total || (shown.may_be_lost && was_reset),
                    "unit {unit}, era {}: {total} Wh after {}",
                    shown.era,
                    shown.pv_total
                );
                if total != shown.pv_total {
                    shown.read = now;
                }
                (shown.pv_total, shown.may_be_lost) = (total, false);
            }
            let limits = self.limits.get(&unit).copied().unwrap_or_default();
            let battery = [energy.battery_charge_total, energy.battery_discharge_total];
            for ((total, before), limit) in battery.into_iter().zip(&mut shown.battery).zip(limits)
            {
                let Some(total) = total else { continue };
                assert!(total >= *before, "unit {unit}: battery {total} Wh after {before}");
                *before = total;
                let limit = limit / 3600.0;
                let is_possible = f64::from(u32::try_from(total).unwrap()) <= limit + 1.0;
                assert!(is_possible, "unit {unit}: battery {total} Wh of at most {limit:.1}");
                self.compared += 1;
            }
        }
        self.see_bank(snapshot);
    }

    /// Checks the energies of the bank. They add what the counters of the units grew by.
    #[track_caller]
    fn see_bank(&mut self, snapshot: &Snapshot) {
        let totals = &snapshot.totals;
        let energies =
            [totals.pv_energy, totals.battery_charge_energy, totals.battery_discharge_energy];
        for (energy, before) in energies.into_iter().zip(&mut self.bank) {
            let Some(energy) = energy else { continue };
            assert!(energy >= *before, "bank: {energy} Wh after {before}");
            *before = energy;
            self.compared += 1;
        }
        let [pv, battery @ ..] = self.bank;
        assert!(pv <= self.produced, "bank: {pv} Wh of {}", self.produced);
        for (number, energy) in battery.into_iter().enumerate() {
            let sum: u64 = self.units.values().map(|unit| unit.battery[number]).sum();
            let rest = u64::try_from(self.units.len()).unwrap();
            assert!(energy <= sum + rest, "bank: {energy} Wh of {sum}, unit by unit");
        }
    }
}

/// Time after which everything is on a disk that is not full.
const MAX_SAVE: Duration = Duration::from_mins(2);

/// Longest time from an answer of a unit until it is shown.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// Longest time until a new era is reported.
const MAX_REPORT: Duration = Duration::from_mins(15);
