//! The known families of packs, with the scales that differ between families.

use super::{label::Label, varying::Scale};

/// A family of packs that use the same map with the same scales.
///
/// Voltages, cells, temperatures, percentages and capacities have the same scales in all known packs. The scales
/// in [`Scales`] differ. A pack whose label is not known has [`Scales::UNKNOWN`].
///
/// ```
/// use lvx_parallel::pack::Family;
///
/// for family in Family::ALL {
///     println!("{:20} {:26} {}", family.name, family.model, family.source);
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Family {
    /// Name of the family.
    pub name: &'static str,
    /// Model that the packs report in their label.
    pub model: &'static str,
    /// Scales of the values that differ between families.
    pub scales: Scales,
    /// Source of the scales.
    pub source: &'static str,
}

/// The scales that differ between families; `None` for those that are not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Scales {
    /// Scale of the current (register 1), in amperes.
    pub current: Option<Scale>,
    /// Scale of the remaining charge (register 21), in ampere-hours.
    pub remaining: Option<Scale>,
    /// Scale of the maximum charge current (register 22), in amperes.
    pub max_charge_current: Option<Scale>,
}

impl Scales {
    /// No scale is known.
    pub const UNKNOWN: Self = Self { current: None, remaining: None, max_charge_current: None };

    /// Returns the scales of the pack with this label; [`UNKNOWN`](Self::UNKNOWN) if its family is not known.
    #[must_use]
    pub fn of(label: &Label) -> Self {
        Family::of(label).map_or(Self::UNKNOWN, |family| family.scales)
    }
}

impl Family {
    /// EG4 LifePower4 v2, with automatic addresses.
    pub const LP4_V2: Self = Self {
        name: "EG4 LifePower4 v2",
        model: "LFP-51.2V100Ah-V1.0",
        scales: Scales {
            current: Some(Scale::Hundredths),
            remaining: Some(Scale::Ones),
            max_charge_current: Some(Scale::Ones),
        },
        source: "EG4-LL MODBUS V01.06; captures of packs with 100 Ah at 91 % and 76 %",
    };

    /// Vision V-LFP48100, with 15 cells.
    pub const VISION_48100: Self = Self {
        name: "Vision V-LFP48100",
        model: "LFP-15SP10G3-100Ah-100A",
        scales: Scales {
            // All captures are of packs at rest.
            current: None,
            remaining: Some(Scale::Ones),
            max_charge_current: Some(Scale::Ones),
        },
        source: "captures of packs with 100 Ah at 49 % and 100 %",
    };

    /// All known families.
    pub const ALL: &'static [Self] = &[Self::LP4_V2, Self::VISION_48100];

    /// Returns the family of the pack with this label; `None` if it is not known.
    ///
    /// Only a label that is equal to a known one counts: packs of 12 V with the same map have other scales.
    #[must_use]
    pub fn of(label: &Label) -> Option<&'static Self> {
        Self::ALL.iter().find(|family| family.model == label.model)
    }
}
