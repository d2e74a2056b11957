//! The machine of a pack in virtual time.

use lvx_parallel::{
    Gap,
    pack::{Family, Registers},
};

use super::*;

/// A machine, and a clock that moves only when a test moves it.
struct Site {
    machine: PackMachine,
    start: Instant,
    now: Instant,
}

impl Site {
    /// Returns a machine whose port was just opened.
    fn open() -> Self {
        let start = Instant::now();
        let machine = PackMachine::new(&PollConfig::default(), start, start, 1);
        let mut site = Self { machine, start, now: start };
        assert_eq!(site.step(), PackStep::Open);
        assert_eq!(site.machine.opened(Ok(()), start), PackEventKind::Opened);
        site
    }

    /// Returns a machine whose pack was labelled and measured.
    fn answering() -> Self {
        let mut site = Self::open();
        assert_eq!(site.step(), PackStep::Label);
        assert!(site.machine.labelled(Ok(Label::default()), site.now).is_some());
        assert!(matches!(site.measure(Ok(live())), Some(PackEventKind::Measured { .. })));
        site
    }

    fn step(&self) -> PackStep {
        self.machine.next(self.now)
    }

    /// Lets time pass until the machine does something, and returns it and the time since the start.
    fn advance(&mut self) -> (PackStep, f64) {
        if let PackStep::Wait(until) = self.step() {
            self.now = until;
        }
        (self.step(), (self.now - self.start).as_secs_f64())
    }

    /// Answers the question for the measurements after the time that it takes.
    fn measure(&mut self, result: Result<Live, PackGap>) -> Option<PackEventKind> {
        assert_eq!(self.step(), PackStep::Measure);
        let asked = self.now;
        self.now += Duration::from_millis(if result.is_ok() { 200 } else { 1500 });
        self.machine.measured(result, asked, self.now)
    }

    /// Answers nothing until the pack counts as lost or the machine waits.
    fn fail(&mut self) -> Option<PackEventKind> {
        loop {
            match self.advance().0 {
                PackStep::Label => {
                    self.now += Duration::from_millis(1500);
                    assert_eq!(self.machine.labelled(Err(gap(Reason::Silent)), self.now), None);
                }
                PackStep::Measure => return self.measure(Err(gap(Reason::Silent))),
                step => panic!("{step:?}"),
            }
        }
    }
}

fn live() -> Live {
    let mut words = vec![0; 39];
    (words[0], words[2]) = (5376, 3360);
    Live::from_registers(&Registers::new(0, words), &Family::LP4_V2.scales).unwrap()
}

fn gap(reason: Reason) -> PackGap {
    PackGap { gap: Gap::new(reason, "for the test"), is_aggregate: false }
}

#[test]
fn pack_is_labelled_once_and_measured_at_multiples_of_its_period() {
    let mut site = Site::answering();
    let mut times = Vec::new();
    for _ in 0..4 {
        let (step, at) = site.advance();
        assert_eq!(step, PackStep::Measure);
        times.push(at);
        site.measure(Ok(live()));
    }
    assert_eq!(times, [10.0, 20.0, 30.0, 40.0]);
}

#[test]
fn slow_adapter_is_asked_for_40_seconds_before_the_pack_is_lost() {
    let mut site = Site::open();
    while site.now < site.start + Duration::from_secs(40) {
        let event = site.fail();
        if site.now < site.start + Duration::from_secs(40) {
            assert_eq!(event, None, "after {:?}", site.now - site.start);
        }
    }
    // The port stayed open all the time: `fail` accepts no other step.
    let mut site = Site::open();
    while site.now < site.start + Duration::from_secs(38) {
        site.fail();
    }
    site.advance();
    assert!(matches!(site.measure(Ok(live())), Some(PackEventKind::Measured { .. })));
}

#[test]
fn silent_pack_is_asked_again_at_once_then_less_and_less_often_at_an_open_port() {
    let mut site = Site::answering();
    let asked = site.advance().1;
    assert!(matches!(site.measure(Err(gap(Reason::Silent))), Some(PackEventKind::Missed(_))));
    assert_eq!(site.advance(), (PackStep::Measure, asked + 2.5));
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let Some(PackEventKind::Lost { retry_in, .. }) = site.fail() else { panic!("not lost") };
        pauses.push(retry_in.as_secs());
        // Another pack may be there now.
        assert_eq!(site.advance().0, PackStep::Label);
    }
    assert!(pauses.is_sorted() && pauses[0] <= 10 && pauses[5] >= 50, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 66), "{pauses:?}");
    // It is back.
    site.machine.labelled(Ok(Label::default()), site.now);
    assert!(matches!(site.measure(Ok(live())), Some(PackEventKind::Measured { .. })));
    let next = site.advance().1;
    assert!(next.rem_euclid(10.0) < f64::EPSILON, "{next}");
}

#[test]
fn port_that_is_gone_is_opened_again_with_longer_and_longer_pauses() {
    let mut site = Site::answering();
    site.advance();
    let mut event = site.measure(Err(gap(Reason::Gone)));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let Some(PackEventKind::Lost { retry_in, .. }) = event else { panic!("{event:?}") };
        pauses.push(retry_in.as_secs_f64());
        assert_eq!(site.advance().0, PackStep::Open);
        event = Some(site.machine.opened(Err(gap(Reason::Gone)), site.now));
    }
    assert!(pauses[0] <= 1.0 && pauses[7] > 40.0 && pauses[7] <= 60.0, "{pauses:?}");
    site.machine.hotplug(site.now);
    let before = site.now;
    assert_eq!(site.advance().0, PackStep::Open);
    assert_eq!(site.now - before, HOTPLUG_DELAY);
    // The label is read after each reconnect.
    site.machine.opened(Ok(()), site.now);
    assert_eq!(site.step(), PackStep::Label);
}

#[test]
fn pack_without_a_readable_label_is_measured_and_asked_for_it_less_and_less_often() {
    let mut site = Site::open();
    let mut asked = 0;
    while site.now < site.start + Duration::from_hours(2) {
        match site.advance().0 {
            PackStep::Label => {
                asked += 1;
                assert_eq!(site.machine.labelled(Err(gap(Reason::Refused)), site.now), None);
            }
            PackStep::Measure => _ = site.measure(Ok(live())),
            step => panic!("{step:?}"),
        }
    }
    assert!((8..=11).contains(&asked), "{asked}");
}

#[test]
fn suspend_lets_label_and_measurements_be_read_at_once() {
    let mut site = Site::answering();
    assert!(matches!(site.step(), PackStep::Wait(_)));
    site.machine.resumed(site.now);
    assert_eq!(site.step(), PackStep::Label);
    site.machine.labelled(Ok(Label::default()), site.now);
    assert_eq!(site.step(), PackStep::Measure);
}
