//! `lvx bridge --print systemd`.

use crate::{args::Bridge, command::links, terminal::Failure};

/// Returns the systemd service that runs the bridge.
///
/// # Errors
/// If a path or a name is unsafe or useless in the file.
pub(super) fn systemd(args: &Bridge) -> Result<String, Failure> {
    let (lvx, config) = (&args.lvx, &args.config);
    links::check_paths(&[("--lvx", lvx), ("--config", config)])?;
    links::check_names(&[("--user", &args.user), ("--group", &args.group)])?;
    Ok(include_str!("lvx-bridge.service")
        .replace("@lvx@", &lvx.display().to_string())
        .replace("@config@", &config.display().to_string())
        .replace("@user@", &args.user)
        .replace("@group@", &args.group))
}
