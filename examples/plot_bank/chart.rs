//! Draws samples as one SVG file: the battery, the powers, and the working mode of each unit.

use std::{error::Error, ops::Range};

use pi18_proto::WorkingMode;
use plotters::{coord::Shift, prelude::*};

use crate::sample::Sample;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Name and colour of a line, and the power that it shows, in watts.
type Line = (&'static str, RGBColor, fn(&Sample) -> f64);
type Done = Result<(), Box<dyn Error>>;

/// Width of the drawing, and heights of its parts, in pixels.
const WIDTH: u32 = 860;
const TITLE: u32 = 30;
const BATTERY: u32 = 220;
const POWERS: u32 = 280;
const MODES: u32 = 70;

/// Space to the left and the right of the charts, and above them for the names of the lines, in pixels.
const MARGIN: u32 = 60;
const NAMES: u32 = 22;

/// Draws the samples and returns the text of the SVG file.
pub(crate) fn draw(title: &str, samples: &[Sample]) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let size = (WIDTH, TITLE + BATTERY + POWERS + MODES);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, rest) = root.split_vertically(TITLE);
        head.titled(title, ("sans-serif", 18))?;
        let (battery, rest) = rest.split_vertically(BATTERY);
        let (powers, modes) = rest.split_vertically(POWERS);
        draw_battery(&battery, samples)?;
        draw_powers(&powers, samples)?;
        draw_modes(&modes, samples)?;
        root.present()?;
    }
    Ok(svg)
}

/// Draws the battery voltage with the axis on the left, and the state of charge with that on the right.
fn draw_battery(area: &Area<'_>, samples: &[Sample]) -> Done {
    draw_names(
        area,
        &[("battery voltage, V (left)", BLUE), ("state of charge, % (right)", MAGENTA)],
    )?;
    let mut chart = chart_on(area)
        .build_cartesian_2d(times(samples), 42.0..60.0)?
        .set_secondary_coord(times(samples), 0.0..100.0);
    let mut mesh = chart.configure_mesh();
    mesh.max_light_lines(0).x_labels(13).x_label_formatter(&|_| String::new());
    mesh.y_labels(9).y_label_formatter(&short).draw()?;
    chart.configure_secondary_axes().y_labels(6).y_label_formatter(&short).draw()?;
    let steps = steps(samples);
    let volts = samples.iter().map(|sample| (sample.hours * steps, sample.volts));
    let soc = samples.iter().map(|sample| (sample.hours * steps, sample.soc));
    chart.draw_series(LineSeries::new(volts, BLUE))?;
    chart.draw_secondary_series(LineSeries::new(soc, MAGENTA))?;
    Ok(())
}

/// Draws the powers of the bank.
fn draw_powers(area: &Area<'_>, samples: &[Sample]) -> Done {
    let series: [Line; 4] = [
        ("PV, kW", RGBColor(230, 150, 0), |sample| sample.pv),
        ("load, kW", BLACK, |sample| sample.load),
        ("into the battery, kW", RGBColor(0, 150, 60), |sample| sample.battery),
        ("from the grid, kW", RED, |sample| sample.grid),
    ];
    draw_names(area, &series.map(|(name, colour, _)| (name, colour)))?;
    let all = || series.iter().flat_map(|(.., power)| samples.iter().map(power));
    let low = (all().fold(0.0, f64::min) / 1000.0).floor();
    let high = (all().fold(0.0, f64::max) / 1000.0).ceil();
    let mut chart =
        chart_on(area).x_label_area_size(24).build_cartesian_2d(times(samples), low..high)?;
    let mut mesh = chart.configure_mesh();
    let steps = steps(samples);
    let clock = |time: &f64| clock(time / steps);
    mesh.max_light_lines(0).x_labels(13).x_label_formatter(&clock);
    mesh.y_labels(9).y_label_formatter(&short).draw()?;
    for (_, colour, power) in series {
        let points = samples.iter().map(|sample| (sample.hours * steps, power(sample) / 1000.0));
        chart.draw_series(LineSeries::new(points, colour))?;
    }
    Ok(())
}

