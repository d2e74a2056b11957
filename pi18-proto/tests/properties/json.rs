//! Replies and requests: round trips through JSON.

use pi18_proto::{
    AcChargeWindow, AcLoadWindow, AnyReply, Clock, DayEnergy, Defaults, FaultsAndWarnings,
    FirmwareVersions, Flags, GeneralStatus, GeneralStatus2, Identity, LedSettings, MachineModel,
    MaxAcChargeCurrents, MaxChargeCurrents, ModbusSettings, Mode, MonthEnergy, ParallelRating,
    ParallelStatus, ProtocolId, RatedInformation, Reply, SocLimits, TotalEnergy, TwinOutput,
    YearEnergy,
};
use serde::{Serialize, de::DeserializeOwned};

use super::*;

/// Converts a reply to JSON and back, and compares the JSON with the displayed values.
fn round_trip<R>(data: &[u8]) -> TestCaseResult
where
    R: Reply + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Into<AnyReply>,
{
    let reply = R::decode(data).unwrap();
    let text = serde_json::to_string(&reply).unwrap();
    prop_assert_eq!(serde_json::from_str::<R>(&text).unwrap(), reply, "{}", text);
    let json = serde_json::to_value(reply).unwrap();
    prop_assert_eq!(json.as_object().unwrap().len(), R::FIELDS.len());
    let mut after = text.as_str();
    for field in R::FIELDS {
        let Some(found) = after.split_once(&format!("\"{}\":", field.name)) else {
            return Err(TestCaseError::fail(format!(
                "{} is missing or misplaced: {text}",
                field.name
            )));
        };
        after = found.1;
    }
    let mut differ = Vec::new();
    reply.visit(&mut |field, value| {
        let shown = serde_json::to_value(value).unwrap();
        // A colour is displayed as one text, but is an object with three numbers in JSON.
        if json[field.name] != shown && !field.name.ends_with("_color") {
            differ.push((field.name, shown));
        }
    });
    prop_assert!(differ.is_empty(), "{:?} in {}", differ, text);
    Ok(())
}

macro_rules! replies {
    ($($name:ident),+ $(,)?) => {
        &[$( (<$name as Reply>::MNEMONIC, round_trip::<$name>) ),+]
    };
}

type RoundTrip = fn(&[u8]) -> TestCaseResult;

const REPLIES: &[(&str, RoundTrip)] = replies![
    ProtocolId,
    MachineModel,
    Identity,
    FirmwareVersions,
    Clock,
    TotalEnergy,
    YearEnergy,
    MonthEnergy,
    DayEnergy,
    RatedInformation,
    GeneralStatus,
    GeneralStatus2,
    Mode,
    FaultsAndWarnings,
    Flags,
    Defaults,
    MaxChargeCurrents,
    MaxAcChargeCurrents,
    ParallelRating,
    ParallelStatus,
    AcChargeWindow,
    AcLoadWindow,
    ModbusSettings,
    LedSettings,
    TwinOutput,
    SocLimits,
];

#[test]
fn every_reply_round_trips_through_json() {
    let here = REPLIES.iter().map(|(mnemonic, _)| *mnemonic);
    assert!(
        here.eq(Query::LIST.iter().map(|info| info.mnemonic)),
        "expected every reply in REPLIES"
    );
    for_every_reply(|info, _, tokens| {
        let (_, round_trip) = REPLIES.iter().find(|(known, _)| *known == info.mnemonic).unwrap();
        round_trip(data(&tokens).as_bytes())
    });
}

#[test]
fn field_with_former_name_is_deserialized() {
    let flags = Flags::decode(Flags::SAMPLE.as_bytes()).unwrap();
    let json = serde_json::to_string(&flags).unwrap();
    let former = json.replace("\"buzzer\"", "\"buzzer_silenced\"");
    assert_ne!(former, json);
    assert_eq!(serde_json::from_str::<Flags>(&former).unwrap(), flags);
}

#[test]
fn load_fields_keep_their_json_keys() {
    let status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(status).unwrap()["load"], status.load_percent.0);
    let status = ParallelStatus::decode(ParallelStatus::SAMPLE.as_bytes()).unwrap();
    let json = serde_json::to_value(status).unwrap();
    assert_eq!(json["load"], status.load_percent.0);
    assert_eq!(json["total_load"], status.total_load_percent.0);
}

#[test]
fn every_request_round_trips_through_json() {
    for_every_request(|mnemonic, _, tokens, is_set| {
        let text = format!("{mnemonic}{}", tokens.join(","));
        match parse_request(&text, is_set) {
            Ok(Request::Query(query)) => {
                let json = serde_json::to_string(&query).unwrap();
                prop_assert_eq!(&json, &format!("{text:?}"));
                prop_assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), query);
            }
            Ok(Request::Set(command)) => {
                let json = serde_json::to_string(&command).unwrap();
                prop_assert_eq!(&json, &format!("{text:?}"));
                prop_assert_eq!(serde_json::from_str::<SetCommand>(&json).unwrap(), command);
            }
            _ => {}
        }
        Ok(())
    });
}

#[test]
fn any_reply_is_a_map_from_its_mnemonic() {
    let (reply, _) = Query::Mode.parse_reply(b"05").unwrap();
    assert_eq!(serde_json::to_string(&reply).unwrap(), r#"{"MOD":{"working_mode":5}}"#);
    for info in Query::LIST {
        let query: Query = info.example.parse().unwrap();
        let (reply, _) = query.parse_reply(info.sample.as_bytes()).unwrap();
        let json = serde_json::to_value(reply).unwrap();
        assert!(json.get(info.mnemonic).is_some(), "{json}");
        assert_eq!(serde_json::from_value::<AnyReply>(json).unwrap(), reply);
    }
}

#[test]
fn code_with_its_name_is_read_back() {
    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct State {
        #[serde(with = "pi18_proto::named_code")]
        fault: pi18_proto::FaultCode,
    }
    for number in 0..=u8::MAX {
        let state = State { fault: pi18_proto::FaultCode(number) };
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
    }
    let json = serde_json::to_string(&State { fault: pi18_proto::FaultCode(99) }).unwrap();
    assert_eq!(json, r#"{"fault":{"code":99,"name":null}}"#);
    for text in [r#"{"fault":256}"#, r#"{"fault":{"name":"none"}}"#, r#"{"fault":"none"}"#] {
        assert!(serde_json::from_str::<State>(text).is_err(), "{text}");
    }
}
