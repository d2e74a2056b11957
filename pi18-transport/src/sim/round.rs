//! Rounding of measured values to whole numbers.

/// Returns the nearest whole number, 0 for a negative value.
pub(super) fn round_u32(value: f64) -> u32 {
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float out of range becomes the nearest number of the type"
    )]
    let whole = value.round() as u32;
    whole
}

/// Returns the nearest whole number up to 65,535, 0 for a negative value.
pub(super) fn round_u16(value: f64) -> u16 {
    round_u32(value).try_into().unwrap_or(u16::MAX)
}

/// Returns a small count as a number with fractions.
pub(super) fn count(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
