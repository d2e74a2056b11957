//! How to ask one thing and know that the answer is the answer. No I/O, no clock.
//!
//! A reply does not say what it answers, a slow unit may still be answering the question before,
//! and a link may hold old bytes. Two facts help: a unit answers in order, and some replies can be
//! told from all others. As long as every question was answered, the next reply belongs to the next
//! question: both sides are *in step*. After anything else a *fence* is asked first, a query whose
//! reply is unmistakable and never changes: all that comes before it answers something old. Fences
//! take turns, so that a late or repeated reply to one is not taken for that to the next.
//!
//! A bridge can pass on the replies to several hosts. There a reply that could answer another host's
//! question counts only if no other reply of the same form comes before that to a fence behind it.

mod confirm;
mod unframed;

use std::time::Instant;

use pi18_proto::{
    AnyReply, DecodeError, Frame, FrameKind, FrameReader, FrameWarning, Query, Received, Request,
    RequestFrame,
};

use crate::{
    Config,
    error::Kind,
    fences::{Fences, NotReply, belongs, reply_to},
};
use confirm::{Confirmation, Crowd};
use unframed::Unframed;

/// What goes on between a host and a unit, from question to question.
#[derive(Debug)]
pub(crate) struct Dialogue {
    config: Config,
    reader: FrameReader,
    in_step: bool,
    /// Other hosts may ask the same unit over the same link.
    shared: bool,
    /// Whether they do.
    crowd: Crowd,
    fences: Fences,
    /// A sound frame has come: whatever is there speaks this protocol.
    spoke: bool,
}

/// What the driver has to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Take bytes that are there without waiting, and hand them to [`Dialogue::drained`], also if
    /// there are none.
    Drain,
    /// Send this.
    Send(RequestFrame),
    /// Wait for bytes until then, and hand them to [`Dialogue::received`].
    Receive(Instant),
    /// It is over.
    Done(Outcome),
}

/// How a question ends.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A query was answered.
    Answer(Answered),
    /// `^1`
    Accepted,
    /// `^0`
    Refused,
    /// A set command was sent, and what came back says neither yes nor no.
    Garbled,
    /// A set command was sent, and nothing came back.
    Silent,
    /// A query was not answered; or a set command was not even sent.
    Failed(Kind),
}

/// The reply to a query.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) reply: AnyReply,
    pub(crate) frame: Vec<u8>,
    pub(crate) warnings: Vec<String>,
}

/// One question on its way.
#[derive(Debug)]
pub(crate) struct Exchange {
    request: Request,
    started: Instant,
    deadline: Instant,
    tries_left: u32,
    phase: Phase,
    /// The request went out, and in step: what answers it is told from what is old.
    asked: bool,
    /// A fence went out.
    fenced: bool,
    heard: Heard,
    /// How a reply misstated its length in an earlier try.
    misstated: Option<FrameWarning>,
    /// Bytes drained so far.
    drained: usize,
    /// When draining ends although bytes still come, as they do from a bridge that others use.
    drain_until: Option<Instant>,
    /// What was drained last, as long as only padding was drained before.
    stray: Option<String>,
    /// Bytes received so far, those drained left out.
    received: usize,
    unframed: Unframed,
    confirmation: Confirmation,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Before anything is sent, what is there is taken away.
    Draining,
    Ready,
    /// The fence whose reply is awaited; none if all of them rest.
    Fencing(Option<Query>, Wait),
    Asking(Wait),
    /// The fence behind a reply that could be another host's.
    Confirming(Option<Query>, Wait),
}

/// Until when to wait; not so long once something wrong was heard and the line is quiet again.
#[derive(Clone, Copy, Debug)]
struct Wait {
    end: Instant,
    quiet: Option<Instant>,
}

/// The last thing that was no answer.
#[derive(Debug, Default)]
enum Heard {
    #[default]
    Nothing,
    /// Bytes that are no sound frame.
    Noise(DecodeError),
    /// A sound frame that does not belong here.
    Other(String),
    /// `(NAK`, as devices of the older protocol say to whatever they do not know; this protocol's own
    /// units say it to what has no header.
    NotUnderstood,
    /// A sound reply with a field that cannot be read.
    Unreadable(DecodeError),
}

