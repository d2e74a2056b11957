//! `lvx diff`: shows settings of units that differ from a profile.

use std::io::{self, Write};

use lvx_settings::{Setting, Settings};
use pi18_proto::SerialNumber;
use serde::Serialize;

use crate::{
    args::{self, Format},
    input::read_profile,
    terminal::{Failure, Status, print_note},
    units,
};

pub(crate) fn run(args: &args::Diff, out: &mut impl Write) -> Result<Status, Failure> {
    let profile = read_profile(&args.profile)?.into_profile();
    let settings = Some(&profile.settings);
    let units = match units::open_for(&args.units, &units::host(), settings)? {
        Ok(units) => units,
        Err(status) => return Ok(status),
    };
    let mut differing = 0;
    let mut shown = Vec::new();
    for open in &units {
        if let Some(why) = profile.applies_to.refuses(&open.unit) {
            print_note(&format!("warning: {}: {why}", open.address.place()));
        }
        let has = open.unit.settings();
        let differences: Vec<_> = has.differences(&profile.settings).collect();
        differing += differences.len();
        match args.format {
            Format::Json => shown.push(JsonUnit {
                address: open.address.place(),
                serial_number: open.unit.serial_number,
                differences: differences
                    .iter()
                    .map(|difference| JsonDifference {
                        setting: difference.setting,
                        is: difference.from.map(|value| value.to_string()),
                        wanted: difference.to.to_string(),
                    })
                    .collect(),
            }),
            Format::Table => {
                let stated = count(&profile.settings);
                let same = stated - differences.len();
                writeln!(
                    out,
                    "{}  {}: {same} of {stated} settings match",
                    open.address.place(),
                    open.unit.serial_number
                )?;
                for difference in &differences {
                    let is =
                        difference.from.map_or("missing".to_owned(), |value| value.to_string());
                    writeln!(
                        out,
                        "  {:<26} is {is}, expected {}",
                        difference.setting.key(),
                        difference.to
                    )?;
                }
            }
        }
    }
    if args.format == Format::Json {
        writeln!(
            out,
            "{}",
            serde_json::to_string(&Json { units: shown }).map_err(io::Error::from)?
        )?;
    }
    Ok(if differing == 0 { Status::Ok } else { Status::Findings })
}

/// The differences of all units, as JSON.
#[derive(Serialize)]
struct Json<'a> {
    units: Vec<JsonUnit<'a>>,
}

#[derive(Serialize)]
struct JsonUnit<'a> {
    address: &'a str,
    serial_number: SerialNumber,
    differences: Vec<JsonDifference>,
}

#[derive(Serialize)]
struct JsonDifference {
    setting: Setting,
    is: Option<String>,
    wanted: String,
}

fn count(settings: &Settings) -> usize {
    settings.iter().count()
}
