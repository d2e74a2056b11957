//! Whether a profile is sound: in itself, and for one unit.

mod warnings;

use pi18_proto::{BatteryType, Decivolts, OutputFrequency, OutputVoltage, SelectableCurrent};

use crate::{
    Allowed, Battery, Broken, Chemistry, Diagnostics, Limits, Millivolts, ParsedProfile, Setting,
    Settings, Unit, Value, broken,
    diagnostic::Diagnostic,
    limits::Class,
    profile::{Key, Place},
    value::word,
};

/// Checks a profile by itself: values that no unit takes, rules between settings, cell guards, and
/// what is legal and unwise.
///
/// ```
/// use lvx_settings::{Profile, validate};
///
/// let profile = Profile::parse("bank.yaml", "bulk_voltage: 54 V\nfloat_voltage: 56 V\n")?;
/// let found = validate(&profile);
/// assert!(found.to_string().contains("float_voltage 56.0 V is above bulk_voltage 54.0 V"));
/// # Ok::<(), lvx_settings::Diagnostics>(())
/// ```
#[must_use]
pub fn validate(profile: &ParsedProfile) -> Diagnostics {
    Check::new(profile, None).run()
}

/// Checks a profile for one unit: what [`validate`] does, the unit's limits, the rules with the
/// unit's values where the profile states none, and whether the profile is for that unit at all.
#[must_use]
pub fn validate_for(profile: &ParsedProfile, unit: &Unit) -> Diagnostics {
    Check::new(profile, Some(unit)).run()
}

