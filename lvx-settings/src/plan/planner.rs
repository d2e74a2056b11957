//! Makes plans, for a profile or for a target of each unit.

use pi18_proto::{Count, DateTime};

use super::{Obstacle, ObstacleKind, Obstacles, Permissions, Plan, PlannedUnit, search};
use crate::{Battery, Profile, Setting, Unit};

impl Plan {
    /// Plans the writes that give units the settings of a profile. Values that a unit already has are not
    /// written.
    ///
    /// Each unit is paired with the address at which it was read. The battery guard that applies is that
    /// of the site, narrowed by that of the profile.
    ///
    /// ```
    /// use lvx_settings::{HostClock, Permissions, Plan, Profile, Unit};
    /// use pi18_transport::Client;
    ///
    /// let profile = Profile::parse("bank.yaml", "
    /// battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.40 V, min_cell_voltage: 2.80 V}
    /// bulk_voltage: 57.6 V
    /// ")?;
    /// let host = HostClock::system();
    /// let mut units = Vec::new();
    /// for address in ["sim:0", "sim:1"] {
    ///     units.push((address.to_owned(), Unit::read(&mut Client::open(address)?, &host)?));
    /// }
    /// let refused = Plan::for_profile(profile.profile(), units, &Permissions::default()).unwrap_err();
    /// assert!(refused.to_string().contains("bulk_voltage 57.6 V is 3.60 V per cell, above 3.40 V"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// All obstacles at once: units that the profile is not for, a battery guard that is wrong or wider
    /// than the site's, charge voltages without a complete guard, values that a unit cannot be set to,
    /// rules that would be broken, installation settings without permission, and units of the bank that
    /// are missing.
    pub fn for_profile(
        profile: &Profile,
        units: impl IntoIterator<Item = (String, Unit)>,
        permissions: &Permissions,
    ) -> Result<Self, Obstacles> {
        let target = profile.settings;
        let units = units.into_iter().map(|(address, unit)| PlannedUnit { address, unit, target });
        let mut plan = Self::unplanned(units.collect(), permissions.clone(), None);
        let mut found = Vec::new();
        for planned in &plan.units {
            for (_, reason) in profile.applies_to.refusals(&planned.unit) {
                let advice = "use another unit, or correct applies_to";
                let kind = ObstacleKind::AppliesTo;
                found.push(Obstacle::new(kind, planned.place(), reason, advice));
            }
        }
        found.extend(plan.narrow(permissions.battery, profile.battery));
        found.extend(plan.obstacles());
        if found.is_empty() { plan.searched() } else { Err(Obstacles(found)) }
    }

    /// Plans the writes that give each unit the settings of its target. Values that a unit already has are
    /// not written. The battery guard of `permissions` applies.
    ///
    /// # Errors
    /// All obstacles, as for [`for_profile`](Self::for_profile).
    pub fn new(
        units: Vec<PlannedUnit>,
        permissions: Permissions,
        made: Option<DateTime>,
    ) -> Result<Self, Obstacles> {
        let plan = Self::unplanned(units, permissions, made);
        let found = plan.obstacles();
        if found.is_empty() { plan.searched() } else { Err(Obstacles(found)) }
    }

    /// Returns a plan from a file if these permissions allow it. Permissions in the file do not count, and
    /// its battery guard is narrowed to the site's.
    ///
    /// ```
    /// use lvx_settings::{HostClock, ObstacleKind, Permissions, Plan, Profile, Setting, Unit};
    /// use pi18_transport::Client;
    ///
    /// let profile = Profile::parse("bank.yaml", "machine_type: grid_tie\n")?;
    /// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
    /// let permissions =
    ///     Permissions::default().with_part_of_bank().with_installation([Setting::MachineType]);
    /// let units = [("sim:0".to_owned(), unit)];
    /// let plan = Plan::for_profile(profile.profile(), units, &permissions)?;
    /// let file = serde_json::to_string(&plan)?;
    ///
    /// let plan: Plan = serde_json::from_str(&file)?;
    /// assert!(plan.clone().permitted(&permissions).is_ok());
    /// let obstacles =
    ///     plan.permitted(&Permissions::default().with_part_of_bank()).unwrap_err();
    /// assert!(obstacles.iter().all(|obstacle| obstacle.kind == ObstacleKind::Installation));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// All obstacles, as for [`for_profile`](Self::for_profile); steps that are inconsistent.
    pub fn permitted(mut self, permissions: &Permissions) -> Result<Self, Obstacles> {
        self.allow_installation.clone_from(&permissions.allow_installation);
        self.no_battery_guard = permissions.no_battery_guard;
        self.part_of_bank = permissions.part_of_bank;
        let own = self.battery.take();
        let mut found = self.narrow(permissions.battery, own);
        found.extend(self.obstacles());
        if found.is_empty()
            && let Err(unsound) = self.check_shape().and_then(|()| self.check_states())
        {
            found.push(unsound.into());
        }
        if found.is_empty() { Ok(self) } else { Err(Obstacles(found)) }
    }

    /// Sets the guard that applies: the site's, narrowed by that of a profile or a plan.
    fn narrow(&mut self, site: Option<Battery>, own: Option<Battery>) -> Vec<Obstacle> {
        let narrowed = match (site, own) {
            (Some(site), Some(own)) => site.narrowed(&own).map(Some),
            (site, own) => Ok(site.or(own)),
        };
        match narrowed {
            Ok(battery) => {
                self.battery = battery;
                Vec::new()
            }
            Err(errors) => {
                self.battery = site;
                errors.into_iter().map(|error| Obstacle::guard("battery guard", error)).collect()
            }
        }
    }

    /// Searches for the steps of the plan.
    fn searched(mut self) -> Result<Self, Obstacles> {
        let Some(steps) = search::find(&self) else {
            let why = "found no order of writes in which every step keeps the rules";
            let advice = "change some of the settings first, in a separate plan";
            let obstacle = Obstacle::new(ObstacleKind::Order, "plan", why, advice);
            return Err(Obstacles(vec![obstacle]));
        };
        self.steps = steps;
        Ok(self)
    }
}

/// Returns the obstacles of a profile for one unit, regardless of the other units of its bank and with
/// every installation setting permitted.
pub(crate) fn unit_obstacles(
    profile: &Profile,
    unit: &Unit,
    permissions: &Permissions,
) -> Vec<Obstacle> {
    let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    let permissions =
        permissions.clone().with_part_of_bank().with_installation(installation.copied());
    let mut unit = Unit { next_in_bank: None, ..unit.clone() };
    if unit.instance().is_some() {
        unit.status.parallel_instance = Count(0);
    }
    match Plan::for_profile(profile, [(String::new(), unit)], &permissions) {
        Ok(_) => Vec::new(),
        Err(Obstacles(found)) => found,
    }
}
