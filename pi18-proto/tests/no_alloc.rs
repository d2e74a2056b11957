//! Tests that the crate allocates nothing, with an allocator that counts the allocations of each
//! thread.

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use pi18_proto::{
    Dialect, Frame, FrameReader, GeneralStatus, MAX_FRAME, Message, Observer, Query, Received,
    Reply, Request, SetCommand, Side,
};

const STATUS: &[u8] = b"^D1062232,499,2232,499,1406,1376,028,549,000,000,000,010,095,060,000,000,\
                        0082,0000,1604,0000,0,2,0,1,1,1,1,0D\x12\r";

#[track_caller]
fn assert_no_allocation(run: impl FnOnce()) {
    let AllocationInfo { count_total, .. } = measure(run);
    assert_eq!(count_total, 0);
}

#[test]
fn counter_counts_an_allocation() {
    let allocations = measure(|| drop(black_box(vec![1_u8; 32])));
    assert_eq!(allocations.count_total, 1);
}

#[test]
fn decoding_general_status_does_not_allocate() {
    assert_no_allocation(|| {
        let frame = Frame::parse(black_box(STATUS)).unwrap();
        let status = GeneralStatus::decode(frame.data()).unwrap();
        let mut fields = 0;
        status.visit(&mut |_, _| fields += 1);
        assert_eq!(fields, 28);
    });
}

#[test]
fn encoding_general_status_does_not_allocate() {
    let status = GeneralStatus::decode(Frame::parse(STATUS).unwrap().data()).unwrap();
    assert_no_allocation(|| {
        let mut buffer = [0; MAX_FRAME];
        let len = black_box(status).encode_frame(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], STATUS);
    });
}

#[test]
fn reading_frames_from_a_stream_does_not_allocate() {
    assert_no_allocation(|| {
        let mut reader = FrameReader::new();
        let mut found = 0;
        for chunk in [&b"junk"[..], STATUS, STATUS].iter().flat_map(|bytes| bytes.chunks(8)) {
            let mut rest = chunk;
            while let Some(received) = reader.next(&mut rest) {
                found += usize::from(matches!(received, Received::Frame { .. }));
            }
        }
        assert_eq!(found, 2);
    });
}

#[test]
fn observing_a_conversation_does_not_allocate() {
    assert_no_allocation(|| {
        let mut observer = Observer::new();
        let request = Query::GeneralStatus.to_frame(Dialect::Checksum);
        let mut paired = 0;
        for _ in 0..10 {
            // The second request gets no reply, so requests are forgotten in the end.
            for (side, bytes) in
                [(Side::Host, &*request), (Side::Host, &*request), (Side::Device, STATUS)]
            {
                let mut rest = black_box(bytes);
                while let Some(event) = observer.next(side, &mut rest) {
                    paired += usize::from(matches!(event.message, Message::Reply(_)));
                }
            }
        }
        assert_eq!(paired, 10);
    });
}

#[test]
fn every_request_and_reply_round_trips_without_allocation() {
    for info in Query::LIST {
        assert_no_allocation(|| {
            let query: Query = info.example.parse().unwrap();
            for dialect in [Dialect::Checksum, Dialect::NoChecksum] {
                let frame = query.to_frame(dialect);
                let request = Request::decode(&Frame::parse(&frame).unwrap()).unwrap();
                assert_eq!(request, Request::Query(query));
            }
            let (reply, _) = query.parse_reply(info.sample.as_bytes()).unwrap();
            let mut buffer = [0; MAX_FRAME];
            let len = reply.encode_frame(&mut buffer).unwrap();
            assert!(Frame::parse(&buffer[..len]).is_ok());
        });
    }
    for info in SetCommand::LIST {
        assert_no_allocation(|| {
            let command: SetCommand = info.example.parse().unwrap();
            let frame = command.to_frame(Dialect::Checksum);
            let request = Request::decode(&Frame::parse(&frame).unwrap()).unwrap();
            assert_eq!(request, Request::Set(command));
        });
    }
}

#[test]
fn creating_an_error_does_not_allocate() {
    assert_no_allocation(|| {
        assert!(Frame::parse(black_box(b"^D00506\xD9\x9F\r")).is_err());
        assert!(GeneralStatus::decode(black_box(b"2232,4x9")).is_err());
        assert!(black_box("POP7").parse::<SetCommand>().is_err());
    });
}
