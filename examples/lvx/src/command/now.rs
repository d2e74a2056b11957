//! `lvx now`: shows once what a bank does.

use std::{
    fmt::Write as _,
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use lvx_parallel::{Answer, Checks, Gap, PackSnapshot, UnitSnapshot};
use pi18_proto::{AnyReply, Query};
use pi18_transport::{Address, Error, printable};

use crate::{
    args::{self, Format},
    overview::{Finding, LinkState, Overview, Pack, Summary, Unit, Verdict},
    terminal::{Failure, Status, Stdout, add_commands, style},
    units::{bank_addresses, open_address, read_addresses},
};

pub(crate) fn run(args: &args::Now, out: &mut Stdout) -> Result<Status, Failure> {
    let addresses = bank_addresses(&args.units)?.with_a_unit()?;
    let checks = Checks::default();
    let bank = read_addresses(&addresses, |units, packs| checks.read_with_packs(units, packs))?;
    let addresses = addresses.units;
    let energies = energies(&addresses, &bank.units);
    let mut report = checks.check(&bank);
    report.findings.iter_mut().for_each(|finding| add_commands(&mut finding.advice));
    let now = Instant::now();
    let units = addresses.iter().zip(&bank.units).zip(energies);
    let units: Vec<_> =
        units.map(|((address, read), energy)| unit(address, read, energy.as_ref(), now)).collect();
    let findings: Vec<_> = report.findings.iter().map(Finding::new).collect();
    let packs: Vec<_> = bank.packs.iter().map(|read| pack(read, now)).collect();
    let verdict = Verdict::of(&units, &packs, &findings, true);
    let overview = Overview { name: String::new(), verdict, units, packs, findings };
    match args.format {
        Format::Table => out.write_all(text(&overview, now).as_bytes())?,
        Format::Json => writeln!(out, "{}", overview.to_json(now).map_err(io::Error::from)?)?,
    }
    Ok(match (report.complete, report.is_healthy()) {
        (false, _) => Status::Unread,
        (true, false) => Status::Findings,
        (true, true) => Status::Ok,
    })
}

/// The answer to a query that is not part of a snapshot.
type Energy = Result<(Query, AnyReply), Gap>;

/// Asks each unit for the energy of its present day, which no check needs. `None` for a unit that does not answer,
/// or did not report its clock.
fn energies(addresses: &[Address], units: &[UnitSnapshot]) -> Vec<Option<Energy>> {
    thread::scope(|scope| {
        let readers: Vec<_> = addresses
            .iter()
            .zip(units)
            .map(|(address, unit)| {
                let clock = unit.clock.value().filter(|_| unit.lost.is_none());
                let query = clock.map(|clock| Query::DayEnergy(clock.time.date()));
                scope.spawn(move || query.map(|query| energy(address, query)))
            })
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn energy(address: &Address, query: Query) -> Energy {
    let ask = || -> Result<AnyReply, Error> { Ok(open_address(address)?.query(query)?.reply) };
    ask().map(|reply| (query, reply)).map_err(|error| Gap::from(&error))
}

/// Returns a unit with the answers that are shown.
fn unit(address: &Address, read: &UnitSnapshot, energy: Option<&Energy>, now: Instant) -> Unit {
    let mut unit = Unit::new(&read.name, address.place());
    unit.link = match &read.lost {
        Some(gap) => LinkState::Down { why: gap.text.clone(), since: None },
        None => LinkState::Up,
    };
    take(&mut unit, Query::Identity, &read.identity, now);
    take(&mut unit, Query::Mode, &read.mode, now);
    take(&mut unit, Query::FaultsAndWarnings, &read.faults, now);
    take(&mut unit, Query::GeneralStatus, &read.status, now);
    if let Some(Ok((query, reply))) = energy {
        unit.take(*query, Ok((reply, now, LIMIT)));
    }
    unit
}

fn take<T: Copy>(unit: &mut Unit, query: Query, answer: &Answer<T>, now: Instant)
where
    AnyReply: From<T>,
{
    match answer {
        Answer::Received(reading) => unit.take(query, Ok((&reading.value.into(), now, LIMIT))),
        Answer::Missing(gap) => unit.take(query, Err(gap)),
    }
}

/// Returns a battery pack with its measurements.
fn pack(read: &PackSnapshot, now: Instant) -> Pack {
    let mut pack = Pack::new(&read.name, LIMIT);
    let model = read.label.as_ref().map(|label| printable(&label.model).into_owned());
    pack.model = model.filter(|model| !model.is_empty());
    if let Some(reading) = &read.live {
        pack.read(reading.value, now);
    } else {
        pack.lose(read, None);
    }
    pack
}

/// Returns the whole text.
fn text(bank: &Overview, now: Instant) -> String {
    let mut text = String::new();
    let verdict = &bank.verdict;
    let style = style();
    let words = format!("{}. {}", verdict.title, verdict.detail);
    text.push_str(&style.wrap(&format!("{} ", verdict.level.sign()), &words));
    if let Some(step) = &verdict.step {
        text.push_str(&style.wrap("  Do first: ", step));
    }
    let totals = bank.totals(now);
    let summary = Summary::of(&totals);
    text.push('\n');
    let parts = [
        ("sun", summary.sun),
        ("load", summary.load),
        ("battery", summary.battery),
        ("grid", summary.grid),
    ];
    for (name, value) in parts {
        text.push_str(&style.wrap(&format!("{name:<9}"), &value));
    }
    if totals.units > 0 && !totals.missing.is_empty() {
        text.push_str(&style.wrap("without  ", &totals.missing.join(", ")));
    }
    text.push('\n');
    text.push_str(&units(bank, now));
    if !bank.packs.is_empty() {
        text.push('\n');
        text.push_str(&packs(bank, now));
    }
    if !bank.findings.is_empty() {
        text.push('\n');
    }
    for finding in &bank.findings {
        let values = if finding.values.is_empty() { "" } else { ": " };
        let what = format!("{}{values}{}", finding.title, finding.values);
        text.push_str(&style.wrap(&format!("{}: ", finding.severity), &what));
    }
    text
}

/// Returns a line for each unit.
fn units(bank: &Overview, now: Instant) -> String {
    let rows: Vec<_> = bank.rows(now).into_iter().filter(|row| !row.is_detail).collect();
    let head = rows.iter().map(|row| row.label.to_lowercase());
    let mut lines = vec![["unit".to_owned()].into_iter().chain(head).collect::<Vec<_>>()];
    for (place, unit) in bank.units.iter().enumerate() {
        let cells = rows.iter().map(|row| short(row.cells.get(place).map_or("", String::as_str)));
        lines.push([unit.name.clone()].into_iter().chain(cells).collect());
    }
    table(&lines)
}

/// Returns a line for each battery pack.
fn packs(bank: &Overview, now: Instant) -> String {
    let head = Pack::COLUMNS.iter().map(|label| label.to_lowercase());
    let mut lines = vec![["pack".to_owned()].into_iter().chain(head).collect::<Vec<_>>()];
    for pack in &bank.packs {
        lines.push([pack.name.clone()].into_iter().chain(pack.cells(now)).collect());
    }
    table(&lines)
}

/// Returns lines whose cells are below each other.
fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut line_text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line_text, "{cell:<width$}  ");
        }
        text.push_str(line_text.trim_end());
        text.push('\n');
    }
    text
}

/// Shortens a cell. The names of faults are long, and are also among the findings.
fn short(cell: &str) -> String {
    if cell.chars().count() <= MAX_CELL {
        return cell.to_owned();
    }
    cell.chars().take(MAX_CELL - 1).chain(['…']).collect()
}

/// Greatest width of a cell.
const MAX_CELL: usize = 18;
/// Limit of age. All values were just read.
const LIMIT: Duration = Duration::from_mins(5);
