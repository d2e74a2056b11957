//! `lvx apply`: brings units to what a profile or a saved plan wants.

use std::io::Write;

use crate::{
    args,
    terminal::{Failure, Status},
    writing::{Wanted, can_be_asked, carry},
};

pub(crate) fn run(args: &args::Apply, out: &mut impl Write) -> Result<Status, Failure> {
    can_be_asked(&args.how.consent)?;
    carry(Wanted::read(&args.what, &args.how.care.place)?, &args.units, &args.how, out)
}
