//! Measured values as whole numbers.

/// Returns the nearest whole number, 0 for a negative value.
pub(super) fn whole(value: f64) -> u32 {
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
pub(super) fn short(value: f64) -> u16 {
    whole(value).try_into().unwrap_or(u16::MAX)
}
