//! What the command line permits.

use lvx_settings::{Permissions, Setting};

use crate::{args::Permit, input::battery, terminal::Failure};

/// The installation settings that the command line names.
fn installation(permit: &Permit) -> Result<Vec<Setting>, Failure> {
    let allowed = permit.allow_installation.iter().map(|key| match Setting::from_key(key) {
        Some(setting) if setting.group().is_installation() => Ok(setting),
        Some(_) => Err(Failure::usage(format_args!(
            "--allow-installation {key}: that is no installation setting and needs no permission"
        ))),
        None => Err(Failure::usage(format_args!(
            "--allow-installation {key}: there is no such setting; those that need it are {}",
            installation_keys().join(", ")
        ))),
    });
    allowed.collect()
}

/// What the command line permits, and the battery guard of the site.
pub(crate) fn permissions(permit: &Permit) -> Result<Permissions, Failure> {
    let mut permissions = Permissions::default().with_installation(installation(permit)?);
    permissions.battery = battery()?;
    permissions.no_battery_guard = permit.no_battery_guard;
    permissions.part_of_bank = permit.one_unit;
    Ok(permissions)
}

fn installation_keys() -> Vec<&'static str> {
    let all = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    all.map(|setting| setting.key()).collect()
}
