//! Tokens: what a client shows instead of a password. Only their hashes are stored.

use std::{
    fmt, io,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::digest::{Digest, random_hex};
use crate::{Name, Now, config::Secret, storage::Storage};

/// What a token allows. A greater scope includes the smaller ones.
///
/// ```
/// use lvx_bridge::http::Scope;
///
/// assert!(Scope::Control > Scope::Read);
/// assert_eq!("acknowledge".parse(), Ok(Scope::Acknowledge));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reads values, alerts and metrics.
    Read,
    /// Acknowledges alerts, and asks for a test alert.
    Acknowledge,
    /// Changes the settings that the configuration allows.
    Control,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Acknowledge => "acknowledge",
            Self::Control => "control",
        })
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        match text {
            "read" => Ok(Self::Read),
            "acknowledge" => Ok(Self::Acknowledge),
            "control" => Ok(Self::Control),
            _ => Err(ScopeError(text.to_owned())),
        }
    }
}

/// A text is not a [`Scope`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected read, acknowledge or control, found {0:?}")]
pub struct ScopeError(String);

/// What is known about a token. The token itself is shown once, when it is made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct TokenInfo {
    /// Name, which appears in the log and beside acknowledgements.
    pub name: Name,
    /// What it allows.
    pub scope: Scope,
    /// Time at which it was made.
    pub created: Timestamp,
    /// Time from which it is refused; `None` if it does not expire.
    pub expires: Option<Timestamp>,
}

/// Why a token cannot be made, changed or listed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file of tokens cannot be read or written.
    #[error("tokens.json: {0}")]
    Storage(#[from] io::Error),
    /// The file of tokens does not have the form that this version writes.
    #[error("tokens.json: expected a list of tokens, found something else: {0}")]
    Format(#[from] serde_json::Error),
    /// There is a token of this name.
    #[error(
        "token {0}: expected a new name, found one that is in use; rotate or revoke that token"
    )]
    Exists(Name),
    /// There is no token of this name.
    #[error("token {name}: {known}")]
    Unknown {
        /// Name that was given.
        name: Name,
        /// Text about the tokens that exist.
        known: String,
    },
    /// There are too many tokens.
    #[error("expected at most {MAX_TOKENS} tokens; revoke one first")]
    TooMany,
    /// The token would expire before it is used.
    #[error("expires: expected a time in the future, found {0}")]
    Expired(Timestamp),
}

/// The tokens of a bridge. Clones share them.
///
/// The file is read again when a token is checked, so that a program that runs beside the bridge can make, rotate and
/// revoke tokens.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use lvx_bridge::{http::{Scope, Tokens}, storage::MemoryStorage};
///
/// let tokens = Tokens::new(Arc::new(MemoryStorage::default()));
/// let secret = tokens.create(&"prometheus".parse()?, Scope::Read, None, Timestamp::now())?;
/// assert!(secret.reveal().starts_with("lvx_"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tokens {
    storage: Arc<dyn Storage>,
    cache: Arc<Mutex<Cache>>,
}

/// A token that was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Verified {
    /// Name of the token.
    pub(super) name: Name,
    /// What it allows.
    pub(super) scope: Scope,
    /// Hash, which changes with each rotation.
    pub(super) id: Digest,
    /// Time from which it is refused.
    pub(super) expires: Option<Timestamp>,
}

#[derive(Default)]
struct Cache {
    file: File,
    read_at: Option<Instant>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct File {
    tokens: Vec<Stored>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    name: Name,
    scope: Scope,
    sha256: Digest,
    created: Timestamp,
    expires: Option<Timestamp>,
}

impl Tokens {
    /// Uses the tokens in a storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, cache: Arc::default() }
    }

