//! Help texts that several commands share.

/// Maximum width of help and lists, in columns.
pub(crate) const MAX_WIDTH: usize = 80;

/// Forms of a unit's address.
pub(crate) const UNITS: &str = "\
Addresses of units:
  /dev/hidraw0               USB or serial device; the kind is detected
  hidraw:/dev/hidraw0        USB HID device
  serial:/dev/ttyUSB0        serial port at 2400 baud (others: ?baud=9600)
  tcp:HOST:PORT              serial port behind a TCP bridge
  sn:96132206100410          unit with this serial number, on any USB port;
                             it is found again when cables are moved
  sim:0  sim:1               virtual units; no hardware is needed
  replay:FILE                recorded traffic of `lvx query --capture`
Options follow a `?`, separated by `&`: crc=off (send requests without a
checksum), timeout=2s, tries=3, serial=96132206100410 (fail if another unit
answers), pause=50ms (between USB reports). sim: also takes the switches
of `lvx simulate --list-switches`: 'sim:1?fault=83'.";

/// Forms of a battery pack's address.
pub(crate) const PACKS: &str = "\
Addresses of battery packs:
  pack:/dev/ttyUSB0          serial port at 9600 baud; best by its USB port:
                             pack:/dev/serial/by-path/…
  pack:tcp:HOST:PORT         serial port behind a TCP bridge
  sim:pack0  sim:pack1       virtual packs; no hardware is needed
Options follow a `?`, separated by `&`: baud=9600, address=64 (on the bus, 1 to
247), timeout=500ms, tries=3. sim: also takes the switches of packs of
`lvx simulate --list-switches`: 'sim:pack0?drift=-20'.";

/// Exit statuses of most commands.
pub(crate) const STATUSES: &str = "\
Exit status: 0 success; 1 differences or findings; 2 invalid usage or input;
3 a unit could not be read; 4 not applied: a write failed or could not be
verified, or writing was not started.";
