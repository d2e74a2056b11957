//! A long time of four virtual units, in virtual time: how large the file is, and how long plots take.
//!
//! `LVX_HISTORY_DAYS` sets the length of the run in days. The last 30 days are read every five seconds and written every
//! minute; before, readings are not kept, so units are read every minute and written every hour, which gives as many rows
//! of statistics.

use std::{fs, time::Instant};

use pi18_transport::sim::{Bank, BankConfig};

use super::*;

/// Runs four virtual units, which are read every five seconds, and writes once a minute.
struct Run {
    units: Bank,
    bank: Snapshot,
    start: Now,
    recorder: Recorder,
}

impl Run {
    fn new() -> Self {
        let units = Bank::new(BankConfig { units: 4, switches: Vec::new() }).unwrap();
        let Some(AnyReply::Clock(clock)) = units.peek(0, Question::Clock) else {
            panic!("no clock")
        };
        let (date, time) = (clock.time.date(), clock.time);
        let text = format!("{date}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second());
        let start = Now { wall: text.parse().unwrap(), ..Now::system() };
        let mut bank = testing::bank(start);
        bank.units.clear();
        for number in 0..4_u32 {
            let mut unit = testing::unit("unit-1", "sim:0", start);
            unit.name = format!("unit-{}", number + 1).parse().unwrap();
            unit.serial = pi18_proto::SerialNumber::new(&format!("9613220610041{number}")).unwrap();
            unit.held.truncate(1);
            bank.units.push(Arc::new(unit));
        }
        Self { units, bank, start, recorder: Recorder::new(&PollConfig::default()) }
    }

    fn now(&self, second: u64) -> Now {
        let passed = Duration::from_secs(second);
        Now { instant: self.start.instant + passed, wall: self.start.wall + passed }
    }

    /// Reads all units.
    fn read(&mut self, second: u64) {
        self.units.advance(Duration::from_secs(second));
        let now = self.now(second);
        let day = now.wall.to_zoned(TimeZone::UTC).date();
        let [year, month, day] = [i32::from(day.year()), day.month().into(), day.day().into()];
        let date = pi18_proto::Date::new(
            year.try_into().unwrap(),
            month.try_into().unwrap(),
            day.try_into().unwrap(),
        );
        let mut totals = Totals { fresh_units: 4, ..Totals::default() };
        for (number, unit) in self.bank.units.iter_mut().enumerate() {
            let unit = Arc::make_mut(unit);
            let reply = self.units.peek(number, Question::GeneralStatus).unwrap();
            if let AnyReply::GeneralStatus(status) = &reply {
                let add = |sum: &mut Option<i64>, value: i64| *sum = Some(sum.unwrap_or(0) + value);
                let solar = i64::from(status.pv1_power.0) + i64::from(status.pv2_power.0);
                let current =
                    i64::from(status.charge_current.0) - i64::from(status.discharge_current.0);
                let voltage = i64::from(status.battery_voltage.0);
                add(&mut totals.pv_power, solar);
                add(&mut totals.load_power, status.active_power.0.into());
                add(&mut totals.apparent_power, status.apparent_power.0.into());
                add(&mut totals.battery_power, voltage * current / 10);
                add(&mut totals.battery_current, current);
                totals.battery_voltage = Some(voltage);
                totals.battery_voltage_spread = Some(0);
                totals.state_of_charge = Some(status.battery_capacity.0.into());
            }
            unit.held[0].reply = Some((reply, now.instant));
            if second.is_multiple_of(120) {
                let query = Question::DayEnergy(date.unwrap());
                let reply = self.units.peek(number, query).unwrap();
                if let AnyReply::DayEnergy(energy) = &reply {
                    unit.energy.pv_today = Some(energy.energy.0.into());
                }
                let max_age = Duration::from_mins(6);
                unit.held.truncate(1);
                unit.held.push(Held {
                    query,
                    reply: Some((reply, now.instant)),
                    failure: None,
                    max_age,
                });
            }
        }
        self.bank.now = now;
        self.bank.judged_at = Some(now.instant);
        self.bank.totals = totals;
        self.recorder.observe(&self.bank, now);
    }
}

/// Returns the CPU time of this thread, which does not depend on what else this computer does.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap()
}

