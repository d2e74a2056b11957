//! Snapshots for tests of the outputs.

use std::{sync::Arc, time::Duration};

use lvx_parallel::{
    Severity,
    pack::{Family, Label, Live, Registers},
};
use pi18_proto::{AnyReply, Query, SerialNumber};
use pi18_transport::Client;
use tokio::sync::{mpsc, watch};

use crate::{
    Handle, Now, Request, Snapshot,
    alert::Alert,
    control::ControlView,
    state::{Energy, Held, LinkCounts, LinkState, LinkView, PackView, Totals, UnitView},
};

/// Returns a bank of two virtual units that were just read.
pub(crate) fn bank(now: Now) -> Snapshot {
    Snapshot {
        session: 7,
        seq: 1,
        now,
        started: now,
        site: "home".parse().unwrap(),
        bank: "garage".parse().unwrap(),
        units: vec![Arc::new(unit("unit-1", "sim:0", now)), Arc::new(unit("unit-2", "sim:1", now))],
        packs: Vec::new(),
        totals: Totals { fresh_units: 2, pv_power: Some(3000), ..Totals::default() },
        findings: None,
        judged_at: None,
        alerts: Vec::new(),
        control: ControlView::default(),
    }
}

/// Returns a virtual unit that was just read.
pub(crate) fn unit(name: &str, address: &str, now: Now) -> UnitView {
    let mut client = Client::open(address).unwrap();
    let queries = [Query::GeneralStatus, Query::Mode, Query::RatedInformation];
    let held = queries.map(|query| {
        let reply: AnyReply = client.query(query).unwrap().reply;
        Held {
            query,
            reply: Some((reply, now.instant)),
            failure: None,
            max_age: Duration::from_secs(15),
        }
    });
    UnitView {
        name: name.parse().unwrap(),
        serial: SerialNumber::new(if name == "unit-1" {
            "96132206100410"
        } else {
            "96132206100411"
        })
        .unwrap(),
        link: LinkView {
            address: address.to_owned(),
            state: LinkState::Up,
            since: now.wall,
            counts: LinkCounts { exchanges: 3, connects: 1, ..LinkCounts::default() },
            latency: Some(Duration::from_millis(91)),
        },
        held: held.into(),
        energy: Energy { pv_total: Some(1_234_000), ..Energy::default() },
    }
}

/// Returns a unit that answers, and has answered one question.
pub(crate) fn answering(name: &str, serial: &str, held: Held) -> UnitView {
    UnitView {
        name: name.parse().unwrap(),
        serial: SerialNumber::new(serial).unwrap(),
        link: LinkView {
            address: "sim:0".to_owned(),
            state: LinkState::Up,
            since: Now::system().wall,
            counts: LinkCounts::default(),
            latency: None,
        },
        held: vec![held],
        energy: Energy::default(),
    }
}

/// Returns a pack that was just read: the values of an LP4 v2 that a user published.
pub(crate) fn pack(name: &str, now: Now) -> PackView {
    let mut words = vec![0; 39];
    words[..2].copy_from_slice(&[5376, 0xFE4C]);
    words[2..18].fill(3360);
    (words[4], words[9]) = (3359, 3361);
    words[18..26].copy_from_slice(&[21, 20, 20, 90, 50, 100, 91, 2]);
    (words[30], words[31], words[32]) = (1, 5493, 10752);
    words[33..38].copy_from_slice(&[0x1414, 0x1414, 0, 16, 1000]);
    let live = Live::from_registers(&Registers::new(0, words), &Family::LP4_V2.scales).unwrap();
    let text = *b"LFP-51.2V100Ah-V1.0\0\0\0\0\0Z03T2120240301\0\0\0\0\0\0\0\0";
    let label = text.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)).collect();
    PackView {
        name: name.parse().unwrap(),
        link: LinkView {
            address: format!("pack:/dev/{name}"),
            state: LinkState::Up,
            since: now.wall,
            counts: LinkCounts { exchanges: 2, connects: 1, ..LinkCounts::default() },
            latency: Some(Duration::from_millis(130)),
        },
        label: Some(Label::from_registers(&Registers::new(105, label)).unwrap()),
        live: Some((live, now.instant)),
        failure: None,
        max_age: Duration::from_secs(30),
    }
}

/// Makes a unit unreachable.
pub(crate) fn unplug(bank: &mut Snapshot, index: usize) {
    let unit = Arc::make_mut(&mut bank.units[index]);
    unit.link.state = LinkState::Down { why: "unplugged".to_owned(), retry_at: None };
}

/// Returns an alert.
pub(crate) fn alert(id: &str, severity: Severity, now: Now) -> Alert {
    Alert {
        id: id.to_owned(),
        rule: "battery-voltage".to_owned(),
        severity,
        title: "battery voltages differ".to_owned(),
        why: "the units share one battery".to_owned(),
        advice: vec!["measure at the terminals".to_owned()],
        values: vec![("unit-1".to_owned(), "54.2 V".to_owned())],
        units: Vec::new(),
        since: now.wall,
        raised: now.wall,
        acknowledged: None,
        cleared: None,
    }
}

/// The core's side of a handle.
#[derive(Debug)]
pub(crate) struct FakeCore {
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) requests: mpsc::Receiver<Request>,
}

/// Returns a handle to a bank, and the other side of it.
pub(crate) fn handle(bank: Snapshot) -> (Handle, FakeCore) {
    let (snapshots, receiver) = watch::channel(Arc::new(bank));
    let (sender, requests) = mpsc::channel(4);
    (Handle::new(receiver, sender), FakeCore { snapshots, requests })
}
