//! The time until a call ends after it was stopped from another thread, with a unit that never answers.
//!
//! At most 50 ms are promised. The benchmark only reports the time: on a machine that is busy with other work, a
//! single sample may take longer.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::{
    io::Read,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use pi18_proto::Mode;
use pi18_transport::{Client, ErrorKind};

fn stop(criterion: &mut Criterion) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp:{}", listener.local_addr().expect("an address"));
    let mut unit = Client::open(&address).expect("a connection");
    let (mut silent, _) = listener.accept().expect("a connection");
    let handle = unit.stop_handle();

    let mut group = criterion.benchmark_group("stop");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    group.bench_function("a query to a silent unit", |bencher| {
        bencher.iter_custom(|count| {
            (0..count)
                .map(|_| {
                    unit.resume();
                    thread::scope(|scope| {
                        let waiting = scope.spawn(|| unit.read::<Mode>());
                        silent.read_exact(&mut [0; 10]).expect("a request");
                        // Until the client waits for the reply: a stop before that ends the query at once.
                        thread::sleep(Duration::from_millis(30));
                        let stopped = Instant::now();
                        handle.stop();
                        let error = waiting.join().expect("a result").expect_err("no reply");
                        let took = stopped.elapsed();
                        assert_eq!(error.kind(), ErrorKind::Stopped);
                        took
                    })
                })
                .sum()
        });
    });
    group.finish();
}

criterion_group!(benches, stop);
criterion_main!(benches);
