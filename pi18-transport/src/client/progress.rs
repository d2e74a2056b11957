//! The progress of requests, for a display.

use std::{fmt, time::Duration};

use crate::{ClientConfig, dialogue::Question};

/// The start or the end of a request, for a progress display. See
/// [`Client::observe`](crate::Client::observe).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum QueryProgress {
    /// The client starts to send a request.
    Asking {
        /// The request; it is displayed as the data of its frame, such as `GS`.
        request: Question,
        /// Maximum time until the request ends, with all tries.
        patience: Duration,
    },
    /// The request has ended, with or without a reply.
    Done,
}

/// The function that a client calls at the start and end of each request, if it has one.
#[derive(Default)]
pub(crate) struct Observer(Option<Box<dyn FnMut(QueryProgress) + Send>>);

impl Observer {
    pub(crate) fn new(observer: impl FnMut(QueryProgress) + Send + 'static) -> Self {
        Self(Some(Box::new(observer)))
    }

    pub(crate) fn started(&mut self, request: Question, config: &ClientConfig) {
        if let Some(observe) = &mut self.0 {
            let patience = config.timeout.saturating_mul(config.tries.max(1)).min(config.deadline);
            observe(QueryProgress::Asking { request, patience });
        }
    }

    pub(crate) fn ended(&mut self) {
        if let Some(observe) = &mut self.0 {
            observe(QueryProgress::Done);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
