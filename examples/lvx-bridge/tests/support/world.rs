//! A bridge with its files and its MQTT output, among faults, with everything that checks it.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use lvx_bridge::{
    alert::Alerts,
    config::{AlertConfig, BankConfig, PollConfig},
    mqtt::Outbox,
    poll::Event,
    service::{BankFiles, next_session},
    state::{Core, LinkState},
};
use pi18_proto::{AnyReply, Query};
use pi18_transport::sim::SharedBank;

use super::{
    Routes, State, alarms::Alarms, bank_config, broker::Broker, chaos::Chaos, disk::Disk,
    ledger::Ledger, oracle::Oracle,
};

/// A bridge among faults.
pub(crate) struct World {
    start: Instant,
    bank: BankConfig,
    poll: PollConfig,
    pub(crate) oracle: Oracle,
    pub(crate) chaos: Chaos,
    pub(crate) broker: Broker,
    pub(crate) ledger: Ledger,
    pub(crate) alarms: Alarms,
    disk: Disk,
    /// The last session number that the disk has.
    session: Option<u64>,
    /// Time since which the disk is not full.
    saved_since: Option<Duration>,
    /// What belongs to the present run of the bridge.
    run: Option<(BankFiles, Outbox)>,
    seq: u64,
    random: fastrand::Rng,
    /// Time of the last tick.
    ticked: Duration,
    /// For each unit, the era and the energy at the end of the last calm time, and whether the bridge was not killed
    /// since.
    calm: Vec<Option<(u32, u32)>>,
    pub(crate) calm_times: u64,
    /// Greatest numbers of alerts, findings, and answers of a unit.
    pub(crate) sizes: [usize; 3],
}

impl World {
    pub(crate) fn new(bank: &SharedBank, poll: PollConfig, start: Instant, seed: u64) -> Self {
        let config = bank_config(bank);
        Self {
            start,
            poll,
            oracle: Oracle::new(bank, start),
            chaos: Chaos::new(bank, seed),
            broker: Broker::new(start, seed),
            ledger: Ledger::default(),
            alarms: Alarms::default(),
            disk: Disk::default(),
            session: None,
            saved_since: Some(Duration::ZERO),
            run: None,
            seq: 0,
            random: fastrand::Rng::with_seed(seed),
            ticked: Duration::ZERO,
            calm: vec![None; config.units.len()],
            bank: config,
            calm_times: 0,
            sizes: [0; 3],
        }
    }

    /// Takes an event after the core.
    #[track_caller]
    pub(crate) fn on_event(&mut self, state: &mut State, event: &Event) {
        self.oracle.check_event(event);
        self.look(state, event.at);
    }

    /// Brings about faults, before the core's tick.
    #[track_caller]
    pub(crate) fn on_tick(&mut self, state: &mut State, routes: &Routes, now: Duration) {
        let instant = self.start + now;
        let before = self.powers(now);
        let changes = self.chaos.step(state, routes, now);
        if changes.is_bank_changed {
            self.oracle.record(now, changes.time);
        }
        self.limit(&before, now);
        self.count();
        changes.resets.iter().for_each(|unit| self.ledger.reset(*unit, now));
        let is_full = self.chaos.is_disk_full();
        self.disk.is_full.store(is_full, Ordering::Relaxed);
        match (is_full, self.saved_since) {
            (true, _) => self.saved_since = None,
            (false, None) => self.saved_since = Some(now),
            (false, Some(_)) => {}
        }
        if changes.is_calm_over {
            self.check_calm(state, now);
        }
        if self.run.is_none() || changes.is_killed {
            self.start_bridge(state, instant);
        }
        if let Some((_, outbox)) = &mut self.run {
            self.broker.step(outbox, now, self.chaos.is_calm);
        }
    }

    /// Lets the bridge write its files and publish, after the core's tick. Returns whether to show how far the run is.
    #[track_caller]
    pub(crate) fn after_tick(&mut self, state: &mut State, now: Duration) -> bool {
        let instant = self.start + now;
        let wall = state.now(instant);
        if let Some((files, _)) = &mut self.run {
            files.tick(&mut state.core, &self.disk, wall);
        }
        self.look(state, instant);
        if let Some((_, outbox)) = &self.run {
            self.broker.check_events(&mut self.alarms.expected, outbox, now);
        }
        let before = std::mem::replace(&mut self.ticked, now);
        before.as_secs() / SHOWN_EVERY != now.as_secs() / SHOWN_EVERY
    }

    /// Starts the bridge, after it was killed at any time.
    #[track_caller]
    fn start_bridge(&mut self, state: &mut State, instant: Instant) {
        let now = state.now(instant);
        let [energy, alerts] =
            BankFiles::names(&self.bank.name).map(|name| self.disk.content(&name));
        let last = Core::last_session(&energy);
        let is_first = self.run.is_none();
        let session = next_session(&self.disk, &self.bank.name, last, now.wall).unwrap();
        if let Some(saved) = self.session {
            assert!(session > saved, "session {session} after {saved}");
        }
        self.session = (!self.chaos.is_disk_full()).then_some(session).or(self.session);
        let restored = Alerts::new(
            &AlertConfig::default(),
            Some(&alerts).filter(|it| !it.is_empty()).map(Vec::as_slice),
        );
        let site = "site".parse().unwrap();
        let mut core = Core::new(&site, &self.bank, &self.poll, restored, session, now);
        if !energy.is_empty() {
            core.restore(&energy, now).unwrap();
        }
        let files = BankFiles::new(&self.bank.name, &mut core, energy, alerts, now);
        let snapshot = core.snapshot();
        if is_first {
            state.core = core;
        } else {
            let elapsed = instant - self.start;
            self.alarms.restart(&snapshot, self.saved_since, elapsed);
            self.ledger.see(&snapshot, elapsed);
            self.ledger.restart(self.saved_since, elapsed);
            self.calm.fill(None);
            state.restart(core);
        }
        let outbox = self.broker.outbox(snapshot, instant - self.start);
        self.run = Some((files, outbox));
        self.seq = 0;
    }

