//! Rules about the data that units have about each other, compared with their own reports.

pub(super) mod cross_serial;
pub(super) mod cross_status;
pub(super) mod cross_totals;
