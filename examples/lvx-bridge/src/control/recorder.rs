//! The recorder of a run, which the kill switch interrupts.

use std::io;

use lvx_settings::{Action, ApplyReport, Audit, Plan, Record, Recorder, Unit};
use pi18_proto::DateTime;

/// A recorder whose run is interrupted, and so undone, as soon as a function returns true.
pub(super) struct Guarded<F> {
    recorder: Box<dyn Recorder>,
    is_stopped: F,
}

impl<F: Fn() -> bool> Guarded<F> {
    pub(super) fn new(recorder: Box<dyn Recorder>, is_stopped: F) -> Self {
        Self { recorder, is_stopped }
    }
}

impl<F: Fn() -> bool> Recorder for Guarded<F> {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        self.recorder.begin(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        self.recorder.record(record, at)
    }

    fn end(&mut self, report: &ApplyReport) {
        self.recorder.end(report);
    }

    fn audit(&mut self, line: &Audit) {
        self.recorder.audit(line);
    }

    fn watch(&mut self, action: &Action) {
        self.recorder.watch(action);
    }

    fn interrupts(&mut self) -> u32 {
        u32::from((self.is_stopped)())
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupts() > 0
    }
}
