//! The dialogue engine: decides what to send, and which of the received bytes are the reply.
//!
//! [`Client`](crate::Client) is a driver of this engine on a [`Link`](crate::Link). Use the engine directly
//! to talk to a unit where no client fits: on another executor, in a simulation, or in a program that owns
//! the connection. The engine has no I/O and no clock. The driver has both, and passes in the bytes and
//! the time.
//!
//! # In step
//!
//! A reply does not name its request, a slow unit may still be answering the previous request, and a
//! connection may hold old bytes. Two facts help: a unit answers in order, and some replies cannot be
//! confused with any other. While every request gets its reply, the next reply belongs to the next
//! request: host and unit are *in step*. [`Dialogue::new`] asks whether they are in step at the start. Pass
//! `true` only if no reply to an earlier request can arrive, as on a connection that was just created by
//! a simulation. For a serial port, a USB device or a TCP connection, pass `false`.
//!
//! # Fences
//!
//! While host and unit are not in step, the engine first sends a *fence*: a query, such as `PI`, with an
//! unmistakable reply that never changes. Everything that arrives before that reply belongs to older
//! requests and is discarded. There are several fences, which are used in turn, so that a late or repeated
//! reply to one is not taken for the reply to the next.
//!
//! A bridge may pass on the replies to several hosts. [`Dialogue::on_shared_link`] states that. On such a
//! link, a reply that could belong to another host counts only if no other reply of the same form arrives
//! before the reply to a fence that is sent after it. Then the engine asks nothing for half a
//! [timeout](crate::ClientConfig::timeout), once in thirty seconds and only if no time passed between two requests. If
//! nothing arrives meanwhile, the request is sent again, and its second reply counts. If anything of another host arrives,
//! three rounds have to agree, and then the engine listens again: the reply counts only if it does not arrive while nothing
//! is asked. The reply to a query that the crate does not know is confirmed by a fence on every link.
//!
//! # What a driver does
//!
//! 1. It calls [`Dialogue::ask`] for each request. Only one exchange can be in progress at a time.
//! 2. It calls [`Dialogue::next`] and carries out the [`Step`], until the step is [`Step::Done`]:
//!
//!    | Step | Task of the driver | Then it calls |
//!    |---|---|---|
//!    | [`Drain`](Step::Drain) | take the bytes that have arrived, without waiting | [`drained`](Dialogue::drained), also with no bytes |
//!    | [`Send`](Step::Send) | send the frame, by [`Exchange::deadline`] | [`sent`](Dialogue::sent) |
//!    | [`Receive`](Step::Receive) | wait until bytes arrive or the given time has come | [`received`](Dialogue::received), also with no bytes |
//!
//!    `drained` with bytes leads to another `Drain`, so the driver takes everything that has arrived.
//! 3. It converts the [`Outcome`] with [`Exchange::reply`], [`Exchange::set_outcome`] or
//!    [`Exchange::raw_reply`] into what the functions of [`Client`](crate::Client) return.
//!
//! All times are on one clock, which must not go back.
//!
//! **An error of the link** ends the exchange. The driver calls [`Dialogue::lose_step`], and passes the
//! error to `reply` or `set_outcome` in place of an outcome. A set command that may have reached the unit
//! then has an outcome, and every other request an error.
//!
//! **A cancelled request** is an exchange that was dropped before `Step::Done`, such as the dropped future
//! of an async driver. Nothing has to be done: the next `ask` calls `lose_step`, so that the next request
//! begins with a fence, and a late reply to the cancelled request is discarded. A driver that no longer
//! knows what was sent or received, for example because its connection was opened again, calls `lose_step`
//! itself. The loss of step costs one query, and no reply is ever taken for another.
//!
//! # Example
//!
//! One exchange by hand, with a unit that is not in step at first:
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use pi18_proto::{AnyReply, Query, WorkingMode};
//! use pi18_transport::{
//!     ClientConfig,
//!     dialogue::{Dialogue, Step},
//! };
//!
//! let mut dialogue = Dialogue::new(ClientConfig::default(), false);
//! let mut now = Instant::now();
//! let mut exchange = dialogue.ask(Query::Mode, now);
//!
//! // Old bytes are taken until there are no more.
//! assert!(matches!(dialogue.next(&mut exchange, now), Step::Drain));
//! dialogue.drained(&mut exchange, b"");
//!
//! // The fence.
//! let Step::Send(frame) = dialogue.next(&mut exchange, now) else { unreachable!() };
//! assert_eq!(*frame, *b"^P005PIq\x8b\r");
//! dialogue.sent(&mut exchange, now);
//!
//! // A late reply to an older request arrives before the reply to the fence.
//! let Step::Receive(until) = dialogue.next(&mut exchange, now) else { unreachable!() };
//! assert_eq!(until, now + Duration::from_secs(2));
//! now += Duration::from_millis(200);
//! dialogue.received(&mut exchange, b"^D00502\xa9\x78\r^D00518;\x03\r", now);
//! assert!(matches!(dialogue.next(&mut exchange, now), Step::Drain));
//! dialogue.drained(&mut exchange, b"");
//!
//! // Now host and unit are in step: the next reply is the reply to the request.
//! let Step::Send(frame) = dialogue.next(&mut exchange, now) else { unreachable!() };
//! assert_eq!(*frame, *b"^P006MOD\xdd\xbe\r");
//! dialogue.sent(&mut exchange, now);
//! assert!(matches!(dialogue.next(&mut exchange, now), Step::Receive(_)));
//! dialogue.received(&mut exchange, b"^D00505\xd9\x9f\r", now);
//!
//! let Step::Done(outcome) = dialogue.next(&mut exchange, now) else { unreachable!() };
//! let timed = exchange.reply("my connection", Ok(outcome))?;
//! let AnyReply::Mode(mode) = timed.reply else { unreachable!() };
//! assert_eq!((mode.working_mode, timed.at), (WorkingMode::HYBRID, now));
//! # Ok::<(), pi18_transport::Error>(())
//! ```

mod confirm;
mod engine;
mod exchange;
mod failure;
mod fences;
mod outcome;
mod question;
mod results;
mod unframed;

pub use engine::{Dialogue, Step};
pub use exchange::Exchange;
pub use failure::Failure;
pub(crate) use fences::answers;
pub use outcome::{Outcome, RawReply, SetOutcome, Timed, TimedReply};
pub use question::Question;
