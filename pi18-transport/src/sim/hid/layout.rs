//! The report descriptor, and the fields of binary structures.

/// Eight bytes in and eight out, without report numbers, on the page that is the vendor's own.
///
/// Assumed; that it has 27 bytes is from the same source as the adapter.
pub(super) const REPORT_DESCRIPTOR: [u8; 27] = [
    0x06, 0x00, 0xFF, // usage page: vendor's
    0x09, 0x01, // usage 1
    0xA1, 0x01, // collection: application
    0x15, 0x00, // least value 0
    0x26, 0xFF, 0x00, // greatest value 255
    0x75, 0x08, // 8 bits each
    0x95, 0x08, // 8 of them
    0x09, 0x02, // usage 2
    0x81, 0x02, // input
    0x09, 0x03, // usage 3
    0x95, 0x08, // 8 of them
    0x91, 0x02, // output
    0xC0, // end
];

/// Puts a field at its place in a structure; what does not fit is left out.
pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    let place = bytes.get_mut(at..).unwrap_or_default();
    place.iter_mut().zip(field).for_each(|(to, from)| *to = *from);
}

/// A field of a structure, if that is so long.
pub(super) fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
