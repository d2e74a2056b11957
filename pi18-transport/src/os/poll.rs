//! `poll` with a deadline.

use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
};

/// Waits until one of `flags`, an error or a hang-up is reported. Returns no flags at the deadline.
pub(crate) fn wait(file: &impl AsFd, flags: PollFlags, deadline: Instant) -> io::Result<PollFlags> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(file, flags)];
        match rustix::event::poll(&mut polled, Some(&timespec(left))) {
            Ok(_) => {
                let [polled] = polled;
                return Ok(polled.revents());
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}
