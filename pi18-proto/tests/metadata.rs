//! Tests that the descriptions of commands and fields are complete and consistent.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::{collections::HashSet, fmt::Write};

use pi18_proto::{
    Defaults, FaultsAndWarnings, FieldInfo, Flags, Form, GeneralStatus, GeneralStatus2,
    LedSettings, MAX_FRAME, ModbusSettings, ParallelRating, ParallelStatus, Query, QueryReply,
    RatedInformation, RequestFrame, SetCommand, SocLimits, TwinOutput,
};

fn all_fields() -> impl Iterator<Item = (&'static str, &'static FieldInfo)> {
    let queries = Query::LIST.iter().flat_map(|info| {
        info.arguments.iter().chain(info.fields).map(|field| (info.mnemonic, field))
    });
    let sets = SetCommand::LIST
        .iter()
        .flat_map(|info| info.fields.iter().map(|field| (info.mnemonic, field)));
    queries.chain(sets)
}

#[test]
fn every_command_has_a_summary() {
    let queries = Query::LIST.iter().map(|info| (info.mnemonic, info.summary));
    let sets = SetCommand::LIST.iter().map(|info| (info.mnemonic, info.summary));
    for (mnemonic, summary) in queries.chain(sets) {
        assert!(summary.len() > 5, "{mnemonic}");
        assert_eq!(summary, summary.trim(), "{mnemonic}");
        assert!(summary.starts_with(|first: char| first.is_uppercase()), "{mnemonic}: {summary}");
        assert!(!summary.ends_with('.'), "{mnemonic}: {summary}");
    }
}

#[test]
fn every_field_has_name_label_and_width() {
    for (mnemonic, field) in all_fields() {
        let place = format!("{mnemonic} {}", field.name);
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(!field.name.is_empty() && field.name.chars().all(snake), "{place}");
        assert!(!field.label.is_empty() && field.label == field.label.trim(), "{place}");
        assert!(!field.label.ends_with('.'), "{place}");
        assert!((1..=22).contains(&field.width), "{place}");
        if let Form::Number { min, max } = field.form {
            assert!(min < max && max <= 0xFFFF_FFFF, "{place}");
        }
        if let Form::Code(names) = field.form {
            let codes: HashSet<_> = names.iter().map(|known| known.code).collect();
            assert!(!names.is_empty() && codes.len() == names.len(), "{place}");
            assert!(names.iter().all(|known| !known.name.is_empty()), "{place}");
        }
    }
}

#[test]
fn decimals_and_name_match_the_unit() {
    for (mnemonic, field) in all_fields() {
        let place = format!("{mnemonic} {}", field.name);
        let allowed: &[u8] = match field.unit {
            "V" | "Hz" => &[0, 1],
            "A" if field.name.starts_with("input_") || field.name.starts_with("output_") => &[1],
            "A" | "VA" | "W" | "Wh" | "%" | "°C" | "s" | "" => &[0],
            unit => unreachable!("{place}: unit {unit}"),
        };
        assert!(allowed.contains(&field.decimals), "{place}: {} {}", field.decimals, field.unit);
        // The last word of a name implies the unit.
        for (word, unit) in [
            ("voltage", "V"),
            ("frequency", "Hz"),
            ("current", "A"),
            ("apparent_power", "VA"),
            ("active_power", "W"),
            ("energy", "Wh"),
            ("temperature", "°C"),
            ("load", "%"),
        ] {
            let named = field.name == word || field.name.ends_with(&format!("_{word}"));
            if named && !matches!(field.form, Form::Code(_)) {
                assert_eq!(field.unit, unit, "{place}");
            }
        }
    }
}

#[test]
fn field_names_and_labels_are_unique_within_a_message() {
    let messages = Query::LIST.iter().map(|info| (info.mnemonic, info.fields));
    let sets = SetCommand::LIST.iter().map(|info| (info.mnemonic, info.fields));
    for (mnemonic, fields) in messages.chain(sets) {
        let names: HashSet<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), fields.len(), "{mnemonic}");
        let labels: HashSet<_> = fields.iter().map(|field| field.label).collect();
        assert_eq!(labels.len(), fields.len(), "{mnemonic}");
    }
}

#[test]
fn mnemonics_are_unique() {
    let queries: HashSet<_> = Query::LIST.iter().map(|info| info.mnemonic).collect();
    assert_eq!(queries.len(), Query::LIST.len());
    let sets: HashSet<_> = SetCommand::LIST.iter().map(|info| info.mnemonic).collect();
    assert_eq!(sets.len(), SetCommand::LIST.len());
}

#[test]
fn optional_fields_are_last() {
    for info in Query::LIST {
        let first = info.fields.iter().position(|field| field.optional);
        let tail = info.fields.iter().skip(first.unwrap_or(info.fields.len()));
        assert!(tail.clone().all(|field| field.optional), "{}", info.mnemonic);
    }
}

