//! The text of a report.

use std::fmt;

use super::{ApplyReport, Ending, SettingState, StrayReport};
use crate::{StrayCause, apply::reason::BY_OTHERS};

impl fmt::Display for ApplyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writes = match self.writes {
            1 => "1 write".to_owned(),
            writes => format!("{writes} writes"),
        };
        match self.ending {
            Ending::NothingToDo => {
                writeln!(f, "all settings have these values already; nothing was written")?;
            }
            Ending::Refused => writeln!(f, "not started; nothing was written")?,
            Ending::Applied => writeln!(f, "applied and verified: {writes}")?,
            Ending::Undone if self.units.iter().all(|unit| unit.changed_by_others.is_empty()) => {
                writeln!(f, "undone: all settings have their old values; {writes}")?;
            }
            Ending::Undone => writeln!(
                f,
                "undone: this run left no changes, but another program or a unit itself changed settings; \
                 {writes}"
            )?,
            Ending::Mixed => writeln!(
                f,
                "INCOMPLETE: neither the new nor the old settings are verified on all units; {writes}"
            )?,
        }
        let why = self.why.as_ref().map_or(String::new(), ToString::to_string);
        for line in why.lines() {
            writeln!(f, "  {line}")?;
        }
        for remark in &self.remarks {
            writeln!(f, "  {remark}")?;
        }
        for unit in &self.units {
            write!(f, "{} ({}): {}", unit.serial_number, unit.address, unit.state)?;
            match &unit.unread {
                Some(why) => writeln!(f, ": {why}")?,
                None => writeln!(f)?,
            }
            if self.ending == Ending::Mixed && unit.unread.is_none() {
                for setting in &unit.settings {
                    writeln!(f, "  {setting}")?;
                }
            }
            for setting in &unit.changed_by_others {
                writeln!(f, "  {BY_OTHERS}: {setting}")?;
            }
        }
        for stray in &self.strays {
            writeln!(f, "{stray}")?;
        }
        match self.units_agree {
            Some(true) => writeln!(f, "the units agree in the twelve settings that must be equal"),
            Some(false) => writeln!(f, "the units DIFFER in settings that must be equal"),
            None if self.units.len() > 1 => {
                writeln!(
                    f,
                    "it is not known whether the units agree in the settings that must be equal"
                )
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingToDo => "nothing to do",
            Self::Refused => "not started",
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::Mixed => "incomplete",
        })
    }
}

impl fmt::Display for SettingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "no change planned",
            Self::Old => "old settings",
            Self::New => "new settings",
            Self::Between => "neither all old nor all new settings",
            Self::Unknown => "unknown settings",
        })
    }
}

impl fmt::Display for StrayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, serial_number, command, .. } = self;
        write!(f, "{command} for {serial_number} ({address}): ")?;
        match self.cause {
            StrayCause::AnotherUnit { found } => write!(
                f,
                "unit {found} answered on this link afterwards, and may have received the command"
            )?,
            StrayCause::Renumbered { now, found } => {
                let other =
                    found.map_or("another unit".to_owned(), |found| format!("unit {found}"));
                write!(
                    f,
                    "the numbers in the bank changed (this unit now has number {now}), and {other} may \
                     have received the command"
                )?;
            }
            StrayCause::NeverShown => {
                return f.write_str(
                    "the command was accepted, but this unit never showed the new values; if another \
                     unit was connected at this address, check the settings of that unit",
                );
            }
        }
        f.write_str(if self.put_right {
            "; the old values of that unit were written back"
        } else {
            "; the old values of that unit were NOT written back: check its settings and correct them"
        })
    }
}
