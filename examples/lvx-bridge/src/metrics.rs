//! Prometheus metrics, from the table of entities.
