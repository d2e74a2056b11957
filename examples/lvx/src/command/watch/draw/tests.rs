//! Whole screens.

use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use lvx_parallel::{PackSnapshot, pack::Family};
use pi18_transport::{Error, ErrorKind};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value as Json, json};

use super::*;
use crate::overview::{Pack, Spans, overview};

fn moment(instant: Instant) -> Moment {
    let wall = Timestamp::from_second(1_782_070_241).unwrap().to_zoned(TimeZone::UTC);
    Moment { instant, wall }
}

/// Returns a unit as the bridge describes it. `battery` is the voltage in tenths of a volt.
fn unit(number: u16, battery: u32, pv: [u32; 2]) -> Json {
    let at = 1_782_070_239.0;
    let value = |value: Json| json!({ "status": "fresh", "value": value, "at": at });
    json!({
        "name": format!("unit-{}", number + 1),
        "link": { "state": "up", "address": format!("/dev/lvx6048-{}", number + 1), "since": at },
        "groups": { "GS": { "limit": 15.0 }, "MOD": { "limit": 15.0 }, "FWS": { "limit": 15.0 } },
        "values": {
            "mode": value(json!("hybrid")),
            "fault": value(json!("none")),
            "fault_code": value(json!(0)),
            "pv1_power": value(json!(pv[0])),
            "pv2_power": value(json!(pv[1])),
            "pv1_voltage": value(json!(319.8)),
            "pv2_voltage": value(json!(312.4)),
            "pv_energy_today": value(json!(10_740)),
            "battery_voltage": value(json!(f64::from(battery) / 10.0)),
            "charge_current": value(json!(55 - number)),
            "discharge_current": value(json!(0)),
            "state_of_charge": value(json!(74)),
            "active_power": value(json!(482 - 11 * number)),
            "apparent_power": value(json!(506)),
            "load": value(json!(8)),
            "output_voltage": value(json!(120.0)),
            "output_frequency": value(json!(60.0)),
            "grid_voltage": value(json!(120.0)),
            "grid_frequency": value(json!(60.0)),
            "line_direction": value(json!("idle")),
            "heat_sink_temperature": value(json!(31 + number)),
            "mppt1_temperature": value(json!(45)),
            "mppt2_temperature": value(json!(44)),
            "parallel_instance": value(json!(number)),
            "firmware_main": value(json!("06306")),
        },
    })
}

fn serial(number: usize) -> String {
    format!("961322061004{}", 10 + number)
}

fn bank(units: Vec<Json>) -> Json {
    let order: Vec<_> = (0..units.len()).map(serial).collect();
    let units: serde_json::Map<_, _> = order.iter().cloned().zip(units).collect();
    json!({
        "now": 1_782_070_241.0,
        "site": "cabin",
        "bank": { "name": "main" },
        "verdict": {
            "level": "ok",
            "title": "All is well",
            "detail": "All 2 units answer, and no check found a problem.",
            "since": 1_782_000_000.0,
        },
        "order": order,
        "units": units,
    })
}

fn day() -> Json {
    bank(vec![unit(0, 542, [1842, 1705]), unit(1, 542, [1790, 1688])])
}

/// Returns a bank whose second unit is gone and has old values, with two findings.
fn gone() -> Json {
    let mut bank = day();
    let unit = &mut bank["units"][serial(1)];
    unit["link"] = json!({
        "state": "down",
        "why": "/dev/lvx6048-2: the device is gone",
        "since": 1_782_070_000.0,
        "address": "/dev/lvx6048-2",
    });
    for (key, value) in unit["values"].as_object_mut().unwrap() {
        if key == "mode" {
            *value = json!({ "status": "failed", "why": "the device is gone" });
        } else {
            value["status"] = json!("stale");
            value["at"] = json!(1_782_069_990.0);
        }
    }
    bank["verdict"] = json!({
        "level": "error",
        "title": "unit-2 cannot be read",
        "detail": "A bank of which a part is not read cannot be judged. One other alert is raised.",
        "step": "Look at the display of the unit: if it is dark, the unit has no power.",
        "since": 1_782_070_000.0,
    });
    bank["findings"] = json!([
        {
            "rule": "unread", "level": "error", "title": "unit-2 cannot be read",
            "why": "a bank of which a part is not read cannot be judged",
            "do": [
                "look at the display of the unit: if it is dark, the unit has no power",
                "check the USB cable and the adapter at both ends, and try another port of this computer",
            ],
            "since": 1_782_070_000.0, "values": [["unit-2", "the device is gone"]],
        },
        {
            "rule": "battery-voltage", "level": "warning", "title": "battery voltages differ",
            "why": "the units share one battery but measure different voltages", "do": [],
            "since": 1_781_970_000.0, "values": [], "ack": { "by": "anna" },
        },
    ]);
    bank
}

