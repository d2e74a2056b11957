//! Advice for faults, warnings and working modes, and the sentences on electrical work that all rules share.
//!
//! Owners follow advice to the letter, next to batteries, PV strings and live terminals. Therefore:
//!
//! - [`LIVE_TERMINALS`] comes before the first step of an advice that touches an electrical part.
//! - [`RESTART`] is the only way to say "switch off and on again": it names the conditions and the order.
//! - Limits of a battery are per cell, because there are units for 24 V and for 48 V.
//! - A text is right in every state in which it can be shown; otherwise there are two texts.
//!
//! The tests of this module check the advice of every rule. Source: the order of the causes is the one
//! observed when LVX6048 units were commissioned (faults 71, 83), and otherwise that of the makers' manuals,
//! shortened (assumed). The limits of cells are those that makers of LFP packs commonly give (assumed).

mod fault;
mod mode;
#[cfg(test)]
mod tests;
mod warning;

pub(crate) use fault::{FAULT_KINDS, FAULT_WHILE_WORKING, Sharing, fault};
pub(crate) use mode::{MODE_KINDS, mode};
#[cfg(test)]
pub(crate) use warning::UNKNOWN_WARNING;
pub(crate) use warning::{OUTAGE, WARNING_KINDS, warning};

/// The step before the first one that touches terminals, cables, lugs, breakers, boards or connectors.
pub(crate) const LIVE_TERMINALS: &str = "leave the following steps to an electrician, because the terminals of a stopped \
    unit stay live from the other units, the grid, PV and the battery: supply medical devices elsewhere; \
    switch off the loads, open AC output and AC input of the whole bank, switch off all units, open PV at its \
    DC isolator, then the battery, and lock all of them; wait as many minutes as the maker's manual says (at \
    least five), and measure zero volts at each terminal with a meter that was tested on a live source before \
    and after; battery poles and PV plugs stay live; switch on in the reverse order, battery first, loads last";

/// The step that restarts a bank.
pub(crate) const RESTART: &str = "restart once, and only if no breaker or fuse has tripped, no BMS has \
    switched off, and nothing is hot or smells burnt: supply medical devices elsewhere; switch off the loads, \
    then the AC inputs and all units, wait a minute, switch on all units, then their AC inputs together, and \
    the loads last";

/// The step before any charging of a battery that is low.
pub(crate) const CHARGE_LIMITS: &str = "do not charge a lithium battery that has less than about 2.5 V a \
    cell (20 V with 8 cells, 40 V with 16), is colder than 0 °C, or whose BMS shows another alarm than low \
    voltage: switch off AC input and PV (at its DC isolator, never at a plug), and ask the maker of the \
    pack; if the voltage is so low, switch off the loads and the units, too";

/// The step before any other one if the battery voltage is too high.
pub(crate) const OVERCHARGED: &str = "if the battery is hot, swollen, smokes, hisses or smells, get everyone \
    out and call the fire service; otherwise stop charging: switch off AC input and PV (at its DC isolator, \
    never at a plug) of all units";

/// The step before any other one if a unit is too hot.
pub(crate) const BURNT: &str = "if the unit smokes or burns, get everyone out and call the fire service; if \
    it smells burnt, switch it off and leave it off: first the loads, AC input and all units, then PV (at \
    its DC isolator, never at a plug) and the battery";

/// The step that switches off a string of panels.
pub(crate) const ISOLATE: &str = "open PV at its DC isolator, never at a plug, and leave it open: the arc at \
    a plug does not go out by itself; if there is no isolator, or it is not rated for the voltage of the \
    string, have an electrician open PV in the dark";

/// The step about a BMS, breaker or fuse that has disconnected the battery.
pub(crate) const OPENED: &str = "find out why the BMS, the breaker or the fuse has opened before anything is \
    closed again: it may be a short circuit, an empty or overheated pack; the BMS shows its reason, and the \
    manual of the pack says how to reset it; close it only while the loads, AC input, all units and PV are off";

/// The step before an output mode is changed.
pub(crate) const MODE_FOLLOWS_WIRING: &str = "have an electrician compare the output mode of each unit with \
    its wiring before anything is changed: the mode follows the wiring, and a mode that contradicts it shorts \
    outputs or overloads a shared neutral";

/// The step that installs firmware.
pub(crate) const INSTALL_FIRMWARE: &str = "save the settings, and ask the seller for one main firmware for \
    exactly this model, with its tool and instructions; install it only with the loads off and a supply that \
    cannot fail meanwhile: an interrupted or wrong installation makes a unit useless";

/// The step between an installation of firmware and the next start.
pub(crate) const COMPARE_BEFORE_START: &str = "update one unit after another, and compare all settings before \
    the bank starts, output mode and battery voltages first: defaults can destroy the bank and overcharge the \
    battery";

/// Declares a table of codes with their findings, and the list of all these findings.
macro_rules! codes {
    (
        // Names of the table and of the list, type of the code.
        $table:ident, $kinds:ident: $code:ty;
        // Findings without a code of their own.
        also $( $also:expr ),+;
        // A code and its finding.
        $( $key:expr => $kind:expr; )+
    ) => {
        /// The finding for each code.
        static $table: &[($code, FindingKind)] = &[ $( ($key, $kind) ),+ ];

        /// Every finding of the table, and those without a code of their own.
        pub(crate) static $kinds: &[&FindingKind] = &[ $( &$kind, )+ $( &$also ),+ ];
    };
}
use codes;
