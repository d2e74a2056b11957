//! Plans of healthy banks.
//!
//! A plan avoids what a rule reports with good reason, by its own numbers: a battery that is nearly empty, an
//! overload, a charge current that the battery does not bear, settings that contradict each other.

use std::time::Duration;

use fastrand::Rng;

use super::Plan;

/// What the rest of a plan depends on.
struct Size {
    units: usize,
    /// Rated battery voltage divided by 24 V.
    rated: u16,
    /// Capacity of the battery, Ah.
    capacity: usize,
    /// State of charge at the start, %.
    soc: usize,
    /// Power of the house, W.
    load: usize,
}

impl Plan {
    /// Returns a healthy bank.
    pub(crate) fn healthy(random: &mut Rng) -> Self {
        let units = random.usize(1..=9);
        let rated = if random.u8(0..8) == 0 { 1 } else { 2 };
        let capacity = random.usize(100..=600) * units;
        // At most 70 % of the rated power, and 0.4 C of a battery of at least 48 V.
        let largest = (units * if rated == 2 { 4200 } else { 1680 }).min(capacity * 48 * 4 / 10);
        let load = random.usize(0..=largest);
        let size = Size { units, rated, capacity, soc: random.usize(15..=100), load };
        let mut plan = Self { runs: runs(&size, random), ..Self::default() };
        plan.all.extend([
            format!("rated={}", 24 * rated),
            format!("capacity={capacity}"),
            format!("soc={}", size.soc),
            format!("load={load}"),
            format!("seed={}", random.u16(..)),
            format!("edition={}", if random.u8(0..5) == 0 { 2017 } else { 2022 }),
            format!("flags={}", random.u8(9..=10)),
            format!("clock={}", start(plan.runs, random)),
        ]);
        plan.all.extend(surroundings(random));
        plan.all.extend(settings(&size, random));
        plan.each = each(&size, random);
        plan
    }
}

/// Returns how long the bank runs: three minutes to a day, but not until the battery is low.
fn runs(size: &Size, random: &mut Rng) -> Duration {
    // Largest power out of the battery without sun and grid, in W: the load with losses, and the own use.
    let power = size.load * 5 / 4 + 100 * size.units;
    // Minutes until the state of charge is 25 %.
    let most = size.soc.saturating_sub(25) * size.capacity * 48 * 60 / 100 / power;
    let most = most.clamp(3, 24 * 60);
    // As many short runs as long ones.
    let most = if random.bool() { most } else { most.min(60) };
    Duration::from_secs(60 * u64::try_from(random.usize(3..=most)).unwrap())
}

/// Returns the time of the start, so that the bank is read at any time of day, often at dawn or dusk.
fn start(runs: Duration, random: &mut Rng) -> String {
    let hour = match random.u8(0..8) {
        0 => random.u64(5..=8),
        1 => random.u64(17..=21),
        _ => random.u64(0..24),
    };
    let ran = runs.as_secs() / 60;
    let minute = 24 * 60 + hour * 60 + random.u64(0..60) - ran;
    let day = random.u64(1..=26) + minute / (24 * 60);
    let (hour, minute) = (minute / 60 % 24, minute % 60);
    format!("2026-{:02}-{day:02}T{hour:02}:{minute:02}:00", random.u8(1..=12))
}

/// Returns the weather and the grid.
fn surroundings(random: &mut Rng) -> Vec<String> {
    let grid = ["on", "on", "on", "on", "on", "on", "off", "off", "generator", "generator"];
    vec![
        format!("sun={}", random.u8(0..=100)),
        format!("gusts={}", random.u8(0..=60)),
        format!("grid={}", grid[random.usize(0..grid.len())]),
        format!("ambient={}", random.u8(3..=40)),
        format!("power-factor=0.{}", random.u8(80..=99)),
    ]
}

/// Returns the settings that all units have.
fn settings(size: &Size, random: &mut Rng) -> Vec<String> {
    // In steps of 0.1 V of a unit with 24 V, as far as such units accept them.
    let volts = |steps: u16| {
        let steps = steps * size.rated;
        format!("{}.{}", steps / 10, steps % 10)
    };
    let bulk = random.u16(276..=288);
    let float = random.u16(268..=bulk.min(276));
    let recharge = random.u16(44..=48) * 5;
    // The units accept 0.5 V steps at 24 V, and whole volts at 48 V.
    let redischarge = random.u16(52..=float / 5) * 5;
    let cutoff = random.u16(210..=recharge.min(240));
    // At most 0.5 C.
    let most = (size.capacity / size.units / 2 / 10).clamp(1, 8);
    let max_charge = random.usize(1..=most) * 10;
    vec![
        format!("bulk={}", volts(bulk)),
        format!("float={}", volts(float)),
        format!("cutoff={}", volts(cutoff)),
        format!("recharge={}", volts(recharge)),
        format!("redischarge={}", volts(redischarge)),
        format!("max-charge={max_charge}"),
        format!("max-ac-charge={}", random.usize(1..=max_charge / 10) * 10),
        format!("output-priority={}", random.u8(0..=1)),
        format!("charger-priority={}", random.u8(0..=2)),
        format!("solar-priority={}", random.u8(0..=1)),
        format!("machine-type={}", random.u8(0..=1)),
    ]
}

/// Returns the switches of each unit, the output mode first.
fn each(size: &Size, random: &mut Rng) -> Vec<Vec<String>> {
    let phases = random.u8(0..6);
    // Units of one model have about the same efficiency and own use.
    let (efficiency, own_use) = (random.u8(91..=95), random.u8(35..=75));
    // An estimate of 10 % or less is worth a warning.
    let least_error = if size.soc < 20 { 0 } else { -4 };
    let each = (0..size.units).map(|unit| {
        let mode = match (phases, size.units) {
            (0, 3..) => 2 + unit % 3,
            (1, 2..) => 5 + unit % 2,
            (_, 1) => 0,
            _ => 1,
        };
        let mut switches = vec![
            format!("output-mode={mode}"),
            format!("slave={}", if random.bool() { "06126" } else { "06021" }),
            format!("share={}", f64::from(random.u8(95..=105)) / 100.0),
            format!("cable={}", random.u8(1..=2)),
            format!("standby-use={}", random.u8(own_use - 5..=own_use + 5)),
            format!("efficiency={}", random.u8(efficiency - 1..=efficiency + 1)),
            format!("soc-error={}", random.i8(least_error..=4)),
            format!("clock-offset={}s", random.i8(-48..=48)),
            format!("clock-drift={}", random.i8(-3..=3)),
            format!("output-offset={}", f64::from(random.i8(-15..=15)) / 10.0),
        ];
        // A roof with a chimney.
        if random.u8(0..4) == 0 {
            switches.push(format!("shade{}={}", random.u8(1..=2), random.u8(0..=60)));
        }
        switches
    });
    each.collect()
}
