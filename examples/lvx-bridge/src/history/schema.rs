//! The tables of the file, and the steps from one version to the next.
//!
//! The columns of values follow from the table of entities: a new row adds columns, and a row that is gone leaves them.

use std::{collections::BTreeSet, fmt::Write};

use rusqlite::{Connection, Transaction, params};

use super::{
    batch::SPANS,
    series::{Series, Subject, recorded},
};

/// `application_id` of the file: `LVXh`.
pub(super) const APPLICATION: i64 = 0x4c56_5868;

/// A step to the next version.
pub(super) type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// The steps from an empty file to the present version. A step that was released never changes.
pub(super) const MIGRATIONS: &[Migration] = &[create, add_period, add_packs];

/// Brings a file to the version after the last of these steps, and adds missing columns. Either all of it is done, or
/// nothing. Returns the version of a file that is later than all of these steps.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
) -> rusqlite::Result<Result<(), i64>> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).ok().filter(|done| *done <= migrations.len());
    let Some(done) = done else { return Ok(Err(found)) };
    for step in migrations.iter().skip(done) {
        step(&transaction)?;
    }
    if done < migrations.len() {
        let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        transaction.pragma_update(None, "user_version", version)?;
    }
    let mut is_changed = done < migrations.len();
    let mut subjects = Vec::new();
    for subject in Subject::ALL {
        if has_tables(&transaction, subject)? {
            subjects.push(subject);
        }
    }
    for subject in &subjects {
        is_changed |= add_columns(&transaction, *subject, recorded(*subject))?;
    }
    if is_changed {
        for subject in subjects {
            make_views(&transaction, subject)?;
        }
    }
    transaction.commit()?;
    Ok(Ok(()))
}

/// Version 1: all tables.
fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.execute_batch(
        "CREATE TABLE source (
            id INTEGER PRIMARY KEY,
            bank TEXT NOT NULL,
            -- Empty for the bank itself.
            serial TEXT NOT NULL,
            name TEXT NOT NULL,
            UNIQUE (bank, serial)
        );
        CREATE TABLE series (
            subject TEXT NOT NULL,
            key TEXT NOT NULL,
            name TEXT NOT NULL,
            unit TEXT NOT NULL,
            -- Numbers in the tables are multiples of 10^-decimals of the unit.
            decimals INTEGER NOT NULL,
            PRIMARY KEY (subject, key)
        ) WITHOUT ROWID;
        CREATE TABLE day (
            -- Local day: YYYY-MM-DD.
            day TEXT NOT NULL,
            source INTEGER NOT NULL REFERENCES source,
            key TEXT NOT NULL,
            -- 'counter': the unit's own counter; 'computed': integrated by the bridge.
            origin TEXT NOT NULL,
            wh REAL NOT NULL,
            -- Integral of the negative part: a battery that is discharged.
            negative_wh REAL,
            -- Time that was covered.
            seconds REAL,
            -- Unix time of the last reading of the counter.
            read_at INTEGER,
            PRIMARY KEY (day, source, key)
        ) WITHOUT ROWID;",
    )?;
    for subject in [Subject::Unit, Subject::Bank] {
        create_tables(transaction, subject)?;
    }
    Ok(())
}

/// Creates the tables with a row per time and source.
fn create_tables(transaction: &Transaction<'_>, subject: Subject) -> rusqlite::Result<()> {
    for table in tables(subject) {
        transaction.execute_batch(&format!(
            "CREATE TABLE {table} (
                t INTEGER NOT NULL,
                source INTEGER NOT NULL REFERENCES source,
                PRIMARY KEY (t, source)
            ) WITHOUT ROWID;"
        ))?;
    }
    Ok(())
}

/// Version 2: the usual time between two readings, by which readers choose the step of a plot.
fn add_period(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE source ADD COLUMN period INTEGER NOT NULL DEFAULT 5;")
}

/// Version 3: the tables of battery packs.
fn add_packs(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    create_tables(transaction, Subject::Pack)
}

/// Names of the tables of a subject with a row per time and source.
fn tables(subject: Subject) -> impl Iterator<Item = String> {
    let words = std::iter::once("raw").chain(SPANS.iter().map(|span| span.word));
    words.map(move |word| format!("{}_{word}", subject.word()))
}

/// Returns whether the tables of a subject exist: a file between two versions may not have them yet.
fn has_tables(transaction: &Transaction<'_>, subject: Subject) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)";
    transaction.query_row(sql, [format!("{}_raw", subject.word())], |row| row.get(0))
}

/// Adds the columns of series that the file does not have yet. Returns whether there are any.
fn add_columns(
    transaction: &Transaction<'_>,
    subject: Subject,
    series: &[Series],
) -> rusqlite::Result<bool> {
    let word = subject.word();
    let known = known(transaction, subject)?;
    let missing: Vec<_> = series.iter().filter(|one| !known.contains(one.key)).collect();
    for Series { key, name, unit, decimals } in &missing {
        transaction.execute(
            "INSERT INTO series (subject, key, name, unit, decimals) VALUES (?, ?, ?, ?, ?)",
            params![word, key, name, unit, decimals],
        )?;
        let mut sql = format!("ALTER TABLE {word}_raw ADD COLUMN {key} INTEGER;");
        for span in SPANS {
            for part in ["count", "min", "max", "sum"] {
                let table = span.word;
                let _ = write!(sql, "ALTER TABLE {word}_{table} ADD COLUMN {key}_{part} INTEGER;");
            }
        }
        transaction.execute_batch(&sql)?;
    }
    Ok(!missing.is_empty())
}