/// Draws a band for each unit in the colours of its working modes.
fn draw_modes(area: &Area<'_>, samples: &[Sample]) -> Done {
    let steps = steps(samples);
    let units = samples.first().map_or(1, |sample| sample.modes.len());
    let modes = || samples.iter().flat_map(|sample| &sample.modes);
    let names = MODE_COLOURS.into_iter().filter(|(mode, _)| modes().any(|seen| seen == mode));
    let names: Vec<_> =
        names.map(|(mode, colour)| (mode.name().unwrap_or_default(), colour)).collect();
    draw_names(area, &names)?;
    let rows = i32::try_from(units)? * 10;
    let mut chart = chart_on(area).build_cartesian_2d(times(samples), 0..rows)?;
    for (unit, row) in (0..units).zip((0..rows).rev().step_by(10)) {
        let mode =
            |sample: &Sample| sample.modes.get(unit).copied().unwrap_or(WorkingMode::POWER_ON);
        let mut rest = samples;
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|sample| mode(sample) == mode(first)).count();
            let (band, after) = rest.split_at(same);
            let end = after.first().or(band.last()).map_or(first.hours, |sample| sample.hours);
            let colour = MODE_COLOURS.into_iter().find(|(listed, _)| *listed == mode(first));
            let style = colour.map_or(BLACK, |(_, colour)| colour).filled();
            let corners = [(first.hours * steps, row - 8), (end * steps, row)];
            chart.draw_series([Rectangle::new(corners, style)])?;
            rest = after;
        }
    }
    Ok(())
}

/// Writes the names of lines or modes above a chart, in their colours.
fn draw_names(area: &Area<'_>, names: &[(&str, RGBColor)]) -> Done {
    for ((name, colour), place) in names.iter().zip(0..) {
        let style = ("sans-serif", 14).into_font().color(colour);
        area.draw(&Text::new(*name, (i32::try_from(MARGIN)? + place * 190, 6), style))?;
    }
    Ok(())
}

/// Returns a chart with the same margins as the others, so that the times are below each other.
fn chart_on<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin_top(NAMES).y_label_area_size(MARGIN).right_y_label_area_size(MARGIN);
    chart
}

/// Returns the times of the samples, in steps of the time axis.
fn times(samples: &[Sample]) -> Range<f64> {
    let time = |sample: Option<&Sample>| sample.map_or(0.0, |sample| sample.hours);
    time(samples.first()) * steps(samples)..time(samples.last()) * steps(samples)
}

/// Returns the steps of the time axis in an hour: minutes if the samples cover less than two hours.
fn steps(samples: &[Sample]) -> f64 {
    match (samples.first(), samples.last()) {
        (Some(first), Some(last)) if last.hours - first.hours < 2.0 => 60.0,
        _ => 1.0,
    }
}

/// Returns the time of day for a number of hours.
fn clock(hours: f64) -> String {
    let minutes = (hours * 60.0).round();
    format!("{:02}:{:02}", (minutes / 60.0).floor() % 24.0, minutes % 60.0)
}

/// Returns a number with one decimal, without a zero at the end.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that the charts need")]
fn short(number: &f64) -> String {
    // Adding zero removes the sign of a negative zero.
    format!("{}", (number * 10.0).round() / 10.0 + 0.0)
}

const MODE_COLOURS: [(WorkingMode, RGBColor); 7] = [
    (WorkingMode::POWER_ON, RGBColor(120, 120, 120)),
    (WorkingMode::STANDBY, RGBColor(150, 150, 150)),
    (WorkingMode::BYPASS, RGBColor(120, 70, 20)),
    (WorkingMode::BATTERY, RGBColor(60, 110, 200)),
    (WorkingMode::FAULT, RGBColor(200, 30, 30)),
    (WorkingMode::HYBRID, RGBColor(60, 150, 70)),
    (WorkingMode::CHARGE, RGBColor(190, 140, 0)),
];
