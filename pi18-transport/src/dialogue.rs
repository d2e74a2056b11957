//! How to ask one thing and know that the answer is the answer. No I/O, no clock.
//!
//! A reply does not say what it answers, and a slow unit may still be answering the question
//! before. Two facts help: a unit answers in order, and the reply to `PI` is `18`, which answers
//! nothing else. As long as every question was answered, the next reply belongs to the next
//! question: both sides are *in step*. After anything else `PI` is asked first, as a fence: all that
//! comes before its reply answers something old.

use std::time::Instant;

use pi18_proto::{
    AnyReply, DecodeError, Frame, FrameKind, FrameReader, FrameWarning, Query, Received, Request,
    RequestFrame,
};

use crate::{Config, error::Kind};

/// What goes on between a host and a unit, from question to question.
#[derive(Debug)]
pub(crate) struct Dialogue {
    config: Config,
    reader: FrameReader,
    step: InStep,
    /// A sound frame has come: whatever is there speaks this protocol.
    spoke: bool,
}

/// Whether the next reply belongs to the next question.
#[derive(Debug)]
struct InStep {
    known: bool,
    /// Replies to `PI` that may still come.
    fences: u32,
    /// How many of them were asked for before the last request: they come before its reply, and so
    /// prove nothing about it.
    old_fences: u32,
}

