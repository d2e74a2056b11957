//! Frames of other programs that a client relays: their replies and those of the client are never confused.

use std::{cell::Cell, rc::Rc, time::Duration};

use pi18_proto::{Dialect, Identity, Mode, Query, SerialNumber, SetCommand, WorkingMode};
use pi18_transport::{Error, ErrorKind};

use crate::{
    Client,
    line::{Answers, Line, fence, frame, mode, raw},
};

const WAIT: Duration = Duration::from_secs(2);

/// Relays a query, and returns whether it was answered and the bytes that were passed on.
fn relay(client: &mut Client<Line>, query: &str) -> Result<(bool, Vec<u8>), Error> {
    let frame = query.parse::<Query>().unwrap().to_frame(Dialect::Checksum);
    let mut bytes = Vec::new();
    let answered = client.relay(&frame, WAIT, &mut |part| bytes.extend_from_slice(part))?;
    Ok((answered, bytes))
}

/// Returns a client that has asked once, so that it is in step.
fn client(answer: impl FnMut(&str) -> Answers + 'static) -> Client<Line> {
    let mut answer = answer;
    let mut client = Client::new(Line::new(move |request| match request {
        "GMN" => vec![(10, raw("07"))],
        request => answer(request),
    }));
    client.query(Query::MachineModel).unwrap();
    client
}

#[test]
fn relayed_query_is_sent_once_and_its_bytes_are_passed_on() {
    let mut client = client(|_| vec![(12, mode(5))]);
    assert_eq!(relay(&mut client, "MOD").unwrap(), (true, mode(5)));
    // Answered frames follow each other without another query.
    assert_eq!(relay(&mut client, "MOD").unwrap(), (true, mode(5)));
    assert_eq!(client.into_link().sent, ["PI", "GMN", "MOD", "MOD"]);
}

