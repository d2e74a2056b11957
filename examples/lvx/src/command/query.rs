//! `lvx query`: sends queries to a unit and shows each field of the replies.

mod fields;

use std::{
    fs::File,
    io::{self, Write},
};

use pi18_proto::{AnyReply, FieldInfo, Form, Presence, Query, QueryInfo};
use pi18_transport::{Address, CaptureRecorder, Client, Link, TimedReply, wrap};
use serde::Serialize;

use self::fields::{JsonFields, ReplyFields};
use crate::{
    args::{self, MAX_WIDTH, QueryFormat},
    input,
    terminal::{Failure, Progress, Status},
    units,
};

pub(crate) fn run(args: &args::Query, out: &mut impl Write) -> Result<Status, Failure> {
    if args.list {
        return list(&args.words, out);
    }
    let (units, commands): (Vec<_>, Vec<_>) = args.words.iter().partition(|word| is_address(word));
    let queries = commands.iter().map(|text| input::query(text)).collect::<Result<Vec<_>, _>>()?;
    let unit = match &units[..] {
        [] => default_unit()?,
        [unit] => (*unit).clone(),
        _ => {
            return Err(Failure::usage(
                "expected one unit, found several; query them one after another",
            ));
        }
    };
    if queries.is_empty() {
        return Err(Failure::usage(format_args!(
            "no query is given: try `lvx query GS {unit}`, or `lvx query --list`"
        )));
    }
    let address: Address = unit.parse()?;
    if address.pack_address().is_some() {
        return Err(units::expected_unit(&address));
    }
    let mut client = open(&address, args)?;
    let mut status = Status::Ok;
    for query in queries {
        let progress = Progress::start();
        progress.watch(address.place(), &mut client);
        let answer = client.query(query);
        drop(progress);
        match answer {
            Ok(reading) => show(out, &address, &reading, args.format)?,
            Err(error) if error.is_refused() || error.is_decode() => {
                status = Failure::from(error).print().max(status);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(status)
}

fn open(address: &Address, args: &args::Query) -> Result<Client<Box<dyn Link + Send>>, Failure> {
    let link = units::open_link(address)?;
    let link: Box<dyn Link + Send> = match &args.capture {
        None => link,
        Some(path) => {
            // An existing capture is never overwritten: it may be the one that is played back.
            let file = File::create_new(path).map_err(|error| {
                Failure::usage(format_args!(
                    "--capture {}: cannot create the file: {error}",
                    path.display()
                ))
            })?;
            Box::new(CaptureRecorder::new(link, file))
        }
    };
    Ok(Client::with_config(link, *address.config()))
}

/// Returns whether a word is an address: no query contains these characters.
fn is_address(word: &str) -> bool {
    word.contains([':', '/'])
}

/// Returns the unit to use when no address is given.
fn default_unit() -> Result<String, Failure> {
    if let Some(unit) = std::env::var_os("LVX_UNIT").filter(|unit| !unit.is_empty()) {
        return unit.into_string().map_err(|unit| {
            Failure::usage(format_args!("LVX_UNIT: expected an address, found {}", unit.display()))
        });
    }
    match &units::adapters()[..] {
        [only] => Ok(only.clone()),
        [] => Err(Failure::usage(
            "no unit is given and no inverter adapter is plugged in: give an address after the query \
             (/dev/ttyUSB0), or try the virtual bank (sim:0)",
        )),
        several => Err(Failure::usage(format_args!(
            "no unit is given and several adapters are plugged in: give one of these addresses after the query: {}",
            several.join(", ")
        ))),
    }
}

fn show(
    out: &mut impl Write,
    address: &Address,
    reading: &TimedReply,
    format: QueryFormat,
) -> io::Result<()> {
    let shown = ReplyFields::of(&reading.reply);
    let warnings = reading.warnings.iter().cloned().chain(absent(&reading.reply));
    let warnings: Vec<_> = warnings.collect();
    match format {
        QueryFormat::Raw => writeln!(out, "{} {}", reading.query, reading.frame.escape_ascii()),
        QueryFormat::Json => {
            let line = JsonLine {
                command: reading.query.to_string(),
                unit: address,
                values: shown.values(),
                names: shown.names(),
                units: shown.units(),
                warnings: &warnings,
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)
        }
        QueryFormat::Table => {
            writeln!(out, "{}  {}", reading.query, reading.query.info().summary)?;
            let width = shown.rows().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
            for (label, value) in shown.rows() {
                writeln!(out, "  {label:width$}  {value}")?;
            }
            for warning in &warnings {
                writeln!(out, "  (warning: {warning})")?;
            }
            Ok(())
        }
    }
}

/// A reply as JSON.
#[derive(Serialize)]
struct JsonLine<'a> {
    command: String,
    unit: &'a Address,
    values: &'a JsonFields,
    names: &'a JsonFields,
    units: &'a JsonFields,
    warnings: &'a [String],
}

/// Returns a warning for a unit that is not in the bank: such a reply contains zeros.
fn absent(reply: &AnyReply) -> Option<String> {
    let presence = match reply {
        AnyReply::ParallelRating(rating) => rating.presence,
        AnyReply::ParallelStatus(status) => status.presence,
        _ => return None,
    };
    let absent = presence == Presence::ABSENT;
    absent.then(|| {
        "the bank has no unit with this number; the other fields are meaningless".to_owned()
    })
}

/// Lists all queries, or the reply fields of the given ones.
fn list(words: &[String], out: &mut impl Write) -> Result<Status, Failure> {
    if words.is_empty() {
        for info in Query::LIST {
            let lead = format!("{:<11} ", usage(info));
            write!(out, "{}", wrap(&lead, info.summary, MAX_WIDTH))?;
        }
        writeln!(out, "\n`lvx query --list GS` lists the fields of a reply.")?;
        return Ok(Status::Ok);
    }
    let parse = |word: &String| input::query_kind(word).map_or_else(|| input::query(word), Ok);
    for query in words.iter().map(parse).collect::<Result<Vec<_>, _>>()? {
        let info = query.info();
        let summary = format!("{} (since {})", info.summary, info.since);
        write!(out, "{}", wrap(&format!("{}  ", usage(info)), &summary, MAX_WIDTH))?;
        for field in info.fields {
            let unit = if field.unit.is_empty() { picture(field) } else { field.unit.to_owned() };
            let optional = if field.optional { " (optional)" } else { "" };
            let lead = format!("  {}: ", field.label);
            write!(out, "{}", wrap(&lead, &format!("{unit}{optional}"), MAX_WIDTH))?;
        }
    }
    Ok(Status::Ok)
}

/// Returns the mnemonic with its arguments.
fn usage(info: &QueryInfo) -> String {
    let arguments: String = info.arguments.iter().map(picture).collect();
    format!("{}{arguments}", info.mnemonic)
}

/// Describes the possible values of a field without a unit.
fn picture(field: &FieldInfo) -> String {
    match field.form {
        Form::Code(names) => {
            let values: Vec<_> =
                names.iter().map(|known| format!("{} {}", known.code, known.name)).collect();
            values.join(", ")
        }
        Form::Text(picture) => picture.to_owned(),
        Form::Number { min, max } if max < 10 => format!("<{min} to {max}>"),
        _ => "a number".to_owned(),
    }
}
