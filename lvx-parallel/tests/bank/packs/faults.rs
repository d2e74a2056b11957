//! Problems to inject into healthy banks with packs, and the rule that finds each.

use fastrand::Rng;
use lvx_parallel::{
    BankSnapshot, PackSnapshot,
    Severity::{self, Error, Info, Warning},
    pack::{Centiamperes, Live, Scale, Varying},
};
use lvx_settings::Millivolts;
use pi18_proto::{Amperes, Decivolts, Percent};

use super::plan::PackPlan;

/// A problem: its name, the rule and the least severity of its finding, the least number of packs, a change of the plan
/// and one of the snapshot. Both know the number of one of the packs.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) packs: usize,
    pub(super) plan: fn(&mut PackPlan, usize, &mut Rng),
    pub(super) change: fn(&mut BankSnapshot, usize),
}

/// A problem that a switch of a pack causes.
const fn switched(
    name: &'static str,
    rule: &'static str,
    severity: Severity,
    packs: usize,
    plan: fn(&mut PackPlan, usize, &mut Rng),
) -> Fault {
    Fault { name, rule, severity, packs, plan, change: |_, _| () }
}

/// A problem that a change of the snapshot causes.
const fn changed(
    name: &'static str,
    rule: &'static str,
    severity: Severity,
    packs: usize,
    change: fn(&mut BankSnapshot, usize),
) -> Fault {
    Fault { name, rule, severity, packs, plan: |_, _, _| (), change }
}

fn late(plan: &mut PackPlan, pack: usize, switch: &str) {
    plan.late.push((pack, switch.to_owned()));
}

/// Changes all readings of a pack.
fn live(pack: &mut PackSnapshot, change: impl Fn(&mut Live)) {
    let all = pack.live.iter_mut().chain(&mut pack.earlier);
    all.for_each(|reading| change(&mut reading.value));
}

fn cell(bank: &mut BankSnapshot, pack: usize, all: u16, one: u16) {
    live(&mut bank.packs[pack], |live| {
        live.cells.0 = [Millivolts(all); 16];
        live.cells.0[4] = Millivolts(one);
    });
}

/// Gives all packs a current, in amperes, and one pack another one.
fn currents(bank: &mut BankSnapshot, pack: usize, all: i32, one: i32) {
    for (place, each) in bank.packs.iter_mut().enumerate() {
        let amperes = if place == pack { one } else { all };
        live(each, |live| {
            live.current = Varying::<Centiamperes>::new(amperes * 100, Some(Scale::Hundredths));
            live.state_of_charge = Percent(50);
        });
    }
}

/// Adds to the battery voltage that all units report about one unit.
fn unit_voltage(bank: &mut BankSnapshot, steps: u16) {
    let status = bank.units[0].status.value_mut().unwrap();
    status.battery_voltage.0 += steps;
    for unit in &mut bank.units {
        if let Some(status) = unit.statuses[0].value_mut() {
            status.battery_voltage.0 += steps;
        }
    }
}

/// Sets the maximum charge current of all units, so that each pack has this share.
fn charge_limit(bank: &mut BankSnapshot, amperes: usize) {
    let share = bank.packs.len() * amperes / bank.units.len() + 1;
    for unit in &mut bank.units {
        let rated = unit.rated.value_mut().unwrap();
        rated.max_charge_current = Amperes(share.try_into().unwrap());
    }
}

fn rated(bank: &mut BankSnapshot, change: fn(&mut pi18_proto::RatedInformation)) {
    bank.units.iter_mut().for_each(|unit| change(unit.rated.value_mut().unwrap()));
}

