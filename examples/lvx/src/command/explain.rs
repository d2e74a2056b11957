//! `lvx explain`: explains a fault, warning or mode without a unit.

use std::io::Write;

use lvx_parallel::Explanation;
use pi18_proto::{FaultCode, WorkingMode};

use crate::{
    args,
    terminal::{self, Failure, Status, add_commands},
};

/// The kinds of codes.
#[derive(Clone, Copy)]
enum CodeKind {
    Fault,
    Warning,
    Mode,
}

impl CodeKind {
    const ALL: [Self; 3] = [Self::Fault, Self::Warning, Self::Mode];

    fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
            Self::Mode => "mode",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    fn explain(self, code: &str) -> Option<Explanation> {
        match self {
            Self::Fault => Explanation::of_fault(FaultCode(code.parse().ok()?)),
            Self::Warning => Explanation::of_warning(code),
            Self::Mode => Explanation::of_mode(WorkingMode(code.parse().ok()?)),
        }
    }

    fn all(self) -> Vec<Explanation> {
        match self {
            Self::Fault => Explanation::faults().collect(),
            Self::Warning => Explanation::warnings().collect(),
            Self::Mode => Explanation::modes().collect(),
        }
    }
}

pub(crate) fn run(args: &args::Explain, out: &mut impl Write) -> Result<Status, Failure> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let (kind, code) = match words[..] {
        [word] => match CodeKind::of(word) {
            Some(kind) => return list(kind, out),
            None => (CodeKind::Fault, word),
        },
        [word, code] => {
            let kind = CodeKind::of(word).ok_or_else(|| {
                Failure::usage(format_args!("expected fault, warning or mode, found {word:?}"))
            })?;
            (kind, code)
        }
        _ => return Err(Failure::usage("expected a code such as 83, or warning 5, or mode 6")),
    };
    let mut explanation = kind.explain(code).ok_or_else(|| {
        let name = kind.name();
        Failure::usage(format_args!(
            "unknown {name} {code}; `lvx explain {name}` lists the known codes, and the manual of the \
             model may list more"
        ))
    })?;
    add_commands(&mut explanation.advice);
    write!(out, "{}", explanation.to_text(&terminal::style()))?;
    Ok(Status::Ok)
}

/// Lists all codes of a kind, one per line.
fn list(kind: CodeKind, out: &mut impl Write) -> Result<Status, Failure> {
    for explanation in kind.all() {
        writeln!(out, "{}", explanation.what)?;
    }
    Ok(Status::Ok)
}
