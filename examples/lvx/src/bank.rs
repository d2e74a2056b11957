//! The bank that a task is about: live units, or one that was saved.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::Path,
};

use lvx_parallel::{BankSnapshot, Member, Style};
use pi18_transport::{Address, Error};

use crate::{
    args, input,
    outcome::{Failure, progress},
    progress::{Progress, is_silenced},
};

/// Reads the units with `ask`, or the file that takes their place. Without either, the units behind all
/// adapters that are plugged in.
///
/// A wrong address ends it before anything is asked.
pub(crate) fn read(
    args: &args::Bank,
    ask: impl FnOnce(Vec<Member>) -> BankSnapshot,
) -> Result<BankSnapshot, Failure> {
    if let Some(path) = &args.from {
        return saved(path);
    }
    let found;
    let units = if args.units.is_empty() {
        found = plugged_in(adapters())?;
        &found
    } else {
        &args.units
    };
    let mut places = (0..).zip(units);
    if let Some((_, twice)) = places.find(|(at, unit)| units.iter().take(*at).any(|u| u == *unit)) {
        return Err(Failure::usage(format_args!("{twice} is given twice")));
    }
    let addresses =
        units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, Error>>()?;
    let members: Vec<_> = addresses.iter().map(Member::open).collect();
    if let Some(error) = members.iter().filter_map(Member::error).find(|error| error.is_address()) {
        return Err(Failure::usage(error));
    }
    let progress = Progress::start();
    let watched = members.into_iter().map(|member| {
        let observer = progress.of(member.name());
        member.observed(observer)
    });
    Ok(ask(watched.collect()))
}

/// The adapters in place of units that are not named, listed on standard error.
fn plugged_in(adapters: Vec<String>) -> Result<Vec<String>, Failure> {
    let plural = match adapters.len() {
        0 => {
            return Err(Failure::usage(
                "no unit is given and no inverter adapter is plugged in: name the units \
                 (/dev/ttyUSB0), or try the virtual bank (sim:0 sim:1)",
            ));
        }
        1 => "",
        _ => "s",
    };
    if !is_silenced() {
        let all = adapters.join(", ");
        progress(&format!("no unit is given: asking {} adapter{plural}: {all}", adapters.len()));
    }
    Ok(adapters)
}

/// The nodes of the USB adapters that are plugged in.
#[cfg(target_os = "linux")]
pub(crate) fn adapters() -> Vec<String> {
    let adapters = pi18_transport::adapters();
    adapters.iter().map(|adapter| adapter.node.display().to_string()).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adapters() -> Vec<String> {
    Vec::new()
}

/// A bank that `lvx dump` wrote.
pub(crate) fn saved(path: &Path) -> Result<BankSnapshot, Failure> {
    let text = input::read_text(path, BankSnapshot::MOST_BYTES)?;
    BankSnapshot::parse(&text)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", input::name(path))))
}

/// Colours on a terminal only, and not if `NO_COLOR` says so; lines as wide as `COLUMNS` says, or else
/// the terminal.
pub(crate) fn style() -> Style {
    let colour = has_colour(io::stdout().is_terminal(), std::env::var_os("NO_COLOR"));
    let style = Style::default().coloured(colour);
    let width = columns(std::env::var_os("COLUMNS")).or_else(|| terminal_width(io::stdout()));
    width.map_or(style, |width| style.wide(width))
}

fn columns(columns: Option<OsString>) -> Option<usize> {
    columns?.to_str()?.parse().ok().filter(|columns| *columns > 0)
}

/// How many characters a line of a terminal has; none if it is no terminal or does not know.
#[cfg(unix)]
fn terminal_width(output: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(output).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn terminal_width<T>(_: T) -> Option<usize> {
    None
}

/// Source: no-color.org: set and not empty, whatever it is.
fn has_colour(is_terminal: bool, no_color: Option<OsString>) -> bool {
    is_terminal && no_color.is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_units_all_adapters_are_asked() {
        let nodes = ["/dev/hidraw0", "/dev/hidraw1"].map(str::to_owned).to_vec();
        assert_eq!(plugged_in(nodes.clone()).unwrap(), nodes);
        let told = format!("{:?}", plugged_in(Vec::new()).unwrap_err());
        assert!(told.contains("name the units (/dev/ttyUSB0), or try"), "{told}");
        assert!(told.contains("(sim:0 sim:1)"), "{told}");
    }

    #[test]
    fn columns_are_a_number_that_is_not_0() {
        assert_eq!(columns(Some("77".into())), Some(77));
        for none in [None, Some("".into()), Some("0".into()), Some("wide".into())] {
            assert_eq!(columns(none), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_terminal_that_knows_its_width_says_it() {
        use rustix::{
            pty::{OpenptFlags, openpt},
            termios::{Winsize, tcsetwinsize},
        };

        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        assert_eq!(terminal_width(&terminal), None);
        let size = Winsize { ws_row: 24, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        assert_eq!(terminal_width(&terminal), Some(77));
        assert_eq!(terminal_width(std::fs::File::open("/dev/null").unwrap()), None);
    }

    #[test]
    fn colours_are_for_terminals_whose_user_wants_them() {
        assert!(has_colour(true, None));
        assert!(has_colour(true, Some("".into())));
        assert!(!has_colour(true, Some("1".into())));
        assert!(!has_colour(false, None));
    }
}
