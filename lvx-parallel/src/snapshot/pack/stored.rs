//! A pack as it is stored in a file: its registers, from which its values are read again.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::PackSnapshot;
use crate::{
    FormatError,
    pack::{Label, Live, Registers, Scale, Scales},
    snapshot::answer::{Gap, Reading, millis},
};

/// The content of a file about one pack.
#[derive(Serialize, Deserialize)]
struct StoredPack {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Gap>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    aggregate: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<StoredLabel>,
    #[serde(default)]
    scales: StoredScales,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<StoredLive>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<StoredLive>,
}

#[derive(Serialize, Deserialize)]
struct StoredLabel {
    model: String,
    firmware: String,
    #[serde(default)]
    serial: String,
}

/// Steps of a register in one unit: 100, 10 or 1.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct StoredScales {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remaining: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_charge_current: Option<u8>,
}

/// Registers from 0 on.
#[derive(Serialize, Deserialize)]
struct StoredLive {
    at_ms: u64,
    registers: Vec<u16>,
}

impl Serialize for PackSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredPack::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackSnapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredPack::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl From<PackSnapshot> for StoredPack {
    fn from(pack: PackSnapshot) -> Self {
        let scales = pack.readings().next().map(StoredScales::of).unwrap_or_default();
        Self {
            name: pack.name,
            lost: pack.lost,
            aggregate: pack.is_aggregate,
            label: pack.label.map(|Label { model, firmware, serial }| StoredLabel {
                model,
                firmware,
                serial,
            }),
            scales,
            live: pack.live.as_ref().map(StoredLive::of),
            earlier: pack.earlier.iter().map(StoredLive::of).collect(),
        }
    }
}

impl TryFrom<StoredPack> for PackSnapshot {
    type Error = FormatError;

    fn try_from(stored: StoredPack) -> Result<Self, FormatError> {
        let place = |field: &str| format!("{} {field}", stored.name.escape_debug());
        let (found, max) = (stored.earlier.len(), Self::MAX_EARLIER);
        if found > max {
            let why = format!("expected at most {max}, found {found}");
            return Err(FormatError::new(place("earlier"), why));
        }
        let scales = stored.scales.scales().ok_or_else(|| {
            FormatError::new(place("scales"), "expected 100, 10 or 1, found another number")
        })?;
        let read = |field: &str, live: StoredLive| {
            live.reading(scales).map_err(|why| FormatError::new(place(field), why))
        };
        let live = stored.live.map(|live| read("live", live)).transpose()?;
        let earlier = stored.earlier.into_iter().map(|live| read("earlier", live));
        let earlier = earlier.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            live,
            earlier,
            lost: stored.lost,
            is_aggregate: stored.aggregate,
            label: stored.label.map(|StoredLabel { model, firmware, serial }| Label {
                model,
                firmware,
                serial,
            }),
            name: stored.name,
        })
    }
}

impl StoredScales {
    fn of(live: &Live) -> Self {
        let steps = |scale: Option<Scale>| {
            scale.map(|scale| match scale {
                Scale::Hundredths => 100,
                Scale::Tenths => 10,
                Scale::Ones => 1,
            })
        };
        Self {
            current: steps(live.current.scale()),
            remaining: steps(live.remaining.scale()),
            max_charge_current: steps(live.max_charge_current.scale()),
        }
    }

    /// Returns the scales; `None` if one is not known.
    fn scales(self) -> Option<Scales> {
        let scale = |steps: Option<u8>| match steps {
            None => Some(None),
            Some(100) => Some(Some(Scale::Hundredths)),
            Some(10) => Some(Some(Scale::Tenths)),
            Some(1) => Some(Some(Scale::Ones)),
            Some(_) => None,
        };
        Some(Scales {
            current: scale(self.current)?,
            remaining: scale(self.remaining)?,
            max_charge_current: scale(self.max_charge_current)?,
        })
    }
}

impl StoredLive {
    fn of(reading: &Reading<Live>) -> Self {
        Self { at_ms: millis(reading.at), registers: reading.value.to_registers().words().to_vec() }
    }

    fn reading(self, scales: Scales) -> Result<Reading<Live>, String> {
        let (max, found) = (MAX_REGISTERS, self.registers.len());
        if found > max {
            return Err(format!("expected at most {max} registers, found {found}"));
        }
        let registers = Registers::new(0, self.registers);
        let live = Live::from_registers(&registers, &scales).map_err(|error| error.to_string())?;
        Ok(Reading::new(live, Duration::from_millis(self.at_ms)))
    }
}

/// The largest number of registers in one reply.
const MAX_REGISTERS: usize = 125;
