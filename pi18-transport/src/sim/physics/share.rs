//! The shares of the units in the load of the house.
//!
//! Units in parallel supply equal shares, except for the sharing error that the switch `share` sets. A unit that
//! can supply less than its share, because it has no battery, leaves the rest to the others.

/// A unit that supplies the house.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Supplier {
    /// Share of the load relative to the other units.
    pub(crate) weight: f64,
    /// Largest power that the unit can supply, W.
    pub(crate) max: f64,
}

/// Divides a load, W, between suppliers, and returns the power of each. They supply less than the load only if all
/// of them supply their largest power.
pub(crate) fn divide(load: f64, suppliers: &[Supplier]) -> Vec<f64> {
    let mut powers = vec![0.0; suppliers.len()];
    let mut is_full = vec![false; suppliers.len()];
    // Each round but the last one finds a supplier that cannot supply its share.
    for _ in suppliers {
        let (mut rest, mut weights) = (load, 0.0);
        for ((supplier, power), is_full) in suppliers.iter().zip(&powers).zip(&is_full) {
            if *is_full { rest -= power } else { weights += supplier.weight }
        }
        let mut is_done = true;
        for ((supplier, power), is_full) in suppliers.iter().zip(&mut powers).zip(&mut is_full) {
            if *is_full {
                continue;
            }
            let share = if weights > 0.0 { rest * supplier.weight / weights } else { 0.0 };
            *is_full = share > supplier.max;
            *power = share.min(supplier.max);
            is_done &= !*is_full;
        }
        if is_done {
            break;
        }
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supplier(weight: f64, max: f64) -> Supplier {
        Supplier { weight, max }
    }

    #[test]
    fn shares_follow_weights_and_maxima() {
        let free = f64::INFINITY;
        let divide = |load, given: &[(f64, f64)]| {
            let suppliers: Vec<_> = given.iter().map(|(w, max)| supplier(*w, *max)).collect();
            divide(load, &suppliers)
        };
        assert_eq!(divide(1000.0, &[(1.0, free), (1.0, free)]), [500.0, 500.0]);
        assert_eq!(divide(1000.0, &[(1.5, free), (0.5, free)]), [750.0, 250.0]);
        assert_eq!(divide(1000.0, &[(1.0, 100.0), (1.0, free)]), [100.0, 900.0]);
        assert_eq!(
            divide(900.0, &[(1.0, 100.0), (1.0, 350.0), (1.0, free)]),
            [100.0, 350.0, 450.0]
        );
        assert_eq!(divide(900.0, &[(1.0, 100.0), (1.0, 0.0)]), [100.0, 0.0]);
        assert!(divide(900.0, &[]).is_empty());
    }
}
