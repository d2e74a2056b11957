//! Problems to inject into healthy banks, and the rule that finds each.

use std::time::Duration;

use fastrand::Rng;
use lvx_parallel::{
    BankSnapshot, Gap, Reason,
    Severity::{self, Error, Info, Warning},
    UnitSnapshot,
};
use pi18_proto::{
    Amperes, BatteryType, ChargerStatus, Currents, Decivolts, PaddedSerial, Percent, SerialNumber,
    TimeOfDay, Watts, WorkingMode,
};

use crate::random::Plan;

/// The rule that finds a problem, and the change to make after reading.
pub(crate) struct Injected {
    pub(crate) rule: &'static str,
    /// The least severity of the finding.
    pub(crate) severity: Severity,
    pub(crate) change: Box<dyn Fn(&mut BankSnapshot)>,
}

pub(crate) type Inject = fn(&mut Plan, &mut Rng) -> Option<Injected>;

/// A problem that a switch of the virtual bank causes.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a tail expression in functions that return an `Option`"
)]
fn by_switch(rule: &'static str, severity: Severity) -> Option<Injected> {
    Some(Injected { rule, severity, change: Box::new(|_| ()) })
}

/// A problem that a change of the snapshot causes.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a tail expression in functions that return an `Option`"
)]
fn by_change(
    rule: &'static str,
    severity: Severity,
    change: impl Fn(&mut BankSnapshot) + 'static,
) -> Option<Injected> {
    Some(Injected { rule, severity, change: Box::new(change) })
}

/// Returns any unit of a bank with at least two units.
fn any(plan: &Plan, random: &mut Rng) -> Option<usize> {
    (plan.units() > 1).then(|| random.usize(0..plan.units()))
}

/// Returns whether the bank has one phase. Between phases, values may differ.
fn is_one_phase(plan: &Plan) -> bool {
    plan.each.iter().all(|each| each[0] == "output-mode=1")
}

/// Returns the rated battery voltage of a unit, in decivolts.
fn rated_voltage(unit: &UnitSnapshot) -> u16 {
    unit.rated.value().unwrap().battery_rated_voltage.0
}

/// Sets what a unit measures at its battery, in both readings.
fn measure(unit: &mut UnitSnapshot, n: usize, volts: Decivolts, charge: u16, discharge: u16) {
    let status = unit.status.value_mut().unwrap();
    status.battery_voltage = volts;
    status.charge_current = Amperes(charge);
    status.discharge_current = Amperes(discharge);
    let own = unit.statuses[n].value_mut().unwrap();
    own.battery_voltage = volts;
    own.charge_current = Amperes(charge);
    own.discharge_current = Amperes(discharge);
}

