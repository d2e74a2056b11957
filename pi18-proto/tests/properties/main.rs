//! Tests properties of every reply, every request and every stream, with values generated from the
//! declarations. A command that is added to the tables is tested without a change to these tests; only
//! a reply needs a row in `json.rs`.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use pi18_proto::{
    ACCEPTED, DecodeError, Dialect, FieldInfo, Form, Frame, FrameKind, FrameReader, MAX_FRAME,
    NOT_UNDERSTOOD, Query, QueryInfo, REFUSED, Received, Request, RequestFrame, SetCommand,
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseResult, TestRunner},
};

mod frames;
#[cfg(feature = "serde")]
mod json;
mod observer;
mod replies;
mod requests;
mod texts;

/// Generates the bytes of a field, with leading zeros as this crate writes them.
fn token(field: &FieldInfo) -> BoxedStrategy<String> {
    let width = usize::from(field.width);
    match field.form {
        Form::Number { min, max } => {
            // Half of the numbers have at most the declared width, the others are any number of the type.
            let limit = 10_i64.pow(field.width.into());
            let usual = min.max(1 - limit / 10)..=max.min(limit - 1).max(min);
            prop_oneof![usual, min..=max].prop_map(move |n| format!("{n:0width$}")).boxed()
        }
        Form::Code(names) => {
            let known: Vec<_> = names.iter().map(|known| known.code).collect();
            prop_oneof![select(known), any::<u8>()]
                .prop_map(move |code| format!("{code:0width$}"))
                .boxed()
        }
        Form::Text(picture) => text(picture),
        form => panic!("no generator for {form:?}"),
    }
}

/// Generates a text that matches a pattern of [`Form::Text`].
fn text(picture: &'static str) -> BoxedStrategy<String> {
    let day = || (2000..=2099, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y:04}{m:02}{d:02}"));
    let minute = || (0..24, 0..60).prop_map(|(h, m)| format!("{h:02}{m:02}"));
    let second = (minute(), 0..60).prop_map(|(minute, second)| format!("{minute}{second:02}"));
    match picture {
        "yyyymmddhhmmss" => (day(), second).prop_map(|(day, time)| day + &time).boxed(),
        "yymmddhhmmss" => {
            (day(), second).prop_map(|(day, time)| day[2..].to_owned() + &time).boxed()
        }
        "yyyymmdd" => day().boxed(),
        "yyyymm" => day().prop_map(|day| day[..6].to_owned()).boxed(),
        "yyyy" => day().prop_map(|day| day[..4].to_owned()).boxed(),
        "hhmm" => minute().boxed(),
        "nnnnn" => "[ -+\\--~]{1,8}".boxed(),
        "nnnnnnnnnnnnnnnnnnnn" => "[ -+\\--~]{0,20}".boxed(),
        "LLnnnnnnnnnnnnnnnnnnnn" => {
            "[0-9]{1,20}".prop_map(|digits| format!("{:02}{digits:0<20}", digits.len())).boxed()
        }
        "RRRGGGBBB" => any::<[u8; 3]>()
            .prop_map(|parts| parts.map(|part| format!("{part:03}")).concat())
            .boxed(),
        "A" => "[A-K]".boxed(),
        "AAA,AAA,…" => proptest::collection::vec(0..1000_u16, 1..=32)
            .prop_map(|list| list.iter().map(|n| format!("{n:03}")).collect::<Vec<_>>().join(","))
            .boxed(),
        "50 or 60" => select(vec!["50", "60"]).prop_map(str::to_owned).boxed(),
        "1100, 1200, 2020, 2080, 2200, 2300 or 2400" => {
            let all = picture.split([',', ' ']).filter(|part| part.parse::<u16>().is_ok());
            select(all.map(str::to_owned).collect::<Vec<_>>()).boxed()
        }
        _ => panic!("no generator for {picture}"),
    }
}

/// Generates the fields of a message. Half of the optional fields are empty.
fn tokens(fields: &'static [FieldInfo]) -> BoxedStrategy<Vec<String>> {
    let each = fields.iter().map(|field| {
        if field.optional {
            prop_oneof![Just(String::new()), token(field)].boxed()
        } else {
            token(field)
        }
    });
    each.collect::<Vec<_>>().boxed()
}

/// Joins the fields up to the last one that is present, as this crate writes them.
fn data(tokens: &[String]) -> String {
    let count = tokens.iter().rposition(|token| !token.is_empty()).map_or(0, |last| last + 1);
    // An empty serial number is a field that is present.
    if count == 0 { tokens.join(",") } else { tokens[..count].join(",") }
}

/// Tests a property for each kind of reply with generated fields.
#[track_caller]
fn for_every_reply(test: impl Fn(&'static QueryInfo, Query, Vec<String>) -> TestCaseResult) {
    for info in Query::LIST {
        let query: Query = info.example.parse().unwrap();
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(64) });
        let outcome = runner.run(&tokens(info.fields), |tokens| test(info, query, tokens));
        outcome.unwrap_or_else(|error| panic!("{}: {error}", info.mnemonic));
    }
}

/// Tests a property for each kind of request with generated values.
#[track_caller]
fn for_every_request(test: impl Fn(&str, &[FieldInfo], Vec<String>, bool) -> TestCaseResult) {
    let queries = Query::LIST.iter().map(|info| (info.mnemonic, info.arguments, false));
    let sets = SetCommand::LIST.iter().map(|info| (info.mnemonic, info.fields, true));
    for (mnemonic, fields, is_set) in queries.chain(sets) {
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(64) });
        let outcome = runner.run(&tokens(fields), |tokens| test(mnemonic, fields, tokens, is_set));
        outcome.unwrap_or_else(|error| panic!("{mnemonic}: {error}"));
    }
}

#[track_caller]
fn parse_request(text: &str, is_set: bool) -> Result<Request, DecodeError> {
    if is_set {
        text.parse::<SetCommand>().map(Request::Set)
    } else {
        text.parse::<Query>().map(Request::Query)
    }
}

#[track_caller]
fn encoded(reply: &pi18_proto::AnyReply) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    let len = reply.encode(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

fn is_list(info: &QueryInfo) -> bool {
    info.fields[0].name == "currents"
}