/// Returns the screen as text.
fn screen(document: &Json, view: View, size: (u16, u16), look: Look) -> String {
    let now = Instant::now();
    screen_at(document, view, size, look, now, now)
}

/// Returns the screen as text, with a chart of the last day.
fn screen_with_chart(view: View, size: (u16, u16), look: Look) -> String {
    let now = Instant::now();
    let bank = overview(&day(), now).unwrap();
    drawn(&bank, &recorded(), view, size, look, &moment(now))
}

fn screen_at(
    document: &Json,
    view: View,
    size: (u16, u16),
    look: Look,
    read: Instant,
    now: Instant,
) -> String {
    let bank = overview(document, read).unwrap();
    drawn(&bank, &Past::new(20_000), view, size, look, &moment(now))
}

fn drawn(
    bank: &Overview,
    past: &Past,
    mut view: View,
    (width, height): (u16, u16),
    look: Look,
    moment: &Moment,
) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, bank, past, &mut view, moment, look)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(width.into());
    let lines = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
}

const LOOK: Look = Look { has_colour: true, is_ascii: false };

#[test]
fn overview_of_a_healthy_day_fits_80_by_24() {
    insta::assert_snapshot!(screen(&day(), View::default(), (80, 24), LOOK));
}

#[test]
fn overview_with_a_unit_gone_fits_80_by_24() {
    insta::assert_snapshot!(screen(&gone(), View::default(), (80, 24), LOOK));
}

#[test]
fn overview_with_findings_uses_120_by_36() {
    insta::assert_snapshot!(screen(&gone(), View::default(), (120, 36), LOOK));
}

