//! Replies spread over HID reports in unusual ways: the client returns the correct value or an error.
//!
//! As the energy of a day, the devices report the digits of its date, so that the tests recognize a reply to
//! another query. One case is not tested, because no host can detect it: a device that answers in time, but
//! with the reply to another query of the same form.

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

use crate::plug::{Backend, Occupant, Sending, Socket};

for_each_backend! {
    reply_at_any_offset_in_a_report_is_read
    reply_with_padding_inside_is_read
    reply_with_pauses_between_reports_is_read
    zero_checksum_byte_at_start_of_a_report_is_read
    two_frames_in_one_report_give_the_expected_value
    old_reply_in_the_queue_is_not_used
    late_reply_is_not_used_for_the_next_query
    report_queue_overflow_does_not_affect_later_queries
}

fn reply_at_any_offset_in_a_report_is_read(backend: Backend) {
    // The bytes before a reply, and whether they are sent only once.
    let prefix = Arc::new(Mutex::new((Vec::new(), false)));
    let shared = Arc::clone(&prefix);
    let mut device = Device::plug(backend, move |_, reply, line| {
        let mut prefix = shared.lock().unwrap();
        line.send(&[&*prefix.0, reply].concat());
        if prefix.1 {
            prefix.0.clear();
        }
    });
    let old = frame("20200101");
    for offset in 0..8 {
        *prefix.lock().unwrap() = (vec![0; offset], false);
        let requests = device.requests();
        device.read().unwrap();
        assert_eq!(device.requests(), requests + 1, "{offset} zeros before the reply");
        // The end or another part of an old frame comes before the first reply only: the retry succeeds.
        for remainder in [&old[old.len() - offset..], &old[5..5 + offset]] {
            *prefix.lock().unwrap() = (remainder.to_vec(), true);
            device.read().unwrap();
        }
    }
    // The end of an old frame comes before every reply.
    *prefix.lock().unwrap() = (old[old.len() - 5..].to_vec(), false);
    device.read_or_fail();
}

fn reply_with_padding_inside_is_read(backend: Backend) {
    let place = Arc::new(AtomicUsize::new(0));
    let cut = Arc::clone(&place);
    let mut device = Device::plug(backend, move |_, reply, line| {
        let (first, rest) = reply.split_at(cut.swap(0, Ordering::Relaxed));
        line.send(first);
        line.send(rest);
    });
    for at in 1..frame("20260101").len() {
        place.store(at, Ordering::Relaxed);
        device.read().unwrap();
    }
}

fn reply_with_pauses_between_reports_is_read(backend: Backend) {
    // The report after which the device pauses, and the length of the pause.
    let pause = Arc::new(Mutex::new((0, Duration::ZERO)));
    let paused = Arc::clone(&pause);
    let mut device = Device::plug(backend, move |_, reply, line| {
        let (reports, time) = std::mem::take(&mut *paused.lock().unwrap());
        let (first, rest) = reply.split_at(reports * 8);
        line.send(first);
        line.pause(time);
        line.send(rest);
    });
    let status = frame(GeneralStatus::SAMPLE);
    for report in 0..=status.len() / 8 {
        *pause.lock().unwrap() = (report, Duration::from_millis(30));
        let requests = device.requests();
        assert_eq!(device.query("GS").unwrap(), status);
        assert_eq!(device.requests(), requests + 1, "a pause after report {report}");
    }
    for report in 0..2 {
        // A pause longer than the timeout of the client, which then retries.
        device.configure(3, TIMEOUT);
        *pause.lock().unwrap() = (report, TIMEOUT * 3 / 2);
        device.read_or_fail();
        device.configure(3, LONG_TIMEOUT);
        device.read().unwrap();
    }
}