/// What the driver has to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Take what is there without waiting, and hand it to [`Dialogue::drained`].
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
    heard: Heard,
    /// How a reply misstated its length in an earlier try.
    misstated: Option<FrameWarning>,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Start,
    Ready,
    Fencing(Wait),
    Asking(Wait),
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
            phase: Phase::Start,
            asked: false,
            heard: Heard::Nothing,
            misstated: None,
            outcome: None,
        }
    }

    /// Whether the request itself went out, or began to.
    pub(crate) fn was_sent(&self) -> bool {
        self.asked
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    fn is_fencing(&self) -> bool {
        matches!(self.phase, Phase::Fencing(_))
    }

    fn is_set(&self) -> bool {
        matches!(self.request, Request::Set(_))
    }

    /// Something wrong was heard.
    fn hears(&mut self, heard: Heard) {
        self.heard = heard;
        if let Phase::Fencing(wait) | Phase::Asking(wait) = &mut self.phase {
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
        let (reply, extra) = query.parse_reply(frame.data()).map_err(Heard::Unreadable)?;
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

impl InStep {
    /// Whether this answers a fence and not the request itself.
    fn is_answered_by(&self, frame: &Frame<'_>, exchange: &Exchange) -> bool {
        frame.kind() == FrameKind::Data
            && frame.data() == FENCE_REPLY
            && self.fences > 0
            && (exchange.is_fencing() || exchange.request != Request::Query(FENCE))
    }

    fn answered(&mut self, exchange: &mut Exchange) {
        self.fences -= 1;
        let old = self.old_fences > 0;
        self.old_fences = self.old_fences.saturating_sub(1);
        match (exchange.is_fencing(), old) {
            (true, false) => {
                self.known = true;
                exchange.phase = Phase::Ready;
            }
            (true, true) => exchange.hears(Heard::Other("an old reply to PI".to_owned())),
            (false, _) => {}
        }
    }
}

impl Dialogue {
    /// `in_step` if nothing can be on its way from before.
    pub(crate) fn new(config: Config, in_step: bool) -> Self {
        Self {
            config,
            reader: FrameReader::new(),
            step: InStep { known: in_step, fences: 0, old_fences: 0 },
            spoke: false,
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The link was opened anew or lost.
    pub(crate) fn lose_step(&mut self) {
        self.step.known = false;
        self.reader = FrameReader::new();
    }

    /// What to do next.
    pub(crate) fn next(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        if let Some(outcome) = exchange.outcome.take() {
            // An answer that came while a fence was on its way leaves more to come.
            self.step.known = matches!(exchange.phase, Phase::Asking(_));
            return Step::Done(outcome);
        }
        match exchange.phase {
            Phase::Start => Step::Drain,
            Phase::Ready => self.send(exchange, now),
            Phase::Fencing(wait) | Phase::Asking(wait) if now < wait.until() => {
                Step::Receive(wait.until())
            }
            Phase::Fencing(_) | Phase::Asking(_) => self.try_again(exchange, now),
        }
    }

    /// What was waiting before anything was sent; mostly nothing.
    pub(crate) fn drained(&mut self, exchange: &mut Exchange, bytes: &[u8]) {
        let quiet = bytes.iter().all(|&byte| byte == 0) && self.reader.flush().is_none();
        if !quiet {
            self.lose_step();
        }
        exchange.phase = Phase::Ready;
    }

    /// What came.
    pub(crate) fn received(&mut self, exchange: &mut Exchange, mut bytes: &[u8], now: Instant) {
        let any = !bytes.is_empty();
        while let Some(received) = self.reader.next(&mut bytes) {
            let (frame, raw) = match received {
                Received::Frame { frame, bytes, .. } => (frame, bytes),
                Received::Discarded { error, .. } => {
                    exchange.hears(Heard::Noise(error));
                    continue;
                }
            };
            if matches!(frame.kind(), FrameKind::Query | FrameKind::Set) {
                // The wiring sends back what the host sent.
                continue;
            }
            self.spoke = true;
            if self.step.is_answered_by(&frame, exchange) {
                self.step.answered(exchange);
            } else if matches!(exchange.phase, Phase::Asking(_)) {
                exchange.judge(&frame, raw);
            } else if exchange.asked && exchange.is_fencing() && frame.kind() == FrameKind::Data {
                // Slow, but the answer: it was asked in step, and only fences were since.
                exchange.judge(&frame, raw);
            } else if exchange.is_fencing() {
                exchange.hears(Heard::Other(format!("{}: {}", frame.kind(), show(raw))));
            }
        }
        let settle = now + self.config.settle;
        if let Phase::Fencing(wait) | Phase::Asking(wait) = &mut exchange.phase
            && any
            && wait.quiet.is_some()
        {
            wait.quiet = Some(settle);
        }
    }

    fn send(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let wait = Wait { end: (now + self.config.timeout).min(exchange.deadline), quiet: None };
        if self.step.known {
            exchange.asked = true;
            self.step.old_fences = self.step.fences;
            exchange.phase = Phase::Asking(wait);
            return Step::Send(exchange.request.to_frame(self.config.dialect));
        }
        self.step.fences += 1;
        exchange.phase = Phase::Fencing(wait);
        Step::Send(FENCE.to_frame(self.config.dialect))
    }

    fn try_again(&mut self, exchange: &mut Exchange, now: Instant) -> Step {
        let asking = matches!(exchange.phase, Phase::Asking(_));
        self.step.known = false;
        exchange.tries_left -= 1;
        if asking && exchange.is_set() {
            // Never sent twice: it may have been carried out.
            return Step::Done(match exchange.heard {
                Heard::Nothing => Outcome::Silent,
                _ => Outcome::Garbled,
            });
        }
        if exchange.tries_left == 0 || now >= exchange.deadline {
            return Step::Done(Outcome::Failed(self.failure(exchange, now)));
        }
        exchange.phase = Phase::Ready;
        self.next(exchange, now)
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
            Heard::Noise(error) => format!("damaged bytes: {error}"),
            Heard::Other(text) => text.clone(),
            Heard::Nothing => "nothing".to_owned(),
        };
        Kind::Timeout { request, waited: now - exchange.started, found }
    }
}

/// The question whose reply answers nothing else.
const FENCE: Query = Query::ProtocolId;

const FENCE_REPLY: &[u8] = b"18";

fn show(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let text = bytes.get(..SHOWN).unwrap_or(bytes).escape_ascii();
    format!("\"{text}\"{}", if bytes.len() > SHOWN { "…" } else { "" })
}
