//! The values that a write sets, and the values that the unit should show before and after it.

use pi18_proto::BatteryType;

use crate::{Battery, BrokenRule, Group, PlannedUnit, Settings, Step, broken_rules, plan::Bounds};

/// The settings of one group before and after a write.
#[derive(Debug)]
pub(in crate::apply) struct Goal {
    pub(super) group: Group,
    pub(in crate::apply) from: Settings,
    pub(super) to: Settings,
    /// All settings that the unit should have before the write; `None` to accept any.
    pub(in crate::apply) expected: Option<Settings>,
    /// Whether the write restores old values.
    pub(in crate::apply) backward: bool,
    /// Whether the write is sent even if the unit already shows the new values, because the reading may be
    /// out of date, or because the unit may have set these values by itself.
    pub(in crate::apply) always_write: bool,
    /// Whether an earlier write may show late, so that a reading verifies this write only after
    /// [`Options::within`](crate::Options::within).
    pub(in crate::apply) outlast_earlier: bool,
    /// Values that the group has after later steps in the same direction. If the unit shows one of them, this
    /// step has been carried out as well.
    pub(in crate::apply) later_values: Vec<Settings>,
    bounds: Option<Bounds>,
    battery: Option<Battery>,
}

impl Goal {
    /// Returns the goal of a step, or `None` if no single command writes it.
    pub(in crate::apply) fn of(step: &Step) -> Option<Self> {
        Some(Self {
            group: step.group()?,
            from: step.from,
            to: step.to,
            expected: None,
            backward: false,
            always_write: false,
            outlast_earlier: false,
            later_values: Vec::new(),
            bounds: None,
            battery: None,
        })
    }

    /// Returns the goal with the limits of the unit and of its battery.
    pub(in crate::apply) fn within(self, planned: &PlannedUnit, battery: Option<Battery>) -> Self {
        Self { bounds: Some(Bounds::of(planned, battery)), battery, ..self }
    }

    /// Returns the settings of the group.
    pub(super) fn of_group(&self, all: &Settings) -> Settings {
        all.only(|setting| setting.group() == self.group)
    }

    /// Returns the settings that the group's reply should show before the write.
    pub(super) fn expected_before(&self) -> Option<Settings> {
        Some(self.in_reply(&self.expected?))
    }

    /// Returns the settings that the group's reply should show after the write.
    ///
    /// The voltages are left out if the battery type becomes user, because the unit may then restore voltages
    /// that it stored earlier.
    pub(super) fn expected_after(&self) -> Option<Settings> {
        let mut all = self.expected?.overlaid(&self.to);
        if self.to.battery_type == Some(BatteryType::USER) {
            (all.bulk_voltage, all.float_voltage, all.cutoff_voltage) = (None, None, None);
        }
        Some(self.in_reply(&all))
    }

    fn in_reply(&self, all: &Settings) -> Settings {
        all.only(|setting| setting.query() == self.group.query())
    }

    /// Checks that the write may be sent while the unit has these settings: it must be within the limits, and
    /// break no rule unless it restores old values.
    pub(super) fn check_allowed(&self, state: &Settings) -> Result<(), String> {
        match &self.bounds {
            Some(bounds) if self.backward => bounds.allows_back(state, &self.to),
            Some(bounds) => bounds.allows(state, &self.to),
            None => Ok(()),
        }
    }

    /// Narrows an undo to the settings that still have the value that the step wrote, so that values which
    /// another program wrote meanwhile are kept. Returns whether anything is left to undo.
    pub(super) fn keep_foreign(&mut self, current: &Settings) -> bool {
        let (from, to) = (self.from, self.to);
        let ours = from.differences(&to).map(|change| change.setting);
        let ours: Vec<_> =
            ours.filter(|setting| current.get(*setting) == from.get(*setting)).collect();
        self.from = *current;
        self.to = current.overlaid(&to.only(|setting| ours.contains(&setting)));
        !ours.is_empty()
    }

    /// Returns a rule that the write would break, and that these settings do not break already.
    pub(super) fn newly_broken(&self, all: &Settings) -> Option<BrokenRule> {
        let battery = self.battery.as_ref();
        let present = broken_rules(all, battery);
        let is_new = |rule: &BrokenRule| {
            !present.iter().any(|known| known.rule == rule.rule && known.settings == rule.settings)
        };
        broken_rules(&all.overlaid(&self.to), battery).into_iter().find(is_new)
    }
}
