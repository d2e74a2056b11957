//! Properties of the observer of a conversation.

use pi18_proto::{Event, Message, Observer, Request, Side};

/// Observes both directions of a conversation.
///
/// `data` is a sequence of chunks. The first byte of a chunk has the side in its highest bit and the number
/// of bytes that follow in the others. Every byte is returned once, the split into chunks does not change
/// the events, and a reply is paired only with a request that waits.
///
/// # Panics
/// If the property is violated.
pub fn observer(data: &[u8]) {
    let chunks = chunks(data);
    let whole = observe(&chunks, usize::MAX);
    assert_eq!(observe(&chunks, 1), whole);
}

fn chunks(mut data: &[u8]) -> Vec<(Side, &[u8])> {
    let mut chunks = Vec::new();
    while let Some((&head, rest)) = data.split_first() {
        let side = if head & 0x80 == 0 { Side::Host } else { Side::Device };
        let (chunk, rest) = rest.split_at(usize::from(head & 0x7F).min(rest.len()));
        chunks.push((side, chunk));
        data = rest;
    }
    chunks
}

/// Returns the events as text.
fn observe(chunks: &[(Side, &[u8])], size: usize) -> Vec<String> {
    let mut observer = Observer::<128>::with_capacity();
    let mut events = Vec::new();
    let mut seen = [Vec::new(), Vec::new()];
    for (side, chunk) in chunks {
        for mut rest in chunk.chunks(size) {
            loop {
                let waiting: Vec<_> = observer.waiting().collect();
                let Some(event) = observer.next(*side, &mut rest) else { break };
                events.push(check_event(&event, *side, &waiting, &mut seen));
            }
            assert!(rest.is_empty() && observer.waiting().count() <= 8);
        }
    }
    for side in [Side::Host, Side::Device] {
        if let Some(event) = observer.flush(side) {
            events.push(check_event(&event, side, &[], &mut seen));
        }
    }
    for (side, seen) in [Side::Host, Side::Device].into_iter().zip(seen) {
        let sent = chunks.iter().filter(|(of, _)| *of == side).flat_map(|(_, chunk)| *chunk);
        // Zeros between frames are padding.
        let sent: Vec<_> = sent.copied().filter(|&byte| byte != 0).collect();
        assert_eq!(seen, sent);
    }
    events
}

fn check_event(
    event: &Event<'_>,
    side: Side,
    waiting: &[Request],
    seen: &mut [Vec<u8>; 2],
) -> String {
    assert_eq!(event.side, side);
    let bytes = event.skipped.iter().chain(event.bytes).copied();
    seen[usize::from(side == Side::Device)].extend(bytes.filter(|&byte| byte != 0));
    assert_eq!(event.frame.is_none(), matches!(event.message, Message::Damaged(_)));
    let is_waiting = |request: Request| waiting.contains(&request);
    match event.message {
        Message::Reply(paired) => {
            assert!(is_waiting(paired.query.into()));
            assert_eq!(
                event.frame.map(|frame| paired.query.parse_reply(frame.data())),
                Some(Ok((paired.reply, paired.extra)))
            );
        }
        Message::UnreadableReply { query, .. } => {
            assert!(waiting.iter().all(|request| *request == query.into()));
        }
        Message::Accepted(command) => assert!(is_waiting(command.into())),
        Message::Refused(Some(request)) => {
            assert!(waiting.iter().all(|waiting| *waiting == request));
        }
        Message::Ambiguous(candidates) => assert!(candidates.requests().all(is_waiting)),
        Message::Unasked => assert_eq!(side, Side::Device),
        _ => {}
    }
    assert!(!event.message.to_string().is_empty());
    format!("{event:?}")
}
