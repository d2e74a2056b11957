//! `lvx watch`: shows a bank in the terminal, continuously.
//!
//! Other threads read the units or the bridge and put an [`Overview`] into [`Latest`]; this thread draws it. So a
//! silent unit never delays a key.

mod answers;
mod app;
mod bridge;
mod direct;
mod draw;
mod event;
mod judge;
mod latest;
mod lines;
mod poll;
mod screen;
mod view;

use std::io::{self, IsTerminal};

use self::{bridge::BridgeUrl, latest::Latest};
use crate::{
    args,
    terminal::{Failure, Status, Stdout},
    units::{ask_bridge, bank_addresses},
};

pub(crate) fn run(args: &args::Watch, out: &mut Stdout) -> Result<Status, Failure> {
    let (latest, events) = if let Some(url) = &args.bridge {
        let url = BridgeUrl::new(url, args.bank.as_deref())?;
        let token = bridge::token(args.token_file.as_deref())?;
        let (latest, events) = Latest::new("Asking the bridge");
        bridge::start(url, token, latest.clone())?;
        (latest, events)
    } else {
        let addresses = bank_addresses(&args.units)?;
        // Messages about the bridge are printed before the screen is taken.
        ask_bridge();
        let (latest, events) = Latest::new("Reading the units");
        direct::start(addresses, args.every, latest.clone())?;
        (latest, events)
    };
    // Programs such as Emacs' shell announce a terminal without cursor movement in this way.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if io::stdout().is_terminal() && !is_dumb {
        app::run(&latest, &events)
    } else {
        lines::run(&latest, &events, out)
    }
}