impl Exchange {
    pub(crate) fn new(request: Request, config: &Config, now: Instant) -> Self {
        Self {
            request,
            started: now,
            deadline: now + config.deadline,
            tries_left: config.tries.max(1),
            phase: Phase::Draining,
            asked: false,
            fenced: false,
            heard: Heard::Nothing,
            misstated: None,
            drained: 0,
            drain_until: None,
            stray: None,
            received: 0,
            unframed: Unframed::default(),
            confirmation: Confirmation::default(),
            outcome: None,
        }
    }

    /// The text that came in place of frames, for a link that was closed behind it.
    pub(crate) fn unframed_text(&self) -> Option<String> {
        self.unframed.text()
    }

    /// Takes bytes that came when nothing could be sent any more.
    pub(crate) fn overhear(&mut self, bytes: &[u8]) {
        self.unframed.add(bytes);
    }

    /// Ends the exchange with a device that sends more than any inverter can.
    fn flooded(&mut self, bytes: usize) {
        self.outcome = Some(match self.phase {
            Phase::Asking(_) if self.is_set() => Outcome::Garbled,
            _ => Outcome::Failed(Kind::Flooded { request: self.request.to_string(), bytes }),
        });
    }

    /// Whether the request itself went out, or began to.
    pub(crate) fn was_sent(&self) -> bool {
        self.asked
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    fn is_set(&self) -> bool {
        matches!(self.request, Request::Set(_))
    }

    /// Something wrong was heard.
    fn hears(&mut self, heard: Heard) {
        self.heard = heard;
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) = &mut self.phase {
            // The time itself is set when the bytes of this arrival are through.
            wait.quiet = wait.quiet.or(Some(wait.end));
        }
    }

    /// A sound frame came that can be an answer: an end, unless another one says otherwise.
    fn judge(&mut self, frame: &Frame<'_>, bytes: &[u8]) {
        let outcome = match (&self.request, frame.kind()) {
            (Request::Query(query), FrameKind::Data) => match self.answer(*query, frame, bytes) {
                Ok(answer) => Outcome::Answer(answer),
                Err(heard) => return self.hears(heard),
            },
            (Request::Set(_), FrameKind::Accepted) => Outcome::Accepted,
            (_, FrameKind::Refused) => Outcome::Refused,
            (_, kind) => return self.hears(Heard::Other(format!("{kind}: {}", show(bytes)))),
        };
        match &self.outcome {
            None => self.outcome = Some(outcome),
            Some(known) if known.agrees(&outcome) => {}
            Some(_) => {
                self.outcome = None;
                self.hears(Heard::Other("two replies that differ".to_owned()));
            }
        }
    }

    fn answer(&mut self, query: Query, frame: &Frame<'_>, bytes: &[u8]) -> Result<Answered, Heard> {
        let (reply, extra) = reply_to(query, frame).map_err(|why| match why {
            NotReply::Unreadable(error) => Heard::Unreadable(error),
            NotReply::Other => Heard::Other(format!("a reply to something else: {}", show(bytes))),
        })?;
        let wrong_length = frame.wrong_length();
        // A lost byte can leave the checksum right by chance, but hardly twice alike.
        if let Some(wrong) = wrong_length
            && self.misstated.replace(wrong) != wrong_length
        {
            return Err(Heard::Other(format!("a reply of wrong length: {wrong}")));
        }
        let mut warnings: Vec<_> = frame.warnings().map(|warning| warning.to_string()).collect();
        warnings.extend((!extra.is_empty()).then(|| extra.to_string()));
        Ok(Answered { reply, frame: bytes.to_vec(), warnings })
    }
}

impl Outcome {
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Answer(a), Self::Answer(b)) => a.frame == b.frame,
            (Self::Accepted, Self::Accepted) | (Self::Refused, Self::Refused) => true,
            _ => false,
        }
    }
}

impl Wait {
    fn until(self) -> Instant {
        self.quiet.map_or(self.end, |quiet| quiet.min(self.end))
    }
}

impl Dialogue {
    /// `in_step` if nothing can be on its way from before.
    pub(crate) fn new(config: Config, in_step: bool) -> Self {
        Self {
            config,
            reader: FrameReader::new(),
            in_step,
            shared: false,
            crowd: Crowd::default(),
            fences: Fences::default(),
            spoke: false,
        }
    }

