//! The report as text.

use std::fmt;

use super::{ApplyReport, Ending, SettingReport, SettingState, StrayReport};
use crate::{Astray, SettingValue};

impl fmt::Display for ApplyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.writes == 1 { "" } else { "s" };
        match self.ending {
            Ending::NothingToDo => writeln!(f, "everything is already so; nothing was written")?,
            Ending::Refused => writeln!(f, "not begun; nothing was written")?,
            Ending::Applied => writeln!(f, "applied and proved: {} write{plural}", self.writes)?,
            Ending::Undone if self.units.iter().all(|unit| unit.changed_by_others.is_empty()) => {
                writeln!(
                    f,
                    "undone: everything is as it was before; {} write{plural}",
                    self.writes
                )?;
            }
            Ending::Undone => writeln!(
                f,
                "undone: nothing that was written here is left, but somebody else changed settings; \
                 {} write{plural}",
                self.writes
            )?,
            Ending::Mixed => writeln!(
                f,
                "NOT as wanted and NOT as before, see each unit; {} write{plural}",
                self.writes
            )?,
        }
        if let Some(why) = &self.why {
            for line in why.lines() {
                writeln!(f, "  {line}")?;
            }
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
                writeln!(f, "  changed by another program, or the unit itself: {setting}")?;
            }
        }
        for stray in &self.strays {
            writeln!(f, "{stray}")?;
        }
        match self.units_agree {
            Some(true) => writeln!(f, "the units agree in the twelve settings that must be equal"),
            Some(false) => writeln!(f, "the units DIFFER in settings that must be equal"),
            None if self.units.len() > 1 => {
                writeln!(f, "whether the units agree is not known")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingToDo => "there was nothing to do",
            Self::Refused => "not begun",
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::Mixed => "neither as wanted nor as before",
        })
    }
}

impl fmt::Display for SettingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "nothing was to change",
            Self::Old => "as it was before",
            Self::New => "as wanted",
            Self::Between => "in between",
            Self::Unknown => "not known",
        })
    }
}

impl fmt::Display for SettingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: Option<SettingValue>| {
            value.map_or("not known".to_owned(), |value| value.to_string())
        };
        write!(
            f,
            "{}: now {} (before {}, wanted {})",
            self.setting,
            text(self.now),
            text(self.old),
            text(self.new)
        )
    }
}

impl fmt::Display for StrayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, serial_number, command, .. } = self;
        write!(f, "{command}, meant for {serial_number} ({address}): ")?;
        match self.cause {
            Astray::AnotherUnit { found } => {
                write!(f, "unit {found} answered there afterwards and may have got it")?;
            }
            Astray::Renumbered { now, found: Some(found) } => write!(
                f,
                "the bank's numbers changed (this unit is {now} now), and unit {found} may have got it"
            )?,
            Astray::Renumbered { now, found: None } => write!(
                f,
                "the bank's numbers changed (this unit is {now} now), and another unit may have got it"
            )?,
            Astray::NeverShown => {
                return f.write_str(
                    "accepted and never shown; if another unit was connected there, it has it",
                );
            }
        }
        f.write_str(if self.put_right {
            "; what that unit had was written back"
        } else {
            "; what that unit had was NOT written back: read it and set it yourself"
        })
    }
}
