//! Measures how long tasks take on ptys at 2400 baud, and compares it with the time that their bytes need
//! at ten bits each.
//!
//! Fails if a task takes longer than its limit, except with `--test`, which only runs it.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::BytesMut;
use lvx_parallel::{BankSnapshot, Checks, Member, Questions};
use pi18_transport::{
    Address, Client, Error, Link,
    sim::{Bank, BankConfig, SharedBank, serve_pty},
};

/// A link that counts bytes.
struct Counting(Box<dyn Link + Send>, Arc<AtomicUsize>);

impl Link for Counting {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.1.fetch_add(bytes.len(), Ordering::Relaxed);
        self.0.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let before = buffer.len();
        self.0.receive(buffer, deadline)?;
        self.1.fetch_add(buffer.len() - before, Ordering::Relaxed);
        Ok(())
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

/// Reads a bank on ptys once, prints how long it took, and returns whether that is within `limit`.
fn measure(
    task: &str,
    units: usize,
    limit: Duration,
    read: impl FnOnce(Vec<Member<Counting>>) -> BankSnapshot,
) -> bool {
    let switches = vec!["pace=2400&slave=06126".parse().expect("switches")];
    let bank = SharedBank::real_time(Bank::new(BankConfig { units, switches }).expect("a bank"));
    let served: Vec<_> = (0..units).map(|unit| serve_pty(&bank, unit).expect("a pty")).collect();
    let mut counts = Vec::new();
    let members = served.iter().map(|served| {
        let address: Address = format!("serial:{}", served.path()).parse().expect("an address");
        let count = Arc::new(AtomicUsize::new(0));
        counts.push(Arc::clone(&count));
        let link = Counting(address.link().expect("a port"), count);
        Member::new(address.place(), Client::with_config(link, *address.config()))
    });
    let members = members.collect();
    let start = Instant::now();
    let bank = read(members);
    let took = start.elapsed();
    assert!(bank.is_complete(), "{task}: expected every answer");
    let max = counts.iter().map(|count| count.load(Ordering::Relaxed)).max().unwrap_or(0);
    let bytes = u32::try_from(max).expect("a number of bytes");
    let needed = Duration::from_secs(10) * bytes / 2400;
    println!("{task:<34} {took:>7.2?}, {bytes} bytes need {needed:.2?}, limit {limit:.2?}");
    took <= limit
}

fn main() -> ExitCode {
    let fault = Checks::default().only(["fault"]).expect("the rule");
    let all = Checks::default();
    let is_within = [
        measure("compare, two units", 2, Duration::from_millis(1400), |units| {
            BankSnapshot::read_only(units, Questions::SETTINGS)
        }),
        measure("sync-check --only fault, two units", 2, Duration::from_millis(700), |units| {
            fault.read(units)
        }),
        measure("sync-check, nine units", 9, Duration::from_millis(5500), |units| all.read(units)),
    ];
    let is_judged = !std::env::args().any(|argument| argument == "--test");
    if is_judged && is_within.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
