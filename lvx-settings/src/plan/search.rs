//! The search for an order of writes in which every step keeps the rules.
//!
//! A round writes one group on every unit that requires it and allows it now, so that the units differ as
//! briefly as possible. Rounds are tried depth first, the preferred group first. A state from which the
//! search failed is not tried again.

use std::collections::HashSet;

use pi18_proto::BatteryType;

use super::{Bounds, Plan, Step, bank::BankCurrent};
use crate::{Group, Setting, Settings};

/// Returns the steps that lead every unit to its target; `None` if no order is found.
pub(super) fn find(plan: &Plan) -> Option<Vec<Step>> {
    let units: Vec<_> =
        plan.units.iter().map(|planned| Bounds::of(planned, plan.battery)).collect();
    let starts: Vec<_> = plan.units.iter().map(|planned| planned.unit.settings()).collect();
    let targets: Vec<_> = starts
        .iter()
        .zip(&plan.units)
        .map(|(start, planned)| end(start, &planned.target))
        .collect();
    let current = BankCurrent::of(plan);
    let mut search = Search { units, current, targets, failed: HashSet::new(), steps: Vec::new() };
    search.descend(&starts).then_some(search.steps)
}

/// Returns the settings of a unit after the plan. Settings without a difference keep their exact values: a
/// clock within the tolerance is not set.
fn end(start: &Settings, target: &Settings) -> Settings {
    let changed: Vec<_> = start.differences(target).map(|change| change.setting).collect();
    start.overlaid(&target.only(|setting| changed.contains(&setting)))
}

struct Search {
    units: Vec<Bounds>,
    /// Limit for the charge current of all units together.
    current: Option<BankCurrent>,
    targets: Vec<Settings>,
    /// The pending writes of states from which the search failed.
    failed: HashSet<Vec<(usize, Settings, Group)>>,
    steps: Vec<Step>,
}

impl Search {
    /// Adds the steps from these states to the targets; returns whether it found them.
    fn descend(&mut self, states: &[Settings]) -> bool {
        let pending = self.pending(states);
        if pending.is_empty() {
            return true;
        }
        let key = pending
            .iter()
            .filter_map(|&(unit, group, _)| Some((unit, *states.get(unit)?, group)))
            .collect();
        if self.failed.contains(&key) || self.failed.len() > MAX_TRIED {
            return false;
        }
        for round in self.rounds(states, &pending) {
            let length = self.steps.len();
            let mut after = states.to_vec();
            for step in round {
                if let Some(state) = after.get_mut(step.unit) {
                    *state = state.overlaid(&step.to);
                }
                self.steps.push(step);
            }
            if self.descend(&after) {
                return true;
            }
            self.steps.truncate(length);
        }
        self.failed.insert(key);
        false
    }

    /// Returns the pending writes: unit, group, values.
    fn pending(&self, states: &[Settings]) -> Vec<(usize, Group, Settings)> {
        let mut pending = Vec::new();
        for (unit, (state, target)) in states.iter().zip(&self.targets).enumerate() {
            let mut groups: Vec<_> =
                state.differences(target).map(|change| change.setting.group()).collect();
            groups.dedup();
            for group in groups {
                pending.push((unit, group, target.only(|setting| setting.group() == group)));
            }
        }
        pending
    }

    /// Returns the rounds that are possible next, in order of preference.
    fn rounds(&self, states: &[Settings], pending: &[(usize, Group, Settings)]) -> Vec<Vec<Step>> {
        let mut candidates: Vec<_> =
            pending.iter().map(|&(_, group, to)| (rank(group, &to), group, to)).collect();
        // Between two types other than user, voltages can be set only while the type is user.
        let user = Settings { battery_type: Some(BatteryType::USER), ..Settings::default() };
        if candidates.iter().any(|(_, group, _)| *group == Group::BatteryType) {
            candidates.push((DETOUR, Group::BatteryType, user));
        }
        let mut seen: Vec<(Group, Settings)> = Vec::new();
        let mut rounds = Vec::new();
        for (rank, group, to) in candidates {
            if seen.contains(&(group, to)) {
                continue;
            }
            seen.push((group, to));
            let concerned: Vec<_> = pending
                .iter()
                .filter(|(_, other, own)| *other == group && (*own == to || rank == DETOUR))
                .collect();
            let mut after = states.to_vec();
            let steps: Vec<_> = concerned
                .iter()
                .filter_map(|&&(unit, ..)| self.step(unit, &mut after, group, to))
                .collect();
            if steps.is_empty() {
                continue;
            }
            let left_behind = concerned.len() - steps.len();
            let last = steps.iter().any(|step| !self.can_be_undone(step));
            rounds.push(((last, left_behind, rank), steps));
        }
        rounds.sort_by_key(|(order, _)| *order);
        rounds.into_iter().map(|(_, steps)| steps).collect()
    }

    /// Returns the write of a group on a unit if these states allow it, and updates the states.
    fn step(
        &self,
        unit: usize,
        states: &mut Vec<Settings>,
        group: Group,
        to: Settings,
    ) -> Option<Step> {
        let (bounds, state) = (self.units.get(unit)?, *states.get(unit)?);
        bounds.allows(&state, &to).ok().filter(|()| !state.satisfy(&to))?;
        let before = states.clone();
        if let Some(after) = states.get_mut(unit) {
            *after = state.overlaid(&to);
        }
        if let Some(current) = self.current
            && current.allows(&before, states).is_err()
        {
            *states = before;
            return None;
        }
        let from = state.only(|setting: Setting| setting.group() == group);
        Some(Step { unit, from, to })
    }

    /// Returns whether the old values can be restored. Other steps come last, when no later write can
    /// fail.
    fn can_be_undone(&self, step: &Step) -> bool {
        self.units.get(step.unit).is_some_and(|bounds| {
            step.from.iter().all(|(setting, value)| bounds.limits.check(setting, value).is_ok())
        })
    }
}

/// Returns the rank of a write; lower ranks come first. Writes that units often refuse come first, when nothing has to be undone
/// yet; battery type user comes before the voltages that require it and other types after them; the
/// clock comes last, because the other writes take time.
fn rank(group: Group, to: &Settings) -> u8 {
    match group {
        Group::MaxChargeCurrent => 0,
        Group::BatteryType if to.battery_type == Some(BatteryType::USER) => 1,
        Group::ChargeVoltages => 2,
        Group::RechargeVoltages => 3,
        Group::CutoffVoltage => 4,
        Group::BatteryType => 5,
        Group::Clock => 8,
        _ if group.is_installation() => 7,
        _ => 6,
    }
}

/// The rank of a temporary change of the battery type.
const DETOUR: u8 = 9;

/// Maximum number of failed states. Known targets cause only a few.
const MAX_TRIED: usize = 10_000;
