//! Watches several units at the same time on one thread, and prints a line about each every second.
//!
//! Arguments: the number of lines for each unit and the addresses (default: 3, and the virtual units `sim:0`
//! and `sim:1`). A query that takes longer than 900 ms is dropped, which is safe at any time. Ctrl+C ends it.
//!
//! `cargo run -p pi18-examples --example async_monitor -- 60 /dev/hidraw0 tcp:192.168.1.20:8888`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, time::Duration};

use pi18_proto::{GeneralStatus, Identity};
use pi18_transport::AsyncClient;
use tokio::{
    signal,
    task::JoinSet,
    time::{interval, timeout},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let lines = arguments.next().map_or(Ok(3), |count| count.parse())?;
    let mut addresses: Vec<_> = arguments.collect();
    if addresses.is_empty() {
        addresses = vec!["sim:0".to_owned(), "sim:1".to_owned()];
    }
    let mut units: JoinSet<_> =
        addresses.into_iter().map(|address| watch(address, lines)).collect();

    loop {
        tokio::select! {
            ended = units.join_next() => match ended {
                Some(ended) => ended?.unwrap_or_else(|error| println!("{error:#}")),
                None => return Ok(()),
            },
            // The tasks are dropped, even in the middle of their queries.
            pressed = signal::ctrl_c() => return Ok(pressed?),
        }
    }
}

async fn watch(address: String, lines: usize) -> Result<(), pi18_transport::Error> {
    let mut unit = AsyncClient::open(&address).await?;
    let serial = unit.read::<Identity>().await?.serial_number;
    let mut second = interval(Duration::from_secs(1));
    for _ in 0..lines {
        second.tick().await;
        match timeout(Duration::from_millis(900), unit.read::<GeneralStatus>()).await {
            Ok(Ok(status)) => println!(
                "{serial}  battery {} {:>5}  load {}",
                status.battery_voltage, status.battery_direction, status.active_power
            ),
            Ok(Err(error)) => println!("{error:#}"),
            // The next query gets its own reply, not the late one to this query.
            Err(_) => println!("{serial}  no answer in time"),
        }
    }
    Ok(())
}
