//! Rules about the PV inputs of the units.

pub(super) mod charger_status;
mod input;
pub(super) mod pv_string;
pub(super) mod pv_voltage;

/// The step before the first one that touches terminals, cables, lugs, breakers, boards or connectors.
pub(super) const LIVE: &str = "leave the following steps to an electrician, because the terminals of a stopped unit \
    stay live from the other units, the grid, PV and the battery: switch off the loads and all units, open AC \
    output, AC input, PV and battery of the whole bank and secure them, wait as many minutes as the maker's \
    manual says (at least five), and measure zero volts at each terminal before touching it; battery poles and \
    PV plugs stay live even then";