fn known(transaction: &Transaction<'_>, subject: Subject) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = transaction.prepare("SELECT key FROM series WHERE subject = ?")?;
    statement.query_map([subject.word()], |row| row.get(0))?.collect()
}

/// Makes the views for people: names instead of numbers of sources, and values in their units.
fn make_views(transaction: &Transaction<'_>, subject: Subject) -> rusqlite::Result<()> {
    let word = subject.word();
    let mut statement =
        transaction.prepare("SELECT key, decimals FROM series WHERE subject = ? ORDER BY key")?;
    let rows: Vec<(String, u32)> = statement
        .query_map([word], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let unit = match subject {
        Subject::Unit => ", source.name AS unit, source.serial AS serial",
        Subject::Bank => "",
        Subject::Pack => ", source.name AS pack",
    };
    let mut sql = String::new();
    let head = |sql: &mut String, table: &str| {
        let _ = write!(
            sql,
            "DROP VIEW IF EXISTS {word}_{table}_view;
             CREATE VIEW {word}_{table}_view AS SELECT t, source.bank AS bank{unit}"
        );
    };
    head(&mut sql, "raw");
    for (key, decimals) in &rows {
        let _ = write!(sql, ", {key} / 1e{decimals} AS {key}");
    }
    let _ = write!(sql, " FROM {word}_raw JOIN source ON source.id = source;");
    for span in SPANS {
        head(&mut sql, span.word);
        for (key, decimals) in &rows {
            let _ = write!(
                sql,
                ", {key}_min / 1e{decimals} AS {key}_min, {key}_sum / 1e{decimals} / {key}_count AS {key}_mean, \
                 {key}_max / 1e{decimals} AS {key}_max, {key}_count AS {key}_count"
            );
        }
        let _ = write!(sql, " FROM {word}_{} JOIN source ON source.id = source;", span.word);
    }
    transaction.execute_batch(&sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn file_of_the_first_version_gets_the_present_one_and_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut connection, &MIGRATIONS[..1]).unwrap(), Ok(()));
        let sql = "INSERT INTO source (bank, serial, name) VALUES ('garage', '', 'garage');
                   INSERT INTO bank_raw (t, source, pv_power) VALUES (1, 1, 4200)";
        connection.execute_batch(sql).unwrap();
        assert_eq!(migrate(&mut connection, MIGRATIONS).unwrap(), Ok(()));
        assert_eq!(version(&connection), 3);
        let row = connection.query_row(
            "SELECT period, pv_power FROM source JOIN bank_raw ON source = id",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        );
        assert_eq!(row.unwrap(), (5, 4200));
        // Nothing is left to do.
        assert_eq!(migrate(&mut connection, MIGRATIONS).unwrap(), Ok(()));
    }

    #[test]
    fn step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap().unwrap();
        let good: Migration = |transaction| transaction.execute_batch("DROP TABLE day");
        let bad: Migration = |transaction| transaction.execute_batch("DROP TABLE nothing");
        let steps = [MIGRATIONS, &[good, bad]].concat();
        migrate(&mut connection, &steps).unwrap_err();
        assert_eq!(version(&connection), 3);
        connection.query_row("SELECT count(*) FROM day", [], |row| row.get::<_, i64>(0)).unwrap();
    }

    #[test]
    fn later_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 9).unwrap();
        assert_eq!(migrate(&mut connection, MIGRATIONS).unwrap(), Err(9));
        let count = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }

    #[test]
    fn new_row_of_the_table_of_entities_adds_columns() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap().unwrap();
        let sql = "ALTER TABLE bank_raw DROP COLUMN pv_power;
                   DELETE FROM series WHERE subject = 'bank' AND key = 'pv_power';";
        connection.execute_batch(&format!("DROP VIEW bank_raw_view; {sql}")).unwrap();
        for span in SPANS {
            let table = span.word;
            let mut sql = format!("DROP VIEW bank_{table}_view;");
            for part in ["count", "min", "max", "sum"] {
                let _ = write!(sql, "ALTER TABLE bank_{table} DROP COLUMN pv_power_{part};");
            }
            connection.execute_batch(&sql).unwrap();
        }
        migrate(&mut connection, MIGRATIONS).unwrap().unwrap();
        let columns = "SELECT pv_power_count, pv_power_mean FROM bank_hour_view";
        connection.prepare(columns).unwrap();
    }

    #[test]
    fn views_show_values_in_their_units() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap().unwrap();
        let sql =
            "INSERT INTO source (bank, serial, name) VALUES ('garage', '96132206100410', 'one');
                   INSERT INTO unit_raw (t, source, battery_voltage) VALUES (7, 1, 541);
                   INSERT INTO unit_5min (t, source, battery_voltage_count, battery_voltage_min,
                       battery_voltage_max, battery_voltage_sum) VALUES (0, 1, 2, 541, 544, 1085)";
        connection.execute_batch(sql).unwrap();
        let row = "SELECT unit, battery_voltage, load FROM unit_raw_view";
        let row = connection.query_row(row, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?, row.get::<_, Option<f64>>(2)?))
        });
        assert_eq!(row.unwrap(), ("one".to_owned(), 54.1, None));
        let row = "SELECT battery_voltage_mean, load_mean FROM unit_5min_view";
        let row = connection
            .query_row(row, [], |row| Ok((row.get::<_, f64>(0)?, row.get::<_, Option<f64>>(1)?)));
        assert_eq!(row.unwrap(), (54.25, None));
    }
}
