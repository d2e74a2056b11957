//! Checks a profile: by itself, for one unit, and for a bank.

mod bank;
mod warnings;

use pi18_proto::{BatteryType, Decivolts, OutputFrequency, OutputVoltage, SelectableCurrent};

use crate::{
    Allowed, Battery, BrokenRule, DiagnosticSeverity, Diagnostics, GuardError, Limits,
    ObstacleKind, ParsedProfile, Permissions, Setting, SettingValue, Settings, Unit, broken_rules,
    model::{class::Class, rules},
    plan::unit_obstacles,
    profile::{
        Key, Place,
        diagnostic::{Diagnostic, DiagnosticKind},
    },
};

pub use bank::{BankDiagnostics, validate_for_bank};

/// Checks a profile by itself: values that no unit accepts, the rules between settings, the battery guard,
/// and values that are allowed but unwise. The battery guard of the site, in `permissions`, counts too.
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

/// Checks a profile for one unit. In addition to [`validate`], this checks the limits of the unit, the
/// rules together with the unit's values for settings that the profile does not state, and whether the
/// profile is for that unit.
///
/// The result has no errors exactly if [`Plan::for_profile`](crate::Plan::for_profile) finds a plan for
/// the unit alone under these permissions, with every installation setting permitted.
///
/// ```
/// use lvx_settings::{HostClock, Permissions, Profile, Unit, validate_for};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("bank.yaml", "max_charge_current: 100 A\n")?;
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let found = validate_for(&profile, &unit, &Permissions::default());
/// assert!(found.to_string().contains("expected one of 10, 20, 30 … 80 A, found 100 A"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn validate_for(
    profile: &ParsedProfile,
    unit: &Unit,
    permissions: &Permissions,
) -> Diagnostics {
    Check::new(profile, Some(unit), permissions).run()
}

