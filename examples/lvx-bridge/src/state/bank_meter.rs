//! Counts the energy of a bank.

use serde::{Deserialize, Serialize};

use super::{
    durable::Durable,
    energy_meter::{Growth, Integral},
};

/// The energy of a bank: what the counters of its units grew by while they belonged to it.
///
/// So a unit that is reset, added, replaced or removed makes the counters neither fall nor jump.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BankMeter(Durable<Growth>);

/// Energy of a bank in watt-hours; `None` before the first unit was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BankEnergy {
    pub(super) pv: Option<u64>,
    pub(super) battery_charge: Option<u64>,
    pub(super) battery_discharge: Option<u64>,
}

/// What must survive a restart.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct SavedBankEnergy {
    pv: Option<u64>,
    /// Integrated energy, in milliwatt-seconds.
    charge: Option<u64>,
    discharge: Option<u64>,
}

impl BankMeter {
    /// Adds what the counters of a unit grew by.
    pub(super) fn add(&mut self, growth: &Growth) {
        let now = &mut self.0.now;
        if let Some(pv) = growth.pv {
            now.pv = Some(now.pv.unwrap_or_default().saturating_add(pv));
        }
        now.charge.add_all(growth.charge);
        now.discharge.add_all(growth.discharge);
    }

    /// Returns the energies that are shown.
    pub(super) fn energy(&self) -> BankEnergy {
        let (now, shown) = (self.0.now, self.0.shown());
        BankEnergy {
            pv: now.pv.map(|_| shown.pv.unwrap_or_default()),
            battery_charge: now.charge.shown(shown.charge),
            battery_discharge: now.discharge.shown(shown.discharge),
        }
    }

    /// Remembers that the present energies are being saved.
    pub(super) fn mark_saved(&mut self) {
        self.0.mark_saved();
    }

    /// Shows the energies of the last [`mark_saved`](Self::mark_saved).
    pub(super) fn show_saved(&mut self) {
        self.0.show_saved();
    }

    /// Returns what must survive a restart.
    pub(super) fn saved(&self) -> SavedBankEnergy {
        let now = &self.0.now;
        let (charge, discharge) = (now.charge.saved(), now.discharge.saved());
        SavedBankEnergy { pv: now.pv, charge, discharge }
    }

    /// Takes what was saved before a restart.
    pub(super) fn restore(saved: SavedBankEnergy) -> Self {
        let (charge, discharge) = (Integral::of(saved.charge), Integral::of(saved.discharge));
        Self(Durable::restore(Growth { pv: saved.pv, charge, discharge }))
    }
}
