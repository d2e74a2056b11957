//! Requests that are cancelled at random points, on lines with faults: no later request may return a wrong
//! value, and no set command may be sent twice.
//!
//! `PI18_CANCEL_EXCHANGES` sets the number of exchanges.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use fastrand::Rng;
use pi18_proto::{Query, SetCommand};
use pi18_transport::{
    AsyncClient, Error, SetOutcome,
    sim::{Bank, BankConfig, SharedBank, SimStream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::Builder,
    time::{Instant, Sleep, sleep, timeout},
};

/// The faults of every line.
const FAULTS: &str = "frozen=on&lose=0.001&double=0.001&flip=0.001&junk=0.05&late=0.02&late-by=3s\
                      &stale=0.05&silent=0.02";

/// The lines: immediate replies, the speed of RS-232, a slow unit, and USB reports.
const LINES: [&str; 4] = ["", "&pace=2400", "&pace=2400&think=400ms", "&pace=9600&reports=on"];

const SEEDS: u32 = 20;

/// The results of a number of exchanges.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    failed: u32,
    cancelled: u32,
    sets: u64,
}

#[test]
fn cancelled_requests_cause_no_wrong_value() {
    let count = std::env::var("PI18_CANCEL_EXCHANGES").map_or(10_000, |text| text.parse().unwrap());
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(exchanges(u64::from(seed), count / SEEDS, &mut tally));
    }
    println!("{tally:?}");
    assert_eq!(tally.answered + tally.failed + tally.cancelled, count / SEEDS * SEEDS);
    // The test proves something only if many requests are cancelled and many others answered.
    assert!(tally.cancelled > count / 4 && tally.answered > count / 4, "{tally:?}");
}

/// Sends requests to a unit, and cancels many of them. Panics on a wrong value or a missed deadline.
async fn exchanges(seed: u64, count: u32, tally: &mut Tally) {
    let mut random = Rng::with_seed(seed);
    let line = LINES[usize::try_from(seed).unwrap() % LINES.len()];
    let switches = vec![format!("{FAULTS}{line}&seed={seed}").parse().unwrap()];
    let bank = SharedBank::tokio_time(Bank::new(BankConfig { units: 2, switches }).unwrap());
    let stream = Uneven::new(bank.stream(0), random.fork());
    let mut client = AsyncClient::new(stream, "unit").on_shared_link(random.bool());
    let queries = queries();
    let received = || bank.with(|bank| bank.set_counts(0).received);
    let mut sets = 0;
    for number in 0..count {
        let place = format!("seed {seed}, exchange {number}");
        let started = Instant::now();
        let cut = Cut::random(&mut random);
        let before = received();
        let failed: Option<Error> = if random.u8(..10) == 0 {
            let command: SetCommand = format!("POP{}", random.u8(..2)).parse().unwrap();
            sets += 1;
            let outcome = cut.apply(client.set(command)).await;
            match outcome {
                None => {
                    tally.cancelled += 1;
                    None
                }
                Some(Ok(outcome)) => {
                    tally.answered += 1;
                    let is_known = matches!(outcome, SetOutcome::Accepted | SetOutcome::Refused);
                    assert!(!is_known || received() > before, "{outcome:?}, {place}");
                    None
                }
                Some(Err(error)) => {
                    assert!(received() < sets, "an error, but it was received, {place}");
                    Some(error)
                }
            }
        } else {
            let query = queries[random.usize(..queries.len())];
            match cut.apply(client.query(query)).await {
                None => {
                    tally.cancelled += 1;
                    None
                }
                Some(Ok(timed)) => {
                    tally.answered += 1;
                    let correct = bank.with(|bank| bank.peek(0, query)).unwrap();
                    assert_eq!(timed.reply, correct, "{query}, {place}");
                    None
                }
                Some(Err(error)) => Some(error),
            }
        };
        if let Some(error) = failed {
            tally.failed += 1;
            let is_typed = error.is_timeout() || error.is_decode() || error.is_not_pi18();
            assert!(is_typed, "{error}, {place}");
        }
        assert!(received() <= sets, "a set command was received twice, {place}");
        // Timers of tokio end up to a millisecond late.
        let limit = client.config().deadline + Duration::from_millis(2);
        assert!(started.elapsed() <= limit, "{:?}, {place}", started.elapsed());
        if random.u8(..4) == 0 {
            sleep(Duration::from_millis(random.u64(..5000))).await;
        }
    }
    tally.sets += sets;
}

/// Returns every query; those with an argument repeatedly, so that many replies have the same form.
fn queries() -> Vec<Query> {
    let arguments = ["EY2025", "EM202605", "ED20260620", "ED20260619", "PGS0", "PRI0"];
    let examples = Query::LIST.iter().map(|info| info.example);
    examples.chain(arguments).map(|text| text.parse().unwrap()).collect()
}

/// When a request is cancelled.
#[derive(Clone, Copy)]
enum Cut {
    Never,
    After(Duration),
    /// After this number of polls.
    AtPoll(u32),
}

impl Cut {
    fn random(random: &mut Rng) -> Self {
        // Early and late cancellations with the same probability.
        let magnitude = random.u32(..12);
        match random.u8(..4) {
            0 | 1 => Self::Never,
            2 => Self::After(Duration::from_millis(random.u64(..4 << magnitude))),
            _ => Self::AtPoll(random.u32(1..2 << (magnitude / 2))),
        }
    }

    /// Runs a future until it ends or is cancelled.
    async fn apply<T>(self, future: impl Future<Output = T>) -> Option<T> {
        match self {
            Self::Never => Some(future.await),
            Self::After(time) => timeout(time, future).await.ok(),
            Self::AtPoll(mut polls) => {
                let mut future = pin!(future);
                poll_fn(|cx| {
                    let Some(left) = polls.checked_sub(1) else { return Poll::Ready(None) };
                    polls = left;
                    future.as_mut().poll(cx).map(Some)
                })
                .await
            }
        }
    }
}

/// A stream that takes and gives bytes in random pieces, with pauses between the pieces of a frame.
struct Uneven {
    stream: SimStream,
    random: Rng,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Uneven {
    fn new(stream: SimStream, random: Rng) -> Self {
        Self { stream, random, pause: None }
    }
}

impl AsyncRead for Uneven {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 64];
        let len = self.random.usize(1..=bytes.len());
        let mut piece = ReadBuf::new(&mut bytes[..len]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
        buffer.put_slice(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Uneven {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.pause.is_none() && self.random.u8(..3) == 0 {
            let time = Duration::from_millis(self.random.u64(1..30));
            self.pause = Some(Box::pin(sleep(time)));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let len = self.random.usize(1..=bytes.len());
        Pin::new(&mut self.stream).poll_write(cx, &bytes[..len])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
