//! Runs [`pi18_fuzz::pack`] under libFuzzer.

#![cfg_attr(fuzzing, no_main)]
#![expect(unexpected_cfgs, reason = "set by cargo-fuzz, unknown to cargo")]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pi18_fuzz::pack(data));

#[cfg(not(fuzzing))]
fn main() {}
