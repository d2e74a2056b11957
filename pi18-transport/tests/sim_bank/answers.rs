//! Answers to queries, and to bytes that are not a query.

use std::time::Duration;

use pi18_proto::{
    AnyReply, Dialect, Edition, Frame, FrameKind, NOT_UNDERSTOOD, ParallelStatus, Query, REFUSED,
    Reply, SetCommand,
};
use proptest::{collection::vec, prelude::*};

use crate::{ask, bank, data, decode, exchange, rated, request, status};

#[test]
fn every_query_gets_a_reply_that_decodes() {
    let mut bank = bank(&[]);
    for info in Query::LIST {
        let query: Query = info.example.parse().unwrap();
        for unit in 0..2 {
            let sent =
                exchange(&mut bank, unit, &query.to_frame(Dialect::Checksum), Duration::ZERO);
            let frame = Frame::parse(&sent).unwrap();
            assert_eq!(frame.kind(), FrameKind::Data, "{query}");
            assert_eq!(frame.warnings().count(), 0, "{query}");
            let (reply, extra) = query.parse_reply(frame.data()).unwrap();
            assert!(extra.is_empty(), "{query}");
            assert_eq!(Some(reply), bank.peek(unit, query), "{query}");
        }
    }
}

#[test]
fn default_bank_has_commissioned_identity_and_settings() {
    let mut bank = bank(&[]);
    assert_eq!(bank.units(), 2);
    assert_eq!(ask(&mut bank, 0, "VFW"), "06306,06126,00000");
    assert_eq!(ask(&mut bank, 1, "VFW"), "06306,06021,00000");
    assert_eq!(ask(&mut bank, 0, "ID"), "1496132206100410000000");
    assert_eq!(ask(&mut bank, 1, "ID"), "1496132206100411000000");
    assert_eq!(ask(&mut bank, 0, "T"), "20260621123000");
    assert_eq!(ask(&mut bank, 0, "GMN"), "05");
    assert_eq!(ask(&mut bank, 0, "MOD"), "05");
    assert_eq!(
        ask(&mut bank, 1, "PIRI"),
        "1200,500,1200,600,500,6000,6000,480,480,540,480,564,540,2,030,060,0,1,0,9,0,0,1,0,2,02"
    );
    assert_eq!(
        ask(&mut bank, 0, "DI"),
        "1200,600,0,408,540,564,460,540,060,30,0,0,1,0,0,0,1,0,0,1,1,0,1,1"
    );
    assert_eq!(ask(&mut bank, 0, "MCHGCR"), "010,020,030,040,050,060,070,080");
    assert_eq!(ask(&mut bank, 0, "MUCHGCR"), "002,010,020,030,040,050,060,070,080");
    assert_eq!(ask(&mut bank, 0, "FWS"), "00,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0");
    assert_eq!(ask(&mut bank, 0, "FLAG"), "1,0,1,0,0,1,1,0,0");
    assert_eq!(status(&bank, 0).parallel_instance.0, 0);
    assert_eq!(status(&bank, 1).parallel_instance.0, 1);
}

#[test]
fn only_unit_has_output_mode_single() {
    let bank = bank(&["units=1"]);
    assert_eq!(bank.units(), 1);
    assert_eq!(rated(&bank, 0).output_mode.0, 0);
}

#[test]
fn parallel_queries_return_the_status_of_any_unit() {
    let mut bank = bank(&["units=3&fault=83", "serial-number=12345678"]);
    for asked in 0..3 {
        assert_eq!(ask(&mut bank, asked, "PRI1"), "1,08,12345678000000000000,0,060,030,1");
        assert!(ask(&mut bank, asked, "PGS0").starts_with("1,4,83,"));
        for (digit, unit) in [("0", 0), ("1", 1), ("2", 2)] {
            let shown: ParallelStatus = decode(&ask(&mut bank, asked, &format!("PGS{digit}")));
            let own = status(&bank, unit);
            assert_eq!(shown.battery_voltage, own.battery_voltage);
            assert_eq!(shown.charge_current, own.charge_current);
            assert_eq!(shown.pv1_power, own.pv1_power);
        }
    }
}

