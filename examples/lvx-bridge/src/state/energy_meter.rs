//! Counts the energy of a unit: its own counters, and the battery's, which the bridge integrates.

use std::time::{Duration, Instant};

use pi18_proto::{GeneralStatus, SerialNumber};
use serde::{Deserialize, Serialize};

use super::{Energy, durable::Durable};

/// The energy of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct EnergyMeter {
    pv_total: Option<u64>,
    pv_today: Option<u64>,
    /// Whether the last reading of the counter is `pv_total`: not after a restart, or while a lower value waits.
    is_read: bool,
    /// Counter value up to which the bank has counted; `None` before the first one of an era.
    counted: Option<u64>,
    /// A counter value below the last one and its time, until a later reading confirms it.
    lower: Option<(u64, Instant)>,
    kept: Durable<Kept>,
    /// What the bank has not counted.
    growth: Growth,
    /// The last reading of the battery power.
    last: Option<(Instant, BatteryPower)>,
}

/// What would fall after a crash if it was shown before it was saved.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    era: u32,
    /// Energy into and out of the battery.
    charge: Integral,
    discharge: Integral,
}

/// What the counters of a unit grew by within an era.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Growth {
    /// PV energy in watt-hours; `None` if the counter was not read.
    pub(super) pv: Option<u64>,
    pub(super) charge: Integral,
    pub(super) discharge: Integral,
}

/// Battery power in milliwatts.
#[derive(Clone, Copy, Debug)]
struct BatteryPower {
    charge: u64,
    discharge: u64,
}

/// An energy in milliwatt × milliseconds; `None` before anything was integrated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Integral(Option<u128>);

/// What must survive a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedEnergy {
    pub(super) serial: SerialNumber,
    era: u32,
    pv_total: Option<u64>,
    /// Value of the counter up to which the bank has counted.
    counted: Option<u64>,
    /// Integrated energy, in milliwatt-seconds.
    charge: Option<u64>,
    discharge: Option<u64>,
}

impl EnergyMeter {
    /// Returns the energies.
    pub(super) fn energy(&self) -> Energy {
        let (now, shown) = (self.kept.now, self.kept.shown());
        // A counter is not shown in the wrong era.
        let is_era = now.era == shown.era;
        Energy {
            era: shown.era,
            pv_total: self.pv_total.filter(|_| is_era && self.is_read),
            pv_today: self.pv_today.filter(|_| is_era),
            battery_charge_total: now.charge.shown(shown.charge),
            battery_discharge_total: now.discharge.shown(shown.discharge),
        }
    }

    /// Remembers the energies that are being saved.
    pub(super) fn mark_saved(&mut self) {
        self.kept.mark_saved();
    }

    /// Returns whether an era began since [`mark_saved`](Self::mark_saved).
    pub(super) fn has_new_era(&self) -> bool {
        self.kept.saving().era != self.kept.now.era
    }

    /// Shows the energies of the last [`mark_saved`](Self::mark_saved).
    pub(super) fn show_saved(&mut self) {
        self.kept.show_saved();
    }

    /// Returns what the counters grew by since the last call.
    pub(super) fn take_growth(&mut self) -> Growth {
        std::mem::take(&mut self.growth)
    }

    /// Takes the counter of the PV energy. Returns the old and the new value if the counter was reset.
    ///
    /// A value below the last one counts only if another one confirms it at least `min_gap` later: a unit that starts
    /// may report zeros.
    pub(super) fn take_total(
        &mut self,
        total: u64,
        at: Instant,
        min_gap: Duration,
    ) -> Option<(u64, u64)> {
        let Some(before) = self.pv_total.filter(|before| total < *before) else {
            self.count(total);
            (self.pv_total, self.lower, self.is_read) = (Some(total), None, true);
            return None;
        };
        self.is_read = false;
        let first = self.lower.filter(|(lower, _)| total >= *lower).map(|(_, first)| first);
        let first = first.unwrap_or(at);
        if at == first || at.saturating_duration_since(first) < min_gap {
            self.lower = Some((total, first));
            return None;
        }
        self.start_era();
        self.count(total);
        (self.pv_total, self.is_read) = (Some(total), true);
        Some((before, total))
    }

    /// Counts for the bank what the counter of the PV energy grew by.
    fn count(&mut self, total: u64) {
        let growth = self.counted.map_or(0, |counted| total.saturating_sub(counted));
        let pv = self.growth.pv.unwrap_or_default().saturating_add(growth);
        (self.growth.pv, self.counted) = (Some(pv), Some(total));
    }

    /// Takes the PV energy of the present day.
    pub(super) fn take_today(&mut self, today: u64) {
        self.pv_today = Some(today);
    }

    /// Starts a new era, after a reset of the unit's counters or clock.
    pub(super) fn start_era(&mut self) {
        self.kept.now.era = self.kept.now.era.saturating_add(1);
        (self.counted, self.lower, self.pv_today) = (None, None, None);
    }

