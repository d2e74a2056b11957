//! USB HID reports: packets of eight bytes, in which the USB adapter of an inverter transfers data.

/// The bytes of one report.
#[cfg(target_os = "linux")]
pub(super) type Report = [u8; REPORT_LENGTH];

/// Number of bytes in a report.
pub(super) const REPORT_LENGTH: usize = 8;

/// Splits bytes into reports, the last one padded with zeros.
#[cfg(target_os = "linux")]
pub(super) fn reports(bytes: &[u8]) -> impl Iterator<Item = Report> {
    bytes.chunks(REPORT_LENGTH).map(|chunk| {
        let mut report = [0; REPORT_LENGTH];
        report.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        report
    })
}
