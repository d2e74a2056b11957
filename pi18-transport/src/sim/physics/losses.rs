//! The energy account of the bank: where its energy came from, and where it went.
//!
//! Each step adds the energy of its powers. The account closes:
//! `pv + grid = output + own_use + mppt + inverter + cable + battery + stored`, where the stored energy is the
//! change of the battery's energy. A test holds the account over months of virtual time.
//!
//! The heat of circulating currents, and of electronics that are always on, is not in the account: it only
//! [warms](super::heating) the units.

use super::{battery::BatteryLoss, flow::Flow};

/// Sums of energy since the bank's start, Wh.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// From the panels.
    pub(crate) pv: f64,
    /// From the grid, minus the energy to the grid.
    pub(crate) grid: f64,
    /// To the house.
    pub(crate) output: f64,
    /// Used by the units themselves.
    pub(crate) own_use: f64,
    /// Lost in MPPT chargers.
    pub(crate) mppt: f64,
    /// Lost in inverters.
    pub(crate) inverter: f64,
    /// Lost in battery cables.
    pub(crate) cable: f64,
    /// Lost in the battery.
    pub(crate) battery: f64,
}

impl Account {
    /// Adds the energy of a unit in a step of some hours. Its battery cable loses `cable` W.
    pub(crate) fn add_unit(&mut self, flow: &Flow, cable: f64, hours: f64) {
        self.pv += flow.pv * hours;
        self.grid += flow.grid * hours;
        self.output += flow.output * hours;
        self.own_use += flow.own_use * hours;
        self.mppt += flow.mppt_loss * hours;
        self.inverter += flow.inverter_loss * hours;
        self.cable += cable * hours;
    }

    /// Adds the energy that the battery lost in a step.
    pub(crate) fn add_battery(&mut self, loss: BatteryLoss) {
        self.battery += loss.resistance + loss.charge;
    }

    /// Returns the energy that entered the bank and neither left it nor was lost, Wh.
    #[cfg(test)]
    pub(crate) fn remaining(&self) -> f64 {
        let losses = self.own_use + self.mppt + self.inverter + self.cable + self.battery;
        self.pv + self.grid - self.output - losses
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::sim::{
        physics::step::{advance, settle_states},
        world::World,
    };

    /// Returns switches of the first unit, most of which have their default.
    fn switches() -> impl Strategy<Value = String> {
        let bank = (100_u32..600, 5_u32..100, 0_u32..9000, 0_u32..100, 0_u32..100, 1_u32..4);
        let unit = (80_u32..100, 0_u32..20, 0_u32..200, 0_u32..2, 0_u32..3, 0_u32..2, 0_u32..2);
        (bank, unit).prop_map(|(bank, unit)| {
            let (capacity, soc, load, sun, gusts, units) = bank;
            let (efficiency, cable, own_use, output, charger, solar, machine) = unit;
            let bank = format!(
                "capacity={capacity}&soc={soc}&load={load}&sun={sun}&gusts={gusts}&units={units}"
            );
            format!(
                "{bank}&efficiency={efficiency}&cable={cable}&standby-use={own_use}&\
                 output-priority={output}&charger-priority={charger}&solar-priority={solar}&\
                 machine-type={machine}"
            )
        })
    }

    /// Returns a switch that changes while the bank runs. None of them adds energy to the battery.
    fn change() -> impl Strategy<Value = String> {
        prop_oneof![
            (0_u32..9000).prop_map(|load| format!("load={load}")),
            (0_u32..100).prop_map(|sun| format!("sun={sun}")),
            prop_oneof![Just("on"), Just("off")].prop_map(|grid| format!("grid={grid}")),
            prop_oneof![Just("auto"), Just("open"), Just("closed")]
                .prop_map(|bms| format!("bms={bms}")),
            prop_oneof![Just("on"), Just("off")].prop_map(|battery| format!("battery={battery}")),
            (50_u32..150).prop_map(|share| format!("share={}", f64::from(share) / 100.0)),
            (540_u32..585).prop_map(|bulk| format!("bulk={}.{}", bulk / 10, bulk % 10)),
            Just("fault=83".to_owned()),
            Just("fault=00".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 30, ..Default::default() })]

        /// Over 30 days the account closes within 0.1 % of the energy that entered the bank.
        #[test]
        fn energy_in_is_energy_out_and_stored_and_lost(
            switches in switches(),
            changes in prop::collection::vec((0_u64..30 * 24, change()), 0..12),
        ) {
            let mut changes = changes;
            changes.sort();
            let mut world = World::new(1, vec![switches.parse().unwrap()]).unwrap();
            settle_states(&mut world);
            let before = world.battery.energy();
            for (hour, change) in &changes {
                advance(&mut world, Duration::from_secs(hour * 3600));
                world.switch(0, change).unwrap();
                settle_states(&mut world);
            }
            let month = 30 * 24;
            advance(&mut world, Duration::from_secs(month * 3600));
            let stored = world.battery.energy() - before;
            let account = world.account;
            let tolerance = 10.0 + 0.001 * (account.pv + account.grid.abs() + account.output);
            let error = account.remaining() - stored;
            prop_assert!(error.abs() < tolerance, "{error} Wh, stored {stored} Wh: {account:?}");
            prop_assert!(account.mppt >= 0.0 && account.inverter >= 0.0 && account.cable >= 0.0);
        }
    }
}
