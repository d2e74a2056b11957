//! The bank: one to nine units and the wires to them, without I/O and without a clock.

use std::time::Duration;

use bytes::BytesMut;
use pi18_proto::{AnyReply, Query};

use super::{
    chance::happens,
    physics::{heating, parallel, step},
    protocol::{query::answer, respond::respond},
    switches::{SwitchError, Switches},
    unit::SetCounts,
    wires::{Wires, line::Line},
    world::World,
};

/// Number of units of a bank, and their switches.
///
/// ```
/// use pi18_transport::sim::{Bank, BankConfig};
///
/// let switches = vec!["fault=83".parse()?, "lag=2s".parse()?];
/// let bank = Bank::new(BankConfig { units: 3, switches })?;
/// assert_eq!(bank.units(), 3);
/// # Ok::<(), pi18_transport::sim::SwitchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Number of units, 1 to 9; the switch `units` overrides it.
    pub units: usize,
    /// Switches of the first units, one entry per unit; the other units have the defaults.
    pub switches: Vec<Switches>,
}

impl Default for BankConfig {
    /// Returns the configuration of two units with default switches.
    fn default() -> Self {
        Self { units: 2, switches: Vec::new() }
    }
}

/// One to nine units that share a battery and supply a house.
///
/// The caller passes the time to every method that depends on it: a [`Duration`] since the bank's
/// start. A time before that of an earlier call counts as the time of that call.
///
/// Bytes travel over numbered wires. Wire 0 leads to unit 0, wire 1 to unit 1, and so on.
/// [`SharedBank`](super::SharedBank) adds a clock, and more wires if several links lead to one unit.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::BytesMut;
/// use pi18_transport::sim::{Bank, BankConfig};
///
/// let mut bank = Bank::new(BankConfig::default())?;
/// bank.send(0, b"^P005PIq\x8b\r", Duration::ZERO);
/// let mut reply = BytesMut::new();
/// bank.receive(0, Duration::ZERO, &mut reply);
/// assert_eq!(reply, &b"^D00518;\x03\r"[..]);
/// # Ok::<(), pi18_transport::sim::SwitchError>(())
/// ```
#[derive(Debug)]
pub struct Bank {
    world: World,
    wires: Wires,
}

impl Bank {
    /// Creates a bank at time zero.
    ///
    /// # Errors
    /// If the number of units is not 1 to 9, or if `switches` has more entries than the bank has units.
    pub fn new(config: BankConfig) -> Result<Self, SwitchError> {
        let mut world = World::new(config.units, config.switches)?;
        // Units that do not hear of each other report what they heard before.
        let interruptions = parallel::take_interruptions(&mut world.units);
        step::settle_states(&mut world);
        heating::start(&mut world, 0);
        if world.units.iter().any(|unit| unit.heat.tripped) {
            step::settle_states(&mut world);
        }
        if parallel::restore(&mut world.units, &interruptions) {
            step::settle_states(&mut world);
        }
        Ok(Self { world, wires: Wires::new() })
    }

    /// Returns the number of units.
    #[must_use]
    pub fn units(&self) -> usize {
        self.world.units.len()
    }

    /// Changes a switch while the bank runs; for example, `fault=83` raises fault 83.
    ///
    /// The switch of a setting changes that setting, `rated` resets all settings, `soc` sets the state of
    /// charge. `units` adds units, but does not remove any. `clock` has no effect after the start; `seed` changes
    /// the gusts from then on, and nothing else.
    ///
    /// Modes, charging stages and protections then are those that the conditions lead to after a long time: a
    /// battery below the cut-off voltage, for example, is cut off at once.
    ///
    /// # Errors
    /// If the unit or the switch does not exist, or the value has the wrong form.
    pub fn switch(&mut self, unit: usize, text: &str) -> Result<(), SwitchError> {
        let units = self.units();
        self.world.switch(unit, text)?;
        step::settle_states(&mut self.world);
        heating::start(&mut self.world, units);
        Ok(())
    }

    /// Returns the number of battery packs.
    #[must_use]
    pub fn packs(&self) -> usize {
        self.world.packs.len()
    }

    /// Changes a switch of a battery pack while the bank runs, such as `drift=-20`, or of all packs, such as
    /// `chain=on` ([`PackSwitchInfo::LIST`](super::PackSwitchInfo::LIST)).
    ///
    /// # Errors
    /// If the pack or the switch does not exist, or the value has the wrong form.
    pub fn switch_pack(&mut self, pack: usize, text: &str) -> Result<(), SwitchError> {
        self.world.packs.switch(pack, text)?;
        step::settle_states(&mut self.world);
        Ok(())
    }

    /// Opens the line to a pack anew.
    pub(super) fn open_pack(&mut self, pack: usize, now: Duration) {
        self.world.packs.open(pack, now);
    }

    /// Returns whether a pack exists and its line is plugged in.
    pub(super) fn has_pack(&self, pack: usize) -> bool {
        self.world.packs.is_connected(pack)
    }

    /// Sends bytes from the host to a pack.
    pub(super) fn send_to_pack(&mut self, pack: usize, bytes: &[u8], now: Duration) {
        self.advance(now);
        let conditions = self.world.conditions();
        self.world.packs.send(pack, bytes, now, &conditions);
    }

