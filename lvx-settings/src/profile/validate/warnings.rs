//! What is legal and unwise.

use pi18_proto::{BatteryType, ChargerPriority, Decivolts};

use super::{Check, voltage};
use crate::{
    Battery, Chemistry, DiagnosticSeverity, Setting,
    model::limits::Class,
    profile::{Key, diagnostic::Diagnostic},
};

impl Check<'_> {
    /// All of it; `guard` only if it is sound.
    pub(super) fn warn(&mut self, guard: Option<&Battery>) {
        let found = [
            self.lead_acid_charging(),
            guard.and_then(|battery| self.high_float(battery)),
            self.hunting(),
            self.until_full(),
            self.window_for_nobody(),
            self.no_guard(guard),
        ];
        self.found.extend(found.into_iter().flatten());
    }

    fn states(&self, setting: Setting) -> bool {
        self.stated.get(setting).is_some()
    }

    fn lead_acid_charging(&self) -> Option<Diagnostic> {
        let chemistry = self.parsed.profile().battery?.chemistry?;
        let kind = self.result.battery_type?;
        let is_lead_acid = [BatteryType::AGM, BatteryType::FLOODED].contains(&kind);
        if chemistry == Chemistry::LeadAcid || !is_lead_acid {
            return None;
        }
        let kind = kind.to_string().to_lowercase();
        let told = Diagnostic::warning(format!(
            "battery_type {kind} charges an {chemistry} battery as lead-acid"
        ));
        let chemistry = self.place(Key::Chemistry).value;
        let told = if self.states(Setting::BatteryType) {
            self.at(told, Setting::BatteryType).and(chemistry, "the chemistry")
        } else {
            self.at_all(told.at(chemistry, ""), &[Setting::BatteryType])
        };
        Some(told.help(
            "its voltages are not made for these cells: write battery_type: user and the voltages",
        ))
    }

    fn high_float(&self, battery: &Battery) -> Option<Diagnostic> {
        let (chemistry, cells) = (battery.chemistry?, battery.cells?);
        let float = self.stated.float_voltage?;
        let limit = chemistry.float_limit();
        let most = u32::from(limit.0) * u32::from(cells) / 100;
        if u32::from(float.0) <= most {
            return None;
        }
        let told = Diagnostic::warning(format!(
            "float_voltage {float} holds {chemistry} cells above {limit} for hours, which ages them"
        ));
        let told = self
            .at(told, Setting::FloatVoltage)
            .and(self.place(Key::Chemistry).value, "the chemistry");
        Some(told.help(format!("{cells} cells are held at {}.{} V or less", most / 10, most % 10)))
    }

    /// The least step between the two is no distance for a battery under load.
    fn hunting(&self) -> Option<Diagnostic> {
        let both = [Setting::RedischargeVoltage, Setting::RechargeVoltage];
        if !both.iter().any(|&setting| self.states(setting)) {
            return None;
        }
        let (low, high) = (self.result.recharge_voltage?, self.result.redischarge_voltage?);
        let class = Class::ALL.into_iter().find(|class| class.holds(high))?;
        let distance = high.0.checked_sub(low.0).filter(|distance| *distance > 0)?;
        // 1 V for 48 V.
        if distance > class.rated().0 / 48 {
            return None;
        }
        let told = Diagnostic::warning(format!(
            "only {} lie between recharge_voltage {low} and redischarge_voltage {high}",
            Decivolts(distance)
        ));
        Some(self.at_all(told, &both).help(
            "the battery's voltage moves more than that with the load: the unit would go to and fro between utility and battery; put them further apart",
        ))
    }

    fn until_full(&self) -> Option<Diagnostic> {
        // For a unit its limits say it.
        if self.unit.is_some() || self.stated.redischarge_voltage? != Decivolts(0) {
            return None;
        }
        let told =
            Diagnostic::warning("redischarge_voltage 0 means until full, which an LVX6048 refuses");
        Some(
            self.at(told, Setting::RedischargeVoltage)
                .help("write a voltage, at most that of float_voltage"),
        )
    }

    fn window_for_nobody(&self) -> Option<Diagnostic> {
        let window = self.stated.ac_charge_window.filter(|window| window.start != window.end)?;
        if self.result.charger_priority? != ChargerPriority::ONLY_SOLAR {
            return None;
        }
        let told = Diagnostic::warning(format!(
            "ac_charge_window {}-{} does nothing while charger_priority is only_solar",
            window.start, window.end
        ));
        let settings = [Setting::AcChargeWindow, Setting::ChargerPriority];
        Some(self.at_all(told, &settings).help(
            "write charger_priority: solar_first for utility to charge then, or take the window out",
        ))
    }

    /// Voltages without a complete guard; for a unit that they would be written to that is an error.
    fn no_guard(&self, guard: Option<&Battery>) -> Option<Diagnostic> {
        let has_errors = self.found.iter().any(|told| told.severity == DiagnosticSeverity::Error);
        let is_stated = self.parsed.profile().battery.is_some();
        let first = Class::BATTERY
            .into_iter()
            .filter(|&s| self.states(s))
            .min_by_key(|&setting| self.place(Key::Setting(setting)).key.start)?;
        let message = match guard {
            None if is_stated => return None,
            None => "this profile states battery voltages and not what the battery's cells take"
                .to_owned(),
            Some(guard) => guard.incomplete()?.text,
        };
        if has_errors && self.unit.is_some() {
            return None;
        }
        let told = Diagnostic::warning(message);
        let told = match self.parsed.place(Key::Battery) {
            Some(place) => told.at(place.key.clone(), ""),
            None => self.at(told, first),
        };
        Some(told.help(self.example_of_guard()))
    }

    /// A complete guard for the profile's voltages, to be corrected.
    pub(super) fn example_of_guard(&self) -> String {
        let stated =
            Class::BATTERY.into_iter().filter_map(|setting| voltage(&self.stated, setting));
        let rated = self.unit.map(|unit| unit.rated.battery_rated_voltage);
        let class = rated.map(Class::of).or_else(|| {
            let mut classes = stated
                .filter_map(|voltage| Class::ALL.into_iter().find(|class| class.holds(voltage)));
            classes.next()
        });
        let cells = class.map_or(0, |class| class.rated().0 / 30);
        let cells = if cells == 0 { 16 } else { cells };
        format!(
            "add such as battery: {{chemistry: lfp, cells: {cells}, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}}: charge voltages are written under a complete guard only"
        )
    }
}
