//! The report descriptor of the adapter, and access to fields of binary structures.

/// Reports of eight bytes in both directions, without report numbers, on the vendor-defined usage page.
///
/// The content is assumed. The length of 27 bytes is that of a real adapter, with the same source as
/// [`HidIdentity::adapter`](super::HidIdentity::adapter).
pub(super) const REPORT_DESCRIPTOR: [u8; 27] = [
    0x06, 0x00, 0xFF, // usage page: vendor-defined
    0x09, 0x01, // usage 1
    0xA1, 0x01, // collection: application
    0x15, 0x00, // logical minimum 0
    0x26, 0xFF, 0x00, // logical maximum 255
    0x75, 0x08, // report size: 8 bits
    0x95, 0x08, // report count: 8
    0x09, 0x02, // usage 2
    0x81, 0x02, // input
    0x09, 0x03, // usage 3
    0x95, 0x08, // report count: 8
    0x91, 0x02, // output
    0xC0, // end
];

/// Writes a field into a structure; bytes past its end are dropped.
pub(super) fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
    let target = bytes.get_mut(offset..).unwrap_or_default();
    target.iter_mut().zip(field).for_each(|(to, from)| *to = *from);
}

/// Returns a field of a structure; `None` if the structure ends before it.
pub(super) fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
