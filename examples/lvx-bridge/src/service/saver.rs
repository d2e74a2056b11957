//! The thread that writes files, so that a slow disk delays no core.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

use tracing::{info, warn};

use super::files::Save;
use crate::storage::Storage;

/// Writes files on a thread of its own. Dropping it waits for the files that were handed over.
#[derive(Debug)]
pub(super) struct Saver {
    queue: Option<SyncSender<File>>,
    thread: Option<JoinHandle<()>>,
}

/// Access to a [`Saver`].
#[derive(Clone, Debug)]
pub(super) struct SaverHandle(SyncSender<File>);

/// A file to be written.
#[derive(Debug)]
struct File {
    name: String,
    content: Vec<u8>,
    /// Gets whether it was written.
    written: Arc<OnceLock<bool>>,
    /// Gets the result.
    done: Option<mpsc::Sender<io::Result<()>>>,
}

impl Saver {
    pub(super) fn start(storage: Arc<dyn Storage>) -> io::Result<Self> {
        let (queue, files) = mpsc::sync_channel::<File>(MAX_WAITING);
        let run = move || {
            let mut is_failing = false;
            while let Ok(file) = files.recv() {
                let result = storage.save(&file.name, &file.content);
                if let Some(done) = file.done {
                    // The sender waits.
                    let _ = done.send(result);
                    continue;
                }
                // Set once: each file has its own.
                let _ = file.written.set(result.is_ok());
                match result {
                    Ok(()) if is_failing => {
                        is_failing = false;
                        info!("files are saved again");
                    }
                    Ok(()) => {}
                    Err(error) => {
                        if !is_failing {
                            let name = &file.name;
                            warn!(
                                "{name} cannot be saved: {error}; the bridge goes on and tries again"
                            );
                        }
                        is_failing = true;
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("files".to_owned()).spawn(run)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Returns whether the thread has ended: then nothing is saved any more.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(super) fn handle(&self) -> Option<SaverHandle> {
        self.queue.clone().map(SaverHandle)
    }
}

impl Save for SaverHandle {
    fn save(&self, name: &str, content: &[u8], written: &Arc<OnceLock<bool>>) -> bool {
        let file = File {
            name: name.to_owned(),
            content: content.to_owned(),
            written: Arc::clone(written),
            done: None,
        };
        self.0.try_send(file).is_ok()
    }
}

impl SaverHandle {
    /// Writes a file after those that wait, so that no older content replaces it. Returns once it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn save_now(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let (done, result) = mpsc::channel();
        let (name, content) = (name.to_owned(), content.to_owned());
        let file = File { name, content, written: Arc::default(), done: Some(done) };
        let ended = || io::Error::other("the thread that writes files has ended");
        self.0.send(file).map_err(|_| ended())?;
        result.recv().map_err(|_| ended())?
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

/// Maximum number of files that wait.
const MAX_WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A storage that remembers what it wrote, and is full from the third file on.
    #[derive(Default)]
    struct Written(Mutex<Vec<Vec<u8>>>);

    impl Storage for Written {
        fn load(&self, _name: &str) -> io::Result<Option<Vec<u8>>> {
            Ok(None)
        }

        fn save(&self, _name: &str, content: &[u8]) -> io::Result<()> {
            let mut written = self.0.lock().unwrap();
            if written.len() >= 2 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.push(content.to_owned());
            Ok(())
        }
    }

    #[test]
    fn file_that_is_written_now_follows_those_that_wait() {
        let storage = Arc::new(Written::default());
        let saver = Saver::start(storage.clone()).unwrap();
        let handle = saver.handle().unwrap();
        assert!(handle.save("a", b"old", &Arc::default()));
        handle.save_now("a", b"new").unwrap();
        assert_eq!(*storage.0.lock().unwrap(), [b"old".to_vec(), b"new".to_vec()]);
        let error = handle.save_now("a", b"newer").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
