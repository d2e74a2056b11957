//! The thread that writes files, so that a slow disk delays no core.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

use tracing::{info, warn};

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
    /// Set if it could not be written.
    has_failed: Arc<AtomicBool>,
}

impl Saver {
    pub(super) fn start(storage: Arc<dyn Storage>) -> io::Result<Self> {
        let (queue, files) = mpsc::sync_channel::<File>(MAX_WAITING);
        let run = move || {
            let mut is_failing = false;
            while let Ok(file) = files.recv() {
                match storage.save(&file.name, &file.content) {
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
                        file.has_failed.store(true, Ordering::Release);
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("files".to_owned()).spawn(run)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) fn handle(&self) -> Option<SaverHandle> {
        self.queue.clone().map(SaverHandle)
    }
}

impl SaverHandle {
    /// Hands a file over. Returns whether it was taken: not while the disk is slow.
    pub(super) fn save(&self, name: &str, content: &[u8], has_failed: &Arc<AtomicBool>) -> bool {
        let file = File {
            name: name.to_owned(),
            content: content.to_owned(),
            has_failed: Arc::clone(has_failed),
        };
        self.0.try_send(file).is_ok()
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
