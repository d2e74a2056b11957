//! The examples stand beside this file. What is here makes the README's program a test.
#![doc = include_str!("../README.md")]
