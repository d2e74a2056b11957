//! The texts of reasons and causes.

use std::fmt;

use pi18_transport::SetOutcome;

use super::{BY_OTHERS, Cause, Reason, RefusalCause};
use crate::{Difference, Settings};

impl fmt::Display for Reason {
    /// Writes the reason; several objections on one line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => Cause::Interrupted.fmt(f),
            Self::NotConfirmed => f.write_str("the new settings were not confirmed in time"),
            Self::EarlierRunUndone => f.write_str("an earlier run is undone"),
            Self::Unread { error } => f.write_str(error),
            Self::Objected(objections) => {
                let lines: Vec<_> = objections.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Charging { place, current, .. } => {
                write!(f, "{place}: {}", RefusalCause::Charging { current: *current })
            }
            Self::NotSaved { error } => write!(f, "the current settings cannot be saved: {error}"),
            Self::NotRecorded { error } => write!(f, "{NOT_RECORDED}: {error}"),
            Self::NotTaken { unit, to, cause, .. } => write!(f, "{unit}: {}: {cause}", values(to)),
            Self::VoltagesReplaced { unit, to, cause } => {
                write!(f, "{unit}: {REPLACED}, and {} could not be set: {cause}", values(to))
            }
            Self::LastReading { unit, cause } => {
                write!(f, "{unit}: the last reading failed: {cause}")
            }
            Self::Changed { unit, setting } => write!(f, "{unit}: {BY_OTHERS}: {setting}"),
            Self::NotUndone { unit, to, cause, .. } => {
                write!(f, "{unit}: {}: could not be undone: {cause}", values(to))
            }
            Self::NotWrittenBack { unit, to, cause } => {
                write!(f, "{unit}: {} could not be written back: {cause}", values(to))
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("the run was interrupted"),
            Self::NotRecorded { error } => write!(f, "{NOT_RECORDED}: {error}"),
            Self::Link { error } => f.write_str(error),
            Self::Flapping => f.write_str("the device of the unit keeps disappearing"),
            Self::Lost => f.write_str("the unit can no longer be reached"),
            Self::NotRead => f.write_str("the unit was not read"),
            Self::OtherUnit { found } => write!(f, "unit {found} answers on this link"),
            Self::Swapped { found, after } => {
                if let Some(after) = after {
                    write!(f, "{after}; ")?;
                }
                write!(
                    f,
                    "unit {found} now answers on this link, and may have received the command"
                )
            }
            Self::Renumbered { found, after } => {
                match after {
                    Some(after) => after.fmt(f)?,
                    None => f.write_str("it is not known which unit carried out the command")?,
                }
                let Some(found) = found else { return Ok(()) };
                write!(
                    f,
                    "; the numbers in the bank changed meanwhile, and unit {found} may have received the \
                     command"
                )
            }
            Self::NoNumber => f.write_str("the unit no longer has a number in its bank"),
            Self::Changed(differences) => write!(f, "{BY_OTHERS}: {}", unexpected(differences)),
            Self::RuleBroken(rule) => {
                write!(f, "another program or the unit itself changed settings, so that now {rule}")
            }
            Self::NotAllowed { why } => f.write_str(why),
            Self::NoVoltages(rule) => write!(f, "{REPLACED}, and {rule}"),
            Self::VoltagesReplaced { to, cause } => {
                write!(f, "{REPLACED}, and {} could not be set: {cause}", values(to))
            }
            Self::NoCommand => f.write_str("no command sets these values on this unit"),
            Self::Refused { likely } => {
                f.write_str("the unit refused the command (^0)")?;
                for (at, cause) in likely.iter().enumerate() {
                    write!(f, "{}{cause}", if at == 0 { ": " } else { "; " })?;
                }
                Ok(())
            }
            Self::NotShown { outcome, attempts, within } => {
                let still = format!("still shows the old value {} s later", within.as_secs_f64());
                let attempts = several(*attempts);
                match outcome {
                    SetOutcome::Accepted => {
                        write!(f, "the unit accepted the command (^1), but {still}")
                    }
                    SetOutcome::Garbled => write!(
                        f,
                        "the answer was garbled, and the unit {still}{attempts}; check the cable and its plugs"
                    ),
                    SetOutcome::Refused => write!(
                        f,
                        "an attempt was not answered, a later one was refused (^0), and the unit {still}"
                    ),
                    _ => write!(f, "the unit did not answer, and {still}{attempts}"),
                }
            }
            Self::NotSent { attempts, error } => write!(
                f,
                "the command could not be sent{}: {}",
                several(*attempts),
                error.as_deref().unwrap_or("the reason is not known")
            ),
            Self::Unsteady => f.write_str("the readings of the unit keep changing"),
            Self::Pending => f.write_str("a write that was sent may still change them"),
            Self::InDoubt(cause) => {
                write!(f, "{cause}; the last write may have been carried out")
            }
        }
    }
}

impl fmt::Display for RefusalCause {
    /// Writes the cause and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Charging { current } => write!(
                f,
                "the unit charges at {current}, and LVX6048s refuse to change max_charge_current while \
                 they charge (observed); wait until the unit no longer charges, or stop the charging"
            ),
            Self::NotUserType => {
                f.write_str("the battery_type of the unit is not user; set it to user first")
            }
            Self::AboveFloat { float } => write!(
                f,
                "LVX6048s refuse a redischarge_voltage above float_voltage, which is {float} (observed)"
            ),
            Self::UntilFull => {
                f.write_str("LVX6048s refuse a redischarge_voltage of 0, \"until full\" (observed)")
            }
            Self::Unknown { model } => {
                f.write_str("the reason is not known; ")?;
                match model {
                    Some(model) => model.fmt(f)?,
                    None => f.write_str("this unit")?,
                }
                f.write_str(
                    " may not accept this value, may not accept it in its current state, or may not \
                     have this command; try to set the value on the display",
                )
            }
        }
    }
}

/// Returns settings with their values as text.
fn values(settings: &Settings) -> String {
    let values = settings.iter().map(|(setting, value)| format!("{setting} {value}"));
    values.collect::<Vec<_>>().join(", ")
}

/// Returns values that were not expected as text.
fn unexpected(differences: &[Difference]) -> String {
    let each = differences.iter().map(|difference| {
        let found = difference.from.map_or("no value".to_owned(), |value| value.to_string());
        format!("expected {} {}, found {found}", difference.setting, difference.to)
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Returns the number of attempts in parentheses, if there were several.
fn several(attempts: u32) -> String {
    if attempts == 1 { String::new() } else { format!(" ({attempts} attempts)") }
}

const NOT_RECORDED: &str = "the journal cannot be written";

/// The side effect of battery type user.
const REPLACED: &str = "battery_type user replaced the voltages";
