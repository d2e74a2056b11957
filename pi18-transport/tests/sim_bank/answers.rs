//! What a unit answers to queries, and to what is none.

use std::time::Duration;

use pi18_proto::{
    AnyReply, Dialect, Edition, Frame, FrameKind, NOT_UNDERSTOOD, ParallelStatus, Query, REFUSED,
    Reply, SetCommand,
};
use proptest::{collection::vec, prelude::*};

use crate::{ask, bank, data, decode, exchange, rated, request, status};

#[test]
fn every_query_is_answered_with_a_reply_that_reads_back() {
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
fn is_a_commissioned_bank_by_default() {
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
fn a_unit_that_is_alone_is_single() {
    let bank = bank(&["units=1"]);
    assert_eq!(bank.units(), 1);
    assert_eq!(rated(&bank, 0).output_mode.0, 0);
}

#[test]
fn any_unit_knows_the_others() {
    let mut bank = bank(&["units=3&fault=83", "serial=12345678"]);
    for asked in 0..3 {
        assert_eq!(ask(&mut bank, asked, "PRI1"), "1,08,12345678000000000000,0,060,030,1");
        assert!(ask(&mut bank, asked, "PGS0").starts_with("1,4,83,"));
        for (digit, unit) in [("0", 0), ("1", 1), ("2", 2)] {
            let known: ParallelStatus = decode(&ask(&mut bank, asked, &format!("PGS{digit}")));
            let own = status(&bank, unit);
            assert_eq!(known.battery_voltage, own.battery_voltage);
            assert_eq!(known.charge_current, own.charge_current);
            assert_eq!(known.pv1_power, own.pv1_power);
        }
    }
}

#[test]
fn a_unit_that_does_not_exist_is_all_zeros() {
    let mut bank = bank(&[]);
    assert_eq!(ask(&mut bank, 0, "PRI2"), "0,00,00000000000000000000,0,000,000,0");
    let none = ask(&mut bank, 0, "PGS9");
    assert_eq!(none.split(',').count(), 29);
    assert!(none.bytes().all(|byte| matches!(byte, b'0' | b',')), "{none}");
}

#[test]
fn tells_its_fault_and_warnings() {
    let mut bank = bank(&["fault=07&warn=fan-locked&warn=overload&grid=off", "instance=0"]);
    assert_eq!(ask(&mut bank, 0, "MOD"), "04");
    assert_eq!(ask(&mut bank, 0, "FWS"), "07,1,0,0,1,0,0,0,1,0,0,0,0,0,0,0,0,0");
    // Both say that they are 0: each answers for itself.
    assert!(ask(&mut bank, 0, "PGS0").starts_with("1,4,07,"));
    assert!(ask(&mut bank, 1, "PGS0").starts_with("1,3,00,"));
}

#[test]
fn the_older_edition_knows_less() {
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
fn the_older_edition_writes_two_digits_of_ac_charge_current() {
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
fn a_stated_length_can_be_one_short() {
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
fn lists_charge_currents_up_to_the_one_that_it_is_told() {
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
fn shows_the_rated_current_that_it_is_told() {
    let rated = rated(&bank(&["rated-current=25"]), 0);
    assert_eq!((rated.input_current.0, rated.output_current.0), (250, 250));
}

#[test]
fn a_query_of_wrong_length_is_answered_or_refused() {
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
fn pi30_queries_are_answered_as_the_switch_says() {
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
fn a_unit_can_ignore_the_checksum() {
    for (text, answer) in [("MOD", &b"^D00505\xD9\x9F\r"[..]), ("PSP1", b"^1\x0B\xC2\r")] {
        let mut damaged = request(text).to_frame(Dialect::Checksum).to_vec();
        let place = damaged.len() - 2;
        damaged[place] ^= 0x40;
        let reply = exchange(&mut bank(&["ignore-checksum=on"]), 0, &damaged, Duration::ZERO);
        assert_eq!(reply, answer, "{text}");
        assert!(exchange(&mut bank(&[]), 0, &damaged, Duration::ZERO).is_empty(), "{text}");
    }
}

#[test]
fn shows_as_many_flags_as_it_is_told() {
    for (count, accepts) in [(9, ["^0", "^0"]), (10, ["^1", "^0"]), (11, ["^1", "^1"])] {
        let mut bank = bank(&[&format!("flags={count}")]);
        assert_eq!(ask(&mut bank, 0, "FLAG").split(',').count(), count);
        assert_eq!(["PEJ", "PEK"].map(|text| ask(&mut bank, 0, text)), accepts);
    }
}

#[test]
fn forgives_what_units_forgive() {
    let mut bank = bank(&[]);
    let mut raw = |bytes: &[u8]| exchange(&mut bank, 0, bytes, Duration::ZERO);
    let answers =
        |reply: &[u8]| Frame::parse(reply).is_ok_and(|frame| frame.kind() == FrameKind::Data);
    // A wrong length, no checksum, and both.
    let wrong_length = [b"^P005FWS".as_slice(), &pi18_proto::checksum(b"^P005FWS"), b"\r"].concat();
    assert!(answers(&raw(&wrong_length)));
    assert!(answers(&raw(b"^P005GS\r")));
    assert!(answers(&raw(b"^P007GS\r")));
    // Padding, as HID reports have it.
    assert!(answers(&raw(b"^P005GSX\x14\r\0\0\0\0\0\0^P005GSX\x14\r"[..16].as_ref())));
}

#[test]
fn refuses_what_it_does_not_know() {
    let mut bank = bank(&[]);
    for text in ["XYZ", "EY", "EM", "ED", "GS3", "ED20260231"] {
        let frame = format!("^P{:03}{text}", text.len() + 3);
        let frame = [frame.as_bytes(), &pi18_proto::checksum(frame.as_bytes()), b"\r"].concat();
        assert_eq!(exchange(&mut bank, 0, &frame, Duration::ZERO), REFUSED, "{text}");
    }
}

#[test]
fn says_nothing_to_noise_and_nak_to_what_has_no_header() {
    let mut bank = bank(&[]);
    let mut raw = |bytes: &[u8]| exchange(&mut bank, 0, bytes, Duration::ZERO);
    assert_eq!(raw(b"QPIGS\xb7\xa9\r"), NOT_UNDERSTOOD);
    for noise in [&b"^P005GS\0\0\r"[..], b"\xff\x80\x01\r", b"^D00505\xD9\x9F\r", b"\r\r\r", b""] {
        assert_eq!(raw(noise), b"", "{}", noise.escape_ascii());
    }
    assert_eq!(raw(b"^P006MOD\xdd\xbe\r").first(), Some(&b'^'));
}

#[test]
fn answers_garbage_to_a_parallel_query_without_a_number() {
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
fn a_frozen_bank_stands_still() {
    let mut bank = bank(&["frozen=on"]);
    let all = |bank: &pi18_transport::sim::Bank| -> Vec<String> {
        let queries = Query::LIST.iter().map(|info| info.example.parse().unwrap());
        queries.map(|query| data(&bank.peek(0, query).unwrap())).collect()
    };
    let before = all(&bank);
    bank.advance(Duration::from_secs(100_000));
    assert_eq!(all(&bank), before);
    bank.switch(0, "frozen=off").unwrap();
    bank.advance(Duration::from_secs(100_060));
    assert_eq!(ask(&mut bank, 0, "T"), "20260621123100");
}

#[test]
fn peek_and_sets_of_no_unit_are_nothing() {
    let bank = bank(&[]);
    assert_eq!(bank.peek(2, Query::Mode), None);
    assert_eq!(bank.sets(2).received, 0);
    assert!(matches!(bank.peek(1, Query::Mode), Some(AnyReply::Mode(_))));
    assert_eq!(<ParallelStatus as Reply>::FIELDS.len(), 29);
}

/// Up to 40 bytes, and the unit that gets them.
fn chunk() -> impl Strategy<Value = (Vec<u8>, usize)> {
    (vec(any::<u8>(), 0..40), 0..2_usize)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
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
    fn no_set_command_makes_it_panic(
        commands in vec((0..SetCommand::LIST.len(), "[0-9]{0,9}"), 1..10),
    ) {
        let mut bank = bank(&["flags=11"]);
        let mut now = Duration::ZERO;
        for (at, digits) in commands {
            // Its own values for some, others for the rest.
            let info = SetCommand::LIST[at];
            let other = format!("{}{digits}", info.mnemonic);
            let text = other.parse::<SetCommand>().map_or(info.example, |_| other.as_str());
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
