//! The bytes of a unit's answer.

use pi18_proto::{
    ACCEPTED, AnyReply, MAX_FRAME, NOT_UNDERSTOOD, ParallelRating, ParallelStatus, REFUSED, Reply,
    Request, SetCommand,
};

use super::{
    input::{Pi30, UnitInput},
    query::answer,
    set,
};
use crate::sim::{
    switches::groups::{Dialects, Pi30Answer, ShortLength},
    unit::Unit,
    world::World,
};

/// Returns the bytes with which a unit answers its input; `None` if it does not answer.
///
/// Carries out set commands, and counts them.
pub(crate) fn respond(world: &mut World, unit: usize, input: UnitInput) -> Option<Vec<u8>> {
    let (is_set, has_checksum) = match input {
        UnitInput::Request { request, has_checksum, .. } => {
            (matches!(request, Request::Set(_)), has_checksum)
        }
        UnitInput::Unknown { is_set, has_checksum } => (is_set, has_checksum),
        UnitInput::RatingWithoutNumber | UnitInput::StatusWithoutNumber => (false, true),
        UnitInput::NoHeader(request) => return Some(pi30(world.units.get(unit)?, request)),
        UnitInput::Noise => return None,
    };
    let receiver = world.units.get_mut(unit)?;
    let dialect = receiver.switches.quirks.dialect;
    let garbled = receiver.switches.quirks.pop_garbled;
    receiver.sets.received += u64::from(is_set);
    if is_set && !has_checksum && dialect == Dialects::Checksum {
        return None;
    }
    // The unit takes the two bytes of the checksum for data, which makes the value wrong.
    if is_set && has_checksum && dialect == Dialects::NoChecksum {
        return Some(REFUSED.to_vec());
    }
    let mut reply = match input {
        UnitInput::Request { request: Request::Query(query), wrong_length, .. } => {
            let receiver = world.units.get(unit)?;
            let is_refused = wrong_length && receiver.switches.quirks.strict_length;
            let reply = if is_refused { None } else { answer(world, receiver, query) };
            reply.and_then(|reply| frame(receiver, &reply)).unwrap_or_else(|| REFUSED.to_vec())
        }
        UnitInput::Request { request: Request::Set(command), .. } => {
            let accepted = set::try_set(world, unit, command);
            world.units.get_mut(unit)?.sets.accepted += u64::from(accepted);
            let mut reply = if accepted { ACCEPTED } else { REFUSED }.to_vec();
            let is_priority = matches!(command, SetCommand::OutputPriority { .. });
            if accepted && garbled && is_priority {
                reply.iter_mut().skip(2).take(1).for_each(|byte| *byte ^= 0x40);
            }
            reply
        }
        UnitInput::RatingWithoutNumber => {
            let rating = ParallelRating::decode(RATING_WITHOUT_NUMBER).ok()?;
            frame(world.units.get(unit)?, &rating.into())?
        }
        UnitInput::StatusWithoutNumber => {
            let status = ParallelStatus::decode(STATUS_WITHOUT_NUMBER).ok()?;
            frame(world.units.get(unit)?, &status.into())?
        }
        _ => REFUSED.to_vec(),
    };
    if has_checksum && dialect == Dialects::NoChecksum {
        // Observed with GS: the unit sends only the first half of the reply.
        reply.truncate(reply.len() / 2);
    }
    Some(reply)
}

/// Returns the frame of a reply as this unit writes it; `None` if the reply cannot be encoded.
fn frame(unit: &Unit, reply: &AnyReply) -> Option<Vec<u8>> {
    let mut buffer = [0; MAX_FRAME];
    let len = reply.encode(&mut buffer).ok()?;
    let mut data = buffer.get(..len)?.to_vec();
    // In the edition of 2017, the AC charge current has two digits.
    let ac_charge_current = match reply {
        AnyReply::RatedInformation(_) => Some(14),
        AnyReply::ParallelRating(_) => Some(5),
        _ => None,
    };
    if let Some(field) = ac_charge_current.filter(|_| !unit.follows_2022()) {
        data = with_two_digits(&data, field);
    }
    let is_short = match unit.switches.quirks.short_length {
        ShortLength::Off => false,
        ShortLength::Piri => matches!(reply, AnyReply::RatedInformation(_)),
        ShortLength::All => true,
    };
    let stated = data.len() + AFTER_DATA - usize::from(is_short);
    Some(with_checksum([format!("^D{stated:03}").as_bytes(), &data].concat()))
}

/// Returns the answer to a request of PI30.
fn pi30(unit: &Unit, request: Pi30) -> Vec<u8> {
    match (unit.switches.quirks.pi30, request, unit.serial) {
        (Pi30Answer::Refuse, ..) => REFUSED.to_vec(),
        (Pi30Answer::Answer, Pi30::Protocol, _) => with_checksum(b"(PI30".to_vec()),
        (Pi30Answer::Answer, Pi30::SerialNumber, Some(serial)) => {
            with_checksum(format!("({serial}").into_bytes())
        }
        _ => NOT_UNDERSTOOD.to_vec(),
    }
}

/// Returns the data without the leading zero of the three-digit field at `position`.
fn with_two_digits(data: &[u8], position: usize) -> Vec<u8> {
    let fields = data.split(|&byte| byte == b',').enumerate();
    let fields: Vec<_> = fields
        .map(|(at, field)| match field {
            [b'0', digits @ ..] if at == position && digits.len() == 2 => digits,
            _ => field,
        })
        .collect();
    fields.join(&b',')
}

/// Length of the checksum and the carriage return after the data.
const AFTER_DATA: usize = 3;

/// Returns the frame with its checksum and a carriage return.
fn with_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    let checksum = pi18_proto::checksum(&frame);
    frame.extend(checksum);
    frame.push(b'\r');
    frame
}

/// The reply to `PRI` without a unit number. Observed: apparently the content of unrelated memory.
const RATING_WITHOUT_NUMBER: &[u8] = b"1,00,02  .               ,0,000,000,0";

/// The reply to `PGS` without a unit number. Observed: 17.1 Hz and 337 A; the other fields are assumed.
const STATUS_WITHOUT_NUMBER: &[u8] =
    b"1,0,00,0000,171,0002,000,0000,0000,00000,00000,000,000,000,337,000,000,\
    000,0000,0000,0000,0000,0,0,0,0,0,0,000";
