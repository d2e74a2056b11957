//! Warnings of values that are allowed but unwise.

use pi18_proto::{BatteryType, ChargerPriority, Decivolts};

use super::{Check, voltage};
use crate::{
    Battery, Chemistry, DiagnosticSeverity, Setting,
    model::class::Class,
    profile::{Key, diagnostic::Diagnostic},
};

impl Check<'_> {
    /// Adds all warnings; `guard` is the guard that applies, if it has no errors.
    pub(super) fn warn(&mut self, guard: Option<&Battery>) {
        let found = [
            self.lead_acid_charging(),
            guard.and_then(|battery| self.high_float(battery)),
            self.hunting(),
            self.until_full(),
            self.unused_window(),
            self.no_guard(guard),
        ];
        self.found.extend(found.into_iter().flatten());
    }

    fn states(&self, setting: Setting) -> bool {
        self.stated.get(setting).is_some()
    }

    /// Warns of a lead-acid battery type for a battery of another chemistry.
    fn lead_acid_charging(&self) -> Option<Diagnostic> {
        let chemistry = self.parsed.profile().battery?.chemistry?;
        let kind = self.result.battery_type?;
        let is_lead_acid = [BatteryType::AGM, BatteryType::FLOODED].contains(&kind);
        if chemistry == Chemistry::LeadAcid || !is_lead_acid {
            return None;
        }
        let kind = kind.to_string().to_lowercase();
        let diagnostic = Diagnostic::warning(format!(
            "battery_type {kind} charges an {chemistry} battery as lead-acid"
        ));
        let chemistry = self.place(Key::Chemistry).value;
        let diagnostic = if self.states(Setting::BatteryType) {
            self.at(diagnostic, Setting::BatteryType).and(chemistry, "the chemistry")
        } else {
            self.at_all(diagnostic.at(chemistry, ""), &[Setting::BatteryType])
        };
        Some(diagnostic.help(
            "the voltages of this type do not suit these cells: write battery_type: user and the voltages",
        ))
    }

    /// Warns of a float voltage that ages the cells.
    fn high_float(&self, battery: &Battery) -> Option<Diagnostic> {
        let (chemistry, cells) = (battery.chemistry?, battery.cells?);
        let float = self.stated.float_voltage?;
        let limit = chemistry.float_limit();
        let max = u32::from(limit.0) * u32::from(cells) / 100;
        if u32::from(float.0) <= max {
            return None;
        }
        let diagnostic = Diagnostic::warning(format!(
            "float_voltage {float} holds {chemistry} cells above {limit} for hours, which ages them"
        ));
        let diagnostic = self
            .at(diagnostic, Setting::FloatVoltage)
            .and(self.place(Key::Chemistry).value, "the chemistry");
        Some(diagnostic.help(format!("hold {cells} cells at {}.{} V or less", max / 10, max % 10)))
    }

    /// Warns of re-charge and re-discharge voltages so close that the load alone moves the battery voltage
    /// from one to the other.
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
        let diagnostic = Diagnostic::warning(format!(
            "recharge_voltage {low} and redischarge_voltage {high} differ by only {}",
            Decivolts(distance)
        ));
        Some(self.at_all(diagnostic, &both).help(
            "the battery voltage varies more than that with the load, so the unit would switch between utility and battery all the time; increase the difference",
        ))
    }

    /// Warns of a re-discharge voltage that an LVX6048 refuses.
    fn until_full(&self) -> Option<Diagnostic> {
        // With a unit, the check of its limits covers this.
        if self.unit.is_some() || self.stated.redischarge_voltage? != Decivolts(0) {
            return None;
        }
        let diagnostic =
            Diagnostic::warning("redischarge_voltage 0 means until full, which an LVX6048 refuses");
        Some(
            self.at(diagnostic, Setting::RedischargeVoltage)
                .help("write a voltage not above float_voltage"),
        )
    }

    /// Warns of a charge window although utility never charges the battery.
    fn unused_window(&self) -> Option<Diagnostic> {
        let window = self.stated.ac_charge_window.filter(|window| window.start != window.end)?;
        if self.result.charger_priority? != ChargerPriority::ONLY_SOLAR {
            return None;
        }
        let diagnostic = Diagnostic::warning(format!(
            "ac_charge_window {}-{} has no effect while charger_priority is only_solar",
            window.start, window.end
        ));
        let settings = [Setting::AcChargeWindow, Setting::ChargerPriority];
        Some(self.at_all(diagnostic, &settings).help(
            "write charger_priority: solar_first to let utility charge in the window, or remove the window",
        ))
    }

    /// Warns of voltages without a complete guard. If they would be written to a unit, that is an error.
    fn no_guard(&self, guard: Option<&Battery>) -> Option<Diagnostic> {
        let has_errors =
            self.found.iter().any(|diagnostic| diagnostic.severity == DiagnosticSeverity::Error);
        let is_stated = self.parsed.profile().battery.is_some();
        let first = Class::BATTERY
            .into_iter()
            .filter(|&s| self.states(s))
            .min_by_key(|&setting| self.place(Key::Setting(setting)).key.start)?;
        let message = match guard {
            None if is_stated => return None,
            None => "this profile states battery voltages without a battery guard".to_owned(),
            Some(guard) => guard.incomplete()?.text,
        };
        if has_errors && self.unit.is_some() {
            return None;
        }
        let diagnostic = Diagnostic::warning(message);
        let diagnostic = match self.parsed.place(Key::Battery) {
            Some(place) => diagnostic.at(place.key.clone(), ""),
            None => self.at(diagnostic, first),
        };
        Some(diagnostic.help(self.example_of_guard()))
    }

    /// Returns help with an example of a complete guard for the profile's voltages.
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
            "charge voltages are written only under a complete guard; add one such as battery: {{chemistry: lfp, cells: {cells}, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}}"
        )
    }
}
