//! What a write is to achieve, and what the unit should show before and after it.

use pi18_proto::BatteryType;

use crate::{Battery, Broken, Group, PlannedUnit, Settings, Step, broken, plan::Bounds};

/// The settings of one group, before and after a write.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) group: Group,
    pub(super) from: Settings,
    pub(super) to: Settings,
    /// The whole of the unit's settings before the write; `None` if it is not known.
    pub(super) expected: Option<Settings>,
    /// The old values are written back.
    pub(super) backward: bool,
    /// What the unit shows may be older than what it has, or its own doing: it is written in any case.
    pub(super) insist: bool,
    /// An earlier write may still show: this one is proved once the time for that is over.
    pub(super) outlast: bool,
    /// The group's values after later steps of the same direction: then this step is done as well.
    pub(super) beyond: Vec<Settings>,
    pub(super) bounds: Option<Bounds>,
    pub(super) battery: Option<Battery>,
}

impl Goal {
    pub(super) fn of(step: &Step) -> Option<Self> {
        Some(Self {
            group: step.group()?,
            from: step.from,
            to: step.to,
            expected: None,
            backward: false,
            insist: false,
            outlast: false,
            beyond: Vec::new(),
            bounds: None,
            battery: None,
        })
    }

    pub(super) fn within(self, planned: &PlannedUnit, battery: Option<Battery>) -> Self {
        Self { bounds: Some(Bounds::of(planned, battery)), battery, ..self }
    }

    /// Returns the settings of the group.
    pub(super) fn own(&self, all: &Settings) -> Settings {
        all.only(|setting| setting.group() == self.group)
    }

    /// Returns what the reply should show before the write.
    pub(super) fn expected_before(&self) -> Option<Settings> {
        Some(self.shown_of(&self.expected?))
    }

    /// Returns what the reply should show after the write. Battery type user may bring back voltages
    /// that were stored earlier: they are left out.
    pub(super) fn expected_after(&self) -> Option<Settings> {
        let mut all = self.expected?.overlaid(&self.to);
        if self.to.battery_type == Some(BatteryType::USER) {
            (all.bulk_voltage, all.float_voltage, all.cutoff_voltage) = (None, None, None);
        }
        Some(self.shown_of(&all))
    }

    fn shown_of(&self, all: &Settings) -> Settings {
        all.only(|setting| setting.query() == self.group.query())
    }

    /// Whether the write may be sent in this state of the unit.
    pub(super) fn allowed(&self, state: &Settings) -> Result<(), String> {
        match &self.bounds {
            Some(bounds) if self.backward => bounds.allows_back(state, &self.to),
            Some(bounds) => bounds.allows(state, &self.to),
            None => Ok(()),
        }
    }

    /// Somebody else changed the group since this step: what the step wrote is undone, and what
    /// another program wrote stays. Returns whether anything is left to undo.
    pub(super) fn keep_foreign(&mut self, own: &Settings) -> bool {
        let (from, to) = (self.from, self.to);
        let ours = from.differences(&to).map(|change| change.setting);
        let ours: Vec<_> = ours.filter(|setting| own.get(*setting) == from.get(*setting)).collect();
        self.from = *own;
        self.to = own.overlaid(&to.only(|setting| ours.contains(&setting)));
        !ours.is_empty()
    }

    /// Returns a rule that the write would break and that is not broken in this state of the unit.
    pub(super) fn newly_broken(&self, all: &Settings) -> Option<Broken> {
        let battery = self.battery.as_ref();
        let present = broken(all, battery);
        let is_new = |rule: &Broken| {
            !present.iter().any(|known| known.rule == rule.rule && known.settings == rule.settings)
        };
        broken(&all.overlaid(&self.to), battery).into_iter().find(is_new)
    }
}
