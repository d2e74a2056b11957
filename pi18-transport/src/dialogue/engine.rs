//! The engine: a state machine that returns the next step of an exchange.

use std::time::{Duration, Instant};

use pi18_proto::{DecodeError, FrameKind, FrameReader, Query, Received, RequestFrame};

use super::{
    confirm::{Hosts, OtherHosts, Round},
    exchange::{DIFFERENT_REPLIES, Exchange, LastReply, Listen, Phase, UNSURE_REPLY, Wait, show},
    failure::Failure,
    fences::{Fences, belongs},
    outcome::Outcome,
    question::Question,
};
use crate::{ClientConfig, error::Cause};

/// The dialogue with one unit: what is known from one request to the next.
///
/// [The module](super) explains how a driver uses it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the facts are independent of each other")]
pub struct Dialogue {
    config: ClientConfig,
    reader: FrameReader,
    /// Whether the next reply belongs to the next request.
    in_step: bool,
    /// Whether an exchange has begun and has no outcome yet.
    is_asking: bool,
    /// Whether other hosts may use the link.
    is_shared: bool,
    other_hosts: OtherHosts,
    /// Since when nothing was asked, and everything that arrives is received.
    idle_since: Option<Instant>,
    fences: Fences,
    /// Whether a valid frame has arrived, which only a PI18 unit sends.
    is_pi18: bool,
}

/// The next task of the driver, which has the connection.
///
/// There are no other steps: a driver that carries out these four is complete.
#[derive(Debug)]
#[must_use = "the exchange continues only if the step is carried out"]
pub enum Step {
    /// Receive without waiting and pass the bytes to [`Dialogue::drained`], even if there are none.
    Drain,
    /// Send this frame, then call [`Dialogue::sent`].
    Send(RequestFrame),
    /// Receive until this time and pass the bytes to [`Dialogue::received`].
    Receive(Instant),
    /// The exchange has ended.
    Done(Outcome),
}

impl Dialogue {
    /// Creates a dialogue. `in_step` states that no reply to an earlier request can arrive, as on a new
    /// simulated connection. Otherwise, the first request begins with a fence.
    #[must_use]
    pub fn new(config: ClientConfig, in_step: bool) -> Self {
        Self {
            config: config.bounded(),
            reader: FrameReader::new(),
            in_step,
            is_asking: false,
            is_shared: false,
            other_hosts: OtherHosts::default(),
            idle_since: None,
            fences: Fences::default(),
            is_pi18: false,
        }
    }

    /// Sets whether replies to other hosts may arrive, as from a bridge that several hosts use.
    #[must_use]
    pub fn on_shared_link(self, is_shared: bool) -> Self {
        Self { is_shared, ..self }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Begins an exchange at the time `now`. `request` is a query, a set command, or a
    /// [`RawQuery`](pi18_proto::RawQuery).
    ///
    /// If the previous exchange has no outcome, it was cancelled, and this calls
    /// [`lose_step`](Self::lose_step). It also does so for a raw query, whose reply has no known form: a fence
    /// before it makes sure that a duplicate of an earlier reply is not taken for its reply.
    pub fn ask(&mut self, request: impl Into<Question>, now: Instant) -> Exchange {
        let question = request.into();
        if self.is_asking || matches!(question, Question::Raw(_)) {
            self.lose_step();
        }
        self.is_asking = true;
        Exchange::new(question, &self.config, now)
    }

    /// Requires a fence before the next request, and drops the bytes of an incomplete frame.
    ///
    /// Call it after an error of the link, and when the link was opened again.
    pub fn lose_step(&mut self) {
        self.in_step = false;
        self.reader = FrameReader::new();
        self.idle_since = None;
    }

    /// Returns whether the next reply belongs to the next request.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step
    }

    /// States that another program sent a request over the link, and that its reply may still arrive.
    pub(crate) fn note_unanswered(&mut self, question: Question, now: Instant) {
        self.lose_step();
        self.fences.sent_by_other(question, now);
    }

    /// Returns the next task of the driver. `exchange` is the last one that [`ask`](Self::ask) returned.
    pub fn next(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let step = self.step(exchange, now);
        if matches!(step, Step::Done(_)) {
            self.is_asking = false;
            self.idle_since = Some(now);
        }
        step
    }

