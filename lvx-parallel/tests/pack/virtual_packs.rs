//! Virtual packs, which write their registers themselves, read by the client.

use std::{net::TcpListener, time::Duration};

use lvx_parallel::pack::{
    Centiamperes, Family, Live, MapError, PackAddress, PackClient, Request, Status,
};
use pi18_proto::{GeneralStatus, Percent};
use pi18_transport::{
    Client, Link,
    bytes::BytesMut,
    sim::{Bank, BankConfig, PackLink, PackSwitchInfo, SharedBank, serve_pack_pty, serve_pack_tcp},
};

use crate::frames::captured;

fn bank() -> SharedBank {
    SharedBank::virtual_time(Bank::new(BankConfig::default()).unwrap())
}

#[track_caller]
fn switch(bank: &SharedBank, pack: usize, switches: &[&str]) {
    for text in switches {
        bank.with(|bank| bank.switch_pack(pack, text)).unwrap();
    }
}

fn client(bank: &SharedBank, pack: usize) -> PackClient<PackLink> {
    let client = PackClient::new(bank.pack_link(pack), PackAddress::LP4_V2);
    client.with_scales(Family::LP4_V2.scales)
}

/// Reads all packs.
#[track_caller]
fn read(bank: &SharedBank) -> Vec<Live> {
    let packs = bank.with(|bank| bank.packs());
    (0..packs).map(|pack| client(bank, pack).live().unwrap()).collect()
}

fn current(live: &Live) -> f64 {
    live.current.value().unwrap().in_unit()
}

