//! Decoding and encoding speed on one core: `cargo bench -p pi18-proto --features crc-large`.
//!
//! Decoding a frame includes its start and length, its checksum, and the conversion of every field to
//! its type. The target is five million general status frames per second, in each direction.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pi18_proto::{
    Celsius, DecodeError, Dialect, Frame, FrameReader, GeneralStatus, MAX_FRAME, Query, Received,
    Reply, checksum,
};

/// A general status of a Hybrid V2 5048, `gs-02` in `tests/frames/frames.txt`.
const FRAME: &[u8] = b"^D1062232,499,2232,499,1406,1376,028,549,000,000,000,010,095,060,000,000,\
                       0082,0000,1604,0000,0,2,0,1,1,1,1,0D\x12\r";

fn decode(frame: &[u8]) -> Result<GeneralStatus, DecodeError> {
    GeneralStatus::decode(Frame::parse(frame)?.data())
}

fn codec(criterion: &mut Criterion) {
    let Ok(status) = decode(FRAME) else { return };
    let mut group = criterion.benchmark_group("general_status");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| decode(black_box(FRAME)));
    });
    group.bench_function("encode", |bencher| {
        let mut buffer = [0; MAX_FRAME];
        bencher.iter(|| black_box(&status).encode_frame(black_box(&mut buffer)));
    });
    group.bench_function("reader", |bencher| {
        let mut reader = FrameReader::new();
        bencher.iter(|| {
            let mut rest = black_box(FRAME);
            match reader.next(&mut rest) {
                Some(Received::Frame { frame, .. }) => GeneralStatus::decode(frame.data()).ok(),
                _ => None,
            }
        });
    });
    group.finish();

    // The fast path, and the general one, which processes an unknown field and a sign.
    let mut group = criterion.benchmark_group("data");
    group.throughput(Throughput::Elements(1));
    let data = GeneralStatus::SAMPLE.as_bytes();
    let extended = [data, b",0"].concat();
    let mut frost = status;
    frost.mppt1_temperature = Celsius(-5);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| GeneralStatus::decode(black_box(data)));
    });
    group.bench_function("decode with an unknown field", |bencher| {
        bencher.iter(|| GeneralStatus::decode(black_box(&extended)));
    });
    group.bench_function("encode", |bencher| {
        let mut buffer = [0; MAX_FRAME];
        bencher.iter(|| black_box(&status).encode(black_box(&mut buffer)));
    });
    group.bench_function("encode with a negative temperature", |bencher| {
        let mut buffer = [0; MAX_FRAME];
        bencher.iter(|| black_box(&frost).encode(black_box(&mut buffer)));
    });
    group.finish();

    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Elements(1));
    let covered = FRAME.split_last_chunk::<3>().map_or(FRAME, |(covered, _)| covered);
    group.bench_function("checksum of 108 bytes", |bencher| {
        bencher.iter(|| checksum(black_box(covered)));
    });
    group.bench_function("frame", |bencher| {
        bencher.iter(|| Frame::parse(black_box(FRAME)).map(|frame| frame.data().len()));
    });
    group.bench_function("request", |bencher| {
        bencher.iter(|| black_box(Query::GeneralStatus).to_frame(Dialect::Checksum));
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
