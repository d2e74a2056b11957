//! Event streams.

use super::*;

/// A client of a stream.
struct Reader {
    stream: DuplexStream,
    text: String,
}

impl Reader {
    async fn open(bench: &Bench, headers: &str) -> Self {
        let mut stream = bench.connect(loopback(), 1 << 20);
        let request =
            format!("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, text: String::new() }
    }

    /// Returns name, id and data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(String, String, serde_json::Value)> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    event.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
                };
                if let (Some(name), Some(id), Some(data)) =
                    (field("event:"), field("id:"), field("data:"))
                {
                    return Some((name, id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).await.unwrap();
            if length == 0 {
                return None;
            }
            self.text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stream_begins_with_the_document() {
    let bench = Bench::new(|_| {});
    let mut reader = Reader::open(&bench, "").await;
    let (name, id, document) = reader.next().await.unwrap();
    assert_eq!(name, "bank");
    assert!(id.starts_with("7-") && id.ends_with("-0"), "{id}");
    assert_eq!(document["bank"]["name"], "garage");
}

#[tokio::test(start_paused = true)]
async fn stream_ends_with_the_server() {
    let bench = Bench::new(|_| {});
    let mut reader = Reader::open(&bench, "").await;
    reader.next().await.unwrap();
    bench.stop.send(true).unwrap();
    while reader.next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn rotated_token_ends_its_streams() {
    let bench = Bench::new(|_| {});
    let bearer = bench.bearer("page", Scope::Read);
    let mut reader = Reader::open(&bench, &format!("{bearer}\r\n")).await;
    reader.next().await.unwrap();
    bench.tokens.rotate(&"page".parse().unwrap(), jiff::Timestamp::now()).unwrap();
    while reader.next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn number_of_streams_is_limited() {
    let bench = Bench::new(|_| {});
    let mut readers = Vec::new();
    for _ in 0..64 {
        let mut reader = Reader::open(&bench, "").await;
        reader.next().await.unwrap();
        readers.push(reader);
    }
    assert_eq!(bench.local("GET /api/v1/events").await.status, 503);
    readers.clear();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut reader = Reader::open(&bench, "").await;
    assert!(reader.next().await.is_some());
}

/// Publishes a snapshot with this PV power.
fn change(bench: &Bench, watts: i64) {
    bench.core.snapshots.send_modify(|bank| {
        let mut new = bank.as_ref().clone();
        new.seq += 1;
        new.totals.pv_power = Some(watts);
        *bank = Arc::new(new);
    });
}

#[tokio::test(start_paused = true)]
async fn patches_have_numbers_without_holes_and_lead_to_the_present_document() {
    let bench = Bench::new(|_| {});
    let mut reader = Reader::open(&bench, "").await;
    let (_, _, mut copy) = reader.next().await.unwrap();
    for seq in 1..=20 {
        change(&bench, seq);
        let (name, id, message) = reader.next().await.unwrap();
        assert_eq!(name, "patch");
        assert!(id.starts_with("7-") && id.ends_with(&format!("-{seq}")), "{id}");
        assert_eq!(message["seq"], seq);
        crate::http::patch::apply(&mut copy, &message["patch"]);
        assert_eq!(copy["values"]["pv_power"]["value"], seq);
    }
    let document = bench.local("GET /api/v1/bank").await.json();
    assert_eq!(document["seq"], 20);
    assert_eq!(document["units"], copy["units"]);
}

#[tokio::test(start_paused = true)]
async fn reader_that_returns_gets_what_it_missed() {
    let bench = Bench::new(|_| {});
    let mut reader = Reader::open(&bench, "").await;
    reader.next().await.unwrap();
    change(&bench, 1);
    let (_, id, _) = reader.next().await.unwrap();
    drop(reader);
    // Another reader keeps the feed going meanwhile.
    let mut other = Reader::open(&bench, "").await;
    other.next().await.unwrap();
    for watts in 2..5 {
        change(&bench, watts);
        other.next().await.unwrap();
    }
    let mut reader = Reader::open(&bench, &format!("Last-Event-ID: {id}\r\n")).await;
    for seq in 2..5 {
        let (name, _, message) = reader.next().await.unwrap();
        assert_eq!((name.as_str(), message["seq"].as_i64()), ("patch", Some(seq)));
    }
    let (feed, _) = id.rsplit_once('-').unwrap();
    for id in ["6-1", "x", &format!("{feed}-999"), &format!("{feed}-")] {
        let mut reader = Reader::open(&bench, &format!("Last-Event-ID: {id}\r\n")).await;
        assert_eq!(reader.next().await.unwrap().0, "bank", "{id}");
    }
    // A new server of the same run numbers its messages from zero.
    let reloaded = Bench::new(|_| {});
    let mut other = Reader::open(&reloaded, "").await;
    other.next().await.unwrap();
    for watts in 1..5 {
        change(&reloaded, watts);
        other.next().await.unwrap();
    }
    let mut reader = Reader::open(&reloaded, &format!("Last-Event-ID: {id}\r\n")).await;
    assert_eq!(reader.next().await.unwrap().0, "bank", "{id}");
}

#[tokio::test(start_paused = true)]
async fn silent_stream_shows_its_life_every_five_seconds() {
    let bench = Bench::new(|_| {});
    // Values that become old are changes, too.
    bench.core.snapshots.send_modify(|bank| {
        let mut new = bank.as_ref().clone();
        new.units.clear();
        *bank = Arc::new(new);
    });
    let mut reader = Reader::open(&bench, "").await;
    reader.next().await.unwrap();
    let mut last = tokio::time::Instant::now();
    for _ in 0..10 {
        let (_, _, message) = reader.next().await.unwrap();
        let members: Vec<_> = message["patch"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["now"]);
        let gap = last.elapsed().as_secs();
        assert!((5..=6).contains(&gap), "{gap} s");
        last = tokio::time::Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn change_is_sent_within_a_second_and_after_a_pause_at_once() {
    let bench = Bench::new(|_| {});
    let mut reader = Reader::open(&bench, "").await;
    reader.next().await.unwrap();
    // Readers that started at other times must not slow each other down.
    tokio::time::sleep(Duration::from_millis(370)).await;
    let mut other = Reader::open(&bench, "").await;
    other.next().await.unwrap();
    tokio::time::sleep(Duration::from_millis(2150)).await;
    // The sign of life before the first change is a message, too.
    for (watts, pause, limit) in
        [(1, 4100, 1000), (2, 300, 1000), (3, 50, 1000), (4, 1950, 200), (5, 700, 1000)]
    {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let start = tokio::time::Instant::now();
        change(&bench, watts);
        for reader in [&mut reader, &mut other] {
            loop {
                let (_, _, message) = reader.next().await.unwrap();
                if message["patch"]["values"]["pv_power"]["value"] == watts {
                    break;
                }
            }
            let late = start.elapsed().as_millis();
            assert!(late <= limit, "{watts}: {late} ms");
        }
    }
}
