//! Counters that the bridge itself keeps.

/// Counters that the bridge itself keeps. What is shown is what the disk has, so that it does not fall after a crash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Durable<T> {
    /// The present counters.
    pub(super) now: T,
    /// Counters that are being saved.
    saving: T,
    shown: T,
}

impl<T: Copy> Durable<T> {
    /// Takes counters that are on the disk.
    pub(super) fn restore(saved: T) -> Self {
        Self { now: saved, saving: saved, shown: saved }
    }

    /// Remembers that the present counters are being saved.
    pub(super) fn mark_saved(&mut self) {
        self.saving = self.now;
    }

    /// Returns the counters of the last [`mark_saved`](Self::mark_saved), which may not be on the disk.
    pub(super) fn saving(&self) -> T {
        self.saving
    }

    /// Shows the counters of the last [`mark_saved`](Self::mark_saved), which are on the disk now.
    pub(super) fn show_saved(&mut self) {
        self.shown = self.saving;
    }

    /// Returns the counters that are shown.
    pub(super) fn shown(&self) -> T {
        self.shown
    }
}