    /// Integrates the battery power since the last reading (trapezoidal rule), if that is at most `max_gap` ago.
    pub(super) fn take_status(&mut self, status: &GeneralStatus, at: Instant, max_gap: Duration) {
        let millivolts = u64::from(status.battery_voltage.0) * 100;
        let power = BatteryPower {
            charge: millivolts * u64::from(status.charge_current.0),
            discharge: millivolts * u64::from(status.discharge_current.0),
        };
        let last = self.last.replace((at, power));
        let Some((before, last)) = last else { return };
        let time = at.saturating_duration_since(before);
        if time <= max_gap {
            let charge = Integral::trapezoid(last.charge, power.charge, time);
            let discharge = Integral::trapezoid(last.discharge, power.discharge, time);
            let (kept, growth) = (&mut self.kept.now, &mut self.growth);
            kept.charge.add_all(charge);
            kept.discharge.add_all(discharge);
            growth.charge.add_all(charge);
            growth.discharge.add_all(discharge);
        }
    }

    /// Forgets the last reading of the battery power: the time since then is not known.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }

    /// Returns what must survive a restart.
    pub(super) fn saved(&self, serial: SerialNumber) -> SavedEnergy {
        let Kept { era, charge, discharge } = self.kept.now;
        let (charge, discharge) = (charge.saved(), discharge.saved());
        let Self { pv_total, counted, .. } = *self;
        SavedEnergy { serial, era, pv_total, counted, charge, discharge }
    }

    /// Takes what was saved before a restart.
    pub(super) fn restore(&mut self, saved: &SavedEnergy) {
        (self.pv_total, self.counted, self.is_read) = (saved.pv_total, saved.counted, false);
        let (charge, discharge) = (Integral::of(saved.charge), Integral::of(saved.discharge));
        self.kept = Durable::restore(Kept { era: saved.era, charge, discharge });
    }
}

impl SavedEnergy {
    /// Returns the energy of a unit that left the bank. What its counter grows by until it is back does not count.
    pub(super) fn retired(self) -> Self {
        Self { counted: None, ..self }
    }
}

impl Integral {
    pub(super) fn of(milliwatt_seconds: Option<u64>) -> Self {
        Self(milliwatt_seconds.map(|saved| u128::from(saved) * 1000))
    }

    /// Returns the energy of a power that changes evenly.
    fn trapezoid(from: u64, until: u64, time: Duration) -> Self {
        Self(Some((u128::from(from) + u128::from(until)) * time.as_millis() / 2))
    }

    /// Adds another energy, if it is known.
    pub(super) fn add_all(&mut self, other: Self) {
        if let Some(area) = other.0 {
            self.0 = Some(self.0.unwrap_or_default().saturating_add(area));
        }
    }

    /// Returns the watt-hours of `shown`; 0 if integration began after it.
    pub(super) fn shown(self, shown: Self) -> Option<u64> {
        shown.watt_hours().or(self.0.map(|_| 0))
    }

    fn watt_hours(self) -> Option<u64> {
        u64::try_from(self.0? / MILLIS_PER_WATT_HOUR).ok()
    }

    pub(super) fn saved(self) -> Option<u64> {
        u64::try_from(self.0? / 1000).ok()
    }
}