/// A check of one profile, with the diagnostics found so far.
struct Check<'a> {
    parsed: &'a ParsedProfile,
    stated: Settings,
    unit: Option<&'a Unit>,
    permissions: &'a Permissions,
    /// The settings of the unit.
    has: Settings,
    /// The settings of the unit after the profile is applied.
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

    /// Runs all checks. Their order matters: later checks skip mistakes that earlier ones explain better.
    fn run(mut self) -> Diagnostics {
        self.applies();
        let guard = self.guard();
        let classes_agree = self.classes();
        let (stated, limits) = (self.stated, self.unit.map(|unit| (unit, Limits::of(unit))));
        for (setting, value) in stated.iter() {
            match &limits {
                // The error about the rated voltage covers these settings.
                Some(_) if !classes_agree && Class::BATTERY.contains(&setting) => {}
                Some((unit, limits)) => self.limit(unit, limits, setting, value),
                None => self.anywhere(setting, value),
            }
        }
        if classes_agree {
            for rule in broken_rules(&self.result, guard.as_ref()) {
                self.rule(&rule);
            }
        }
        self.type_voltages();
        self.planned();
        self.warn(guard.as_ref());
        Diagnostics::of(self.parsed.source().clone(), self.found)
    }

    /// Returns the place of a key; empty if the text does not have it.
    fn place(&self, key: Key) -> Place {
        self.parsed.place(key).cloned().unwrap_or_default()
    }

    /// Underlines the value of a setting.
    fn at(&self, diagnostic: Diagnostic, setting: Setting) -> Diagnostic {
        diagnostic.at(self.place(Key::Setting(setting)).value, "")
    }

    /// Underlines the settings that the profile states, the first as the mistake, and adds help that names
    /// the unit's values of the others.
    fn at_all(&self, mut diagnostic: Diagnostic, settings: &[Setting]) -> Diagnostic {
        for &setting in settings {
            if self.stated.get(setting).is_some() {
                let place = self.place(Key::Setting(setting)).value;
                diagnostic = if diagnostic.labels.is_empty() {
                    diagnostic.at(place, "")
                } else {
                    diagnostic.and(place, "")
                };
            } else if let Some(value) = self.has.get(setting) {
                diagnostic = diagnostic
                    .help(format!("the profile does not state {setting}; the unit has {value}"));
            }
        }
        diagnostic
    }

    /// Checks that the profile is for the unit.
    fn applies(&mut self) {
        let Some(unit) = self.unit else { return };
        for (key, reason) in self.parsed.profile().applies_to.refusals(unit) {
            let diagnostic = Diagnostic::error(reason).at(self.place(key).value, "");
            self.found.push(diagnostic.help("use another unit, or correct applies_to"));
        }
    }

    /// Adds the errors of the battery guards. Returns the guard that applies, unless it has errors.
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
                let diagnostic = Diagnostic::error(format!("{name} has no effect without cells"));
                self.found.push(
                    diagnostic
                        .at(place.key.clone(), "")
                        .help("write the number of cells in series, such as cells: 16"),
                );
            }
        }
        for error in errors {
            let diagnostic = self.of_guard(error);
            self.found.push(diagnostic);
        }
        (self.found.len() == before).then_some(guard)
    }

    /// Returns the diagnostic for an error of the guard, with the keys that the profile states underlined.
    fn of_guard(&self, error: GuardError) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(error.text);
        for key in error.keys {
            let Some(key) = Key::of_battery(key) else { continue };
            let Some(place) = self.parsed.place(key) else { continue };
            diagnostic = match key {
                _ if diagnostic.labels.is_empty() => diagnostic.at(place.value.clone(), ""),
                Key::Chemistry => diagnostic.and(place.value.clone(), "the chemistry"),
                _ => diagnostic.and(place.value.clone(), ""),
            };
        }
        diagnostic.help(error.advice)
    }

    /// Checks that all battery voltages belong to one rated voltage, that of the unit.
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
        let mut diagnostic = Diagnostic::error(match self.unit {
            Some(unit) => format!(
                "expected battery voltages of a {} unit such as {}, found others",
                whole(unit.rated.battery_rated_voltage),
                unit.serial_number
            ),
            None => {
                "expected battery voltages for one rated voltage, found voltages for two".to_owned()
            }
        });
        for (setting, class) in stated {
            let place = self.place(Key::Setting(setting)).value;
            let text = format!("of a {} unit", whole(class.rated()));
            if class != usual {
                diagnostic = diagnostic.at(place, text);
            } else if self.unit.is_none() {
                diagnostic = diagnostic.and(place, text);
            }
        }
        self.found.push(match self.unit {
            Some(_) => {
                diagnostic.help("use a profile for units with this battery voltage")
            }
            None => {
                diagnostic.help("correct the wrong one: a unit accepts only voltages near its rated battery voltage")
            }
        });
        false
    }

    /// Checks a value against the limits of the unit.
    fn limit(&mut self, unit: &Unit, limits: &Limits, setting: Setting, value: SettingValue) {
        // A value that the unit already has is not written.
        if self.has.get(setting) == Some(value) {
            return;
        }
        if self.has.get(setting).is_none() {
            let diagnostic =
                Diagnostic::error(format!("unit {} has no {setting}", unit.serial_number));
            let place = self.place(Key::Setting(setting)).key;
            self.found.push(
                diagnostic
                    .at(place, "")
                    .help("remove the line: this model does not have the setting"),
            );
            return;
        }
        if let Err(error) = limits.check(setting, value) {
            let diagnostic =
                Diagnostic::error(format!("{setting}: expected {}, found {value}", error.allowed));
            let diagnostic = self
                .at(diagnostic, setting)
                .help(format!("limit of unit {}: {}", unit.serial_number, error.origin));
            self.found.push(match error.otherwise {
                Some(otherwise) => diagnostic.help(format!("for another value, {otherwise}")),
                None => diagnostic,
            });
        }
    }

    /// Checks a value against the ranges that any unit accepts.
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
        if let Some(allowed) = error {
            let diagnostic =
                Diagnostic::error(format!("{setting}: expected {allowed}, found {value}"));
            self.found.push(self.at(diagnostic, setting).help("no unit accepts this value"));
        }
    }

    /// Adds a broken rule.
    fn rule(&mut self, rule: &BrokenRule) {
        let is_stated = |setting: &Setting| self.stated.get(*setting).is_some();
        let guard = match rule.rule {
            rules::CELL_TOO_HIGH => Some(Key::MaxCellVoltage),
            rules::CELL_TOO_LOW => Some(Key::MinCellVoltage),
            rules::BANK_CURRENT => Some(Key::MaxBankChargeCurrent),
            rules::PACK_VOLTAGE => Some(Key::Packs),
            _ => None,
        };
        // The guard of the site has no place in the text.
        let guard = guard.and_then(|key| {
            let stated = self.parsed.place(key).or_else(|| self.parsed.place(Key::Chemistry));
            stated.map(|place| place.value.clone())
        });
        if !rule.settings.iter().any(is_stated) {
            // Unit settings that break rules between themselves do not concern the profile; unit
            // settings outside the profile's battery guard do.
            if let Some(guard) = guard {
                let names: Vec<_> = rule.settings.iter().map(|setting| setting.key()).collect();
                let diagnostic =
                    Diagnostic::warning(&*rule.text).at(guard, "the guard").help(&*rule.advice);
                let diagnostic = self.at_all(diagnostic, &rule.settings);
                self.found
                    .push(diagnostic.help(format!("state {} to change it", names.join(", "))));
            }
            return;
        }
        let mut diagnostic =
            self.at_all(Diagnostic::error(&*rule.text).help(&*rule.advice), &rule.settings);
        if let Some(guard) = guard {
            diagnostic = diagnostic.and(guard, "the guard");
        }
        self.found.push(diagnostic);
    }

    /// Warns of voltages with a battery type other than `user`, which sets its own voltages.
    fn type_voltages(&mut self) {
        let stated = |setting: &Setting| self.stated.get(*setting).is_some();
        let kind = self.stated.battery_type.filter(|kind| *kind != BatteryType::USER);
        let own = [Setting::BulkVoltage, Setting::FloatVoltage, Setting::CutoffVoltage];
        let own: Vec<_> = own.into_iter().filter(stated).collect();
        let Some(kind) = kind.filter(|_| self.unit.is_none() && !own.is_empty()) else { return };
        let names: Vec<_> = own.iter().map(|setting| setting.key()).collect();
        let kind = SettingValue::Code(crate::Code { number: kind.0, name: kind.name() });
        let diagnostic = Diagnostic::warning(format!(
            "{} can be set for battery_type user only; {kind} sets its own voltages",
            names.join(", ")
        ));
        let place = self.place(Key::Setting(Setting::BatteryType)).value;
        let diagnostic = self.at_all(diagnostic, &own).and(place, "the battery type");
        self.found.push(diagnostic.help("write battery_type: user, or remove the voltages"));
    }

    /// Adds the obstacles that the planner finds for the unit, unless an error above explains them better.
    fn planned(&mut self) {
        let Some(unit) = self.unit else { return };
        let has_errors =
            self.found.iter().any(|diagnostic| diagnostic.severity == DiagnosticSeverity::Error);
        for obstacle in unit_obstacles(self.parsed.profile(), unit, self.permissions) {
            let kind = DiagnosticKind::Obstacle(obstacle.kind);
            let diagnostic = Diagnostic::error(obstacle.why).of_kind(kind);
            let diagnostic = match obstacle.kind {
                ObstacleKind::NoBatteryGuard => {
                    let diagnostic = match self.parsed.place(Key::Battery) {
                        Some(place) => diagnostic.at(place.key.clone(), ""),
                        None => diagnostic,
                    };
                    self.at_all(diagnostic, &obstacle.settings).help(self.example_of_guard())
                }
                _ if has_errors => continue,
                _ if obstacle.advice.is_empty() => self.at_all(diagnostic, &obstacle.settings),
                _ => self.at_all(diagnostic, &obstacle.settings).help(obstacle.advice),
            };
            self.found.push(diagnostic);
        }
    }
}

/// Returns the value of a setting that is a voltage.
pub(super) fn voltage(settings: &Settings, setting: Setting) -> Option<Decivolts> {
    match settings.get(setting)? {
        SettingValue::Voltage(voltage) => Some(voltage),
        _ => None,
    }
}

/// Returns the allowed values for a battery voltage that no unit accepts; `None` if one does.
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

/// Returns the allowed values of a quantity.
fn steps(steps: Vec<u16>, decimals: u8, unit: &'static str) -> Allowed {
    Allowed::Steps { steps, decimals, unit }
}

/// Returns a voltage without decimals: `48 V`.
fn whole(voltage: Decivolts) -> String {
    format!("{} V", voltage.0 / 10)
}
