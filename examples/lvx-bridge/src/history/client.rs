//! Asks a running bridge.

use std::time::Duration;

use pi18_transport::is_printable;
use ureq::Agent;

use super::{Answer, time::LAST};
use crate::{Name, config::Secret};

/// A bridge that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// URL of the bridge, with its base path, such as `http://solar.lan:8480`.
    pub url: String,
    /// Token; `None` on the machine of the bridge.
    pub token: Option<Secret>,
}

/// Why a bridge gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(String);

impl Bridge {
    /// Asks for the history of a bank, or of the first one. `parameters` are those of
    /// [`PARAMETERS`](super::PARAMETERS).
    ///
    /// # Errors
    /// If the bridge cannot be reached, refuses, or answers in another form.
    pub fn history<'a>(
        &self,
        bank: Option<&Name>,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Answer, ClientError> {
        let base = self.url.trim_end_matches('/');
        let path = match bank {
            Some(bank) => format!("/api/v1/banks/{bank}/history"),
            None => "/api/v1/history".to_owned(),
        };
        let failed = |error: &dyn std::fmt::Display| ClientError(format!("{base}: {error}"));
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(MAX_TIME))
            .http_status_as_error(false)
            .build();
        let mut request = Agent::new_with_config(config).get(format!("{base}{path}"));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.reveal().trim()));
        }
        let mut answer = request.call().map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body = body.map_err(|error| failed(&error))?;
        if !status.is_success() {
            let refusal: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
            let why = refusal.as_ref().and_then(|refusal| refusal.get("error")?.as_str());
            let why = why.unwrap_or("expected a bridge, found another server");
            return Err(ClientError(format!("{base}: status {}: {why}", status.as_u16())));
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| ClientError(format!("{base}: expected a history, found: {error}")))?;
        match check(&answer) {
            Ok(()) => Ok(answer),
            Err(why) => Err(ClientError(format!("{base}: expected a history, found {why}"))),
        }
    }
}

/// Checks what was received, so that it can be printed: texts, times, and the lengths of lists. Returns what is wrong.
fn check(answer: &Answer) -> Result<(), &'static str> {
    let is_plain = |text: &str| text.len() <= MAX_TEXT && text.chars().all(is_printable);
    if !is_plain(&answer.bank) || !is_plain(&answer.step) {
        return Err("a text that cannot be printed");
    }
    let mut times = answer.t.iter().chain([&answer.from, &answer.to]);
    if times.any(|t| !(0..=LAST).contains(t)) {
        return Err("a time that is not between 1970 and 2100");
    }
    for column in &answer.series {
        if ![&column.series, &column.name, &column.unit].into_iter().all(|text| is_plain(text)) {
            return Err("a text that cannot be printed");
        }
        let lists = [&column.mean, &column.min, &column.max];
        let energies = column
            .energy
            .iter()
            .flat_map(|energy| [&energy.wh, &energy.negative_wh, &energy.seconds].map(Vec::len));
        let mut lengths =
            lists.map(Vec::len).into_iter().chain([column.count.len()]).chain(energies);
        if lengths.any(|length| length != 0 && length != answer.t.len()) {
            return Err("lists of different lengths");
        }
        if column.decimals > MAX_DECIMALS {
            return Err("a number with too many digits");
        }
    }
    Ok(())
}

/// Greatest time of an answer.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Greatest length of an answer in bytes.
const MAX_BODY: u64 = 32 << 20;

/// Greatest length of a text in bytes.
const MAX_TEXT: usize = 160;

/// Greatest number of digits after the decimal point.
const MAX_DECIMALS: u8 = 9;

#[cfg(test)]
mod tests {
    use super::{super::Column, *};

    #[test]
    fn answer_that_cannot_be_printed_is_refused() {
        let column =
            Column { series: "load".to_owned(), mean: vec![Some(1.0)], ..Column::default() };
        let good = Answer { t: vec![7], series: vec![column.clone()], ..Answer::default() };
        check(&good).unwrap();
        let with = |column| Answer { series: vec![column], ..good.clone() };
        for (bad, why) in [
            (Answer { bank: "\u{1b}[2J".to_owned(), ..good.clone() }, "a text"),
            (with(Column { unit: "W\n".to_owned(), ..column.clone() }), "a text"),
            (Answer { t: vec![i64::MAX], ..good.clone() }, "a time"),
            (with(Column { count: vec![1, 2], ..column.clone() }), "lists"),
            (with(Column { decimals: 255, ..column }), "a number"),
        ] {
            assert!(check(&bad).unwrap_err().starts_with(why), "{why}");
        }
    }
}
