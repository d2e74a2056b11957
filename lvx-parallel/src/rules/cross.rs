//! Rules about what units report about each other, compared with what each reports about itself.

pub(super) mod cross_serial;
pub(super) mod cross_status;
pub(super) mod cross_totals;
