//! Queries by mnemonic, as users type them.

use std::sync::LazyLock;

use pi18_proto::{DecodeError, Query, SetCommand};

use crate::terminal::Failure;

/// Parses a query: `GS`, `PGS1`, `ED20260426`, in upper or lower case.
pub(crate) fn query(text: &str) -> Result<Query, Failure> {
    let upper = text.to_ascii_uppercase();
    let error = match upper.parse::<Query>() {
        Ok(query) => return Ok(query),
        Err(error) => error,
    };
    let is_set = upper.parse::<SetCommand>().is_ok();
    // A set command may also be given without values or with invalid ones.
    let is_value = |rest: &str| is_set || rest.chars().all(|c| c.is_ascii_digit() || c == ',');
    let sets = SetCommand::LIST
        .iter()
        .filter(|info| upper.strip_prefix(info.mnemonic).is_some_and(is_value));
    if let Some(info) = sets.max_by_key(|info| info.mnemonic.len())
        && (is_set || matches!(error, DecodeError::UnknownCommand { .. }))
    {
        return Err(Failure::usage(format_args!(
            "{text} is a set command ({}: {}), and `lvx query` never changes a unit; \
             `lvx query --list` lists all queries",
            info.mnemonic,
            lower_first(info.summary)
        )));
    }
    if matches!(error, DecodeError::UnknownCommand { .. } | DecodeError::Trailing { .. }) {
        let nearest =
            nearest(&upper).map_or(String::new(), |known| format!("; did you mean {known}?"));
        return Err(Failure::usage(format_args!(
            "unknown query {text}{nearest} (`lvx query --list` lists all queries)"
        )));
    }
    Err(Failure::usage(error))
}

/// Returns the mnemonic with the smallest edit distance, if it is small enough to suggest.
fn nearest(text: &str) -> Option<&'static str> {
    let letters = text.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let mnemonics = Query::LIST.iter().map(|info| info.mnemonic);
    let distance = |known: &&str| strsim::damerau_levenshtein(known, letters);
    mnemonics.min_by_key(distance).filter(|known| distance(known) < known.len().min(3))
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Returns the query with this mnemonic. A missing argument is taken from the example of the query: it
/// does not matter for decoding a reply.
pub(crate) fn query_kind(text: &str) -> Option<Query> {
    static KINDS: LazyLock<Vec<(&str, Query)>> = LazyLock::new(|| {
        let kinds = Query::LIST.iter().filter_map(|info| {
            let bare = info.mnemonic.parse().ok();
            Some((info.mnemonic, bare.or_else(|| info.example.parse().ok())?))
        });
        kinds.collect()
    });
    let known = KINDS.iter().find(|(mnemonic, _)| mnemonic.eq_ignore_ascii_case(text));
    known.map(|(_, query)| *query).or_else(|| text.to_ascii_uppercase().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        format!("{:?}", query(text).unwrap_err())
    }

    #[test]
    fn query_ignores_case() {
        assert_eq!(query("pgs1").unwrap().to_string(), "PGS1");
    }

    #[test]
    fn unknown_query_suggests_the_nearest_mnemonic() {
        assert!(refused("GMM").contains("did you mean GMN?"));
        assert!(refused("QPIRI").contains("did you mean PIRI?"));
        assert!(refused("ACCTT").contains("did you mean ACCT?"));
        assert!(refused("GSX").contains("did you mean GS?"));
        assert!(!refused("nonsense").contains("did you mean"));
    }

    #[test]
    fn word_with_a_set_mnemonic_as_prefix_is_unknown() {
        for word in ["FOO", "VAT", "PEX", "foo", "POPS"] {
            let refused = refused(word);
            assert!(refused.contains(&format!("unknown query {word}")), "{refused}");
        }
        assert!(refused("FOO").contains("did you mean MOD?"));
    }

    #[test]
    fn set_command_is_refused() {
        assert!(refused("POP1").contains("POP1 is a set command (POP: output source priority)"));
        assert!(refused("PF").contains("is a set command"));
        assert!(refused("POP").contains("is a set command"));
        assert!(refused("F55").contains("is a set command"));
        assert!(refused("ACCT0000,2359").contains("is a set command"));
    }

    #[test]
    fn invalid_argument_names_the_expected_form() {
        assert!(refused("ED20261340").contains("expected a date, yyyymmdd"));
        assert!(refused("PGS").contains("expected a unit number from 0 to 9, found nothing"));
    }

    #[test]
    fn query_kind_needs_no_argument() {
        assert_eq!(query_kind("ED").unwrap().info().mnemonic, "ED");
        assert_eq!(query_kind("PGS").unwrap().info().mnemonic, "PGS");
        assert_eq!(query_kind("SET"), None);
    }
}
