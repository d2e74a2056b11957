//! Counts the energy of a unit: its own counters, and the battery's, which the bridge integrates.

use std::time::{Duration, Instant};

use pi18_proto::{GeneralStatus, SerialNumber};
use serde::{Deserialize, Serialize};

use super::Energy;

/// The energy of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct EnergyMeter {
    era: u32,
    pv_total: Option<u64>,
    pv_today: Option<u64>,
    /// A counter value below the last one, until a second reading confirms it.
    lower: Option<u64>,
    charge: Integral,
    discharge: Integral,
    /// Charge and discharge in the text that was saved last; `None` if nothing was saved.
    saved: Option<[Integral; 2]>,
    /// Charge and discharge that are shown; `None` to show the present ones.
    shown: Option<[Integral; 2]>,
    /// The last reading of the battery power.
    last: Option<(Instant, BatteryPower)>,
}

/// Battery power in milliwatts.
#[derive(Clone, Copy, Debug)]
struct BatteryPower {
    charge: u64,
    discharge: u64,
}

/// An energy in milliwatt × milliseconds; `None` before anything was integrated.
#[derive(Clone, Copy, Debug, Default)]
struct Integral(Option<u128>);

/// What must survive a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedEnergy {
    pub(super) serial: SerialNumber,
    era: u32,
    pv_total: Option<u64>,
    /// Integrated energy, in milliwatt-seconds.
    charge: Option<u64>,
    discharge: Option<u64>,
}

impl EnergyMeter {
    /// Returns the energies.
    pub(super) fn energy(&self) -> Energy {
        let [charge, discharge] = self.shown.unwrap_or([self.charge, self.discharge]);
        Energy {
            era: self.era,
            pv_total: self.pv_total,
            pv_today: self.pv_today,
            battery_charge_total: self.charge.shown(charge),
            battery_discharge_total: self.discharge.shown(discharge),
        }
    }

    /// Remembers the energies that are being saved.
    pub(super) fn mark_saved(&mut self) {
        self.saved = Some([self.charge, self.discharge]);
    }

    /// Shows the energies of the last [`mark_saved`](Self::mark_saved).
    pub(super) fn show_saved(&mut self) {
        self.shown = self.saved;
    }

    /// Takes the counter of the PV energy. Returns the old and the new value if the counter was reset.
    ///
    /// A value below the last one counts only once it was read twice: a unit that starts may report zeros.
    pub(super) fn take_total(&mut self, total: u64) -> Option<(u64, u64)> {
        let Some(before) = self.pv_total.filter(|before| total < *before) else {
            (self.pv_total, self.lower) = (Some(total), None);
            return None;
        };
        if self.lower.is_none_or(|lower| total < lower) {
            self.lower = Some(total);
            return None;
        }
        self.start_era();
        self.pv_total = Some(total);
        Some((before, total))
    }

    /// Takes the PV energy of the present day.
    pub(super) fn take_today(&mut self, today: u64) {
        self.pv_today = Some(today);
    }

    /// Starts a new era, after a reset of the unit's counters or clock.
    pub(super) fn start_era(&mut self) {
        self.era = self.era.saturating_add(1);
        (self.lower, self.pv_today) = (None, None);
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
            self.charge.add(last.charge, power.charge, time);
            self.discharge.add(last.discharge, power.discharge, time);
        }
    }

    /// Returns what must survive a restart.
    pub(super) fn saved(&self, serial: SerialNumber) -> SavedEnergy {
        let (charge, discharge) = (self.charge.saved(), self.discharge.saved());
        SavedEnergy { serial, era: self.era, pv_total: self.pv_total, charge, discharge }
    }

    /// Takes what was saved before a restart.
    pub(super) fn restore(&mut self, saved: &SavedEnergy) {
        (self.era, self.pv_total) = (saved.era, saved.pv_total);
        (self.charge, self.discharge) = (Integral::of(saved.charge), Integral::of(saved.discharge));
    }
}

impl Integral {
    fn of(milliwatt_seconds: Option<u64>) -> Self {
        Self(milliwatt_seconds.map(|saved| u128::from(saved) * 1000))
    }

    fn add(&mut self, from: u64, until: u64, time: Duration) {
        let area = (u128::from(from) + u128::from(until)) * time.as_millis() / 2;
        self.0 = Some(self.0.unwrap_or_default().saturating_add(area));
    }

    /// Returns the watt-hours of `shown`; 0 if integration began after it.
    fn shown(self, shown: Self) -> Option<u64> {
        shown.watt_hours().or(self.0.map(|_| 0))
    }

    fn watt_hours(self) -> Option<u64> {
        u64::try_from(self.0? / MILLIS_PER_WATT_HOUR).ok()
    }

    fn saved(self) -> Option<u64> {
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

    #[test]
    fn counter_never_falls_within_an_era() {
        let mut meter = EnergyMeter::default();
        assert_eq!(meter.take_total(5000), None);
        // One reading of zero is not believed.
        assert_eq!(meter.take_total(0), None);
        assert_eq!(meter.take_total(5010), None);
        assert_eq!((meter.energy().pv_total, meter.energy().era), (Some(5010), 0));
        assert_eq!(meter.take_total(3), None);
        assert_eq!(meter.take_total(4), Some((5010, 4)));
        assert_eq!((meter.energy().pv_total, meter.energy().era), (Some(4), 1));
    }

    #[test]
    fn battery_energy_is_integrated_between_fresh_readings_only() {
        let start = Instant::now();
        let mut meter = EnergyMeter::default();
        let max_gap = Duration::from_secs(15);
        assert_eq!(meter.energy().battery_charge_total, None);
        // 50 V × 72 A = 3600 W for 10 s are 10 Wh; from 0 A, it is half of that.
        let seconds = |n| start + Duration::from_secs(n);
        meter.take_status(&status(500, 0, 0), seconds(0), max_gap);
        meter.take_status(&status(500, 72, 0), seconds(10), max_gap);
        meter.take_status(&status(500, 72, 0), seconds(20), max_gap);
        assert_eq!(meter.energy().battery_charge_total, Some(15));
        assert_eq!(meter.energy().battery_discharge_total, Some(0));
        meter.take_status(&status(500, 72, 0), seconds(36), max_gap);
        assert_eq!(meter.energy().battery_charge_total, Some(15));
        meter.take_status(&status(500, 0, 72), seconds(46), max_gap);
        assert_eq!(meter.energy().battery_charge_total, Some(20));
        assert_eq!(meter.energy().battery_discharge_total, Some(5));
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
        meter.mark_saved();
        meter.show_saved();
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
    fn saved_energy_goes_on_after_a_restart() {
        let serial = SerialNumber::new("96132206100410").unwrap();
        let mut meter = EnergyMeter::default();
        meter.take_total(7000);
        meter.take_status(&status(500, 72, 0), Instant::now(), Duration::MAX);
        meter.take_status(
            &status(500, 72, 0),
            Instant::now() + Duration::from_secs(100),
            Duration::MAX,
        );
        let text = serde_json::to_string(&meter.saved(serial)).unwrap();
        let mut restored = EnergyMeter::default();
        restored.restore(&serde_json::from_str(&text).unwrap());
        assert_eq!(restored.energy(), meter.energy());
        assert_eq!(restored.take_total(6000).or(restored.take_total(6000)), Some((7000, 6000)));
    }
}