#[test]
fn parallel_reply_about_missing_unit_is_all_zeros() {
    let mut bank = bank(&[]);
    assert_eq!(ask(&mut bank, 0, "PRI2"), "0,00,00000000000000000000,0,000,000,0");
    let none = ask(&mut bank, 0, "PGS9");
    assert_eq!(none.split(',').count(), 29);
    assert!(none.bytes().all(|byte| matches!(byte, b'0' | b',')), "{none}");
}

#[test]
fn fault_and_warn_switches_are_shown_in_fws() {
    let mut bank = bank(&["fault=07&warn=fan-locked&warn=overload&grid=off", "instance=0"]);
    assert_eq!(ask(&mut bank, 0, "MOD"), "04");
    assert_eq!(ask(&mut bank, 0, "FWS"), "07,1,0,0,1,0,0,0,1,0,0,0,0,0,0,0,0,0");
    // Both units have instance 0, so each one answers with its own status.
    assert!(ask(&mut bank, 0, "PGS0").starts_with("1,4,07,"));
    assert!(ask(&mut bank, 1, "PGS0").starts_with("1,3,00,"));
}

#[test]
fn older_edition_refuses_newer_queries_and_commands() {
    let mut bank = bank(&["edition=2017"]);
    for info in Query::LIST {
        let reply = ask(&mut bank, 0, info.example);
        assert_eq!(reply == "^0", info.since == Edition::Pi18_2022, "{}", info.mnemonic);
    }
    assert_eq!(ask(&mut bank, 0, "PIRI").split(',').count(), 25);
    assert_eq!(ask(&mut bank, 0, "FWS").split(',').count(), 17);
    assert_eq!(ask(&mut bank, 0, "LEDE1"), "^0");
    assert_eq!(ask(&mut bank, 0, "PBT3"), "^0");
}

#[test]
fn older_edition_writes_ac_charge_current_with_two_digits() {
    let mut bank = bank(&["edition=2017"]);
    let mut raw = |text: &str| {
        exchange(&mut bank, 0, &request(text).to_frame(Dialect::Checksum), Duration::ZERO)
    };
    assert!(
        raw("PIRI")
            .starts_with(b"^D0851200,500,1200,600,500,6000,6000,480,480,540,480,564,540,2,30,060,")
    );
    let rating = raw("PRI0");
    assert_eq!(Frame::parse(&rating).unwrap().data(), b"1,14,96132206100410000000,0,060,30,1");
}

#[test]
fn short_length_switch_reduces_stated_length() {
    for (switch, short) in [("piri", &["PIRI"][..]), ("all", &["PIRI", "GS", "MOD"])] {
        let mut bank = bank(&[&format!("short-length={switch}")]);
        for text in ["PIRI", "GS", "MOD"] {
            let bytes = request(text).to_frame(Dialect::Checksum);
            let sent = exchange(&mut bank, 0, &bytes, Duration::ZERO);
            let frame = Frame::parse(&sent).unwrap();
            assert_eq!(frame.wrong_length().is_some(), short.contains(&text), "{text}");
        }
        let piri = request("PIRI").to_frame(Dialect::Checksum);
        let sent = exchange(&mut bank, 0, &piri, Duration::ZERO);
        assert!(sent.starts_with(b"^D0881200,"), "{}", sent.escape_ascii());
    }
}

#[test]
fn charge_currents_switch_sets_the_end_of_the_list() {
    let mut bank = bank(&["charge-currents=120&charging-lock=off", ""]);
    let list = "010,020,030,040,050,060,070,080,090,100,110,120";
    assert_eq!(ask(&mut bank, 0, "MCHGCR"), list);
    assert_eq!(["MCHGC0,120", "MCHGC0,130"].map(|text| ask(&mut bank, 0, text)), ["^1", "^0"]);
    assert_eq!(rated(&bank, 0).max_charge_current.0, 120);
    assert_eq!(ask(&mut bank, 1, "MCHGCR"), "010,020,030,040,050,060,070,080");
    for wrong in ["0", "5", "75", "130"] {
        let switch = format!("charge-currents={wrong}");
        assert!(switch.parse::<pi18_transport::sim::Switches>().is_err(), "{wrong}");
    }
}

#[test]
fn rated_current_switch_is_shown_in_piri() {
    let rated = rated(&bank(&["rated-current=25"]), 0);
    assert_eq!((rated.input_current.0, rated.output_current.0), (250, 250));
}

