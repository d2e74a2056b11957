//! Users of this machine by uid and name.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use crate::terminal::Failure;

/// Returns the effective uid.
pub(crate) fn effective() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns whether the environment may come from a user with fewer rights.
pub(crate) fn has_other_rights() -> bool {
    let by_another = ["SUDO_UID", "DOAS_USER", "PKEXEC_UID"];
    rustix::process::getuid() != rustix::process::geteuid()
        || by_another.iter().any(|name| std::env::var_os(name).is_some())
}

/// Returns the argument of `sudo -u` for this user: its name, or `'#1000'`.
#[cfg(feature = "bridge")]
pub(crate) fn sudo_name() -> String {
    let uid = effective();
    let account = accounts().into_iter().find(|account| account.uid == uid);
    let name = account.map(|account| account.name);
    // Other names would have to be quoted.
    let plain = |name: &String| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.filter(plain).unwrap_or_else(|| format!("'#{uid}'"))
}

/// Formats a user for messages: `anna (uid 1000)`, or `uid 1000`.
pub(crate) fn named(uid: u32) -> String {
    match accounts().into_iter().find(|account| account.uid == uid) {
        Some(Account { name, .. }) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

/// Parses a user name or uid.
fn parse(text: &str) -> Option<u32> {
    let by_name = || accounts().into_iter().find(|account| account.name == text);
    text.parse().ok().or_else(|| Some(by_name()?.uid))
}

/// Parses the users of `--ignore-runs-of`.
pub(crate) fn ignored(given: &[String]) -> Result<Vec<u32>, Failure> {
    let user = |text: &String| {
        parse(text)
            .ok_or_else(|| Failure::usage(format_args!("--ignore-runs-of {text}: unknown user")))
    };
    given.iter().map(user).collect()
}

/// Returns the home folder of a user, if `/etc/passwd` has one.
pub(crate) fn home(uid: u32) -> Option<PathBuf> {
    let account = accounts().into_iter().find(|account| account.uid == uid)?;
    Some(PathBuf::from(account.home)).filter(|home| home.is_absolute())
}

/// An account of `/etc/passwd`.
struct Account {
    name: String,
    uid: u32,
    home: String,
}

/// Reads the accounts in `/etc/passwd`. Users of a directory service are shown by uid.
fn accounts() -> Vec<Account> {
    let Ok(file) = File::open("/etc/passwd") else { return Vec::new() };
    let lines = BufReader::new(file.take(MAX_BYTES)).lines().map_while(Result::ok);
    let account = |line: String| {
        let mut words = line.split(':');
        let (name, uid) = (words.next()?, words.nth(1)?.parse().ok()?);
        let home = words.nth(2).unwrap_or_default();
        Some(Account { name: name.to_owned(), uid, home: home.to_owned() })
    };
    lines.filter_map(account).collect()
}

/// Maximum size that is read of `/etc/passwd`, in bytes.
const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_uid() {
        assert_eq!(
            (named(0).as_str(), parse("root"), parse("0")),
            ("root (uid 0)", Some(0), Some(0))
        );
        assert_eq!(named(4_000_000_000), "uid 4000000000");
        assert_eq!(parse("no such user"), None);
    }

    #[test]
    fn home_is_read_from_the_account() {
        assert!(home(0).unwrap().is_absolute());
        assert_eq!(home(4_000_000_000), None);
    }
}
