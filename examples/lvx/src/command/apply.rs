//! `lvx apply`: applies a profile or a saved plan to units.

use std::io::Write;

use crate::{
    args,
    terminal::{Failure, Status},
    writing::{Target, apply_target, check_terminal},
};

pub(crate) fn run(args: &args::Apply, out: &mut impl Write) -> Result<Status, Failure> {
    check_terminal(&args.options.consent)?;
    apply_target(
        Target::read(&args.source, &args.options.timing.state)?,
        &args.units,
        &args.options,
        out,
    )
}
