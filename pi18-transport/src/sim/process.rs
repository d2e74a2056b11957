//! The bank that all `sim:` addresses of a process lead to.

use std::sync::{Mutex, PoisonError};

use super::{
    MAX_UNITS,
    bank::{Bank, BankConfig},
    shared::{SharedBank, SimLink},
    switches::{SwitchError, Switches},
};
use crate::{Error, error::ErrorKind};

/// Opens a unit of the process's own bank: `0`, or `1?fault=83&lag=2s` with switches for that unit.
///
/// The first address makes the bank, of two units unless it says `units=`; later ones find it as it
/// is by then. A switch has its effect the first time it is given: who opens an address again to go
/// on where he was does not undo what he did.
///
/// # Errors
/// If the unit is no number, does not exist, or a switch is wrong.
///
/// ```
/// use pi18_transport::sim;
///
/// let error = sim::open("7").unwrap_err();
/// let why = "the virtual bank has units 0 to 1; sim:7?units=8 makes it larger";
/// assert!(error.to_string().ends_with(why));
/// ```
pub fn open(address: &str) -> Result<SimLink, Error> {
    open_in(&PROCESS, address)
        .map_err(|why| Error::new(format!("sim:{address}"), ErrorKind::Address { why }))
}

static PROCESS: Mutex<Option<Process>> = Mutex::new(None);

struct Process {
    bank: SharedBank,
    /// Units and switches that have had their effect.
    given: Vec<(usize, String)>,
}

fn open_in(process: &Mutex<Option<Process>>, address: &str) -> Result<SimLink, String> {
    let (unit, switches) = address.split_once('?').unwrap_or((address, ""));
    let wanted = || "expected a unit's number, such as sim:0".to_owned();
    let digits = !unit.is_empty() && unit.bytes().all(|byte| byte.is_ascii_digit());
    let unit: usize = unit.parse().ok().filter(|_| digits).ok_or_else(wanted)?;
    let told = |error: SwitchError| error.to_string();
    let parsed: Switches = switches.parse().map_err(told)?;

    let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
    let known = process.as_ref().map(|process| process.bank.with(|bank| bank.units()));
    let count = parsed.bank.units.or(known).unwrap_or(BankConfig::default().units);
    let count = count.max(known.unwrap_or_default());
    if unit >= count {
        let more = unit + 1;
        let most = MAX_UNITS;
        let how = if more <= most {
            format!("sim:{unit}?units={more} makes it larger")
        } else {
            format!("it can have {most} at most")
        };
        return Err(format!("the virtual bank has units 0 to {}; {how}", count - 1));
    }
    let each = || switches.split('&').filter(|each| !each.is_empty()).map(str::to_owned);
    match &mut *process {
        None => {
            // From the start, so that a clock or a seed has its effect.
            let mut all = vec![Switches::default(); unit];
            all.push(parsed);
            let bank = Bank::new(BankConfig { units: count, switches: all }).map_err(told)?;
            let given = each().map(|each| (unit, each)).collect();
            let bank = SharedBank::real(bank);
            let link = bank.link(unit);
            *process = Some(Process { bank, given });
            Ok(link)
        }
        Some(Process { bank, given }) => {
            if Some(count) > known {
                bank.with(|bank| bank.switch(0, &format!("units={count}"))).map_err(told)?;
            }
            for each in each().map(|each| (unit, each)) {
                if !given.contains(&each) {
                    bank.with(|bank| bank.switch(unit, &each.1)).map_err(told)?;
                    given.push(each);
                }
            }
            Ok(bank.link(unit))
        }
    }
}