    fn step(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        match exchange.outcome.take() {
            Some(reply) if exchange.confirmation.is_needed(&reply, self.is_shared) => {
                return self.confirm(exchange, reply, now);
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
                self.step(exchange, now)
            }
            Phase::Ready if exchange.tries_left == 0 || now >= exchange.deadline => {
                self.give_up(exchange, now)
            }
            Phase::Ready => self.send(exchange, now),
            Phase::Fencing(_, wait) | Phase::Asking(wait) | Phase::Confirming(_, wait)
                if now < wait.end() =>
            {
                Step::Receive(wait.end())
            }
            Phase::Fencing(..) | Phase::Asking(_) | Phase::Confirming(..) => {
                self.try_again(exchange, now)
            }
            Phase::Listening(_) if now >= exchange.deadline => self.give_up(exchange, now),
            Phase::Listening(listen) if now < listen.end => {
                Step::Receive(listen.end.min(exchange.deadline))
            }
            Phase::Listening(_) => {
                self.end_listening(exchange, now);
                self.step(exchange, now)
            }
        }
    }

    /// States that the frame of [`Step::Send`] was sent. The time for the reply starts `now`: a link may have
    /// searched for its unit before sending.
    pub fn sent(&mut self, exchange: &mut Exchange, now: Instant) {
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) | Phase::Confirming(_, wait) =
            &mut exchange.phase
        {
            wait.end = (now + self.config.timeout).min(exchange.deadline);
        }
        if matches!(exchange.phase, Phase::Asking(_)) {
            exchange.confirmation.sent(now);
        }
    }

    /// Takes the bytes of [`Step::Drain`], which arrived before anything was sent. No bytes mean that there are
    /// no more.
    pub fn drained(&mut self, exchange: &mut Exchange, bytes: &[u8]) {
        if !bytes.is_empty() {
            exchange.drained += bytes.len();
            exchange.unframed.add(bytes);
            if exchange.stray.is_none() && bytes.iter().any(|&byte| byte != 0) {
                exchange.stray = Some(show(bytes));
            }
            if exchange.drained > MAX_DRAINED {
                self.lose_step();
                exchange.end_flooded(exchange.drained);
            }
            return;
        }
        self.end_draining(exchange);
    }

    /// Ends draining. Old bytes require a fence; if they arrived after a fence, they cost a try.
    fn end_draining(&mut self, exchange: &mut Exchange) {
        let end = exchange.drain_until.take();
        let is_unfinished = self.reader.flush().is_some();
        let stray = exchange.stray.take().or_else(|| is_unfinished.then(|| show(&[])));
        let idle =
            self.idle_since.take().map(|since| exchange.started.saturating_duration_since(since));
        if exchange.drained == 0 && idle.is_some_and(|idle| idle >= self.listening_time()) {
            self.other_hosts.note_quiet(exchange.started);
        }
        if let Some(stray) = stray {
            if let Some(end) = end {
                self.other_hosts.note(end);
            }
            exchange.last_reply = LastReply::Other(format!("unsolicited bytes: {stray}"));
            self.lose_step();
            if exchange.is_fenced {
                exchange.lose_try();
            }
        }
        exchange.phase = Phase::Ready;
    }

    /// Takes the bytes of [`Step::Receive`], which arrived until `now`. No bytes mean that none arrived until
    /// the time of the step.
    pub fn received(&mut self, exchange: &mut Exchange, mut bytes: &[u8], now: Instant) {
        exchange.received += bytes.len();
        if exchange.received > MAX_RECEIVED {
            self.lose_step();
            return exchange.end_flooded(exchange.received);
        }
        let is_arrival = !bytes.is_empty();
        if is_arrival && matches!(exchange.phase, Phase::Listening(_)) {
            self.other_hosts.note(now);
            exchange.hear(now);
        }
        while let Some(received) = self.reader.next(&mut bytes) {
            let (frame, raw) = match received {
                Received::Discarded { error, bytes } => {
                    exchange.unframed.add(bytes);
                    exchange.contradict(None);
                    exchange.note(LastReply::Noise(error));
                    continue;
                }
                Received::Frame { frame, bytes, skipped } => {
                    exchange.unframed.clear();
                    if !skipped.is_empty() {
                        exchange.contradict(None);
                        let found = format!("{} before a frame", show(skipped));
                        exchange.note(LastReply::Other(found));
                    }
                    (frame, bytes)
                }
            };
            if matches!(frame.kind(), FrameKind::Query | FrameKind::Set) {
                // An echo of the request, caused by the wiring.
                continue;
            }
            let is_not_understood = frame.kind() == FrameKind::NotUnderstood;
            self.is_pi18 |= !is_not_understood;
            match exchange.phase {
                Phase::Fencing(Some(fence), _) if belongs(fence, &frame) => {
                    self.in_step = true;
                    self.fences.passed(fence);
                    exchange.phase = Phase::Draining;
                }
                Phase::Confirming(Some(fence), _) if belongs(fence, &frame) => {
                    self.fences.passed(fence);
                    self.end_round(exchange, now);
                }
                Phase::Confirming(..) => {
                    // It may be the reply to this client, and the one that waits another host's.
                    self.other_hosts.note(now);
                    exchange.contradict(Some((&frame, raw)));
                }
                Phase::Listening(_) => exchange.contradict_by_other_host(raw),
                // An unexpected arrival before this frame was the damaged reply to the request, so this
                // frame belongs to another request.
                Phase::Asking(Wait { quiet: None, .. }) => {
                    exchange.judge(&frame, raw, now);
                    if exchange.outcome.is_none() {
                        self.other_hosts.note(now);
                    }
                }
                Phase::Fencing(..) | Phase::Asking(_) => {
                    self.other_hosts.note(now);
                    exchange.note(if is_not_understood {
                        LastReply::NotUnderstood
                    } else {
                        LastReply::Other(format!("{}: {}", frame.kind(), show(raw)))
                    });
                }
                Phase::Draining | Phase::Ready => self.other_hosts.note(now),
            }
        }
        let settled = now + self.config.settle;
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) = &mut exchange.phase
            && is_arrival
            && wait.quiet.is_some()
        {
            wait.quiet = Some(settled);
        }
    }

    /// Sends the request if client and unit are in step, or else a fence.
    fn send(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let wait = self.wait(exchange, now);
        if self.in_step {
            exchange.is_sent = true;
            self.fences.request_sent();
            exchange.phase = Phase::Asking(wait);
            return Step::Send(exchange.question.to_frame(self.config.dialect));
        }
        exchange.is_fenced = true;
        let fence = self.fences.next(exchange.question, now);
        exchange.phase = Phase::Fencing(fence, wait);
        self.send_fence(fence, wait)
    }

    /// Sends a fence after a reply. The unit answers in order, so another reply to the request would
    /// arrive before the reply to the fence.
    fn confirm(&mut self, exchange: &mut Exchange, reply: Outcome, now: Instant) -> Step {
        let wait = self.wait(exchange, now);
        let fence = self.fences.next(exchange.question, now);
        exchange.phase = Phase::Confirming(fence, wait);
        exchange.confirmation.begin(reply);
        self.send_fence(fence, wait)
    }

    /// Ends the exchange or begins another round, once the fence after a reply was answered.
    fn end_round(&mut self, exchange: &mut Exchange, now: Instant) {
        exchange.phase = Phase::Draining;
        let hosts = if self.is_shared { self.other_hosts.on_shared_link(now) } else { Hosts::One };
        match exchange.confirmation.end_round(hosts, now) {
            Round::Confirmed(reply) => exchange.outcome = Some(reply),
            Round::Unheard => {
                let end = now + self.listening_time();
                exchange.phase =
                    Phase::Listening(Listen { time: Duration::ZERO, end, is_heard: false });
            }
            Round::Agreed(time) => {
                exchange.last_reply = LastReply::Other(UNSURE_REPLY.to_owned());
                let end = now + self.config.timeout;
                exchange.phase = Phase::Listening(Listen { time, end, is_heard: false });
            }
            Round::Unsure => {}
            Round::Different => {
                exchange.last_reply = LastReply::Other(DIFFERENT_REPLIES.to_owned());
                exchange.lose_try();
            }
            Round::Withdrawn => exchange.lose_try(),
        }
    }

    /// Returns how long nothing has to arrive until other hosts count as quiet.
    fn listening_time(&self) -> Duration {
        self.config.timeout / 2
    }

    /// Ends the time in which nothing was asked.
    fn end_listening(&mut self, exchange: &mut Exchange, now: Instant) {
        if matches!(exchange.phase, Phase::Listening(Listen { is_heard: false, .. })) {
            self.other_hosts.note_quiet(now);
        }
        exchange.phase = Phase::Draining;
        exchange.outcome = exchange.confirmation.end_listening();
    }

    fn wait(&self, exchange: &Exchange, now: Instant) -> Wait {
        Wait::until((now + self.config.timeout).min(exchange.deadline))
    }

    fn send_fence(&self, fence: Option<Query>, wait: Wait) -> Step {
        match fence {
            Some(fence) => Step::Send(fence.to_frame(self.config.dialect)),
            None => Step::Receive(wait.end()),
        }
    }

    /// Ends a try without a reply, and begins the next one if possible.
    fn try_again(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let was_asking = matches!(exchange.phase, Phase::Asking(_));
        self.in_step = false;
        exchange.lose_try();
        if was_asking && exchange.question.is_set() {
            // A set command is never sent twice: the unit may have carried it out.
            return Step::Done(match exchange.last_reply {
                LastReply::Nothing => Outcome::Silent,
                _ => Outcome::Garbled,
            });
        }
        exchange.phase = Phase::Ready;
        self.step(exchange, now)
    }

    fn give_up(&self, exchange: &Exchange, now: Instant) -> Step {
        Step::Done(Outcome::Failed(Failure::new(self.failure(exchange, now))))
    }

    fn failure(&self, exchange: &Exchange, now: Instant) -> Cause {
        let request = exchange.question.to_string();
        let found = match &exchange.last_reply {
            LastReply::Unreadable(source) => {
                return Cause::Reply { request, source: *source };
            }
            LastReply::Noise(DecodeError::NotAFrame { found }) if !self.is_pi18 => {
                return Cause::NotPi18 { found: found.to_string() };
            }
            LastReply::NotUnderstood if !self.is_pi18 => {
                return Cause::NotPi18 { found: "(NAK to every request".to_owned() };
            }
            LastReply::Noise(error) => Some(format!("damaged bytes: {error}")),
            LastReply::NotUnderstood => Some("(NAK: request not understood".to_owned()),
            LastReply::Other(text) => Some(text.clone()),
            LastReply::Nothing => None,
        };
        Cause::Timeout { request, waited: now - exchange.started, found }
    }
}