#[test]
fn virtual_pack_sends_the_frame_of_the_forum_byte_by_byte() {
    let frames = captured("live");
    let frame = frames.iter().find(|frame| frame.name == "lp4v2-live").unwrap();
    let cells: Vec<_> = frame.values["cells_mv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| format!("3.{}", cell.as_u64().unwrap() - 3000))
        .collect();
    let bank = bank();
    switch(
        &bank,
        0,
        &[
            "volts=53.76",
            "current=-4.36",
            &format!("cells={}", cells.join(",")),
            "board=21",
            "temperature=20",
            "remaining=90",
            "limit=50",
            "soc=91",
            "cycles=1",
        ],
    );
    let mut link = bank.pack_link(0);
    let deadline = link.now() + Duration::from_secs(1);
    link.send(&Request::live(PackAddress::LP4_V2).to_bytes(), deadline).unwrap();
    let mut reply = BytesMut::new();
    while reply.len() < 83 && link.now() < deadline {
        link.receive(&mut reply, deadline).unwrap();
    }
    assert_eq!(reply, frame.bytes);
}

#[test]
fn packs_divide_the_current_by_their_resistance() {
    let bank = bank();
    let equal = read(&bank);
    let status: GeneralStatus = Client::new(bank.link(0)).read().unwrap();
    assert_eq!(equal.len(), 3);
    for live in &equal {
        assert!((current(live) - current(&equal[0])).abs() < 0.05);
        assert!((live.voltage.in_unit() - status.battery_voltage.in_unit()).abs() < 1.0);
        assert!((i64::from(live.cell_sum()) - i64::from(live.voltage.0) * 10).abs() < 20);
    }
    let total: f64 = equal.iter().map(current).sum();
    switch(&bank, 1, &["resistance=60"]);
    let unequal = read(&bank);
    assert!((unequal.iter().map(current).sum::<f64>() - total).abs() < 0.5);
    assert!((current(&unequal[1]) - current(&unequal[0]) / 2.0).abs() < 0.1, "{unequal:?}");
}

#[test]
fn chain_silences_all_packs_but_the_first_until_it_is_removed() {
    let bank = bank();
    let mut packs: Vec<_> = (0..3).map(|pack| client(&bank, pack)).collect();
    for pack in &mut packs {
        pack.live().unwrap();
    }
    switch(&bank, 0, &["chain=on"]);
    packs[0].live().unwrap();
    for pack in &mut packs[1..] {
        let error = pack.live().unwrap_err();
        assert!(error.is_timeout());
        assert!(error.hint().unwrap().contains("pull the cables between the packs"), "{error:#}");
    }
    switch(&bank, 0, &["chain=off"]);
    for pack in &mut packs {
        pack.live().unwrap();
    }
    switch(&bank, 0, &["summary=on"]);
    let error = packs[0].live().unwrap_err();
    assert!(error.to_string().contains("Growatt"), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<MapError>().is_some());
}

#[test]
fn drifted_counter_differs_at_equal_voltage_and_corrects_itself_at_full() {
    let bank = bank();
    switch(&bank, 1, &["drift=-20"]);
    let packs = read(&bank);
    assert_eq!(packs[0].state_of_charge.0 - packs[1].state_of_charge.0, 20);
    assert_eq!(packs[0].voltage, packs[1].voltage);
    bank.with(|bank| bank.switch(0, "soc=99")).unwrap();
    switch(&bank, 1, &["drift=0"]);
    switch(&bank, 1, &["drift=-30"]);
    bank.link(0).pause(Duration::from_hours(3));
    let packs = read(&bank);
    assert_eq!(packs[1].state_of_charge, Percent(100), "{:?}", packs[1]);
}

#[test]
fn protected_pack_is_disconnected_and_the_others_take_its_current() {
    let bank = bank();
    let before = read(&bank);
    switch(&bank, 2, &["protect=0x0002"]);
    let after = read(&bank);
    assert_eq!(after[2].current.value(), Some(Centiamperes(0)));
    assert!(after[2].status.unwrap().contains(Status::PROTECTING));
    let total: f64 = before.iter().map(current).sum();
    assert!((current(&after[0]) - total / 2.0).abs() < 0.5, "{total}");
    // A bit that full packs were observed with does not disconnect a pack.
    switch(&bank, 2, &["protect=0x1000"]);
    assert!(current(&read(&bank)[2]).abs() > 1.0);
    switch(&bank, 0, &["breaker=off"]);
    assert_eq!(read(&bank)[0].current.value(), Some(Centiamperes(0)));
}

#[test]
fn slow_and_faulty_lines_are_read_in_the_end() {
    let bank = bank();
    switch(&bank, 0, &["opening=35s", "echo=on"]);
    let mut pack = client(&bank, 0);
    pack.wait().unwrap();
    assert!(bank.elapsed() > Duration::from_secs(35));
    switch(&bank, 0, &["opening=0s", "crc=0.3", "silent=0.2", "late=200ms"]);
    let read = (0..50).filter(|_| pack.live().is_ok()).count();
    assert!(read > 35, "{read}");
    switch(&bank, 0, &["cut=on"]);
    assert!(pack.live().unwrap_err().is_disconnected());
}

#[test]
fn label_of_a_virtual_pack_names_its_family() {
    let bank = bank();
    let label = client(&bank, 0).label().unwrap();
    assert_eq!(Family::of(&label), Some(&Family::LP4_V2));
}

#[test]
fn every_switch_of_a_pack_is_documented_and_checked() {
    for info in PackSwitchInfo::LIST {
        let bank = bank();
        let example = info.value.rsplit([' ', '|']).next().unwrap();
        let text = format!("{}={example}", info.name);
        bank.with(|bank| bank.switch_pack(0, &text)).unwrap_or_else(|error| panic!("{error}"));
        let wrong = format!("{}=?", info.name);
        assert!(bank.with(|bank| bank.switch_pack(0, &wrong)).is_err(), "{wrong}");
    }
    let error = bank().with(|bank| bank.switch_pack(0, "drft=1")).unwrap_err();
    assert_eq!(error.to_string(), "switch \"drft\": expected a known switch, perhaps \"drift\"");
    assert!(bank().with(|bank| bank.switch_pack(3, "drift=1")).is_err());
}

#[test]
fn pack_is_served_on_a_terminal_and_over_tcp_and_opened_by_its_address() {
    let bank = Bank::new(BankConfig { units: 2, switches: vec!["frozen=on".parse().unwrap()] });
    let bank = SharedBank::real_time(bank.unwrap());
    let own = client(&bank, 0).live().unwrap().to_registers();
    let check = |address: String| {
        let mut pack = PackClient::open(&address.parse().unwrap()).unwrap();
        pack.wait().unwrap();
        assert_eq!(pack.live().unwrap().to_registers(), own, "{address}");
    };
    // A pack has one line, so it is served in one place at a time.
    let terminal = serve_pack_pty(&bank, 0).unwrap();
    check(format!("pack:{}", terminal.path()));
    drop(terminal);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bridge = serve_pack_tcp(&bank, 0, listener).unwrap();
    check(format!("pack:tcp:{}", bridge.path()));
    let mut pack = PackClient::open(&"sim:pack2?drift=-5".parse().unwrap()).unwrap();
    assert_eq!((pack.name(), pack.address().get()), ("sim:pack2", 64));
    assert!(pack.live().is_ok());
}
