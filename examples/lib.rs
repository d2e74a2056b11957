//! The examples stand beside this file. What is here makes the README's program a test.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
