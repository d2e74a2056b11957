//! Runs the program in the README of the repository as a test. The examples are the other files here.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
