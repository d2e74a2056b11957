//! Reports as objects. Reasons are written as text, and again as objects.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{ApplyReport, UnitReport};

/// Writes `why` and `remarks` as text; `reason` and `remark_reasons` are the same reasons as objects.
impl Serialize for ApplyReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<_> = self.remarks.iter().map(ToString::to_string).collect();
        let mut object = serializer.serialize_struct("ApplyReport", 9)?;
        object.serialize_field("ending", &self.ending)?;
        object.serialize_field("why", &self.why.as_ref().map(ToString::to_string))?;
        object.serialize_field("remarks", &texts)?;
        object.serialize_field("writes", &self.writes)?;
        object.serialize_field("units_agree", &self.units_agree)?;
        object.serialize_field("units", &self.units)?;
        object.serialize_field("strays", &self.strays)?;
        object.serialize_field("reason", &self.why)?;
        object.serialize_field("remark_reasons", &self.remarks)?;
        object.end()
    }
}

/// Writes `unread` as text; `unread_cause` is the same cause as an object.
impl Serialize for UnitReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("UnitReport", 7)?;
        object.serialize_field("address", &self.address)?;
        object.serialize_field("serial_number", &self.serial_number)?;
        object.serialize_field("state", &self.state)?;
        object.serialize_field("unread", &self.unread.as_ref().map(ToString::to_string))?;
        object.serialize_field("settings", &self.settings)?;
        object.serialize_field("changed_by_others", &self.changed_by_others)?;
        object.serialize_field("unread_cause", &self.unread)?;
        object.end()
    }
}
