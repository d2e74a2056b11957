//! Drives the dialogue on the link: opens the link again, checks who answers, and carries out the steps.

use std::time::Instant;

use pi18_proto::{AnyReply, Query};

use super::{Client, identity};
use crate::{
    Error, Link, StopHandle, TimedReply,
    dialogue::{Exchange, Outcome, Question, Step},
    trace,
};

impl<L: Link> Client<L> {
    /// Sends a request, and returns its exchange with the outcome or the error of the link.
    ///
    /// Opens the link before if it was disconnected, and checks that the expected unit answers. All of it
    /// takes no longer than the deadline of one request.
    ///
    /// # Errors
    /// If the request was not sent, because the link cannot be opened, another unit answers, or the client
    /// is stopped.
    pub(super) fn exchange(
        &mut self,
        request: impl Into<Question>,
    ) -> Result<(Exchange, Result<Outcome, Error>), Error> {
        let question = request.into();
        let started = self.link.now();
        self.observer.started(question, self.dialogue.config());
        let result = self.prepare(question, started).map(|()| self.run(question, started));
        self.observer.ended();
        let (exchange, ended) = result?;
        if let (Some(expected), Ok(Outcome::Reply(reply))) = (self.expected, &ended)
            && let AnyReply::Identity(found) = &reply.reply
        {
            identity::check(self.link.name(), expected, found.serial_number)?;
        }
        Ok((exchange, ended))
    }

    /// Opens the link again if it was disconnected, and checks that the expected unit answers.
    fn prepare(&mut self, question: Question, started: Instant) -> Result<(), Error> {
        self.check_stopped()?;
        let config = self.dialogue.config();
        // Leaves the time for one try.
        let until = started + config.deadline.saturating_sub(config.timeout);
        if self.link.reopen(until)? {
            self.dialogue.lose_step();
            self.identity = None;
            self.is_connected = true;
            trace::reopened(self.link.name());
        }
        let Some(expected) = self.expected else { return Ok(()) };
        if self.identity == Some(expected) || question == Query::Identity.into() {
            return Ok(());
        }
        let (exchange, ended) = self.run(Query::Identity.into(), started);
        exchange.reply(self.link.name(), ended)?;
        match self.identity {
            Some(found) => identity::check(self.link.name(), expected, found),
            None => Ok(()),
        }
    }

    /// Runs one exchange to its end, and returns it with its outcome or the error of the link.
    fn run(&mut self, question: Question, started: Instant) -> (Exchange, Result<Outcome, Error>) {
        self.is_relay_in_step = false;
        let mut exchange = self.dialogue.ask(question, started);
        let ended = self.drive(&mut exchange);
        trace::exchange_ended(self.link.name(), &exchange, &ended, self.link.now());
        match &ended {
            Err(error) if error.is_disconnected() => {
                (self.is_connected, self.identity) = (false, None);
            }
            Err(_) => {}
            Ok(outcome) => {
                self.is_connected = true;
                if let Outcome::Reply(TimedReply { reply: AnyReply::Identity(found), .. }) = outcome
                {
                    self.identity = Some(found.serial_number);
                }
            }
        }
        let ended = ended.map_err(|error| {
            self.dialogue.lose_step();
            self.with_peer_text(error, &mut exchange)
        });
        (exchange, ended)
    }

    /// Carries out the steps of the dialogue until the exchange has ended.
    fn drive(&mut self, exchange: &mut Exchange) -> Result<Outcome, Error> {
        loop {
            if !exchange.has_outcome() {
                self.check_stopped()?;
            }
            let now = self.link.now();
            match self.dialogue.next(exchange, now) {
                Step::Done(outcome) => return Ok(outcome),
                Step::Send(frame) => {
                    let sent = self.link.send(&frame, exchange.deadline());
                    sent.inspect_err(|error| exchange.not_sent(error))?;
                    self.dialogue.sent(exchange, self.link.now());
                }
                Step::Drain => {
                    self.buffer.clear();
                    self.link.receive(&mut self.buffer, now)?;
                    self.dialogue.drained(exchange, &self.buffer);
                }
                Step::Receive(until) => {
                    self.buffer.clear();
                    self.receive(until)?;
                    self.dialogue.received(exchange, &self.buffer, self.link.now());
                }
            }
        }
    }

    /// Receives until bytes arrive or the time has come, in short intervals if the client can be stopped.
    pub(super) fn receive(&mut self, until: Instant) -> Result<(), Error> {
        if self.stop.is_none() {
            return self.link.receive(&mut self.buffer, until);
        }
        loop {
            self.check_stopped()?;
            let interval_end = self.link.now() + StopHandle::INTERVAL;
            self.link.receive(&mut self.buffer, until.min(interval_end))?;
            if !self.buffer.is_empty() || self.link.now() >= until {
                return Ok(());
            }
        }
    }

    pub(super) fn check_stopped(&self) -> Result<(), Error> {
        self.stop.as_ref().map_or(Ok(()), |stop| stop.check(self.link.name()))
    }

    /// Adds the text that the peer sent before it closed the link, such as the reason that a bridge gives.
    fn with_peer_text(&mut self, error: Error, exchange: &mut Exchange) -> Error {
        if !error.is_disconnected() {
            return error;
        }
        // If sending failed, the text was not received yet.
        self.buffer.clear();
        let _ = self.link.receive(&mut self.buffer, self.link.now());
        exchange.with_peer_text(error, &self.buffer)
    }
}
