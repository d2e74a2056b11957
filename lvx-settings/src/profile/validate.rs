//! Whether a profile is sound: in itself, and for one unit.

mod bank;
mod warnings;

use pi18_proto::{BatteryType, Decivolts, OutputFrequency, OutputVoltage, SelectableCurrent};

use crate::{
    Allowed, Battery, Broken, DiagnosticSeverity, Diagnostics, GuardError, Limits, ObstacleKind,
    ParsedProfile, Permissions, Setting, SettingValue, Settings, Unit, broken,
    model::{limits::Class, rules},
    plan::unit_obstacles,
    profile::{Key, Place, diagnostic::Diagnostic},
};

pub use bank::{BankDiagnostics, validate_for_bank};

/// Checks a profile by itself: values that no unit takes, rules between settings, the battery guard,
/// and what is legal and unwise. The battery guard of the site, in `permissions`, counts as well.
///
/// ```
/// use lvx_settings::{Permissions, Profile, validate};
///
/// let profile = Profile::parse("bank.yaml", "bulk_voltage: 54 V\nfloat_voltage: 56 V\n")?;
/// let found = validate(&profile, &Permissions::default());
/// assert!(found.to_string().contains("float_voltage 56.0 V is above bulk_voltage 54.0 V"));
/// # Ok::<(), lvx_settings::Diagnostics>(())
/// ```
pub fn validate(profile: &ParsedProfile, permissions: &Permissions) -> Diagnostics {
    Check::new(profile, None, permissions).run()
}

/// Checks a profile for one unit: what [`validate`] does, the unit's limits, the rules with the
/// unit's values where the profile states none, and whether the profile is for that unit at all.
///
/// There are no errors exactly if [`Plan::for_profile`](crate::Plan::for_profile) finds a plan for the
/// unit under these permissions, with every installation setting permitted and whatever the other
/// units of its bank are.
pub fn validate_for(
    profile: &ParsedProfile,
    unit: &Unit,
    permissions: &Permissions,
) -> Diagnostics {
    Check::new(profile, Some(unit), permissions).run()
}

