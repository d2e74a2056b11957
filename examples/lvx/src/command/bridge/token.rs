//! `lvx bridge token`: tokens for programs and browsers.

use std::{io::Write, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lvx_bridge::{
    Name,
    http::{Scope, TokenInfo, Tokens},
};

use super::serve::files;
use crate::{
    args::{Format, StateDir, TokenScope, TokenTask},
    terminal::{Failure, Status, print_note},
};

pub(super) fn run(
    task: &TokenTask,
    dir: &StateDir,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let files = files(dir)?;
    let folder = files.path().display().to_string();
    let tokens = Tokens::new(Arc::new(files));
    let now = Timestamp::now();
    let name = |text: &String| -> Result<Name, Failure> {
        text.parse().map_err(|error| Failure::usage(format_args!("{text}: {error}")))
    };
    let wrong = |error| Failure::usage(format_args!("{folder}: {error}"));
    match task {
        TokenTask::Create { name: text, scope, expires } => {
            let scope = match scope {
                TokenScope::Read => Scope::Read,
                TokenScope::Acknowledge => Scope::Acknowledge,
                TokenScope::Control => Scope::Control,
            };
            let expires =
                expires.map(|days| now + SignedDuration::from_hours(24 * i64::from(days)));
            let secret = tokens.create(&name(text)?, scope, expires, now).map_err(wrong)?;
            writeln!(out, "{}", secret.reveal())?;
            print_note("this token is shown only once; only its hash is kept");
        }
        TokenTask::Rotate { name: text } => {
            let secret = tokens.rotate(&name(text)?, now).map_err(wrong)?;
            writeln!(out, "{}", secret.reveal())?;
            print_note("this token is shown only once; the old one is refused from now on");
        }
        TokenTask::List { format } => list(&tokens.list().map_err(wrong)?, *format, out)?,
        TokenTask::Revoke { name: text } => tokens.revoke(&name(text)?).map_err(wrong)?,
    }
    Ok(Status::Ok)
}

fn list(tokens: &[TokenInfo], format: Format, out: &mut impl Write) -> Result<(), Failure> {
    if format == Format::Json {
        let text = serde_json::to_string(tokens).map_err(Failure::usage)?;
        writeln!(out, "{text}")?;
        return Ok(());
    }
    for token in tokens {
        let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
        let expires = token.expires.map_or_else(|| "never".to_owned(), day);
        writeln!(
            out,
            "{:<32}  {:<11}  made {}  expires {expires}",
            token.name.to_string(),
            token.scope.to_string(),
            day(token.created),
        )?;
    }
    Ok(())
}