/// Milliwatt × milliseconds in a watt-hour.
const MILLIS_PER_WATT_HOUR: u128 = 1000 * 1000 * 3600;

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, Reply};

    use super::*;

    fn status(decivolts: u16, charge: u16, discharge: u16) -> GeneralStatus {
        let mut status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()).unwrap();
        status.battery_voltage = Decivolts(decivolts);
        (status.charge_current, status.discharge_current) = (Amperes(charge), Amperes(discharge));
        status
    }

    /// Takes a total that is read at this minute.
    fn total(
        meter: &mut EnergyMeter,
        start: Instant,
        minute: u64,
        total: u64,
    ) -> Option<(u64, u64)> {
        meter.take_total(total, start + Duration::from_mins(minute), Duration::from_mins(2))
    }

    fn save(meter: &mut EnergyMeter) {
        meter.mark_saved();
        meter.show_saved();
    }

    #[test]
    fn counter_never_falls_within_an_era() {
        let (mut meter, start) = (EnergyMeter::default(), Instant::now());
        assert_eq!(total(&mut meter, start, 0, 5000), None);
        // One reading of zero is not believed.
        assert_eq!(total(&mut meter, start, 2, 0), None);
        assert_eq!(meter.energy().pv_total, None);
        assert_eq!(total(&mut meter, start, 4, 5010), None);
        assert_eq!((meter.energy().pv_total, meter.energy().era), (Some(5010), 0));
        assert_eq!(total(&mut meter, start, 6, 3), None);
        assert_eq!(total(&mut meter, start, 8, 4), Some((5010, 4)));
        save(&mut meter);
        assert_eq!((meter.energy().pv_total, meter.energy().era), (Some(4), 1));
        assert_eq!(meter.take_growth().pv, Some(10));
        total(&mut meter, start, 10, 9);
        assert_eq!(meter.take_growth().pv, Some(5));
    }

    #[test]
    fn zeros_after_quick_reconnects_are_not_believed() {
        let (mut meter, start) = (EnergyMeter::default(), Instant::now());
        let gap = Duration::from_mins(2);
        assert_eq!(meter.take_total(5000, start, gap), None);
        for second in 1..20 {
            assert_eq!(meter.take_total(0, start + Duration::from_secs(second), gap), None);
        }
        assert_eq!(meter.take_total(5001, start + Duration::from_secs(20), gap), None);
        assert_eq!((meter.energy().pv_total, meter.energy().era), (Some(5001), 0));
    }

    #[test]
    fn battery_energy_is_integrated_between_fresh_readings_only() {
        let start = Instant::now();
        let mut meter = EnergyMeter::default();
        let max_gap = Duration::from_secs(15);
        assert_eq!(meter.energy().battery_charge_total, None);
        // 50 V × 72 A = 3600 W for 10 s are 10 Wh; from 0 A, it is half of that.
        let seconds = |n| start + Duration::from_secs(n);
        let shown = |meter: &mut EnergyMeter| {
            save(meter);
            let energy = meter.energy();
            (energy.battery_charge_total, energy.battery_discharge_total)
        };
        meter.take_status(&status(500, 0, 0), seconds(0), max_gap);
        meter.take_status(&status(500, 72, 0), seconds(10), max_gap);
        meter.take_status(&status(500, 72, 0), seconds(20), max_gap);
        assert_eq!(shown(&mut meter), (Some(15), Some(0)));
        meter.take_status(&status(500, 72, 0), seconds(36), max_gap);
        assert_eq!(shown(&mut meter), (Some(15), Some(0)));
        meter.take_status(&status(500, 0, 72), seconds(46), max_gap);
        assert_eq!(shown(&mut meter), (Some(20), Some(5)));
    }

    #[test]
    fn battery_energy_does_not_fall_after_a_crash() {
        let serial = SerialNumber::new("96132206100410").unwrap();
        let start = Instant::now();
        let mut meter = EnergyMeter::default();
        let take = |meter: &mut EnergyMeter, second| {
            let at = start + Duration::from_secs(second);
            meter.take_status(&status(500, 72, 0), at, Duration::MAX);
        };
        save(&mut meter);
        take(&mut meter, 0);
        take(&mut meter, 10);
        // Nothing of it was saved.
        assert_eq!(meter.energy().battery_charge_total, Some(0));
        meter.mark_saved();
        let saved = meter.saved(serial);
        take(&mut meter, 20);
        assert_eq!(meter.energy().battery_charge_total, Some(0));
        meter.show_saved();
        let shown = meter.energy();
        assert_eq!(shown.battery_charge_total, Some(10));
        take(&mut meter, 30);
        assert_eq!(meter.energy(), shown);
        let mut restored = EnergyMeter::default();
        restored.restore(&saved);
        assert_eq!(restored.energy(), shown);
    }

    #[test]
    fn era_is_shown_once_it_is_saved() {
        let (mut meter, start) = (EnergyMeter::default(), Instant::now());
        total(&mut meter, start, 0, 5000);
        save(&mut meter);
        meter.start_era();
        total(&mut meter, start, 2, 5010);
        assert!(meter.has_new_era());
        assert_eq!((meter.energy().era, meter.energy().pv_total), (0, None));
        save(&mut meter);
        assert!(!meter.has_new_era());
        assert_eq!((meter.energy().era, meter.energy().pv_total), (1, Some(5010)));
    }

    #[test]
    fn saved_energy_goes_on_after_a_restart() {
        let serial = SerialNumber::new("96132206100410").unwrap();
        let mut meter = EnergyMeter::default();
        let start = Instant::now();
        total(&mut meter, start, 0, 7000);
        meter.take_status(&status(500, 72, 0), Instant::now(), Duration::MAX);
        meter.take_status(
            &status(500, 72, 0),
            Instant::now() + Duration::from_secs(100),
            Duration::MAX,
        );
        save(&mut meter);
        let text = serde_json::to_string(&meter.saved(serial)).unwrap();
        let mut restored = EnergyMeter::default();
        restored.restore(&serde_json::from_str(&text).unwrap());
        // The counter may have been shown with a greater value since it was saved.
        assert_eq!(restored.energy(), Energy { pv_total: None, ..meter.energy() });
        // What the unit counted meanwhile belongs to the bank.
        assert_eq!(total(&mut restored, start, 2, 7040), None);
        assert_eq!(restored.energy().pv_total, Some(7040));
        assert_eq!(restored.take_growth().pv, Some(40));
        assert_eq!(total(&mut restored, start, 4, 6000), None);
        assert_eq!(total(&mut restored, start, 6, 6000), Some((7040, 6000)));
    }
}
