//! The stream of changes, as server-sent events.
//!
//! The first message is the whole document (`event: bank`), unless the client says with `Last-Event-ID` what it has.
//! All others are merge patches (`event: patch`). Nothing is queued for a client: its messages are taken from the
//! [`Feed`] when the connection can take them, and a client that falls too far behind is dropped.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::sse::{Event, Sse},
};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::place::Place;
use crate::{
    Snapshot,
    http::{
        Refusal,
        access::Access,
        app::{self, App, Shared},
        feed::{Feed, Message},
    },
};

/// A stream to one client.
struct Reader {
    app: Arc<App>,
    /// Name of the bank; `None` for the first one.
    bank: Option<String>,
    access: Option<Access>,
    /// Wakes the stream when the bank changes.
    changes: watch::Receiver<Arc<Snapshot>>,
    /// Number of the last message; `None` before the first one.
    seen: Option<u64>,
    /// Messages that were taken from the feed and not yet sent. There are at most as many as the feed holds.
    ready: std::vec::IntoIter<Message>,
}

/// Answers with the stream of a bank.
pub(super) async fn events(
    State(app): State<Shared>,
    Extension(access): Extension<Option<Access>>,
    place: Place,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let feed = place.bank(&app)?;
    let seen =
        last_seen(&headers, &feed.id()).filter(|seen| feed.since(*seen, app::now()).is_some());
    if app.counts.streams.fetch_add(1, Ordering::Relaxed) >= MAX_STREAMS {
        app.counts.streams.fetch_sub(1, Ordering::Relaxed);
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("expected at most {MAX_STREAMS} streams"),
        ));
    }
    let bank = place.bank_name().map(str::to_owned);
    let changes = feed.handle.watch();
    let reader = Reader { app, bank, access, changes, seen, ready: Vec::new().into_iter() };
    Ok(Sse::new(stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    })))
}

impl Reader {
    /// Waits for the next message; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        let mut stop = self.app.stop.clone();
        loop {
            let now = app::now();
            if *stop.borrow()
                || !self.access.as_ref().is_some_and(|access| self.app.gate.is_valid(access, now))
            {
                return None;
            }
            let app = Arc::clone(&self.app);
            let feed = app.bank(self.bank.as_deref()).ok()?;
            let Some(seen) = self.seen else {
                let document = feed.document(now);
                let seq = document.get("seq").and_then(serde_json::Value::as_u64)?;
                self.seen = Some(seq);
                return Some(event("bank", feed, seq).data(document.to_string()));
            };
            if let Some(message) = self.ready.next() {
                self.seen = Some(message.seq);
                return Some(event("patch", feed, message.seq).data(message.data.as_ref()));
            }
            self.changes.mark_unchanged();
            self.ready = feed.since(seen, now)?.into_iter();
            if self.ready.len() == 0 {
                tokio::select! {
                    () = tokio::time::sleep(feed.pause(now)) => {}
                    // The units of a bank are read at nearly the same time, and their values sent together.
                    Ok(()) = self.changes.changed() => tokio::time::sleep(SETTLE_TIME).await,
                    _ = stop.changed() => {}
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.app.counts.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

fn event(name: &str, feed: &Feed, seq: u64) -> Event {
    Event::default().event(name).id(format!("{}-{seq}", feed.id()))
}

/// Returns the number of the last message that a client has, if it is of this feed.
fn last_seen(headers: &HeaderMap, feed: &str) -> Option<u64> {
    let (of, seq) = headers.get("last-event-id")?.to_str().ok()?.rsplit_once('-')?;
    (of == feed).then(|| seq.parse().ok())?
}

/// Time between a change and the message about it.
const SETTLE_TIME: Duration = Duration::from_millis(100);
/// Greatest number of streams.
const MAX_STREAMS: u64 = 64;