    /// Returns the dialogue for a link over which other hosts may ask the same unit, if they may.
    pub(crate) fn on_shared_link(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The link was opened anew or lost.
    pub(crate) fn lose_step(&mut self) {
        self.in_step = false;
        self.reader = FrameReader::new();
    }

    /// What to do next.
    pub(crate) fn next(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        match exchange.outcome.take() {
            Some(Outcome::Answer(answered))
                if self.shared && exchange.needs_confirmation(&answered) =>
            {
                return self.confirm(exchange, answered, now);
            }
            Some(outcome) => return Step::Done(outcome),
            None => {}
        }
        match exchange.phase {
            Phase::Draining => {
                let end = *exchange.drain_until.get_or_insert(now + self.config.settle);
                if now <= end {
                    return Step::Drain;
                }
                self.end_draining(exchange);
                self.next(exchange, now)
            }
            Phase::Ready if exchange.tries_left == 0 => self.give_up(exchange, now),
            Phase::Ready => self.send(exchange, now),
            Phase::Fencing(_, wait) | Phase::Asking(wait) | Phase::Confirming(_, wait)
                if now < wait.until() =>
            {
                Step::Receive(wait.until())
            }
            Phase::Fencing(..) | Phase::Asking(_) | Phase::Confirming(..) => {
                self.try_again(exchange, now)
            }
        }
    }

    /// It is sent, and the time for the reply begins: a link may have looked for its unit first.
    pub(crate) fn sent(&self, exchange: &mut Exchange, now: Instant) {
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) | Phase::Confirming(_, wait) =
            &mut exchange.phase
        {
            wait.end = (now + self.config.timeout).min(exchange.deadline);
        }
    }

    /// Takes bytes that were there before anything was sent; none once all are taken.
    pub(crate) fn drained(&mut self, exchange: &mut Exchange, bytes: &[u8]) {
        if !bytes.is_empty() {
            exchange.drained += bytes.len();
            exchange.unframed.add(bytes);
            if exchange.stray.is_none() && bytes.iter().any(|&byte| byte != 0) {
                exchange.stray = Some(show(bytes));
            }
            if exchange.drained > MAX_DRAINED {
                self.lose_step();
                exchange.flooded(exchange.drained);
            }
            return;
        }
        self.end_draining(exchange);
    }

    fn end_draining(&mut self, exchange: &mut Exchange) {
        exchange.drain_until = None;
        let unfinished = self.reader.flush().is_some();
        let stray = exchange.stray.take().or_else(|| unfinished.then(|| show(&[])));
        if let Some(stray) = stray {
            exchange.heard = Heard::Other(format!("{stray}, which nobody asked for"));
            self.lose_step();
            if exchange.fenced {
                exchange.tries_left -= 1;
            }
        }
        exchange.phase = Phase::Ready;
    }