/// Maximum number of bytes received in one exchange, without the drained ones.
///
/// A unit sends 240 bytes a second over RS-232, and its USB adapter passes on at most 800: 8,000 in the
/// ten seconds of an exchange.
const MAX_RECEIVED: usize = 1 << 16;

/// Maximum number of old bytes that are discarded before a request: more than an operating system
/// buffers for a connection that was not read for hours while a bridge passed on the traffic of other
/// hosts.
const MAX_DRAINED: usize = 1 << 23;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::fences::PARSED;

    #[test]
    fn reply_is_parsed_once() {
        let now = Instant::now();
        for (query, bytes) in
            [(Query::Mode, &b"^D00505\xD9\x9F\r"[..]), (Query::ProtocolId, b"^D00518;\x03\r")]
        {
            let mut dialogue = Dialogue::new(ClientConfig::default(), true);
            let mut exchange = dialogue.ask(query, now);
            dialogue.drained(&mut exchange, &[]);
            assert!(matches!(dialogue.next(&mut exchange, now), Step::Send(_)));
            PARSED.set(0);
            dialogue.received(&mut exchange, bytes, now);
            let step = dialogue.next(&mut exchange, now);
            assert!(matches!(step, Step::Done(Outcome::Reply(_))), "{step:?}");
            assert_eq!(PARSED.get(), 1, "{query}");
        }
    }
}
