//! Devices that are exact to the byte: whatever comes in whichever reports, a value that is read is
//! the right one.
//!
//! They tell of each day the energy that is its date, so that no answer can be taken for another.
//! What no host can find out is left out: a unit that answers a question with the reply to another
//! of the same shape, and not late.

use std::{
    collections::VecDeque,
    fs::File,
    io::Read,
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pi18_proto::{
    Defaults, FirmwareVersions, Flags, FrameKind, FrameReader, GeneralStatus, Identity, Mode,
    Query, Received, Reply, checksum,
};
use pi18_transport::{Client, ClientConfig, Error, Hidraw};

use crate::plug::{Occupant, Sending, Socket, Way};

both_ways! {
    a_reply_may_begin_anywhere_in_a_report
    a_report_filled_up_too_early_never_makes_a_wrong_value
    a_reply_may_come_in_parts
    a_checksum_byte_of_zero_may_begin_a_report
    a_report_may_hold_the_end_of_a_frame_and_the_next_one
    an_old_reply_in_the_queue_is_no_answer
    a_late_reply_is_no_answer_to_the_next_question
    more_reports_than_the_kernel_keeps_are_in_nobodys_way
}

fn a_reply_may_begin_anywhere_in_a_report(way: Way) {
    // What comes before a reply, and whether it does so once only.
    let before = Arc::new(Mutex::new((Vec::new(), false)));
    let put = Arc::clone(&before);
    let mut device = Device::plug(way, move |_, reply, line| {
        let mut before = put.lock().unwrap();
        line.send(&[&*before.0, reply].concat());
        if before.1 {
            before.0.clear();
        }
    });
    let old = frame("20200101");
    for offset in 0..8 {
        *before.lock().unwrap() = (vec![0; offset], false);
        let asked = device.asked();
        device.read().unwrap();
        assert_eq!(device.asked(), asked + 1, "{offset} zeros before it");
        // The end of an old frame, or a piece of one: asked again, it is answered.
        for left in [&old[old.len() - offset..], &old[5..5 + offset]] {
            *before.lock().unwrap() = (left.to_vec(), true);
            device.read().unwrap();
        }
    }
    // It is there each time.
    *before.lock().unwrap() = (old[old.len() - 5..].to_vec(), false);
    device.read_or_fail();
}

fn a_report_filled_up_too_early_never_makes_a_wrong_value(way: Way) {
    let place = Arc::new(AtomicUsize::new(0));
    let cut = Arc::clone(&place);
    let mut device = Device::plug(way, move |_, reply, line| {
        let (first, rest) = reply.split_at(cut.swap(0, Ordering::Relaxed));
        line.send(first);
        line.send(rest);
    });
    for at in 1..frame("20260101").len() {
        place.store(at, Ordering::Relaxed);
        device.read().unwrap();
    }
}

fn a_reply_may_come_in_parts(way: Way) {
    // After which report it pauses, and how long.
    let pause = Arc::new(Mutex::new((0, Duration::ZERO)));
    let paused = Arc::clone(&pause);
    let mut device = Device::plug(way, move |_, reply, line| {
        let (reports, time) = std::mem::take(&mut *paused.lock().unwrap());
        let (first, rest) = reply.split_at(reports * 8);
        line.send(first);
        line.pause(time);
        line.send(rest);
    });
    let status = frame(GeneralStatus::SAMPLE);
    for report in 0..=status.len() / 8 {
        *pause.lock().unwrap() = (report, Duration::from_millis(30));
        let asked = device.asked();
        assert_eq!(device.ask("GS").unwrap(), status);
        assert_eq!(device.asked(), asked + 1, "a pause after report {report}");
    }
    for report in 0..2 {
        // Longer than the client waits: it asks again.
        device.configure(3, TIMEOUT);
        *pause.lock().unwrap() = (report, TIMEOUT * 3 / 2);
        device.read_or_fail();
        device.configure(3, PATIENT);
        device.read().unwrap();
    }
}

fn a_checksum_byte_of_zero_may_begin_a_report(way: Way) {
    let zeros = Arc::new(AtomicUsize::new(0));
    let said = Arc::new(Mutex::new(String::new()));
    let (before, say) = (Arc::clone(&zeros), Arc::clone(&said));
    let mut device = Device::plug(way, move |request, reply, line| {
        let zeros = vec![0; before.load(Ordering::Relaxed)];
        let said = frame(&say.lock().unwrap());
        line.send(&[&*zeros, if request.starts_with("ED") { reply } else { &said }].concat());
    });
    // Ten flags: the first checksum byte is the first of the fourth report.
    let flags = (0..1 << 10).map(|bits: u16| {
        let flags: Vec<_> = (0..10).map(|flag| (bits >> flag & 1).to_string()).collect();
        flags.join(",")
    });
    let mut tried = 0;
    for flags in flags {
        let wanted = frame(&flags);
        if wanted[24] == 0 {
            *said.lock().unwrap() = flags;
            assert_eq!(device.ask("FLAG").unwrap(), wanted);
            tried += 1;
        }
    }
    // Either checksum byte, put there by zeros before the frame.
    for byte in 0..2 {
        let powers = (0..10_000).map(|power| {
            let (before, after) = GeneralStatus::SAMPLE.split_once(",0255,").unwrap();
            format!("{before},{power:04},{after}")
        });
        for status in powers.filter(|status| frame(status)[108 + byte] == 0).take(5) {
            zeros.store(4 - byte, Ordering::Relaxed);
            let wanted = frame(&status);
            *said.lock().unwrap() = status;
            assert_eq!(device.ask("GS").unwrap(), wanted);
            tried += 1;
        }
    }
    // And on the way there: a question's second checksum byte is the first of its third report.
    for day in ["20260207", "20261230"] {
        let query: Query = format!("ED{day}").parse().unwrap();
        assert_eq!(query.to_frame(pi18_proto::Dialect::Checksum)[16], 0);
        assert_eq!(device.ask(&format!("ED{day}")).unwrap(), frame(day));
    }
    assert!(tried >= 10, "{tried}");
}

fn a_report_may_hold_the_end_of_a_frame_and_the_next_one(way: Way) {
    type Put = fn(&[u8]) -> Vec<u8>;
    let around = Arc::new(Mutex::new(None::<Put>));
    let put = Arc::clone(&around);
    let mut device = Device::plug(way, move |_, reply, line| {
        let put = put.lock().unwrap().take();
        line.send(&put.map_or_else(|| reply.to_vec(), |put| put(reply)));
    });
    let puts: [Put; 5] = [
        // Twice the same is one answer.
        |reply| [reply, reply].concat(),
        |reply| [&*frame("05"), reply].concat(),
        |reply| [&*frame(Identity::SAMPLE), reply].concat(),
        |reply| [&[0; 3], reply, &frame("20200101")].concat(),
        |reply| [reply, &frame("18"), &frame("05")].concat(),
    ];
    for put in puts {
        *around.lock().unwrap() = Some(put);
        device.read().unwrap();
        device.read().unwrap();
    }
    // A refusal and an answer in one contradict each other, unless the first was enough.
    *around.lock().unwrap() = Some(|reply| [pi18_proto::REFUSED, reply].concat());
    device.read_or_fail();
    device.read().unwrap();
}

fn an_old_reply_in_the_queue_is_no_answer(way: Way) {
    let mut device = Device::plug(way, |_, reply, line| {
        line.send(reply);
        line.pause(Duration::from_millis(10));
        line.send(&frame("20200101"));
    });
    for _ in 0..5 {
        device.read().unwrap();
        thread::sleep(Duration::from_millis(60));
    }
    drop(device);
    // Right behind the reply: it comes with it, or while the next question is got ready.
    let mut device = Device::plug(way, |_, reply, line| {
        line.send(&[reply, &frame("20200101")].concat());
    });
    for _ in 0..6 {
        device.read_or_fail();
    }
}

fn a_late_reply_is_no_answer_to_the_next_question(way: Way) {
    let delay = Arc::new(Mutex::new(Duration::ZERO));
    let delayed = Arc::clone(&delay);
    let mut device = Device::plug(way, move |_, reply, line| {
        line.pause(std::mem::take(&mut *delayed.lock().unwrap()));
        line.send(reply);
    });
    device.read().unwrap();
    for (tries, later) in [(1, 5), (1, 9), (3, 9)] {
        device.configure(tries, TIMEOUT);
        *delay.lock().unwrap() = TIMEOUT * later / 4;
        let in_time = device.read_or_fail();
        assert!(tries > 1 || !in_time, "it was late");
        // At once, while the reply to the question before is still on its way.
        device.read_or_fail();
        device.configure(3, PATIENT);
        device.read().unwrap();
    }
}

fn more_reports_than_the_kernel_keeps_are_in_nobodys_way(way: Way) {
    let mut random = fastrand::Rng::with_seed(70);
    let noise: Vec<u8> = (0..560).map(|_| random.u8(..)).collect();
    let old: Vec<u8> = (0..35).flat_map(|day| frame(&format!("{}", 20_200_101 + day))).collect();
    let torn = b"^D011202".repeat(70);
    let junk = Arc::new(Mutex::new(Vec::new()));
    let put = Arc::clone(&junk);
    let mut device = Device::plug(way, move |request, reply, line| {
        line.send(reply);
        if request == "MOD" {
            // In two parts: a device has a place for 64.
            let junk = put.lock().unwrap();
            let (first, rest) = junk.split_at(40 * 8);
            line.send(first);
            line.pause(Duration::from_millis(60));
            line.send(rest);
        }
    });
    for kind in [noise, old, torn, vec![0; 560]] {
        assert_eq!(kind.len(), 70 * 8);
        *junk.lock().unwrap() = kind;
        device.read().unwrap();
        // A second one who has it open gets the same: so many were kept.
        let mut other = device.open_too();
        assert_eq!(device.ask("MOD").unwrap(), frame(Mode::SAMPLE));
        thread::sleep(Duration::from_millis(250));
        device.read().unwrap();
        device.read().unwrap();
        let mut kept = 0;
        while other.read(&mut [0; 8]).is_ok() {
            kept += 1;
        }
        assert_eq!(kept, 63);
    }
}

/// A device of its own kind, a client of it, and what the client has to come through with.
struct Device {
    client: Option<Client<Hidraw>>,
    asked: Arc<AtomicUsize>,
    day: u32,
    _socket: Socket,
}

impl Device {
    /// `answer` is told a request, what a unit would reply, and where to send what it makes of it;
    /// the queries by which a client finds its place are answered in good order.
    fn plug(way: Way, mut answer: impl FnMut(&str, &[u8], &mut Line) + Send + 'static) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let mut line = Line { reports: VecDeque::new(), due: Instant::now() };
        let mut reader = FrameReader::new();
        let act = move |mut report: &[u8], send: Sending<'_>| {
            // A host that gave up leaves half a request behind.
            while let Some(received) = reader.next(&mut report) {
                let Received::Frame { frame: request, .. } = received else { continue };
                assert_eq!(request.kind(), FrameKind::Query);
                let reply = match std::str::from_utf8(request.data()).unwrap() {
                    "PI" => "18",
                    "ID" => Identity::SAMPLE,
                    "VFW" => FirmwareVersions::SAMPLE,
                    "DI" => Defaults::SAMPLE,
                    request => {
                        counted.fetch_add(1, Ordering::Relaxed);
                        let reply = match request {
                            "MOD" => Mode::SAMPLE,
                            "GS" => GeneralStatus::SAMPLE,
                            "FLAG" => Flags::SAMPLE,
                            day => day.strip_prefix("ED").unwrap(),
                        };
                        answer(request, &frame(reply), &mut line);
                        continue;
                    }
                };
                line.send(&frame(reply));
            }
            line.send_due(send);
        };
        let mut socket = Socket::new(way, 0, Occupant::Acting(Arc::new(Mutex::new(act))));
        socket.plug();
        let node = Hidraw::open(&socket.node()).unwrap();
        let client = Some(Client::with_config(node, config(3, PATIENT)));
        Self { client, asked, day: 0, _socket: socket }
    }

    fn configure(&mut self, tries: u32, timeout: Duration) {
        let client = self.client.take().unwrap();
        self.client = Some(Client::with_config(client.into_link(), config(tries, timeout)));
    }

    /// How often it was asked for more than its place.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The node, a second time, without waiting for reports.
    fn open_too(&self) -> File {
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let path = self.client.as_ref().unwrap().link().path();
        File::options().read(true).custom_flags(nonblocking).open(path).unwrap()
    }

    /// The whole reply.
    fn ask(&mut self, query: &str) -> Result<Vec<u8>, Error> {
        let reading = self.client.as_mut().unwrap().query(query.parse().unwrap())?;
        Ok(reading.frame)
    }

    /// Reads another day's energy.
    #[track_caller]
    fn read(&mut self) -> Result<(), Error> {
        self.day += 1;
        let day = format!("2026{:02}{:02}", self.day / 28 % 12 + 1, self.day % 28 + 1);
        let reply = self.ask(&format!("ED{day}"))?;
        assert_eq!(reply, frame(&day), "{}", reply.escape_ascii());
        Ok(())
    }

    /// The same; whether there was a value at all.
    #[track_caller]
    fn read_or_fail(&mut self) -> bool {
        let Err(error) = self.read() else { return true };
        let typed = error.is_timeout() || error.is_decode() || error.is_refused();
        assert!(typed && !error.is_disconnected(), "{error}");
        false
    }
}

