//! Values whose scale depends on the family of the pack.

use std::{fmt, marker::PhantomData};

use super::super::quantity::{CentiampereHours, Centiamperes};

/// The size of one step of a register.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scale {
    /// Hundredths of the unit.
    Hundredths,
    /// Tenths of the unit.
    Tenths,
    /// The unit itself.
    Ones,
}

impl Scale {
    /// Returns the number of hundredths in one step.
    const fn hundredths(self) -> i32 {
        match self {
            Self::Hundredths => 1,
            Self::Tenths => 10,
            Self::Ones => 100,
        }
    }
}

/// A value of a register whose scale depends on the family of the pack. Without a known scale, it is a number
/// without a unit.
///
/// ```
/// use lvx_parallel::pack::{Centiamperes, Scale, Varying};
///
/// let current = Varying::<Centiamperes>::new(-436, Some(Scale::Hundredths));
/// assert_eq!(current.value(), Some(Centiamperes(-436)));
/// assert_eq!(current.to_string(), "-4.36 A");
///
/// let current = Varying::<Centiamperes>::new(-62, None);
/// assert_eq!(current.value(), None);
/// assert_eq!(current.to_string(), "-62 (scale not known)");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Varying<Q> {
    raw: i32,
    scale: Option<Scale>,
    quantity: PhantomData<Q>,
}

#[expect(private_bounds, reason = "two quantities have values of varying scale")]
impl<Q: Hundredths> Varying<Q> {
    /// Returns the value of a register: `raw` is 0 to 65535, or for a current with a sign -32768 to 32767.
    #[must_use]
    pub const fn new(raw: i32, scale: Option<Scale>) -> Self {
        Self { raw, scale, quantity: PhantomData }
    }

    /// Returns the number in the register.
    #[must_use]
    pub const fn raw(&self) -> i32 {
        self.raw
    }

    /// Returns the scale; `None` if it is not known.
    #[must_use]
    pub const fn scale(&self) -> Option<Scale> {
        self.scale
    }

    /// Returns the value; `None` if the scale is not known.
    #[must_use]
    pub fn value(&self) -> Option<Q> {
        self.scale.map(|scale| Q::from_hundredths(self.raw.saturating_mul(scale.hundredths())))
    }
}

impl<Q: Hundredths> fmt::Display for Varying<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(value) => value.fmt(f),
            None => write!(f, "{} (scale not known)", self.raw),
        }
    }
}

/// A quantity in hundredths of its unit.
pub(super) trait Hundredths: fmt::Display {
    fn from_hundredths(hundredths: i32) -> Self;
}

impl Hundredths for Centiamperes {
    fn from_hundredths(hundredths: i32) -> Self {
        Self(hundredths)
    }
}

impl Hundredths for CentiampereHours {
    fn from_hundredths(hundredths: i32) -> Self {
        Self(hundredths)
    }
}