/// Returns the memory of this process in MB: now, and the most so far.
fn memory() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    })
}

#[test]
fn long_time_fits_and_is_plotted() {
    let days = std::env::var("LVX_HISTORY_DAYS").ok().and_then(|days| days.parse::<u64>().ok());
    let seconds = days.map_or(600, |days| days * 86_400);
    let bench = match std::env::var("LVX_HISTORY_KEEP") {
        // To look at the file with other programs.
        Ok(folder) => {
            let bench = Bench::new();
            Bench { path: PathBuf::from(folder).join(FILE), ..bench }
        }
        Err(_) => Bench::new(),
    };
    let mut store = bench.store();
    let mut run = Run::new();
    let day = Duration::from_hours(24);
    let retention = Retention { raw: 30 * day, keep: 3650 * day };
    let (begun, mut commits) = (Instant::now(), Duration::ZERO);
    // The disk is not waited for: how long that takes depends on the disk.
    store.connection().pragma_update(None, "synchronous", "off").unwrap();
    let (mut second, mut count) = (0, 0);
    while second < seconds {
        let is_kept = seconds - second <= 30 * 86_400;
        let (period, commit) = if is_kept { (5, 60) } else { (60, 3600) };
        run.read(second);
        if second % commit == commit - period {
            let now = run.now(second);
            let batch = run.recorder.take(now, &TimeZone::UTC);
            let start = Instant::now();
            store.commit(&batch).unwrap();
            // As often as with a commit a minute, or at least enough.
            for _ in 0..=commit / 300 {
                store.commit_and_prune(&Batch::default(), retention, now.wall).unwrap();
            }
            (commits, count) = (commits + start.elapsed(), count + 1);
        }
        if second % (10 * 86_400) == 0 {
            let (day, size) = (second / 86_400, Store::size(&bench.path) >> 20);
            eprintln!("day {day}: {:?}, {size} MB", begun.elapsed());
        }
        second += period;
    }
    eprintln!("{count} commits took {commits:?}; {} bytes", Store::size(&bench.path));
    drop(store);
    let end = run.now(seconds).wall;
    let series = "pv_power,load_power,battery_power,state_of_charge";
    let unit = "unit-1.battery_voltage,unit-2.battery_voltage,unit-3.battery_voltage,unit-4.battery_voltage";
    for (series, from) in [
        (series, "-1d"),
        (series, "-30d"),
        (series, "-365d"),
        (unit, "-1d"),
        (unit, "-30d"),
        (unit, "-365d"),
    ] {
        let [before, _] = memory();
        let start = computed();
        let query =
            Query::parse([("series", series), ("from", from)], end, &TimeZone::UTC).unwrap();
        let answer =
            Reader::open(&bench.path).unwrap().answer("garage", &query, &TimeZone::UTC).unwrap();
        let took = computed().saturating_sub(start);
        let json = serde_json::to_string(&answer).unwrap();
        let [after, most] = memory();
        eprintln!(
            "{from} {series:.8}…: step {}, {} points, {took:?} of CPU time; {} kB of JSON; memory {before}, {after}, most {most} MB",
            answer.step,
            answer.t.len(),
            json.len() / 1000
        );
        assert!(i64::try_from(answer.t.len()).unwrap() <= MAX_POINTS + 1);
        assert!(answer.series.iter().all(|column| column.count.iter().any(|count| *count > 0)));
    }
    let from = if days.is_some() { "-3d" } else { "-1d" };
    let query = [("series", "pv_power,pv_energy_today"), ("from", from), ("step", "day")];
    let query = Query::parse(query, end, &TimeZone::UTC).unwrap();
    let answer =
        Reader::open(&bench.path).unwrap().answer("garage", &query, &TimeZone::UTC).unwrap();
    eprintln!("{}", answer.csv(&TimeZone::UTC));
}
