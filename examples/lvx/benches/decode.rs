//! Throughput of `lvx decode` and of the slow reference that its output is tested against.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the benchmark")]

#[path = "../tests/reference/mod.rs"]
mod reference;

use std::{
    fs,
    process::{Command, Stdio},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn decode(criterion: &mut Criterion) {
    let logs =
        [("polled", reference::log::polled(LINES)), ("mixed", reference::log::log(LINES, 31))];
    for (name, log) in logs {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, &log).unwrap();
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.throughput(Throughput::Elements(u64::try_from(LINES).unwrap()));
        group.sample_size(10);
        group.bench_function("reference", |bencher| bencher.iter(|| reference::decode(&log)));
        group.bench_function("lvx", |bencher| {
            bencher.iter(|| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_lvx"));
                command.arg("decode").arg(file.path()).stdout(Stdio::null());
                command.status().unwrap()
            });
        });
        group.finish();
    }
}

/// Number of lines, so large that the start of the process does not matter.
const LINES: usize = 100_000;

criterion_group!(benches, decode);
criterion_main!(benches);
