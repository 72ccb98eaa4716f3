//! Any bytes into `token::fuzzing::tokens`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| token::fuzzing::tokens(bytes));
