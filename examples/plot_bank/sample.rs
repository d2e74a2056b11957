//! What the units of a virtual bank show, over time.

use std::{error::Error, time::Duration};

use pi18_proto::{AnyReply, LineDirection, Query, WorkingMode};
use pi18_transport::sim::Bank;

/// The values of a bank at one moment, as its units show them.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    /// Hours since the midnight before the start.
    pub(crate) hours: f64,
    /// State of charge that the first unit estimates, %.
    pub(crate) soc: f64,
    /// Battery voltage that the first unit measures.
    pub(crate) volts: f64,
    /// Power of the panels, W.
    pub(crate) pv: f64,
    /// Power of the house, W.
    pub(crate) load: f64,
    /// Power into the battery, W; negative if it is discharged.
    pub(crate) battery: f64,
    /// Power from the grid, W; negative if power goes to the grid. Units do not show it: it is the balance
    /// of the other powers, so the losses are missing.
    pub(crate) grid: f64,
    /// Working mode of each unit.
    pub(crate) modes: Vec<WorkingMode>,
}

/// Number of samples.
const SAMPLES: u32 = 288;

/// Records a bank over a time, and changes switches at the times of `events`, which are in seconds.
pub(crate) fn record(
    mut bank: Bank,
    time: Duration,
    events: &[(u64, &str)],
) -> Result<Vec<Sample>, Box<dyn Error>> {
    let Some(AnyReply::Clock(clock)) = bank.peek(0, Query::Clock) else {
        return Err("expected an answer to T, found none".into());
    };
    let start = f64::from(clock.time.hour()) + f64::from(clock.time.minute()) / 60.0;
    let mut events = events.iter().peekable();
    let mut samples = Vec::new();
    for number in 0..=SAMPLES {
        let now = time * number / SAMPLES;
        while let Some((at, switch)) = events.next_if(|(at, _)| Duration::from_secs(*at) <= now) {
            bank.advance(Duration::from_secs(*at));
            bank.switch(0, switch)?;
        }
        bank.advance(now);
        let sample = sample(&bank).ok_or("expected answers to GS and MOD, found none")?;
        samples.push(Sample { hours: start + now.as_secs_f64() / 3600.0, ..sample });
    }
    Ok(samples)
}

/// Reads what the units show.
fn sample(bank: &Bank) -> Option<Sample> {
    let mut sample = Sample::default();
    for unit in 0..bank.units() {
        let Some(AnyReply::GeneralStatus(shown)) = bank.peek(unit, Query::GeneralStatus) else {
            return None;
        };
        let Some(AnyReply::Mode(mode)) = bank.peek(unit, Query::Mode) else { return None };
        let volts = shown.battery_voltage.in_unit();
        let pv = f64::from(shown.pv1_power.0 + shown.pv2_power.0);
        let load = f64::from(shown.active_power.0);
        let current = f64::from(shown.charge_current.0) - f64::from(shown.discharge_current.0);
        if unit == 0 {
            sample.volts = volts;
            sample.soc = shown.battery_capacity.0.into();
        }
        sample.pv += pv;
        sample.load += load;
        sample.battery += current * volts;
        if shown.line_direction != LineDirection::IDLE {
            sample.grid += load + current * volts - pv;
        }
        sample.modes.push(mode.working_mode);
    }
    Some(sample)
}