#[test]
fn late_reply_to_a_relayed_frame_is_not_taken_for_an_own_reply() {
    let mut first = true;
    let mut client = client(move |_| {
        if std::mem::take(&mut first) { vec![(2500, mode(2))] } else { vec![(12, mode(5))] }
    });
    assert_eq!(relay(&mut client, "MOD").unwrap(), (false, Vec::new()));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn late_reply_to_a_relayed_fence_does_not_put_the_client_in_step() {
    let (mut fences, mut modes) = (0, 0);
    let mut client = Client::new(Line::with_fences(move |request| match request {
        "PI" => {
            fences += 1;
            // The second one is relayed. Its reply arrives when the client asks for the mode.
            vec![(if fences == 2 { 2100 } else { 10 }, raw("18"))]
        }
        "MOD" => {
            modes += 1;
            vec![(if modes == 1 { 2200 } else { 12 }, mode(if modes == 1 { 2 } else { 5 }))]
        }
        "GMN" => vec![(10, raw("07"))],
        request => vec![(10, fence(request))],
    }));
    client.query(Query::MachineModel).unwrap();
    assert!(!relay(&mut client, "PI").unwrap().0);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    let sent = client.into_link().sent;
    // The fence after the relayed one is another query.
    assert_eq!(sent[..4], ["PI", "GMN", "PI", "ID"], "{sent:?}");
}

#[test]
fn old_bytes_before_a_relayed_frame_are_discarded_after_a_query() {
    let mut client = client(|_| vec![(12, mode(5)), (13, mode(2))]);
    assert_eq!(relay(&mut client, "MOD").unwrap(), (true, mode(5)));
    client.pause(Duration::from_secs(1)).unwrap();
    // The second reply is not passed on with the next frame.
    assert_eq!(relay(&mut client, "MOD").unwrap(), (true, mode(5)));
    assert_eq!(client.into_link().sent, ["PI", "GMN", "MOD", "VFW", "ID", "MOD"]);
}

#[test]
fn unanswered_relay_is_followed_by_a_query_before_the_next_one() {
    let mut count = 0;
    let mut client = client(move |_| {
        count += 1;
        if count == 1 { vec![] } else { vec![(12, mode(5))] }
    });
    assert!(!relay(&mut client, "MOD").unwrap().0);
    assert!(relay(&mut client, "MOD").unwrap().0);
    assert_eq!(client.into_link().sent, ["PI", "GMN", "MOD", "VFW", "ID", "MOD"]);
}

#[test]
fn reply_of_another_form_does_not_end_a_relay() {
    let mut client = client(|_| vec![(5, raw("1,2,3")), (12, mode(5))]);
    let (answered, bytes) = relay(&mut client, "MOD").unwrap();
    assert!(answered);
    assert_eq!(bytes, [raw("1,2,3"), mode(5)].concat());
}

#[test]
fn relay_on_a_lost_link_is_refused_until_the_client_has_asked() {
    let mut client = client(|_| vec![(12, mode(5))]);
    assert!(relay(&mut client, "MOD").unwrap().0);
    let mut line = client.into_link();
    line.gone_after = Some("MOD");
    let mut client = Client::new(line);
    assert!(relay(&mut client, "MOD").unwrap_err().is_disconnected());
    assert!(relay(&mut client, "GS").unwrap_err().is_disconnected());
    let sent = client.into_link().sent;
    assert!(!sent.contains(&"GS".to_owned()), "{sent:?}");
}

#[test]
fn bytes_that_are_no_request_are_not_relayed() {
    let mut client = client(|_| vec![]);
    for bytes in [&b""[..], b"^D00505\xd9\x9f\r", b"^P006MOD\xdd\xbe\r^P006MOD\xdd\xbe\r", b"PF\r"]
    {
        let error = client.relay(bytes, WAIT, &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{bytes:?}");
    }
    assert_eq!(client.into_link().sent, ["PI", "GMN"]);
}

const UNITS: [&str; 2] = ["96132206100410", "96132206100411"];

fn serial(text: &str) -> SerialNumber {
    SerialNumber::new(text).unwrap()
}

/// Returns a client that knows its unit, and a switch that puts the other unit on the line without a disconnect. The
/// unit answers `MOD` only if `is_answering`.
fn swappable(is_answering: bool) -> (Client<Line>, Rc<Cell<usize>>) {
    let unit = Rc::new(Cell::new(0));
    let present = Rc::clone(&unit);
    let mut client = Client::new(Line::with_fences(move |request| match request {
        "ID" => vec![(10, frame(Identity::new(serial(UNITS[present.get()]))))],
        "MOD" if is_answering => vec![(12, mode(5))],
        "MOD" => vec![],
        "POP1" => vec![(12, pi18_proto::ACCEPTED.to_vec())],
        request => vec![(10, fence(request))],
    }));
    client.read::<Identity>().unwrap();
    (client, unit)
}

#[test]
fn set_command_is_not_relayed_to_another_unit() {
    let command = "POP1".parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum);
    let (mut client, unit) = swappable(true);
    assert!(client.relay(&command, WAIT, &mut |_| ()).unwrap());
    // Host and unit are in step, so that only the set command is a reason to ask.
    assert!(relay(&mut client, "MOD").unwrap().0);
    unit.set(1);
    let error = client.relay(&command, WAIT, &mut |_| panic!("nothing is sent")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongUnit);
    assert_eq!(client.identity(), Some(serial(UNITS[1])));
    let sent = client.into_link().sent;
    assert_eq!(sent.iter().filter(|request| *request == "POP1").count(), 1, "{sent:?}");
}

#[test]
fn query_is_not_relayed_if_another_unit_answers_the_query_before_it() {
    let (mut client, unit) = swappable(false);
    assert!(!relay(&mut client, "MOD").unwrap().0);
    unit.set(1);
    let error = relay(&mut client, "GS").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongUnit);
    let sent = client.into_link().sent;
    assert!(!sent.contains(&"GS".to_owned()), "{sent:?}");
}
