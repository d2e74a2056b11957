//! The time of an exchange on a pty at 2400 baud.
//!
//! A request of 10 bytes and a reply of 111 bytes, with ten bits per byte, take 504.2 ms. At most 2 % more
//! (514 ms) is allowed.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pi18_proto::GeneralStatus;
use pi18_transport::{
    Client,
    sim::{Bank, BankConfig, SharedBank, serve_pty},
};

fn exchange(criterion: &mut Criterion) {
    let switches = vec!["pace=2400&frozen=on".parse().expect("switches")];
    let bank = Bank::new(BankConfig { units: 2, switches }).expect("a bank");
    let served = serve_pty(&SharedBank::real_time(bank), 0).expect("a pty");
    let mut client = Client::open(&format!("serial:{}", served.path())).expect("a port");
    client.read::<GeneralStatus>().expect("the first reply, after a fence");

    let mut group = criterion.benchmark_group("2400 baud");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(6))
        .warm_up_time(Duration::from_secs(1));
    group.bench_function("GS on a pty", |bencher| {
        bencher.iter(|| client.read::<GeneralStatus>().expect("a reply"));
    });
    group.finish();
}

criterion_group!(benches, exchange);
criterion_main!(benches);
