//! Prints the total PV power, load, battery power and generated energy of a bank.
//!
//! Without addresses, reads the virtual units `sim:0` and `sim:1`. Fails if a unit is missing, because
//! the totals would be wrong.
//!
//! `cargo run -p pi18-examples --example sum_power -- /dev/hidraw0 /dev/hidraw1`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, time::Duration};

use lvx_parallel::Cluster;
use pi18_proto::{Identity, TotalEnergy};
use pi18_transport::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let mut units: Vec<String> = std::env::args().skip(1).collect();
    if units.is_empty() {
        units.extend(["sim:0", "sim:1"].map(str::to_owned));
    }
    let mut members = Vec::new();
    for unit in &units {
        let mut client = Client::open(unit)?;
        let identity: Identity = client.read()?;
        members.push((identity.serial_number, client));
    }

    let serials = members.iter().map(|(serial, _)| *serial);
    let mut cluster = Cluster::new(serials, Duration::from_secs(10));
    for (serial, unit) in &mut members {
        let energy: TotalEnergy = unit.read()?;
        cluster.put_energy(*serial, energy.energy, unit.now());
        let status = unit.read()?;
        cluster.put_status(*serial, status, unit.now());
    }

    let Some((_, unit)) = members.first() else { return Ok(()) };
    let totals = cluster.totals(unit.now());
    println!("PV       {}", totals.pv_power?);
    println!("load     {}", totals.load_power?);
    println!("battery  {}", totals.battery_power?);
    println!("energy   {} kWh", totals.energy?.0 / 1000);
    Ok(())
}