    /// Makes a token and returns it. It cannot be shown again.
    ///
    /// # Errors
    /// If the name is in use, there are too many tokens, it would be expired, or the storage fails.
    pub fn create(
        &self,
        name: &Name,
        scope: Scope,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Secret, TokenError> {
        let mut file = self.load()?;
        if file.tokens.iter().any(|token| token.name == *name) {
            return Err(TokenError::Exists(name.clone()));
        }
        if file.tokens.len() >= MAX_TOKENS {
            return Err(TokenError::TooMany);
        }
        if let Some(expires) = expires.filter(|expires| *expires <= now) {
            return Err(TokenError::Expired(expires));
        }
        let secret = new_secret()?;
        let sha256 = Digest::of(secret.reveal());
        file.tokens.push(Stored { name: name.clone(), scope, sha256, created: now, expires });
        self.save(file)?;
        Ok(secret)
    }

    /// Replaces a token by a new one with the same name, scope and lifetime. Sessions and streams of the old one end.
    ///
    /// # Errors
    /// If there is no such token, or the storage fails.
    pub fn rotate(&self, name: &Name, now: Timestamp) -> Result<Secret, TokenError> {
        let mut file = self.load()?;
        let known = names(&file);
        let token = file.tokens.iter_mut().find(|token| token.name == *name);
        let token = token.ok_or_else(|| TokenError::Unknown { name: name.clone(), known })?;
        let secret = new_secret()?;
        token.sha256 = Digest::of(secret.reveal());
        token.expires = token.expires.map(|expires| now + expires.duration_since(token.created));
        token.created = now;
        self.save(file)?;
        Ok(secret)
    }

    /// Removes a token. Its sessions and streams end.
    ///
    /// # Errors
    /// If there is no such token, or the storage fails.
    pub fn revoke(&self, name: &Name) -> Result<(), TokenError> {
        let mut file = self.load()?;
        let before = file.tokens.len();
        let known = names(&file);
        file.tokens.retain(|token| token.name != *name);
        if file.tokens.len() == before {
            return Err(TokenError::Unknown { name: name.clone(), known });
        }
        self.save(file)
    }

    /// Returns what is known about each token.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn list(&self) -> Result<Vec<TokenInfo>, TokenError> {
        let tokens = self.load()?.tokens.into_iter();
        Ok(tokens
            .map(|Stored { name, scope, created, expires, .. }| TokenInfo {
                name,
                scope,
                created,
                expires,
            })
            .collect())
    }

    /// Returns the token that a client showed, if it is known and has not expired.
    pub(super) fn verify(&self, text: &str, now: Now) -> Option<Verified> {
        self.find(&Digest::of(text), now)
    }

    /// Returns the token with this hash, if it still exists and has not expired.
    pub(super) fn find(&self, id: &Digest, now: Now) -> Option<Verified> {
        let mut found = None;
        // All tokens are compared, so that the duration does not depend on which one matches.
        for token in self.current(now).tokens {
            if bool::from(token.sha256.bytes().ct_eq(id.bytes())) {
                found = Some(token);
            }
        }
        let token = found.filter(|token| token.expires.is_none_or(|expires| now.wall < expires))?;
        Some(Verified {
            name: token.name,
            scope: token.scope,
            id: token.sha256,
            expires: token.expires,
        })
    }

    /// Returns the tokens, at most [`REREAD`] old. There are none while the file cannot be read.
    fn current(&self, now: Now) -> File {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent =
            |at: Instant| now.instant.saturating_duration_since(at) < REREAD && at <= now.instant;
        if !cache.read_at.is_some_and(is_recent) {
            cache.file = self.load().unwrap_or_else(|error| {
                tracing::warn!("{error}; no token is accepted");
                File::default()
            });
            cache.read_at = Some(now.instant);
        }
        cache.file.clone()
    }

    fn load(&self) -> Result<File, TokenError> {
        let Some(content) = self.storage.load(FILE)? else { return Ok(File::default()) };
        Ok(serde_json::from_slice(&content)?)
    }

