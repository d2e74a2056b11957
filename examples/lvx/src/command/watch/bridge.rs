//! Reads a bridge: its stream of events holds the whole document first, then changes.

use std::{
    io::{BufRead, BufReader, Read},
    thread,
    time::{Duration, Instant},
};

use pi18_transport::printable;
use serde_json::{Map, Value as Json};

use super::{latest::Latest, request::Bridge};
use crate::{
    overview::{self, Level, Overview, Verdict},
    terminal::Failure,
};

/// Starts the thread that reads the bridge, until the program ends.
pub(super) fn start(bridge: Bridge, latest: Latest) -> Result<(), Failure> {
    let guard = latest.panic_guard();
    let run = move || {
        let _guard = guard;
        loop {
            let why = read(&bridge, &latest).unwrap_or_else(|why| why);
            latest.put(lost(&latest.get(), &bridge.url, &why), false);
            thread::sleep(RETRY);
        }
    };
    let started = thread::Builder::new().name("bridge".to_owned()).spawn(run);
    started.map(drop).map_err(|error| Failure::usage(format_args!("threads: {error}")))
}

/// Returns the last overview, marked: there is no word from the bridge. Its values become old by themselves.
fn lost(last: &Overview, name: &str, why: &str) -> Overview {
    let since = last.verdict.since.filter(|_| last.verdict.level == Level::Lost);
    Overview {
        verdict: Verdict {
            level: Level::Lost,
            title: format!("No word from the bridge at {}", printable(name)),
            detail: format!("{}.", printable(why)),
            step: Some("Check that the bridge runs: systemctl status lvx-bridge.".to_owned()),
            since: since.or(Some(jiff::Timestamp::now())),
        },
        ..last.clone()
    }
}

/// Reads the events until they end. Returns why.
fn read(bridge: &Bridge, latest: &Latest) -> Result<String, String> {
    let answer = bridge.get("/events", "text/event-stream")?;
    let mut stream = Stream::default();
    let mut events = BufReader::new(answer.into_reader());
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = events.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        match length.map_err(|error| error.to_string())? {
            0 => return Ok("it has closed the connection".to_owned()),
            _ if !line.ends_with(b"\n") => return Err("a line is too long".to_owned()),
            _ => {}
        }
        let now = Instant::now();
        if let Some(is_round) = stream.line(&line)? {
            let overview = overview::overview(&stream.document, now);
            let overview = overview.ok_or("expected the document of a bank, found another one")?;
            latest.put(overview, is_round);
        }
    }
}

/// The document, as the events have made it.
#[derive(Debug, Default)]
struct Stream {
    document: Json,
    /// Number of the last event.
    seq: Option<u64>,
    /// Name of the present event.
    event: String,
}

impl Stream {
    /// Takes a line. Returns whether the document has changed: `Some(true)` if units were read once more.
    fn line(&mut self, line: &[u8]) -> Result<Option<bool>, String> {
        let line = std::str::from_utf8(line).map_err(|_| "expected UTF-8 text")?.trim_end();
        if let Some(event) = line.strip_prefix("event:") {
            event.trim().clone_into(&mut self.event);
        }
        let Some(data) = line.strip_prefix("data:") else { return Ok(None) };
        let data: Json = serde_json::from_str(data).map_err(|error| format!("JSON: {error}"))?;
        let seq = data.get("seq").and_then(Json::as_u64).ok_or("expected a number `seq`")?;
        match self.event.as_str() {
            "bank" => {
                (self.document, self.seq) = (data, Some(seq));
                Ok(Some(true))
            }
            "patch" => {
                if self.seq.is_none_or(|last| last.checked_add(1) != Some(seq)) {
                    return Err("an event is missing".to_owned());
                }
                self.seq = Some(seq);
                let patch = data.get("patch").ok_or("expected a patch")?;
                merge(&mut self.document, patch, 0);
                Ok(Some(patch.get("units").is_some()))
            }
            _ => Ok(None),
        }
    }
}

/// Applies a JSON merge patch.
///
/// Source: RFC 7396.
fn merge(target: &mut Json, patch: &Json, depth: u32) {
    let Json::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Json::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else if depth < MAX_DEPTH {
            merge(target.entry(key.clone()).or_insert(Json::Null), value, depth + 1);
        }
    }
}

/// Time between two attempts.
const RETRY: Duration = Duration::from_secs(2);
/// Longest line of an event in bytes: ten units have less than a tenth of it.
const MAX_LINE: u64 = 4 << 20;
/// Greatest depth of a document.
const MAX_DEPTH: u32 = 32;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_follow_without_a_hole() {
        let mut stream = Stream::default();
        let mut line = |line: &str| stream.line(line.as_bytes());
        assert_eq!(line("event: bank\n"), Ok(None));
        assert_eq!(line("data: {\"seq\":7,\"a\":{\"b\":1,\"c\":2}}\n"), Ok(Some(true)));
        assert_eq!(line("event: patch\n"), Ok(None));
        let patch = "data: {\"seq\":8,\"patch\":{\"a\":{\"b\":null},\"units\":{}}}\n";
        assert_eq!(line(patch), Ok(Some(true)));
        assert_eq!(line("data: {\"seq\":9,\"patch\":{\"now\":5}}\n"), Ok(Some(false)));
        assert_eq!(
            line("data: {\"seq\":11,\"patch\":{}}\n"),
            Err("an event is missing".to_owned())
        );
        assert!(line("data: {\n").unwrap_err().starts_with("JSON: "));
        assert_eq!(stream.document["a"], json!({ "c": 2 }));
        assert_eq!(stream.document["now"], 5);
    }

    #[test]
    fn lost_bridge_keeps_the_time_of_the_first_failure() {
        let (latest, _events) = Latest::new("start", Duration::from_mins(1));
        let first = lost(&latest.get(), "http://localhost", "refused");
        let second = lost(&first, "http://localhost", "refused again");
        assert_eq!(first.verdict.since, second.verdict.since);
        assert_eq!(second.verdict.detail, "refused again.");
    }
}
