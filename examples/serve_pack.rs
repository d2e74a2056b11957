//! Serves two virtual battery packs to programs that read packs over Modbus: one on a serial port, one on TCP.
//!
//! The arguments are switches of both packs, such as `drift=-20`; `PackSwitchInfo::LIST` describes all. Give a
//! printed address to the other program. The values do not change.
//!
//! `cargo run -p pi18-examples --example serve_pack -- soc=91 current=-4.36`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, net::TcpListener, thread};

use pi18_transport::sim::{Bank, BankConfig, SharedBank, serve_pack_pty, serve_pack_tcp};

fn main() -> Result<(), Box<dyn Error>> {
    let mut bank = Bank::new(BankConfig { units: 2, switches: vec!["frozen=on".parse()?] })?;
    for switch in std::env::args().skip(1) {
        bank.switch_pack(0, &switch)?;
        bank.switch_pack(1, &switch)?;
    }
    let bank = SharedBank::real_time(bank);
    let terminal = serve_pack_pty(&bank, 0)?;
    println!("pack:{}", terminal.path());
    let bridge = serve_pack_tcp(&bank, 1, TcpListener::bind("127.0.0.1:0")?)?;
    println!("pack:tcp:{}", bridge.path());
    loop {
        thread::park();
    }
}
