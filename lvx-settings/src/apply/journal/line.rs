//! The lines of a journal file.

use std::path::Path;

use pi18_proto::DateTime;
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::{Error, Plan};

/// The first line of a journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: Format,
    pub(super) plan: Plan,
    /// Name of the earlier run that this run undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) undoes: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Format {
    #[serde(rename = "lvx-journal-1")]
    V1,
}

/// A line after the first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<DateTime>,
    #[serde(flatten)]
    pub(super) record: Record,
}

/// Checks that a path leads to a regular file. Opening another kind of file, such as a pipe, may block
/// forever.
pub(super) fn check_regular(path: &Path) -> Result<(), Error> {
    let file = path.metadata().map_err(|source| Error::file(path, CANNOT_READ, source))?;
    if file.is_file() {
        Ok(())
    } else {
        Err(Error::content(path, "expected a journal, found a file that is not a regular file"))
    }
}

pub(super) const CANNOT_READ: &str = "cannot read the journal";
