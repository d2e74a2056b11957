//! User input: files, names of queries, profiles with help for their errors, and the battery guard of the
//! site.

mod battery;
mod file;
mod options;
mod profile;
mod query_name;

pub(crate) use battery::{battery, battery_path};
pub(crate) use file::{
    file_name, is_stdin, open_input, read_bytes, read_text, stdin_is_ready, unreadable,
};
pub(crate) use options::with_options;
pub(crate) use profile::read_profile;
pub(crate) use query_name::{query, query_kind};