    /// Takes what came.
    pub(crate) fn received(&mut self, exchange: &mut Exchange, mut bytes: &[u8], now: Instant) {
        exchange.received += bytes.len();
        if exchange.received > MAX_RECEIVED {
            self.lose_step();
            return exchange.flooded(exchange.received);
        }
        let any = !bytes.is_empty();
        while let Some(received) = self.reader.next(&mut bytes) {
            let (frame, raw) = match received {
                Received::Discarded { error, bytes } => {
                    exchange.unframed.add(bytes);
                    exchange.contradict(None);
                    exchange.hears(Heard::Noise(error));
                    continue;
                }
                Received::Frame { frame, bytes, skipped } => {
                    exchange.unframed.clear();
                    if !skipped.is_empty() {
                        exchange.contradict(None);
                        let found = format!("{} before a frame", show(skipped));
                        exchange.hears(Heard::Other(found));
                    }
                    (frame, bytes)
                }
            };
            if matches!(frame.kind(), FrameKind::Query | FrameKind::Set) {
                // The wiring sends back what the host sent.
                continue;
            }
            let not_understood = frame.kind() == FrameKind::NotUnderstood;
            self.spoke |= !not_understood;
            match exchange.phase {
                Phase::Fencing(Some(fence), _) if belongs(fence, &frame) => {
                    self.in_step = true;
                    self.fences.passed(fence);
                    exchange.phase = Phase::Draining;
                }
                Phase::Confirming(Some(fence), _) if belongs(fence, &frame) => {
                    self.fences.passed(fence);
                    self.confirmed(exchange, now);
                }
                Phase::Confirming(..) => {
                    self.crowd.heard(now);
                    exchange.contradict(Some((&frame, raw)));
                }
                // Once something wrong was heard, that was the answer, damaged; what comes behind it
                // is something else.
                Phase::Asking(Wait { quiet: None, .. }) => {
                    exchange.judge(&frame, raw);
                    if exchange.outcome.is_none() {
                        self.crowd.heard(now);
                    }
                }
                Phase::Fencing(..) | Phase::Asking(_) if not_understood => {
                    exchange.hears(Heard::NotUnderstood);
                }
                Phase::Fencing(..) | Phase::Asking(_) => {
                    self.crowd.heard(now);
                    exchange.hears(Heard::Other(format!("{}: {}", frame.kind(), show(raw))));
                }
                Phase::Draining | Phase::Ready => {}
            }
        }
        let settle = now + self.config.settle;
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) = &mut exchange.phase
            && any
            && wait.quiet.is_some()
        {
            wait.quiet = Some(settle);
        }
    }

    fn send(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let wait = Wait { end: (now + self.config.timeout).min(exchange.deadline), quiet: None };
        if self.in_step {
            exchange.asked = true;
            self.fences.request_sent();
            exchange.phase = Phase::Asking(wait);
            return Step::Send(exchange.request.to_frame(self.config.dialect));
        }
        exchange.fenced = true;
        let fence = self.fences.next(exchange.request, now);
        exchange.phase = Phase::Fencing(fence, wait);
        match fence {
            Some(fence) => Step::Send(fence.to_frame(self.config.dialect)),
            None => Step::Receive(wait.until()),
        }
    }

    fn try_again(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let asking = matches!(exchange.phase, Phase::Asking(_));
        self.in_step = false;
        exchange.tries_left -= 1;
        if asking && exchange.is_set() {
            // Never sent twice: it may have been carried out.
            return Step::Done(match exchange.heard {
                Heard::Nothing => Outcome::Silent,
                _ => Outcome::Garbled,
            });
        }
        exchange.phase = Phase::Ready;
        if now >= exchange.deadline {
            return self.give_up(exchange, now);
        }
        self.next(exchange, now)
    }

    fn give_up(&self, exchange: &Exchange, now: Instant) -> Step {
        Step::Done(Outcome::Failed(self.failure(exchange, now)))
    }

    fn failure(&self, exchange: &Exchange, now: Instant) -> Kind {
        let request = exchange.request.to_string();
        let found = match &exchange.heard {
            Heard::Unreadable(source) => {
                return Kind::Reply { request, source: *source };
            }
            Heard::Noise(DecodeError::NotAFrame { found }) if !self.spoke => {
                return Kind::NotPi18 { found: found.to_string() };
            }
            Heard::NotUnderstood if !self.spoke => {
                return Kind::NotPi18 { found: "(NAK to everything".to_owned() };
            }
            Heard::Noise(error) => format!("damaged bytes: {error}"),
            Heard::NotUnderstood => "(NAK, which says that it was not understood".to_owned(),
            Heard::Other(text) => text.clone(),
            Heard::Nothing => "nothing".to_owned(),
        };
        Kind::Timeout { request, waited: now - exchange.started, found }
    }
}

/// The most bytes that are received in one exchange, old ones left aside.
///
/// A unit sends 240 bytes a second over RS-232, and its USB adapter passes on 800 at most: 8,000 in
/// the ten seconds of an exchange.
const MAX_RECEIVED: usize = 1 << 16;

/// The most old bytes that are thrown away before a request: more than a system holds for a
/// connection that was not read for hours while a bridge passed on what other hosts asked.
const MAX_DRAINED: usize = 1 << 23;

fn show(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let text = bytes.get(..SHOWN).unwrap_or(bytes).escape_ascii();
    format!("\"{text}\"{}", if bytes.len() > SHOWN { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fences::PARSED;

    #[test]
    fn a_reply_is_parsed_once() {
        let now = Instant::now();
        for (query, bytes) in
            [(Query::Mode, &b"^D00505\xD9\x9F\r"[..]), (Query::ProtocolId, b"^D00518;\x03\r")]
        {
            let mut dialogue = Dialogue::new(Config::default(), true);
            let mut exchange = Exchange::new(query.into(), dialogue.config(), now);
            dialogue.drained(&mut exchange, &[]);
            assert!(matches!(dialogue.next(&mut exchange, now), Step::Send(_)));
            PARSED.set(0);
            dialogue.received(&mut exchange, bytes, now);
            let step = dialogue.next(&mut exchange, now);
            assert!(matches!(step, Step::Done(Outcome::Answer(_))), "{step:?}");
            assert_eq!(PARSED.get(), 1, "{query}");
        }
    }
}
