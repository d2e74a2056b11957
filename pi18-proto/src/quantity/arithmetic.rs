//! Sums and differences of quantities. None wraps on overflow.
//!
//! Percentages and temperatures have a difference but no sum, because a sum would mean nothing.

use core::{
    iter::Sum,
    ops::{Add, AddAssign, Sub, SubAssign},
};

use super::{
    Amperes, Celsius, Count, Deciamperes, Decihertz, Decivolts, Percent, Seconds, SignedWatts,
    VoltAmperes, WattHours, Watts,
};

/// Implements sums.
macro_rules! sums {
    ($(
        // The type of the quantity.
        $name:ident
    )+) => { $(
        impl $name {
            /// Returns the sum, or `None` if it is outside the range of the type.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }
        }

        /// Returns the sum, or the nearest quantity if the sum is outside the range of the type.
        impl Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        /// Adds up quantities, as [`Add`] does.
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
                quantities.fold(Self(0), Add::add)
            }
        }

        /// Adds up quantities, as [`Add`] does.
        impl<'a> Sum<&'a Self> for $name {
            fn sum<I: Iterator<Item = &'a Self>>(quantities: I) -> Self {
                quantities.copied().sum()
            }
        }
    )+ };
}

sums! {
    Decivolts Deciamperes Amperes VoltAmperes Watts SignedWatts WattHours Seconds Count
}

/// Implements differences of the type itself.
macro_rules! differences {
    ($(
        // The type of the quantity.
        $name:ident
    )+) => { $(
        impl $name {
            /// Returns the difference, or `None` if it is outside the range of the type.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }

        /// Returns the difference, or the nearest quantity if the difference is outside the range of the
        /// type: 0 for a negative difference of a type without a sign.
        impl Sub for $name {
            type Output = Self;

            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    )+ };
}

differences! {
    Decivolts Deciamperes Decihertz Amperes VoltAmperes SignedWatts WattHours Percent Seconds Count
    Celsius
}

/// Implements the distance between two quantities without a sign.
macro_rules! distances {
    ($(
        // The type of the quantity.
        $name:ident
    )+) => { $(
        impl $name {
            /// Returns the difference between the larger and the smaller quantity.
            #[must_use]
            pub const fn abs_diff(self, other: Self) -> Self {
                Self(self.0.abs_diff(other.0))
            }
        }
    )+ };
}

distances! {
    Decivolts Deciamperes Decihertz Amperes VoltAmperes Watts WattHours Percent Seconds Count
}

impl Celsius {
    /// Returns the difference between the higher and the lower temperature, at most 32767 °C.
    #[must_use]
    pub const fn abs_diff(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).saturating_abs())
    }
}

/// Returns the difference with its sign, or the nearest quantity if the difference is outside the range of
/// [`SignedWatts`].
impl Sub for Watts {
    type Output = SignedWatts;

    fn sub(self, other: Self) -> SignedWatts {
        let difference = i64::from(self.0) - i64::from(other.0);
        let nearest = if difference < 0 { i32::MIN } else { i32::MAX };
        SignedWatts(difference.try_into().unwrap_or(nearest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_outside_the_range_saturates_and_is_detected() {
        assert_eq!(Watts(1) + Watts(2), Watts(3));
        assert_eq!(Watts(u32::MAX) + Watts(2), Watts(u32::MAX));
        assert_eq!(Watts(u32::MAX).checked_add(Watts(2)), None);
        let energies = [WattHours(1500), WattHours(500)];
        assert_eq!(energies.iter().sum::<WattHours>(), WattHours(2000));
        assert_eq!(SignedWatts(i32::MIN) + SignedWatts(-1), SignedWatts(i32::MIN));
    }

    #[test]
    fn difference_outside_the_range_saturates_and_is_detected() {
        assert_eq!(Decivolts(546) - Decivolts(540), Decivolts(6));
        assert_eq!(Decivolts(540) - Decivolts(546), Decivolts(0));
        assert_eq!(Decivolts(540).checked_sub(Decivolts(546)), None);
        assert_eq!(Decivolts(540).abs_diff(Decivolts(546)), Decivolts(6));
        assert_eq!(Watts(500) - Watts(1540), SignedWatts(-1040));
        assert_eq!(Watts(0) - Watts(u32::MAX), SignedWatts(i32::MIN));
        assert_eq!(Celsius(-3) - Celsius(20), Celsius(-23));
        assert_eq!(Celsius(-3).abs_diff(Celsius(20)), Celsius(23));
        assert_eq!(Celsius(i16::MIN).abs_diff(Celsius(i16::MAX)), Celsius(i16::MAX));
        assert_eq!(SignedWatts(5) - SignedWatts(8), SignedWatts(-3));
    }
}