    /// Checks the snapshot and what is published of it.
    #[track_caller]
    fn look(&mut self, state: &State, instant: Instant) {
        let Some((_, outbox)) = &mut self.run else { return };
        let (now, snapshot) = (state.now(instant), state.core.snapshot());
        let elapsed = instant - self.start;
        self.oracle.check_snapshot(&snapshot, instant);
        if snapshot.seq != self.seq {
            self.seq = snapshot.seq;
            self.ledger.see(&snapshot, elapsed);
            let is_changed = self.alarms.see(&snapshot, &self.chaos, elapsed);
            if is_changed && !self.chaos.is_calm && self.random.u8(..) < 64 {
                let wait = Duration::from_secs(self.random.u64(3..14));
                self.chaos.kill_at.get_or_insert(elapsed + wait);
            }
            outbox.take_snapshot(Arc::clone(&snapshot), now);
            let held = snapshot.units.iter().map(|unit| unit.held.len()).max();
            let findings = snapshot.findings.as_ref().map_or(0, Vec::len);
            let sizes = [snapshot.alerts.len(), findings, held.unwrap_or_default()];
            for (most, size) in self.sizes.iter_mut().zip(sizes) {
                *most = (*most).max(size);
            }
        }
        self.broker.pump(outbox, now, &snapshot, (&self.oracle, &self.chaos));
    }

    /// Checks that everything is right again at the end of a calm time.
    #[track_caller]
    fn check_calm(&mut self, state: &State, now: Duration) {
        let snapshot = state.core.snapshot();
        let instant = self.start + now;
        let raised: Vec<_> = snapshot.alerts.iter().filter(|alert| alert.is_raised()).collect();
        assert!(raised.is_empty(), "{now:?}: alerts in a calm time: {raised:#?}");
        for (unit, view) in snapshot.units.iter().enumerate() {
            assert_eq!(view.link.state, LinkState::Up, "unit {unit} at {now:?}");
            for mnemonic in ["GS", "MOD", "FWS", "ET", "PIRI"] {
                assert!(view.fresh(mnemonic, instant).is_some(), "unit {unit}: {mnemonic}");
            }
            let Some(AnyReply::TotalEnergy(total)) = self.oracle.present(unit, Query::TotalEnergy)
            else {
                panic!("unit {unit} has a counter");
            };
            assert_eq!(view.energy.pv_total, Some(total.energy.0.into()), "unit {unit}");
            // A counter that was cleared and is lower now has started an era.
            let era = view.energy.era;
            if let Some((era_before, total_before)) = self.calm[unit]
                && total.energy.0 < total_before
            {
                assert!(era > era_before, "unit {unit}: {total_before} Wh, then {total:?}");
            }
            self.calm[unit] = Some((era, total.energy.0));
            assert_eq!(era, self.ledger.era(unit));
            let availability = format!("unit/unit-{unit}/availability");
            assert_eq!(self.broker.retained[&availability]["state"], "online", "{availability}");
            let published = &self.broker.state.as_ref().unwrap()["units"][view.name.as_str()];
            assert!(published["battery_voltage"].is_number(), "{published}");
        }
        let alerts = &self.broker.retained["findings"]["alerts"];
        assert_eq!(alerts.as_array().map(Vec::len), Some(0), "{alerts}");
        self.calm_times += 1;
    }

    fn count(&mut self) {
        for unit in 0..self.calm.len() {
            let total = self.oracle.present(unit, Query::TotalEnergy);
            if let Some(AnyReply::TotalEnergy(total)) = total {
                self.ledger.count(unit, total.energy.0.into());
            }
        }
    }

    fn powers(&self, now: Duration) -> Vec<[f64; 2]> {
        let from = now.saturating_sub(MAX_GAP);
        (0..self.calm.len()).map(|unit| self.oracle.battery_powers(unit, from)).collect()
    }

    /// Adds what the batteries can have been charged and discharged with since the last tick: by the greatest power
    /// between two readings, of which the later one may be after a change.
    fn limit(&mut self, before: &[[f64; 2]], now: Duration) {
        let time = now.saturating_sub(self.ticked).as_secs_f64();
        for (unit, (before, after)) in before.iter().zip(self.powers(now)).enumerate() {
            let limits = self.ledger.limits.entry(unit).or_default();
            for ((limit, before), after) in limits.iter_mut().zip(before).zip(after) {
                *limit += after * time + (after - before).max(0.0) * MAX_GAP.as_secs_f64();
            }
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oracle, chaos, broker, ledger, alarms, .. } = self;
        writeln!(
            f,
            "{} answers compared, none wrong; faults {:?}, {} losses of the broker, {} calm times",
            oracle.compared, chaos.counts, broker.losses, self.calm_times
        )?;
        writeln!(
            f,
            "{} messages, {} published values compared, measurements at most {:?} old; at most \
             {:?} messages queued, in flight, and retained",
            broker.messages, broker.compared, broker.age, broker.sizes
        )?;
        write!(
            f,
            "{} energies compared, {} eras; alerts raised: {:?}; at most {:?} alerts, findings, and answers",
            ledger.compared, ledger.eras, alarms.counts, self.sizes
        )
    }
}

/// Time after which a long run shows how far it is, in seconds.
const SHOWN_EVERY: u64 = 100 * 3600;

/// Longest time between two readings of the battery power of which the energy is counted, and of one reading.
const MAX_GAP: Duration = Duration::from_secs(20);