#[test]
fn strict_length_switch_refuses_queries_with_wrong_length() {
    let wrong_length = [b"^P005FWS".as_slice(), &pi18_proto::checksum(b"^P005FWS"), b"\r"].concat();
    for bytes in [&wrong_length[..], b"^P005FWS\r"] {
        let refused = exchange(&mut bank(&["strict-length=on"]), 0, bytes, Duration::ZERO);
        assert_eq!(refused, REFUSED);
        let answered = exchange(&mut bank(&[]), 0, bytes, Duration::ZERO);
        assert_eq!(Frame::parse(&answered).unwrap().kind(), FrameKind::Data);
    }
    assert_eq!(ask(&mut bank(&["strict-length=on"]), 0, "MOD"), "05");
}

#[test]
fn pi30_switch_decides_the_answer_to_pi30_queries() {
    let answers = |switch: &str| {
        let mut bank = bank(&[switch]);
        [&b"QPI\xBE\xAC\r"[..], b"QID\xD6\xEA\r", b"QPIRI\xF8T\r"]
            .map(|bytes| exchange(&mut bank, 0, bytes, Duration::ZERO))
    };
    assert_eq!(answers("pi30=nak"), [NOT_UNDERSTOOD; 3]);
    assert_eq!(answers("pi30=refuse"), [REFUSED; 3]);
    let [protocol, serial, rated] = answers("pi30=answer");
    assert_eq!(protocol, b"(PI30\x9A\x0B\r");
    assert!(serial.starts_with(b"(96132206100410") && serial.ends_with(b"\r"));
    assert_eq!(rated, NOT_UNDERSTOOD);
}

#[test]
fn ignore_checksum_switch_answers_damaged_requests() {
    for (text, answer) in [("MOD", &b"^D00505\xD9\x9F\r"[..]), ("PSP1", b"^1\x0B\xC2\r")] {
        let mut damaged = request(text).to_frame(Dialect::Checksum).to_vec();
        let index = damaged.len() - 2;
        damaged[index] ^= 0x40;
        let reply = exchange(&mut bank(&["ignore-checksum=on"]), 0, &damaged, Duration::ZERO);
        assert_eq!(reply, answer, "{text}");
        assert!(exchange(&mut bank(&[]), 0, &damaged, Duration::ZERO).is_empty(), "{text}");
    }
}

#[test]
fn flags_switch_sets_the_number_of_flags() {
    for (count, accepts) in [(9, ["^0", "^0"]), (10, ["^1", "^0"]), (11, ["^1", "^1"])] {
        let mut bank = bank(&[&format!("flags={count}")]);
        assert_eq!(ask(&mut bank, 0, "FLAG").split(',').count(), count);
        assert_eq!(["PEJ", "PEK"].map(|text| ask(&mut bank, 0, text)), accepts);
    }
}

#[test]
fn queries_with_wrong_length_or_without_checksum_are_answered() {
    let mut bank = bank(&[]);
    let mut raw = |bytes: &[u8]| exchange(&mut bank, 0, bytes, Duration::ZERO);
    let answers =
        |reply: &[u8]| Frame::parse(reply).is_ok_and(|frame| frame.kind() == FrameKind::Data);
    // A wrong length, no checksum, and both defects.
    let wrong_length = [b"^P005FWS".as_slice(), &pi18_proto::checksum(b"^P005FWS"), b"\r"].concat();
    assert!(answers(&raw(&wrong_length)));
    assert!(answers(&raw(b"^P005GS\r")));
    assert!(answers(&raw(b"^P007GS\r")));
    // Zeros at the end, as in HID reports.
    assert!(answers(&raw(b"^P005GSX\x14\r\0\0\0\0\0\0^P005GSX\x14\r"[..16].as_ref())));
}

#[test]
fn unknown_requests_are_refused() {
    let mut bank = bank(&[]);
    for text in ["XYZ", "EY", "EM", "ED", "GS3", "ED20260231"] {
        let frame = format!("^P{:03}{text}", text.len() + 3);
        let frame = [frame.as_bytes(), &pi18_proto::checksum(frame.as_bytes()), b"\r"].concat();
        assert_eq!(exchange(&mut bank, 0, &frame, Duration::ZERO), REFUSED, "{text}");
    }
}

