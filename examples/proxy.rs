//! Relays between a host program and a unit, and prints what they say to each other.
//!
//! Start it with the address of the unit, and give the printed address to the host program.
//!
//! `cargo run -p pi18-examples --example proxy -- /dev/hidraw0`
#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "an example")]

use std::{error::Error, fs::File, io::Read, io::Write, time::Duration, time::Instant};

use pi18_proto::{Message, Observer, Side};
use pi18_transport::{Address, Link, bytes::BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::{pty, pty::OpenptFlags, termios};

fn main() -> Result<(), Box<dyn Error>> {
    let address: Address = std::env::args().nth(1).as_deref().unwrap_or("sim:0").parse()?;
    let mut unit = address.link()?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let mut host = File::from(pty::openpt(flags)?);
    pty::unlockpt(&host)?;
    // Keeps the pty open while no host program uses it.
    let other_end = pty::ioctl_tiocgptpeer(&host, flags)?;
    let mut mode = termios::tcgetattr(&other_end)?;
    mode.make_raw();
    termios::tcsetattr(&other_end, termios::OptionalActions::Now, &mode)?;
    println!("serial:{}", pty::ptsname(&host, Vec::new())?.to_str()?);

    let (mut observer, mut last, mut sent) = (Observer::new(), Instant::now(), [0; 256]);
    loop {
        let mut files = vec![PollFd::new(&host, PollFlags::IN)];
        files.extend(unit.as_fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // A link without a descriptor is asked again after a short time.
        let time =
            Timespec::try_from(Duration::from_millis(if files.len() > 1 { 1000 } else { 5 }))?;
        poll(&mut files, Some(&time))?;
        if files[0].revents().contains(PollFlags::IN) {
            let count = host.read(&mut sent)?;
            // No reply is that late.
            if last.elapsed() > Duration::from_secs(5) {
                observer.forget_requests();
            }
            show(&mut observer, Side::Host, &sent[..count]);
            unit.send(&sent[..count], unit.now() + Duration::from_secs(2))?;
            last = Instant::now();
        }
        let mut received = BytesMut::new();
        unit.receive(&mut received, unit.now())?;
        show(&mut observer, Side::Device, &received);
        host.write_all(&received)?;
    }
}

fn show(observer: &mut Observer, side: Side, mut bytes: &[u8]) {
    while let Some(event) = observer.next(side, &mut bytes) {
        println!("{side:?}: {}", event.message);
        if let Message::Reply(paired) = event.message {
            paired.reply.visit(&mut |field, value| println!("    {}: {value}", field.label));
        }
    }
}
