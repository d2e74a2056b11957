//! Asks a bridge for the last day, for the chart.

use std::{io::Read, thread, time::Duration};

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{latest::Latest, request::Bridge};
use crate::{
    overview::{Curve, Spans},
    terminal::Failure,
};

/// Starts the thread that asks, until the program ends.
pub(super) fn start(bridge: Bridge, latest: Latest) -> Result<(), Failure> {
    let guard = latest.panic_guard();
    let run = move || {
        let _guard = guard;
        loop {
            // A bridge may keep no history. Then the chart shows what was seen since the start.
            let wait = match ask(&bridge) {
                Ok(recorded) => {
                    latest.put_recorded(recorded);
                    PERIOD
                }
                Err(_) => RETRY,
            };
            thread::sleep(wait);
        }
    };
    let started = thread::Builder::new().name("history".to_owned()).spawn(run);
    started.map(drop).map_err(|error| Failure::usage(format_args!("threads: {error}")))
}

/// Asks once.
fn ask(bridge: &Bridge) -> Result<Spans, String> {
    let series = Curve::ALL.map(Curve::key).join(",");
    let path = format!("/history?series={series}&from=-24h&step=5min");
    let body = bridge.get(&path, "application/json")?.into_reader().take(MAX_ANSWER);
    let answer: Json = serde_json::from_reader(body).map_err(|error| format!("JSON: {error}"))?;
    let spans = Spans::of_answer(&answer, Timestamp::now().as_millisecond());
    spans.ok_or_else(|| "expected the history of a bank, found another document".to_owned())
}

/// Time between two questions: that of a point. The chart shows what was seen in between.
const PERIOD: Duration = Duration::from_mins(5);
/// Time until the next attempt.
const RETRY: Duration = Duration::from_secs(15);
/// Longest answer in bytes: a day has less than a tenth of it.
const MAX_ANSWER: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
    };

    use super::*;

    /// Asks a server that answers once. Returns also the first line of the request.
    fn asked(answer: String) -> (Result<Spans, String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines = lines.map(Result::unwrap).take_while(|line| !line.is_empty());
            let lines: Vec<_> = lines.collect();
            stream.write_all(answer.as_bytes()).unwrap();
            lines[0].clone()
        });
        let spans = ask(&Bridge::new(&url, Some("main"), None).unwrap());
        (spans, server.join().unwrap())
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn history_is_asked_for_the_last_day() {
        let now = Timestamp::now().as_second();
        let (to, t) = (now + 1, now / 300 * 300 - 300);
        let body = format!(
            "{{\"step\":\"300\",\"to\":{to},\"t\":[{t}],\
             \"series\":[{{\"series\":\"pv_power\",\"mean\":[7.5],\"count\":[60]}}]}}"
        );
        let (spans, request) = asked(answer("200 OK", &body));
        let path = "/api/v1/banks/main/history?series=pv_power,load_power,state_of_charge";
        assert_eq!(request, format!("GET {path}&from=-24h&step=5min HTTP/1.1"));
        let mut past = crate::overview::Past::new(1);
        past.put_recorded(spans.unwrap());
        assert_eq!(past.means(t * 1000, (t + 300) * 1000), [Some(7.5), None, None]);
    }

    #[test]
    fn answer_without_a_history_is_an_error() {
        assert!(asked(answer("404 Not Found", "{}")).0.is_err());
        assert!(asked(answer("200 OK", "{}")).0.is_err());
        assert!(asked(answer("200 OK", "[")).0.is_err());
    }

    #[test]
    fn answer_that_is_too_long_is_not_read() {
        let document = "{\"step\":\"300\",\"to\":9,\"t\":[],\"series\":[]}";
        assert!(asked(answer("200 OK", document)).0.is_ok());
        let spaces = " ".repeat(1 << 20);
        assert!(asked(answer("200 OK", &format!("{spaces}{document}"))).0.is_err());
    }
}
