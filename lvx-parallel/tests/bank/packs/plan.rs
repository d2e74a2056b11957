//! Random banks with one to six packs of 100 Ah.

use std::time::Duration;

use fastrand::Rng;
use lvx_parallel::{
    BankSnapshot, Gap, PackSnapshot, Reading, Reason, UnitSnapshot,
    pack::{PackAddress, PackClient},
};
use pi18_transport::{
    Link,
    sim::{Bank, BankConfig, PackLink, SharedBank, Switches},
};

use crate::random::Plan;

/// The switches of a virtual bank with packs.
#[derive(Clone, Debug)]
pub(super) struct PackPlan {
    pub(super) plan: Plan,
    /// Switches of each pack from the start.
    pub(super) packs: Vec<Vec<String>>,
    /// Switches of each pack, set shortly before it is read.
    pub(super) late: Vec<(usize, String)>,
}

impl PackPlan {
    /// Returns a healthy bank whose settings suit its packs.
    pub(super) fn healthy(random: &mut Rng) -> Self {
        let mut plan = Plan::healthy(random);
        while plan.all[0] != "rated=48" {
            plan = Plan::healthy(random);
        }
        let count = random.usize(1..=6);
        let units = random.usize(1..=count.min(3)).min(plan.units());
        plan.each.truncate(units);
        for each in &mut plan.each {
            each[0] = format!("output-mode={}", usize::from(units > 1));
        }
        let soc = random.usize(30..=100);
        let load = random.usize(0..=(units * 4200).min(count * 100 * 48 * 4 / 10));
        // Minutes until the state of charge is 25 %, without sun and grid.
        let minutes = (soc - 25) * count * 48 * 60 / (load * 5 / 4 + 100 * units);
        let minutes = random.usize(3..=minutes.clamp(4, 24 * 60));
        plan.runs = Duration::from_secs(60 * u64::try_from(minutes).unwrap());
        // At most the recommended 50 A for each pack, also with one pack less.
        let shared = count.max(2) - 1;
        let most = (shared * 50 / units / 10).clamp(1, 8);
        let max_charge = random.usize(1..=most) * 10;
        let bulk = random.usize(552..=564);
        let float = random.usize(536..=542);
        let volts = |steps: usize| format!("{}.{}", steps / 10, steps % 10);
        plan.all.extend([
            format!("capacity={}", count * 100),
            format!("soc={soc}"),
            format!("load={load}"),
            format!("bulk={}", volts(bulk)),
            format!("float={}", volts(float)),
            "redischarge=52.0".to_owned(),
            "recharge=48.0".to_owned(),
            format!("cutoff={}", volts(random.usize(478..=480))),
            format!("max-ac-charge={}", random.usize(1..=max_charge / 10) * 10),
            format!("max-charge={max_charge}"),
        ]);
        let packs = (0..count).map(|_| {
            let mut switches = vec![
                format!("resistance={}", random.u8(27..=33)),
                format!("drift={}", random.i8(-3..=3)),
                format!("cycles={}", random.u16(0..2000)),
            ];
            // Three cells that differ at least, so that no two packs look alike.
            switches.extend((1..=16).map(|cell| format!("cell={cell}:{}", random.i8(-5..=5))));
            switches
        });
        Self { packs: packs.collect(), plan, late: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.packs.len()
    }

    /// Runs the bank.
    #[track_caller]
    pub(super) fn run(&self) -> SharedBank {
        let switches = self.plan.each.iter().map(|each| {
            let mut switches = Switches::default();
            self.plan.all.iter().chain(each).for_each(|text| switches.set(text).unwrap());
            switches
        });
        let switches: Vec<_> = switches.collect();
        let mut bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
        bank.switch_pack(0, &format!("packs={}", self.len())).unwrap();
        for (pack, switches) in self.packs.iter().enumerate() {
            for text in switches {
                bank.switch_pack(pack, text).unwrap();
            }
        }
        let bank = SharedBank::virtual_time(bank);
        bank.link(0).pause(self.plan.runs);
        for (pack, text) in &self.late {
            bank.with(|bank| bank.switch_pack(*pack, text)).unwrap();
        }
        bank
    }

    #[track_caller]
    pub(super) fn read(&self) -> BankSnapshot {
        read(&self.run())
    }
}

/// Reads the packs, the units at one moment, and the packs again.
pub(super) fn read(bank: &SharedBank) -> BankSnapshot {
    let start = bank.elapsed();
    let count = bank.with(|bank| bank.packs());
    let mut clients: Vec<_> =
        (0..count).map(|pack| PackClient::new(bank.pack_link(pack), PackAddress::LP4_V2)).collect();
    let mut packs: Vec<_> =
        (0..count).map(|pack| PackSnapshot::new(format!("sim:pack{pack}"))).collect();
    let each = |clients: &mut [PackClient<PackLink>], packs: &mut [PackSnapshot]| {
        for (client, pack) in clients.iter_mut().zip(packs) {
            if pack.label.is_none() {
                pack.label = client.label().ok();
            }
            let live = client.live();
            let at = bank.elapsed().saturating_sub(start);
            pack.take(live.as_ref().map(|live| Reading::new(*live, at)));
        }
    };
    each(&mut clients, &mut packs);
    let at = bank.elapsed().saturating_sub(start);
    let units = bank.with(|bank| {
        let unit = |unit| {
            UnitSnapshot::from_answers(format!("sim:{unit}"), |query| {
                let refused = || Gap::new(Reason::Refused, "");
                bank.peek(unit, query).map(|value| Reading::new(value, at)).ok_or_else(refused)
            })
        };
        (0..bank.units()).map(unit).collect::<Vec<_>>()
    });
    each(&mut clients, &mut packs);
    BankSnapshot::new(units).with_packs(packs)
}