#[test]
fn every_example_parses_as_its_own_command() {
    for info in Query::LIST {
        let query: Query = info.example.parse().unwrap();
        assert_eq!(query.info(), info);
        assert_eq!(query.to_string(), info.example);
        assert!(info.example.starts_with(info.mnemonic));
        assert!(info.example.len() + 8 <= RequestFrame::CAPACITY);
    }
    for info in SetCommand::LIST {
        let command: SetCommand = info.example.parse().unwrap();
        assert_eq!(command.info(), info);
        assert_eq!(command.to_string(), info.example);
        assert!(info.example.starts_with(info.mnemonic));
        assert!(info.example.len() + 8 <= RequestFrame::CAPACITY);
    }
}

#[test]
fn every_sample_round_trips() {
    for info in Query::LIST {
        let query: Query = info.example.parse().unwrap();
        let (reply, extra) = query.parse_reply(info.sample.as_bytes()).unwrap();
        assert!(extra.is_empty(), "{}", info.mnemonic);
        let mut buffer = [0; MAX_FRAME];
        let len = reply.encode(&mut buffer).unwrap();
        assert_eq!(buffer[..len].escape_ascii().to_string(), info.sample, "{}", info.mnemonic);
        assert!(
            Query::candidates(info.sample.as_bytes()).any(|candidate| candidate == query.info())
        );
        let mut shown = 0;
        reply.visit(&mut |field, value| {
            assert_eq!(Some(field), info.fields.get(shown), "{}", info.mnemonic);
            assert!(!value.to_string().is_empty());
            shown += 1;
        });
        let optional = info.fields.iter().filter(|field| field.optional).count();
        assert!(shown + optional >= info.fields.len(), "{}", info.mnemonic);
    }
}

/// Appends one line that describes a field.
fn describe(table: &mut String, field: &FieldInfo) {
    let content = match field.form {
        Form::Number { min, max } => {
            let step = if field.decimals > 0 { "0.1 " } else { "" };
            format!("{step}{}, {min} to {max}", field.unit)
        }
        Form::Code(names) => {
            let names = names.iter().map(|known| format!("{} {}", known.code, known.name));
            names.collect::<Vec<_>>().join(", ")
        }
        Form::Text(picture) => picture.to_owned(),
        _ => unreachable!("unknown form"),
    };
    let optional = if field.optional { " (may be missing)" } else { "" };
    writeln!(
        table,
        "    {:<26} {:>2}  {}{optional}: {}",
        field.name,
        field.width,
        field.label,
        content.trim_start_matches(", ")
    )
    .unwrap();
}

#[test]
fn commands_match_the_snapshot() {
    let mut table = String::from("QUERIES\n");
    for info in Query::LIST {
        writeln!(table, "{:<8} {} (since {})", info.mnemonic, info.summary, info.since).unwrap();
        for argument in info.arguments {
            writeln!(table, "  argument").unwrap();
            describe(&mut table, argument);
        }
        writeln!(table, "  reply").unwrap();
        for field in info.fields {
            describe(&mut table, field);
        }
    }
    table.push_str("\nSET COMMANDS\n");
    for info in SetCommand::LIST {
        writeln!(
            table,
            "{:<8} {} (since {}, risk: {})",
            info.mnemonic, info.summary, info.since, info.risk
        )
        .unwrap();
        for field in info.fields {
            describe(&mut table, field);
        }
    }
    insta::assert_snapshot!(table);
}

/// Checks that a reply consists of zeros, and that its type reads it back.
#[track_caller]
fn assert_zeroed<R: QueryReply + PartialEq + std::fmt::Debug>(reply: R) {
    let mut buffer = [0; MAX_FRAME];
    let len = reply.encode(&mut buffer).unwrap();
    let data = &buffer[..len];
    assert!(data.iter().all(|byte| b"0,".contains(byte)), "{}", data.escape_ascii());
    let required = R::FIELDS.iter().filter(|field| !field.optional).count();
    assert_eq!(data.split(|&byte| byte == b',').count(), required);
    assert_eq!(R::decode(data).unwrap(), reply);
}

#[test]
fn zeroed_reply_is_written_as_zeros() {
    assert_zeroed(GeneralStatus::zeroed());
    assert_zeroed(GeneralStatus2::zeroed());
    assert_zeroed(RatedInformation::zeroed());
    assert_zeroed(FaultsAndWarnings::zeroed());
    assert_zeroed(Flags::zeroed());
    assert_zeroed(Defaults::zeroed());
    assert_zeroed(ParallelRating::zeroed());
    assert_zeroed(ParallelStatus::zeroed());
    assert_zeroed(ModbusSettings::zeroed());
    assert_zeroed(LedSettings::zeroed());
    assert_zeroed(TwinOutput::zeroed());
    assert_zeroed(SocLimits::zeroed());
}