    /// Appends the bytes of a pack that have reached the host to `buffer`.
    pub(super) fn receive_from_pack(&mut self, pack: usize, now: Duration, buffer: &mut BytesMut) {
        self.advance(now);
        self.world.packs.receive(pack, now, buffer);
    }

    /// Returns the time at which the next byte of a pack reaches the host; `None` if no byte is in transit.
    pub(super) fn pack_due(&self, pack: usize) -> Option<Duration> {
        self.world.packs.next_due(pack)
    }

    /// Sends bytes from the host over a wire.
    pub fn send(&mut self, wire: usize, bytes: &[u8], now: Duration) {
        self.advance(now);
        if let Some((line, unit)) = self.wires.line(wire)
            && let Some(unit) = self.world.units.get(unit)
        {
            line.host_send(bytes, self.world.now, &unit.switches.line);
        }
        self.advance(now);
    }

    /// Appends the bytes that have reached the host's end of a wire to `buffer`.
    pub fn receive(&mut self, wire: usize, now: Duration, buffer: &mut BytesMut) {
        self.advance(now);
        if let Some((line, unit)) = self.wires.line(wire)
            && let Some(unit) = self.world.units.get(unit)
        {
            line.host_receive(self.world.now, buffer, &unit.switches.line);
        }
    }

    /// Returns the time at which the next byte on a wire reaches either end; `None` if no byte is in
    /// transit.
    #[must_use]
    pub fn next_due(&self, wire: usize) -> Option<Duration> {
        self.wires.next_due(wire)
    }

    /// Advances the bank to `now`: units receive and answer requests, the battery is charged or discharged,
    /// and energy is counted.
    pub fn advance(&mut self, now: Duration) {
        let now = now.max(self.world.now);
        while let Some((due, wire)) = self.wires.next_arrival(now) {
            step::advance(&mut self.world, due);
            self.deliver(wire);
        }
        step::advance(&mut self.world, now);
    }

    /// Returns a unit's reply to a query without sending it over a wire; `None` if the unit refuses the
    /// query or does not exist.
    #[must_use]
    pub fn peek(&self, unit: usize, query: Query) -> Option<AnyReply> {
        answer(&self.world, self.world.units.get(unit)?, query)
    }

    /// Returns how many set commands a unit has received and accepted; zeros if the unit does not exist.
    #[must_use]
    pub fn set_counts(&self, unit: usize) -> SetCounts {
        self.world.units.get(unit).map(|unit| unit.sets).unwrap_or_default()
    }

    /// Returns whether a unit exists and all its wires are plugged in.
    #[must_use]
    pub fn is_connected(&self, unit: usize) -> bool {
        unit < self.units() && self.wires.lines_of(unit).all(Line::is_connected)
    }

    /// Unplugs all wires of a unit. Bytes in transit are lost.
    pub fn disconnect(&mut self, unit: usize) {
        self.wires.lines_of_mut(unit).for_each(Line::disconnect);
    }

    /// Plugs all wires of a unit in again, and clears its switch `disconnect`.
    pub fn reconnect(&mut self, unit: usize) {
        self.wires.lines_of_mut(unit).for_each(Line::reconnect);
        if let Some(unit) = self.world.units.get_mut(unit) {
            unit.switches.line.disconnect = None;
        }
    }

    /// Returns whether the TCP bridge of a unit serves several hosts at the same time.
    pub(super) fn is_shared(&self, unit: usize) -> bool {
        self.world.units.get(unit).is_some_and(|unit| unit.switches.line.shared)
    }

    /// Returns an unused wire to a unit, and marks it as used.
    pub(super) fn plug(&mut self, unit: usize) -> usize {
        self.wires.plug(unit, self.is_connected(unit))
    }

    /// Marks a wire as unused.
    pub(super) fn unplug(&mut self, wire: usize) {
        self.wires.unplug(wire);
    }

    /// Returns how often a wire was unplugged.
    pub(super) fn disconnects(&mut self, wire: usize) -> u64 {
        self.wires.line(wire).map(|(line, _)| line.disconnects()).unwrap_or_default()
    }

    /// Attaches a USB adapter to the host's end of a wire, so that replies arrive in HID reports.
    #[cfg(target_os = "linux")]
    pub(super) fn attach_adapter(&mut self, wire: usize) {
        if let Some((line, _)) = self.wires.line(wire) {
            line.set_adapter(true);
        }
    }

    /// Delivers the next byte of a wire to its unit, and sends the unit's answer if the byte completes a
    /// request.
    fn deliver(&mut self, wire: usize) {
        let Some((line, unit)) = self.wires.line(wire) else {
            return;
        };
        let switches = self.world.units.get(unit).map(|unit| &unit.switches);
        let ignores_checksum = switches.is_some_and(|switches| switches.quirks.ignore_checksum);
        let switches = switches.map(|switches| switches.line).unwrap_or_default();
        let Some((at, input)) = line.unit_receive(ignores_checksum) else {
            return;
        };
        let is_lost = happens(switches.silent, &mut self.world.random);
        let reply = if is_lost { None } else { respond(&mut self.world, unit, input) };
        if let Some((line, _)) = self.wires.line(wire) {
            line.unit_reply(reply, at, &switches, &mut self.world.random);
        }
    }
}
