//! The async client at addresses: serial ports, TCP and the virtual bank, in real time.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use pi18_proto::{GeneralStatus, Identity, Mode, SerialNumber};
use pi18_transport::{
    Address, AsyncClient, Client, ErrorKind,
    sim::{Bank, BankConfig, Served, SharedBank, serve_pty, serve_tcp},
};
use tokio::{sync::Barrier, task::JoinSet, time::timeout};

/// Returns a bank in real time whose units have these switches.
fn bank(units: usize, switches: &str) -> SharedBank {
    let switches = vec![switches.parse().unwrap(); units];
    SharedBank::real_time(Bank::new(BankConfig { units, switches }).unwrap())
}

fn on_tcp(bank: &SharedBank, unit: usize) -> Served {
    serve_tcp(bank, unit, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
}

#[tokio::test]
async fn unit_on_a_serial_port_is_read_and_locked() {
    let bank = bank(1, "frozen=on");
    let served = serve_pty(&bank, 0).unwrap();
    let address = format!("serial:{}", served.path());
    let mut client = AsyncClient::open(&address).await.unwrap();
    for _ in 0..3 {
        let status: GeneralStatus = client.read().await.unwrap();
        let correct = bank.with(|bank| bank.peek(0, pi18_proto::Query::GeneralStatus)).unwrap();
        assert_eq!(pi18_proto::AnyReply::from(status), correct);
    }
    let error = AsyncClient::open(&address).await.unwrap_err();
    assert!(error.is_busy(), "{error}");
    drop(client);
    Client::open(&address).unwrap().read::<Mode>().unwrap();
}

#[tokio::test]
async fn unplugged_unit_on_a_serial_port_is_disconnected() {
    let bank = bank(1, "");
    let served = serve_pty(&bank, 0).unwrap();
    let mut client = AsyncClient::open(&format!("serial:{}", served.path())).await.unwrap();
    client.read::<Mode>().await.unwrap();
    bank.with(|bank| bank.disconnect(0));
    drop(served);
    let error = client.read::<Mode>().await.unwrap_err();
    assert!(error.is_disconnected(), "{error}");
}

#[tokio::test]
async fn unit_on_tcp_is_read_until_the_bridge_closes() {
    let bank = bank(1, "");
    let served = on_tcp(&bank, 0);
    let address = format!("tcp:{}", served.path());
    let mut client = AsyncClient::open(&address).await.unwrap();
    client.read::<Mode>().await.unwrap();
    // The bridge serves one client at a time.
    let error = AsyncClient::open(&address).await.unwrap().read::<Mode>().await.unwrap_err();
    assert_eq!(error.hint(), Some("the other end had sent \"Port already in use\""), "{error}");
    drop(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    let error = AsyncClient::open(&address).await.unwrap_err();
    assert_eq!(error.hint(), Some("is the bridge on, and is the port right?"), "{error}");
}

/// Returns a bank of two units and the serial number of the first one.
fn two_units() -> (SharedBank, SerialNumber) {
    (bank(2, ""), SerialNumber::new("96132206100410").unwrap())
}

#[tokio::test]
async fn closed_bridge_is_connected_again_and_the_unit_behind_it_checked() {
    let (bank, serial) = two_units();
    let served = on_tcp(&bank, 0);
    let address = served.path().to_owned();
    let serve = |unit| serve_tcp(&bank, unit, TcpListener::bind(&address).unwrap()).unwrap();
    let client = AsyncClient::open(&format!("tcp:{address}")).await.unwrap();
    let mut client = client.expecting(serial);
    client.read::<Mode>().await.unwrap();

    drop(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    let served = serve(1);
    assert_eq!(client.read::<Mode>().await.unwrap_err().kind(), ErrorKind::WrongUnit);
    assert_eq!(client.set("POP1".parse().unwrap()).await.unwrap_err().kind(), ErrorKind::WrongUnit);
    assert_eq!(bank.with(|bank| bank.set_counts(1)).received, 0);

    drop(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    let served = serve(0);
    client.read::<Mode>().await.unwrap();

    // Nobody sees that the connection has ended but a request that is cancelled while it is opened again.
    drop(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    timeout(Duration::from_millis(50), client.read::<Mode>()).await.unwrap_err();
    let _served = serve(1);
    assert_eq!(client.read::<Mode>().await.unwrap_err().kind(), ErrorKind::WrongUnit);
}

#[tokio::test]
async fn serial_port_that_was_plugged_in_again_is_opened_and_checked() {
    let (bank, serial) = two_units();
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("ttyUSB0");
    let plug_in = |unit| {
        let served = serve_pty(&bank, unit).unwrap();
        std::os::unix::fs::symlink(served.path(), &port).unwrap();
        served
    };
    let unplug = |served: Served| {
        drop(served);
        std::fs::remove_file(&port).unwrap();
    };
    let served = plug_in(0);
    let address = format!("serial:{}?serial={serial}", port.display());
    let mut client = AsyncClient::open(&address).await.unwrap();
    client.read::<Mode>().await.unwrap();

    unplug(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    let served = plug_in(1);
    assert_eq!(client.read::<Mode>().await.unwrap_err().kind(), ErrorKind::WrongUnit);

    unplug(served);
    assert!(client.read::<Mode>().await.unwrap_err().is_disconnected());
    let _served = plug_in(0);
    client.read::<Mode>().await.unwrap();
}

#[tokio::test]
async fn unit_of_the_virtual_bank_is_read_with_the_options_of_its_address() {
    let address: Address = "sim:0?timeout=5s&tries=2".parse().unwrap();
    let mut client = address.open_async().await.unwrap();
    assert_eq!(client.config().timeout, Duration::from_secs(5));
    assert_eq!(client.name(), "sim:0");
    client.read::<Mode>().await.unwrap();
}

#[tokio::test]
async fn address_that_cannot_be_used_is_an_error() {
    for address in ["usb:1", "replay:capture.jsonl", "sim:9", "sn:55355535553555", "/dev/null"] {
        let error = AsyncClient::open(address).await.unwrap_err();
        assert!(error.is_address(), "{address}: {error}");
    }
    let error = AsyncClient::open("/dev/no-such-device").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

/// Polls 100 units at 2400 baud. All of them wait for a reply at the same time.
#[tokio::test]
async fn hundred_units_are_polled_concurrently_on_one_thread() {
    const UNITS: usize = 100;
    const ROUNDS: usize = 2;
    let mut served = Vec::new();
    for start in (0..UNITS).step_by(9) {
        let count = (UNITS - start).min(9);
        let bank = bank(count, "frozen=on&pace=2400");
        for unit in 0..count {
            let serial = format!("serial-number={}", 90_000_000_000_000 + start + unit);
            bank.with(|bank| bank.switch(unit, &serial)).unwrap();
            served.push((on_tcp(&bank, unit), bank.clone(), unit));
        }
    }
    let thread = std::thread::current().id();
    let ready = Arc::new(Barrier::new(UNITS));
    let [waiting, most] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for (served, bank, unit) in served {
        let (ready, waiting, most) = (ready.clone(), waiting.clone(), most.clone());
        tasks.spawn(async move {
            // Patient, because the machine may be busy.
            let address = format!("tcp:{}?timeout=60s", served.path());
            let mut client = AsyncClient::open(&address).await.unwrap();
            ready.wait().await;
            for _ in 0..ROUNDS {
                most.fetch_max(waiting.fetch_add(1, Relaxed) + 1, Relaxed);
                let status: GeneralStatus = client.read().await.unwrap();
                waiting.fetch_sub(1, Relaxed);
                let correct = bank.with(|bank| bank.peek(unit, pi18_proto::Query::GeneralStatus));
                assert_eq!(Some(status.into()), correct);
            }
            let identity: Identity = client.read().await.unwrap();
            (identity.serial_number, std::thread::current().id())
        });
    }
    let mut serials = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (serial, used) = done.unwrap();
        assert_eq!(used, thread);
        serials.push(serial);
    }
    serials.sort_unstable();
    serials.dedup();
    assert_eq!((serials.len(), most.load(Relaxed)), (UNITS, UNITS));
}
