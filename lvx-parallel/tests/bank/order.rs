//! The order in which units are given does not matter.

use fastrand::Rng;
use lvx_parallel::{check, compare};
use proptest::prelude::*;

use crate::random::Plan;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn report_is_independent_of_unit_order(seed: u64, order: u64, faults in 0_usize..4) {
        let mut random = Rng::with_seed(seed);
        let mut plan = Plan::healthy(&mut random);
        let switches = ["fault=83", "main=06303", "float=53.0", "instance=0", "output-mode=0",
            "battery-offset=0.5", "mode=03", "serial-number=55355535553555", "warn=overload", "model=02"];
        for _ in 0..faults {
            let unit = random.usize(0..plan.units());
            plan.put(unit, switches[random.usize(0..switches.len())]);
        }
        let mut bank = plan.read(&mut random);
        let (report, comparison) = (check(&bank), compare(&bank));
        Rng::with_seed(order).shuffle(&mut bank.units);
        prop_assert_eq!(check(&bank), report);
        prop_assert_eq!(compare(&bank), comparison);
    }
}
