//! Permissions from the command line.

use lvx_settings::{Permissions, Setting};

use crate::{args::PermitOptions, input::battery, terminal::Failure};

/// Returns the installation settings of `--allow-installation`.
fn installation(permit: &PermitOptions) -> Result<Vec<Setting>, Failure> {
    let allowed = permit.allow_installation.iter().map(|key| match Setting::from_key(key) {
        Some(setting) if setting.group().is_installation() => Ok(setting),
        Some(_) => Err(Failure::usage(format_args!(
            "--allow-installation {key}: expected an installation setting; this setting needs no permission"
        ))),
        None => Err(Failure::usage(format_args!(
            "--allow-installation {key}: unknown setting; installation settings are {}",
            installation_keys().join(", ")
        ))),
    });
    allowed.collect()
}

/// Returns the permissions from the command line, with the battery guard of the site.
pub(crate) fn permissions(permit: &PermitOptions) -> Result<Permissions, Failure> {
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