struct Check<'a> {
    parsed: &'a ParsedProfile,
    stated: Settings,
    unit: Option<&'a Unit>,
    permissions: &'a Permissions,
    /// What the unit has.
    has: Settings,
    /// What it will have.
    result: Settings,
    found: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    fn new(
        parsed: &'a ParsedProfile,
        unit: Option<&'a Unit>,
        permissions: &'a Permissions,
    ) -> Self {
        let stated = parsed.profile().settings;
        let has = unit.map_or_else(Settings::default, Unit::settings);
        let result = has.overlaid(&stated);
        Self { parsed, stated, unit, permissions, has, result, found: Vec::new() }
    }

    fn run(mut self) -> Diagnostics {
        self.applies();
        let guard = self.guard();
        let classes_agree = self.classes();
        let (stated, limits) = (self.stated, self.unit.map(|unit| (unit, Limits::of(unit))));
        for (setting, value) in stated.iter() {
            match &limits {
                // One error says it for all.
                Some(_) if !classes_agree && Class::BATTERY.contains(&setting) => {}
                Some((unit, limits)) => self.limit(unit, limits, setting, value),
                None => self.anywhere(setting, value),
            }
        }
        if classes_agree {
            for rule in broken(&self.result, guard.as_ref()) {
                self.rule(&rule);
            }
        }
        self.brought_along();
        self.planned();
        self.warn(guard.as_ref());
        Diagnostics::new(self.parsed.source().clone(), self.found)
    }

    fn place(&self, key: Key) -> Place {
        self.parsed.place(key).cloned().unwrap_or_default()
    }

    /// Underlines the value of a setting.
    fn at(&self, told: Diagnostic, setting: Setting) -> Diagnostic {
        told.at(self.place(Key::Setting(setting)).value, "")
    }

    /// Underlines those of the settings that the profile states, the first as the mistake; says of
    /// the others that they are the unit's.
    fn at_all(&self, mut told: Diagnostic, settings: &[Setting]) -> Diagnostic {
        for &setting in settings {
            if self.stated.get(setting).is_some() {
                let place = self.place(Key::Setting(setting)).value;
                told =
                    if told.labels.is_empty() { told.at(place, "") } else { told.and(place, "") };
            } else if let Some(value) = self.has.get(setting) {
                told = told.help(format!(
                    "the profile does not state {setting}: {value} is what the unit has"
                ));
            }
        }
        told
    }

    fn applies(&mut self) {
        let Some(unit) = self.unit else { return };
        for (key, reason) in self.parsed.profile().applies_to.refusals(unit) {
            let told = Diagnostic::error(reason).at(self.place(key).value, "");
            self.found.push(told.help(
                "apply it to another unit; or change applies_to if it was made for this one",
            ));
        }
    }

    /// The guard in force, if it can be right; says where not.
    fn guard(&mut self) -> Option<Battery> {
        let own = self.parsed.profile().battery;
        let narrowed = match (self.permissions.battery, own) {
            (Some(site), Some(own)) => site.narrowed(&own).map(Some),
            (site, own) => Ok(site.or(own)),
        };
        let mut errors = own.as_ref().map_or(Vec::new(), Battery::errors);
        let guard = match narrowed {
            Ok(guard) => guard?,
            Err(wider) => {
                errors.extend(wider);
                own?
            }
        };
        if errors.is_empty() {
            let rated = self.unit.map(|unit| unit.rated.battery_rated_voltage);
            errors.extend(rated.and_then(|rated| guard.mismatch(rated)));
        }
        let before = self.found.len();
        for (key, name) in
            [(Key::MaxCellVoltage, "max_cell_voltage"), (Key::MinCellVoltage, "min_cell_voltage")]
        {
            if let Some(place) = self.parsed.place(key).filter(|_| guard.cells.is_none()) {
                let told = Diagnostic::error(format!("{name} guards nothing without cells"));
                self.found.push(
                    told.at(place.key.clone(), "")
                        .help("write how many cells are in series, such as cells: 16"),
                );
            }
        }
        for error in errors {
            let told = self.of_guard(error);
            self.found.push(told);
        }
        (self.found.len() == before).then_some(guard)
    }

    /// Underlines what a guard's error is about, as far as the profile states it.
    fn of_guard(&self, error: GuardError) -> Diagnostic {
        let mut told = Diagnostic::error(error.text);
        for key in error.keys {
            let Some(key) = Key::of_battery(key) else { continue };
            let Some(place) = self.parsed.place(key) else { continue };
            told = match key {
                _ if told.labels.is_empty() => told.at(place.value.clone(), ""),
                Key::Chemistry => told.and(place.value.clone(), "the chemistry"),
                _ => told.and(place.value.clone(), ""),
            };
        }
        told.help(error.advice)
    }

    /// Whether all battery voltages are for units of one rated voltage, that of the unit.
    fn classes(&mut self) -> bool {
        let stated: Vec<_> = Class::BATTERY
            .iter()
            .filter_map(|&setting| Some((setting, voltage(&self.stated, setting)?)))
            .filter_map(|(setting, voltage)| {
                Some((setting, Class::ALL.into_iter().find(|class| class.holds(voltage))?))
            })
            .collect();
        let count = |class: Class| stated.iter().filter(|(_, other)| *other == class).count();
        let unit = self.unit.map(|unit| Class::of(unit.rated.battery_rated_voltage));
        let Some(usual) = unit.or_else(|| Class::ALL.into_iter().max_by_key(|&class| count(class)))
        else {
            return true;
        };
        if stated.iter().all(|(_, class)| *class == usual) {
            return true;
        }
        let mut told = Diagnostic::error(match self.unit {
            Some(unit) => format!(
                "expected battery voltages of a {} unit, which {} is, found those of another",
                whole(unit.rated.battery_rated_voltage),
                unit.serial_number
            ),
            None => "expected battery voltages of one kind of unit, found those of two".to_owned(),
        });
        for (setting, class) in stated {
            let place = self.place(Key::Setting(setting)).value;
            let text = format!("of a {} unit", whole(class.rated()));
            if class != usual {
                told = told.at(place, text);
            } else if self.unit.is_none() {
                told = told.and(place, text);
            }
        }
        self.found.push(match self.unit {
            Some(_) => {
                told.help("a profile is for units of one battery voltage: use or write another")
            }
            None => {
                told.help("one of them is mistyped: a unit takes voltages of its own battery only")
            }
        });
        false
    }

    /// The unit's own limits.
    fn limit(&mut self, unit: &Unit, limits: &Limits, setting: Setting, value: SettingValue) {
        // What it has it need not take.
        if self.has.get(setting) == Some(value) {
            return;
        }
        if self.has.get(setting).is_none() {
            let told = Diagnostic::error(format!("unit {} has no {setting}", unit.serial_number));
            let place = self.place(Key::Setting(setting)).key;
            self.found
                .push(told.at(place, "").help("take the line out: units of this model lack it"));
            return;
        }
        if let Err(error) = limits.check(setting, value) {
            let told =
                Diagnostic::error(format!("{setting}: expected {}, found {value}", error.allowed));
            let told = self
                .at(told, setting)
                .help(format!("that is what unit {} takes: {}", unit.serial_number, error.origin));
            self.found.push(match error.otherwise {
                Some(otherwise) => told.help(format!("for another value {otherwise}")),
                None => told,
            });
        }
    }

    /// What any unit takes.
    fn anywhere(&mut self, setting: Setting, value: SettingValue) {
        let error = match value {
            SettingValue::Voltage(voltage) if Class::BATTERY.contains(&setting) => {
                battery_voltage(setting, voltage)
            }
            SettingValue::Voltage(voltage) => {
                let known: Vec<_> = OutputVoltage::ALL.iter().map(|known| known.number()).collect();
                (!known.contains(&voltage.0)).then(|| steps(known, 1, "V").describe(setting))
            }
            SettingValue::Frequency(frequency) => {
                let known: Vec<_> =
                    OutputFrequency::ALL.iter().map(|known| known.number() * 10).collect();
                (!known.contains(&frequency.0)).then(|| steps(known, 1, "Hz").describe(setting))
            }
            SettingValue::Code(code) => code.name.is_none().then(|| setting.shape().expected()),
            SettingValue::Switch(switch) => (switch.0 > 1).then(|| setting.shape().expected()),
            SettingValue::Current(current) => SelectableCurrent::new(current)
                .is_err()
                .then(|| "a current of at most 999 A".to_owned()),
            SettingValue::Window(_) | SettingValue::Clock(_) => None,
        };
        if let Some(wanted) = error {
            let told = Diagnostic::error(format!("{setting}: expected {wanted}, found {value}"));
            self.found.push(self.at(told, setting).help("no unit can be set to this"));
        }
    }

    fn rule(&mut self, rule: &Broken) {
        let is_stated = |setting: &Setting| self.stated.get(*setting).is_some();
        let guard = match rule.rule {
            rules::CELL_TOO_HIGH => Some(Key::MaxCellVoltage),
            rules::CELL_TOO_LOW => Some(Key::MinCellVoltage),
            rules::BANK_CURRENT => Some(Key::MaxBankChargeCurrent),
            _ => None,
        };
        // The site's guard has no place in the profile.
        let guard = guard.and_then(|key| {
            let stated = self.parsed.place(key).or_else(|| self.parsed.place(Key::Chemistry));
            stated.map(|place| place.value.clone())
        });
        if !rule.settings.iter().any(is_stated) {
            // Settings of the unit that break rules among themselves are not this profile's matter.
            // Its battery is.
            if let Some(guard) = guard {
                let names: Vec<_> = rule.settings.iter().map(|setting| setting.key()).collect();
                let told =
                    Diagnostic::warning(&*rule.text).at(guard, "the guard").help(&*rule.advice);
                let told = self.at_all(told, &rule.settings);
                self.found
                    .push(told.help(format!("state {}, so that it is changed", names.join(", "))));
            }
            return;
        }
        let mut told =
            self.at_all(Diagnostic::error(&*rule.text).help(&*rule.advice), &rule.settings);
        if let Some(guard) = guard {
            told = told.and(guard, "the guard");
        }
        self.found.push(told);
    }

    /// Battery types other than `user` bring their own voltages.
    fn brought_along(&mut self) {
        let stated = |setting: &Setting| self.stated.get(*setting).is_some();
        let kind = self.stated.battery_type.filter(|kind| *kind != BatteryType::USER);
        let own = [Setting::BulkVoltage, Setting::FloatVoltage, Setting::CutoffVoltage];
        let own: Vec<_> = own.into_iter().filter(stated).collect();
        let Some(kind) = kind.filter(|_| self.unit.is_none() && !own.is_empty()) else { return };
        let names: Vec<_> = own.iter().map(|setting| setting.key()).collect();
        let kind = SettingValue::Code(crate::Code { number: kind.0, name: kind.name() });
        let told = Diagnostic::warning(format!(
            "{} can be set for battery_type user only, and {kind} brings its own",
            names.join(", ")
        ));
        let place = self.place(Key::Setting(Setting::BatteryType)).value;
        let told = self.at_all(told, &own).and(place, "the battery type");
        self.found.push(told.help("write battery_type: user, or take the voltages out"));
    }

    /// What the planner says for the unit. It decides; what was found before is said better there.
    fn planned(&mut self) {
        let Some(unit) = self.unit else { return };
        let has_errors = self.found.iter().any(|told| told.severity == DiagnosticSeverity::Error);
        for obstacle in unit_obstacles(self.parsed.profile(), unit, self.permissions) {
            let told = Diagnostic::error(obstacle.why);
            let told = match obstacle.kind {
                ObstacleKind::NoBatteryGuard => {
                    let told = match self.parsed.place(Key::Battery) {
                        Some(place) => told.at(place.key.clone(), ""),
                        None => told,
                    };
                    self.at_all(told, &obstacle.settings).help(self.example_of_guard())
                }
                _ if has_errors => continue,
                _ if obstacle.advice.is_empty() => self.at_all(told, &obstacle.settings),
                _ => self.at_all(told, &obstacle.settings).help(obstacle.advice),
            };
            self.found.push(told);
        }
    }
}

