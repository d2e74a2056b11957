//! The history of banks and units: what was read, kept in one `SQLite` file.
//!
//! | file | content |
//! |---|---|
//! | `series` | which rows of the table of entities are recorded |
//! | `batch`, `recorder` | readings of a minute, and their statistics; without I/O and clock |
//! | `schema`, `store` | the tables of the file and their versions; the writer |
//! | `past` | a past that was not recorded, for demonstrations |
//! | `error` | why the file cannot be used |
//! | `query`, `time` | what a reader asks for |
//! | `reader`, `points`, `answer`, `client` | answers from the file or from a bridge, as JSON and CSV |
//! | `thread` | the thread that commits once a minute |
//!
//! Each reading is kept for some weeks, and minimum, mean, maximum and count of five minutes and of an hour for years.
//! A time in which nothing was read has no rows: it is never interpolated, and never zero.

mod answer;
mod batch;
mod client;
mod error;
mod past;
mod points;
mod query;
mod reader;
mod recorder;
mod schema;
mod series;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod thread;
mod time;

pub use self::{
    answer::{Answer, Column, Energy},
    batch::{Batch, Source},
    client::{Bridge, ClientError},
    error::HistoryError,
    past::Past,
    query::{MAX_POINTS, MAX_SERIES, PARAMETERS, Query, QueryError, Step, Wanted},
    reader::{ReadError, Reader},
    recorder::Recorder,
    store::{Retention, Store},
    thread::{Access, History},
};

pub(crate) use self::thread::AccessError;

/// Name of the file in the folder of the bridge.
pub const FILE: &str = "history.db";
