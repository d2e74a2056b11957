//! Users of this machine by number and name.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
};

use crate::outcome::Failure;

/// Returns the user whose rights this program has.
pub(crate) fn effective() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns how a user is named in messages: `anna (uid 1000)`, or `uid 1000`.
pub(crate) fn named(uid: u32) -> String {
    match accounts().into_iter().find(|(_, known)| *known == uid) {
        Some((name, _)) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

/// Reads a user's name or number.
fn parse(text: &str) -> Option<u32> {
    let by_name = || accounts().into_iter().find(|(name, _)| name == text).map(|(_, uid)| uid);
    text.parse().ok().or_else(by_name)
}

/// Reads the users of `--ignore-runs-of`.
pub(crate) fn ignored(given: &[String]) -> Result<Vec<u32>, Failure> {
    let user = |text: &String| {
        parse(text).ok_or_else(|| {
            Failure::usage(format_args!("--ignore-runs-of {text}: there is no such user"))
        })
    };
    given.iter().map(user).collect()
}

/// The accounts in `/etc/passwd`; users that a directory service knows are shown by number.
fn accounts() -> Vec<(String, u32)> {
    let Ok(file) = File::open("/etc/passwd") else { return Vec::new() };
    let lines = BufReader::new(file.take(MAX_BYTES)).lines().map_while(Result::ok);
    let account = |line: String| {
        let mut words = line.split(':');
        let (name, uid) = (words.next()?, words.nth(1)?.parse().ok()?);
        Some((name.to_owned(), uid))
    };
    lines.filter_map(account).collect()
}

const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_number() {
        assert_eq!(
            (named(0).as_str(), parse("root"), parse("0")),
            ("root (uid 0)", Some(0), Some(0))
        );
        assert_eq!(named(4_000_000_000), "uid 4000000000");
        assert_eq!(parse("nobody of that name"), None);
    }
}
