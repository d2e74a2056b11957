//! Helpers for texts in reports.
//!
//! Names of units are from the caller and replies from a device, so both may contain characters that control
//! a terminal.

use pi18_transport::printable;

/// Returns a label in lower case, as it is used within a sentence. Labels that begin with an
/// abbreviation (`AC`) are not changed.
pub(crate) fn uncapitalised(label: &str) -> String {
    let mut rest = label.chars();
    match rest.next() {
        Some(first) if !rest.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(rest).collect()
        }
        _ => label.to_owned(),
    }
}

/// Returns the text without characters that control a terminal.
pub(crate) fn plain(text: &str) -> String {
    printable(text).into_owned()
}
