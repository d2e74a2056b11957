//! Draws the virtual bank over virtual time, as SVG files in a folder: a sunny day, a cloudy day, a night to the
//! cut-off voltage and the recovery, a charge from 20 to 100 %, and an overload.
//!
//! `cargo run -p pi18-examples --example plot_bank -- docs/physics`
#![expect(clippy::print_stdout, reason = "an example prints")]

mod chart;
mod sample;

use std::{error::Error, path::PathBuf, time::Duration};

use pi18_transport::sim::{Bank, BankConfig, Switches};

/// What happens in one plot.
struct Story {
    name: &'static str,
    title: &'static str,
    /// Switches of the bank of two units.
    switches: &'static str,
    /// Switches that change while the bank runs, with the time in seconds.
    events: &'static [(u64, &'static str)],
    seconds: u64,
}

#[rustfmt::skip]
const STORIES: [Story; 5] = [
    Story { name: "sunny-day", title: "A sunny day without grid", seconds: 24 * 3600,
        switches: "clock=2026-06-21T00:00:00&grid=off&soc=35&capacity=600", events: &[] },
    Story { name: "cloudy-day", title: "A cloudy day with the grid for the rest", seconds: 24 * 3600,
        switches: "clock=2026-03-20T00:00:00&sun=30&gusts=60&soc=30&output-priority=1", events: &[] },
    Story { name: "night", title: "A winter night to cut-off, and the recovery", seconds: 24 * 3600,
        switches: "clock=2026-01-10T14:00:00&grid=off&soc=55", events: &[] },
    Story { name: "charge", title: "A charge from the grid", seconds: 8 * 3600,
        switches: "clock=2026-06-21T20:00:00&sun=0&soc=20&load=500&output-priority=0&charger-priority=1",
        events: &[] },
    Story { name: "overload", title: "An overload of three minutes", seconds: 12 * 60,
        switches: "clock=2026-06-21T20:00:00&sun=0&grid=off&load=3000", events: &[(180, "load=15000"), (360, "load=3000")] },
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    for story in STORIES {
        let switches: Switches = story.switches.parse()?;
        let bank = Bank::new(BankConfig { units: 2, switches: vec![switches; 2] })?;
        let time = Duration::from_secs(story.seconds);
        let samples = sample::record(bank, time, story.events)?;
        let file = folder.join(story.name).with_extension("svg");
        std::fs::write(&file, chart::draw(story.title, &samples)?)?;
        println!("{}", file.display());
    }
    Ok(())
}
