//! The thread of the outputs, and the tasks on it.

use std::{
    fmt::Display,
    future::poll_fn,
    io,
    sync::mpsc,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{oneshot, watch},
};
use tracing::{error, warn};

use super::StartError;

/// The outputs of all banks. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Outputs {
    runtime: Handle,
    running: Vec<Output>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A task that ends when `stop` changes, and then drops the sender of `ended`.
#[derive(Debug)]
struct Output {
    name: &'static str,
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
}

impl Output {
    fn has_ended(&self) -> bool {
        self.ended.try_recv() == Err(mpsc::TryRecvError::Disconnected)
    }
}

impl Outputs {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let run = move || {
            // Ends when the sender is dropped, too.
            let _ = runtime.block_on(ended);
            runtime.shutdown_timeout(MAX_END);
        };
        let thread = thread::Builder::new().name("outputs".to_owned()).spawn(run)?;
        Ok(Self { runtime: handle, running: Vec::new(), end: Some(end), thread: Some(thread) })
    }

    /// Starts an output, which has to end soon after `stop` is true.
    ///
    /// # Errors
    /// If it ends with an error at once: its configuration cannot be used.
    pub(super) fn spawn<E: Display + Send + 'static, F>(
        &mut self,
        name: &'static str,
        output: impl FnOnce(watch::Receiver<bool>) -> F,
    ) -> Result<(), StartError>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let (first, started) = mpsc::channel();
        let (ending, ended) = mpsc::channel::<()>();
        let mut output = Box::pin(output(stopped));
        self.runtime.spawn(async move {
            let _ending = ending;
            let poll = poll_fn(|context| Poll::Ready(output.as_mut().poll(context))).await;
            let result = match poll {
                Poll::Ready(Err(error)) => {
                    // The receiver waits.
                    let _ = first.send(Err(error.to_string()));
                    return;
                }
                Poll::Ready(done) => {
                    let _ = first.send(Ok(()));
                    done
                }
                Poll::Pending => {
                    let _ = first.send(Ok(()));
                    output.await
                }
            };
            if let Err(error) = result {
                error!("{}; everything else goes on", StartError::output(name, &error));
            }
        });
        match started.recv() {
            Ok(Ok(())) => {
                self.running.push(Output { name, stop, ended });
                Ok(())
            }
            Ok(Err(why)) => Err(StartError::output(name, &why)),
            // The task panicked, which was printed.
            Err(_) => {
                Err(StartError::Output { output: name, why: "it could not start".to_owned() })
            }
        }
    }

    /// Returns whether an output of this name runs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.running.iter().any(|output| output.name == name && !output.has_ended())
    }

    /// Forgets the outputs that ended by themselves, with an error or a panic, and returns their names.
    pub(super) fn take_ended(&mut self) -> Vec<&'static str> {
        let (ended, running): (Vec<_>, _) =
            std::mem::take(&mut self.running).into_iter().partition(Output::has_ended);
        self.running = running;
        ended.iter().map(|output| output.name).collect()
    }

    /// Returns whether the thread of the outputs has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Tells the outputs of this name to end, and waits for them.
    pub(super) fn end(&mut self, name: &str) {
        let (ending, running) =
            std::mem::take(&mut self.running).into_iter().partition(|output| output.name == name);
        self.running = running;
        end(ending);
    }

    /// Ends all outputs and their thread. No output can be started after that.
    pub(super) fn end_all(&mut self) {
        end(std::mem::take(&mut self.running));
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

/// Tells these outputs to end, and waits for them.
fn end(outputs: Vec<Output>) {
    for output in &outputs {
        // An output that has ended already has no receiver.
        let _ = output.stop.send(true);
    }
    for output in outputs {
        if output.ended.recv_timeout(MAX_END) == Err(mpsc::RecvTimeoutError::Timeout) {
            warn!("{} did not end in time", output.name);
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.end_all();
    }
}

/// Time that an output has to end: the last messages to a broker that does not answer.
const MAX_END: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn output_that_panics_is_found_and_can_be_started_again() {
        let mut outputs = Outputs::start().unwrap();
        let (fail, failing) = oneshot::channel::<()>();
        let output = |_| async move {
            // The sender is dropped: this panics.
            failing.await.unwrap();
            Ok::<(), String>(())
        };
        outputs.spawn("one", output).unwrap();
        assert!(outputs.has("one"));
        assert!(outputs.take_ended().is_empty());
        drop(fail);
        // The task drops its sender when it ends.
        while outputs.has("one") {
            thread::yield_now();
        }
        assert_eq!(outputs.take_ended(), ["one"]);
        assert!(outputs.take_ended().is_empty());
        let output = |mut stop: watch::Receiver<bool>| async move {
            let _ = stop.wait_for(|stop| *stop).await;
            Ok::<(), String>(())
        };
        outputs.spawn("one", output).unwrap();
        assert!(outputs.has("one") && !outputs.has_ended());
    }

    #[test]
    fn output_that_fails_at_once_is_an_error_and_others_go_on() {
        let mut outputs = Outputs::start().unwrap();
        let has_ended = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&has_ended);
        outputs
            .spawn("one", |mut stop| async move {
                let _ = stop.wait_for(|stop| *stop).await;
                mark.store(true, Ordering::Release);
                Ok::<(), String>(())
            })
            .unwrap();
        let error = outputs.spawn("two", |_| async { Err("no such file") }).unwrap_err();
        assert_eq!(error.to_string(), "two: no such file");
        // An output that fails later does not end the other one.
        outputs
            .spawn("three", |_| async {
                tokio::task::yield_now().await;
                Err("later")
            })
            .unwrap();
        outputs.end("three");
        assert!(!has_ended.load(Ordering::Acquire));
        outputs.end("one");
        assert!(has_ended.load(Ordering::Acquire));
    }
}
