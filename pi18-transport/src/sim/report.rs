//! USB HID reports, in which the adapter of an inverter passes bytes on.

/// The bytes of one report.
#[cfg(target_os = "linux")]
pub(super) type Report = [u8; REPORT_LENGTH];

/// Bytes in a report.
pub(super) const REPORT_LENGTH: usize = 8;

/// Splits bytes into reports; zeros fill the last one.
#[cfg(target_os = "linux")]
pub(super) fn reports(bytes: &[u8]) -> impl Iterator<Item = Report> {
    bytes.chunks(REPORT_LENGTH).map(|chunk| {
        let mut report = [0; REPORT_LENGTH];
        report.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        report
    })
}