    fn save(&self, file: File) -> Result<(), TokenError> {
        self.storage.save(FILE, &serde_json::to_vec_pretty(&file)?)?;
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Cache { file, read_at: None };
        Ok(())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Returns what to write instead of a name that does not exist.
fn names(file: &File) -> String {
    let names: Vec<_> = file.tokens.iter().map(|token| token.name.as_str()).collect();
    if names.is_empty() {
        "there are no tokens; create one first".to_owned()
    } else {
        format!("expected one of {}", names.join(", "))
    }
}

/// Returns a new token. The prefix lets scanners recognise it in files that are published by mistake.
fn new_secret() -> io::Result<Secret> {
    Ok(Secret::new(format!("lvx_{}", random_hex()?)))
}

/// File in the storage.
const FILE: &str = "tokens.json";
/// Greatest number of tokens.
const MAX_TOKENS: usize = 64;
/// Time after which the file is read again.
const REREAD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    fn tokens() -> (Tokens, MemoryStorage, Name) {
        let storage = MemoryStorage::default();
        (Tokens::new(Arc::new(storage.clone())), storage, "page".parse().unwrap())
    }

    fn later(now: Now, seconds: u64) -> Now {
        let time = Duration::from_secs(seconds);
        Now { instant: now.instant + time, wall: now.wall + time }
    }

    #[test]
    fn token_is_long_and_stored_as_hash_only() {
        let (tokens, storage, name) = tokens();
        let now = Now::system();
        let secret = tokens.create(&name, Scope::Read, None, now.wall).unwrap();
        let random = secret.reveal().strip_prefix("lvx_").unwrap();
        assert!(random.len() * 4 >= 128, "{} bits", random.len() * 4);
        let file = String::from_utf8(storage.load(FILE).unwrap().unwrap()).unwrap();
        assert!(!file.contains(random), "{file}");
        assert_eq!(tokens.verify(secret.reveal(), now).unwrap().scope, Scope::Read);
        assert_eq!(tokens.verify("lvx_0", now), None);
    }

    #[test]
    fn rotated_token_replaces_the_old_one() {
        let (tokens, _, name) = tokens();
        let now = Now::system();
        let expires = now.wall + Duration::from_secs(100);
        let old = tokens.create(&name, Scope::Control, Some(expires), now.wall).unwrap();
        let now = later(now, 50);
        let new = tokens.rotate(&name, now.wall).unwrap();
        assert_eq!(tokens.verify(old.reveal(), now), None);
        let verified = tokens.verify(new.reveal(), now).unwrap();
        assert_eq!(verified.scope, Scope::Control);
        assert_eq!(verified.expires, Some(now.wall + Duration::from_secs(100)));
    }

    #[test]
    fn expired_or_revoked_token_is_refused() {
        let (tokens, _, name) = tokens();
        let now = Now::system();
        let expires = now.wall + Duration::from_secs(10);
        let secret = tokens.create(&name, Scope::Read, Some(expires), now.wall).unwrap();
        assert!(tokens.verify(secret.reveal(), later(now, 9)).is_some());
        assert_eq!(tokens.verify(secret.reveal(), later(now, 10)), None);
        tokens.revoke(&name).unwrap();
        assert_eq!(tokens.verify(secret.reveal(), now), None);
        assert!(matches!(tokens.revoke(&name), Err(TokenError::Unknown { .. })));
    }

    #[test]
    fn token_of_another_process_is_seen_within_a_second() {
        let (tokens, storage, name) = tokens();
        let now = Now::system();
        assert_eq!(tokens.verify("lvx_0", now), None);
        let secret =
            Tokens::new(Arc::new(storage)).create(&name, Scope::Read, None, now.wall).unwrap();
        assert!(tokens.verify(secret.reveal(), later(now, 1)).is_some());
    }

    #[test]
    fn damaged_file_refuses_every_token() {
        let (tokens, storage, name) = tokens();
        let now = Now::system();
        let secret = tokens.create(&name, Scope::Read, None, now.wall).unwrap();
        storage.save(FILE, b"{").unwrap();
        assert_eq!(tokens.verify(secret.reveal(), later(now, 1)), None);
        assert!(matches!(tokens.list(), Err(TokenError::Format(_))));
    }

    #[test]
    fn name_is_unique_and_the_number_is_limited() {
        let (tokens, _, name) = tokens();
        let now = Timestamp::now();
        tokens.create(&name, Scope::Read, None, now).unwrap();
        let error = tokens.create(&name, Scope::Read, None, now).unwrap_err();
        assert!(matches!(error, TokenError::Exists(_)), "{error}");
        for number in 1..MAX_TOKENS {
            let name = format!("t{number}").parse().unwrap();
            tokens.create(&name, Scope::Read, None, now).unwrap();
        }
        let error = tokens.create(&"more".parse().unwrap(), Scope::Read, None, now).unwrap_err();
        assert!(matches!(error, TokenError::TooMany), "{error}");
    }
}
