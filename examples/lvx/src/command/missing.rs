//! Commands of features that this program was built without.

use crate::terminal::{Failure, Status};

/// Returns the error of a command that needs a feature.
pub(crate) fn run(command: &str, feature: &str) -> Result<Status, Failure> {
    Err(Failure::usage(format_args!(
        "`lvx {command}` is not part of this program, which was built without the feature `{feature}`; \
         `cargo install lvx --features bridge,watch` builds one with all commands"
    )))
}

#[cfg(all(test, not(feature = "bridge")))]
mod tests {
    use clap::Parser;

    use crate::{args::Args, command, terminal::Output};

    #[test]
    fn command_of_a_missing_feature_names_the_feature() {
        let given =
            [&["history", "--from", "-1d"][..], &["bridge", "--demo"], &["bridge", "--help"]];
        for arguments in given {
            let args = Args::try_parse_from([&["lvx"], arguments].concat()).unwrap();
            let failure = command::run(&args.command, &mut Output::stdout()).unwrap_err();
            let text = failure.messages()[0].clone();
            let start = format!("`lvx {}` is not part of this program", arguments[0]);
            assert!(text.starts_with(&start) && text.contains("feature `bridge`"), "{text}");
        }
    }
}
