//! Which frames a client may send.

use pi18_proto::{Frame, FrameKind, Request, Risk};
use pi18_transport::bridge::{Access, RefusalReason};

/// Checks that a client with this access may send a frame.
///
/// Queries need read access, set commands write access. Commands that interrupt the loads, erase data or change the
/// serial number are never sent.
///
/// # Errors
/// The reason for a refusal.
pub(super) fn check(frame: &[u8], access: Access) -> Result<(), (RefusalReason, String)> {
    let malformed = |why: String| (RefusalReason::Malformed, why);
    let parsed = Frame::parse(frame).map_err(|error| malformed(error.to_string()))?;
    match parsed.kind() {
        FrameKind::Query => Ok(()),
        FrameKind::Set if access != Access::Write => {
            let why = "expected a query, found a set command, which needs write access";
            Err((RefusalReason::Access, why.to_owned()))
        }
        FrameKind::Set => match Request::decode(&parsed) {
            Ok(Request::Set(command)) => {
                let mnemonic = command.info().mnemonic;
                if command.risk() >= Risk::Destructive || NEVER.contains(&mnemonic) {
                    let why = format!("{mnemonic} is never sent: it cannot be undone");
                    return Err((RefusalReason::Access, why));
                }
                Ok(())
            }
            Ok(_) => Err(malformed("expected a set command after ^S".to_owned())),
            Err(error) => Err(malformed(error.to_string())),
        },
        _ => Err(malformed("expected a request (^P or ^S)".to_owned())),
    }
}

/// Commands that no tool sends.
const NEVER: [&str; 4] = ["PF", "CLE", "ID", "LON"];

#[cfg(test)]
mod tests {
    use pi18_proto::{Dialect, Query, SetCommand};

    use super::*;

    fn of(command: &str) -> Vec<u8> {
        command.parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum).to_vec()
    }

    #[test]
    fn queries_need_read_access_and_set_commands_write_access() {
        let query = Query::GeneralStatus.to_frame(Dialect::Checksum);
        assert_eq!(check(&query, Access::Read), Ok(()));
        let (reason, _) = check(&of("POP1"), Access::Read).unwrap_err();
        assert_eq!(reason, RefusalReason::Access);
        assert_eq!(check(&of("POP1"), Access::Write), Ok(()));
    }

    #[test]
    fn commands_that_cannot_be_undone_are_never_sent() {
        for command in ["PF", "CLE", "LON0", "LON1"] {
            let (reason, why) = check(&of(command), Access::Write).unwrap_err();
            assert_eq!(reason, RefusalReason::Access, "{command}");
            assert!(why.ends_with("is never sent: it cannot be undone"), "{why}");
        }
        let mut ids = SetCommand::LIST.iter().filter(|info| info.risk >= Risk::Destructive);
        assert!(ids.all(|info| NEVER.contains(&info.mnemonic)));
    }

    #[test]
    fn anything_but_one_whole_request_is_malformed() {
        let twice = [of("POP1"), of("POP0")].concat();
        for frame in [&b""[..], b"^D00505\xd9\x9f\r", b"^S006POP\r", &twice] {
            let (reason, _) = check(frame, Access::Write).unwrap_err();
            assert_eq!(reason, RefusalReason::Malformed, "{frame:?}");
        }
    }
}
