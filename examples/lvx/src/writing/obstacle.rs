//! Messages about obstacles to a plan.

use lvx_settings::{Obstacle, ObstacleKind};

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
