//! `lvx history`: prints what a bridge read in the past.

mod sparkline;
mod table;

use std::{
    io::{Read, Write},
    path::Path,
};

use jiff::{Timestamp, tz::TimeZone};
use lvx_bridge::{
    Name,
    config::Secret,
    history::{self, Answer, Bridge, Query, Reader},
};

use crate::{
    args::{History, HistoryFormat},
    state::BridgeFiles,
    terminal::{Failure, Status},
};

pub(crate) fn run(args: &History, out: &mut impl Write) -> Result<Status, Failure> {
    let zone = TimeZone::system();
    let now = Timestamp::now();
    let series = args.series.join(",");
    let step = args.step.as_deref().map(|step| ("step", step));
    let parameters = [("series", series.as_str()), ("from", &args.from), ("to", &args.to)];
    let parameters: Vec<_> = parameters.into_iter().chain(step).collect();
    // Checks the command line before anything is opened.
    let query = Query::parse(parameters.iter().copied(), now, &zone).map_err(Failure::usage)?;
    let answer = match &args.bridge {
        Some(url) => from_bridge(url, args, &query)?,
        None => from_file(args, &query, &zone)?,
    };
    match args.format {
        HistoryFormat::Csv => out.write_all(answer.csv(&zone).as_bytes())?,
        HistoryFormat::Json => {
            let json = serde_json::to_string(&answer).map_err(Failure::usage)?;
            writeln!(out, "{json}")?;
        }
        HistoryFormat::Table => out.write_all(table::table(&answer, &zone).as_bytes())?,
        HistoryFormat::Sparkline => out.write_all(sparkline::text(&answer, &zone).as_bytes())?,
    }
    Ok(Status::Ok)
}

fn from_file(args: &History, query: &Query, zone: &TimeZone) -> Result<Answer, Failure> {
    let default = || BridgeFiles::new(&args.state).map(|files| files.path().join(history::FILE));
    let path = args.file.clone().or_else(default);
    let path = path.ok_or_else(|| Failure::usage("expected a file, found none: use --file"))?;
    let reader = Reader::open(&path).map_err(|error| {
        Failure::usage(format_args!("{error}; --file names another file, and --bridge a bridge"))
    })?;
    let banks = reader.banks().map_err(Failure::usage)?;
    let first = banks.first().map(String::as_str);
    let Some(bank) = args.bank.as_ref().map(Name::as_str).or(first) else {
        let text = format!("{}: nothing was recorded yet", path.display());
        return Err(Failure::usage(text));
    };
    reader.answer(bank, query, zone).map_err(|error| {
        let known =
            if banks.len() > 1 { format!("; banks: {}", banks.join(", ")) } else { String::new() };
        Failure::usage(format_args!("{error}{known}"))
    })
}

/// Asks a bridge. The times of the query are sent as numbers, because the bridge may be in another time zone.
fn from_bridge(url: &str, args: &History, query: &Query) -> Result<Answer, Failure> {
    let token = args.token_file.as_deref().map(read_token).transpose()?;
    let bridge = Bridge { url: url.to_owned(), token };
    let series: Vec<_> = query.series.iter().map(ToString::to_string).collect();
    let (series, from, to) = (series.join(","), query.from.to_string(), query.to.to_string());
    let parameters = [("series", series.as_str()), ("from", &from), ("to", &to)];
    let step = query.step.map(|step| step.to_string());
    let parameters = parameters.into_iter().chain(step.as_deref().map(|step| ("step", step)));
    bridge.history(args.bank.as_ref(), parameters).map_err(Failure::usage)
}

fn read_token(path: &Path) -> Result<Secret, Failure> {
    let failed = |error| Failure::usage(format_args!("{}: {error}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_TOKEN).read_to_string(&mut text).map_err(failed)?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::usage(format_args!("{}: expected a token", path.display())));
    }
    Ok(Secret::new(token))
}

/// Greatest length of a token file in bytes.
const MAX_TOKEN: u64 = 4096;
