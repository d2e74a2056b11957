//! The whole bridge in one process: threads, channels, start and end.
