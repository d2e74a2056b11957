//! Compares what is published with what the virtual units really have.
