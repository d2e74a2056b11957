//! Jobs for a link, and the order in which the poller does them.

use std::{
    collections::VecDeque,
    fmt,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use lvx_parallel::Gap;
use pi18_transport::Client;

/// Work on a link. The poller does it between two questions, or calls it with a gap if the link is closed.
pub type Job = Box<dyn FnOnce(Result<&mut Client, &Gap>) -> JobEffect + Send>;

/// What a job did to the unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the poller reads the settings again after a set command"]
pub enum JobEffect {
    /// It did not send a set command.
    Unchanged,
    /// It sent a set command, whatever the outcome was.
    Set,
    /// It did nothing, but this computer was suspended before: everything is read again.
    Resumed,
    /// It reports that another unit of the bank got a set command: this unit may have a copy of the setting.
    SetElsewhere,
}

/// Which jobs a poller does first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Priority {
    /// Jobs of the bridge itself: a change of settings that has begun is finished before clients have their turn.
    Control,
    /// All other jobs, in the order in which they arrived.
    Client,
}

/// The poller of the link has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the poller of this link has ended")]
pub struct LinkGone;

/// Creates the queue of a link.
#[must_use]
pub fn job_queue() -> (JobSender, JobQueue) {
    let (sender, arriving) = mpsc::channel();
    (JobSender(sender), JobQueue { arriving, control: VecDeque::new(), clients: VecDeque::new() })
}

/// Adds jobs to a queue. Clones add to the same queue.
#[derive(Clone)]
pub struct JobSender(mpsc::Sender<(Priority, Job)>);

impl JobSender {
    /// Adds a job.
    ///
    /// # Errors
    /// If the queue was dropped.
    pub fn send(&self, priority: Priority, job: Job) -> Result<(), LinkGone> {
        self.0.send((priority, job)).map_err(|_| LinkGone)
    }
}

/// The jobs that wait for a link.
pub struct JobQueue {
    arriving: mpsc::Receiver<(Priority, Job)>,
    control: VecDeque<Job>,
    clients: VecDeque<Job>,
}

impl JobQueue {
    /// Returns the next job, and waits for one if none is there.
    ///
    /// # Errors
    /// If there is none within `time`, or all senders were dropped.
    pub fn next(&mut self, time: Duration) -> Result<Job, RecvTimeoutError> {
        while let Ok((priority, job)) = self.arriving.try_recv() {
            match priority {
                Priority::Control => self.control.push_back(job),
                Priority::Client => self.clients.push_back(job),
            }
        }
        let waiting = self.control.pop_front().or_else(|| self.clients.pop_front());
        waiting.map_or_else(|| self.arriving.recv_timeout(time).map(|(_, job)| job), Ok)
    }
}

impl fmt::Debug for JobSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSender").finish_non_exhaustive()
    }
}

impl fmt::Debug for JobQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobQueue")
            .field("control", &self.control.len())
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use lvx_parallel::Reason;

    use super::*;

    #[test]
    fn jobs_of_control_go_before_those_of_clients() {
        let (sender, mut queue) = job_queue();
        let (done, order) = mpsc::channel();
        let job = |number: u8| -> Job {
            let done = done.clone();
            Box::new(move |_| {
                done.send(number).unwrap();
                JobEffect::Unchanged
            })
        };
        for (priority, number) in
            [(Priority::Client, 3), (Priority::Client, 4), (Priority::Control, 1)]
        {
            sender.send(priority, job(number)).unwrap();
        }
        let gap = Gap::new(Reason::Gone, "gone");
        let mut next = || queue.next(Duration::ZERO).map(|job| job(Err(&gap)));
        assert_eq!(next(), Ok(JobEffect::Unchanged));
        // A client that has waited still comes after a job of control that arrives now.
        sender.send(Priority::Control, job(2)).unwrap();
        drop(sender);
        for _ in 0..3 {
            assert_eq!(next(), Ok(JobEffect::Unchanged));
        }
        assert_eq!(next(), Err(RecvTimeoutError::Disconnected));
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
