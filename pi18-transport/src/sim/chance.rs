//! Events that happen by chance.

/// Draws a random number, and returns whether an event with this chance, 0 to 1, happens.
///
/// A chance of 0 draws no number, so that a switch that is off does not change the effect of the others.
pub(super) fn happens(chance: f64, random: &mut fastrand::Rng) -> bool {
    chance > 0.0 && random.f64() < chance
}
