//! Messages about obstacles to a plan, and about objections to carrying it out.

use lvx_settings::{Objection, ObjectionKind, Obstacle, ObstacleKind};

use crate::input::battery_path;

/// Returns the message of an obstacle, with the option that permits it if there is one.
pub(crate) fn describe_obstacle(obstacle: &Obstacle) -> String {
    let option = match obstacle.kind {
        ObstacleKind::Installation => obstacle
            .settings
            .first()
            .map_or(String::new(), |setting| format!(" (--allow-installation {setting})")),
        ObstacleKind::NoBatteryGuard => {
            format!(" ({}), or use --no-battery-guard", battery_path().0.display())
        }
        ObstacleKind::PartOfBank => ", or use --one-unit".to_owned(),
        _ => String::new(),
    };
    format!("{obstacle}{option}")
}

/// Returns the message of an objection, with the option that waits for an idle window if the unit charges.
pub(crate) fn describe_objection(objection: &Objection) -> String {
    match objection.kind {
        ObjectionKind::Charging => format!("{objection} ({WAIT_OPTION})"),
        _ => objection.to_string(),
    }
}

/// The option of a run that waits until a unit no longer charges.
pub(crate) const WAIT_OPTION: &str = "--wait-idle 12h waits up to 12 hours";