fn zero_checksum_byte_at_start_of_a_report_is_read(backend: Backend) {
    let zeros = Arc::new(AtomicUsize::new(0));
    let data = Arc::new(Mutex::new(String::new()));
    let (prefix, shared) = (Arc::clone(&zeros), Arc::clone(&data));
    let mut device = Device::plug(backend, move |request, reply, line| {
        let zeros = vec![0; prefix.load(Ordering::Relaxed)];
        let chosen = frame(&shared.lock().unwrap());
        line.send(&[&*zeros, if request.starts_with("ED") { reply } else { &chosen }].concat());
    });
    // With ten flags, the first checksum byte is the first byte of the fourth report.
    let flags = (0..1 << 10).map(|bits: u16| {
        let flags: Vec<_> = (0..10).map(|flag| (bits >> flag & 1).to_string()).collect();
        flags.join(",")
    });
    let mut tried = 0;
    for flags in flags {
        let expected = frame(&flags);
        if expected[24] == 0 {
            *data.lock().unwrap() = flags;
            assert_eq!(device.query("FLAG").unwrap(), expected);
            tried += 1;
        }
    }
    // Zeros before the frame move either checksum byte to the start of a report.
    for byte in 0..2 {
        let powers = (0..10_000).map(|power| {
            let (before, after) = GeneralStatus::SAMPLE.split_once(",0255,").unwrap();
            format!("{before},{power:04},{after}")
        });
        for status in powers.filter(|status| frame(status)[108 + byte] == 0).take(5) {
            zeros.store(4 - byte, Ordering::Relaxed);
            let expected = frame(&status);
            *data.lock().unwrap() = status;
            assert_eq!(device.query("GS").unwrap(), expected);
            tried += 1;
        }
    }
    // The same in requests: the second checksum byte is the first byte of the third report.
    for day in ["20260207", "20261230"] {
        let query: Query = format!("ED{day}").parse().unwrap();
        assert_eq!(query.to_frame(pi18_proto::Dialect::Checksum)[16], 0);
        assert_eq!(device.query(&format!("ED{day}")).unwrap(), frame(day));
    }
    assert!(tried >= 10, "{tried}");
}

fn two_frames_in_one_report_give_the_expected_value(backend: Backend) {
    type Change = fn(&[u8]) -> Vec<u8>;
    let change = Arc::new(Mutex::new(None::<Change>));
    let shared = Arc::clone(&change);
    let mut device = Device::plug(backend, move |_, reply, line| {
        let change = shared.lock().unwrap().take();
        line.send(&change.map_or_else(|| reply.to_vec(), |change| change(reply)));
    });
    let changes: [Change; 5] = [
        // A duplicate of the reply counts once.
        |reply| [reply, reply].concat(),
        |reply| [&*frame("05"), reply].concat(),
        |reply| [&*frame(Identity::SAMPLE), reply].concat(),
        |reply| [&[0; 3], reply, &frame("20200101")].concat(),
        |reply| [reply, &frame("18"), &frame("05")].concat(),
    ];
    for each in changes {
        *change.lock().unwrap() = Some(each);
        device.read().unwrap();
        device.read().unwrap();
    }
    // A refusal and a reply in one report contradict each other. The client may use the first frame.
    *change.lock().unwrap() = Some(|reply| [pi18_proto::REFUSED, reply].concat());
    device.read_or_fail();
    device.read().unwrap();
}

fn old_reply_in_the_queue_is_not_used(backend: Backend) {
    let mut device = Device::plug(backend, |_, reply, line| {
        line.send(reply);
        line.pause(Duration::from_millis(10));
        line.send(&frame("20200101"));
    });
    for _ in 0..5 {
        device.read().unwrap();
        thread::sleep(Duration::from_millis(60));
    }
    drop(device);
    // Directly after the reply: the old frame arrives with the reply or just before the next query.
    let mut device = Device::plug(backend, |_, reply, line| {
        line.send(&[reply, &frame("20200101")].concat());
    });
    for _ in 0..6 {
        device.read_or_fail();
    }
}

fn late_reply_is_not_used_for_the_next_query(backend: Backend) {
    let delay = Arc::new(Mutex::new(Duration::ZERO));
    let delayed = Arc::clone(&delay);
    let mut device = Device::plug(backend, move |_, reply, line| {
        line.pause(std::mem::take(&mut *delayed.lock().unwrap()));
        line.send(reply);
    });
    device.read().unwrap();
    for (tries, later) in [(1, 5), (1, 9), (3, 9)] {
        device.configure(tries, TIMEOUT);
        *delay.lock().unwrap() = TIMEOUT * later / 4;
        let in_time = device.read_or_fail();
        assert!(tries > 1 || !in_time, "expected no value from a late reply");
        // This query is sent before the reply to the previous one arrives.
        device.read_or_fail();
        device.configure(3, LONG_TIMEOUT);
        device.read().unwrap();
    }
}

