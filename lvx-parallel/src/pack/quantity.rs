//! Quantities: integers in the steps of the registers, displayed exactly in their unit.

use std::fmt;

/// Declares the quantities.
macro_rules! quantities {
    ($(
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // The type, the integer that it wraps, the unit, and the number of digits after the decimal point.
        $name:ident($repr:ty): $unit:literal, $decimals:literal;
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(
            /// The number of steps.
            pub $repr,
        );

        impl $name {
            /// The unit that the quantity is displayed in.
            pub const UNIT: &'static str = $unit;
            /// The number of digits after the decimal point.
            pub const DECIMALS: u8 = $decimals;

            /// Returns the quantity in its unit, for calculations whose result is not sent.
            #[must_use]
            pub fn in_unit(self) -> f64 {
                f64::from(self.0) / f64::from(10_u32.pow($decimals))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&text(self.0.into(), $decimals, $unit))
            }
        }
    )+ };
}

quantities! {
    /// Electric potential in hundredths of a volt.
    ///
    /// ```
    /// use lvx_parallel::pack::Centivolts;
    ///
    /// assert_eq!(Centivolts(5376).to_string(), "53.76 V");
    /// assert_eq!(Centivolts(5376).in_unit(), 53.76);
    /// ```
    Centivolts(u16): "V", 2;
    /// Electric current in hundredths of an ampere; above 0 while a pack is charged, below 0 while it is
    /// discharged.
    ///
    /// ```
    /// use lvx_parallel::pack::Centiamperes;
    ///
    /// assert_eq!(Centiamperes(-436).to_string(), "-4.36 A");
    /// assert_eq!(Centiamperes(-4).to_string(), "-0.04 A");
    /// ```
    Centiamperes(i32): "A", 2;
    /// Electric charge in hundredths of an ampere-hour.
    CentiampereHours(i32): "Ah", 2;
    /// Electric charge in tenths of an ampere-hour.
    DeciampereHours(u16): "Ah", 1;
}

/// Electric charge in thousandths of an ampere-second, displayed in ampere-hours.
///
/// ```
/// use lvx_parallel::pack::MilliampereSeconds;
///
/// let capacity = MilliampereSeconds(360_000_000);
/// assert_eq!(capacity.to_string(), "100.000 Ah");
/// assert_eq!(capacity.milliampere_hours(), 100_000);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MilliampereSeconds(
    /// The number of steps.
    pub u32,
);

impl MilliampereSeconds {
    /// Returns the charge in thousandths of an ampere-hour, rounded down.
    #[must_use]
    pub const fn milliampere_hours(self) -> u32 {
        self.0 / 3600
    }
}

impl fmt::Display for MilliampereSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text(self.milliampere_hours().into(), 3, "Ah"))
    }
}

/// Returns steps as a decimal number with its unit.
fn text(steps: i64, decimals: u32, unit: &str) -> String {
    let scale = 10_u64.pow(decimals);
    let (sign, steps) = (if steps < 0 { "-" } else { "" }, steps.unsigned_abs());
    let (whole, part) = (steps / scale, steps % scale);
    let width = usize::try_from(decimals).unwrap_or(0);
    if decimals == 0 {
        format!("{sign}{whole} {unit}")
    } else {
        format!("{sign}{whole}.{part:0width$} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_quantities_display_all_digits() {
        assert_eq!(Centivolts(u16::MAX).to_string(), "655.35 V");
        assert_eq!(Centivolts(0).to_string(), "0.00 V");
        assert_eq!(Centiamperes(i32::MIN).to_string(), "-21474836.48 A");
        assert_eq!(DeciampereHours(1000).to_string(), "100.0 Ah");
        assert_eq!(MilliampereSeconds(u32::MAX).to_string(), "1193.046 Ah");
        assert_eq!(format!("{:>9}", CentiampereHours(9000)), " 90.00 Ah");
    }
}