fn voltage(settings: &Settings, setting: Setting) -> Option<Decivolts> {
    match settings.get(setting)? {
        SettingValue::Voltage(voltage) => Some(voltage),
        _ => None,
    }
}

/// What is wanted instead of a battery voltage that no unit takes.
fn battery_voltage(setting: Setting, voltage: Decivolts) -> Option<String> {
    let limits = Class::ALL.map(|class| (class, class.battery(setting, None)));
    if limits.iter().any(|(_, limit)| limit.allows(SettingValue::Voltage(voltage))) {
        return None;
    }
    let has_table = |allowed: &Allowed| matches!(allowed, Allowed::Steps { steps, .. } if steps.iter().any(|step| *step > 0));
    let with_tables = limits.iter().filter(|(_, limit)| has_table(&limit.allowed));
    let is_near = |class: Class| class.holds(voltage);
    let any_near = with_tables.clone().any(|(class, _)| is_near(*class));
    let texts: Vec<_> = with_tables
        .filter(|(class, _)| !any_near || is_near(*class))
        .map(|(class, limit)| {
            format!("{} on a {} unit", limit.allowed.describe(setting), whole(class.rated()))
        })
        .collect();
    Some(texts.join(", or "))
}

fn steps(steps: Vec<u16>, decimals: u8, unit: &'static str) -> Allowed {
    Allowed::Steps { steps, decimals, unit }
}

/// `48 V`
fn whole(voltage: Decivolts) -> String {
    format!("{} V", voltage.0 / 10)
}
