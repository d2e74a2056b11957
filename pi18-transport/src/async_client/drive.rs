//! Drives the dialogue on the stream: opens it again, checks who answers, and carries out the steps.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use pi18_proto::{AnyReply, Query};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::{unconstrained, yield_now},
    time,
};

use super::AsyncClient;
use crate::{
    Error, TimedReply,
    client::identity,
    dialogue::{Exchange, Outcome, Question, Step},
    trace,
};

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncClient<S> {
    /// Sends a request, and returns its exchange with the outcome or the error of the stream.
    ///
    /// Opens the stream before if it has ended, and checks that the expected unit answers. All of it takes no
    /// longer than the deadline of one request.
    ///
    /// # Errors
    /// If the request was not sent, because the stream cannot be opened or another unit answers.
    pub(super) async fn exchange(
        &mut self,
        question: Question,
    ) -> Result<(Exchange, Result<Outcome, Error>), Error> {
        let started = now();
        self.prepare(question, started).await?;
        let (exchange, ended) = self.run(question, started).await;
        if matches!(&ended, Ok(Outcome::Reply(reply)) if reply.query == Query::Identity) {
            self.check_identity()?;
        }
        Ok((exchange, ended))
    }

    /// Opens the stream again if it has ended, and checks that the expected unit answers.
    async fn prepare(&mut self, question: Question, started: Instant) -> Result<(), Error> {
        if let Some(reopen) = self.reopen {
            let config = self.dialogue.config();
            // Leaves the time for one try.
            let until = started + config.deadline.saturating_sub(config.timeout);
            if reopen(&mut self.stream, until).await? {
                self.dialogue.lose_step();
                self.identity = None;
                self.is_cut = false;
                trace::reopened(&self.name);
            }
        }
        if self.expected.is_none() || question == Query::Identity.into() {
            return Ok(());
        }
        if self.identity != self.expected {
            let (exchange, ended) = self.run(Query::Identity.into(), started).await;
            exchange.reply(&self.name, ended)?;
        }
        self.check_identity()
    }

    /// Returns an error if another unit than the expected one has answered.
    fn check_identity(&self) -> Result<(), Error> {
        match (self.expected, self.identity) {
            (Some(expected), Some(found)) => identity::check(&self.name, expected, found),
            _ => Ok(()),
        }
    }

    /// Runs one exchange to its end, and returns it with its outcome or the error of the stream.
    ///
    /// If this future is dropped, the dialogue knows that the exchange has no outcome.
    async fn run(
        &mut self,
        question: Question,
        started: Instant,
    ) -> (Exchange, Result<Outcome, Error>) {
        let mut exchange = self.dialogue.ask(question, started);
        let ended = self.drive(&mut exchange).await;
        trace::exchange_ended(&self.name, &exchange, &ended, now());
        let ended = match ended {
            Ok(outcome) => {
                if let Outcome::Reply(TimedReply { reply: AnyReply::Identity(found), .. }) =
                    &outcome
                {
                    self.identity = Some(found.serial_number);
                }
                Ok(outcome)
            }
            Err(error) => {
                if error.is_disconnected() {
                    self.identity = None;
                }
                self.dialogue.lose_step();
                Err(self.with_peer_text(error, &mut exchange).await)
            }
        };
        (exchange, ended)
    }

    /// Adds the text that the peer sent before it closed the stream, such as the reason that a bridge gives.
    async fn with_peer_text(&mut self, error: Error, exchange: &mut Exchange) -> Error {
        if !error.is_disconnected() {
            return error;
        }
        // What is sent next goes over another connection.
        self.is_cut = false;
        // If sending failed, the text was not received yet.
        let unread = self.receive_arrived().await.unwrap_or_default();
        exchange.with_peer_text(error, self.buffer.get(..unread).unwrap_or_default())
    }

    /// Carries out the steps of the dialogue until the exchange has ended.
    async fn drive(&mut self, exchange: &mut Exchange) -> Result<Outcome, Error> {
        loop {
            match self.dialogue.next(exchange, now()) {
                Step::Done(outcome) => return Ok(outcome),
                Step::Send(frame) => {
                    let sent = self.send(&frame, exchange.deadline()).await;
                    sent.inspect_err(|error| exchange.not_sent(error))?;
                    self.dialogue.sent(exchange, now());
                }
                Step::Drain => {
                    let len = self.receive_arrived().await?;
                    let bytes = self.buffer.get(..len).unwrap_or_default();
                    self.dialogue.drained(exchange, bytes);
                }
                Step::Receive(until) => {
                    let len = self.receive(until).await?;
                    let bytes = self.buffer.get(..len).unwrap_or_default();
                    self.dialogue.received(exchange, bytes, now());
                }
            }
        }
    }

    /// Sends a frame until `deadline`.
    async fn send(&mut self, frame: &[u8], deadline: Instant) -> Result<(), Error> {
        let ends_in_time = (self.set_deadline)(&mut self.stream, deadline);
        let spoiled: &[u8] = if self.is_cut { SPOILED_END } else { &[] };
        let bytes = [spoiled, frame].concat();
        let Self { stream, is_cut, .. } = self;
        let write = async {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let written = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, rest)).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                rest = rest.get(written..).unwrap_or_default();
                // Set before the next wait, in which the future may be dropped.
                *is_cut = !rest.is_empty();
            }
            poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await
        };
        let written = if ends_in_time {
            // Its error has more to say than a timeout.
            write.await
        } else {
            let written = time::timeout_at(deadline.into(), write).await;
            written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        written.map_err(|source| self.failed("writing", source))
    }

    /// Waits for bytes until `until`, and returns how many are in the buffer.
    async fn receive(&mut self, until: Instant) -> Result<usize, Error> {
        let read = poll_fn(|cx| self.poll_receive(cx));
        let Ok(read) = time::timeout_at(until.into(), read).await else { return Ok(0) };
        let len = read.map_err(|source| self.failed("reading", source))?;
        self.last_arrival = Some(now());
        Ok(len)
    }

    /// Returns how many bytes have already arrived and are in the buffer.
    async fn receive_arrived(&mut self) -> Result<usize, Error> {
        if let Some(last) = self.last_arrival.take().filter(|_| !self.linger.is_zero()) {
            let arrived = self.receive(last + self.linger).await;
            // Not set while draining: a device that never stops sending would be drained for ever.
            self.last_arrival = None;
            return arrived;
        }
        // A socket of tokio has only the bytes that tokio's driver has noticed, which works while no task is
        // ready. Without the yield, a stray reply could be taken for the reply to the next request.
        yield_now().await;
        let read = poll_fn(|cx| match self.poll_receive(cx) {
            Poll::Pending => Poll::Ready(Ok(0)),
            read @ Poll::Ready(_) => read,
        });
        // A task that has used up its budget would find nothing.
        unconstrained(read).await.map_err(|source| self.failed("reading", source))
    }

    /// Reads into the buffer. The end of the stream is an error.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(&mut self.buffer[..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(match buffer.filled().len() {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            len => Ok(len),
        })
    }

    /// Returns the error of an operation of the stream.
    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        source.downcast().unwrap_or_else(|source| Error::io(&*self.name, action, source))
    }
}

/// Returns the current time of tokio's clock.
fn now() -> Instant {
    time::Instant::now().into_std()
}

/// What ends a frame of which only a part was sent. `^` begins a frame and occurs nowhere else, so the part
/// cannot become a valid request, even for a unit that ignores checksums.
const SPOILED_END: &[u8] = b"^\r";
