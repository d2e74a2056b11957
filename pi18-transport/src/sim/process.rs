//! The bank that all `sim:` addresses of a process share.

use std::sync::{Mutex, PoisonError};

use super::{
    MAX_UNITS,
    bank::{Bank, BankConfig},
    shared::{PackLink, SharedBank, SimLink},
    switches::{SwitchError, Switches},
};
use crate::{Error, ErrorKind};

/// Opens a link to a unit of the bank that all `sim:` addresses of the process share.
///
/// The address is the number of the unit, such as `0`, perhaps with switches for the unit, such as
/// `1?fault=83&lag=2s`.
///
/// The first call creates the bank, with two units or as many as the switch `units` sets. Later calls use the
/// bank in its present state. A switch takes effect only the first time it is given for a unit: opening the
/// same address again does not undo changes in between.
///
/// [`Client::open`](crate::Client::open) calls this for `sim:` addresses.
///
/// # Errors
/// If the unit is not a number or does not exist, or if a switch is wrong.
///
/// ```
/// use pi18_transport::{Link, sim};
///
/// let link = sim::open("0?load=1500")?;
/// assert_eq!(link.name(), "sim:0");
/// assert_eq!(link.bank().with(|bank| bank.units()), 2);
///
/// let error = sim::open("7").unwrap_err();
/// assert_eq!(error.to_string(), "sim:7: the virtual bank has units 0 to 1");
/// assert_eq!(error.hint(), Some("sim:7?units=8 makes it larger"));
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub fn open(address: &str) -> Result<SimLink, Error> {
    open_in(&PROCESS, address)
}

/// Opens a link to a battery pack of the bank that all `sim:` addresses of the process share.
///
/// The address is `pack` and the number of the pack, perhaps with switches for it, such as
/// `pack0?drift=-20&echo=on`. Each time, the switches take effect.
///
/// # Errors
/// If there is no such pack, or if a switch is wrong.
///
/// ```
/// use pi18_transport::{Link, sim};
///
/// let link = sim::open_pack("pack1?drift=-20")?;
/// assert_eq!(link.name(), "sim:pack1");
/// assert_eq!(link.bank().with(|bank| bank.packs()), 3);
/// let error = sim::open_pack("pack7").unwrap_err();
/// assert_eq!(error.to_string(), "sim:pack7: the virtual bank has packs 0 to 2");
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub fn open_pack(address: &str) -> Result<PackLink, Error> {
    let wrong = |why: String| Error::new(ErrorKind::Address, format!("sim:{address}"), why);
    let (pack, switches) = address.split_once('?').unwrap_or((address, ""));
    let number = pack
        .strip_prefix("pack")
        .filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let pack: usize = number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| wrong("expected the number of a pack, such as sim:pack0".to_owned()))?;
    let bank = open("0")?.bank().clone();
    bank.with(|bank| {
        for switch in switches.split('&').filter(|switch| !switch.is_empty()) {
            bank.switch_pack(pack, switch).map_err(|error| wrong(error.to_string()))?;
        }
        match bank.packs() {
            packs if pack < packs => Ok(()),
            packs => Err(wrong(format!("the virtual bank has packs 0 to {}", packs - 1))),
        }
    })?;
    Ok(bank.pack_link(pack))
}

/// The bank of this process, created by the first address.
static PROCESS: Mutex<Option<Process>> = Mutex::new(None);

struct Process {
    bank: SharedBank,
    /// Switches that have taken effect, each with its unit.
    given: Vec<(usize, String)>,
}

fn open_in(process: &Mutex<Option<Process>>, address: &str) -> Result<SimLink, Error> {
    let wrong = |why: String| Error::new(ErrorKind::Address, format!("sim:{address}"), why);
    let (unit, switches) = address.split_once('?').unwrap_or((address, ""));
    let not_a_unit = || wrong("expected a unit's number, such as sim:0".to_owned());
    let digits = !unit.is_empty() && unit.bytes().all(|byte| byte.is_ascii_digit());
    let unit: usize = unit.parse().ok().filter(|_| digits).ok_or_else(not_a_unit)?;
    let text = |error: SwitchError| wrong(error.to_string());
    let parsed: Switches = switches.parse().map_err(text)?;

    let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
    let known = process.as_ref().map(|process| process.bank.with(|bank| bank.units()));
    let count = parsed.bank.units.or(known).unwrap_or(BankConfig::default().units);
    let count = count.max(known.unwrap_or_default());
    if unit >= count {
        let needed = unit + 1;
        let advice = if needed <= MAX_UNITS {
            format!("sim:{unit}?units={needed} makes it larger")
        } else {
            format!("it can have at most {MAX_UNITS}")
        };
        let error = wrong(format!("the virtual bank has units 0 to {}", count - 1));
        return Err(error.with_hint(advice));
    }
    let given_now = || {
        let switches = switches.split('&').filter(|switch| !switch.is_empty());
        switches.map(|switch| (unit, switch.to_owned()))
    };
    match &mut *process {
        None => {
            // Applied at the start, because `clock` and `seed` have no effect later.
            let mut all = vec![Switches::default(); unit];
            all.push(parsed);
            let bank = Bank::new(BankConfig { units: count, switches: all }).map_err(text)?;
            let given = given_now().collect();
            let bank = SharedBank::real_time(bank);
            let link = bank.link(unit);
            *process = Some(Process { bank, given });
            Ok(link)
        }
        Some(Process { bank, given }) => {
            if Some(count) > known {
                bank.with(|bank| bank.switch(0, &format!("units={count}"))).map_err(text)?;
            }
            for switch in given_now() {
                if !given.contains(&switch) {
                    bank.with(|bank| bank.switch(unit, &switch.1)).map_err(text)?;
                    given.push(switch);
                }
            }
            Ok(bank.link(unit))
        }
    }
}