/// What a device sends, in order and when it is time: the device goes on listening meanwhile.
struct Line {
    reports: VecDeque<(Instant, [u8; 8])>,
    due: Instant,
}

impl Line {
    /// The last report is filled with zeros.
    fn send(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut report = [0; 8];
            report[..chunk.len()].copy_from_slice(chunk);
            self.reports.push_back((self.due, report));
        }
    }

    fn pause(&mut self, time: Duration) {
        self.due = self.due.max(Instant::now()) + time;
    }

    fn send_due(&mut self, send: Sending<'_>) {
        while self.reports.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let (_, report) = self.reports.pop_front().unwrap();
            send(&report);
        }
    }
}

fn frame(data: &str) -> Vec<u8> {
    let mut frame = format!("^D{:03}{data}", data.len() + 3).into_bytes();
    frame.extend(checksum(&frame));
    frame.push(b'\r');
    frame
}

fn config(tries: u32, timeout: Duration) -> ClientConfig {
    let mut config = ClientConfig::default();
    config.timeout = timeout;
    config.deadline = timeout * 2 * tries;
    config.tries = tries;
    config.settle = Duration::from_millis(40);
    config
}

/// Where the device is to be too slow.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Where it is not, though the machine may be.
const PATIENT: Duration = Duration::from_secs(2);
