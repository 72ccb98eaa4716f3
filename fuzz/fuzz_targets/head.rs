//! Any bytes into `wire::fuzzing::head`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::fuzzing::head(bytes));
