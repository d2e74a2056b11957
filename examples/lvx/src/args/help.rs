//! Texts that the help of several commands shares.

/// Columns of help and lists: what any terminal has.
pub(crate) const MAX_WIDTH: usize = 80;

/// The addresses of units.
pub(crate) const UNITS: &str = "\
A unit is an address:
  /dev/hidraw0               a USB or serial device; its kind is found out
  hidraw:/dev/hidraw0        a USB HID device
  serial:/dev/ttyUSB0        a serial port (2400 baud; ?baud=9600 for others)
  tcp:HOST:PORT              a serial bridge
  sn:96132206100410          the unit with that serial number, wherever it is
                             plugged in (USB); it is followed when cables move
  sim:0  sim:1               the virtual bank: nothing has to be plugged in
  replay:FILE                a capture
Options follow a `?`: crc=off (leave the checksum out of requests), timeout=2s,
tries=3, pause=50ms (between USB reports); for sim: the switches of
`lvx simulate --list-switches`, such as 'sim:1?fault=83'.";

/// As `lvx --help` tells them.
pub(crate) const STATUSES: &str = "\
Exit status: 0 all well; 1 differences or findings; 2 wrong usage or input;
3 a unit could not be read; 4 not applied: a write failed or could not be
proved, or none was begun.";
