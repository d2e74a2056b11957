//! Termination signals: SIGINT (Ctrl-C), SIGTERM and SIGHUP.

use std::io;

use super::failure::Failure;

/// Calls `act` for each termination signal, instead of ending the program.
///
/// SIGHUP stays ignored if the program was started with it ignored, so that `nohup lvx … &` continues
/// after the user has logged out.
pub(crate) fn catch_signals(mut act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    catch_all(move |_| act()).map_err(|error| Failure::usage(format_args!("signals: {error}")))
}

/// Calls `act` with the number of each termination signal, in the same way.
#[cfg(any(feature = "bridge", feature = "watch"))]
pub(crate) fn catch_each_signal(act: impl FnMut(i32) + Send + 'static) -> Result<(), Failure> {
    catch_all(act).map_err(|error| Failure::usage(format_args!("signals: {error}")))
}

/// Calls `act` with SIGTSTP, which asks the program to stop, and with SIGCONT, after it was stopped.
#[cfg(feature = "watch")]
pub(crate) fn catch_job_control(act: impl FnMut(i32) + Send + 'static) -> Result<(), Failure> {
    use signal_hook::consts::{SIGCONT, SIGTSTP};

    catch(vec![SIGTSTP, SIGCONT], act)
        .map_err(|error| Failure::usage(format_args!("signals: {error}")))
}

fn catch_all(act: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut caught = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        caught.push(SIGHUP);
    }
    catch(caught, act)
}

fn catch(signals: Vec<i32>, mut act: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            act(signal);
        }
    })?;
    Ok(())
}

/// Returns whether a signal is ignored, according to `/proc/self/status`; `false` on systems without it.
/// Other interfaces only return the old action while setting a new one.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let bit = u32::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    bit.and_then(|bit| mask.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn signal_with_default_action_is_not_ignored() {
        assert!(!is_ignored(signal_hook::consts::SIGUSR1));
        // The Rust runtime ignores SIGPIPE at startup.
        assert!(is_ignored(signal_hook::consts::SIGPIPE));
    }
}