#[test]
fn noise_is_ignored_and_text_without_header_returns_nak() {
    let mut bank = bank(&[]);
    let mut raw = |bytes: &[u8]| exchange(&mut bank, 0, bytes, Duration::ZERO);
    assert_eq!(raw(b"QPIGS\xb7\xa9\r"), NOT_UNDERSTOOD);
    for noise in [&b"^P005GS\0\0\r"[..], b"\xff\x80\x01\r", b"^D00505\xD9\x9F\r", b"\r\r\r", b""] {
        assert_eq!(raw(noise), b"", "{}", noise.escape_ascii());
    }
    assert_eq!(raw(b"^P006MOD\xdd\xbe\r").first(), Some(&b'^'));
}

#[test]
fn parallel_query_without_number_returns_garbage() {
    let mut bank = bank(&[]);
    for (text, data) in [("PRI", "1,00,02  .               ,0,"), ("PGS", "1,0,00,0000,171,")] {
        let frame = format!("^P006{text}");
        let frame = [frame.as_bytes(), &pi18_proto::checksum(frame.as_bytes()), b"\r"].concat();
        let reply = exchange(&mut bank, 0, &frame, Duration::ZERO);
        let frame = Frame::parse(&reply).unwrap();
        assert!(frame.data().starts_with(data.as_bytes()), "{}", reply.escape_ascii());
    }
}

#[test]
fn frozen_bank_does_not_change() {
    let mut bank = bank(&["frozen=on"]);
    let replies = |bank: &pi18_transport::sim::Bank| -> Vec<String> {
        let queries = Query::LIST.iter().map(|info| info.example.parse().unwrap());
        queries.map(|query| data(&bank.peek(0, query).unwrap())).collect()
    };
    let before = replies(&bank);
    bank.advance(Duration::from_secs(100_000));
    assert_eq!(replies(&bank), before);
    bank.switch(0, "frozen=off").unwrap();
    bank.advance(Duration::from_secs(100_060));
    assert_eq!(ask(&mut bank, 0, "T"), "20260621123100");
}

#[test]
fn peek_and_set_counts_of_missing_unit_are_empty() {
    let bank = bank(&[]);
    assert_eq!(bank.peek(2, Query::Mode), None);
    assert_eq!(bank.set_counts(2).received, 0);
    assert!(matches!(bank.peek(1, Query::Mode), Some(AnyReply::Mode(_))));
    assert_eq!(<ParallelStatus as Reply>::FIELDS.len(), 29);
}

/// Generates up to 40 bytes, and the unit that receives them.
fn chunk() -> impl Strategy<Value = (Vec<u8>, usize)> {
    (vec(any::<u8>(), 0..40), 0..2_usize)
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(
        chunks in vec(chunk(), 0..20),
        texts in vec("[PS][0-9]{3}[A-Z]{1,6}[0-9,]{0,12}", 0..10),
    ) {
        let mut bank = bank(&["lose=0.1&flip=0.1&junk=0.3&stale=0.3&late=0.3"]);
        let mut now = Duration::ZERO;
        for (bytes, unit) in chunks {
            exchange(&mut bank, unit, &bytes, now);
            now += Duration::from_secs(7);
        }
        for text in texts {
            let text = format!("^{text}");
            let frame = [text.as_bytes(), &pi18_proto::checksum(text.as_bytes()), b"\r"].concat();
            exchange(&mut bank, 0, &frame, now);
            now += Duration::from_secs(7);
        }
    }

    #[test]
    fn random_set_commands_do_not_panic(
        commands in vec((0..SetCommand::LIST.len(), "[0-9]{0,9}"), 1..10),
    ) {
        let mut bank = bank(&["flags=11"]);
        let mut now = Duration::ZERO;
        for (at, digits) in commands {
            // Use random values if the command accepts them, otherwise those of the example.
            let info = SetCommand::LIST[at];
            let random = format!("{}{digits}", info.mnemonic);
            let text = random.parse::<SetCommand>().map_or(info.example, |_| random.as_str());
            crate::ask_at(&mut bank, 0, text, now);
            now += Duration::from_mins(10);
            for info in Query::LIST {
                let query: Query = info.example.parse().unwrap();
                let reply = data(&bank.peek(0, query).unwrap());
                prop_assert!(query.parse_reply(reply.as_bytes()).is_ok(), "{query}: {reply}");
            }
        }
    }
}