pub(super) static FAULTS: &[Fault] = &[
    switched("silent", "pack-silent", Warning, 1, |plan, pack, _| late(plan, pack, "silent=1")),
    switched("chain", "pack-silent", Warning, 2, |plan, _, _| late(plan, 0, "chain=on")),
    switched("cut", "pack-silent", Warning, 1, |plan, pack, _| late(plan, pack, "cut=on")),
    switched("summary", "pack-aggregate", Warning, 1, |plan, _, _| late(plan, 0, "summary=on")),
    changed("twice", "pack-twice", Warning, 2, |bank, pack| {
        let other = (pack + 1) % bank.packs.len();
        let name = bank.packs[other].name.clone();
        bank.packs[other] = bank.packs[pack].clone();
        bank.packs[other].name = name;
    }),
    switched("warning", "pack-alarm", Warning, 1, |plan, pack, _| late(plan, pack, "warn=0x0010")),
    switched("protection", "pack-alarm", Error, 2, |plan, pack, _| {
        late(plan, pack, "protect=0x0100");
    }),
    changed("cell_too_high", "pack-cell-voltage", Error, 1, |bank, pack| {
        cell(bank, pack, 3500, 3800);
    }),
    changed("cell_high", "pack-cell-voltage", Warning, 1, |bank, pack| {
        cell(bank, pack, 3600, 3651);
    }),
    changed("cell_low", "pack-cell-voltage", Warning, 1, |bank, pack| {
        cell(bank, pack, 3000, 2899);
    }),
    changed("cell_too_low", "pack-cell-voltage", Error, 1, |bank, pack| {
        cell(bank, pack, 2400, 2300);
    }),
    changed("spread_flat", "pack-cell-spread", Warning, 1, |bank, pack| {
        cell(bank, pack, 3300, 3351);
    }),
    changed("spread", "pack-cell-spread", Warning, 1, |bank, pack| cell(bank, pack, 3400, 3521)),
    changed("spread_severe", "pack-cell-spread", Error, 1, |bank, pack| {
        cell(bank, pack, 3400, 3199);
    }),
    changed("cell_sum", "pack-cell-sum", Warning, 1, |bank, pack| {
        live(&mut bank.packs[pack], |live| live.voltage.0 += 30);
    }),
    switched("hot", "pack-temperature", Error, 1, |plan, pack, _| {
        late(plan, pack, "temperature=76");
    }),
    switched("warm", "pack-temperature", Warning, 1, |plan, pack, _| {
        late(plan, pack, "temperature=51");
    }),
    changed("drift", "pack-charge-drift", Warning, 2, |bank, pack| {
        let shown = |pack: &PackSnapshot| pack.live.unwrap().value.state_of_charge.0;
        let least = bank.packs.iter().map(shown).min().unwrap();
        let drifted = if least > 20 { least - 11 } else { least + 20 };
        live(&mut bank.packs[pack], |live| live.state_of_charge = Percent(drifted));
    }),
    changed("idle", "pack-sharing", Warning, 3, |bank, pack| currents(bank, pack, 40, 0)),
    changed("unequal", "pack-sharing", Warning, 3, |bank, pack| currents(bank, pack, -20, -60)),
    changed("current", "pack-current", Warning, 1, |bank, _| {
        for pack in &mut bank.packs {
            live(pack, |live| {
                let raw = live.current.raw() + 8000;
                live.current = Varying::new(raw, live.current.scale());
            });
        }
    }),
    changed("voltage_drop", "pack-voltage-drop", Warning, 1, |bank, _| unit_voltage(bank, 15)),
    changed("charge_limit", "pack-charge-limit", Error, 1, |bank, _| charge_limit(bank, 100)),
    changed("charge_recommended", "pack-charge-limit", Warning, 1, |bank, _| {
        charge_limit(bank, 50);
    }),
    changed("bulk", "pack-voltage-limits", Error, 1, |bank, _| {
        rated(bank, |rated| rated.bulk_voltage = Decivolts(569));
    }),
    changed("cutoff", "pack-voltage-limits", Warning, 1, |bank, _| {
        rated(bank, |rated| rated.cutoff_voltage = Decivolts(447));
    }),
    changed("float", "pack-voltage-limits", Info, 1, |bank, _| {
        rated(bank, |rated| {
            (rated.bulk_voltage, rated.float_voltage) = (Decivolts(560), Decivolts(550));
        });
    }),
    changed("unit_charge", "pack-state-of-charge", Info, 1, |bank, _| {
        let capacity = &mut bank.units[0].status.value_mut().unwrap().battery_capacity.0;
        *capacity = if *capacity >= 50 { *capacity - 25 } else { *capacity + 25 };
    }),
];