pub(crate) const FAULTS: &[(&str, Inject)] = &[
    ("another main firmware", |plan, random| {
        let unit = any(plan, random)?;
        plan.put(unit, "main=06440");
        by_switch("main-firmware", Warning)
    }),
    ("another main firmware and fault 71", |plan, random| {
        let unit = any(plan, random)?;
        plan.put(unit, "main=06303");
        plan.all.push("fault=71".to_owned());
        by_switch("main-firmware", Error)
    }),
    ("a fault", |plan, random| {
        let unit = random.usize(0..plan.units());
        plan.put(unit, format!("fault={:02}", random.u8(1..=99)));
        by_switch("fault", Error)
    }),
    ("fault 83 without a battery", |plan, random| {
        let unit = any(plan, random)?;
        plan.all.push("fault=83".to_owned());
        plan.put(unit, "battery=off");
        by_switch("fault", Error)
    }),
    ("a duplicate instance", |plan, random| {
        let unit = any(plan, random)?;
        plan.put(unit, format!("instance={}", (unit + 1) % plan.units()));
        by_switch("instance", Error)
    }),
    ("no master", |plan, _| {
        (plan.units() > 1).then(|| plan.put(0, "instance=9"))?;
        by_switch("instance", Error)
    }),
    ("a missing instance", |plan, random| {
        (plan.units() > 1).then(|| {
            let unit = random.usize(1..plan.units());
            plan.put(unit, "instance=9");
        })?;
        // With nine units, the last one already has instance 8, so 9 leaves no gap.
        (plan.units() < 9).then_some(())?;
        by_switch("instance", Error)
    }),
    ("a unit set to single", |plan, random| {
        let unit = any(plan, random)?;
        plan.put(unit, "output-mode=0");
        by_switch("output-mode", Error)
    }),
    ("a different setting", |plan, random| {
        let unit = any(plan, random)?;
        let switches = [
            "battery-type=1",
            "output-priority=3",
            "charger-priority=3",
            "solar-priority=3",
            "machine-type=3",
        ];
        plan.put(unit, switches[random.usize(0..switches.len())]);
        by_switch("settings", Error)
    }),
    ("a different voltage", |plan, random| {
        let unit = any(plan, random)?;
        let voltage = random.usize(0..5);
        by_change("settings", Error, move |bank| {
            let rated = bank.units[unit].rated.value_mut().unwrap();
            let voltages = [
                &mut rated.bulk_voltage,
                &mut rated.float_voltage,
                &mut rated.cutoff_voltage,
                &mut rated.recharge_voltage,
                &mut rated.redischarge_voltage,
            ];
            voltages.into_iter().nth(voltage).unwrap().0 += 1;
        })
    }),
    ("a different charge limit", |plan, random| {
        let unit = any(plan, random)?;
        plan.put(unit, ["max-charge=15", "max-ac-charge=15"][random.usize(0..2)]);
        by_switch("settings", Warning)
    }),
    ("a different time window", |plan, random| {
        let unit = any(plan, random)?;
        by_change("further-settings", Warning, move |bank| {
            let window = bank.units[unit].ac_load_window.value_mut().unwrap();
            window.start = TimeOfDay::new(22, 0).unwrap();
        })
    }),
    ("another model", |plan, random| {
        let unit = any(plan, random)?;
        // Older units do not report their model.
        plan.all.push("edition=2022".to_owned());
        plan.put(unit, "model=07");
        by_switch("ratings", Error)
    }),
    ("different selectable currents", |plan, random| {
        let unit = any(plan, random)?;
        by_change("selectable-currents", Warning, move |bank| {
            let list = Currents::new(&[Amperes(10), Amperes(100)]).unwrap();
            bank.units[unit].charge_currents.value_mut().unwrap().currents = list;
        })
    }),
    ("a wrong battery voltmeter", |plan, random| {
        let unit = any(plan, random)?;
        let sign = if random.bool() { "" } else { "-" };
        plan.put(unit, format!("battery-offset={sign}1.{}", random.u8(0..=9)));
        by_switch("battery-voltage", Warning)
    }),
    ("an implausible battery voltage", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("battery-voltmeter", Error, move |bank| {
            let volts = rated_voltage(&bank.units[unit]) / 3 * 4;
            measure(&mut bank.units[unit], unit, Decivolts(volts), 0, 0);
        })
    }),
    ("a battery far above bulk voltage", |_, _| {
        by_change("over-voltage", Error, |bank| {
            for (n, unit) in bank.units.iter_mut().enumerate() {
                let volts = rated_voltage(unit) / 4 * 5;
                measure(unit, n, Decivolts(volts), 10, 0);
            }
        })
    }),
    ("a battery discharged below cut-off", |_, _| {
        by_change("under-voltage", Warning, |bank| {
            for (n, unit) in bank.units.iter_mut().enumerate() {
                let volts = unit.rated.value().unwrap().cutoff_voltage.0 - 10;
                measure(unit, n, Decivolts(volts), 0, 30);
            }
        })
    }),
    ("voltages of another battery type", |_, _| {
        by_change("battery-type", Warning, |bank| {
            for unit in &mut bank.units {
                // This type has a bulk voltage of 58.4 V, random banks have at most 57.6 V.
                unit.rated.value_mut().unwrap().battery_type = BatteryType::FLOODED;
            }
        })
    }),
    ("a float voltage above bulk voltage", |_, _| {
        by_change("setting-rules", Error, |bank| {
            for unit in &mut bank.units {
                let rated = unit.rated.value_mut().unwrap();
                rated.float_voltage.0 = rated.bulk_voltage.0 + 1;
            }
        })
    }),
    ("a warning", |plan, random| {
        let unit = random.usize(0..plan.units());
        let warnings = ["fan-locked", "overload", "battery-low", "power-limit", "eeprom-fail"];
        plan.put(unit, format!("warn={}", warnings[random.usize(0..warnings.len())]));
        by_switch("warning", Info)
    }),
    ("fault mode without a fault", |plan, random| {
        let unit = random.usize(0..plan.units());
        plan.put(unit, "mode=04");
        // The other units supply its share of the load as well.
        plan.all.push("load=1000".to_owned());
        by_switch("mode", Error)
    }),
    ("an unknown mode", |plan, random| {
        let unit = random.usize(0..plan.units());
        plan.put(unit, format!("mode=0{}", random.u8(7..=9)));
        // The other units supply its share of the load as well.
        plan.all.push("load=1000".to_owned());
        by_switch("mode", Warning)
    }),
    ("a unit in a conflicting mode", |plan, random| {
        let unit = any(plan, random)?;
        plan.all.extend(["mode=05".to_owned(), "grid=on".to_owned()]);
        plan.put(unit, ["mode=06", "mode=03"][random.usize(0..2)]);
        by_switch("mode-conflict", Info)
    }),
    ("a serial number that is not genuine", |plan, random| {
        let unit = random.usize(0..plan.units());
        plan.put(unit, "serial-number=55355535553555");
        by_switch("serial-number", Warning)
    }),
    ("a unit given twice", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("same-unit", Error, move |bank| {
            let mut again = bank.units[unit].clone();
            "/dev/hidraw9".clone_into(&mut again.name);
            bank.units.push(again);
        })
    }),
    ("a unit given in place of another", |plan, random| {
        let unit = any(plan, random)?;
        by_change("same-unit", Error, move |bank| {
            let other = (unit + 1) % bank.units.len();
            let name = std::mem::take(&mut bank.units[unit].name);
            bank.units[unit] = bank.units[other].clone();
            bank.units[unit].name = name;
        })
    }),
    ("a unit not given", |plan, random| {
        let unit = any(plan, random)?;
        by_change("bank-size", Warning, move |bank| {
            bank.units.remove(unit);
        })
    }),
    ("a unit that cannot be read", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("unread", Error, move |bank| {
            let gap = Gap::new(Reason::Silent, "expected a reply");
            bank.units[unit] = UnitSnapshot::lost("sim:9", gap);
        })
    }),
    ("another grid", |plan, random| {
        let unit = any(plan, random)?;
        is_one_phase(plan).then_some(())?;
        // The voltage of a generator drifts, so that a larger difference is normal.
        plan.all.push("grid=on".to_owned());
        by_change("grid", Warning, move |bank| {
            bank.units[unit].status.value_mut().unwrap().grid_voltage.0 += 70;
            bank.units[unit].statuses[unit].value_mut().unwrap().grid_voltage.0 += 70;
        })
    }),
    ("a different battery capacity", |plan, random| {
        let unit = any(plan, random)?;
        by_change("battery-capacity", Info, move |bank| {
            let change = |capacity: &mut Percent| {
                capacity.0 = if capacity.0 > 50 { capacity.0 - 20 } else { capacity.0 + 20 };
            };
            let unit_itself = &mut bank.units[unit];
            change(&mut unit_itself.status.value_mut().unwrap().battery_capacity);
            change(&mut unit_itself.statuses[unit].value_mut().unwrap().battery_capacity);
        })
    }),
    ("a unit that charges more", |plan, random| {
        let unit = any(plan, random)?;
        // A unit that is alone on its phase shares with no other.
        let mode = |unit: usize| plan.each[unit][0].clone();
        (0..plan.units()).any(|mate| mate != unit && mode(mate) == mode(unit)).then_some(())?;
        by_change("charge-current", Warning, move |bank| {
            for (n, each) in bank.units.iter_mut().enumerate() {
                // Near bulk or float voltage, unequal currents are normal.
                let near = [530, 265];
                let volts = near[usize::from(rated_voltage(each) == 240)];
                measure(each, n, Decivolts(volts), if n == unit { 80 } else { 20 }, 0);
            }
        })
    }),
    ("a high PV voltage", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("pv-voltage", Warning, move |bank| {
            let unit_itself = &mut bank.units[unit];
            unit_itself.status.value_mut().unwrap().pv1_voltage = Decivolts(4500);
            unit_itself.statuses[unit].value_mut().unwrap().pv1_voltage = Decivolts(4500);
        })
    }),
    ("an abnormal PV charger", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("charger-status", Info, move |bank| {
            let unit_itself = &mut bank.units[unit];
            let status = unit_itself.status.value_mut().unwrap();
            (status.pv2_voltage, status.mppt2_status) = (Decivolts(3000), ChargerStatus::ABNORMAL);
            let again = unit_itself.statuses[unit].value_mut().unwrap();
            (again.pv2_voltage, again.mppt2_status) = (Decivolts(3000), ChargerStatus::ABNORMAL);
        })
    }),
    ("a PV string without power", |plan, random| {
        let unit = random.usize(0..plan.units());
        by_change("pv-string", Warning, move |bank| {
            let unit_itself = &mut bank.units[unit];
            let status = unit_itself.status.value_mut().unwrap();
            (status.pv1_power, status.pv2_power) = (Watts(800), Watts(0));
            status.pv2_voltage = Decivolts(3000);
            (status.charge_current, status.discharge_current) = (Amperes(0), Amperes(5));
            let again = unit_itself.statuses[unit].value_mut().unwrap();
            (again.pv1_power, again.pv2_power) = (Watts(800), Watts(0));
            again.pv2_voltage = Decivolts(3000);
            (again.charge_current, again.discharge_current) = (Amperes(0), Amperes(5));
        })
    }),
    ("an idle unit", |plan, random| {
        let unit = any(plan, random)?;
        is_one_phase(plan).then_some(())?;
        let load = format!("load={}", 2000 * plan.units());
        // The larger load would empty the battery.
        plan.runs = Duration::from_mins(3);
        let off_grid = ["mode=03", "grid=off", "soc=60", "sun=0"].map(str::to_owned);
        plan.all.extend(off_grid.into_iter().chain([load]));
        by_change("idle-unit", Warning, move |bank| {
            let unit_itself = &mut bank.units[unit];
            unit_itself.status.value_mut().unwrap().active_power = Watts(0);
            unit_itself.statuses[unit].value_mut().unwrap().active_power = Watts(0);
        })
    }),
    ("a wrong clock", |plan, random| {
        let unit = any(plan, random)?;
        by_change("clock", Warning, move |bank| {
            let text = bank.units[unit].clock.value().unwrap().time.to_string();
            let year = if text.starts_with("2026") { "2027" } else { "2026" };
            let text = format!("\"{year}{}\"", &text[4..]);
            bank.units[unit].clock.value_mut().unwrap().time = serde_json::from_str(&text).unwrap();
        })
    }),
    ("old data about another unit", |plan, random| {
        let unit = any(plan, random)?;
        let what = random.u8(0..3);
        by_change("cross-status", Warning, move |bank| {
            let other = (unit + 1) % bank.units.len();
            let status = bank.units[unit].statuses[other].value_mut().unwrap();
            match what {
                0 => status.battery_voltage = Decivolts(status.battery_voltage.0 - 30),
                1 => status.working_mode = WorkingMode(8),
                _ => status.output_voltage.0 += 300,
            }
        })
    }),
    ("an old serial number of another unit", |plan, random| {
        let unit = any(plan, random)?;
        by_change("cross-serial", Warning, move |bank| {
            let other = (unit + 1) % bank.units.len();
            let serial = SerialNumber::new("96132206100499").unwrap();
            bank.units[unit].ratings[other].value_mut().unwrap().serial_padded =
                PaddedSerial::from(serial);
        })
    }),
    ("totals of another bank", |plan, random| {
        any(plan, random)?;
        is_one_phase(plan).then_some(())?;
        plan.all.push("gusts=0".to_owned());
        by_change("cross-totals", Warning, |bank| {
            for answer in bank.units.iter_mut().flat_map(|unit| &mut unit.statuses) {
                let total = &mut answer.value_mut().unwrap().total_active_power.0;
                *total = *total * 2 + 2000;
            }
        })
    }),
];