struct Check<'a> {
    parsed: &'a ParsedProfile,
    stated: Settings,
    unit: Option<&'a Unit>,
    /// What the unit has.
    has: Settings,
    /// What it will have.
    result: Settings,
    found: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    fn new(parsed: &'a ParsedProfile, unit: Option<&'a Unit>) -> Self {
        let stated = parsed.profile().settings;
        let has = unit.map_or_else(Settings::default, Unit::settings);
        Self { parsed, stated, unit, has, result: has.overlaid(&stated), found: Vec::new() }
    }

    fn run(mut self) -> Diagnostics {
        self.applies();
        let guard = self.parsed.profile().battery;
        let guard = guard.filter(|battery| self.guard_is_sound(battery));
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

    /// Whether the guard can be right, and says where not.
    fn guard_is_sound(&mut self, battery: &Battery) -> bool {
        let before = self.found.len();
        let (max, min) = (battery.max_cell_voltage, battery.min_cell_voltage);
        let both = [
            (Key::MaxCellVoltage, "max_cell_voltage", max),
            (Key::MinCellVoltage, "min_cell_voltage", min),
        ];
        for (key, name, voltage) in both {
            let Some(voltage) = voltage else { continue };
            if battery.cells.is_none() {
                let told = Diagnostic::error(format!("{name} guards nothing without cells"));
                self.found.push(
                    told.at(self.place(key).key, "")
                        .help("write how many cells are in series, such as cells: 16"),
                );
            }
            let Some(chemistry) = battery.chemistry else { continue };
            let (low, high) = chemistry.cell_range();
            if (low..=high).contains(&voltage) {
                continue;
            }
            let told = Diagnostic::error(format!(
                "{name}: wanted {low} to {high}, which {chemistry} cells take, found {voltage}"
            ));
            let told = told
                .at(self.place(key).value, "")
                .and(self.place(Key::Chemistry).value, "the chemistry");
            self.found.push(match of_another(chemistry, voltage) {
                Some(other) => told.help(format!(
                    "a cell of {other} has such a voltage: correct the one or the other"
                )),
                None => told.help("the voltage of one cell, not of the battery"),
            });
        }
        if let (Some(max), Some(min)) = (max, min)
            && max <= min
        {
            let told = Diagnostic::error(format!(
                "max_cell_voltage {max} is not above min_cell_voltage {min}"
            ));
            self.found.push(
                told.at(self.place(Key::MaxCellVoltage).value, "")
                    .and(self.place(Key::MinCellVoltage).value, "")
                    .help("one of the two is mistyped"),
            );
        }
        self.found.len() == before
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
                "wanted battery voltages of a {} unit, which {} is, found those of another",
                whole(unit.rated.battery_rated_voltage),
                unit.serial_number
            ),
            None => "wanted battery voltages of one kind of unit, found those of two".to_owned(),
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
    fn limit(&mut self, unit: &Unit, limits: &Limits, setting: Setting, value: Value) {
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
                Diagnostic::error(format!("{setting}: wanted {}, found {value}", error.wanted));
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
    fn anywhere(&mut self, setting: Setting, value: Value) {
        let error = match value {
            Value::Voltage(voltage) if Class::BATTERY.contains(&setting) => {
                battery_voltage(setting, voltage)
            }
            Value::Voltage(voltage) => {
                let known: Vec<_> = OutputVoltage::ALL.iter().map(|known| known.number()).collect();
                (!known.contains(&voltage.0)).then(|| steps(known, 1, "V").describe(setting))
            }
            Value::Frequency(frequency) => {
                let known: Vec<_> =
                    OutputFrequency::ALL.iter().map(|known| known.number() * 10).collect();
                (!known.contains(&frequency.0)).then(|| steps(known, 1, "Hz").describe(setting))
            }
            Value::Code(code) => code.name.is_none().then(|| setting.shape().wanted()),
            Value::Switch(switch) => (switch.0 > 1).then(|| setting.shape().wanted()),
            Value::Current(current) => SelectableCurrent::new(current)
                .is_err()
                .then(|| "a current of at most 999 A".to_owned()),
            Value::Window(_) | Value::Clock(_) => None,
        };
        if let Some(wanted) = error {
            let told = Diagnostic::error(format!("{setting}: wanted {wanted}, found {value}"));
            self.found.push(self.at(told, setting).help("no unit can be set to this"));
        }
    }

    fn rule(&mut self, rule: &Broken) {
        let is_stated = |setting: &Setting| self.stated.get(*setting).is_some();
        let guard = match rule.rule {
            "cell-too-high" => Some(Key::MaxCellVoltage),
            "cell-too-low" => Some(Key::MinCellVoltage),
            _ => None,
        };
        let guard = guard.map(|key| {
            let has = self.parsed.place(key).is_some();
            self.place(if has { key } else { Key::Chemistry }).value
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
        let Some(kind) = self.result.battery_type.filter(|kind| *kind != BatteryType::USER) else {
            return;
        };
        let own = [Setting::BulkVoltage, Setting::FloatVoltage, Setting::CutoffVoltage];
        let factory = self.unit.and_then(|unit| unit.defaults).as_ref().map(Settings::factory);
        let brings = |settings: &Settings, setting: Setting| {
            settings.battery_type == Some(kind) && settings.get(setting) == self.stated.get(setting)
        };
        let wrong: Vec<_> = own
            .into_iter()
            .filter(|&setting| self.stated.get(setting).is_some())
            .filter(|&setting| !brings(&self.has, setting))
            .filter(|&setting| !factory.as_ref().is_some_and(|factory| brings(factory, setting)))
            .collect();
        if wrong.is_empty() {
            return;
        }
        let names: Vec<_> = wrong.iter().map(|setting| setting.key()).collect();
        let (names, kind) =
            (names.join(", "), Value::Code(crate::Code { number: kind.0, name: kind.name() }));
        let told = match self.unit {
            Some(_) => Diagnostic::error(format!(
                "{names} can be set for battery_type user only, and this unit would have {kind}"
            )),
            None => Diagnostic::warning(format!(
                "{names} can be set for battery_type user only, and {kind} brings its own"
            )),
        };
        let mut told = self.at_all(told, &wrong);
        if self.stated.battery_type.is_some() {
            told =
                told.and(self.place(Key::Setting(Setting::BatteryType)).value, "the battery type");
        } else {
            told = told.help(format!(
                "the profile does not state battery_type: {kind} is what the unit has"
            ));
        }
        self.found.push(told.help("write battery_type: user, or take the voltages out"));
    }
}

fn voltage(settings: &Settings, setting: Setting) -> Option<Decivolts> {
    match settings.get(setting)? {
        Value::Voltage(voltage) => Some(voltage),
        _ => None,
    }
}

/// What is wanted instead of a battery voltage that no unit takes.
fn battery_voltage(setting: Setting, voltage: Decivolts) -> Option<String> {
    let limits = Class::ALL.map(|class| (class, class.battery(setting, None)));
    if limits.iter().any(|(_, limit)| limit.allows(Value::Voltage(voltage))) {
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

/// A chemistry that has cells of such a voltage.
fn of_another(chemistry: Chemistry, voltage: Millivolts) -> Option<String> {
    let has = |other: &Chemistry| {
        let (low, high) = other.cell_range();
        *other != chemistry && (low..=high).contains(&voltage)
    };
    Chemistry::ALL.into_iter().find(has).map(|other| word(other.word()))
}
