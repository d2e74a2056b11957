//! `lvx watch`: shows a bank in the terminal, continuously.
//!
//! Other threads read the units or the bridge and put an `Overview` into [`Latest`]; this thread draws it. So a
//! silent unit never delays a key.

mod answers;
mod app;
mod bridge;
mod direct;
mod draw;
mod event;
mod history;
mod judge;
mod latest;
mod lines;
mod packs;
mod poll;
mod request;
mod screen;
mod view;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use self::{latest::Latest, request::Bridge};
use crate::{
    args,
    terminal::{Failure, Status, Stdout, hold_notes},
    units::bank_addresses,
};

pub(crate) fn run(args: &args::Watch, out: &mut Stdout) -> Result<Status, Failure> {
    // Programs such as Emacs' shell announce a terminal without cursor movement in this way.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_screen = io::stdout().is_terminal() && !is_dumb;
    let (latest, events, _held) = if let Some(url) = &args.bridge {
        let bridge = Bridge::new(url, args.bank.as_deref(), args.token_file.as_deref())?;
        let (latest, events) = Latest::new("Asking the bridge", BRIDGE_SPAN);
        history::start(bridge.clone(), latest.clone())?;
        bridge::start(bridge, latest.clone())?;
        (latest, events, None)
    } else {
        let addresses = bank_addresses(&args.units)?.with_a_unit()?;
        // A note, such as that a bridge is not used, would be printed onto the screen.
        let held = is_screen.then(hold_notes);
        let (latest, events) = Latest::new("Reading the units", direct::span(args.every));
        direct::start(addresses, args.every, latest.clone())?;
        (latest, events, held)
    };
    if is_screen { app::run(&latest, &events) } else { lines::run(&latest, &events, out) }
}

/// Span of the chart that is seen through a bridge, which may read less often than this program would.
const BRIDGE_SPAN: Duration = Duration::from_mins(1);
