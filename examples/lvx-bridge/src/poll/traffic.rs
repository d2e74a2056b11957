//! The last traffic of a link, for people who look for an error.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The last traffic of a link, as lines of a [capture](pi18_transport::CaptureLine). Clones refer to the same traffic.
///
/// It has a limit: the oldest lines make room for new ones.
#[derive(Clone, Default)]
pub struct Traffic(Arc<Mutex<VecDeque<u8>>>);

impl Traffic {
    /// Returns the lines, the oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<u8> {
        let bytes = self.bytes();
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        bytes.iter().copied().take(end).collect()
    }

    fn bytes(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Traffic {
    fn write(&mut self, new: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes();
        bytes.extend(new);
        while bytes.len() > MAX_BYTES {
            let line = bytes.iter().position(|byte| *byte == b'\n');
            let end = line.map_or(bytes.len(), |last| last + 1);
            bytes.drain(..end);
        }
        Ok(new.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").field("bytes", &self.bytes().len()).finish()
    }
}

/// Limit in bytes: some minutes of a unit that is asked every five seconds.
const MAX_BYTES: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use pi18_proto::Mode;
    use pi18_transport::{Address, CaptureRecorder, Client, Replay};

    use super::*;

    #[test]
    fn traffic_of_a_client_can_be_replayed() {
        let traffic = Traffic::default();
        let link = "sim:0".parse::<Address>().unwrap().link().unwrap();
        let recorded: Mode =
            Client::new(CaptureRecorder::new(link, traffic.clone())).read().unwrap();
        let text = String::from_utf8(traffic.lines()).unwrap();
        let replayed: Mode = Client::new(Replay::parse("capture", &text).unwrap()).read().unwrap();
        assert_eq!(replayed, recorded);
    }

    #[test]
    fn old_lines_make_room_for_new_ones() {
        let mut traffic = Traffic::default();
        let line = |number: usize| format!("{number:099}");
        for number in 0..10_000 {
            writeln!(traffic, "{}", line(number)).unwrap();
        }
        write!(traffic, "a line that is not complete").unwrap();
        let text = String::from_utf8(traffic.lines()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!((1300..=1311).contains(&lines.len()), "{}", lines.len());
        let first = 10_000 - lines.len();
        assert!((first..).zip(lines).all(|(number, found)| found == line(number)));
    }

    #[test]
    fn line_without_end_does_not_grow_without_limit() {
        let mut traffic = Traffic::default();
        for _ in 0..1000 {
            traffic.write_all(&[b'a'; 1000]).unwrap();
            assert!(traffic.bytes().len() <= MAX_BYTES);
        }
        assert_eq!(traffic.lines(), b"");
    }
}