/// Returns a bank with three packs, of which the last one is silent.
fn with_packs(now: Instant) -> Overview {
    let mut bank = overview(&day(), now).unwrap();
    let mut words = vec![0; 39];
    (words[0], words[1], words[24], words[25], words[36]) = (5376, 0xFE4C, 91, 2, 16);
    words[2..18].fill(3360);
    words[4] = 3341;
    let read = |words: &[u16]| {
        let registers = lvx_parallel::pack::Registers::new(0, words.to_vec());
        lvx_parallel::pack::Live::from_registers(&registers, &Family::LP4_V2.scales).unwrap()
    };
    let limit = Duration::from_secs(30);
    let names =
        ["sim:pack0", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1.3:1.0-port0", "sim:pack2"];
    bank.packs = names.map(|name| Pack::new(name, limit)).to_vec();
    bank.packs[0].read(read(&words), now);
    words[26] = 0x8002;
    bank.packs[1].read(read(&words), now);
    let silent = Error::new(ErrorKind::Timeout, "sim:pack2", "expected a reply");
    let mut lost = PackSnapshot::new("sim:pack2");
    lost.take(Err(&silent));
    bank.packs[2].lose(&lost, None);
    bank
}

#[test]
fn packs_are_below_the_units() {
    let now = Instant::now();
    let bank = with_packs(now);
    let at = |moment: &Moment| drawn(&bank, &Past::new(1), View::default(), (80, 24), LOOK, moment);
    insta::assert_snapshot!(at(&moment(now)));
    let later = at(&moment(now + Duration::from_mins(1)));
    let line = later.lines().find(|line| line.starts_with(" sim:pack0 ")).unwrap();
    assert!(line.ends_with(" old"), "{later}");
}

#[test]
fn page_of_a_unit_shows_all_values() {
    let view = View { page: Page::Unit(1), ..View::default() };
    insta::assert_snapshot!(screen(&gone(), view, (80, 24), LOOK));
}

#[test]
fn page_of_findings_shows_reasons_and_steps_and_scrolls() {
    let view = View { page: Page::Findings, ..View::default() };
    insta::assert_snapshot!(screen(&gone(), view, (80, 24), LOOK));
    // Scrolling ends at the last line.
    let mut far = View { scroll: 1000, ..view };
    let bank = overview(&gone(), Instant::now()).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let moment = moment(Instant::now());
    terminal.draw(|frame| draw(frame, &bank, &Past::new(1), &mut far, &moment, LOOK)).unwrap();
    assert!(far.scroll < 5, "{}", far.scroll);
}

#[test]
fn ten_units_are_one_per_line_and_ascii_is_possible() {
    let bank = bank((0..10).map(|number| unit(number, 542, [0, 0])).collect());
    let text = screen(&bank, View::default(), (80, 24), Look { is_ascii: true, ..LOOK });
    assert!(text.is_ascii(), "{text}");
    for number in 1..=10 {
        assert!(text.contains(&format!("\n unit-{number} ")), "{text}");
    }
}

#[test]
fn old_values_are_marked_and_in_no_sum() {
    let read = Instant::now();
    let later = read + Duration::from_mins(1);
    let text = screen_at(&day(), View::default(), (80, 24), LOOK, read, later);
    assert!(text.contains("54.2 V  55 A in old"), "{text}");
    assert!(text.contains(" Read        62 s ago, old"), "{text}");
    assert!(text.contains("nothing was read of unit-1, unit-2"), "{text}");
    assert!(!text.contains("▶"), "{text}");
}

#[test]
fn old_values_look_old() {
    let bank = overview(&gone(), Instant::now()).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let moment = moment(Instant::now());
    let mut view = View::default();
    terminal.draw(|frame| draw(frame, &bank, &Past::new(1), &mut view, &moment, LOOK)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(80);
    let row = rows
        .filter(|row| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().contains(" Charge ")
        })
        .collect::<Vec<_>>();
    // The second unit is gone: its column begins at 38.
    let tone = |column: usize| row[0][column].modifier;
    assert_eq!((row.len(), tone(13)), (1, LOOK.style(Tone::Plain).add_modifier));
    assert_eq!(tone(38), LOOK.style(Tone::Old).add_modifier);
}

#[test]
fn small_terminal_says_so() {
    for size in [(79, 24), (80, 23), (20, 5), (1, 1)] {
        let text = screen(&gone(), View::default(), size, LOOK);
        assert!(text.starts_with(['✗', '…']), "{text}");
        if size.0 > 30 {
            let (width, height) = size;
            let have = format!("the terminal has {width} × {height}");
            assert!(text.contains("needs 80 × 24") && text.contains(&have), "{text}");
        }
    }
}

#[test]
fn every_size_and_page_is_drawn_without_a_panic() {
    let banks =
        [day(), gone(), bank(Vec::new()), bank((0..10).map(|n| unit(n, 540, [5, 5])).collect())];
    for bank in &banks {
        for page in [Page::Overview, Page::Unit(0), Page::Unit(9), Page::Findings, Page::Chart] {
            for size in [(1, 1), (80, 24), (81, 25), (120, 36), (300, 100)] {
                for is_help in [false, true] {
                    let view = View { page, is_help, scroll: 3 };
                    screen(bank, view, size, LOOK);
                    screen_with_chart(view, size, LOOK);
                }
            }
        }
    }
}

/// Returns a day as a bridge has recorded it, until half past seven in the evening. From nine to eleven in the morning,
/// nothing was read.
fn recorded() -> Past {
    let now = 1_782_070_241_000;
    let starts: Vec<i64> = (0..288).map(|number| 1_781_983_800 + 300 * number).collect();
    let hours = |start: &i64| f64::from(u32::try_from(start.rem_euclid(86_400)).unwrap()) / 3600.0;
    let values = |value: &dyn Fn(f64) -> f64| -> Vec<Json> {
        let read =
            |hour: f64| if (9.0..11.0).contains(&hour) { Json::Null } else { json!(value(hour)) };
        starts.iter().map(hours).map(read).collect()
    };
    let sun = |hour: f64| (7000.0 - 280.0 * (hour - 13.0).powi(2)).max(0.0);
    let load = |hour: f64| if (17.0..20.0).contains(&hour) { 2400.0 } else { 600.0 };
    let charge = |hour: f64| {
        if hour < 8.0 { 60.0 - 3.0 * hour } else { (36.0 + 8.0 * (hour - 8.0)).min(100.0) }
    };
    let answer = json!({
        "step": "300", "to": 1_782_070_242, "t": starts,
        "series": [
            { "series": "pv_power", "mean": values(&sun) },
            { "series": "load_power", "mean": values(&load) },
            { "series": "state_of_charge", "mean": values(&charge) },
        ],
    });
    let mut past = Past::new(60_000);
    past.put_recorded(Spans::of_answer(&answer, now).unwrap());
    past
}

#[test]
fn chart_of_a_day_is_below_the_units_if_there_is_room() {
    insta::assert_snapshot!(screen_with_chart(View::default(), (120, 36), LOOK));
    let small = screen_with_chart(View::default(), (80, 24), LOOK);
    assert_eq!(small, screen(&day(), View::default(), (80, 24), LOOK));
}

#[test]
fn page_of_the_chart_fits_80_by_24() {
    let view = View { page: Page::Chart, ..View::default() };
    insta::assert_snapshot!(screen_with_chart(view, (80, 24), LOOK));
    assert!(screen_with_chart(view, (80, 24), Look { is_ascii: true, ..LOOK }).is_ascii());
    assert!(screen(&day(), view, (80, 24), LOOK).contains("Nothing was read yet."));
}

#[test]
fn findings_leave_room_for_the_chart() {
    let now = Instant::now();
    let bank = overview(&gone(), now).unwrap();
    let text = drawn(&bank, &recorded(), View::default(), (120, 36), LOOK, &moment(now));
    for part in ["error unit-2 cannot be read", "battery voltages differ\n", "Last 24 h", " 20:00 "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn chart_since_the_start_has_gaps_and_no_future() {
    let now = Instant::now();
    let bank = overview(&day(), now).unwrap();
    let start = 1_782_070_241_000 - 8 * 60_000;
    let mut past = Past::new(20_000);
    for number in (0..6).chain(12..20) {
        past.see(&bank.totals(now), start + number * 20_000);
    }
    let view = View { page: Page::Chart, ..View::default() };
    let text = drawn(&bank, &past, view, (80, 24), LOOK, &moment(now));
    assert!(text.contains(" Since 19:22 "), "{text}");
    let bottom = |text: &str| {
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len() - 3].chars().skip(9).take(62).collect::<String>()
    };
    // Nothing was read after two minutes, and in the last minute and a half.
    let full = |count| "█".repeat(count);
    let line = bottom(&text);
    let runs: Vec<_> = line.trim_end().split('╱').filter(|run| !run.is_empty()).collect();
    assert_eq!(runs, [full(runs[0].chars().count()), full(runs[1].chars().count())], "{text}");
    assert!(line.trim_end().ends_with('╱') && line.ends_with("      "), "{text}");
    // An hour later, all of it is on the left.
    let later =
        Moment { wall: moment(now).wall + jiff::SignedDuration::from_mins(50), ..moment(now) };
    let text = drawn(&bank, &past, view, (80, 24), LOOK, &later);
    assert!(bottom(&text).starts_with("█") && bottom(&text).contains(&"╱".repeat(30)), "{text}");
}
