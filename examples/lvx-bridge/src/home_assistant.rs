//! Discovery payloads for Home Assistant, from the table of entities.