fn report_queue_overflow_does_not_affect_later_queries(backend: Backend) {
    let mut random = fastrand::Rng::with_seed(70);
    let noise: Vec<u8> = (0..560).map(|_| random.u8(..)).collect();
    let old: Vec<u8> = (0..35).flat_map(|day| frame(&format!("{}", 20_200_101 + day))).collect();
    let torn = b"^D011202".repeat(70);
    let junk = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&junk);
    let mut device = Device::plug(backend, move |request, reply, line| {
        line.send(reply);
        if request == "MOD" {
            // In two parts, because the kernel queues at most 64 reports of a device.
            let junk = shared.lock().unwrap();
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
        // A second descriptor shows how many reports the kernel keeps.
        let mut other = device.open_node();
        assert_eq!(device.query("MOD").unwrap(), frame(Mode::SAMPLE));
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

/// A device with replies chosen by the test, and a client of it.
struct Device {
    client: Option<Client<Hidraw>>,
    requests: Arc<AtomicUsize>,
    day: u32,
    _socket: Socket,
}

impl Device {
    /// Plugs in a device. `answer` receives a request, the reply of a real unit, and the line to send on.
    /// The queries with which a client synchronizes are answered without it.
    fn plug(
        backend: Backend,
        mut answer: impl FnMut(&str, &[u8], &mut Line) + Send + 'static,
    ) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let mut line = Line { reports: VecDeque::new(), due: Instant::now() };
        let mut reader = FrameReader::new();
        let act = move |mut report: &[u8], send: Sending<'_>| {
            // A host that gave up may leave a part of a request, which the reader skips.
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
        let mut socket = Socket::new(backend, 0, Occupant::Acting(Arc::new(Mutex::new(act))));
        socket.plug();
        let node = Hidraw::open(&socket.node()).unwrap();
        let client = Some(Client::with_config(node, config(3, LONG_TIMEOUT)));
        Self { client, requests, day: 0, _socket: socket }
    }

    fn configure(&mut self, tries: u32, timeout: Duration) {
        let client = self.client.take().unwrap();
        self.client = Some(Client::with_config(client.into_link(), config(tries, timeout)));
    }

    /// Returns the number of requests, without those that synchronize the client.
    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Opens the node a second time, with non-blocking reads.
    fn open_node(&self) -> File {
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let path = self.client.as_ref().unwrap().link().path();
        File::options().read(true).custom_flags(nonblocking).open(path).unwrap()
    }

    /// Sends a query and returns the frame of the reply.
    fn query(&mut self, query: &str) -> Result<Vec<u8>, Error> {
        let reply = self.client.as_mut().unwrap().query(query.parse().unwrap())?;
        Ok(reply.frame)
    }

    /// Reads the energy of the next day and asserts the value.
    #[track_caller]
    fn read(&mut self) -> Result<(), Error> {
        self.day += 1;
        let day = format!("2026{:02}{:02}", self.day / 28 % 12 + 1, self.day % 28 + 1);
        let reply = self.query(&format!("ED{day}"))?;
        assert_eq!(reply, frame(&day), "{}", reply.escape_ascii());
        Ok(())
    }

    /// Reads as [`read`](Self::read) does, but accepts an error about the reply. Returns whether a value was
    /// read.
    #[track_caller]
    fn read_or_fail(&mut self) -> bool {
        let Err(error) = self.read() else { return true };
        let expected = error.is_timeout() || error.is_decode() || error.is_refused();
        assert!(expected && !error.is_disconnected(), "{error}");
        false
    }
}

/// Reports to send, each with the time at which it is due. The device can receive reports meanwhile.
struct Line {
    reports: VecDeque<(Instant, [u8; 8])>,
    due: Instant,
}

impl Line {
    /// Queues bytes as reports, the last one padded with zeros.
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

/// Timeout of the client in tests with late replies.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Timeout that is long enough for a busy machine.
const LONG_TIMEOUT: Duration = Duration::from_secs(2);
