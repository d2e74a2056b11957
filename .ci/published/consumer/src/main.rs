//! Uses the four packages as another project does. It must compile with this version of the crates and with
//! later ones, which may have more fields, queries, settings and kinds of errors.

use lvx_parallel::{BankSnapshot, Cluster, Member, check};
use lvx_settings::{HostClock, Permissions, Plan, Profile, Setting, Unit};
use pi18_proto::{AnyReply, Decivolts, Dialect, GeneralStatus, Identity, Query, Reply};
use pi18_transport::{Address, Client, ErrorKind};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result {
    device()?;
    host()?;
    settings()?;
    health()
}

/// Builds a reply, as a simulated device does.
fn device() -> Result {
    let mut status = GeneralStatus::zeroed();
    status.battery_voltage = Decivolts(524);
    let mut frame = [0; pi18_proto::MAX_FRAME];
    let len = status.encode_frame(&mut frame)?;
    assert!(frame[..len].starts_with(b"^D"));
    Ok(())
}

/// Reads a unit, and distinguishes requests, replies and errors.
fn host() -> Result {
    let mut unit = Client::open("sim:0")?;
    for query in [Query::Mode, Query::GeneralStatus] {
        let text = match query {
            Query::Mode => "mode",
            _ => "another query",
        };
        match unit.query(query)?.reply {
            AnyReply::Mode(mode) => println!("{text}: {}", mode.working_mode),
            AnyReply::GeneralStatus(status) => println!("{text}: {}", status.battery_voltage),
            reply => println!("{text}: {reply:?}"),
        }
        println!("{:?}", query.to_frame(Dialect::Checksum));
    }
    let kind = match Client::open("/dev/no-such-device") {
        Ok(_) => "opened",
        Err(error) => match error.kind() {
            ErrorKind::NotFound => "not found",
            _ => "another error",
        },
    };
    assert_eq!(kind, "not found");
    Ok(())
}

/// Plans a change of settings.
fn settings() -> Result {
    let profile = Profile::parse("bank.yaml", "output_priority: solar_utility_battery\n")?;
    let host = HostClock::system();
    let mut units = Vec::new();
    for address in ["sim:0", "sim:1"] {
        units.push((address.to_owned(), Unit::read(&mut Client::open(address)?, &host)?));
    }
    for &setting in Setting::ALL {
        let is_voltage = match setting {
            Setting::BulkVoltage | Setting::FloatVoltage => true,
            _ => false,
        };
        assert!(!is_voltage || setting.key().ends_with("voltage"));
    }
    let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
    print!("{plan}");
    assert_eq!(plan.steps.len(), 2);
    Ok(())
}

/// Checks a bank and adds up its power.
fn health() -> Result {
    let addresses: Vec<Address> = vec!["sim:0".parse()?, "sim:1".parse()?];
    let bank = BankSnapshot::read(addresses.iter().map(Member::open).collect());
    let report = check(&bank);
    println!("{}", report.verdict());
    assert!(report.is_healthy());

    let mut unit = Client::open("sim:0")?;
    let id: Identity = unit.read()?;
    let max_age = std::time::Duration::from_secs(10);
    let mut cluster = Cluster::new([id.serial_number], max_age);
    let now = unit.now();
    cluster.put_status(id.serial_number, unit.read()?, now);
    println!("{:?}", cluster.totals(now));
    Ok(())
}
