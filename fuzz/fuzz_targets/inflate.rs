//! Any bytes into `wire::fuzzing::inflate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::fuzzing::inflate(bytes));
