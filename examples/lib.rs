//! Runs the program in the README as a test. The examples are in the same folder.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
